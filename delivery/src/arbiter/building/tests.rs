use super::{AT_ONCE, MADE_HERE_AT_MOST};
use crate::account::Account;
use crate::arbiter::{ArbiterState, Arbiters, OwnMessage, Unfinished};
use crate::moment::Moment;
use crate::outbox::{ConnectionSubscription, Flushed, Outbox};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use vagus_protocol::operation::{Groups, Publish};
use vagus_routing::{AccountId, ConnectionId, Origin};

/// Says that an owner was woken.
struct Bell(Mutex<Sender<()>>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let _ = self.0.lock().unwrap().send(());
    }
}

struct World {
    account: Arc<Account>,
    arbiter: ArbiterState,
}

impl World {
    fn new() -> Self {
        Self {
            account: Arc::new(Account::new(AccountId(0), "A")),
            arbiter: ArbiterState::new(0, Arc::new(Arbiters::new(1)), 1, 4096),
        }
    }

    fn peer(&self, id: ConnectionId) -> Arc<Outbox> {
        let slot = self.arbiter.shared.slots.take();
        Arc::new(Outbox::new(slot, id, 0, usize::MAX, None))
    }

    /// Subscribes more often than one turn can make a fan-out of.
    fn subscribe_widely(&self, peer: &Arc<Outbox>, subject: &[u8]) -> Vec<Arc<ConnectionSubscription>> {
        let subscriptions: Vec<_> = (0..=MADE_HERE_AT_MOST)
            .map(|sid| {
                let sid = sid.to_string();
                Arc::new(ConnectionSubscription::new(
                    subject,
                    None,
                    sid.as_bytes(),
                    peer.clone(),
                ))
            })
            .collect();
        let mut index = self.account.interest().change();
        for subscription in &subscriptions {
            assert!(index.insert(subscription.clone()));
        }
        self.account.interest().versions().bump(subject);
        subscriptions
    }

    /// A turn of a publisher that goes on from the last; what it leaves for the next.
    fn turn(&mut self, subject: &[u8], left: Option<Box<Unfinished>>) -> Option<Box<Unfinished>> {
        let delivery = &mut self.arbiter.delivery;
        delivery.staging.begin_turn(Moment::default());
        match left.map(|left| *left) {
            Some(Unfinished::Resolving(resolving)) => delivery.resume(Some(resolving)),
            Some(other) => {
                let left = delivery.proceed(Box::new(other));
                delivery.staging.hand_over();
                return left;
            }
            None => {}
        }
        let message = Publish {
            subject,
            reply: None,
            groups: Groups::All,
            header_size: None,
            header_size_text: b"",
            size_text: b"2",
            tail: Some(b"2\r\nhi\r\n"),
            body: b"hi",
            line_len: 0,
        };
        let origin = Origin::server(self.account.id());
        if delivery.goes_on(&self.account, Some(&message), origin) {
            assert!(delivery.publish(&self.account, &message, origin));
            delivery.close_run();
        }
        delivery.resume(None);
        delivery.staging.hand_over();
        delivery.take_unfinished()
    }
}

fn bytes_for(peer: &Outbox) -> usize {
    let mut chunks = Vec::new();
    while peer.flush_with(|batch| batch.take_chunks(usize::MAX, &mut chunks)) == Flushed::Interrupted {}
    chunks.iter().map(bytes::Bytes::len).sum()
}

/// What the subscriptions that are open get of one message.
fn bytes_of(subject: &str, subscriptions: &[Arc<ConnectionSubscription>]) -> usize {
    let open = subscriptions
        .iter()
        .filter(|subscription| !subscription.is_closed());
    let line = |sid: &[u8]| "MSG  ".len() + subject.len() + sid.len() + " 2\r\nhi\r\n".len();
    open.map(|subscription| line(subscription.sid())).sum()
}

#[test]
fn a_publisher_waits_alone_for_a_fanout_that_takes_long() {
    let mut world = World::new();
    let subscriber = world.peer(1);
    let subscriptions = world.subscribe_widely(&subscriber, b"wide");
    let (ring, rung) = mpsc::channel();
    let publisher = world.peer(2);
    let bell = Waker::from(Arc::new(Bell(Mutex::new(ring))));
    publisher.attend(&bell);

    let mut left = world.turn(b"wide", None).expect("too much for one turn");
    assert!(world.arbiter.leave_to_others(&mut left, &publisher));
    rung.recv().unwrap();
    // One that ends after the list was made gets nothing any more.
    subscriptions[7].close();
    let mut left = world.turn(b"wide", Some(left));
    while let Some(mut unfinished) = left {
        assert!(
            !world.arbiter.leave_to_others(&mut unfinished, &publisher),
            "it is made"
        );
        left = world.turn(b"wide", Some(unfinished));
    }
    assert_eq!(bytes_for(&subscriber), bytes_of("wide", &subscriptions));
}

#[test]
fn no_more_than_a_few_are_made_at_once_and_each_publisher_gets_its_turn() {
    let mut world = World::new();
    let subscriber = world.peer(1);
    let publishers: Vec<_> = (0..2 * AT_ONCE as u64).map(|id| world.peer(2 + id)).collect();
    let subjects: Vec<_> = (0..publishers.len())
        .map(|number| format!("wide.{number}"))
        .collect();
    let mut expected = 0;
    for subject in &subjects {
        let subscriptions = world.subscribe_widely(&subscriber, subject.as_bytes());
        expected += bytes_of(subject, &subscriptions);
    }
    let (ring, rung) = mpsc::channel();
    let bell = Waker::from(Arc::new(Bell(Mutex::new(ring))));
    // None of the first turn; then what each has left, and whether it waits.
    let mut left: Vec<Option<Option<Box<Unfinished>>>> = publishers.iter().map(|_| Some(None)).collect();
    while left.iter().any(Option::is_some) {
        let mut all_wait = true;
        for ((publisher, subject), place) in publishers.iter().zip(&subjects).zip(&mut left) {
            let Some(before) = place.take() else {
                continue;
            };
            publisher.attend(&bell);
            if let Some(mut after) = world.turn(subject.as_bytes(), before) {
                all_wait &= world.arbiter.leave_to_others(&mut after, publisher);
                assert!(world.arbiter.delivery.under_way.0.len() <= AT_ONCE);
                *place = Some(Some(after));
            }
        }
        if all_wait && left.iter().any(Option::is_some) {
            rung.recv().unwrap();
        }
    }
    assert_eq!(bytes_for(&subscriber), expected);
}

#[test]
fn a_fanout_that_cannot_be_made_elsewhere_is_begun_anew() {
    let mut world = World::new();
    let subscriber = world.peer(1);
    let subscriptions = world.subscribe_widely(&subscriber, b"wide");
    let publisher = world.peer(2);
    let mut left = world.turn(b"wide", None).expect("too much for one turn");
    world.arbiter.leave_to_others(&mut left, &publisher);
    let building = world.arbiter.delivery.under_way.first().unwrap().clone();
    building.end(super::State::Failed);
    let mut left = Some(left);
    while let Some(unfinished) = left {
        // Nobody takes it: it is made where it is needed.
        left = world.turn(b"wide", Some(unfinished));
    }
    assert_eq!(bytes_for(&subscriber), bytes_of("wide", &subscriptions));
}

/// The event of a traced message, say, may go to as many.
#[test]
fn a_message_of_the_servers_own_waits_for_its_route_like_others() {
    let mut world = World::new();
    let subscriber = world.peer(1);
    let subscriptions = world.subscribe_widely(&subscriber, b"wide");
    let (ring, rung) = mpsc::channel();
    let publisher = world.peer(2);
    publisher.attend(&Waker::from(Arc::new(Bell(Mutex::new(ring)))));
    let delivery = &mut world.arbiter.delivery;
    delivery.staging.begin_turn(Moment::default());
    for _ in 0..2 {
        let message = OwnMessage {
            subject: Box::from(*b"wide"),
            header: b"",
            payload: b"hi".to_vec(),
        };
        delivery.answer(&world.account, message);
    }
    let mut left = delivery.take_unfinished();
    let mut waited = 0;
    while let Some(mut unfinished) = left {
        if world.arbiter.leave_to_others(&mut unfinished, &publisher) {
            rung.recv().unwrap();
            waited += 1;
        }
        left = world.turn(b"wide", Some(unfinished));
    }
    // The second goes by the fan-out of the first.
    assert_eq!(waited, 1);
    assert_eq!(bytes_for(&subscriber), 2 * bytes_of("wide", &subscriptions));
}

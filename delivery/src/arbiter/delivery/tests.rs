use super::*;
use crate::arbiter::Arbiters;
use crate::interest::LOOKED_AT_ONCE;
use crate::moment::Moment;
use crate::outbox::{ConnectionSubscription, Flushed};
use bytes::Bytes;
use vagus_configs::GLOBAL_ACCOUNT;
use vagus_protocol::error::CloseReason;
use vagus_protocol::operation::{Groups, Operation};
use vagus_protocol::parser::{FrameLimits, Parsed, parse};
use vagus_routing::{ConnectionId, Destination};

/// Who is subscribed, and the arbiter of who publishes.
struct World {
    account: Arc<Account>,
    delivery: Delivery,
    arbiters: Arbiters,
    peers: Vec<Arc<Outbox>>,
}

impl World {
    fn new() -> Self {
        let mut delivery = Delivery::new(7);
        delivery.staging.begin_turn(Moment::default());
        Self {
            account: Arc::new(Account::new(AccountId(0), GLOBAL_ACCOUNT)),
            delivery,
            arbiters: Arbiters::new(1),
            peers: Vec::new(),
        }
    }

    /// A connection that nobody writes for; its number counts from 0.
    fn peer(&mut self) -> Arc<Outbox> {
        let id = self.peers.len() as ConnectionId;
        let peer = Arc::new(Outbox::new(self.arbiters.slots.take(), id, 0, usize::MAX, None));
        peer.set_accepts_headers(true);
        self.peers.push(peer.clone());
        peer
    }

    fn subscribe(&mut self, peer: &Arc<Outbox>, subject: &str, sid: usize) -> Arc<ConnectionSubscription> {
        self.subscribe_as(peer, subject, &outlets::sid_of(peer, sid))
    }

    /// As the Router does it.
    fn unsubscribe(&mut self, subscription: &Arc<ConnectionSubscription>) {
        subscription.close();
        assert!(self.account.interest().change().remove(subscription));
        self.account.interest().versions().bump(subscription.subject());
    }

    fn join(&mut self, members: &[&Arc<Outbox>], subject: &str, queue: &str) {
        let member = |peer: &&Arc<Outbox>| {
            let queue = Some(queue.as_bytes());
            Arc::new(ConnectionSubscription::new(
                subject.as_bytes(),
                queue,
                b"1",
                (*peer).clone(),
            ))
        };
        let members = members.iter().map(member).collect();
        self.account
            .interest()
            .change()
            .set_group(subject.as_bytes(), queue.as_bytes(), members);
        self.account.interest().versions().bump(subject.as_bytes());
    }

    /// `except`: who publishes, and wants no echo.
    fn publish(&mut self, frame: &str, except: Option<ConnectionId>) -> bool {
        let message = parsed(frame);
        let origin = from(except);
        while !self.delivery.goes_on(&self.account, Some(&message), origin) {
            // What no other thread is given is made here, in a turn of its own.
            let unfinished = self.delivery.take_unfinished().expect("the turn is spent");
            let Unfinished::Resolving(resolving) = *unfinished else {
                panic!("{unfinished:?}");
            };
            self.delivery.resume(Some(resolving));
            self.delivery.staging.begin_turn(Moment::default());
        }
        self.delivery.publish(&self.account, &message, origin)
    }

    /// Ends the turn; gives what it could not do to its end, and how many messages it has handed over.
    fn end(&mut self) -> (Option<Box<Unfinished>>, u64) {
        self.delivery.close_run();
        self.delivery.staging.hand_over();
        let unfinished = self.delivery.take_unfinished();
        (unfinished, self.delivery.take_traffic().messages_out)
    }

    /// A further turn of the same publisher.
    fn go_on(&mut self, spread: Box<Unfinished>) -> (Option<Box<Unfinished>>, u64) {
        self.delivery.staging.begin_turn(Moment::default());
        let unfinished = self.delivery.proceed(spread);
        self.delivery.staging.hand_over();
        (unfinished, self.delivery.take_traffic().messages_out)
    }

    /// Ends the turn and has as many more as it takes; gives how many messages each has handed over.
    fn turns(&mut self) -> Vec<u64> {
        let (mut unfinished, delivered) = self.end();
        let mut turns = vec![delivered];
        while let Some(spread) = unfinished {
            let (rest, delivered) = self.go_on(spread);
            turns.push(delivered);
            unfinished = rest;
        }
        turns
    }
}

/// A client that is none of the connections, or one of them that wants no echo.
fn from(except: Option<ConnectionId>) -> Origin {
    let account = AccountId(0);
    match except {
        Some(connection) => Origin::client(connection, account, false),
        None => Origin::client(ConnectionId::MAX, account, true),
    }
}

fn parsed(frame: &str) -> Publish<'_> {
    let limits = FrameLimits {
        max_control_line: 4096,
        max_payload: 64 << 20,
        headers: true,
    };
    match parse(frame.as_bytes(), &limits) {
        Parsed::Frame {
            operation: Operation::Publish(message),
            ..
        } => message,
        other => panic!("{other:?}"),
    }
}

/// What was delivered to a connection and not taken before.
fn taken(peer: &Outbox) -> String {
    let mut chunks: Vec<Bytes> = Vec::new();
    let mut take = || peer.flush_with(|batch| batch.take_chunks(usize::MAX, &mut chunks));
    while take() == Flushed::Interrupted {}
    String::from_utf8(chunks.concat()).unwrap()
}

const WIDE: usize = WORK_OF_A_TURN + WORK_OF_A_TURN / 2;

#[test]
fn a_turn_is_spent_by_the_copies_it_makes() {
    let mut world = World::new();
    let peer = world.peer();
    for sid in 0..1_000 {
        world.subscribe(&peer, "x", sid);
    }
    let mut messages = 0;
    while !world.delivery.is_spent() {
        world.publish("PUB x 0\r\n\r\n", None);
        messages += 1;
    }
    assert!((50..=66).contains(&messages), "{messages}");
    assert_eq!(world.turns(), [messages * 1_000]);
}

#[test]
fn a_turn_is_spent_by_resolving() {
    let mut world = World::new();
    let peer = world.peer();
    for sid in 0..1_000 {
        world.subscribe(&peer, &format!("*.{sid}"), sid);
        world.subscribe(&peer, &format!("a.*.{sid}.z"), sid);
    }
    // Nothing of the last matches.
    for number in 0..1_000_000 {
        world.publish(&format!("PUB a.{number}.0.y 0\r\n\r\n"), None);
        if world.delivery.is_spent() {
            return;
        }
    }
    panic!("resolving costs nothing");
}

#[test]
fn a_message_for_more_than_a_turn_goes_to_everybody_once() {
    let mut world = World::new();
    let peer = world.peer();
    for sid in 0..WIDE {
        world.subscribe(&peer, "x", sid);
    }
    assert!(world.publish("PUB x 2\r\nhi\r\n", None));
    let turns = world.turns();
    assert!((2..=3).contains(&turns.len()), "{turns:?}");
    assert!(
        turns.iter().all(|delivered| *delivered <= WORK_OF_A_TURN as u64),
        "{turns:?}"
    );
    let expected: String = (0..WIDE).map(|sid| format!("MSG x {sid} 2\r\nhi\r\n")).collect();
    assert!(taken(&peer) == expected);
}

#[test]
fn each_destination_gets_several_messages_in_their_order() {
    let mut world = World::new();
    let many = world.peer();
    for sid in 0..WIDE {
        world.subscribe(&many, "x", sid);
    }
    let twice = world.peer();
    let once = [world.peer(), world.peer()];
    world.subscribe(&twice, "x", 1);
    world.subscribe(&twice, ">", 2);
    for peer in &once {
        world.subscribe(peer, "x", 1);
    }
    for payload in 1..4 {
        assert!(world.publish(&format!("PUB x 1\r\n{payload}\r\n"), None));
    }
    let turns = world.turns();
    assert_eq!(turns.iter().sum::<u64>(), 3 * (WIDE as u64 + 4));
    let of_both = |payload| format!("MSG x 1 1\r\n{payload}\r\nMSG x 2 1\r\n{payload}\r\n");
    assert_eq!(taken(&twice), [of_both(1), of_both(2), of_both(3)].concat());
    for peer in &once {
        assert_eq!(
            taken(peer),
            "MSG x 1 1\r\n1\r\nMSG x 1 1\r\n2\r\nMSG x 1 1\r\n3\r\n"
        );
    }
    let of_many = taken(&many);
    let places = |payload| of_many.find(&format!("\r\n{payload}\r\n")).unwrap();
    assert!(places(1) < places(2) && places(2) < places(3));
}

#[test]
fn something_else_is_published_once_everybody_has_what_came_before() {
    let mut world = World::new();
    let peer = world.peer();
    for sid in 0..WIDE {
        world.subscribe(&peer, "x", sid);
    }
    world.publish("PUB x 0\r\n\r\n", None);
    let another = Publish {
        subject: b"y",
        reply: None,
        groups: Groups::All,
        header_size: None,
        header_size_text: b"",
        size_text: b"0",
        tail: Some(b"0\r\n\r\n"),
        body: b"",
        line_len: 0,
    };
    assert!(!world.delivery.goes_on(&world.account, Some(&another), from(None)));
    assert!(world.delivery.is_unfinished());
}

#[test]
fn one_that_unsubscribes_between_two_turns_gets_nothing_more() {
    let mut world = World::new();
    let peer = world.peer();
    let subscriptions: Vec<_> = (0..WIDE).map(|sid| world.subscribe(&peer, "x", sid)).collect();
    world.publish("PUB x 0\r\n\r\n", None);
    let (spread, first) = world.end();
    for subscription in &subscriptions[..WIDE - 1] {
        world.unsubscribe(subscription);
    }
    // A subscriber that comes now was not there when the message was published.
    world.subscribe(&peer, "x", WIDE);
    taken(&peer);
    let (mut unfinished, mut rest) = world.go_on(spread.unwrap());
    while let Some(spread) = unfinished {
        let (next, delivered) = world.go_on(spread);
        unfinished = next;
        rest += delivered;
    }
    assert!(first > 0);
    assert_eq!(rest, 1);
    assert_eq!(taken(&peer), format!("MSG x {} 0\r\n\r\n", WIDE - 1));
}

#[test]
fn a_maximum_that_is_set_between_two_turns_is_kept_to() {
    let mut world = World::new();
    let (peer, other) = (world.peer(), world.peer());
    for sid in 0..WIDE {
        world.subscribe(&peer, "x", sid);
    }
    let last = world.subscribe(&other, "x", 1);
    for _ in 0..5 {
        world.publish("PUB x 0\r\n\r\n", None);
    }
    let (spread, _) = world.end();
    assert!(!last.set_limit(3));
    let mut unfinished = spread;
    while let Some(spread) = unfinished {
        (unfinished, _) = world.go_on(spread);
    }
    assert_eq!(last.delivered(), 3);
    assert_eq!(taken(&other), "MSG x 1 0\r\n\r\n".repeat(3));
}

#[test]
fn many_connections_get_what_they_share_in_several_turns() {
    let mut world = World::new();
    let peers: Vec<_> = (0..5_000).map(|_| world.peer()).collect();
    let subscriptions: Vec<_> = peers.iter().map(|peer| world.subscribe(peer, "x", 1)).collect();
    for payload in 0..3 {
        world.publish(
            &format!("HPUB x 12 13\r\nNATS/1.0\r\n\r\n{payload}\r\n"),
            Some(17),
        );
    }
    let (spread, first) = world.end();
    assert!(first < 3 * 2_500, "a destination costs more than a copy");
    peers[4_000].close(CloseReason::ClientClosed);
    world.unsubscribe(&subscriptions[4_001]);
    let mut unfinished = spread;
    let mut turns = 1;
    while let Some(spread) = unfinished {
        (unfinished, _) = world.go_on(spread);
        turns += 1;
    }
    assert!((3..5).contains(&turns), "{turns}");
    let expected: String = (0..3)
        .map(|payload| format!("HMSG x 1 12 13\r\nNATS/1.0\r\n\r\n{payload}\r\n"))
        .collect();
    for (number, peer) in peers.iter().enumerate() {
        let gets_nothing = [17, 4_000, 4_001].contains(&number);
        assert_eq!(taken(peer), if gets_nothing { "" } else { &expected }, "{number}");
    }
}

#[test]
fn large_messages_are_spread_by_their_bytes() {
    let mut world = World::new();
    let peer = world.peer();
    for sid in 0..100 {
        world.subscribe(&peer, "x", sid);
    }
    let payload = "p".repeat(1 << 18);
    let frame = format!("PUB x {}\r\n{payload}\r\n", payload.len());
    world.publish("PUB x 1\r\n0\r\n", None);
    assert!(world.publish(&frame, None));
    let turns = world.turns();
    assert_eq!(turns.iter().sum::<u64>(), 200);
    assert!(turns[1..].iter().all(|delivered| *delivered <= 33), "{turns:?}");
    let line = |sid| format!("MSG x {sid} {}\r\n{payload}\r\n", payload.len());
    let small: String = (0..100).map(|sid| format!("MSG x {sid} 1\r\n0\r\n")).collect();
    let large: String = (0..100).map(line).collect();
    assert!(taken(&peer) == small + &large);
}

#[test]
fn nothing_is_made_for_one_that_is_gone() {
    let mut world = World::new();
    let peer = world.peer();
    for sid in 0..WIDE {
        world.subscribe(&peer, "x", sid);
    }
    for _ in 0..100 {
        world.publish("PUB x 0\r\n\r\n", None);
    }
    let (spread, _) = world.end();
    peer.close(CloseReason::ClientClosed);
    let mut unfinished = spread;
    let mut turns = 0;
    while let Some(spread) = unfinished {
        let delivered;
        (unfinished, delivered) = world.go_on(spread);
        turns += 1;
        assert_eq!(delivered, 0);
    }
    assert!(turns <= 4, "{turns}");
}

#[test]
fn of_many_queue_groups_each_gets_every_message_once() {
    let mut world = World::new();
    let (one, other) = (world.peer(), world.peer());
    for number in 0..WORK_OF_A_TURN + 1 {
        world.join(&[&one, &other], "x", &format!("q{number}"));
    }
    world.publish("PUB x 1\r\n1\r\n", Some(one.connection_id()));
    let turns = world.turns();
    assert!((2..=3).contains(&turns.len()), "{turns:?}");
    assert_eq!(taken(&one), "", "the publisher is passed by");
    assert_eq!(taken(&other), "MSG x 1 1\r\n1\r\n".repeat(WORK_OF_A_TURN + 1));
}

#[test]
fn a_queue_group_does_not_slow_those_who_publish_headers_or_want_no_echo() {
    let mut world = World::new();
    let (with, without) = (world.peer(), world.peer());
    without.set_accepts_headers(false);
    world.join(&[&without], "x", "q");
    world.join(&[&with, &without], "y", "q");
    for payload in 1..3 {
        world.publish(&format!("HPUB x r 12 13\r\nNATS/1.0\r\n\r\n{payload}\r\n"), None);
        assert!(
            world.delivery.may_publish_again(1) > 0,
            "the member that is picked is asked"
        );
    }
    world
        .delivery
        .publish_again(&Repeats::one(b"r 12 13\r\nNATS/1.0\r\n\r\n3\r\n", 13));
    world.end();
    assert_eq!(
        taken(&without),
        "MSG x 1 r 1\r\n1\r\nMSG x 1 r 1\r\n2\r\nMSG x 1 r 1\r\n3\r\n"
    );
    for _ in 0..20 {
        assert!(world.publish("PUB y 0\r\n\r\n", Some(0)));
        assert!(world.delivery.may_publish_again(1) > 0);
    }
    assert!(!world.publish("PUB y 0\r\n\r\n", Some(0)) || taken(&with).is_empty());
    world.end();
    assert_eq!(taken(&with), "");
}

#[test]
fn a_publisher_without_a_further_turn_does_it_all_at_once() {
    let mut world = World::new();
    let peer = world.peer();
    for sid in 0..WIDE {
        world.subscribe(&peer, "x", sid);
    }
    world.publish("PUB x 0\r\n\r\n", None);
    world.delivery.close_run();
    world.delivery.finish();
    assert_eq!(world.turns(), [WIDE as u64]);
}

#[test]
fn the_busiest_subjects_are_reported() {
    let mut world = World::new();
    let peer = world.peer();
    world.subscribe(&peer, ">", 1);
    for round in 0..3 {
        for subject in 0..10 {
            for _ in 0..=subject {
                world.publish(&format!("PUB s.{subject} 1\r\n{round}\r\n"), None);
            }
        }
    }
    world.end();
    let mut busiest: Vec<_> = world
        .delivery
        .busiest_subjects(2)
        .into_iter()
        .map(|busy| String::from_utf8(busy.subject.into()).unwrap())
        .collect();
    busiest.sort();
    assert_eq!(busiest, ["s.8", "s.9"]);
}

/// Subscriptions to which no subject that ends in `n` goes, though each of their first tokens matches `a`.
fn overlap(world: &mut World, peer: &Arc<Outbox>, tokens: u32) -> Vec<Arc<ConnectionSubscription>> {
    let pattern = |number: usize| {
        let token = |at| if number >> at & 1 == 0 { "a." } else { "*." };
        (0..tokens).map(token).collect::<String>() + "z"
    };
    (0..1 << tokens)
        .map(|number| world.subscribe(peer, &pattern(number), number))
        .collect()
}

/// Has as many turns as it takes until the message is published, each of which is asked about it once; `between` is done
/// between two of them. Gives how many turns there were, and how much the widest did.
fn publish_in_turns(
    world: &mut World,
    frame: &str,
    mut between: impl FnMut(&mut World, usize),
) -> (usize, usize) {
    let mut widest = 0;
    for turn in 1.. {
        world.delivery.staging.begin_turn(Moment::default());
        let message = parsed(frame);
        let goes_on = world.delivery.goes_on(&world.account, Some(&message), from(None));
        widest = widest.max(WORK_OF_A_TURN - world.delivery.staging.work_left());
        if goes_on {
            world.delivery.resume(None);
            world.delivery.publish(&world.account, &message, from(None));
            return (turn, widest);
        }
        world.delivery.resume(None);
        let (unfinished, delivered) = world.end();
        assert_eq!(delivered, 0);
        let Some(Unfinished::Resolving(resolving)) = unfinished.map(|unfinished| *unfinished) else {
            panic!("neither done nor begun");
        };
        between(world, turn);
        world.delivery.resume(Some(resolving));
    }
    unreachable!()
}

#[test]
fn a_turn_resolves_no_more_than_its_part() {
    let mut world = World::new();
    let peer = world.peer();
    overlap(&mut world, &peer, 15);
    let subject = "a.".repeat(15) + "n";
    let (turns, widest) = publish_in_turns(&mut world, &format!("PUB {subject} 0\r\n\r\n"), |_, _| {});
    assert!((3..=6).contains(&turns), "{turns}");
    assert!(widest <= LOOKED_AT_ONCE + 1, "{widest}");
    assert_eq!(world.end().1, 0);
    assert_eq!(world.delivery.fanouts.stats().entries, 0, "asked for once");
    // And somebody who has one turn alone.
    let message = format!("PUB {subject} 0\r\n\r\n");
    world
        .delivery
        .publish(&world.account, &parsed(&message), from(None));
    assert_eq!(world.account.interest().stats().resolves, 2);
}

#[test]
fn a_subject_that_is_resolved_in_several_turns_reaches_all_that_are_there_throughout() {
    let mut world = World::new();
    let peer = world.peer();
    let all = overlap(&mut world, &peer, 14);
    let subject = "a.".repeat(14) + "z";
    let (first, last) = (all[0].clone(), all[all.len() - 1].clone());
    let late = world.peer();
    let (turns, _) = publish_in_turns(&mut world, &format!("PUB {subject} 0\r\n\r\n"), |world, turn| {
        if turn == 1 {
            // What the first part has found, and what none has yet.
            world.unsubscribe(&first);
            world.unsubscribe(&last);
            world.subscribe(&late, "b.>", 1);
        }
    });
    assert!(turns > 2, "{turns}");
    let gone = [&first, &last].map(|it| format!("MSG {subject} {} 0\r\n\r\n", sid(it)));
    assert_eq!(world.turns().iter().sum::<u64>(), (1 << 14) - 2);
    let taken = taken(&peer);
    for line in gone {
        assert!(!taken.contains(&line), "{line}");
    }
    for it in &all[1..all.len() - 1] {
        assert_eq!(it.delivered(), 1);
    }
}

#[test]
fn a_fanout_that_was_resolved_while_something_changed_is_not_kept_as_current() {
    let mut world = World::new();
    let peer = world.peer();
    overlap(&mut world, &peer, 15);
    let subject = "a.".repeat(15) + "n";
    let frame = format!("PUB {subject} 0\r\n\r\n");
    publish_in_turns(&mut world, &frame, |_, _| {});
    world.end();
    let late = world.peer();
    // Where the walk has been already.
    publish_in_turns(&mut world, &frame, |world, turn| {
        if turn == 2 {
            world.subscribe(&late, &subject, 1);
        }
    });
    world.end();
    assert_eq!(world.delivery.fanouts.stats().entries, 1);
    assert_eq!(taken(&late), "");
    publish_in_turns(&mut world, &frame, |_, _| {});
    assert_eq!(world.end().1, 1);
    assert_eq!(taken(&late), format!("MSG {subject} 1 0\r\n\r\n"));
    // This one is.
    let (turns, widest) = publish_in_turns(&mut world, &frame, |_, _| {});
    assert!(turns == 1 && widest <= 1, "{turns} {widest}");
}

fn sid(subscription: &ConnectionSubscription) -> String {
    String::from_utf8_lossy(subscription.sid()).into_owned()
}

mod crossing;
mod full_owners;
mod leaf_clusters;
mod outlets;
mod served;
mod tracing;

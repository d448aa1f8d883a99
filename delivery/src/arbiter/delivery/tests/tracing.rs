//! Messages that are traced.

use super::outlets::messages;
use super::*;
use crate::arbiter::tracing::{OwnMessage, Trace};
use crate::outbox::WhenFull;
use std::cell::RefCell;
use std::rc::Rc;
use vagus_protocol::error::CloseReason;
use vagus_protocol::message_trace::{Egress, ServiceImport, StreamExport};
use vagus_routing::{ConnectionKind, SubjectFilter};

/// What a trace was told, a line for each subscription; its event says how many there were.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    lines: Rc<RefCell<Vec<String>>>,
    without_delivery: bool,
    /// How many pieces there are to make the event of.
    pieces: usize,
    hops: usize,
}

impl Trace for Told {
    fn is_without_delivery(&self) -> bool {
        self.without_delivery
    }

    fn destination(&self) -> &[u8] {
        b"trace"
    }

    fn add_stream_export(&mut self, export: &StreamExport<'_>) {
        let to = String::from_utf8_lossy(export.to);
        self.lines
            .borrow_mut()
            .push(format!("se {} {to}", export.account));
    }

    fn add_service_import(&mut self, import: &ServiceImport<'_>) {
        let [from, to] = [import.from, import.to].map(String::from_utf8_lossy);
        self.lines
            .borrow_mut()
            .push(format!("si {} {from} {to}", import.account));
    }

    fn next_hop(&mut self) -> String {
        self.hops += 1;
        format!("hop{}", self.hops)
    }

    fn add_egress(&mut self, egress: &Egress<'_>) {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let (subject, queue) = (text(egress.subscription), text(egress.queue));
        let error = egress.error.map(|error| error.to_string()).unwrap_or_default();
        let (connection, name, hop) = (egress.connection, egress.name, egress.hop);
        let line = format!("{connection} {name} {hop}{subject} {queue} {error}");
        self.lines.borrow_mut().push(line.trim_end().to_owned());
    }

    fn make_event(&mut self) -> Option<OwnMessage> {
        if self.pieces > 0 {
            self.pieces -= 1;
            return None;
        }
        Some(OwnMessage {
            subject: Box::from(*b"trace"),
            header: b"",
            payload: self.lines.borrow().len().to_string().into_bytes(),
        })
    }
}

impl Told {
    fn only() -> Self {
        Self {
            without_delivery: true,
            ..Self::default()
        }
    }

    /// What it was told, sorted.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = self.lines.take();
        lines.sort();
        lines
    }
}

impl World {
    pub(super) fn trace(&mut self, frame: &str, except: Option<ConnectionId>, told: &Told) -> bool {
        let message = parsed(frame);
        let origin = from(except);
        assert!(self.delivery.goes_on(&self.account, None, origin));
        assert!(
            self.delivery.goes_on(&self.account, Some(&message), origin),
            "the turn is spent"
        );
        let trace = Box::new(told.clone());
        self.delivery
            .publish_traced(&self.account, &message, origin, trace)
    }

    fn listener(&mut self) -> Arc<Outbox> {
        let listener = self.peer();
        self.subscribe(&listener, "trace", 9);
        listener
    }
}

/// Denies one subject.
#[derive(Debug)]
struct Denies(&'static [u8]);

impl SubjectFilter for Denies {
    fn denies(&self, subject: &[u8]) -> bool {
        self.0 == subject
    }
}

const MESSAGE: &str = "HPUB a.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n";

#[test]
fn each_subscription_is_told_of_and_the_event_comes_behind() {
    let mut world = World::new();
    let [one, two, three] = [world.peer(), world.peer(), world.peer()];
    two.set_name("two");
    world.subscribe(&one, "a.*", 1);
    world.subscribe(&one, "trace", 2);
    world.subscribe(&two, "a.b", 1);
    world.subscribe(&two, ">", 2);
    world.subscribe(&three, "b", 1);
    world.join(&[&three], "a.>", "q");
    for told in [Told::default(), Told::only()] {
        assert!(world.trace(MESSAGE, None, &told));
        let expected = ["0  a.*", "1 two >", "1 two a.b", "2  a.> q"];
        assert_eq!(told.lines(), expected);
        world.end();
        let delivered = |line: &str| {
            if told.without_delivery {
                String::new()
            } else {
                format!("HMSG a.b {line} 12 14\r\nNATS/1.0\r\n\r\nhi\r\n")
            }
        };
        assert_eq!(taken(&one), format!("{}MSG trace 2 1\r\n4\r\n", delivered("1")));
        assert_eq!(
            taken(&two),
            format!("{}{}MSG trace 2 1\r\n4\r\n", delivered("1"), delivered("2"))
        );
        assert_eq!(taken(&three), delivered("1"));
    }
}

#[test]
fn a_message_that_nobody_takes_has_an_event_too() {
    let mut world = World::new();
    let listener = world.listener();
    for told in [Told::default(), Told::only()] {
        assert!(!world.trace(MESSAGE, None, &told));
        assert!(told.lines().is_empty());
        world.end();
        assert_eq!(taken(&listener), "MSG trace 9 1\r\n0\r\n");
    }
    world
        .delivery
        .publish_event(&world.account, Box::new(Told::default()));
    assert_eq!(world.end().1, 1);
    assert_eq!(taken(&listener), "MSG trace 9 1\r\n0\r\n");
}

#[test]
fn what_does_not_take_a_message_is_told_of_with_the_reason() {
    let mut world = World::new();
    let listener = world.listener();
    let publisher = world.peer();
    world.subscribe(&publisher, "a.b", 1);
    let gone = world.peer();
    world.subscribe(&gone, "a.b", 1);
    gone.close(CloseReason::Kicked);
    let full = world.peer();
    world.subscribe(&full, "a.b", 1).set_limit(1);
    let denied = world.peer();
    let subscription = ConnectionSubscription::new(b"a.*", None, b"1", denied.clone());
    let subscription = Arc::new(subscription.except(Some(Box::new(Denies(b"a.b")))));
    assert!(world.account.interest().change().insert(subscription));
    world.account.interest().versions().bump(b"a.*");
    let error = |text: &str| format!("Not delivered because {text}");
    let no_echo = format!("1  a.b  {}", error("of no echo"));
    let denied = format!("4  a.*  {}", error("subscription denies this subject"));
    let except = Some(publisher.connection_id());

    let told = Told::only();
    assert!(world.trace(MESSAGE, except, &told));
    assert_eq!(told.lines(), [&*no_echo, "2  a.b", "3  a.b", &*denied]);
    let told = Told::default();
    assert!(world.trace(MESSAGE, except, &told));
    let ended = format!("2  a.b  {}", error("client is closed"));
    assert_eq!(told.lines(), [&*no_echo, &*ended, "3  a.b", &*denied]);
    assert!(!world.trace(MESSAGE, except, &told));
    let full_now = format!("3  a.b  {}", error("auto-unsubscribe exceeded"));
    assert_eq!(told.lines(), [&*no_echo, &*ended, &*full_now, &*denied]);
    world.end();
    assert_eq!(taken(&full), "HMSG a.b 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    assert_eq!(taken(&listener), "MSG trace 9 1\r\n4\r\n".repeat(3));
    assert_eq!(taken(&publisher), "");
}

#[test]
fn a_member_that_cannot_take_it_passes_it_on() {
    let mut world = World::new();
    let members = [world.peer(), world.peer()];
    members[0].close(CloseReason::Kicked);
    world.join(&[&members[0], &members[1]], "a.b", "q");
    let mut passed_on = 0;
    for _ in 0..100 {
        let told = Told::default();
        world.delivery.staging.begin_turn(Moment::default());
        assert!(world.trace(MESSAGE, None, &told));
        let lines = told.lines();
        assert_eq!(lines.last().unwrap(), "1  a.b q");
        if lines.len() == 2 {
            assert_eq!(lines[0], "0  a.b q Not delivered because client is closed");
            passed_on += 1;
        }
    }
    assert!((20..=80).contains(&passed_on), "{passed_on}");
    world.end();
    assert_eq!(taken(&members[1]).matches("HMSG a.b 1 ").count(), 100);
}

/// With a fan-out of more than a turn, and an event that takes more than one to make, and one that goes to more than one
/// turn may deliver to.
#[test]
fn no_turn_does_more_than_it_may() {
    let mut world = World::new();
    let peer = world.peer();
    for sid in 0..10_000 {
        world.subscribe(&peer, "a.b", sid);
    }
    let listener = world.peer();
    for sid in 0..WIDE {
        world.subscribe(&listener, "trace", sid);
    }
    for told in [Told::default(), Told::only()] {
        let told = Told { pieces: 40, ..told };
        world.delivery.staging.begin_turn(Moment::default());
        assert!(world.trace(MESSAGE, None, &told));
        let turns = world.turns();
        assert!(turns.len() >= 10, "{turns:?}");
        assert!(
            turns.iter().all(|delivered| *delivered <= WORK_OF_A_TURN as u64),
            "{turns:?}"
        );
        let copies = if told.without_delivery { 0 } else { 10_000 };
        assert_eq!(turns.iter().sum::<u64>(), copies + WIDE as u64);
        assert_eq!(told.lines().len(), 10_000);
        assert_eq!(taken(&peer).matches("HMSG a.b ").count(), copies as usize);
        assert_eq!(taken(&listener).matches("\r\n10000\r\n").count(), WIDE);
    }
}

/// What is published behind a traced message comes behind its event too, in whichever turn that is.
#[test]
fn nothing_overtakes() {
    let mut world = World::new();
    let peer = world.peer();
    for sid in 0..5_000 {
        world.subscribe(&peer, "a.b", sid);
    }
    world.subscribe(&peer, "trace", 1);
    world.subscribe(&peer, "c", 1);
    assert!(world.publish("PUB c 1\r\n1\r\n", None));
    assert!(world.trace(MESSAGE, None, &Told::default()));
    let message = parsed("PUB c 1\r\n2\r\n");
    assert!(!world.delivery.goes_on(&world.account, Some(&message), from(None)));
    assert!(!world.delivery.goes_on(&world.account, None, from(None)));
    assert!(world.turns().len() > 1);
    world.delivery.staging.begin_turn(Moment::default());
    assert!(world.publish("PUB c 1\r\n2\r\n", None));
    world.end();
    let text = taken(&peer);
    let place = |what: &str| text.find(what).unwrap();
    assert!(place("MSG c 1 1\r\n1\r\n") < place("HMSG a.b "));
    assert!(text.rfind("HMSG a.b ").unwrap() < place("MSG trace "));
    assert!(place("MSG trace 1 4\r\n5000\r\n") < place("MSG c 1 1\r\n2\r\n"));
}

/// What the server says about a message comes behind it, and does not hurry it.
#[test]
fn answers_wait_for_what_is_answered() {
    let mut world = World::new();
    let peer = world.peer();
    for sid in 0..WIDE {
        world.subscribe(&peer, "question", sid);
    }
    world.subscribe(&peer, "answer", 1);
    assert!(world.publish("PUB question 2\r\nhi\r\n", None));
    for payload in ["one", "two"] {
        let answer = OwnMessage {
            subject: Box::from(*b"answer"),
            header: b"",
            payload: payload.into(),
        };
        world.delivery.answer(&world.account, answer);
    }
    let turns = world.turns();
    assert!(turns.len() > 1, "{turns:?}");
    assert_eq!(turns.iter().sum::<u64>(), WIDE as u64 + 2);
    let text = taken(&peer);
    assert_eq!(text.matches("\r\nhi\r\n").count(), WIDE);
    assert!(text.ends_with("\r\nhi\r\nMSG answer 1 3\r\none\r\nMSG answer 1 3\r\ntwo\r\n"));
}

/// An event does not count as received, a traced message does, whether it is delivered or not.
#[test]
fn what_is_counted() {
    let mut world = World::new();
    world.listener();
    world.trace(MESSAGE, None, &Told::default());
    world.trace(MESSAGE, None, &Told::only());
    world.delivery.close_run();
    world.delivery.staging.hand_over();
    let traffic = world.delivery.take_traffic();
    assert_eq!((traffic.messages_in, traffic.payload_in), (2, 28));
    assert_eq!(traffic.messages_out, 2);
}

#[test]
fn a_trace_tells_of_a_peer_once() {
    let mut world = World::new();
    let [one, other] = [ConnectionKind::Route, ConnectionKind::LeafNode].map(|kind| world.server(kind));
    one.set_name("one");
    for subject in ["a.b", "a.*"] {
        world.subscribe(&one, subject, 1);
    }
    world.join_weighted(&[(&other, 1)], "a.b", "q");
    let mut owner = world.owner(usize::MAX, WhenFull::CutOff);
    world.own(&owner, "a.b", 1);
    let mut told = Told::default();
    one.set_traces();
    assert!(world.trace("HPUB a.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", None, &told));
    world.end();
    let (one_id, other_id, owner_id) = (
        one.connection_id(),
        other.connection_id(),
        owner.outbox().connection_id(),
    );
    let expected = |error: &str| {
        let mut lines = [
            format!("{one_id} one hop1"),
            format!("{other_id}  hop2  {error}"),
            format!("{owner_id}  a.b"),
        ];
        lines.sort();
        lines
    };
    let no_support = "remote does not support message tracing";
    let not_told = format!("Message delivered but {no_support} so no trace event generated from there");
    assert_eq!(told.lines(), expected(&not_told));
    let copy = |hop| format!("34 36\r\nNATS/1.0\r\nNats-Trace-Hop: hop{hop}\r\n\r\nhi\r\n");
    assert_eq!(taken(&one), format!("HMSG $G a.b {}", copy(1)));
    assert_eq!(taken(&other), format!("HMSG a.b | q {}", copy(2)));
    assert_eq!(messages(&mut owner).len(), 1);
    // One that is not to be delivered goes on to servers that only trace it, too.
    told = Told::only();
    assert!(world.trace("HPUB a.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", None, &told));
    world.end();
    assert_eq!(
        told.lines(),
        expected(&format!("Not delivered because {no_support}"))
    );
    assert_eq!(taken(&one), format!("HMSG $G a.b {}", copy(1)));
    assert_eq!(taken(&other), "");
    assert!(messages(&mut owner).is_empty());
}

//! No more than so many messages of a subject are unacknowledged, and what waits for that keeps nobody else waiting.

use super::{Desk, desk};
use crate::config::Storage;
use crate::consumer::Waits;
use crate::held::InMemory;
use crate::stream::Stream;
use crate::stream::entry::{decode, encode};
use crate::time::SECOND;
use bytes::Bytes;

const ONE: &str = r#","ack_wait":1000000000,"metadata":{"vagus.max_ack_pending_per_subject":"1"}"#;
const TWO: &str = r#","ack_wait":1000000000,"metadata":{"vagus.max_ack_pending_per_subject":"2"}"#;

/// Sequences and subjects of what is delivered.
fn short(sent: Vec<String>) -> Vec<String> {
    let words = sent.into_iter().map(|sent| {
        let words: Vec<&str> = sent.split(' ').collect();
        let numbers: Vec<&str> = words[2].split('.').collect();
        format!("{}x{} {}", numbers[1], numbers[0], words[1])
    });
    words.collect()
}

impl Desk {
    fn short(&mut self) -> Vec<String> {
        short(self.delivered())
    }

    fn waits(&mut self) -> Option<Waits> {
        let health = self.at_work(|scene, around| scene.stream.consumer_health(around, "C"));
        health.unwrap().unwrap().waits
    }

    fn behind_others(&mut self) -> (u64, usize) {
        let health = self.at_work(|scene, around| scene.stream.consumer_health(around, "C"));
        let behind = health.unwrap().unwrap().behind_others.unwrap();
        (behind.messages, behind.subjects)
    }
}

#[test]
fn others_of_a_subject_wait_and_nobody_else_does() {
    let mut desk = desk("");
    desk.consumer(ONE);
    desk.publish(&["p.a", "p.a", "p.b", "p.a", "p.b", "p.c"]);
    desk.pull("r", "10");
    assert_eq!(desk.short(), ["1x1 p.a", "3x1 p.b", "6x1 p.c"]);
    assert_eq!(desk.waits(), Some(Waits::MaxAckPendingPerSubject));
    assert_eq!(desk.behind_others(), (3, 2));
    assert_eq!(desk.counts(), "3/6 0/0 acks 3 again 0 waiting 1 pending 3");
    // What comes now is found by who waits.
    desk.publish(&["p.a", "p.d"]);
    assert_eq!(desk.short(), ["8x1 p.d"]);
    desk.ack([1]);
    assert_eq!(desk.short(), ["2x1 p.a"]);
    assert_eq!(desk.counts(), "5/8 1/1 acks 4 again 0 waiting 1 pending 3");
    desk.ack([3, 6, 2]);
    assert_eq!(desk.short(), ["4x1 p.a", "5x1 p.b"]);
    desk.ack([4, 5, 8]);
    assert_eq!(desk.short(), ["7x1 p.a"]);
    desk.ack([7]);
    assert_eq!(desk.short(), [""; 0]);
    assert_eq!(desk.counts(), "8/8 8/8 acks 0 again 0 waiting 1 pending 0");
    assert_eq!(desk.waits(), Some(Waits::NothingMatches));
}

#[test]
fn what_is_not_acknowledged_comes_again_before_what_waits() {
    let mut desk = desk("");
    desk.consumer(ONE);
    desk.publish(&["p.a", "p.a", "p.b"]);
    desk.pull("r", "10");
    assert_eq!(desk.short(), ["1x1 p.a", "3x1 p.b"]);
    desk.ack([3]);
    desk.say(1, "-NAK");
    assert_eq!(desk.short(), ["1x2 p.a"]);
    // For as long as it is told to wait, the others of its subject do.
    desk.say(1, r#"-NAK {"delay":5000000000}"#);
    desk.publish(&["p.a", "p.b"]);
    assert_eq!(desk.short(), ["5x1 p.b"]);
    desk.ack([5]);
    assert_eq!(short(desk.pass(5 * SECOND)), ["1x3 p.a"]);
    desk.ack([1]);
    assert_eq!(desk.short(), ["2x1 p.a"]);
}

#[test]
fn those_of_a_subject_come_again_in_their_order() {
    let mut desk = desk("");
    desk.consumer(TWO);
    desk.publish(&["p.a", "p.a", "p.a", "p.b"]);
    desk.pull("r", "3");
    assert_eq!(desk.short(), ["1x1 p.a", "2x1 p.a", "4x1 p.b"]);
    for sequence in [4, 2, 1] {
        desk.say(sequence, "-NAK");
    }
    desk.pull("r", "10");
    assert_eq!(desk.short(), ["1x2 p.a", "2x2 p.a", "4x2 p.b"]);
}

#[test]
fn what_is_given_up_frees_its_subject() {
    let mut desk = desk("");
    desk.consumer(&format!(r#","max_deliver":1{ONE}"#));
    desk.publish(&["p.a", "p.a", "p.a", "p.a"]);
    desk.pull("r", "10");
    assert_eq!(desk.short(), ["1x1 p.a"]);
    let sent = desk.pass(SECOND);
    let sent: Vec<String> = sent.into_iter().filter(|sent| sent.starts_with('r')).collect();
    assert_eq!(short(sent), ["2x1 p.a"]);
    desk.say(2, "+TERM");
    assert_eq!(desk.short(), ["3x1 p.a"]);
    desk.scene.delete(3);
    assert_eq!(desk.short(), ["4x1 p.a"]);
}

#[test]
fn what_waits_may_go() {
    let mut desk = desk("");
    desk.consumer(ONE);
    desk.publish(&["p.a", "p.a", "p.a", "p.b", "p.a"]);
    desk.pull("r", "10");
    assert_eq!(desk.short(), ["1x1 p.a", "4x1 p.b"]);
    assert_eq!(desk.behind_others(), (3, 1));
    desk.scene.delete(2);
    assert_eq!(desk.behind_others(), (2, 1));
    assert_eq!(desk.counts(), "2/4 0/0 acks 2 again 0 waiting 1 pending 2");
    desk.ack([1]);
    assert_eq!(desk.short(), ["3x1 p.a"]);
    desk.scene.purge(&Default::default());
    desk.publish(&["p.a"]);
    assert_eq!(desk.short(), ["6x1 p.a"]);
    assert_eq!(desk.behind_others(), (0, 0));
}

#[test]
fn what_waits_is_needed_where_acknowledgements_decide() {
    for retention in ["workqueue", "interest"] {
        let mut desk = desk(&format!(r#","retention":"{retention}""#));
        desk.consumer(ONE);
        desk.publish(&["p.a", "p.a", "p.b"]);
        desk.pull("r", "10");
        assert_eq!(desk.short(), ["1x1 p.a", "3x1 p.b"]);
        desk.ack([3]);
        desk.effects();
        assert_eq!(desk.scene.messages().len(), 2);
        desk.ack([1]);
        assert_eq!(desk.short(), ["2x1 p.a"]);
        desk.ack([2]);
        desk.effects();
        assert_eq!(desk.scene.messages().len(), 0);
    }
}

#[test]
fn a_restart_changes_nothing() {
    let mut desk = desk("");
    desk.consumer(ONE);
    desk.publish(&["p.a", "p.a", "p.b", "p.a", "p.b"]);
    desk.pull("r", "10");
    assert_eq!(desk.short(), ["1x1 p.a", "3x1 p.b"]);
    desk.read_again();
    assert_eq!(desk.counts(), "2/3 0/0 acks 2 again 0 waiting 0 pending 3");
    assert_eq!(desk.behind_others(), (3, 2));
    desk.pull("r", "10");
    assert_eq!(desk.short(), [""; 0]);
    desk.ack([3]);
    assert_eq!(desk.short(), ["5x1 p.b"]);
    desk.read_again();
    desk.pull("r", "10");
    assert_eq!(short(desk.pass(SECOND)), ["1x2 p.a", "5x2 p.b"]);
    desk.ack([1]);
    assert_eq!(desk.short(), ["2x1 p.a"]);
}

#[test]
fn the_limit_may_come_change_and_go() {
    let mut desk = desk("");
    desk.consumer("");
    desk.publish(&["p.a", "p.a", "p.a", "p.a", "p.b"]);
    desk.pull("r", "1");
    assert_eq!(desk.short(), ["1x1 p.a"]);
    desk.consumer(ONE);
    desk.pull("r", "10");
    assert_eq!(desk.short(), ["5x1 p.b"]);
    desk.consumer(TWO);
    assert_eq!(desk.short(), ["2x1 p.a"]);
    desk.consumer("");
    assert_eq!(desk.short(), ["3x1 p.a", "4x1 p.a"]);
    let consumer = desk.scene.stream.consumers.named("C").unwrap();
    assert!(consumer.progress.by_subject.is_none());
    desk.ack([1, 2, 3, 4, 5]);
    desk.effects();
    assert!(desk.counts().starts_with("5/5 5/5 acks 0"), "{}", desk.counts());
}

#[test]
fn what_waits_of_subjects_that_are_not_wanted_any_more_does_not() {
    let mut desk = desk("");
    desk.consumer(ONE);
    desk.publish(&["p.a", "p.a", "p.b", "p.b"]);
    desk.pull("r", "10");
    assert_eq!(desk.short(), ["1x1 p.a", "3x1 p.b"]);
    desk.consumer(&format!(r#","filter_subject":"p.b"{ONE}"#));
    assert_eq!(desk.behind_others(), (1, 1));
    desk.ack([1]);
    assert_eq!(desk.short(), [""; 0]);
    desk.ack([3]);
    assert_eq!(desk.short(), ["4x1 p.b"]);
}

#[test]
fn a_message_that_waits_is_looked_at_once() {
    let mut desk = desk("");
    desk.consumer(ONE);
    desk.pull("r", "10000");
    desk.publish(&["p.hot"]);
    assert_eq!(desk.short(), ["1x1 p.hot"]);
    desk.publish(&["p.hot"; 5000]);
    desk.publish(&["p.cold"]);
    // Not all in one turn: others have theirs.
    assert!(desk.at_work(|scene, around| scene.stream.deliver(around)) || desk.behind_others().0 == 5000);
    assert_eq!(desk.short(), ["5002x1 p.cold"]);
    assert_eq!(desk.behind_others(), (5000, 1));
    // The log says it in few bytes, as all are one behind the other.
    let entries = desk.scene.log.len();
    desk.ack([1]);
    assert_eq!(desk.short(), ["2x1 p.hot"]);
    assert!(
        desk.scene.log.len() - entries < 100,
        "{}",
        desk.scene.log.len() - entries
    );
    // What is kept of them does not grow with their number.
    assert!(desk.scene.stream.checkpoint().len() < 2000);
}

#[test]
fn all_that_waits_is_in_backups() {
    let mut desk = desk("");
    desk.consumer(ONE);
    desk.publish(&["p.a", "p.a", "p.b", "p.c"]);
    desk.pull("r", "10");
    assert_eq!(desk.short(), ["1x1 p.a", "3x1 p.b", "4x1 p.c"]);
    let consumer = desk.scene.stream.consumers.named("C").unwrap();
    let state = consumer.snapshot().state;
    assert_eq!(state.delivered.stream, 1);
    assert_eq!(state.pending.keys().copied().collect::<Vec<_>>(), [1]);
}

#[test]
fn limits_that_cannot_be_are_refused() {
    let mut desk = desk("");
    for (settings, why) in [
        (
            r#""ack_policy":"explicit","metadata":{"vagus.max_ack_pending_per_subject":"0"}"#,
            "positive",
        ),
        (
            r#""ack_policy":"explicit","metadata":{"vagus.max_ack_pending_per_subject":"one"}"#,
            "positive",
        ),
        (
            r#""ack_policy":"all","metadata":{"vagus.max_ack_pending_per_subject":"1"}"#,
            "explicit",
        ),
    ] {
        let body = format!(r#"{{"stream_name":"P","config":{{"durable_name":"C",{settings}}}}}"#);
        let error = desk.ask_for("DURABLE.CREATE.P.C", &body).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// A stream with three messages, and a consumer that has delivered two and got one acknowledged, as it was kept before
/// anything was counted for each subject.
const KEPT_BEFORE: &str = "\
    03b00100007b226e616d65223a2250222c227375626a65637473223a5b22702e5c7530303365225d2c22726574656e74696f6e223a226c69\
    6d697473222c226d61785f636f6e73756d657273223a2d312c226d61785f6d736773223a2d312c226d61785f6279746573223a2d312c226d\
    61785f616765223a302c226d61785f6d7367735f7065725f7375626a656374223a2d312c226d61785f6d73675f73697a65223a2d312c2264\
    697363617264223a226f6c64222c2273746f72616765223a226d656d6f7279222c226e756d5f7265706c69636173223a312c226475706c69\
    636174655f77696e646f77223a3132303030303030303030302c22636f6d7072657373696f6e223a226e6f6e65222c22616c6c6f775f6469\
    72656374223a66616c73652c226d6972726f725f646972656374223a66616c73652c227365616c6564223a66616c73652c2264656e795f64\
    656c657465223a66616c73652c2264656e795f7075726765223a66616c73652c22616c6c6f775f726f6c6c75705f68647273223a66616c73\
    652c22636f6e73756d65725f6c696d697473223a7b7d2c22616c6c6f775f6d73675f74746c223a66616c73657d01000000000000000060c9\
    467ec0ec18010000000000000003000000000000000060c9467ec0ec18000000000000000000000000000000000000000001000000000000\
    0001000000010000000000000001000000430060c9467ec0ec18ed0000007b2264757261626c655f6e616d65223a2243222c226e616d6522\
    3a2243222c2264656c697665725f706f6c696379223a22616c6c222c2261636b5f706f6c696379223a226578706c69636974222c2261636b\
    5f77616974223a33303030303030303030302c226d61785f64656c69766572223a2d312c227265706c61795f706f6c696379223a22696e73\
    74616e74222c226d61785f77616974696e67223a3531322c226d61785f61636b5f70656e64696e67223a313030302c226e756d5f7265706c\
    69636173223a302c226d65746164617461223a7b225f6e6174732e7265712e6c6576656c223a2230227d7d03000002020101010202010060\
    c9467ec0ec18000ced4285c0ec18000060c9467ec0ec180060c9467ec0ec180000000000000000";

#[test]
fn what_was_kept_before_is_read() {
    let kept: Vec<u8> = (0..KEPT_BEFORE.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&KEPT_BEFORE[at..at + 2], 16).unwrap())
        .collect();
    let mut desk = desk("");
    desk.publish(&["p.a", "p.b", "p.a"]);
    let held = std::mem::take(&mut desk.scene.stream.held);
    desk.scene.stream = Stream::restore(kept.into(), "", held).unwrap();
    desk.at_work(|scene, around| scene.stream.begin_consumers(around));
    assert_eq!(desk.counts(), "2/2 1/1 acks 1 again 0 waiting 0 pending 1");
    desk.pull("r", "1");
    assert_eq!(desk.short(), ["3x1 p.a"]);
}

#[test]
fn all_of_it_is_written_again_where_writing_has_failed() {
    let mut desk = desk("");
    desk.consumer(ONE);
    desk.publish(&["p.a", "p.a", "p.b"]);
    desk.pull("r", "10");
    while desk.at_work(|scene, around| scene.stream.deliver(around)) {}
    desk.scene.stream.propose();
    desk.scene.stream.failed(&crate::error::ApiError::NOT_AVAILABLE);
    desk.scene.commit();
    let mut again = Stream::new(
        desk.scene.stream.config().clone(),
        1,
        super::super::START,
        "",
        InMemory::new(Storage::Memory),
    );
    let log = Bytes::from(desk.scene.log.clone());
    let entries = decode(log.clone()).unwrap();
    let mut written = Vec::new();
    encode(&entries, &mut written);
    assert_eq!(written, log);
    for entry in entries {
        again.apply(entry, &super::super::zone);
    }
    desk.scene.stream = again;
    desk.at_work(|scene, around| scene.stream.begin_consumers(around));
    assert_eq!(desk.behind_others(), (1, 1));
    desk.pull("r", "10");
    desk.ack([1]);
    assert_eq!(desk.short(), ["2x1 p.a"]);
}

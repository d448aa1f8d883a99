//! Messages of publishers that do not wait for each answer.

use super::{Scene, message, scene};
use crate::stream::{Effect, Published};
use crate::time::SECOND;

const ALLOWED: &str = r#","allow_batched":true"#;

impl Scene {
    fn fast(&mut self, place: &str, headers: &str) -> String {
        let mut message = message("p.a", headers, "x");
        message.reply = format!("_INBOX.i.{place}.$FI").into();
        assert_eq!(self.offer(message), Published::Decided);
        self.commit();
        self.answers().join(" ")
    }
}

#[test]
fn are_told_how_far_they_are() {
    let mut scene = scene(ALLOWED);
    assert_eq!(
        scene.fast("b.2.fail.1.0", ""),
        r#"{"type":"ack","seq":0,"msgs":2}"#
    );
    assert_eq!(
        scene.fast("b.2.fail.2.1", ""),
        r#"{"type":"ack","seq":2,"msgs":2}"#
    );
    assert_eq!(scene.fast("b.2.fail.3.1", ""), "");
    assert_eq!(
        scene.fast("b.2.fail.3.4", ""),
        r#"{"type":"ack","seq":2,"msgs":2}"#
    );
    assert_eq!(
        scene.fast("b.2.fail.4.2", ""),
        r#"{"seq":4,"batch":"b","count":4}"#
    );
    assert_eq!(scene.stream.batches(), 0);
    assert_eq!(scene.state(), "4 msgs 80 bytes 1-4 subjects 1 deleted 0");
    assert_eq!(
        scene.fast("c.2.fail.1.2", ""),
        r#"{"seq":5,"batch":"c","count":1}"#
    );
}

#[test]
fn end_before_what_is_not_stored() {
    let mut scene = scene(ALLOWED);
    scene.fast("b.9.fail.1.0", "");
    assert_eq!(
        scene.fast("b.9.fail.2.3", ""),
        r#"{"seq":1,"batch":"b","count":1}"#
    );
    assert_eq!(scene.stream.last_sequence(), 1);
}

#[test]
fn gaps_end_them_unless_they_do_not_mind() {
    let mut scene = scene(ALLOWED);
    scene.fast("b.9.fail.1.0", "");
    assert_eq!(
        scene.fast("b.9.fail.3.1", ""),
        r#"{"type":"gap","last_seq":2,"seq":3} {"seq":1,"batch":"b","count":1}"#
    );
    scene.fast("c.9.ok.1.0", "");
    assert_eq!(
        scene.fast("c.9.ok.3.1", ""),
        r#"{"type":"gap","last_seq":2,"seq":3}"#
    );
    assert_eq!(scene.fast("c.9.ok.4.2", ""), r#"{"seq":4,"batch":"c","count":4}"#);
    scene.fast("d.9.ok.1.0", "");
    assert_eq!(
        scene.fast("d.9.ok.5.4", ""),
        r#"{"type":"gap","last_seq":2,"seq":6} {"type":"ack","seq":0,"msgs":9}"#
    );
}

#[test]
fn are_refused() {
    let mut scene = scene(ALLOWED);
    assert_eq!(scene.fast("b.9.fail.2.1", ""), "10208 batch publish ID unknown");
    assert_eq!(
        scene.fast("b.9.what.1.0", ""),
        "10206 batch publish pattern is invalid"
    );
    let long = format!("{}.9.fail.1.0", "b".repeat(65));
    assert_eq!(scene.fast(&long, ""), "10207 batch publish ID is invalid");
    assert_eq!(
        scene.fast("b.9.fail.1.0", "Nats-Required-Api-Level: 9"),
        "10185 JetStream minimum api level required"
    );
    let wrong = "Nats-Expected-Last-Sequence: 9";
    assert_eq!(
        scene.fast("b.9.fail.1.0", wrong),
        r#"{"type":"ack","seq":0,"msgs":9} 10071 wrong last sequence: 0"#
    );
    assert_eq!(scene.stream.batches(), 0);
    scene.fast("b.9.ok.1.0", "");
    let error = r#"{"type":"err","seq":2,"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"}}"#;
    assert_eq!(scene.fast("b.9.ok.2.1", wrong), error);
    assert_eq!(scene.fast("b.9.ok.3.2", ""), r#"{"seq":2,"batch":"b","count":3}"#);
    scene.fast("c.9.fail.1.0", "");
    let error = r#"{"type":"err","seq":2,"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"}}"#;
    assert_eq!(
        scene.fast("c.9.fail.2.1", wrong),
        format!(r#"{error} {{"seq":3,"batch":"c","count":1}}"#)
    );
    scene.limits.max_fast_batches = 0;
    assert_eq!(
        scene.fast("d.9.ok.1.0", ""),
        "10211 batch publish too many inflight"
    );
    let mut disallowed = super::scene("");
    assert_eq!(
        disallowed.fast("b.9.ok.1.0", ""),
        "10205 batch publish is disabled"
    );
}

/// The id of the last message is looked at when all else is well: as if the message came for itself.
#[test]
fn go_on_where_another_message_was_expected() {
    let mut scene = scene(ALLOWED);
    scene.fast("b.9.fail.1.0", "");
    let wrong = "10070 wrong last msg ID: ";
    assert_eq!(scene.fast("b.9.fail.2.1", "Nats-Expected-Last-Msg-Id: x"), wrong);
    assert_eq!(
        scene.fast("b.9.fail.3.2", ""),
        r#"{"seq":2,"batch":"b","count":3}"#
    );
    assert_eq!(scene.fast("c.9.fail.1.2", "Nats-Expected-Last-Msg-Id: x"), wrong);
    assert_eq!(scene.stream.batches(), 0);
}

#[test]
fn share_the_flow() {
    let mut scene = scene(ALLOWED);
    assert_eq!(scene.fast("b.9.ok.1.0", ""), r#"{"type":"ack","seq":0,"msgs":9}"#);
    assert_eq!(
        scene.fast("c.9.ok.1.0", ""),
        r#"{"type":"ack","seq":0,"msgs":1} {"type":"ack","seq":1,"msgs":2}"#
    );
    scene.pass(10 * SECOND);
    scene.wake();
    assert_eq!(scene.stream.batches(), 0);
}

/// Several messages are on their way into the log: the answer to the end comes when all are there.
#[test]
fn end_when_all_is_stored() {
    let mut scene = scene(ALLOWED);
    for (place, operation) in [(1, 0), (2, 1), (3, 2)] {
        let mut message = message("p.a", "", "");
        message.reply = format!("i.b.500.fail.{place}.{operation}.$FI").into();
        assert_eq!(scene.offer(message), Published::Decided);
    }
    assert_eq!(scene.answers(), [r#"{"type":"ack","seq":0,"msgs":500}"#]);
    scene.commit();
    assert_eq!(scene.answers(), [r#"{"seq":3,"batch":"b","count":3}"#]);
}

/// Who ends a batch by what is no message is answered there, though others of it are still on their way into the log.
#[test]
fn who_ends_them_is_answered() {
    for (ended_by, operation) in [(3, 3), (5, 1), (5, 4)] {
        let mut scene = scene(ALLOWED);
        for (place, operation) in [(1, 0), (2, 1), (ended_by, operation)] {
            let mut message = message("p.a", "", "");
            message.reply = format!("i.b.500.fail.{place}.{operation}.$FI").into();
            assert_eq!(scene.offer(message), Published::Decided);
        }
        scene.answers();
        scene.commit();
        let effects = scene.stream.take_effects().list;
        let answers = effects.iter().filter_map(|effect| match effect {
            Effect::Answer { to, payload } => Some(format!("{to:?} {}", super::short(payload))),
            _ => None,
        });
        let ended =
            format!(r#"b"i.b.500.fail.{ended_by}.{operation}.$FI" {{"seq":2,"batch":"b","count":2}}"#);
        assert_eq!(answers.collect::<Vec<_>>(), [ended]);
    }
}

#[test]
fn duplicates_are_passed_over() {
    let mut scene = scene(ALLOWED);
    scene.publish("p.a", "Nats-Msg-Id: x", "");
    scene.fast("b.2.fail.1.0", "");
    assert_eq!(
        scene.fast("b.2.fail.2.1", "Nats-Msg-Id: x"),
        r#"{"type":"ack","seq":2,"msgs":2}"#
    );
    assert_eq!(
        scene.fast("b.2.fail.3.2", ""),
        r#"{"seq":3,"batch":"b","count":3}"#
    );
    assert_eq!(
        scene.fast("c.2.fail.1.0", "Nats-Msg-Id: x"),
        r#"{"type":"ack","seq":0,"msgs":2}"#
    );
}

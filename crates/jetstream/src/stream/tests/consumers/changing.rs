//! Consumers that are paused, become others, begin anew, and are read from disk.

use super::desk;
use crate::consumer::Waits;
use crate::stream::{Effect, Requested};
use crate::time::SECOND;

#[test]
fn a_paused_consumer_delivers_when_its_time_has_come() {
    let mut desk = desk("");
    desk.publish(&["p.1"]);
    desk.consumer("");
    desk.pause(Some(SECOND));
    desk.pull("r", "1");
    assert!(desk.sent()[0].starts_with("Paused { is_paused: true"));
    let info = desk.info();
    assert!(info.paused && info.pause_remaining == SECOND);
    let sent = desk.pass(SECOND);
    assert!(sent[0].starts_with("Paused { is_paused: false"), "{sent:?}");
    assert_eq!(sent[1], "r p.1 1.1.1.0 p.1");
    desk.pause(Some(9 * SECOND));
    desk.publish(&["p.2"]);
    desk.pull("r", "1");
    desk.sent();
    desk.pause(None);
    assert_eq!(desk.delivered(), ["r p.2 1.2.2.0 p.2"]);
}

#[test]
fn what_becomes_of_it_when_it_begins_anew() {
    let mut desk = desk("");
    desk.publish(&["p.1", "p.2", "p.3"]);
    desk.consumer("");
    desk.pull("r", "3");
    desk.sent();
    desk.ack([1]);
    assert_eq!(desk.reset(0), "done");
    desk.pull("r", "9");
    assert_eq!(desk.delivered(), ["r p.2 1.2.1.1 p.2", "r p.3 1.3.2.0 p.3"]);
    assert_eq!(desk.reset(1), "done");
    assert_eq!(
        desk.delivered(),
        ["r p.1 1.1.1.2 p.1", "r p.2 1.2.2.1 p.2", "r p.3 1.3.3.0 p.3"]
    );
    desk.delete("C");
    desk.consumer(r#","deliver_policy":"new""#);
    assert_eq!(desk.reset(1), "invalid reset: not allowed (10204)");
    desk.delete("C");
    desk.consumer(r#","deliver_policy":"by_start_sequence","opt_start_seq":2"#);
    assert_eq!(desk.reset(1), "invalid reset: below start seq (10204)");
}

#[test]
fn what_was_delivered_is_known_after_it_was_read_from_disk() {
    let mut desk = desk("");
    desk.publish(&["p.1", "p.2", "p.3", "p.4"]);
    desk.consumer(r#","ack_wait":1000000000,"max_deliver":2"#);
    desk.consumer_named("M", r#","mem_storage":true"#);
    desk.pull("r", "3");
    desk.sent();
    desk.ack([2]);
    desk.say(3, "-NAK 5s");
    let before = desk.counts();
    desk.read_again();
    assert_eq!(desk.counts(), before);
    assert_eq!(desk.scene.stream.consumer_count(), 1);
    desk.pull("r", r#"{"batch":3,"expires":60000000000}"#);
    assert_eq!(desk.delivered(), ["r p.4 1.4.4.0 p.4"]);
    assert_eq!(desk.pass(2 * SECOND)[0], "r p.1 2.1.5.0 p.1");
}

#[test]
fn invariant_14_a_consumer_that_waits_says_why() {
    let mut desk = desk("");
    desk.deaf.insert("to".to_owned());
    let waits = |desk: &mut super::Desk| {
        desk.effects();
        let health = desk.at_work(|scene, around| scene.stream.consumer_health(around, "C"));
        health.unwrap().unwrap().waits
    };
    desk.consumer(r#","max_ack_pending":1"#);
    assert_eq!(waits(&mut desk), Some(Waits::NoRequest));
    desk.pull("r", "2");
    assert_eq!(waits(&mut desk), Some(Waits::NothingMatches));
    desk.publish(&["p.1", "p.2"]);
    assert_eq!(waits(&mut desk), Some(Waits::MaxAckPending));
    desk.pause(Some(SECOND));
    assert_eq!(waits(&mut desk), Some(Waits::Paused));
    desk.delete("C");
    desk.consumer(r#","deliver_subject":"to""#);
    assert_eq!(waits(&mut desk), Some(Waits::NobodyListens));
    desk.delete("C");
    desk.consumer(r#","priority_policy":"overflow","priority_groups":["A"]"#);
    desk.pull("r", r#"{"group":"A","min_pending":9}"#);
    assert_eq!(waits(&mut desk), Some(Waits::Overflow));
    desk.delete("C");
    desk.consumer(r#","priority_policy":"pinned_client","priority_groups":["A"]"#);
    desk.pull("r", r#"{"batch":1,"group":"A"}"#);
    desk.pull("s", r#"{"batch":1,"group":"A"}"#);
    assert_eq!(waits(&mut desk), Some(Waits::Pinned));
    desk.delete("C");
    desk.consumer(r#","replay_policy":"original""#);
    desk.scene.pass(SECOND);
    desk.publish(&["p.3"]);
    desk.delete("C");
    desk.consumer(r#","replay_policy":"original""#);
    desk.pull("r", "9");
    assert_eq!(waits(&mut desk), Some(Waits::Pace));
    let health = desk.at_work(|scene, around| scene.stream.consumer_health(around, "C"));
    let health = health.unwrap().unwrap();
    assert_eq!((health.lag, health.oldest_unacknowledged), (0, 0));
    desk.scene.pass(SECOND / 2);
    let health = desk.at_work(|scene, around| scene.stream.consumer_health(around, "C"));
    assert_eq!(health.unwrap().unwrap().oldest_unacknowledged, SECOND / 2);
}

/// What a stream allows its consumers is not changed against those that there are.
#[test]
fn limits_of_a_stream_hold_for_the_consumers_that_it_has() {
    let mut desk = desk("");
    desk.consumer(r#","max_ack_pending":20"#);
    for (limits, is_taken) in [
        (r#"{"max_ack_pending":10}"#, false),
        (r#"{"max_ack_pending":20}"#, true),
        (r#"{"max_ack_pending":19,"inactive_threshold":1000000000}"#, false),
    ] {
        let wanted = crate::stream::tests::config(&format!(r#","consumer_limits":{limits}"#));
        let asked = wanted.clone();
        desk.request(|scene, _, request| {
            scene.stream.request_update(asked, request);
            Ok(Requested::Decided)
        });
        let has_it = desk.scene.stream.config().consumer_limits == wanted.consumer_limits;
        assert_eq!(has_it, is_taken, "{limits}");
        let said = desk.effects().iter().any(|effect| match effect {
            Effect::Done {
                outcome: Err(error), ..
            } => error.description == "change to limits violates consumers: C",
            _ => false,
        });
        assert_eq!(said, !is_taken, "{limits}");
    }
}

//! What is said of messages that were delivered.

use super::desk;
use crate::time::SECOND;

#[test]
fn the_floor_follows_what_is_acknowledged() {
    let mut desk = desk("");
    desk.publish(&["p.1", "p.2", "p.3", "p.4", "p.5"]);
    desk.consumer("");
    desk.pull("r", "5");
    desk.sent();
    for (sequence, floor, pending) in [(4, 0, 4), (2, 0, 3), (1, 2, 2), (5, 2, 1), (3, 5, 0)] {
        desk.ack([sequence]);
        let expect = format!("5/5 {floor}/{floor} acks {pending} again 0 waiting 0 pending 0");
        assert_eq!(desk.counts(), expect, "{sequence}");
    }
}

#[test]
fn what_is_not_acknowledged_comes_again() {
    let mut desk = desk("");
    desk.publish(&["p.1", "p.2"]);
    desk.consumer(r#","ack_wait":1000000000"#);
    desk.pull("r", "2");
    desk.sent();
    desk.ack([1]);
    assert_eq!(desk.pass(SECOND), [""; 0]);
    desk.pull("r", "1");
    assert_eq!(desk.sent(), ["r p.2 2.2.3.0 p.2"]);
    assert_eq!(desk.counts(), "3/2 1/1 acks 1 again 1 waiting 0 pending 0");
    desk.ack([2]);
    assert_eq!(desk.counts(), "3/2 3/2 acks 0 again 0 waiting 0 pending 0");
    assert_eq!(desk.pass(9 * SECOND), [""; 0]);
}

#[test]
fn each_word_has_its_consequence() {
    for (words, expect, counts) in [
        (&["+ACK"][..], &[][..], "1/1 1/1 acks 0 again 0"),
        (&[""], &[], "1/1 1/1 acks 0 again 0"),
        (&["+OK", "+ACK"], &[], "1/1 1/1 acks 0 again 0"),
        (&["-NAK"], &["r p.1 2.1.2.0 p.1"], "2/1 0/0 acks 1 again 1"),
        (
            &["-NAK {\"delay\": \"x\"}"],
            &["r p.1 2.1.2.0 p.1"],
            "2/1 0/0 acks 1 again 1",
        ),
        (&["-NAK 1s"], &[], "1/1 0/0 acks 1 again 0"),
        (&["+TERM"], &[], "1/1 1/1 acks 0 again 0"),
        (&["+WPI"], &[], "1/1 0/0 acks 1 again 0"),
        (&["+FOO"], &[], "1/1 0/0 acks 1 again 0"),
        (&["-NAK", "+ACK"], &[], "1/1 1/1 acks 0 again 0"),
    ] {
        let mut desk = desk("");
        desk.publish(&["p.1"]);
        desk.consumer("");
        desk.pull("r", "1");
        desk.sent();
        for word in words {
            desk.say(1, word);
        }
        desk.pull("r", r#"{"batch":1,"expires":100000000}"#);
        assert_eq!(desk.delivered(), expect, "{words:?}");
        assert!(desk.counts().starts_with(counts), "{words:?} {}", desk.counts());
    }
}

#[test]
fn who_wants_an_answer_gets_it_when_it_is_in_the_log() {
    let mut desk = desk("");
    desk.publish(&["p.1"]);
    desk.consumer("");
    desk.pull("r", "1");
    desk.sent();
    desk.say_to("C", 1, "+ACK", "a");
    assert!(desk.scene.stream.take_effects().list.is_empty());
    assert_eq!(desk.sent(), ["a ="]);
    // What is no answer to anything is not answered.
    desk.say_to("C", 7, "+ACK", "a");
    assert_eq!(desk.sent(), [""; 0]);
}

#[test]
fn as_often_as_it_may_be_and_then_told() {
    let mut desk = desk("");
    desk.publish(&["p.1"]);
    desk.consumer(r#","ack_wait":1000000000,"max_deliver":2"#);
    desk.pull("r", "1");
    desk.sent();
    desk.pull("r", r#"{"batch":2,"expires":9000000000}"#);
    assert_eq!(
        desk.pass(5 * SECOND),
        [
            "r p.1 2.1.2.0 p.1",
            "MaxDeliveries { sequence: 1, deliveries: 2 }"
        ]
    );
    assert_eq!(desk.counts(), "2/1 0/0 acks 0 again 1 waiting 1 pending 0");
}

#[test]
fn no_more_are_unacknowledged_than_may_be() {
    let mut desk = desk("");
    desk.publish(&["p.1", "p.2", "p.3"]);
    desk.consumer(r#","max_ack_pending":2"#);
    desk.pull("r", "5");
    assert_eq!(desk.sent(), ["r p.1 1.1.1.2 p.1", "r p.2 1.2.2.1 p.2"]);
    desk.ack([2]);
    assert_eq!(desk.sent(), ["r p.3 1.3.3.0 p.3"]);
    assert_eq!(desk.counts(), "3/3 0/0 acks 2 again 0 waiting 1 pending 0");
}

#[test]
fn a_delay_is_what_it_says_whatever_the_backoff() {
    let mut desk = desk("");
    desk.publish(&["p.1"]);
    desk.consumer(r#","backoff":[1000000000,60000000000]"#);
    desk.pull("r", r#"{"batch":3,"expires":90000000000}"#);
    desk.sent();
    assert_eq!(desk.pass(SECOND), ["r p.1 2.1.2.0 p.1"]);
    desk.say(1, "-NAK 5s");
    desk.sent();
    assert_eq!(desk.pass(5 * SECOND - 1), [""; 0]);
    assert_eq!(desk.pass(1), ["r p.1 3.1.3.0 p.1"]);
}

//! Messages that are asked for.

use super::{Desk, desk};
use crate::stream::tests::message;
use crate::time::SECOND;

#[test]
fn as_many_as_are_asked_for_come_each_with_how_many_more_there_are() {
    let mut desk = desk("");
    desk.publish(&["p.1", "p.2", "p.3", "p.4", "p.5"]);
    let info = desk.consumer("");
    assert_eq!((info.num_pending, info.config.max_waiting), (5, 512));
    for (body, expect) in [
        ("", &["r p.1 1.1.1.4 p.1"][..]),
        (r#"{"batch":2}"#, &["r p.2 1.2.2.3 p.2", "r p.3 1.3.3.2 p.3"]),
        ("1", &["r p.4 1.4.4.1 p.4"]),
    ] {
        desk.pull("r", body);
        assert_eq!(desk.sent(), expect, "{body}");
    }
    assert_eq!(desk.counts(), "4/4 0/0 acks 4 again 0 waiting 0 pending 1");
    desk.pull("r", r#"{"batch":9,"no_wait":true}"#);
    assert_eq!(desk.sent(), ["r p.5 1.5.5.0 p.5", "r = 404 No Messages"]);
    desk.pull("r", r#"{"no_wait":true}"#);
    assert_eq!(desk.sent(), ["r = 404 No Messages"]);
}

#[test]
fn who_waits_gets_what_comes_until_he_has_waited_long_enough() {
    let mut desk = desk("");
    desk.consumer("");
    desk.pull(
        "r",
        r#"{"batch":3,"expires":1000000000,"idle_heartbeat":400000000}"#,
    );
    assert_eq!(desk.sent(), [""; 0]);
    desk.publish(&["p.1"]);
    assert_eq!(desk.sent(), ["r p.1 1.1.1.0 p.1"]);
    let heartbeat = "r = 100 Idle Heartbeat|Nats-Last-Consumer: 1|Nats-Last-Stream: 1";
    assert_eq!(desk.pass(SECOND / 2), [heartbeat]);
    desk.publish(&["p.2"]);
    assert_eq!(desk.sent(), ["r p.2 1.2.2.0 p.2"]);
    assert_eq!(
        desk.pass(SECOND),
        [
            "r = 100 Idle Heartbeat|Nats-Last-Consumer: 2|Nats-Last-Stream: 2",
            "r = 408 Request Timeout|Nats-Pending-Messages: 1|Nats-Pending-Bytes: 0"
        ]
    );
    desk.publish(&["p.3"]);
    assert_eq!(desk.sent(), [""; 0]);
}

#[test]
fn who_does_not_wait_is_let_go_at_the_heartbeat_if_acknowledgements_hold_up_the_rest() {
    let mut desk = desk("");
    desk.consumer(r#","max_ack_pending":2"#);
    desk.publish(&["p.1", "p.2", "p.3"]);
    let request = r#"{"batch":3,"no_wait":true,"expires":2000000000,"idle_heartbeat":400000000}"#;
    desk.pull("r", request);
    assert_eq!(desk.sent(), ["r p.1 1.1.1.2 p.1", "r p.2 1.2.2.1 p.2"]);
    assert_eq!(desk.pass(SECOND / 2), ["r = 404 No Messages"]);
}

#[test]
fn those_who_wait_take_turns_and_what_goes_to_one_subject_stays_in_order() {
    let mut desk = desk("");
    desk.consumer("");
    for reply in ["a", "b", "a"] {
        desk.pull(reply, "2");
    }
    desk.publish(&["p.1", "p.2", "p.3", "p.4", "p.5", "p.6"]);
    let sent = desk.sent();
    let of = |to: &str| -> Vec<&str> {
        let of = sent.iter().filter_map(|sent| sent.strip_prefix(to));
        of.map(|sent| &sent[1..4]).collect()
    };
    assert_eq!(of("a"), ["p.1", "p.3", "p.4", "p.6"]);
    assert_eq!(of("b"), ["p.2", "p.5"]);
}

#[test]
fn requests_are_held_against_what_is_configured() {
    for (settings, body, expect) in [
        (
            r#","max_batch":2"#,
            r#"{"batch":5}"#,
            "409 Exceeded MaxRequestBatch of 2",
        ),
        (
            r#","max_expires":100000000"#,
            r#"{"batch":1,"expires":1000000000}"#,
            "409 Exceeded MaxRequestExpires of 100ms",
        ),
        (
            r#","max_bytes":100"#,
            r#"{"batch":1,"max_bytes":500}"#,
            "409 Exceeded MaxRequestMaxBytes of 100",
        ),
        (r#","deliver_subject":"d""#, "1", "409 Consumer is push based"),
        (
            "",
            r#"{"batch":1,"expires":1000,"idle_heartbeat":1000}"#,
            "400 Bad Request - heartbeat value too large",
        ),
        ("", "{", "400 Bad Request - unexpected end of JSON input"),
        (
            "",
            r#"{"min_pending":1}"#,
            "400 Bad Request - Not a Overflow Priority consumer",
        ),
        (
            "",
            r#"{"id":"x"}"#,
            "400 Bad Request - Not a Pinned Client Priority consumer",
        ),
        (
            "",
            r#"{"priority":10}"#,
            "400 Bad Request - Priority must be between 0 and 9",
        ),
        (
            r#","priority_policy":"overflow","priority_groups":["A"]"#,
            r#"{"batch":1}"#,
            "400 Bad Request - Priority Group missing",
        ),
        (
            r#","priority_policy":"overflow","priority_groups":["A"]"#,
            r#"{"group":"B"}"#,
            "400 Bad Request - Invalid Priority Group",
        ),
    ] {
        let mut desk = desk("");
        desk.publish(&["p.1"]);
        desk.deaf.insert("d".to_owned());
        desk.consumer(settings);
        desk.pull("r", body);
        assert_eq!(desk.sent(), [format!("r = {expect}")], "{settings} {body}");
    }
}

#[test]
fn no_more_wait_than_may_and_nobody_who_is_not_there() {
    let mut desk = desk("");
    desk.consumer(r#","max_waiting":2"#);
    for reply in ["a", "b", "c"] {
        desk.pull(reply, "1");
    }
    assert_eq!(desk.sent(), ["c = 409 Exceeded MaxWaiting"]);
    desk.pull(
        "c",
        r#"{"batch":1,"expires":9000000000,"idle_heartbeat":1000000000}"#,
    );
    assert_eq!(desk.sent(), [""; 0]);
    desk.deaf.insert("a".to_owned());
    desk.pull("d", "1");
    assert_eq!(desk.counts(), "0/0 0/0 acks 0 again 0 waiting 2 pending 0");
    desk.publish(&["p.1", "p.2"]);
    assert_eq!(desk.sent(), ["b p.1 1.1.1.1 p.1", "d p.2 1.2.2.0 p.2"]);
}

#[test]
fn no_more_bytes_come_than_are_asked_for() {
    let mut desk = desk("");
    desk.publish(&["p.1", "p.2", "p.3"]);
    desk.consumer("");
    desk.pull("r", r#"{"batch":9,"max_bytes":10,"expires":1000000000}"#);
    let status = "409 Message Size Exceeds MaxBytes|Nats-Pending-Messages: 9|Nats-Pending-Bytes: 10";
    assert_eq!(desk.sent(), [format!("r = {status}")]);
    desk.pull("r", r#"{"batch":1,"max_bytes":1000}"#);
    let sent = desk.sent();
    assert_eq!(sent[0], "r p.1 1.1.1.2 p.1");
    assert!(sent[1].starts_with("r = 409 Batch Completed|Nats-Pending-Messages: 0|Nats-Pending-Bytes: 9"));
}

#[test]
fn whoever_waits_is_told_when_the_consumer_goes() {
    let mut desk = desk("");
    desk.consumer("");
    desk.pull("r", "1");
    assert_eq!(desk.delete("C"), "done");
    assert_eq!(desk.sent(), ["r = 409 Consumer Deleted"]);
    assert_eq!(desk.delete("C"), "consumer not found (10014)");
    desk.pull("r", "1");
    assert_eq!(desk.sent(), [""; 0]);
}

#[test]
fn who_does_not_wait_for_messages_waits_for_those_that_are_on_their_way() {
    let mut desk = desk("");
    desk.consumer(r#","filter_subject":"p.a""#);
    let no_wait = |batch: u32| format!(r#"{{"batch":{batch},"no_wait":true}}"#);
    let waits = |desk: &mut Desk, body: &str| desk.scene.stream.may_pull_ahead("C", body.as_bytes());
    desk.publish(&["p.a"]);
    assert!(!waits(&mut desk, &no_wait(2)));
    desk.scene.offer(message("p.b", "", ""));
    assert!(!waits(&mut desk, &no_wait(2)), "the consumer does not want it");
    desk.scene.offer(message("p.a", "", "p.a"));
    assert!(!waits(&mut desk, &no_wait(1)), "there is one");
    assert!(!waits(&mut desk, r#"{"batch":2,"expires":1000000000}"#));
    assert!(!waits(&mut desk, "nonsense"));
    assert!(waits(&mut desk, &no_wait(2)));
    desk.scene.commit();
    assert!(!waits(&mut desk, &no_wait(9)));
    desk.pull("r", &no_wait(2));
    assert_eq!(desk.sent(), ["r p.a 1.1.1.1 p.a", "r p.a 1.3.2.0 p.a"]);
}

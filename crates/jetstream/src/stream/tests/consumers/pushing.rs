//! Messages that are pushed.

use super::desk;
use crate::time::SECOND;

#[test]
fn they_come_while_somebody_listens() {
    let mut desk = desk("");
    desk.publish(&["p.1", "p.2"]);
    desk.deaf.insert("to".to_owned());
    let info = desk.consumer(r#","deliver_subject":"to""#);
    assert!(!info.push_bound);
    assert_eq!(desk.sent(), [""; 0]);
    desk.at_work(|scene, around| scene.stream.set_bound(around, "C", true));
    assert_eq!(desk.sent(), ["to p.1 1.1.1.1 p.1", "to p.2 1.2.2.0 p.2"]);
    desk.publish(&["p.3"]);
    assert_eq!(desk.sent(), ["to p.3 1.3.3.0 p.3"]);
    desk.at_work(|scene, around| scene.stream.set_bound(around, "C", false));
    desk.publish(&["p.4"]);
    assert_eq!(desk.sent(), [""; 0]);
    assert!(desk.info().num_pending == 1);
}

#[test]
fn signs_of_life_come_where_nothing_else_does() {
    let mut desk = desk("");
    desk.publish(&["p.1"]);
    desk.consumer(r#","deliver_subject":"to","ack_policy":"none","idle_heartbeat":1000000000"#);
    assert_eq!(desk.sent(), ["to p.1 1.1.1.0 p.1"]);
    let heartbeat = "to = 100 Idle Heartbeat|Nats-Last-Consumer: 1|Nats-Last-Stream: 1";
    assert_eq!(desk.pass(SECOND * 5 / 2), [heartbeat; 2]);
    desk.at_work(|scene, around| scene.stream.set_bound(around, "C", false));
    assert_eq!(desk.pass(5 * SECOND), [""; 0]);
}

#[test]
fn payloads_may_be_left_out() {
    let mut desk = desk("");
    desk.scene.publish("p.1", "A: b", "four");
    desk.consumer(r#","deliver_subject":"to","headers_only":true"#);
    assert_eq!(desk.sent(), ["to p.1 1.1.1.0 A: b|Nats-Msg-Size: 4"]);
}

#[test]
fn invariant_13_flow_control_and_heartbeats_never_wait_for_an_answer_to_an_old_request() {
    let mut desk = desk("");
    for _ in 0..60 {
        desk.scene.publish("p.1", "", &"x".repeat(100_000));
    }
    desk.consumer(
        r#","deliver_subject":"to","ack_policy":"none","flow_control":true,"idle_heartbeat":1000000000"#,
    );
    let asked = |sent: &[String]| -> Vec<String> {
        let asked = sent.iter().filter(|sent| sent.contains("FlowControl Request"));
        asked
            .map(|sent| sent.split(' ').nth(2).unwrap().to_owned())
            .collect()
    };
    let first = desk.delivered();
    let requests = asked(&first);
    assert_eq!(requests.len(), 1);
    assert!(first.len() < 61, "the window is smaller than all there is");
    // It says what it waits for.
    let heartbeats = desk.pass(SECOND);
    assert!(
        heartbeats[0].ends_with(&format!("Nats-Consumer-Stalled: {}", requests[0])),
        "{heartbeats:?}"
    );
    let mut answer = |subject: &str| {
        desk.at_work(|scene, around| {
            scene.stream.answer_flow_control(around, subject.as_bytes(), b"");
        });
        desk.delivered()
    };
    assert_eq!(answer("$JS.FC.P.C.wrong"), [""; 0]);
    let second = answer(&requests[0]);
    assert!(!second.is_empty());
    let next = asked(&second);
    // The old answer again is nothing; the new one is not waited for by signs of life.
    assert_eq!(answer(&requests[0]), [""; 0]);
    let third = answer(&next[0]);
    let delivered = first.len() + second.len() + third.len();
    assert!(delivered >= 60, "{delivered}");
    assert_eq!(desk.pass(SECOND).len(), 1);
}

#[test]
fn as_many_bits_a_second_as_it_says() {
    let mut desk = desk(r#","max_msg_size":100"#);
    for _ in 0..4 {
        desk.scene.publish("p.1", "", &"x".repeat(50));
    }
    desk.consumer(r#","deliver_subject":"to","ack_policy":"none","rate_limit_bps":800"#);
    assert_eq!(desk.delivered().len(), 1);
    assert_eq!(desk.pass(SECOND / 2).len(), 0);
    assert_eq!(desk.pass(SECOND / 2).len(), 1);
    assert_eq!(desk.pass(5 * SECOND).len(), 2);
}

#[test]
fn messages_are_replayed_as_they_came() {
    let mut desk = desk("");
    for _ in 0..3 {
        desk.publish(&["p.1"]);
        desk.scene.pass(SECOND);
    }
    desk.consumer(r#","replay_policy":"original""#);
    desk.pull("r", "3");
    assert_eq!(desk.sent().len(), 1);
    assert_eq!(desk.pass(SECOND / 2).len(), 0);
    assert_eq!(desk.pass(SECOND / 2).len(), 1);
    assert_eq!(desk.pass(SECOND).len(), 1);
}

#[test]
fn a_consumer_that_nobody_uses_goes() {
    for (settings, body, is_kept) in [
        (r#","inactive_threshold":1000000000"#, "", false),
        ("", "", true),
        (
            r#","inactive_threshold":1000000000,"deliver_subject":"to""#,
            "",
            false,
        ),
        (
            r#","inactive_threshold":1000000000"#,
            r#"{"expires":60000000000}"#,
            true,
        ),
    ] {
        let mut desk = desk("");
        desk.deaf.insert("to".to_owned());
        desk.consumer(settings);
        if !body.is_empty() {
            desk.pull("r", body);
        }
        desk.pass(5 * SECOND);
        desk.effects();
        assert_eq!(desk.scene.stream.has_consumer("C"), is_kept, "{settings}");
        assert_eq!(desk.scene.stream.consumer_count(), usize::from(is_kept));
    }
}

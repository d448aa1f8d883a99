//! Which messages stay because of consumers.

use super::super::config;
use super::desk;
use crate::api::GetRequest;
use crate::stream::Requested;
use crate::time::SECOND;

#[test]
fn what_no_consumer_wants_is_not_kept() {
    let mut desk = desk(r#","retention":"interest""#);
    let scene = &mut desk.scene;
    assert_eq!(scene.publish("p.a", "Nats-Msg-Id: x", ""), r#"{"seq":1}"#);
    assert_eq!(scene.state(), "0 msgs 0 bytes 2-1 subjects 0 deleted 0");
    assert_eq!(
        scene.publish("p.a", "Nats-Msg-Id: x", ""),
        r#"{"seq":1,"duplicate": true}"#
    );
    desk.consumer(r#","filter_subject":"p.b""#);
    desk.publish(&["p.a", "p.b", "p.a"]);
    assert_eq!(desk.scene.state(), "1 msgs 22 bytes 3-4 subjects 1 deleted 1");
    desk.delete("C");
    desk.effects();
    desk.publish(&["p.b"]);
    assert_eq!(desk.scene.state(), "0 msgs 0 bytes 6-5 subjects 0 deleted 0");
}

#[test]
fn what_consumers_have_done_with_goes() {
    for (settings, left) in [
        ("", 3),
        (r#","retention":"workqueue""#, 1),
        (r#","retention":"interest""#, 1),
    ] {
        let mut desk = desk(settings);
        desk.consumer("");
        desk.publish(&["p.a", "p.b", "p.c"]);
        desk.pull("r", "2");
        desk.sent();
        desk.ack([1, 2]);
        desk.effects();
        assert_eq!(desk.scene.messages().len(), left, "{settings}");
    }
}

/// What consumers are done with goes, what none of them ever wanted stays; and all goes with the last consumer.
#[test]
fn a_stream_that_comes_to_keep_by_interest_keeps_what_nobody_is_done_with() {
    for (consumers, acknowledged, left) in [(0, 0, 4), (1, 2, 3), (2, 2, 4)] {
        let mut desk = desk("");
        for name in ["C", "D"].into_iter().take(consumers) {
            desk.consumer_named(name, r#","filter_subjects":["p.a","p.b"]"#);
        }
        desk.publish(&["p.a", "p.c", "p.b", "p.a"]);
        desk.pull("r", "2");
        desk.sent();
        desk.ack((1..=acknowledged).step_by(2));
        desk.effects();
        let interest = config(r#","retention":"interest""#);
        assert_eq!(
            desk.request(|scene, _, request| {
                scene.stream.request_update(interest, request);
                Ok(Requested::Decided)
            }),
            "done"
        );
        desk.effects();
        assert_eq!(desk.scene.messages().len(), left, "{consumers} consumers");
        for name in ["C", "D"].into_iter().take(consumers) {
            desk.delete(name);
            desk.effects();
        }
        let left = if consumers == 0 { left } else { 0 };
        assert_eq!(
            desk.scene.messages().len(),
            left,
            "{consumers} consumers have gone"
        );
    }
}

#[test]
fn invariant_10_what_was_delivered_as_often_as_it_may_be_stays_in_a_work_queue() {
    let mut desk = desk(r#","retention":"workqueue""#);
    desk.publish(&["p.1", "p.2"]);
    desk.consumer(r#","ack_wait":1000000000,"max_deliver":1"#);
    desk.pull("r", "2");
    desk.sent();
    desk.ack([2]);
    desk.pass(5 * SECOND);
    assert_eq!(desk.scene.messages(), ["1 p.1 [] p.1"]);
    let wanted = GetRequest {
        sequence: 1,
        ..GetRequest::default()
    };
    assert!(desk.scene.stream.get(&wanted).unwrap().is_ok());
    // It is never delivered again, but may still be acknowledged.
    desk.pull("r", r#"{"batch":1,"no_wait":true}"#);
    assert_eq!(desk.delivered(), ["r = 404 No Messages"]);
    desk.ack([1]);
    desk.effects();
    assert_eq!(desk.scene.messages(), [""; 0]);
}

#[test]
fn invariant_12_interest_is_right_after_a_filter_changes() {
    let mut desk = desk(r#","retention":"interest""#);
    desk.consumer(r#","filter_subjects":["p.1","p.2"]"#);
    desk.consumer_named("D", r#","filter_subject":"p.2""#);
    desk.publish(&["p.1", "p.2", "p.3"]);
    assert_eq!(desk.scene.messages(), ["1 p.1 [] p.1", "2 p.2 [] p.2"]);
    desk.consumer(r#","filter_subject":"p.3""#);
    desk.effects();
    // What D needs stays.
    assert_eq!(desk.scene.messages(), ["2 p.2 [] p.2"]);
    desk.publish(&["p.1", "p.3"]);
    assert_eq!(desk.scene.messages(), ["2 p.2 [] p.2", "5 p.3 [] p.3"]);
    assert_eq!(desk.info().num_pending, 1);
}

#[test]
fn invariant_12_a_consumer_that_is_refused_leaves_the_one_that_is_there_as_it_was() {
    let mut desk = desk(r#","retention":"interest""#);
    desk.consumer("");
    desk.publish(&["p.1", "p.2"]);
    desk.pull("r", "1");
    desk.sent();
    let before = (desk.info(), desk.scene.stream.checkpoint());
    for (subject, config, code) in [
        ("DURABLE.CREATE.P.C", r#""ack_policy":"none""#, 10012),
        (
            "DURABLE.CREATE.P.C",
            r#""ack_policy":"explicit","max_waiting":7"#,
            10012,
        ),
        (
            "DURABLE.CREATE.P.C",
            r#""ack_policy":"explicit","filter_subject":"a..b""#,
            10052,
        ),
        (
            "DURABLE.CREATE.P.C",
            r#""ack_policy":"explicit","replay_policy":"original""#,
            10012,
        ),
    ] {
        let body = format!(r#"{{"stream_name":"P","config":{{"durable_name":"C",{config}}}}}"#);
        let refused = desk.ask_for(subject, &body).unwrap_err();
        assert_eq!(refused.err_code, code, "{config}");
    }
    assert_eq!((desk.info(), desk.scene.stream.checkpoint()), before);
}

/// What consumers have done is in a checkpoint at once; the log may not have it when the power goes.
#[test]
fn invariant_12_what_only_a_checkpoint_knows_to_be_acknowledged_goes_after_a_crash() {
    for retention in ["workqueue", "interest"] {
        let mut desk = desk(&format!(r#","retention":"{retention}""#));
        desk.consumer("");
        desk.publish(&["p.1", "p.2", "p.3"]);
        desk.pull("r", "3");
        desk.sent();
        desk.ack([1]);
        desk.read_again();
        assert_eq!(desk.scene.messages(), ["2 p.2 [] p.2", "3 p.3 [] p.3"]);
        desk.ack([3]);
        assert!(desk.scene.stream.propose().is_some());
        desk.read_again();
        assert_eq!(desk.scene.messages(), ["2 p.2 [] p.2"], "{retention}");
    }
}

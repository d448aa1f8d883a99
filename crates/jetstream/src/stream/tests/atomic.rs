//! Messages that are stored together or not at all.

use super::{Scene, message, scene};
use crate::stream::{Abandonment, Effect, Published};
use crate::time::SECOND;

const ALLOWED: &str = r#","allow_atomic":true"#;

impl Scene {
    fn batch(&mut self, id: &str, place: &str, more: &str) -> String {
        let headers = format!("Nats-Batch-Id: {id}|Nats-Batch-Sequence: {place}{more}");
        self.publish("p.a", &headers, place)
    }
}

const COMMIT: &str = "|Nats-Batch-Commit: 1";

#[test]
fn are_stored_together() {
    let mut scene = scene(ALLOWED);
    assert_eq!(scene.batch("b", "1", ""), "");
    assert_eq!(scene.batch("c", "1", ""), "");
    assert_eq!(scene.batch("b", "2", ""), "");
    assert_eq!(scene.stream.batches(), 2);
    assert_eq!(scene.state(), "0 msgs 0 bytes 0-0 subjects 0 deleted 0");
    assert_eq!(
        scene.batch("b", "3", COMMIT),
        r#"{"seq":3,"batch":"b","count":3}"#
    );
    assert_eq!(scene.state(), "3 msgs 244 bytes 1-3 subjects 1 deleted 0");
    let end = "|Nats-Batch-Commit: eob";
    assert_eq!(scene.batch("c", "2", end), r#"{"seq":4,"batch":"c","count":1}"#);
    assert_eq!(
        scene.messages()[3],
        "4 p.a [Nats-Batch-Id: c|Nats-Batch-Sequence: 1|Nats-Batch-Commit: 1] 1"
    );
    assert_eq!(
        scene.batch("d", "1", COMMIT),
        r#"{"seq":5,"batch":"d","count":1}"#
    );
    assert_eq!(scene.stream.batches(), 0);
}

#[test]
fn are_not_stored_in_part() {
    let incomplete = "10176 atomic publish batch is incomplete";
    let mut scene = scene(ALLOWED);
    scene.batch("b", "1", "");
    assert_eq!(scene.batch("b", "3", COMMIT), incomplete);
    assert_eq!(scene.batch("b", "2", ""), incomplete);
    assert_eq!(scene.batch("b", "0", ""), incomplete);
    assert_eq!(
        scene.batch("b", "x", COMMIT),
        "10175 atomic publish sequence is missing"
    );
    assert_eq!(
        scene.batch(&"b".repeat(65), "1", COMMIT),
        "10179 atomic publish batch ID is invalid"
    );
    assert_eq!(
        scene.batch("b", "1", "|Nats-Batch-Commit: 2"),
        "10200 atomic publish batch commit is invalid"
    );
    assert_eq!(scene.batch("b", "1", "|Nats-Batch-Commit: eob"), incomplete);
    assert_eq!(
        scene.batch("b", "0", "|Nats-Batch-Commit: eob"),
        "10199 atomic publish batch is too large: 1000"
    );
    scene.limits.max_batch_size = 2;
    assert_eq!(
        scene.batch("b", "4", ""),
        "10199 atomic publish batch is too large: 2"
    );
    scene.batch("b", "1", "");
    scene.batch("b", "2", "");
    assert_eq!(
        scene.batch("b", "3", COMMIT),
        "10199 atomic publish batch is too large: 2"
    );
    assert_eq!(
        scene.batch("b", "1", "|Nats-Required-Api-Level: 9"),
        "10185 JetStream minimum api level required"
    );
    scene.limits.max_atomic_batches = 1;
    scene.batch("b", "1", "");
    assert_eq!(
        scene.batch("c", "1", ""),
        "10210 atomic publish too many inflight"
    );
    assert_eq!(scene.state(), "0 msgs 0 bytes 0-0 subjects 0 deleted 0");
}

/// One message that is refused has none be stored.
#[test]
fn one_that_is_refused_refuses_all() {
    for (first, second, expect) in [
        (
            "|Nats-Msg-Id: x",
            "|Nats-Msg-Id: x",
            "10201 atomic publish batch contains duplicate message id",
        ),
        (
            "",
            "|Nats-Msg-Id: old",
            "10201 atomic publish batch contains duplicate message id",
        ),
        (
            "",
            "|Nats-Expected-Last-Msg-Id: x",
            "10177 atomic publish unsupported header used: Nats-Expected-Last-Msg-Id",
        ),
        ("", "|Nats-Expected-Last-Sequence: 2", "10164 wrong last sequence"),
        (
            "",
            "|Nats-Expected-Last-Sequence: 1",
            "10071 wrong last sequence: 2",
        ),
        (
            "",
            "|Nats-Expected-Last-Subject-Sequence: 0",
            "10164 wrong last sequence",
        ),
        (
            "|Nats-Expected-Last-Sequence: 7",
            "",
            "10071 wrong last sequence: 1",
        ),
        ("", "|Nats-Rollup: sub", "10111 batch rollup sub invalid"),
        ("", "|Nats-Rollup: all", "10111 batch rollup all invalid"),
        ("", "|Nats-TTL: 5s", "10166 per-message TTL is disabled"),
    ] {
        let mut scene = scene(r#","allow_atomic":true,"allow_rollup_hdrs":true"#);
        scene.publish("p.old", "Nats-Msg-Id: old", "");
        assert_eq!(scene.batch("b", "1", first), "", "{first}");
        assert_eq!(scene.batch("b", "2", &format!("{COMMIT}{second}")), expect);
        assert_eq!(scene.stream.last_sequence(), 1);
        // The id of what was not stored was not seen.
        scene.publish("p.old", "Nats-Msg-Id: x", "");
        assert_eq!(scene.stream.last_sequence(), 2);
    }
}

#[test]
fn limits_count_all_of_them() {
    let mut scene = scene(r#","allow_atomic":true,"discard":"new","max_msgs":2"#);
    for place in ["1", "2"] {
        scene.batch("b", place, "");
    }
    assert_eq!(scene.batch("b", "3", COMMIT), "10077 maximum messages exceeded");
    scene.batch("b", "1", "");
    assert_eq!(
        scene.batch("b", "2", COMMIT),
        r#"{"seq":2,"batch":"b","count":2}"#
    );
}

#[test]
fn counters_count_in_them() {
    let mut scene = scene(r#","allow_atomic":true,"allow_msg_counter":true"#);
    let mut say = |place: &str, more: &str| {
        let headers = format!("Nats-Incr: 5|Nats-Batch-Id: b|Nats-Batch-Sequence: {place}{more}");
        scene.publish("p.a", &headers, "")
    };
    say("1", "");
    assert_eq!(say("2", COMMIT), r#"{"seq":2,"batch":"b","count":2}"#);
    assert!(scene.messages()[1].ends_with(r#"{"val":"10"}"#));
}

#[test]
fn nothing_becomes_of_those_that_do_not_end() {
    let mut scene = scene(ALLOWED);
    scene.batch("b", "1", "");
    scene.pass(9 * SECOND);
    scene.batch("b", "2", "");
    assert_eq!(scene.stream.wake_at(), Some(scene.now.after(10 * SECOND)));
    scene.pass(10 * SECOND);
    scene.wake();
    assert_eq!(
        scene.stream.take_effects().list,
        [Effect::Abandoned {
            batch: "b".into(),
            reason: Abandonment::Timeout
        }]
    );
    assert_eq!(
        scene.batch("b", "3", COMMIT),
        "10176 atomic publish batch is incomplete"
    );
    assert_eq!(scene.stream.batches(), 0);
}

/// What a batch expects is of what there will be when it is stored.
#[test]
fn wait_for_what_is_ahead() {
    let mut scene = scene(ALLOWED);
    scene.batch("b", "1", "");
    scene.offer(message("p.z", "", ""));
    let headers = "Nats-Batch-Id: b|Nats-Batch-Sequence: 2|Nats-Batch-Commit: 1";
    let commit = message("p.a", headers, "");
    assert_eq!(scene.offer(commit.clone()), Published::Unsettled(commit.clone()));
    scene.commit();
    assert_eq!(scene.offer(commit), Published::Decided);
    scene.commit();
    assert_eq!(
        scene.answers(),
        [r#"{"seq":1}"#, r#"{"seq":3,"batch":"b","count":2}"#]
    );
}

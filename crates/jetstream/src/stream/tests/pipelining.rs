//! What is decided while other decisions are on their way into the log.

use super::{Scene, message, scene};
use crate::api::PurgeRequest;
use crate::error::ApiError;
use crate::held::Messages;
use crate::stream::{Done, Effect, Further, Published};

impl Scene {
    /// Proposes what was decided; it is not yet in the log.
    fn send(&mut self) -> u64 {
        self.stream.propose().unwrap().number
    }

    fn must_wait(&mut self, subject: &str, headers: &str) {
        let message = message(subject, headers, "");
        assert_eq!(self.offer(message.clone()), Published::Unsettled(message));
    }

    fn decides(&mut self, subject: &str, headers: &str) {
        assert_eq!(self.offer(message(subject, headers, "")), Published::Decided);
    }
}

#[test]
fn nothing_is_answered_or_seen_before_it_is_in_the_log() {
    let mut scene = scene("");
    scene.decides("p.a", "");
    scene.decides("p.a", "Nats-Expected-Last-Sequence: 1");
    let number = scene.send();
    scene.decides("p.b", "Nats-Expected-Last-Subject-Sequence: 0");
    assert!(scene.answers().is_empty());
    assert_eq!(scene.stream.last_sequence(), 0);
    scene.stream.committed(number, &super::zone);
    assert_eq!(scene.answers(), [r#"{"seq":1}"#, r#"{"seq":2}"#]);
    let number = scene.send();
    scene.stream.committed(number, &super::zone);
    assert_eq!(scene.answers(), [r#"{"seq":3}"#]);
}

#[test]
fn what_is_expected_is_what_will_be() {
    let mut scene = scene("");
    scene.decides("p.a", "Nats-Msg-Id: one");
    scene.send();
    scene.decides(
        "p.a",
        "Nats-Expected-Last-Subject-Sequence: 1|Nats-Expected-Last-Msg-Id: one",
    );
    scene.decides("p.a", "Nats-Expected-Last-Subject-Sequence: 1");
    assert_eq!(scene.answers(), ["10071 wrong last sequence: 2"]);
    scene.decides("p.b", "Nats-Expected-Last-Sequence: 1");
    assert_eq!(scene.answers(), ["10071 wrong last sequence: 2"]);
    // A pattern may match much of what is ahead: it waits.
    scene.must_wait(
        "p.b",
        "Nats-Expected-Last-Subject-Sequence: 2|Nats-Expected-Last-Subject-Sequence-Subject: p.*",
    );
}

#[test]
fn a_duplicate_is_answered_after_the_first() {
    let mut scene = scene("");
    scene.decides("p.a", "Nats-Msg-Id: x");
    let number = scene.send();
    scene.decides("p.a", "Nats-Msg-Id: x");
    assert!(scene.answers().is_empty());
    assert!(scene.stream.propose().is_none());
    scene.stream.committed(number, &super::zone);
    assert_eq!(
        scene.answers(),
        [r#"{"seq":1}"#, r#"{"seq":1,"duplicate": true}"#]
    );
}

/// Invariant 6.
#[test]
fn a_failed_proposal_leaves_expected_sequences_and_limits_as_they_were() {
    let mut scene = scene(r#","discard":"new","max_msgs":6,"allow_rollup_hdrs":true"#);
    scene.publish("p.a", "Nats-Msg-Id: one", "");
    let before = (scene.stream.checkpoint(), scene.messages());
    scene.decides("p.a", "Nats-Msg-Id: two|Nats-Expected-Last-Sequence: 1");
    scene.send();
    scene.decides("p.b", "Nats-Msg-Id: two");
    scene.decides("p.b", "Nats-Rollup: all");
    scene.stream.request_purge(&PurgeRequest::default(), 5).unwrap();
    scene.send();
    scene.decides("p.c", "");
    scene
        .stream
        .failed(&ApiError::store_failed("no space left on device"));
    let failed = "10077 no space left on device";
    assert_eq!(scene.answers(), [failed, failed, failed, failed]);
    assert_eq!((scene.stream.checkpoint(), scene.messages()), before);
    assert_eq!(
        scene.publish("p.a", "Nats-Msg-Id: two|Nats-Expected-Last-Sequence: 1", ""),
        r#"{"seq":2}"#
    );
    assert_eq!(
        scene.publish("p.b", "Nats-Expected-Last-Subject-Sequence: 0", ""),
        r#"{"seq":3}"#
    );
    for sequence in 4..=6 {
        assert_eq!(scene.publish("p.b", "", ""), format!(r#"{{"seq":{sequence}}}"#));
    }
    assert_eq!(scene.publish("p.b", "", ""), "10077 maximum messages exceeded");
}

#[test]
fn what_cannot_be_told_waits() {
    let subject_is_new = "Nats-Expected-Last-Subject-Sequence: 0";
    let mut scene = scene(r#","max_msgs":2,"allow_rollup_hdrs":true"#);
    scene.publish("p.a", "", "");
    scene.decides("p.b", "");
    scene.decides("p.c", subject_is_new);
    // Two and one are too many: which one goes is not told here.
    scene.must_wait("p.a", subject_is_new);
    // It was not, and will not be, there.
    scene.decides("p.x", subject_is_new);
    scene.must_wait("p.b", "Nats-Expected-Last-Subject-Sequence: 2");
    scene.commit();
    scene.answers();
    assert_eq!(scene.publish("p.a", subject_is_new, ""), r#"{"seq":5}"#);
    scene.decides("p.d", "Nats-Rollup: all");
    scene.must_wait("p.a", "Nats-Expected-Last-Sequence: 6");
    scene.commit();
    scene.answers();
    assert_eq!(scene.publish("p.a", subject_is_new, ""), r#"{"seq":7}"#);
}

#[test]
fn what_limits_let_go_is_told_ahead_where_nothing_has_gone_before() {
    let last_is = |sequence: u64| format!("Nats-Expected-Last-Subject-Sequence: {sequence}");
    let mut scene = scene(r#","max_msgs":4"#);
    for subject in ["p.a", "p.b", "p.c", "p.d"] {
        scene.publish(subject, "", "");
    }
    scene.decides("p.e", "");
    // One goes, which is not the second.
    scene.decides("p.b", &last_is(2));
    // Two go, and this may be one of them.
    scene.must_wait("p.a", &last_is(1));
    scene.decides("p.d", &last_is(4));
    scene.decides("p.b", &last_is(6));
    scene.decides("p.f", &last_is(0));
    // All that were there go, and one more.
    scene.must_wait("p.f", &last_is(9));
    scene.commit();
    let numbers: Vec<String> = (5..=9).map(|number| format!(r#"{{"seq":{number}}}"#)).collect();
    assert_eq!(scene.answers(), numbers);
}

#[test]
fn limits_wait_only_where_they_may_be_reached() {
    let mut scene = scene(r#","discard":"new","max_msgs":2"#);
    scene.decides("p.a", "");
    scene.decides("p.a", "");
    scene.must_wait("p.a", "");
    scene.commit();
    scene.answers();
    assert_eq!(scene.publish("p.a", "", ""), "10077 maximum messages exceeded");
}

/// As a key-value bucket is configured: each value but the first of a key has another go.
#[test]
fn what_replaces_waits_only_where_a_limit_may_be_reached() {
    let mut scene = scene(r#","discard":"new","max_msgs_per_subject":1"#);
    scene.publish("p.a", "", "");
    for _ in 0..3 {
        scene.decides("p.a", "");
        scene.decides("p.b", "");
        scene.send();
    }
    scene.decides("p.a", "Nats-Expected-Last-Subject-Sequence: 6");
    scene.commit();
    let numbers: Vec<String> = (2..=8).map(|number| format!(r#"{{"seq":{number}}}"#)).collect();
    assert_eq!(scene.answers(), numbers);
    assert_eq!(scene.messages().len(), 2);

    for limit in [r#""max_msgs":2"#, r#""max_bytes":70"#] {
        let mut scene = super::scene(&format!(r#","discard":"new","max_msgs_per_subject":1,{limit}"#));
        scene.publish("p.a", "", "");
        scene.publish("p.b", "", "");
        // It lets one go, so that there is room for it.
        scene.decides("p.a", "");
        // How much there is room for then is not told here.
        scene.must_wait("p.b", "");
        scene.commit();
        scene.answers();
        assert_eq!(scene.publish("p.b", "", ""), r#"{"seq":4}"#, "{limit}");
    }
}

#[test]
fn counters_count_on() {
    let mut scene = scene(r#","allow_msg_counter":true"#);
    for _ in 0..3 {
        scene.decides("p.a", "Nats-Incr: 2");
        scene.send();
    }
    scene.stream.committed(3, &super::zone);
    assert_eq!(
        scene.answers(),
        [
            r#"{"seq":1,"val":"2"}"#,
            r#"{"seq":2,"val":"4"}"#,
            r#"{"seq":3,"val":"6"}"#
        ]
    );
}

#[test]
fn what_has_many_go_is_applied_in_parts_and_what_depends_on_it_waits() {
    let mut scene = scene(r#","max_msgs_per_subject":3"#);
    for subject in ["p.a", "p.b", "p.c", "p.d"].repeat(3) {
        scene.decides(subject, "");
    }
    let number = scene.send();
    scene.stream.committed(number, &super::zone);
    let wanted = PurgeRequest {
        filter: "p.*".to_owned(),
        keep: 1,
        ..PurgeRequest::default()
    };
    scene.stream.request_purge(&wanted, 7).unwrap();
    let number = scene.send();
    let mut held = vec![scene.stream.held().count()];
    while scene.stream.commit(number, &super::zone, &mut 12) == Further::More {
        held.push(scene.stream.held().count());
        assert!(scene.stream.is_half_applied());
        assert!(
            scene
                .stream
                .take_effects()
                .list
                .iter()
                .all(|effect| !is_done(effect))
        );
        scene.must_wait("p.a", "Nats-Expected-Last-Subject-Sequence: 9");
    }
    assert_eq!(held, [12, 10, 8, 6, 4, 2]);
    assert_eq!(scene.stream.held().count(), 1);
    assert!(scene.stream.take_effects().list.iter().any(is_done));
    scene.decides("p.d", "Nats-Expected-Last-Subject-Sequence: 12");
}

fn is_done(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Done {
            request: 7,
            outcome: Ok(Done::Purged(11))
        }
    )
}

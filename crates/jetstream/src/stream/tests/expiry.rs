//! Messages that go by themselves.

use super::{START, scene};
use crate::time::SECOND;

#[test]
fn messages_go_at_their_age() {
    let mut scene = scene(r#","max_age":10000000000,"allow_msg_ttl":true"#);
    scene.publish("p.a", "", "");
    scene.publish("p.a", "Nats-TTL: never", "");
    scene.pass(4 * SECOND);
    scene.publish("p.b", "", "");
    assert_eq!(scene.stream.wake_at(), Some(START.after(10 * SECOND)));
    scene.pass(6 * SECOND);
    scene.wake();
    assert_eq!(scene.state(), "2 msgs 67 bytes 2-3 subjects 2 deleted 0");
    assert_eq!(scene.stream.wake_at(), Some(START.after(14 * SECOND)));
    scene.pass(4 * SECOND);
    scene.wake();
    assert_eq!(scene.state(), "1 msgs 48 bytes 2-3 subjects 1 deleted 1");
    assert_eq!(scene.stream.wake_at(), None);
    assert_eq!(scene.publish("p.b", "", ""), r#"{"seq":4}"#);
}

#[test]
fn all_may_go() {
    let mut scene = scene(r#","max_age":1000000000"#);
    for subject in ["p.a", "p.b", "p.c"] {
        scene.publish(subject, "", "");
    }
    scene.pass(SECOND);
    scene.wake();
    assert_eq!(scene.state(), "0 msgs 0 bytes 4-3 subjects 0 deleted 0");
    assert_eq!(scene.publish("p.x", "", ""), r#"{"seq":4}"#);
}

#[test]
fn messages_go_when_they_say_so() {
    let mut scene = scene(r#","allow_msg_ttl":true"#);
    scene.publish("p.a", "Nats-TTL: 1s", "");
    scene.publish("p.b", "", "");
    scene.publish("p.c", "Nats-TTL: 5", "");
    assert_eq!(
        scene.publish("p.d", "Nats-TTL: 0", ""),
        "10165 invalid per-message TTL"
    );
    assert_eq!(
        scene.publish("p.d", "Nats-TTL: soon", ""),
        "10165 invalid per-message TTL"
    );
    assert_eq!(scene.stream.wake_at(), Some(START.after(SECOND)));
    scene.pass(SECOND);
    scene.wake();
    assert_eq!(scene.state(), "2 msgs 63 bytes 2-3 subjects 2 deleted 0");
    scene.pass(10 * SECOND);
    scene.wake();
    assert_eq!(scene.state(), "1 msgs 19 bytes 2-3 subjects 1 deleted 1");
}

#[test]
fn a_marker_says_that_a_subject_has_gone() {
    let mut scene = scene(r#","max_age":5000000000,"subject_delete_marker_ttl":10000000000"#);
    scene.publish("p.a", "", "1");
    scene.publish("p.a", "", "2");
    scene.publish("p.b", "Nats-TTL: 2s", "");
    // It stays as long as a marker would at least.
    assert_eq!(scene.messages()[2], "3 p.b [Nats-TTL: 10] ");
    scene.pass(5 * SECOND);
    scene.wake();
    assert_eq!(
        scene.messages(),
        [
            "4 p.a [Nats-Marker-Reason: MaxAge|Nats-TTL: 10s|Nats-Rollup: sub] ",
            "5 p.b [Nats-Marker-Reason: MaxAge|Nats-TTL: 10s|Nats-Rollup: sub] ",
        ]
    );
    // Markers leave none.
    scene.pass(10 * SECOND);
    scene.wake();
    assert!(scene.messages().is_empty(), "{:?}", scene.messages());
    assert_eq!(scene.stream.last_sequence(), 5);
}

#[test]
fn many_go_in_several_turns() {
    let mut scene = scene(r#","max_age":1000000000"#);
    for _ in 0..2500 {
        scene.publish("p.a", "", "");
    }
    scene.pass(SECOND);
    let mut turns = 0;
    while scene.stream.state(0).messages > 0 {
        assert!(scene.stream.wake_at().unwrap() <= scene.now);
        scene.wake();
        turns += 1;
    }
    assert_eq!(turns, 13);
}

/// A proposal that comes to nothing is made again.
#[test]
fn what_did_not_go_goes_later() {
    let mut scene = scene(r#","max_age":1000000000,"allow_msg_ttl":true"#);
    scene.publish("p.a", "", "");
    scene.publish("p.b", "Nats-TTL: 1s", "");
    scene.pass(SECOND);
    scene.decide_what_is_due();
    assert!(scene.stream.propose().is_some());
    // Nothing is decided twice.
    assert_eq!(scene.stream.wake_at(), None);
    scene.decide_what_is_due();
    assert!(scene.stream.propose().is_none());
    scene.stream.failed(&crate::error::ApiError::store_failed("disk"));
    assert!(scene.stream.wake_at().unwrap() <= scene.now);
    scene.wake();
    assert_eq!(scene.stream.state(0).messages, 0);
}

#[test]
fn times_never_go_back() {
    let mut scene = scene(r#","max_age":10000000000"#);
    scene.publish("p.a", "", "");
    scene.pass(-5 * SECOND);
    scene.publish("p.a", "", "");
    assert_eq!(scene.stream.state(0).last_time, Some(START));
}

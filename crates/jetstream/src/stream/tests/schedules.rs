//! Messages that are published later.

use super::{START, scene};
use crate::time::SECOND;

const ALLOWED: &str = r#","allow_msg_schedules":true,"allow_msg_ttl":true"#;

#[test]
fn are_checked() {
    let mut scene = scene(ALLOWED);
    for (headers, expect) in [
        (
            "Nats-Schedule: @every 1h",
            "10190 message schedules target is invalid",
        ),
        (
            "Nats-Schedule: whenever|Nats-Schedule-Target: p.t",
            "10189 message schedules pattern is invalid",
        ),
        (
            "Nats-Schedule: @every 1h|Nats-Schedule-Target: elsewhere",
            "10190 message schedules target is invalid",
        ),
        (
            "Nats-Schedule: @every 1h|Nats-Schedule-Target: p.a",
            "10190 message schedules target is invalid",
        ),
        (
            "Nats-Schedule: @every 1h|Nats-Schedule-Target: p.*",
            "10190 message schedules target is invalid",
        ),
        (
            "Nats-Schedule: @every 1h|Nats-Schedule-Target: p.t|Nats-Schedule-TTL: soon",
            "10191 message schedules invalid per-message TTL",
        ),
        (
            "Nats-Schedule: @every 1h|Nats-Schedule-Target: p.t|Nats-Schedule-Rollup: all",
            "10192 message schedules invalid rollup",
        ),
        (
            "Nats-Schedule: @every 1h|Nats-Schedule-Target: p.t|Nats-Rollup: all",
            "10192 message schedules invalid rollup",
        ),
        (
            "Nats-Schedule: @every 1h|Nats-Schedule-Target: p.t|Nats-Schedule-Source: p.t",
            "10203 message schedules source is invalid",
        ),
        (
            "Nats-Schedule: @daily|Nats-Schedule-Target: p.t|Nats-Schedule-Time-Zone: Nowhere/At-All",
            "10223 message schedules time zone is invalid",
        ),
        (
            "Nats-Schedule: @every 1h|Nats-Schedule-Target: p.t|Nats-Schedule-Time-Zone: UTC",
            "10189 message schedules pattern is invalid",
        ),
        ("Nats-Scheduler: p.s", "10212 message schedules invalid scheduler"),
        (
            "Nats-Schedule-Next: 2026-11-30T07:00:00Z|Nats-Scheduler: p.s",
            "10212 message schedules invalid scheduler",
        ),
        (
            "Nats-Schedule-Next: purge|Nats-Scheduler: p.a",
            "10212 message schedules invalid scheduler",
        ),
        (
            "Nats-Schedule-Next: purge",
            "10212 message schedules invalid scheduler",
        ),
    ] {
        assert_eq!(scene.publish("p.a", headers, ""), expect, "{headers}");
    }
}

#[test]
fn come_once_and_end() {
    let mut scene = scene(ALLOWED);
    let at = START.after(2 * SECOND).to_string();
    let headers = format!(
        "Nats-Schedule: @at {at}|Nats-Schedule-Target: p.t|Nats-Schedule-TTL: 5m|A: b|Nats-Msg-Id: x"
    );
    assert_eq!(scene.publish("p.s", &headers, "later"), r#"{"seq":1}"#);
    assert_eq!(scene.stream.wake_at().map(|at| at.to_string()), Some(at));
    scene.pass(2 * SECOND);
    scene.wake();
    assert_eq!(
        scene.messages(),
        ["2 p.t [A: b|Nats-Scheduler: p.s|Nats-Schedule-Next: purge|Nats-TTL: 5m] later"]
    );
}

#[test]
fn come_again_and_again() {
    let mut scene = scene(ALLOWED);
    scene.publish(
        "p.s",
        "Nats-Schedule: @every 10s|Nats-Schedule-Target: p.t",
        "tick",
    );
    for round in 1..=3 {
        scene.pass(10 * SECOND);
        scene.wake();
        let next = scene.now.after(10 * SECOND);
        let last = scene.messages().pop().unwrap();
        let expect = format!(
            "{} p.t [Nats-Scheduler: p.s|Nats-Schedule-Next: {next}] tick",
            round + 1
        );
        assert_eq!(last, expect);
        assert_eq!(scene.stream.wake_at(), Some(next));
    }
    // What is missed is not made up for.
    scene.pass(100 * SECOND);
    scene.wake();
    assert_eq!(scene.stream.last_sequence(), 5);
    // A schedule ends when its message goes, or another message has its subject.
    scene.publish("p.x", "Nats-Schedule-Next: purge|Nats-Scheduler: p.s", "");
    assert!(scene.messages().iter().all(|message| !message.contains(" p.s ")));
    scene.pass(100 * SECOND);
    scene.wake();
    assert_eq!(scene.stream.last_sequence(), 6);
}

#[test]
fn say_what_another_subject_says() {
    let mut scene = scene(ALLOWED);
    let headers = "Nats-Schedule: @every 10s|Nats-Schedule-Target: p.t|Nats-Schedule-Source: p.o|Nats-Schedule-Rollup: sub";
    scene.publish("p.s", headers, "own");
    scene.pass(10 * SECOND);
    scene.wake();
    assert!(scene.messages().pop().unwrap().ends_with("own"));
    scene.publish("p.o", "C: d|Nats-Expected-Stream: P", "other");
    scene.pass(10 * SECOND);
    scene.wake();
    let messages = scene.messages();
    assert_eq!(messages.len(), 3);
    assert!(
        messages[2].starts_with("4 p.t [C: d|Nats-Scheduler: p.s|"),
        "{messages:?}"
    );
    assert!(messages[2].ends_with("Nats-Rollup: sub] other"), "{messages:?}");
}

#[test]
fn one_a_subject() {
    let mut scene = scene(ALLOWED);
    scene.publish("p.s", "Nats-Schedule: @every 10s|Nats-Schedule-Target: p.t", "1");
    scene.publish("p.s", "Nats-Schedule: @every 20s|Nats-Schedule-Target: p.t", "2");
    assert_eq!(scene.state(), "1 msgs 104 bytes 2-2 subjects 1 deleted 0");
    scene.pass(10 * SECOND);
    scene.wake();
    assert_eq!(scene.stream.last_sequence(), 2);
    // An ordinary message there ends it.
    scene.publish("p.s", "", "");
    scene.pass(30 * SECOND);
    scene.wake();
    assert_eq!(scene.stream.last_sequence(), 3);
    // Nobody can end what is none.
    assert_eq!(
        scene.publish("p.x", "Nats-Schedule-Next: purge|Nats-Scheduler: p.s", ""),
        "10212 message schedules invalid scheduler"
    );
    assert_eq!(
        scene.publish("p.x", "Nats-Schedule-Next: purge|Nats-Scheduler: p.nothing", ""),
        r#"{"seq":4}"#
    );
}

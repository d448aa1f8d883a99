//! What is stored, and what is refused, in the answers that clients know.

use super::{scene, short};
use crate::account::Room;
use crate::stream::Effect;
use bytes::Bytes;

/// Publishes messages, each of a subject, headers, payload and what is to be answered.
#[track_caller]
fn check(settings: &str, messages: &[(&str, &str, &str, &str)], state: &str) {
    let mut scene = scene(settings);
    for (subject, headers, payload, expect) in messages {
        let said = scene.publish(subject, headers, payload);
        assert_eq!(said, *expect, "{subject} {headers} {payload}");
    }
    assert_eq!(scene.state(), state);
}

#[test]
fn is_acknowledged() {
    check(
        "",
        &[
            ("p.x", "", "one", r#"{"seq":1}"#),
            ("p.x", "", "", r#"{"seq":2}"#),
            ("p.y", "A: b", "with headers", r#"{"seq":3}"#),
        ],
        "3 msgs 90 bytes 1-3 subjects 2 deleted 0",
    );
    check(
        r#","no_ack":true"#,
        &[("p.x", "", "hi", "")],
        "1 msgs 21 bytes 1-1 subjects 1 deleted 0",
    );
    check(
        r#","first_seq":1000"#,
        &[("p.x", "", "hi", r#"{"seq":1000}"#)],
        "1 msgs 21 bytes 1000-1000 subjects 1 deleted 0",
    );
}

#[test]
fn what_was_stored_before_is_not_stored_again() {
    check(
        "",
        &[
            ("p.a", "Nats-Msg-Id: x", "1", r#"{"seq":1}"#),
            ("p.a", "Nats-Msg-Id: x", "2", r#"{"seq":1,"duplicate": true}"#),
            ("p.b", "Nats-Msg-Id: x", "3", r#"{"seq":1,"duplicate": true}"#),
            ("p.a", "Nats-Msg-Id: y", "4", r#"{"seq":2}"#),
            ("p.a", "nats-msg-id: y", "5", r#"{"seq":3}"#),
            ("p.a", "Nats-Msg-Id: ", "6", r#"{"seq":4}"#),
        ],
        "4 msgs 191 bytes 1-4 subjects 1 deleted 0",
    );
}

#[test]
fn what_is_expected_of_the_stream_has_to_be() {
    check(
        "",
        &[
            ("p.a", "Nats-Expected-Stream: P", "1", r#"{"seq":1}"#),
            (
                "p.a",
                "Nats-Expected-Stream: O",
                "2",
                "10060 expected stream does not match",
            ),
            ("p.a", "Nats-Expected-Last-Sequence: 1", "2", r#"{"seq":2}"#),
            (
                "p.a",
                "Nats-Expected-Last-Sequence: 1",
                "3",
                "10071 wrong last sequence: 2",
            ),
            (
                "p.a",
                "Nats-Expected-Last-Sequence: x",
                "5",
                "10071 wrong last sequence: 2",
            ),
            (
                "p.b",
                "Nats-Expected-Last-Subject-Sequence: 0",
                "",
                r#"{"seq":3}"#,
            ),
            (
                "p.a",
                "Nats-Expected-Last-Subject-Sequence: 2",
                "",
                r#"{"seq":4}"#,
            ),
            (
                "p.a",
                "Nats-Expected-Last-Subject-Sequence: 2",
                "",
                "10071 wrong last sequence: 4",
            ),
            (
                "p.c",
                "Nats-Expected-Last-Subject-Sequence: 4|Nats-Expected-Last-Subject-Sequence-Subject: p.*",
                "",
                r#"{"seq":5}"#,
            ),
            (
                "p.c",
                "Nats-Expected-Last-Subject-Sequence-Subject: p.*",
                "",
                "10193 missing sequence for expected last sequence per subject",
            ),
            ("p.a", "Nats-Msg-Id: one", "", r#"{"seq":6}"#),
            (
                "p.a",
                "Nats-Expected-Last-Msg-Id: one|Nats-Msg-Id: two",
                "",
                r#"{"seq":7}"#,
            ),
            (
                "p.a",
                "Nats-Expected-Last-Msg-Id: one",
                "",
                "10070 wrong last msg ID: two",
            ),
            (
                "p.a",
                "Nats-Msg-Id: two|Nats-Expected-Last-Sequence: 50",
                "",
                "10071 wrong last sequence: 7",
            ),
        ],
        "7 msgs 514 bytes 1-7 subjects 3 deleted 0",
    );
}

#[test]
fn what_is_not_allowed_is_refused() {
    check(
        "",
        &[
            ("p.a", "Nats-Rollup: sub", "", "10111 rollup not permitted"),
            ("p.a", "Nats-TTL: 10s", "", "10166 per-message TTL is disabled"),
            ("p.a", "Nats-Incr: 1", "", "10168 message counters is disabled"),
            (
                "p.a",
                "Nats-Schedule: @every 1s|Nats-Schedule-Target: p.b",
                "",
                "10188 message schedules is disabled",
            ),
            (
                "p.a",
                "Nats-Batch-Id: b|Nats-Batch-Sequence: 1",
                "",
                "10174 atomic publish is disabled",
            ),
            ("p.a", "Nats-Required-Api-Level: 99", "", r#"{"seq":1}"#),
        ],
        "1 msgs 60 bytes 1-1 subjects 1 deleted 0",
    );
    let mut scene = scene("");
    let mut config = scene.stream.config().clone();
    config.sealed = true;
    scene.stream.request_update(config, 7);
    scene.commit();
    let done = scene.stream.take_effects().list;
    assert_eq!(
        format!("{done:?}"),
        "[Done { request: 7, outcome: Ok(Configured) }]"
    );
    assert_eq!(
        scene.publish("p.a", "", ""),
        "10109 invalid operation on sealed stream"
    );
    assert_eq!(scene.delete(1), "invalid operation on sealed stream (10109)");
}

#[test]
fn messages_have_those_before_them_go() {
    check(
        r#","allow_rollup_hdrs":true"#,
        &[
            ("p.a", "", "1", r#"{"seq":1}"#),
            ("p.b", "", "2", r#"{"seq":2}"#),
            ("p.a", "", "3", r#"{"seq":3}"#),
            (
                "p.a",
                "Nats-Rollup: some",
                "",
                r#"10111 rollup value invalid: "some""#,
            ),
            ("p.a", "Nats-Rollup: SUB", "4", r#"{"seq":4}"#),
        ],
        "2 msgs 70 bytes 2-4 subjects 2 deleted 1",
    );
    check(
        r#","allow_rollup_hdrs":true"#,
        &[
            ("p.a", "", "1", r#"{"seq":1}"#),
            ("p.b", "", "2", r#"{"seq":2}"#),
            ("p.a", "Nats-Rollup: all", "3", r#"{"seq":3}"#),
        ],
        "1 msgs 50 bytes 3-3 subjects 1 deleted 0",
    );
}

const SEVEN: [(&str, &str); 7] = [
    ("p.a", "message 0"),
    ("p.b", "message 1"),
    ("p.a", "message 2"),
    ("p.c", "message 3"),
    ("p.a", "message 4"),
    ("p.b", "message 5"),
    ("p.d", ""),
];

/// Publishes seven messages, the last of a hundred bytes; `refused` stands for each that is.
#[track_caller]
fn check_limit(settings: &str, refused: &str, which: &[usize], state: &str) {
    let mut scene = scene(settings);
    for (at, (subject, payload)) in SEVEN.iter().enumerate() {
        let long = "x".repeat(100);
        let said = scene.publish(subject, "", if payload.is_empty() { &long } else { payload });
        match which.contains(&at) {
            true => assert_eq!(said, refused, "{at}"),
            false => assert!(said.contains("seq"), "{at}: {said}"),
        }
    }
    assert_eq!(scene.state(), state);
}

#[test]
fn old_messages_go_at_the_limits() {
    check_limit(
        r#","max_msgs":3"#,
        "",
        &[],
        "3 msgs 175 bytes 5-7 subjects 3 deleted 0",
    );
    check_limit(
        r#","max_bytes":150"#,
        "",
        &[],
        "2 msgs 147 bytes 6-7 subjects 2 deleted 0",
    );
    check_limit(
        r#","max_bytes":150,"storage":"file""#,
        "",
        &[],
        "1 msgs 133 bytes 7-7 subjects 1 deleted 0",
    );
    check_limit(
        r#","max_msgs_per_subject":1"#,
        "",
        &[],
        "4 msgs 203 bytes 4-7 subjects 4 deleted 0",
    );
    check_limit(
        r#","max_msgs_per_subject":2"#,
        "",
        &[],
        "6 msgs 259 bytes 2-7 subjects 4 deleted 0",
    );
    check_limit(
        r#","max_msgs":1"#,
        "",
        &[],
        "1 msgs 119 bytes 7-7 subjects 1 deleted 0",
    );
}

#[test]
fn new_messages_are_refused_at_the_limits() {
    check_limit(
        r#","max_msgs":3,"discard":"new""#,
        "10077 maximum messages exceeded",
        &[3, 4, 5, 6],
        "3 msgs 84 bytes 1-3 subjects 2 deleted 0",
    );
    check_limit(
        r#","max_bytes":150,"discard":"new""#,
        "10077 maximum bytes exceeded",
        &[5, 6],
        "5 msgs 140 bytes 1-5 subjects 3 deleted 0",
    );
    check_limit(
        r#","max_msgs_per_subject":1,"discard":"new""#,
        "",
        &[],
        "4 msgs 203 bytes 4-7 subjects 4 deleted 0",
    );
    check_limit(
        r#","max_msgs_per_subject":1,"discard":"new","discard_new_per_subject":true"#,
        "10077 maximum messages per subject exceeded",
        &[2, 4, 5],
        "4 msgs 203 bytes 1-4 subjects 4 deleted 0",
    );
    check_limit(
        r#","max_msg_size":8"#,
        "10054 message size exceeds maximum allowed",
        &[0, 1, 2, 3, 4, 5, 6],
        "0 msgs 0 bytes 0-0 subjects 0 deleted 0",
    );
}

#[test]
fn accounts_and_servers_have_only_so_much_room() {
    let mut scene = scene("");
    scene.room = Room {
        bytes: Some(21),
        ..Room::default()
    };
    assert_eq!(scene.publish("p.x", "", "hi"), r#"{"seq":1}"#);
    assert_eq!(
        scene.publish("p.x", "", "hi!"),
        "10002 resource limits exceeded for account"
    );
    scene.room.is_server_full = true;
    assert_eq!(scene.publish("p.x", "", ""), "10023 insufficient resources");
    let long = format!("A: {}", "x".repeat(70_000));
    scene.room = Room::default();
    assert_eq!(
        scene.publish("p.x", &long, ""),
        "10097 header size exceeds maximum allowed of 64k"
    );
}

#[test]
fn what_is_stored_is_published_anew() {
    let mut scene = scene(r#","republish":{"src":"p.*","dest":"again.{{wildcard(1)}}"}"#);
    let mut anew = |subject: &str, headers: &str, payload: &str| {
        assert_eq!(
            scene.offer(super::message(subject, headers, payload)),
            crate::stream::Published::Decided
        );
        scene.commit();
        let mut list = scene.stream.take_effects().list;
        list.retain(|effect| matches!(effect, Effect::Republish { .. }));
        list.pop().map(|effect| match effect {
            Effect::Republish {
                subject,
                headers,
                payload,
            } => [&subject[..], b" ", &headers, &payload].concat(),
            _ => Vec::new(),
        })
    };
    let said = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.unwrap()).unwrap();
    assert_eq!(
        said(anew("p.a", "A: b", "one")),
        concat!(
            "again.a NATS/1.0\r\nA: b\r\nNats-Stream: P\r\nNats-Subject: p.a\r\nNats-Sequence: 1\r\n",
            "Nats-Time-Stamp: 2026-11-30T07:00:00Z\r\nNats-Last-Sequence: 0\r\n\r\none"
        )
    );
    assert!(said(anew("p.a", "", "two")).contains("Nats-Sequence: 2\r\n"));
    assert!(said(anew("p.a", "", "")).contains("Nats-Last-Sequence: 2\r\n"));
    assert_eq!(anew("p.b.c", "", ""), None);
}

#[test]
fn subjects_become_others_before_anything_else() {
    let mut scene = scene(r#","subject_transform":{"src":"p.*","dest":"stored.{{wildcard(1)}}"}"#);
    assert_eq!(scene.publish("p.a", "", "1"), r#"{"seq":1}"#);
    assert_eq!(
        scene.publish("p.a", "Nats-Expected-Last-Subject-Sequence: 1", ""),
        r#"{"seq":2}"#
    );
    assert_eq!(scene.messages()[0], "1 stored.a [] 1");
    assert_eq!(scene.publish("p.a.b", "", ""), r#"{"seq":3}"#);
    assert_eq!(scene.messages()[2], "3 p.a.b [] ");
}

#[test]
fn counters_count() {
    let counting = r#","allow_msg_counter":true"#;
    check(
        counting,
        &[
            ("p.h", "Nats-Incr: 1", "", r#"{"seq":1,"val":"1"}"#),
            ("p.h", "Nats-Incr: +5", "", r#"{"seq":2,"val":"6"}"#),
            ("p.h", "Nats-Incr: -2", "", r#"{"seq":3,"val":"4"}"#),
            ("p.h", "Nats-Incr: 0", "", r#"{"seq":4,"val":"4"}"#),
            (
                "p.h",
                "Nats-Incr: x",
                "",
                "10171 message counter increment is invalid",
            ),
            (
                "p.h",
                "Nats-Incr: ",
                "",
                "10169 message counter increment is missing",
            ),
            (
                "p.h",
                "Nats-Incr: 99999999999999999999999",
                "",
                r#"{"seq":5,"val":"100000000000000000000003"}"#,
            ),
            ("p.h", "", "", "10169 message counter increment is missing"),
            ("p.h", "Nats-Incr: 1", "7", "10170 message counter has payload"),
            (
                "p.h",
                "Nats-Incr: 1|Nats-Expected-Last-Sequence: 5",
                "",
                "10171 message counter increment is invalid",
            ),
            ("p.i", "Nats-Incr: 7", "", r#"{"seq":6,"val":"7"}"#),
        ],
        "6 msgs 383 bytes 1-6 subjects 2 deleted 0",
    );
    let mut scene = scene(counting);
    scene.publish("p.h", r#"Nats-Incr: 1|Nats-Counter-Sources: {"O":{"o":"3"}}"#, "");
    scene.publish("p.h", "Nats-Incr: 1", "");
    assert_eq!(
        scene.messages()[1],
        r#"2 p.h [Nats-Incr: 1|Nats-Counter-Sources: {"O":{"o":"3"}}] {"val":"2"}"#
    );
    scene.publish("p.b", "Nats-Incr: 1|Nats-Counter-Sources: junk", "");
    assert_eq!(
        scene.publish("p.b", "Nats-Incr: 1", ""),
        "10172 message counter is broken"
    );
}

#[test]
fn answers_name_the_domain() {
    let answers = crate::stream::acknowledgement::Acknowledgements::new("P", "hub");
    let said = answers.stored(7, &crate::stream::entry::Answer::to(Bytes::new()));
    assert_eq!(said, &br#"{"stream":"P","domain":"hub","seq":7}"#[..]);
    assert_eq!(short(&said), r#"{"domain":"hub","seq":7}"#);
}

//! Messages that are got directly, and in JSON.

use super::{Scene, scene};
use crate::api::GetRequest;
use crate::stream::{DirectMessage, DirectRequest, Further};
use crate::time::SECOND;

/// All that is sent, in however many parts.
fn sent(scene: &Scene, mut request: DirectRequest) -> Vec<DirectMessage> {
    let mut sent = Vec::new();
    while scene.stream.send_directly(&mut request, &mut sent).unwrap() == Further::More {}
    sent
}

fn ask(scene: &Scene, body: &[u8]) -> Vec<DirectMessage> {
    sent(scene, DirectRequest::of(b"", body, 1 << 20))
}

/// Messages 1 to 5 of three subjects, of which 2 is deleted and 5 has headers.
fn five() -> Scene {
    let mut scene = scene("");
    for (subject, headers) in [
        ("p.a", ""),
        ("p.b", ""),
        ("p.a", ""),
        ("p.b", ""),
        ("p.c", "A: b"),
    ] {
        scene.publish(subject, headers, "x");
        scene.pass(SECOND);
    }
    scene.delete(2);
    scene
}

/// What is sent, in short: sequences, statuses, and how many are still to come.
fn shown(sent: &[DirectMessage]) -> String {
    let said = |headers: &[u8], name: &str| {
        let value = crate::header::get(headers, name).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    };
    let each = sent.iter().map(|message| {
        let headers = &message.headers;
        let status = headers.strip_prefix(b"NATS/1.0 ").map(|rest| {
            let end = rest.iter().position(|byte| *byte == b'\r').unwrap();
            String::from_utf8_lossy(&rest[..end]).into_owned()
        });
        let (pending, last) = (
            said(headers, "Nats-Num-Pending"),
            said(headers, "Nats-Last-Sequence"),
        );
        let up_to = said(headers, "Nats-UpTo-Sequence");
        let sequence = said(headers, "Nats-Sequence");
        let mut text = status.unwrap_or(sequence);
        if !pending.is_empty() {
            text += &format!("({pending},{last})");
        }
        if !up_to.is_empty() {
            text += &format!("<={up_to}");
        }
        text
    });
    each.collect::<Vec<_>>().join(" ")
}

#[test]
fn are_asked_for_in_many_ways() {
    let scene = five();
    for (body, expect) in [
        (r#"{"seq":1}"#, "1"),
        (r#"{"seq":2}"#, "404 Message Not Found"),
        (r#"{"seq":99}"#, "404 Message Not Found"),
        (r#"{"seq":0}"#, "408 Empty Request"),
        ("{}", "408 Empty Request"),
        ("", "408 Empty Request"),
        (r#"{"seq":-1}"#, "408 Malformed Request"),
        ("nonsense", "408 Malformed Request"),
        (r#"{"seq":1,"colour":"blue"}"#, "1"),
        (r#"{"last_by_subj":"p.a"}"#, "3"),
        (r#"{"last_by_subj":"p.*"}"#, "5"),
        (r#"{"last_by_subj":"zzz"}"#, "404 Message Not Found"),
        (r#"{"last_by_subj":"a..b"}"#, "404 Message Not Found"),
        (r#"{"next_by_subj":"p.b"}"#, "4"),
        (r#"{"seq":2,"next_by_subj":"p.a"}"#, "3"),
        (r#"{"seq":50,"next_by_subj":"p.a"}"#, "404 Message Not Found"),
        (r#"{"seq":1,"last_by_subj":"p.a"}"#, "408 Bad Request"),
        (
            r#"{"next_by_subj":"p.a","last_by_subj":"p.a"}"#,
            "408 Bad Request",
        ),
        (r#"{"last_by_subj":"p.a","batch":2}"#, "408 Bad Request"),
        (r#"{"start_time":"2026-11-30T07:00:01.5Z"}"#, "3"),
        (
            r#"{"start_time":"2030-01-01T00:00:00Z"}"#,
            "404 Message Not Found",
        ),
        (r#"{"seq":1,"batch":2}"#, "1(3,0) 3(2,1) 204 EOB(2,3)"),
        (
            r#"{"seq":1,"batch":2,"next_by_subj":"p.a"}"#,
            "1(1,0) 3(0,1) 204 EOB(0,3)",
        ),
        (
            r#"{"seq":3,"batch":10,"max_bytes":5}"#,
            "3(2,0) 4(1,3) 204 EOB(1,4)",
        ),
        (r#"{"seq":9,"batch":10}"#, "404 Message Not Found"),
        (r#"{"multi_last":["p.a","p.b"]}"#, "3(1,0) 4(0,3) 204 EOB(0,4)<=5"),
        (
            r#"{"multi_last":["p.*","p.a"]}"#,
            "3(2,0) 4(1,3) 5(0,4) 204 EOB(0,5)<=5",
        ),
        (
            r#"{"multi_last":["p.*"],"up_to_seq":3}"#,
            "3(0,0) 204 EOB(0,3)<=3",
        ),
        (
            r#"{"multi_last":["p.*"],"up_to_time":"2026-11-30T07:00:02Z"}"#,
            "1(0,0) 204 EOB(0,1)<=2",
        ),
        (
            r#"{"multi_last":["p.*"],"up_to_time":"2020-01-01T00:00:00Z"}"#,
            "404 No Results",
        ),
        (r#"{"multi_last":["p.*"],"batch":1}"#, "3(2,0) 204 EOB(2,3)<=5"),
        (
            r#"{"multi_last":["p.*"],"seq":4}"#,
            "4(1,0) 5(0,4) 204 EOB(0,5)<=5",
        ),
        (r#"{"multi_last":["zzz"]}"#, "404 No Results"),
        (
            r#"{"multi_last":["p.*"],"up_to_seq":3,"up_to_time":"2026-01-01T00:00:00Z"}"#,
            "408 Bad Request",
        ),
    ] {
        assert_eq!(shown(&ask(&scene, body.as_bytes())), expect, "{body}");
    }
    let level = b"NATS/1.0\r\nNats-Required-Api-Level: 5\r\n\r\n";
    let refused = DirectRequest::of(level, br#"{"seq":1}"#, 1 << 20);
    assert_eq!(shown(&sent(&scene, refused)), "412 Required Api Level");
}

#[test]
fn say_where_they_are_stored() {
    let scene = five();
    let sent = ask(&scene, br#"{"seq":5}"#);
    assert_eq!(
        String::from_utf8_lossy(&sent[0].headers),
        concat!(
            "NATS/1.0\r\nA: b\r\nNats-Stream: P\r\nNats-Subject: p.c\r\nNats-Sequence: 5\r\n",
            "Nats-Time-Stamp: 2026-11-30T07:00:04Z\r\n\r\n"
        )
    );
    let sent = ask(&scene, br#"{"seq":5,"no_hdr":true}"#);
    assert_eq!((&*sent[0].headers, &*sent[0].payload), (&b""[..], &b"x"[..]));
}

#[test]
fn are_asked_for_on_their_subjects() {
    let scene = five();
    for (subject, body, expect) in [
        ("p.a", "", "3"),
        ("p.*", "", "5"),
        ("zzz", "", "404 Message Not Found"),
        ("", "", "408 Bad Request"),
        ("p.a", r#"{"no_hdr":true}"#, ""),
        ("p.a", r#"{"seq":1}"#, "408 Bad Request"),
        ("p.a", r#"{"last_by_subj":"p.b"}"#, "408 Bad Request"),
        ("p.a", "x", "408 Malformed Request"),
    ] {
        let request = DirectRequest::last_of(b"", subject.as_bytes(), body.as_bytes());
        assert_eq!(shown(&sent(&scene, request)), expect, "{subject} {body}");
    }
}

#[test]
fn many_subjects_are_too_many() {
    let mut scene = scene("");
    for at in 0..1024 {
        scene.publish(&format!("p.{at}"), "", "");
    }
    let all = br#"{"multi_last":["p.>"]}"#;
    assert!(shown(&ask(&scene, all)).ends_with("204 EOB(0,1024)<=1024"));
    scene.publish("p.more", "", "");
    assert_eq!(shown(&ask(&scene, all)), "413 Too Many Results");
}

/// A large batch comes in parts, each of some size at most, and as if it came at once.
#[test]
fn large_batches_come_in_parts() {
    let mut scene = scene("");
    let payload = "x".repeat(10_000);
    for _ in 0..300 {
        scene.publish("p.a", "", &payload);
    }
    let mut request = DirectRequest::of(b"", br#"{"seq":1,"batch":250}"#, 64 << 20);
    let (mut sent, mut parts) = (Vec::new(), 0);
    loop {
        let before = sent.len();
        let further = scene.stream.send_directly(&mut request, &mut sent).unwrap();
        assert!(sent.len() - before <= (512 << 10) / payload.len() + 1);
        parts += 1;
        // What is deleted meanwhile is not sent.
        scene.delete(before as u64 + 100);
        if further == Further::Done {
            break;
        }
    }
    assert_eq!((sent.len(), parts), (251, 5));
    assert!(shown(&sent).starts_with("1(299,0) 2(298,1)"), "{}", shown(&sent));
    assert!(shown(&sent).ends_with(" 204 EOB(50,253)"), "{}", shown(&sent));
}

#[test]
fn earlier_messages_of_many_subjects_are_looked_for_in_parts() {
    let mut scene = scene("");
    for _ in 0..2 {
        for subject in 0..30 {
            scene.publish(&format!("p.{subject}"), "", "x");
        }
    }
    let body = br#"{"multi_last":["p.>","p.7"],"up_to_seq":30}"#;
    let mut request = DirectRequest::of(b"", body, 1 << 20);
    let mut before = Vec::new();
    let further = scene.stream.send_directly(&mut request, &mut before);
    assert_eq!((further, before.len()), (Ok(Further::More), 0));
    assert_eq!(sent(&scene, request).len(), 31);
    assert_eq!(shown(&ask(&scene, body)[29..]), "30(0,29) 204 EOB(0,30)<=30");
}

#[test]
fn one_is_shown_in_json() {
    let scene = five();
    let get = |body: &str| {
        let wanted = GetRequest::from_json(body.as_bytes(), true).unwrap();
        match scene.stream.get(&wanted).unwrap() {
            Ok(message) => serde_json::to_string(&message).unwrap(),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(
        get(r#"{"seq":5}"#),
        concat!(
            r#"{"subject":"p.c","seq":5,"hdrs":"TkFUUy8xLjANCkE6IGINCg0K","data":"eA==","#,
            r#""time":"2026-11-30T07:00:04Z"}"#
        )
    );
    assert!(!get(r#"{"seq":5,"no_hdr":true}"#).contains("hdrs"));
    assert!(get(r#"{"last_by_subj":"p.a"}"#).contains(r#""seq":3"#));
    assert!(get(r#"{"seq":2,"next_by_subj":"p.*"}"#).contains(r#""seq":3"#));
    assert!(get(r#"{"start_time":"2026-11-30T07:00:03Z"}"#).contains(r#""seq":4"#));
    assert_eq!(get(r#"{"seq":2}"#), "no message found (10037)");
    assert_eq!(get(r#"{"seq":1,"batch":2}"#), "bad request (10003)");
}

//! What a question waits for, so that what was published before it is seen in its answer.

use super::{Scene, message, scene};
use crate::api::{GetRequest, PurgeRequest};
use crate::error::ApiError;
use crate::stream::{Decided, DirectMessage, DirectRequest, Further, Published};

impl Scene {
    fn decides_for(&mut self, subject: &str) -> Decided {
        assert_eq!(self.offer(message(subject, "", "")), Published::Decided);
        self.stream.decided()
    }

    fn is_shown(&self, decided: Decided) -> bool {
        self.stream.shows(decided)
    }
}

#[test]
fn a_question_waits_for_what_is_decided_before_it_and_for_nothing_else() {
    let mut scene = scene("");
    let nothing = scene.stream.decided();
    assert!(scene.is_shown(nothing));
    let first = scene.decides_for("p.a");
    assert!(scene.is_shown(nothing) && !scene.is_shown(first));
    let number = scene.stream.propose().unwrap().number;
    assert_eq!(scene.stream.decided(), first);
    let second = scene.decides_for("p.b");
    assert!(!scene.is_shown(first) && !scene.is_shown(second));
    scene.stream.committed(number, &super::zone);
    assert!(scene.is_shown(first) && !scene.is_shown(second));
    scene.commit();
    assert!(scene.is_shown(second) && scene.is_shown(scene.stream.decided()));
}

#[test]
fn a_question_does_not_wait_for_what_comes_to_nothing() {
    let mut scene = scene("");
    scene.decides_for("p.a");
    scene.stream.propose();
    let decided = scene.decides_for("p.a");
    assert!(!scene.is_shown(decided));
    scene
        .stream
        .failed(&ApiError::store_failed("no space left on device"));
    assert!(scene.is_shown(decided) && scene.is_shown(scene.stream.decided()));
    scene.publish("p.a", "", "");
    assert!(scene.is_shown(decided));
}

#[test]
fn a_question_waits_until_all_is_applied_however_long_that_takes() {
    let mut scene = scene("");
    for _ in 0..100 {
        scene.publish("p.a", "", "");
    }
    scene.publish("p.b", "", "");
    let purge = PurgeRequest {
        filter: "p.a".to_owned(),
        ..PurgeRequest::default()
    };
    scene.stream.request_purge(&purge, 1).unwrap();
    let number = scene.stream.propose().unwrap().number;
    let decided = scene.stream.decided();
    let mut work = 10;
    assert_eq!(
        scene.stream.commit(number, &super::zone, &mut work),
        Further::More
    );
    assert!(!scene.is_shown(decided));
    // Who asks only now waits for the rest of it, too.
    assert!(!scene.is_shown(scene.stream.decided()));
    // Who asks for a message does not.
    assert!(!waits(&scene, r#"{"last_by_subj":"p.b"}"#));
    assert!(!waits(&scene, r#"{"seq":1,"batch":9}"#));
    scene.stream.committed(number, &super::zone);
    assert!(scene.is_shown(decided));
}

/// Whether one who asks so has to wait, directly and in JSON.
#[track_caller]
fn waits(scene: &Scene, body: &str) -> bool {
    let wanted = GetRequest::from_json(body.as_bytes(), true).unwrap();
    let waits = scene.stream.may_be_ahead(&wanted);
    let request = DirectRequest::of(b"", body.as_bytes(), 1 << 20);
    assert_eq!(scene.stream.is_ahead(&request), waits);
    waits
}

#[test]
fn who_asks_for_a_message_waits_only_if_it_may_be_on_its_way() {
    let mut scene = scene("");
    scene.publish("p.a", "", "");
    scene.publish("p.b", "", "");
    assert!(!waits(&scene, r#"{"last_by_subj":"p.a"}"#));
    scene.decides_for("p.a");
    scene.decides_for("p.c");
    for (body, expect) in [
        (r#"{"last_by_subj":"p.a"}"#, true),
        (r#"{"last_by_subj":"p.b"}"#, false),
        (r#"{"last_by_subj":"p.*"}"#, true),
        (r#"{"last_by_subj":"*.b"}"#, false),
        (r#"{"seq":1}"#, false),
        (r#"{"seq":2}"#, false),
        (r#"{"seq":3}"#, true),
        (r#"{"seq":4}"#, true),
        (r#"{"seq":5}"#, false),
        (r#"{"seq":1,"next_by_subj":"p.a"}"#, false),
        (r#"{"seq":2,"next_by_subj":"p.a"}"#, true),
        (r#"{"seq":3,"next_by_subj":"p.b"}"#, false),
        (r#"{"next_by_subj":"p.c"}"#, true),
        (r#"{"start_time":"2020-01-01T00:00:00Z"}"#, false),
        (r#"{"start_time":"2100-01-01T00:00:00Z"}"#, true),
        (r#"{"seq":1,"batch":2}"#, true),
        (r#"{"seq":1,"batch":2,"up_to_seq":2}"#, false),
        (r#"{"seq":1,"batch":2,"next_by_subj":"p.b"}"#, false),
        (r#"{"multi_last":["p.b","p.x"]}"#, false),
        (r#"{"multi_last":["p.b","p.c"]}"#, true),
        (r#"{"multi_last":["p.>"],"up_to_seq":2}"#, false),
    ] {
        assert_eq!(waits(&scene, body), expect, "{body}");
    }
    scene.commit();
    assert!(!waits(&scene, r#"{"last_by_subj":"p.a"}"#));
}

#[test]
fn what_is_asked_for_directly_is_looked_for_when_it_is_sent() {
    let mut scene = scene("");
    scene.publish("p.a", "", "");
    scene.decides_for("p.a");
    let mut request = DirectRequest::last_of(b"", b"p.a", b"");
    assert!(scene.stream.is_ahead(&request));
    scene.commit();
    let mut sent: Vec<DirectMessage> = Vec::new();
    let further = scene.stream.send_directly(&mut request, &mut sent);
    assert_eq!((further, sent.len()), (Ok(Further::Done), 1));
    let headers = String::from_utf8_lossy(&sent[0].headers).into_owned();
    assert!(headers.contains("Nats-Sequence: 2\r\n"), "{headers}");
    assert!(!scene.stream.is_ahead(&request));
}

/// It is not looked through all that is on its way for each question.
#[test]
fn of_many_subjects_on_their_way_one_is_taken_to_match_a_pattern() {
    let mut scene = scene("");
    for number in 0..64 {
        scene.decides_for(&format!("p.{number}"));
    }
    assert!(!waits(&scene, r#"{"last_by_subj":"p.x.*"}"#));
    scene.decides_for("p.64");
    assert!(waits(&scene, r#"{"last_by_subj":"p.x.*"}"#));
    assert!(!waits(&scene, r#"{"last_by_subj":"p.x.a"}"#));
}

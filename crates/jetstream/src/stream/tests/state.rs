//! What is there after purges, deletes and updates, and how it is shown; and that it is the same when it is read again.

use super::{Scene, config, scene, zone};
use crate::api::{Page, PurgeRequest, StreamInfoRequest};
use crate::held::{InMemory, Messages};
use crate::stream::entry::{decode, encode};
use crate::stream::{Further, Stream};
use std::collections::{BTreeSet, HashMap};

fn six() -> Scene {
    let mut scene = scene("");
    for (at, subject) in ["p.a", "p.b", "p.a", "p.c", "p.a", "p.b"].iter().enumerate() {
        scene.publish(subject, "", &at.to_string());
    }
    scene
}

#[test]
fn is_purged_in_several_ways() {
    for (filter, sequence, keep, purged, state) in [
        ("", 0, 0, 6, "0 msgs 0 bytes 7-6 subjects 0 deleted 0"),
        ("p.a", 0, 0, 3, "3 msgs 60 bytes 2-6 subjects 2 deleted 2"),
        ("p.*", 0, 0, 6, "0 msgs 0 bytes 7-6 subjects 0 deleted 0"),
        ("zzz", 0, 0, 0, "6 msgs 120 bytes 1-6 subjects 3 deleted 0"),
        ("", 4, 0, 3, "3 msgs 60 bytes 4-6 subjects 3 deleted 0"),
        ("", 100, 0, 6, "0 msgs 0 bytes 100-99 subjects 0 deleted 0"),
        ("", 1, 0, 0, "6 msgs 120 bytes 1-6 subjects 3 deleted 0"),
        ("", 0, 2, 4, "2 msgs 40 bytes 5-6 subjects 2 deleted 0"),
        ("", 0, 50, 0, "6 msgs 120 bytes 1-6 subjects 3 deleted 0"),
        ("p.a", 4, 0, 2, "4 msgs 80 bytes 2-6 subjects 3 deleted 1"),
        ("p.a", 0, 1, 2, "4 msgs 80 bytes 2-6 subjects 3 deleted 1"),
        ("a..b", 0, 0, 0, "6 msgs 120 bytes 1-6 subjects 3 deleted 0"),
        (">", 3, 0, 2, "4 msgs 80 bytes 3-6 subjects 3 deleted 0"),
    ] {
        let mut scene = six();
        let request = PurgeRequest {
            sequence,
            filter: filter.to_owned(),
            keep,
        };
        let said = scene.purge(&request);
        assert_eq!(
            said,
            format!("[Done {{ request: 1, outcome: Ok(Purged({purged})) }}]")
        );
        assert_eq!(scene.state(), state, "{request:?}");
        let next = if sequence == 100 { 100 } else { 7 };
        assert_eq!(scene.publish("p.x", "", ""), format!(r#"{{"seq":{next}}}"#));
    }
    let both = PurgeRequest {
        sequence: 3,
        keep: 1,
        ..PurgeRequest::default()
    };
    assert_eq!(six().purge(&both), "bad request (10003)");
    let mut denied = scene(r#","deny_purge":true,"deny_delete":true"#);
    assert_eq!(
        denied.purge(&PurgeRequest::default()),
        "stream purge not permitted (10110)"
    );
    assert_eq!(denied.delete(1), "message delete not permitted (10057)");
}

#[test]
fn messages_are_deleted_one_by_one() {
    let mut scene = six();
    let deleted = "[Done { request: 1, outcome: Ok(Deleted) }]";
    assert_eq!(scene.delete(1), deleted);
    assert_eq!(scene.state(), "5 msgs 100 bytes 2-6 subjects 3 deleted 0");
    assert_eq!(scene.delete(4), deleted);
    assert!(scene.delete(4).contains("sequence 4 not found"));
    assert_eq!(scene.delete(6), deleted);
    assert_eq!(scene.state(), "3 msgs 60 bytes 2-6 subjects 2 deleted 2");
    let wanted = StreamInfoRequest {
        deleted_details: true,
        ..StreamInfoRequest::default()
    };
    assert_eq!(scene.stream.detailed_state(&wanted, 0).0.deleted, [4, 6]);
    // Files say it in other words.
    let mut filed = super::scene(r#","storage":"file""#);
    assert!(filed.delete(0).contains("no message found"));
    filed.publish("p.a", "", "");
    filed.publish("p.a", "", "");
    filed.publish("p.a", "", "");
    filed.delete(1);
    filed.delete(2);
    filed.publish("p.a", "", "");
    filed.delete(4);
    assert!(filed.delete(2).contains("no message found"));
    assert!(filed.delete(4).contains("sequence 4 not found"));
    assert!(filed.delete(5).contains("stream store EOF"));
}

#[test]
fn subjects_are_shown_in_pages() {
    let scene = six();
    let shown = |filter: &str, offset: isize| {
        let wanted = StreamInfoRequest {
            subjects_filter: filter.to_owned(),
            offset,
            ..StreamInfoRequest::default()
        };
        let (state, page) = scene.stream.detailed_state(&wanted, 0);
        (state.subjects.into_iter().collect::<Vec<_>>(), page)
    };
    let page = |total, offset| Page {
        total,
        offset,
        limit: 100_000,
    };
    let all = [("p.a", 3), ("p.b", 2), ("p.c", 1)].map(|(subject, count)| (subject.to_owned(), count));
    assert_eq!(shown(">", 0), (all.to_vec(), page(3, 0)));
    assert_eq!(shown(">", 2), (all[2..].to_vec(), page(3, 2)));
    assert_eq!(shown("p.b", 0), (all[1..2].to_vec(), page(1, 0)));
    assert_eq!(shown(">", 99), (Vec::new(), page(3, 99)));
    assert_eq!(shown("zzz", 0), (Vec::new(), Page::default()));
    assert_eq!(shown("", 2), (Vec::new(), Page::default()));
}

#[test]
fn lower_limits_let_messages_go() {
    for (settings, state) in [
        (r#","max_msgs":2"#, "2 msgs 40 bytes 5-6 subjects 2 deleted 0"),
        (r#","max_bytes":100"#, "5 msgs 100 bytes 2-6 subjects 3 deleted 0"),
        (
            r#","max_msgs_per_subject":1"#,
            "3 msgs 60 bytes 4-6 subjects 3 deleted 0",
        ),
        (
            r#","max_msgs":2,"discard":"new""#,
            "6 msgs 120 bytes 1-6 subjects 3 deleted 0",
        ),
    ] {
        let mut scene = six();
        scene.stream.request_update(config(settings), 1);
        scene.commit();
        assert_eq!(scene.state(), state, "{settings}");
    }
}

/// Whether many of the messages go or few, and however little is done at a time.
#[test]
fn a_lower_limit_of_subjects_lets_the_first_of_each_go() {
    for seed in 0..50 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut scene = scene("");
        let subjects = random.u64(1..30);
        for _ in 0..60 {
            scene.publish(&format!("p.{}", random.u64(..subjects)), "", "");
        }
        let most = random.usize(1..20);
        let mut counts = HashMap::new();
        let is_kept = |sequence: &u64| {
            let count = counts
                .entry(scene.stream.held().subject_of(*sequence))
                .or_insert(0);
            *count += 1;
            *count <= most
        };
        let expected: BTreeSet<u64> = (1..=60).rev().filter(is_kept).collect();
        let settings = format!(r#","max_msgs_per_subject":{most}"#);
        scene.stream.request_update(config(&settings), 1);
        let number = scene.stream.propose().unwrap().number;
        while scene.stream.commit(number, &zone, &mut random.usize(1..40)) == Further::More {}
        let left = scene.stream.held().sequences(b">", 1..=60, 60);
        assert!(expected.iter().eq(&left), "{most} of {subjects}: {left:?}");
    }
}

#[test]
fn bytes_are_told_as_they_come_and_go() {
    let mut scene = six();
    let mut told = 0;
    let mut tell = |scene: &mut Scene| {
        told += scene.stream.take_effects().bytes;
        assert_eq!(
            told,
            0_i64.saturating_add(scene.stream.held().bytes() as i64) - 120
        );
    };
    // What has been taken with the answers of the first six is not told again.
    scene.stream.take_effects();
    let offered = scene.offer(super::message("p.a", "A: b", "7"));
    assert_eq!(offered, crate::stream::Published::Decided);
    scene.commit();
    tell(&mut scene);
    let purge = PurgeRequest {
        filter: "p.a".to_owned(),
        ..PurgeRequest::default()
    };
    scene.stream.request_purge(&purge, 1).unwrap();
    scene.commit();
    tell(&mut scene);
}

/// What is written is what is read, and comes to the same stream.
#[test]
fn the_log_says_all_there_is() {
    let mut scene = scene(r#","allow_rollup_hdrs":true,"allow_msg_ttl":true,"max_msgs":4"#);
    let mut log = Vec::new();
    let steps: &[(&str, &str)] = &[
        ("p.a", "Nats-Msg-Id: 1"),
        ("p.b", "Nats-TTL: 5s"),
        ("p.a", ""),
        ("p.a", "Nats-Rollup: sub"),
        ("p.c", ""),
        ("p.c", ""),
    ];
    for (subject, headers) in steps {
        scene.offer(super::message(subject, headers, "x"));
        encode(&scene.commit(), &mut log);
    }
    let purge = PurgeRequest {
        filter: "p.c".to_owned(),
        keep: 1,
        ..PurgeRequest::default()
    };
    scene.stream.request_purge(&purge, 1).unwrap();
    scene
        .stream
        .request_update(config(r#","allow_msg_ttl":true,"max_msgs":9"#), 2);
    encode(&scene.commit(), &mut log);
    scene.pass(6_000_000_000);
    scene.decide_what_is_due();
    encode(&scene.commit(), &mut log);

    let start = config(r#","allow_rollup_hdrs":true,"allow_msg_ttl":true,"max_msgs":4"#);
    let held = InMemory::new(start.storage);
    let mut again = Stream::new(start, 1, super::START, "", held);
    for entry in decode(log.clone().into()).unwrap() {
        again.apply(entry, &zone);
    }
    assert_eq!(again.checkpoint(), scene.stream.checkpoint());
    let again = Scene {
        stream: again,
        ..scene
    };
    assert_eq!(again.state(), "2 msgs 70 bytes 4-6 subjects 2 deleted 1");
    for end in 1..log.len() {
        // Whatever is cut off: nothing else is read, and nothing panics.
        let _ = decode(log[..end].to_vec().into());
    }
}

#[test]
fn what_is_kept_beside_the_messages_is_what_was_there() {
    let mut scene =
        scene(r#","allow_msg_ttl":true,"allow_msg_schedules":true,"subject_delete_marker_ttl":1000000000"#);
    scene.publish("p.a", "Nats-Msg-Id: x|Nats-TTL: never", "");
    scene.publish("p.b", "Nats-TTL: 60", "");
    scene.publish("p.s", "Nats-Schedule: @every 1h|Nats-Schedule-Target: p.t", "");
    scene.publish("p.c", "Nats-Msg-Id: y|KV-Operation: PURGE", "");
    let kept = scene.stream.checkpoint();
    let mut held = InMemory::new(crate::config::Storage::Memory);
    for sequence in 1..=4 {
        held.insert(scene.stream.held().get(sequence).unwrap().unwrap());
    }
    let mut again = Stream::restore(kept.clone().into(), "", held).unwrap();
    assert_eq!(again.checkpoint(), kept);
    assert_eq!(again.wake_at(), scene.stream.wake_at());
    let mut again = Scene {
        stream: again,
        ..scene
    };
    assert_eq!(
        again.publish("p.z", "Nats-Msg-Id: x", ""),
        r#"{"seq":1,"duplicate": true}"#
    );
    assert_eq!(
        again.publish("p.z", "Nats-Expected-Last-Msg-Id: y", ""),
        r#"{"seq":5}"#
    );
    for end in 0..kept.len() {
        let held = InMemory::new(crate::config::Storage::Memory);
        assert!(Stream::restore(kept[..end].to_vec().into(), "", held).is_err());
    }
}

//! Consumers that begin with the last message of each subject, which are gathered while the stream goes on.

use super::{Desk, around, desk};
use crate::api::{DeleteMessageRequest, PurgeRequest};
use crate::consumer::config::ConsumerBounds;
use crate::consumer::request::{ConsumerForm, CreateConsumerRequest};
use crate::error::ApiError;
use crate::stream::tests::message;
use crate::stream::{Requested, Surroundings};
use fastrand::Rng;
use std::collections::BTreeMap;

/// What is asked for.
fn wanted(name: &str, filters: &str) -> CreateConsumerRequest {
    let body = format!(
        r#"{{"stream_name":"P","config":{{"durable_name":"{name}","ack_policy":"explicit","deliver_policy":"last_per_subject"{filters}}}}}"#
    );
    let mut wanted = CreateConsumerRequest::from_json(body.as_bytes(), true).unwrap();
    let subject = format!("DURABLE.CREATE.P.{name}");
    let (stream, form) = ConsumerForm::of(&subject).unwrap().unwrap();
    wanted.meet(stream, form).unwrap();
    wanted
}

impl Desk {
    fn try_once(&mut self, wanted: &CreateConsumerRequest) -> Result<Requested, ApiError> {
        self.with(|scene, has_interest| {
            let around = Surroundings {
                has_interest,
                ..around(scene.now, scene.room, &scene.limits)
            };
            let bounds = ConsumerBounds::default();
            scene.stream.request_consumer(&around, wanted.clone(), &bounds, 1)
        })
    }
}

fn change(desk: &mut Desk, random: &mut Rng) {
    let scene = &mut desk.scene;
    let last = scene.stream.last_sequence();
    match random.u8(..20) {
        0 => {
            let request = PurgeRequest {
                filter: ["", "p.a.*", "p.*.1"][random.usize(..3)].to_owned(),
                keep: random.u64(..3),
                ..PurgeRequest::default()
            };
            scene.stream.request_purge(&request, 9).unwrap();
        }
        1..=6 if last > 0 => {
            let request = DeleteMessageRequest {
                sequence: last - random.u64(..last.min(12)),
                no_erase: true,
            };
            scene.stream.request_delete(&request, 9).unwrap();
        }
        _ => {
            let subject = format!("p.{}.{}", ["a", "b", "c"][random.usize(..3)], random.u8(..5));
            scene.publish(&subject, "", "");
        }
    }
    scene.commit();
}

/// The last message of each subject that matches.
fn expected(desk: &Desk, is_wanted: impl Fn(&str) -> bool) -> Vec<u64> {
    let mut last = BTreeMap::new();
    for message in desk.scene.messages() {
        // As text: the sequence, and the subject.
        let mut words = message.split(' ');
        let sequence: u64 = words.next().unwrap().parse().unwrap();
        let subject = words.next().unwrap().to_owned();
        if is_wanted(&subject) {
            last.insert(subject, sequence);
        }
    }
    let mut last: Vec<u64> = last.into_values().collect();
    last.sort_unstable();
    last
}

#[test]
fn what_is_gathered_while_messages_come_and_go_is_the_last_of_each_subject_then() {
    for seed in 0..150 {
        let mut random = Rng::with_seed(seed);
        let limits = ["", r#","max_msgs":20"#, r#","max_msgs_per_subject":2"#][random.usize(..3)];
        let mut desk = desk(limits);
        for _ in 0..random.usize(..60) {
            change(&mut desk, &mut random);
        }
        let filters = [
            (r#","filter_subject":"p.>""#, 0),
            (r#","filter_subject":"p.*.1""#, 1),
            (r#","filter_subjects":["p.a.*","p.*.1"]"#, 2),
        ];
        let (filters, kind) = filters[random.usize(..3)];
        let wanted = wanted("C", filters);
        let mut turns = 0;
        loop {
            // What is decided before is stored before, though it is not yet.
            if random.bool() {
                let _ = desk.scene.offer(message("p.a.1", "", ""));
            }
            if desk.try_once(&wanted).unwrap() == Requested::Decided {
                break;
            }
            desk.scene.stream.gather();
            for _ in 0..random.u8(..3) {
                change(&mut desk, &mut random);
            }
            turns += 1;
            assert!(turns < 500, "seed {seed}");
        }
        desk.scene.commit();
        assert!(!desk.scene.stream.is_gathering());
        let expected = expected(&desk, |subject| match kind {
            0 => true,
            1 => subject.ends_with(".1"),
            _ => subject.ends_with(".1") || subject.starts_with("p.a."),
        });
        let pending = desk.info().num_pending;
        assert_eq!(pending, expected.len() as u64, "seed {seed} {limits} {filters}");
        // Who reads the log gathers anew, and comes to the same.
        let before = desk.scene.stream.checkpoint();
        desk.crash();
        assert_eq!(desk.info().num_pending, pending);
        assert_eq!(desk.scene.stream.checkpoint(), before, "seed {seed}");
    }
}

#[test]
fn however_many_are_wanted_only_some_are_gathered_at_once_and_all_come() {
    let mut desk = desk("");
    for number in 0..40 {
        desk.scene.publish(&format!("p.a.{number}"), "", "");
    }
    let mut waiting: Vec<_> = (0..50)
        .map(|number| {
            wanted(
                &format!("C{number}"),
                &format!(r#","filter_subjects":["p.a.*","q.{number}"]"#),
            )
        })
        .collect();
    let mut turns = 0;
    while !waiting.is_empty() {
        waiting.retain(|wanted| desk.try_once(wanted).unwrap() == Requested::Gathering);
        desk.scene.commit();
        while !waiting.is_empty() && !desk.scene.stream.gather() {}
        turns += 1;
        assert!(turns < 2000);
    }
    for number in 0..50 {
        assert_eq!(desk.info_of(&format!("C{number}")).num_pending, 40);
    }
    // What nobody takes is let go of.
    assert_eq!(
        desk.try_once(&wanted("D", r#","filter_subject":"p.>""#)).unwrap(),
        Requested::Gathering
    );
    while desk.scene.stream.is_gathering() {
        desk.scene.stream.gather();
    }
    assert_eq!(
        desk.try_once(&wanted("D", r#","filter_subject":"p.>""#)).unwrap(),
        Requested::Gathering
    );
}

#[test]
fn what_goes_before_it_is_written_down_what_a_consumer_begins_with_does_not_come_back() {
    let mut desk = desk("");
    for number in 0..10 {
        desk.scene.publish(&format!("p.a.{number}"), "", "");
    }
    let wanted = wanted("C", r#","filter_subject":"p.>""#);
    while desk.try_once(&wanted).unwrap() == Requested::Gathering {
        desk.scene.stream.gather();
    }
    desk.scene.commit();
    // It is in the same entry of the log, and before.
    let request = PurgeRequest {
        filter: "p.a.*".to_owned(),
        keep: 4,
        ..PurgeRequest::default()
    };
    desk.scene.stream.request_purge(&request, 9).unwrap();
    desk.scene.commit();
    assert_eq!(desk.info().num_pending, 4);
    desk.crash();
    assert_eq!(desk.info().num_pending, 4);
}

//! What expires before consumers are done with it goes where their dead letters go, and stays until it is there: whatever else
//! becomes of it, and of the server, meanwhile.

use super::dead_letters::headers;
use super::{Desk, desk};
use crate::error::ApiError;
use crate::stream::Said;
use crate::time::SECOND;
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};

const SETTINGS: &str = r#","ack_wait":60000000000,"metadata":{"vagus.dead_letter":"dead.p"}"#;

/// What a header of a dead letter says.
fn said(letter: &Said, name: &str) -> String {
    let lines = headers(letter);
    let line = lines.iter().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.strip_prefix(": ")).unwrap().to_owned()
}

const STORED: &str = r#"{"stream":"D","seq":1}"#;

#[test]
fn what_expires_goes_there_and_then_here() {
    let mut desk = desk(r#","max_age":10000000000"#);
    desk.consumer(SETTINGS);
    desk.publish(&["p.a", "p.b", "p.c"]);
    desk.pull("r", "2");
    assert_eq!(desk.delivered().len(), 2);
    desk.say(2, "+ACK");
    let mut number = None;
    let letters = desk.dead_letters_within(11 * SECOND, &mut number);
    let shown: Vec<(String, String)> = letters
        .iter()
        .map(|letter| {
            let deliveries = said(letter, "Vagus-Dead-Letter-Deliveries");
            (said(letter, "Vagus-Dead-Letter-Subject"), deliveries)
        })
        .collect();
    let pair = |subject: &str, deliveries: &str| (subject.to_owned(), deliveries.to_owned());
    assert_eq!(shown, [pair("p.a", "1"), pair("p.c", "0")]);
    assert_eq!(said(&letters[0], "Vagus-Dead-Letter-Reason"), "expired");
    // What was acknowledged has gone; the others are here until they are there.
    assert_eq!(desk.scene.state(), "2 msgs 44 bytes 1-3 subjects 2 deleted 1");
    desk.answer(number, &letters[0], STORED);
    desk.dead_letters_within(0, &mut number);
    assert_eq!(desk.scene.state(), "1 msgs 22 bytes 3-3 subjects 1 deleted 0");
    // It may still be used, and is no dead letter then.
    desk.pull("r", "1");
    assert_eq!(desk.delivered().len(), 1);
    desk.say(3, "+ACK");
    desk.dead_letters_within(6 * SECOND, &mut number);
    assert_eq!(desk.scene.state(), "0 msgs 0 bytes 4-3 subjects 0 deleted 0");
    assert!(desk.dead_letters_within(60 * SECOND, &mut number).is_empty());
}

#[test]
fn each_consumer_has_its_own_and_one_that_goes_has_none() {
    let mut desk = desk(r#","max_age":10000000000,"subject_delete_marker_ttl":5000000000"#);
    for name in ["C", "D", "E"] {
        desk.consumer_named(name, SETTINGS);
    }
    desk.consumer_named("F", "");
    desk.publish(&["p.a"]);
    let mut number = None;
    let letters = desk.dead_letters_within(11 * SECOND, &mut number);
    let consumers: Vec<String> = letters
        .iter()
        .map(|letter| said(letter, "Vagus-Dead-Letter-Consumer"))
        .collect();
    assert_eq!(consumers, ["C", "D", "E"]);
    desk.answer(number, &letters[0], STORED);
    desk.delete("D");
    desk.dead_letters_within(SECOND, &mut number);
    assert!(desk.scene.messages()[0].starts_with("1 p.a"));
    desk.answer(number, &letters[2], STORED);
    desk.dead_letters_within(5 * SECOND, &mut number);
    // What says that it has expired comes when it does.
    let left = desk.scene.messages();
    assert!(
        left.len() == 1 && left[0].contains("Nats-Marker-Reason: MaxAge"),
        "{left:?}"
    );
}

/// Messages of which several expire at once are marked once all of their subject have gone.
#[test]
fn the_last_of_a_subject_is_marked_however_they_go() {
    let mut desk = desk(r#","max_age":10000000000,"subject_delete_marker_ttl":100000000000"#);
    desk.consumer(SETTINGS);
    desk.publish(&["p.a", "p.a"]);
    let mut number = None;
    let letters = desk.dead_letters_within(11 * SECOND, &mut number);
    for letter in &letters {
        desk.answer(number, letter, STORED);
        // Decided for, and not yet in the log.
        desk.scene.decide_what_is_due();
    }
    desk.scene.commit();
    let left = desk.scene.messages();
    assert!(
        left.len() == 1 && left[0].contains("Nats-Marker-Reason: MaxAge"),
        "{left:?}"
    );
}

/// A consumer is done with what is where its dead letters go, also after a crash, though the message stays for another's sake.
#[test]
fn what_is_there_is_not_moved_or_delivered_again() {
    for settings in [
        "",
        r#","max_ack_pending":2"#,
        r#","deliver_policy":"last_per_subject","filter_subject":"p.>""#,
    ] {
        let mut desk = desk(r#","max_age":10000000000"#);
        desk.publish(&["p.a", "p.b"]);
        for name in ["C", "D"] {
            desk.consumer_named(name, &format!("{SETTINGS}{settings}"));
        }
        desk.publish(&["p.a", "p.c"]);
        let mut number = None;
        let letters = desk.dead_letters_within(11 * SECOND, &mut number);
        let of_first: Vec<&Said> = letters
            .iter()
            .filter(|letter| said(letter, "Vagus-Dead-Letter-Consumer") == "C")
            .collect();
        let moved = &of_first[..2];
        for letter in moved {
            desk.answer(number, letter, STORED);
        }
        let left = of_first.len() as u64 - 2;
        assert_eq!(desk.info().num_pending, left);
        desk.crash();
        let again = desk.dead_letters_within(SECOND, &mut number);
        assert_eq!(again.len(), letters.len() - 2);
        assert_eq!(desk.info().num_pending, left);
        let is_moved = |subject: &str, sequence: &str| {
            moved.iter().any(|letter| {
                said(letter, "Vagus-Dead-Letter-Subject") == subject
                    && said(letter, "Vagus-Dead-Letter-Sequence") == sequence
            })
        };
        desk.pull("r", "9");
        let delivered = desk.delivered();
        assert_eq!(delivered.len() as u64, left.min(2), "{delivered:?}");
        for delivered in delivered {
            let mut words = delivered.split(' ').skip(1);
            let (subject, reply) = (words.next().unwrap(), words.next().unwrap());
            assert!(
                !is_moved(subject, reply.split('.').nth(1).unwrap()),
                "{delivered}"
            );
        }
    }
}

/// What was acknowledged, and which messages another stream has, by the consumer that they are of.
#[derive(Default)]
struct Elsewhere {
    acknowledged: BTreeSet<(String, u64)>,
    /// That another stream has them is known.
    answered: BTreeSet<(String, u64)>,
    moved: BTreeMap<(String, u64), Said>,
}

/// Takes in dead letters: none is of what was acknowledged before. Some answers are lost.
fn take_in(
    desk: &mut Desk,
    elsewhere: &mut Elsewhere,
    letters: &[Said],
    number: Option<u32>,
    random: &mut Rng,
) {
    let mut answered_here = BTreeSet::new();
    for letter in letters {
        let sequence: u64 = said(letter, "Vagus-Dead-Letter-Sequence").parse().unwrap();
        let key = (said(letter, "Vagus-Dead-Letter-Consumer"), sequence);
        assert!(!elsewhere.acknowledged.contains(&key), "{letter:?}");
        if answered_here.contains(&key) {
            // It was said twice before that.
            continue;
        }
        assert!(!elsewhere.answered.contains(&key), "{letter:?}");
        if let Some(before) = elsewhere.moved.get(&key) {
            // It is known for the same where it goes.
            assert_eq!(said(before, "Nats-Msg-Id"), said(letter, "Nats-Msg-Id"));
        }
        match random.u8(..4) {
            // It never came there.
            0 => {}
            // The answer is lost.
            1 => drop(elsewhere.moved.insert(key, letter.clone())),
            _ => {
                desk.answer(number, letter, STORED);
                answered_here.insert(key.clone());
                elsewhere.answered.insert(key.clone());
                elsewhere.moved.insert(key, letter.clone());
            }
        }
    }
}

/// Nothing of what is known to be elsewhere is still to be acknowledged or to come, and what is said to come is what a recount
/// says.
fn check(desk: &mut Desk, elsewhere: &Elsewhere, seed: u64) {
    let messages: Vec<(u64, String)> = desk
        .scene
        .messages()
        .iter()
        .map(|message| {
            let mut words = message.split(' ');
            let sequence = words.next().unwrap().parse().unwrap();
            (sequence, words.next().unwrap().to_owned())
        })
        .collect();
    for name in ["C", "D"] {
        let consumer = desk.scene.stream.consumers.named(name).unwrap();
        let is_answered = |sequence: u64| elsewhere.answered.contains(&(name.to_owned(), sequence));
        let mut pending = 0;
        for (sequence, subject) in &messages {
            let needs = consumer.needs(*sequence, subject.as_bytes());
            assert!(
                !(needs && is_answered(*sequence)),
                "seed {seed} {name} {sequence}"
            );
            let is_kept =
                consumer.unacknowledged_at(*sequence).is_some() || consumer.given_up(*sequence).is_some();
            pending += u64::from(needs && !is_kept);
        }
        let info = desk.info_of(name);
        assert_eq!(info.num_pending, pending, "seed {seed} {name} {info:?}");
    }
}

#[test]
fn whatever_happens_each_message_is_used_or_a_dead_letter() {
    for seed in 0..100 {
        let mut random = Rng::with_seed(seed);
        let retention = ["limits", "interest"][random.usize(..2)];
        let settings = format!(r#","retention":"{retention}","max_age":8000000000,"allow_msg_ttl":true"#);
        let mut desk = desk(&settings);
        let consumers = ["C", "D"];
        for name in consumers {
            let filter = [r#""p.a""#, r#""p.>""#][random.usize(..2)];
            let per_subject = match random.bool() {
                true => r#","vagus.max_ack_pending_per_subject":"1"}"#,
                false => "}",
            };
            let settings = SETTINGS.replace('}', per_subject);
            desk.consumer_named(
                name,
                &format!(r#"{settings},"max_deliver":3,"filter_subject":{filter}"#),
            );
        }
        let (mut elsewhere, mut number) = (Elsewhere::default(), None);
        let mut wanted: BTreeSet<(String, u64)> = BTreeSet::new();
        let mut last = 0;
        for _ in 0..120 {
            let letters = desk.dead_letters(&mut number);
            take_in(&mut desk, &mut elsewhere, &letters, number, &mut random);
            check(&mut desk, &elsewhere, seed);
            match random.u8(..13) {
                0..4 => {
                    let subject = ["p.a", "p.b"][random.usize(..2)];
                    let lines = ["", "Nats-TTL: 2s", "Nats-TTL: never"][random.usize(..3)];
                    let lines = if random.bool() { "" } else { lines };
                    desk.scene.publish(subject, lines, "x");
                    last += 1;
                    for name in consumers {
                        let filter = &desk.info_of(name).config.filter_subject;
                        if lines != "Nats-TTL: never" && (subject == "p.a" || filter == "p.>") {
                            wanted.insert((name.to_owned(), last));
                        }
                    }
                }
                4..7 => {
                    let name = consumers[random.usize(..2)];
                    desk.pull_from(name, "r", r#"{"batch":2,"no_wait":true}"#);
                    let letters = desk.dead_letters(&mut number);
                    take_in(&mut desk, &mut elsewhere, &letters, number, &mut random);
                }
                7..9 if last > 0 => {
                    let (name, sequence) = (consumers[random.usize(..2)], random.u64(1..=last));
                    let consumer = desk.scene.stream.consumers.named(name).unwrap();
                    if consumer.unacknowledged_at(sequence).is_some() {
                        let body = ["+ACK", "-NAK", "+TERM"][random.usize(..3)];
                        desk.say_to(name, sequence, body, "");
                        if body == "+ACK" {
                            elsewhere.acknowledged.insert((name.to_owned(), sequence));
                        }
                        desk.scene.commit();
                    }
                }
                9 => desk.read_again(),
                12 => desk.crash(),
                10 => {
                    desk.scene.decide_what_is_due();
                    desk.scene.stream.propose();
                    desk.scene.stream.failed(&ApiError::NOT_AVAILABLE);
                }
                _ => {
                    let letters = desk.dead_letters_within(random.i64(0..3 * SECOND), &mut number);
                    take_in(&mut desk, &mut elsewhere, &letters, number, &mut random);
                }
            }
        }
        for _ in 0..60 {
            let letters = desk.dead_letters_within(10 * SECOND, &mut number);
            take_in(&mut desk, &mut elsewhere, &letters, number, &mut random);
        }
        let left = desk.scene.messages();
        assert!(
            left.iter().all(|message| message.contains("Nats-TTL: never")),
            "seed {seed} {left:?}"
        );
        for key in &wanted {
            let is_used = elsewhere.acknowledged.contains(key);
            assert!(
                is_used || elsewhere.moved.contains_key(key),
                "seed {seed} {key:?}"
            );
        }
    }
}

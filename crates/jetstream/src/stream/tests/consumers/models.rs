//! Random commands, from seeds: consumers deliver, count and keep what a plain list would say.

use super::{Desk, desk};
use crate::error::ApiError;
use crate::held::InMemory;
use crate::stream::Stream;
use crate::stream::entry::decode;
use bytes::Bytes;
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use vagus_routing::subject::matches;

/// How many seeds are tried, and how many commands of each; more of them where this variable says so.
const SEEDS: u64 = 60;
const STEPS: usize = 150;
const MORE_SEEDS: &str = "VAGUS_CONSUMER_SEEDS";

fn seeds() -> u64 {
    let more = std::env::var(MORE_SEEDS).ok();
    more.and_then(|more| more.parse().ok()).unwrap_or(SEEDS)
}

const SUBJECTS: [&str; 5] = ["p.a", "p.b", "p.a.x", "p.b.x", "p.c"];
const FILTERS: [&[&str]; 8] = [
    &[],
    &["p.a"],
    &["p.>"],
    &["p.*"],
    &["p.a", "p.c"],
    &["p.*.x", "p.a.*"],
    &["p.c", "p.b.>"],
    &["q"],
];

/// A consumer, as a list of what it has not yet delivered, and of what it has.
#[derive(Debug, Clone, Default)]
struct Plain {
    filters: Vec<String>,
    policy: &'static str,
    /// Messages before this one are not wanted.
    next: u64,
    /// Of those up to here only these are.
    last_of_each: BTreeSet<u64>,
    last_of_each_up_to: u64,
    /// What is unacknowledged, and how often it was delivered.
    unacknowledged: BTreeMap<u64, u64>,
    exhausted: BTreeSet<u64>,
    max_deliver: u64,
    max_ack_pending: usize,
    /// How many of a subject may be unacknowledged; 0: any number.
    per_subject: usize,
    /// What was passed over because of that.
    waiting: BTreeSet<u64>,
    floor: u64,
}

impl Plain {
    fn wants(&self, subject: &str) -> bool {
        let matches = |filter: &String| matches(filter.as_bytes(), subject.as_bytes());
        self.filters.is_empty() || self.filters.iter().any(matches)
    }

    fn is_ahead(&self, sequence: u64) -> bool {
        match sequence <= self.last_of_each_up_to {
            true => self.last_of_each.contains(&sequence),
            false => sequence >= self.next || self.waiting.contains(&sequence),
        }
    }

    fn needs(&self, sequence: u64, subject: &str) -> bool {
        let is_kept = self.unacknowledged.contains_key(&sequence) || self.exhausted.contains(&sequence);
        self.wants(subject) && (is_kept || self.is_ahead(sequence))
    }

    /// Whether as many messages of a subject are unacknowledged as may be.
    fn is_held_up(&self, messages: &BTreeMap<u64, &str>, subject: &str) -> bool {
        let of_it = self.unacknowledged.keys();
        let of_it = of_it.filter(|sequence| messages.get(sequence) == Some(&subject));
        self.per_subject > 0 && of_it.count() >= self.per_subject
    }

    /// A message has gone.
    fn gone(&mut self, sequence: u64) {
        self.unacknowledged.remove(&sequence);
        self.exhausted.remove(&sequence);
        self.last_of_each.remove(&sequence);
        self.waiting.remove(&sequence);
    }
}

/// A stream as a list of messages, and its consumers.
#[derive(Debug, Clone, Default)]
struct World {
    messages: BTreeMap<u64, &'static str>,
    last: u64,
    retention: &'static str,
    consumers: BTreeMap<String, Plain>,
}

impl World {
    /// What consumers do not need goes, where that decides.
    fn release(&mut self, done_with: impl IntoIterator<Item = u64>) {
        if self.retention == "limits" {
            return;
        }
        for sequence in done_with {
            let subject = self.messages.get(&sequence).copied();
            let is_needed = |subject: &str| {
                let mut consumers = self.consumers.values();
                consumers.any(|consumer| consumer.needs(sequence, subject))
            };
            if subject.is_some_and(|subject| !is_needed(subject)) {
                self.go(sequence);
            }
        }
    }

    fn go(&mut self, sequence: u64) {
        self.messages.remove(&sequence);
        self.consumers
            .values_mut()
            .for_each(|consumer| consumer.gone(sequence));
    }

    fn all(&self) -> Vec<u64> {
        self.messages.keys().copied().collect()
    }

    /// What is still to come of a consumer's, counted anew.
    fn pending(&self, consumer: &Plain) -> u64 {
        let wanted = self
            .messages
            .iter()
            .filter(|(sequence, subject)| consumer.is_ahead(**sequence) && consumer.wants(subject));
        wanted.count() as u64
    }
}

/// A scene and a plain world to which the same is done.
struct Both {
    desk: Desk,
    world: World,
    /// Whether writing into the log fails sometimes.
    has_faults: bool,
    /// What was kept of the stream, and how long the log was then.
    kept: Option<(Vec<u8>, usize)>,
}

impl Both {
    fn new(random: &mut Rng) -> Self {
        let retention = ["limits", "interest", "workqueue"][random.usize(..3)];
        let mut settings = format!(r#","retention":"{retention}""#);
        if random.u8(..3) == 0 {
            settings += r#","max_msgs_per_subject":4"#;
        }
        let world = World {
            retention,
            ..World::default()
        };
        Self {
            desk: desk(&settings),
            world,
            has_faults: false,
            kept: None,
        }
    }

    /// Makes a consumer, if one may be made.
    fn create(&mut self, name: &str, random: &mut Rng) {
        let is_queue = self.world.retention == "workqueue";
        let filters = match is_queue {
            // They must not want the same.
            true => [&["p.a"][..], &["p.b", "p.b.x"], &["p.c"]][usize::from(name.as_bytes()[0] - b'A')],
            false => FILTERS[random.usize(..FILTERS.len())],
        };
        let deliver = match (is_queue, filters.is_empty()) {
            (true, _) => "all",
            (false, true) => ["all", "new", "last"][random.usize(..3)],
            (false, false) => ["all", "new", "last_per_subject"][random.usize(..3)],
        };
        let policy = match is_queue {
            true => "explicit",
            false => ["explicit", "all", "none"][random.usize(..3)],
        };
        let max_deliver = if policy == "none" { 0 } else { random.u64(..4) };
        let max_ack_pending = if policy == "none" { 0 } else { random.usize(1..6) };
        let per_subject = if policy == "explicit" {
            random.usize(..4)
        } else {
            0
        };
        let metadata = match per_subject {
            0 => String::new(),
            limit => format!(r#","metadata":{{"vagus.max_ack_pending_per_subject":"{limit}"}}"#),
        };
        let quoted: Vec<String> = filters.iter().map(|filter| format!(r#""{filter}""#)).collect();
        let settings = format!(
            r#","ack_policy":"{policy}","deliver_policy":"{deliver}","max_deliver":{max_deliver},"max_ack_pending":{max_ack_pending},"filter_subjects":[{}]{metadata}"#,
            quoted.join(",")
        );
        self.desk.consumer_named(name, &settings);
        let world = &mut self.world;
        let mut plain = Plain {
            filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
            policy,
            next: 1,
            max_deliver,
            max_ack_pending,
            per_subject,
            ..Plain::default()
        };
        let wanted: BTreeMap<u64, &str> = world
            .messages
            .iter()
            .filter(|(_, subject)| plain.wants(subject))
            .map(|(sequence, subject)| (*sequence, *subject))
            .collect();
        match deliver {
            "new" => plain.next = world.last + 1,
            "last" => plain.next = world.last.max(1),
            "last_per_subject" => {
                let mut last: BTreeMap<&str, u64> = BTreeMap::new();
                for (sequence, subject) in &wanted {
                    last.insert(subject, *sequence);
                }
                plain.last_of_each = last.into_values().collect();
                match plain.last_of_each.is_empty() {
                    true => plain.next = world.last.max(1),
                    false => plain.last_of_each_up_to = world.last,
                }
            }
            _ => {}
        }
        world.consumers.insert(name.to_owned(), plain);
    }

    fn publish(&mut self, subject: &'static str, per_subject: bool) {
        self.desk.publish(&[subject]);
        let world = &mut self.world;
        world.last += 1;
        let sequence = world.last;
        let is_needed = world.retention != "interest"
            || world
                .consumers
                .values()
                .any(|consumer| consumer.needs(sequence, subject));
        if !is_needed {
            return;
        }
        world.messages.insert(sequence, subject);
        if per_subject {
            let of_it: Vec<u64> = world
                .messages
                .iter()
                .filter(|(_, other)| **other == subject)
                .map(|(sequence, _)| *sequence)
                .collect();
            if of_it.len() > 4 {
                world.go(of_it[0]);
            }
        }
    }

    /// Takes in what consumers have delivered.
    fn take_in(&mut self, sent: &[String], seed: u64) {
        for sent in sent {
            let mut words = sent.split(' ');
            let name = words.next().unwrap_or_default();
            let (Some(subject), Some(reply)) = (words.next(), words.next()) else {
                continue;
            };
            if subject == "=" {
                continue;
            }
            let numbers: Vec<u64> = reply.split('.').map(|number| number.parse().unwrap()).collect();
            let [deliveries, sequence, _, pending] = numbers[..] else {
                panic!("{sent}");
            };
            assert_eq!(
                self.world.messages.get(&sequence),
                Some(&subject),
                "seed {seed} {sent}"
            );
            let plain = self.world.consumers.get_mut(name).unwrap();
            assert!(plain.wants(subject), "seed {seed} {sent} {plain:?}");
            if deliveries == 1 {
                assert!(plain.is_ahead(sequence), "seed {seed} {sent} {plain:?}");
                let known = plain.clone();
                let messages = &self.world.messages;
                let first = messages.iter().find(|(sequence, subject)| {
                    known.is_ahead(**sequence) && known.wants(subject) && !known.is_held_up(messages, subject)
                });
                assert_eq!(
                    first.map(|(first, _)| *first),
                    Some(sequence),
                    "seed {seed} {sent}"
                );
                plain.last_of_each.remove(&sequence);
                if sequence > plain.last_of_each_up_to && sequence >= plain.next {
                    let passed = self.world.messages.range(plain.next..sequence);
                    let passed = passed.filter(|(sequence, subject)| {
                        **sequence > known.last_of_each_up_to && known.wants(subject)
                    });
                    plain.waiting.extend(passed.map(|(sequence, _)| *sequence));
                    plain.next = sequence + 1;
                }
                plain.waiting.remove(&sequence);
                if plain.policy != "none" {
                    assert!(
                        plain.unacknowledged.len() < plain.max_ack_pending,
                        "seed {seed} {sent}"
                    );
                    plain.unacknowledged.insert(sequence, 1);
                }
            } else {
                let before = plain.unacknowledged.get_mut(&sequence).unwrap();
                *before += 1;
                assert_eq!(*before, deliveries, "seed {seed} {sent}");
                assert!(
                    plain.max_deliver == 0 || deliveries <= plain.max_deliver,
                    "seed {seed} {sent}"
                );
            }
            let plain = plain.clone();
            assert_eq!(
                pending,
                self.world.pending(&plain),
                "seed {seed} {sent} {plain:?}"
            );
            if plain.policy == "none" {
                self.world.release([sequence]);
            }
        }
    }

    /// Has consumers deliver, and writes down what becomes of them.
    fn deliver(&mut self, random: &mut Rng, seed: u64) {
        loop {
            let has_more = self.desk.at_work(|scene, around| scene.stream.deliver(around));
            if random.u8(..20) == 0 {
                // What was done and is not yet in the log is kept with the rest.
                let scene = &self.desk.scene;
                self.kept = Some((scene.stream.checkpoint(), scene.log.len()));
            }
            if self.has_faults && random.u8(..3) == 0 {
                self.desk.scene.stream.propose();
                self.desk.scene.stream.failed(&ApiError::NOT_AVAILABLE);
            }
            self.desk.scene.commit();
            let effects = self.desk.scene.stream.take_effects().list;
            let sent = super::all_sent(&effects);
            self.take_in(&sent, seed);
            if !has_more {
                break;
            }
        }
        self.desk.scene.commit();
    }

    /// Something is said of a message that was delivered.
    fn say(&mut self, name: &str, random: &mut Rng) {
        let plain = self.world.consumers.get_mut(name).unwrap();
        let known: Vec<u64> = plain
            .unacknowledged
            .keys()
            .chain(&plain.exhausted)
            .copied()
            .collect();
        if known.is_empty() || plain.policy == "none" {
            return;
        }
        let sequence = known[random.usize(..known.len())];
        let word = ["+ACK", "+ACK", "+TERM", "-NAK", "+WPI"][random.usize(..5)];
        let mut done_with = Vec::new();
        match (word, plain.policy) {
            ("+ACK" | "+TERM", "all") if plain.unacknowledged.contains_key(&sequence) => {
                done_with = known.into_iter().filter(|known| *known <= sequence).collect();
            }
            ("+ACK" | "+TERM", "explicit") => done_with = vec![sequence],
            ("-NAK", _) if plain.unacknowledged.get(&sequence) == Some(&plain.max_deliver) => {
                plain.unacknowledged.remove(&sequence);
                plain.exhausted.insert(sequence);
            }
            _ => {}
        }
        // What was exhausted is acknowledged for itself only where each is.
        if plain.policy == "all" && plain.exhausted.contains(&sequence) && word != "-NAK" {
            return;
        }
        for sequence in &done_with {
            plain.unacknowledged.remove(sequence);
            plain.exhausted.remove(sequence);
        }
        self.desk.say_to(name, sequence, word, "");
        self.world.release(done_with);
    }

    fn check(&mut self, seed: u64, step: usize) {
        let held = self.desk.scene.messages();
        let held: Vec<String> = held
            .iter()
            .map(|message| message.split(' ').take(2).collect::<Vec<_>>().join(" "))
            .collect();
        let expected: Vec<String> = self
            .world
            .messages
            .iter()
            .map(|(sequence, subject)| format!("{sequence} {subject}"))
            .collect();
        assert_eq!(
            held, expected,
            "invariant 9: seed {seed} step {step} {:#?}",
            self.world
        );
        let names: Vec<String> = self.world.consumers.keys().cloned().collect();
        for name in names {
            let info = self.desk.info_of(&name);
            let plain = self.world.consumers.get_mut(&name).unwrap();
            assert!(
                info.ack_floor.stream >= plain.floor,
                "invariant 11: seed {seed} step {step} {name}"
            );
            plain.floor = info.ack_floor.stream;
            let plain = plain.clone();
            assert_eq!(
                info.num_pending,
                self.world.pending(&plain),
                "invariant 8: seed {seed} step {step} {name} {plain:?}"
            );
            assert_eq!(
                info.num_ack_pending,
                plain.unacknowledged.len(),
                "invariant 11: seed {seed} step {step} {name} {plain:?}"
            );
        }
    }

    fn step(&mut self, random: &mut Rng, seed: u64) {
        let name = ["A", "B", "C"][random.usize(..3)];
        let is_there = self.world.consumers.contains_key(name);
        let per_subject = self.desk.scene.stream.config().max_per_subject == 4;
        match random.u8(..24) {
            0..=8 => self.publish(SUBJECTS[random.usize(..SUBJECTS.len())], per_subject),
            9 if !is_there => self.create(name, random),
            10 if is_there && random.u8(..3) == 0 => {
                self.desk.delete(name);
                let plain = self.world.consumers.remove(name).unwrap();
                if self.world.retention == "interest" {
                    let all = self
                        .world
                        .messages
                        .iter()
                        .filter(|(_, subject)| plain.wants(subject));
                    let all: Vec<u64> = all.map(|(sequence, _)| *sequence).collect();
                    self.world.release(all);
                }
            }
            11 => {
                let all = self.world.all();
                if !all.is_empty() {
                    let sequence = all[random.usize(..all.len())];
                    self.desk.scene.delete(sequence);
                    self.world.go(sequence);
                }
            }
            12 if random.u8(..4) == 0 => {
                let filter = ["", "p.a", "p.*", "p.b.>"][random.usize(..4)];
                let (sequence, keep) = match random.u8(..3) {
                    0 => (random.u64(..=self.world.last + 1), 0),
                    1 => (0, random.u64(..8)),
                    _ => (0, 0),
                };
                let wanted = crate::api::PurgeRequest {
                    filter: filter.to_owned(),
                    sequence,
                    keep,
                };
                self.desk.scene.purge(&wanted);
                let mut gone = self.world.all();
                gone.retain(|sequence| {
                    let subject = self.world.messages[sequence];
                    filter.is_empty() || matches(filter.as_bytes(), subject.as_bytes())
                });
                gone.truncate(gone.len().saturating_sub(usize::try_from(keep).unwrap()));
                gone.retain(|one| sequence == 0 || *one < sequence);
                for sequence in gone {
                    self.world.go(sequence);
                }
            }
            13 if is_there && random.u8(..3) == 0 => {
                let next = self.desk.info_of(name).ack_floor.stream + 1;
                self.desk.request(|scene, around, request| {
                    let wanted = crate::consumer::request::ResetRequest { sequence: 0 };
                    scene.stream.request_reset(around, name, &wanted, request)
                });
                let plain = self.world.consumers.get_mut(name).unwrap();
                *plain = Plain {
                    next,
                    last_of_each: BTreeSet::new(),
                    last_of_each_up_to: 0,
                    unacknowledged: BTreeMap::new(),
                    exhausted: BTreeSet::new(),
                    waiting: BTreeSet::new(),
                    ..plain.clone()
                };
                let all = self.world.all();
                if self.world.retention == "interest" {
                    self.world.release(all);
                }
            }
            14..=17 if is_there => {
                let body = format!(r#"{{"batch":{},"no_wait":true}}"#, random.u8(1..5));
                self.desk.pull_from(name, name, &body);
            }
            18..=22 if is_there => self.say(name, random),
            _ => {}
        }
        self.deliver(random, seed);
    }
}

#[test]
fn invariants_8_9_and_11_hold_at_every_step() {
    for seed in 0..seeds() {
        let mut random = Rng::with_seed(seed);
        let mut both = Both::new(&mut random);
        for step in 0..STEPS {
            both.step(&mut random, seed);
            both.check(seed, step);
        }
    }
}

/// What a stream and its consumers are, as far as it is kept.
fn whole(desk: &mut Desk) -> String {
    desk.scene.commit();
    let names = desk.scene.stream.consumer_names(0).shown;
    let mut whole = format!("{:?}", desk.scene.messages());
    for name in names {
        let info = desk.info_of(&name);
        whole += &format!(
            "\n{name} {:?} {:?} {} {} {}",
            info.delivered, info.ack_floor, info.num_ack_pending, info.num_redelivered, info.num_pending
        );
    }
    whole
}

impl Both {
    /// The stream that is read from a log, behind what was kept of it.
    fn read_from(&self, kept: Option<&(Vec<u8>, usize)>) -> Desk {
        let scene = &self.desk.scene;
        let config = scene.stream.config().clone();
        let held = InMemory::new(config.storage);
        let mut stream = Stream::new(config, 1, super::super::START, "", held);
        let log = Bytes::from(scene.log.clone());
        let mut from = 0;
        if let Some((kept, end)) = kept {
            for entry in decode(log.slice(..*end)).unwrap() {
                stream.apply(entry, &super::super::zone);
            }
            stream = Stream::restore(kept.clone().into(), "", stream.held).unwrap();
            from = *end;
        }
        for entry in decode(log.slice(from..)).unwrap() {
            stream.apply(entry, &super::super::zone);
        }
        let mut again = desk("");
        again.scene.stream = stream;
        again.scene.now = scene.now;
        again
    }
}

#[test]
fn the_log_says_what_was_done_also_behind_what_is_kept_and_where_writing_has_failed() {
    for seed in 0..seeds() {
        let mut random = Rng::with_seed(seed);
        let mut both = Both::new(&mut random);
        both.has_faults = seed % 2 == 0;
        for _ in 0..STEPS {
            both.step(&mut random, seed);
        }
        let kept = both.kept.take();
        let mut read = both.read_from(None);
        let expected = whole(&mut both.desk);
        assert_eq!(whole(&mut read), expected, "seed {seed}");
        let mut read = both.read_from(kept.as_ref());
        assert_eq!(
            whole(&mut read),
            expected,
            "seed {seed} behind {:?}",
            kept.map(|(_, end)| end)
        );
    }
}

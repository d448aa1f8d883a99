//! Random commands, from seeds: a stream that decides while others of its decisions are on their way comes to the same as
//! one that does one after another, and that to the same as a plain list of messages.

use super::{Scene, message, scene, short};
use crate::api::{DeleteMessageRequest, PurgeRequest};
use crate::error::ApiError;
use crate::held::{InMemory, Messages};
use crate::stream::entry::{decode, encode};
use crate::stream::{Effect, Publish, Published, Stream};
use crate::time::SECOND;
use fastrand::Rng;

const SEEDS: u64 = 120;
const STEPS: usize = 120;

/// Something that is asked of a stream.
#[derive(Debug, Clone)]
enum Command {
    Publish(Publish),
    Purge(PurgeRequest),
    Delete(u64),
}

fn subject(random: &mut Rng) -> &'static str {
    ["p.a", "p.b", "p.c", "p.d.e"][random.usize(..4)]
}

fn command(random: &mut Rng, last: u64, is_rich: bool) -> Command {
    let near = last.saturating_sub(random.u64(0..4));
    match random.u8(..100) {
        0..=3 => Command::Purge(PurgeRequest {
            filter: ["", ">", "p.a", "p.*"][random.usize(..4)].to_owned(),
            sequence: if random.bool() { near } else { 0 },
            keep: 0,
        }),
        4..=6 => Command::Purge(PurgeRequest {
            keep: random.u64(..4),
            filter: ["", "p.b", "p.>"][random.usize(..3)].to_owned(),
            sequence: 0,
        }),
        7..=14 => Command::Delete(near),
        _ => {
            let headers = match random.u8(..12) {
                0 => format!("Nats-Expected-Last-Sequence: {near}"),
                1 | 2 => format!("Nats-Expected-Last-Subject-Sequence: {near}"),
                3 => format!(
                    "Nats-Expected-Last-Subject-Sequence: {near}|Nats-Expected-Last-Subject-Sequence-Subject: p.*"
                ),
                4 | 5 => format!("Nats-Msg-Id: {}", random.u8(..6)),
                6 if is_rich => "Nats-Rollup: sub".to_owned(),
                7 if is_rich => "Nats-Rollup: all".to_owned(),
                8 if is_rich => format!("Nats-TTL: {}", random.u8(1..4)),
                _ => String::new(),
            };
            Command::Publish(message(
                subject(random),
                &headers,
                &"x".repeat(random.usize(..30)),
            ))
        }
    }
}

fn settings(random: &mut Rng) -> String {
    let mut settings = r#","allow_rollup_hdrs":true,"allow_msg_ttl":true"#.to_owned();
    for (limit, most) in [("max_msgs", 12), ("max_bytes", 400), ("max_msgs_per_subject", 4)] {
        if random.u8(..3) == 0 {
            settings += &format!(r#","{limit}":{}"#, random.u32(1..most));
        }
    }
    let is_new = random.bool();
    if is_new {
        settings += r#","discard":"new""#;
    }
    if random.u8(..3) == 0 {
        settings += r#","max_age":3000000000"#;
        if random.bool() {
            settings += r#","subject_delete_marker_ttl":1000000000"#;
        }
    }
    if is_new && settings.contains("per_subject") && random.bool() {
        settings += r#","discard_new_per_subject":true"#;
    }
    settings
}

impl Scene {
    /// Carries a command out, or gives it back.
    fn give(&mut self, command: Command) -> Option<Command> {
        match command {
            Command::Publish(message) => match self.offer(message) {
                Published::Decided => None,
                Published::Unsettled(message) => Some(Command::Publish(message)),
                Published::Cold(..) => panic!("everything is in memory"),
            },
            Command::Purge(request) => {
                self.stream.request_purge(&request, 1).unwrap();
                None
            }
            Command::Delete(sequence) => {
                let request = DeleteMessageRequest {
                    sequence,
                    no_erase: true,
                };
                self.stream.request_delete(&request, 1).unwrap();
                None
            }
        }
    }

    /// All that was said, in short.
    fn said(&mut self) -> Vec<String> {
        let effects = self.stream.take_effects().list;
        let each = effects.into_iter().map(|effect| match effect {
            Effect::Answer { payload, .. } => short(&payload),
            other => format!("{other:?}"),
        });
        each.collect()
    }

    fn whole(&self) -> (Vec<u8>, Vec<String>) {
        (self.stream.checkpoint(), self.messages())
    }
}

/// What was refused was said at once, what was stored later: each for itself says the same.
fn sorted(mut said: Vec<String>) -> Vec<String> {
    said.sort();
    said
}

#[test]
fn decisions_in_flight_change_nothing() {
    for seed in 0..SEEDS {
        let mut random = Rng::with_seed(seed);
        let settings = settings(&mut random);
        let (mut plain, mut piped) = (scene(&settings), scene(&settings));
        let (mut plainly, mut later) = (Vec::new(), Vec::new());
        let mut newest = 0;
        for step in 0..STEPS {
            let last = plain.stream.last_sequence() + 1;
            let command = command(&mut random, last, true);
            assert!(plain.give(command.clone()).is_none());
            plain.commit();
            plainly.extend(plain.said());
            if let Some(command) = piped.give(command) {
                // It waits for all that is ahead, and then no longer.
                newest = piped.stream.propose().map_or(newest, |proposal| proposal.number);
                piped.stream.committed(newest, &super::zone);
                assert!(piped.give(command).is_none(), "seed {seed} step {step}");
            }
            if random.u8(..3) == 0 {
                newest = piped.stream.propose().map_or(newest, |proposal| proposal.number);
            }
            if random.u8(..4) == 0 {
                // Some of it, and the rest whenever that is.
                let mut work = random.usize(1..12);
                let number = random.u64(..=newest);
                piped.stream.commit(number, &super::zone, &mut work);
            }
            later.extend(piped.said());
            if random.u8(..10) == 0 {
                // Time passes where both are at the same place: what expires is what there is.
                newest = piped.stream.propose().map_or(newest, |proposal| proposal.number);
                piped.stream.committed(newest, &super::zone);
                later.extend(piped.said());
                let passed = i64::from(random.u8(1..20)) * SECOND / 10;
                for scene in [&mut plain, &mut piped] {
                    scene.pass(passed);
                    scene.decide_what_is_due();
                }
                plain.commit();
                newest = piped.stream.propose().map_or(newest, |proposal| proposal.number);
                piped.stream.committed(newest, &super::zone);
            }
        }
        newest = piped.stream.propose().map_or(newest, |proposal| proposal.number);
        piped.stream.committed(newest, &super::zone);
        later.extend(piped.said());
        assert_eq!(sorted(plainly), sorted(later), "seed {seed} {settings}");
        assert_eq!(plain.whole(), piped.whole(), "seed {seed} {settings}");
    }
}

#[test]
fn what_fails_has_never_been() {
    for seed in 0..SEEDS {
        let mut random = Rng::with_seed(seed);
        let settings = settings(&mut random);
        let mut scene = scene(&settings);
        let mut log = Vec::new();
        for _ in 0..STEPS {
            let last = scene.stream.last_sequence() + 1;
            let wanted = command(&mut random, last, true);
            if let Some(wanted) = scene.give(wanted) {
                encode(&scene.commit(), &mut log);
                assert!(scene.give(wanted).is_none());
            }
            if random.u8(..8) == 0 {
                scene.pass(SECOND);
                scene.decide_what_is_due();
            }
            match random.u8(..6) {
                0 => {
                    let before = scene.whole();
                    if random.bool() {
                        scene.stream.propose();
                    }
                    scene.stream.failed(&ApiError::store_failed("disk"));
                    // Ids that are too old may have been forgotten; nothing else is another.
                    assert_eq!(scene.whole(), before, "seed {seed}");
                }
                1 | 2 => encode(&scene.commit(), &mut log),
                _ => {}
            }
        }
        encode(&scene.commit(), &mut log);
        // Whoever reads the log comes to the same.
        let config = super::config(&settings);
        let held = InMemory::new(config.storage);
        let mut again = Stream::new(config, 1, super::START, "", held);
        for entry in decode(log.into()).unwrap() {
            again.apply(entry, &super::zone);
        }
        let again = Scene {
            stream: again,
            now: scene.now,
            room: scene.room,
            limits: scene.limits.clone(),
            log: Vec::new(),
        };
        assert_eq!(again.messages(), scene.messages(), "seed {seed} {settings}");
        assert_eq!(again.state(), scene.state(), "seed {seed} {settings}");
    }
}

/// A plain list of messages, with the rules as one would say them.
#[derive(Default)]
struct List {
    messages: Vec<(u64, String, usize)>,
    first: u64,
    last: u64,
}

impl List {
    fn settle(&mut self) {
        self.first = self.messages.first().map_or(self.last + 1, |(first, ..)| *first);
    }

    fn bytes(&self) -> usize {
        self.messages.iter().map(|(.., size)| size).sum()
    }

    fn publish(&mut self, message: &Publish, config: &crate::config::StreamConfig) -> String {
        let subject = String::from_utf8(message.subject.to_vec()).unwrap();
        let said = |name: &str| {
            let value = crate::header::get(&message.headers, name)?;
            str::from_utf8(value).ok().map(str::to_owned)
        };
        let of_it = |list: &Self| {
            list.messages
                .iter()
                .filter(|(_, other, _)| *other == subject)
                .count()
        };
        if let Some(expected) = said("Nats-Expected-Last-Subject-Sequence") {
            let any = said("Nats-Expected-Last-Subject-Sequence-Subject").is_some();
            let is_meant = |other: &str| {
                if any {
                    !other.ends_with(".e")
                } else {
                    other == subject
                }
            };
            let found = self
                .messages
                .iter()
                .rfind(|(_, other, _)| is_meant(other))
                .map_or(0, |found| found.0);
            if found.to_string() != expected {
                return format!("10071 wrong last sequence: {found}");
            }
        }
        if let Some(expected) = said("Nats-Expected-Last-Sequence")
            && expected != self.last.to_string()
        {
            return format!("10071 wrong last sequence: {}", self.last);
        }
        let size = message.subject.len() + message.headers.len() + message.payload.len() + 16;
        let over = |limit: i64, there_are: usize| limit > 0 && there_are as i64 > limit;
        let replaces = over(config.max_per_subject, of_it(self) + 1);
        if config.discard == crate::config::Discard::New {
            if replaces && config.discard_new_per_subject {
                return "10077 maximum messages per subject exceeded".to_owned();
            }
            if over(config.max_messages, self.messages.len() + 1) && !replaces {
                return "10077 maximum messages exceeded".to_owned();
            }
            let first = self
                .messages
                .iter()
                .find(|(_, other, _)| *other == subject)
                .map_or(0, |first| first.2);
            if over(config.max_bytes, self.bytes() + size) && !(replaces && first >= size) {
                return "10077 maximum bytes exceeded".to_owned();
            }
        }
        self.last += 1;
        self.messages.push((self.last, subject.clone(), size));
        while over(config.max_per_subject, of_it(self)) {
            let at = self
                .messages
                .iter()
                .position(|(_, other, _)| *other == subject)
                .unwrap();
            self.messages.remove(at);
        }
        if config.discard == crate::config::Discard::Old {
            while over(config.max_messages, self.messages.len()) || over(config.max_bytes, self.bytes()) {
                self.messages.remove(0);
            }
        }
        self.settle();
        format!(r#"{{"seq":{}}}"#, self.last)
    }

    fn purge(&mut self, request: &PurgeRequest) {
        let PurgeRequest {
            sequence,
            filter,
            keep,
        } = request;
        let everything = matches!(filter.as_str(), "" | ">");
        if everything && *sequence > self.last {
            self.messages.clear();
            self.last = sequence - 1;
            return self.settle();
        }
        let matches = |subject: &str| match filter.as_str() {
            "" | ">" | "p.>" => true,
            "p.*" => !subject.ends_with(".e"),
            filter => subject == filter,
        };
        let matching = self
            .messages
            .iter()
            .filter(|(_, subject, _)| matches(subject))
            .count();
        let mut may_go = matching.saturating_sub(*keep as usize);
        self.messages.retain(|(at, subject, _)| {
            let goes = matches(subject) && may_go > 0 && (*sequence == 0 || at < sequence);
            may_go -= usize::from(goes);
            !goes
        });
        self.settle();
    }
}

#[test]
fn comes_to_what_a_plain_list_does() {
    for seed in 0..SEEDS {
        let mut random = Rng::with_seed(seed);
        let settings = settings(&mut random);
        let mut scene = scene(&settings);
        let config = scene.stream.config().clone();
        let mut list = List::default();
        for step in 0..STEPS {
            let wanted = command(&mut random, list.last + 1, false);
            let place = format!("seed {seed} step {step} {settings} {wanted:?}");
            match &wanted {
                Command::Publish(message)
                    if crate::header::get(&message.headers, "Nats-Msg-Id").is_some() =>
                {
                    continue;
                }
                Command::Publish(message) => {
                    let expect = list.publish(message, &config);
                    assert!(scene.give(wanted.clone()).is_none());
                    scene.commit();
                    assert_eq!(scene.said(), [expect], "{place}");
                }
                Command::Purge(request) => {
                    list.purge(request);
                    scene.purge(request);
                }
                Command::Delete(sequence) => {
                    list.messages.retain(|(at, ..)| at != sequence);
                    if !list.messages.is_empty() || list.last > 0 {
                        list.settle();
                    }
                    scene.delete(*sequence);
                }
            }
            let found: Vec<u64> = list.messages.iter().map(|(at, ..)| *at).collect();
            let held = scene.stream.held();
            assert_eq!(held.sequences(b">", 0..=u64::MAX, usize::MAX), found, "{place}");
            let state = scene.stream.state(0);
            assert_eq!(state.bytes as usize, list.bytes(), "{place}");
            if state.first_seq > 0 {
                assert_eq!(
                    (state.first_seq, state.last_seq),
                    (list.first, list.last),
                    "{place}"
                );
            }
        }
    }
}

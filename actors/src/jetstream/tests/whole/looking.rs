//! What is shown of a stream and its consumers is what it may be by the list.

use super::super::lives::Inbox;
use super::model::{Kept, Stream};
use super::steps::{Life, Over};
use super::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use vagus_jetstream::api::StreamState;

/// So often, and so long, something is waited for that comes by itself.
const TIMES: usize = 400;
const WAIT: Duration = Duration::from_millis(5);

fn decoded(base64: &Value) -> Bytes {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(base64.as_str().unwrap_or_default()).unwrap().into()
}

/// When it was stored is not told.
fn is_same(one: &Kept, other: &Kept) -> bool {
    (&one.subject, &one.header, &one.payload) == (&other.subject, &other.header, &other.payload)
}

impl Life<'_> {
    pub(super) async fn get(&self, wanted: GetRequest) -> Option<(u64, Kept)> {
        let message = self.stream.get(wanted).await.ok()?;
        let message = serde_json::to_value(message).unwrap();
        let kept = Kept {
            subject: message["subject"].as_str().unwrap().to_owned(),
            header: decoded(&message["hdrs"]),
            payload: decoded(&message["data"]),
            time: 0,
        };
        Some((message["seq"].as_u64().unwrap(), kept))
    }

    async fn all(&self) -> (u64, BTreeMap<u64, Kept>) {
        let (_, first, last) = state(&self.stream).await;
        let mut messages = BTreeMap::new();
        for sequence in first.max(1)..=last {
            let wanted = GetRequest {
                sequence,
                ..GetRequest::default()
            };
            messages.extend(self.get(wanted).await);
        }
        (last, messages)
    }

    /// The server has begun anew: it is what it may be.
    pub(super) async fn look_at_all(&mut self) {
        self.known.possible.restart(self.now());
        let mut found = (0, BTreeMap::new());
        let mut is_found = false;
        for _ in 0..TIMES {
            found = self.all().await;
            is_found = self.known.possible.narrow(|stream| {
                let mut both = stream.messages.iter().zip(&found.1);
                stream.last == found.0
                    && stream.messages.len() == found.1.len()
                    && both.all(|(one, other)| one.0 == other.0 && is_same(one.1, other.1))
            });
            if is_found {
                break;
            }
            tokio::time::sleep(WAIT).await;
        }
        if !is_found {
            self.known.possible.tell();
            let sequences = |messages: &BTreeMap<u64, Kept>| messages.keys().copied().collect::<Vec<_>>();
            for stream in self.known.possible.all() {
                println!("may be {} {:?}", stream.last, sequences(&stream.messages));
            }
            panic!("is {} {:?}", found.0, sequences(&found.1));
        }
        assert!(found.0 >= self.known.last, "sequences are given again");
        let names = self.stream.consumer_names(0).await.unwrap().shown;
        let has_them = |stream: &Stream| stream.consumers.keys().eq(names.iter());
        assert!(self.known.possible.narrow(has_them), "{names:?} are there");
        for name in names {
            self.look_at_consumer(&name)
                .await
                .unwrap_or_else(|Over| panic!("it has power"));
        }
        self.inboxes.push(Inbox::of(&self.world, &["pushed.>"]).await);
        self.settle().await.unwrap_or_else(|Over| panic!("it has power"));
    }

    /// What is told of the stream and its consumers.
    pub(super) async fn look(&mut self, random: &mut fastrand::Rng) -> Result<(), Over> {
        let wanted = StreamInfoRequest {
            deleted_details: true,
            subjects_filter: ">".to_owned(),
            ..StreamInfoRequest::default()
        };
        let mut shown = None;
        for _ in 0..TIMES {
            let state = self.stream.show(wanted.clone()).await;
            self.has_power()?;
            let state = state.unwrap().state;
            if self.known.possible.narrow(|stream| is_state_of(&state, stream)) {
                shown = None;
                break;
            }
            // What has become too old goes before long.
            shown = Some(state);
            tokio::time::sleep(WAIT).await;
        }
        if let Some(shown) = shown {
            self.known.possible.tell();
            panic!("{shown:?} is shown of {:#?}", self.known.possible.any());
        }
        let names: Vec<String> = self.known.possible.any().consumers.keys().cloned().collect();
        for name in names {
            self.look_at_consumer(&name).await?;
        }
        for _ in 0..3 {
            self.look_for_one(random).await?;
        }
        Ok(())
    }

    async fn look_at_consumer(&mut self, name: &str) -> Result<(), Over> {
        let info = self.stream.consumer(name).await;
        self.has_power()?;
        let info = info.unwrap();
        let (floor, delivered) = (info.ack_floor, info.delivered);
        let what = format!(
            "{name} has delivered {delivered:?}, its floor is {floor:?}, {} are unacknowledged, {} were delivered again, {} are to come",
            info.num_ack_pending, info.num_redelivered, info.num_pending
        );
        self.known.possible.happens(&what, |stream| {
            let ahead = stream.consumers[name].ahead(&stream.messages).count();
            let consumer = stream.consumers.get_mut(name).unwrap();
            let again = consumer
                .unacknowledged
                .values()
                .filter(|message| message.deliveries > 1);
            let again = again.count() + consumer.exhausted.len();
            let expected = (
                ahead as u64,
                consumer.unacknowledged.len(),
                consumer.delivered,
                if consumer.max_deliver == 1 { 0 } else { again },
            );
            let told = (
                info.num_pending,
                info.num_ack_pending,
                delivered.consumer,
                info.num_redelivered,
            );
            if told != expected {
                return Err(format!("{told:?} and not {expected:?}"));
            }
            let first = consumer.unacknowledged.keys().next();
            if first.is_some_and(|first| *first <= floor.stream) || floor.consumer > delivered.consumer {
                return Err("what is not acknowledged is below the floor".to_owned());
            }
            if floor.consumer < consumer.floor.0 || floor.stream < consumer.floor.1 {
                return Err(format!("the floor has been at {:?}", consumer.floor));
            }
            consumer.floor = (floor.consumer, floor.stream);
            Ok(())
        });
        Ok(())
    }

    async fn look_for_one(&mut self, random: &mut fastrand::Rng) -> Result<(), Over> {
        let sequence = random.u64(1..=self.known.possible.any().last + 2);
        let pattern = ["S.a", "S.>", "S.*", "S.*.x", "S.c.>", "S.c"][random.usize(..6)].to_owned();
        let wanted = match random.u8(..3) {
            0 => GetRequest {
                sequence,
                ..GetRequest::default()
            },
            1 => GetRequest {
                sequence,
                next_for: pattern.clone(),
                ..GetRequest::default()
            },
            _ => GetRequest {
                last_for: pattern.clone(),
                ..GetRequest::default()
            },
        };
        let found = self.get(wanted.clone()).await;
        self.has_power()?;
        let is_so = self.known.possible.narrow(|stream| {
            let expected = match (wanted.next_for.is_empty(), wanted.last_for.is_empty()) {
                (false, _) => stream.matching(&pattern).find(|found| *found >= sequence),
                (_, false) => stream.matching(&pattern).next_back(),
                _ => stream.messages.contains_key(&sequence).then_some(sequence),
            };
            match (&found, expected) {
                (None, None) => true,
                (Some((found, kept)), Some(expected)) => {
                    *found == expected && is_same(kept, &stream.messages[found])
                }
                _ => false,
            }
        });
        assert!(is_so, "{found:?} for {wanted:?}: {:?}", self.known.possible.any());
        Ok(())
    }

    /// Asks directly for the last message of each subject, or for what follows.
    pub(super) async fn look_directly(&mut self, random: &mut fastrand::Rng) -> Result<(), Over> {
        let Some(stream) = self.known.possible.only().cloned() else {
            return Ok(());
        };
        let pattern = ["S.a", "S.>", "S.*", "S.*.x", "S.c.>", "S.c"][random.usize(..6)];
        let (expected, body): (Vec<u64>, Value) = match random.bool() {
            true => {
                let up_to = random.u64(1..=stream.last.max(1));
                let mut last = BTreeMap::new();
                for sequence in stream.matching(pattern).filter(|sequence| *sequence <= up_to) {
                    last.insert(&stream.messages[&sequence].subject, sequence);
                }
                let mut expected: Vec<u64> = last.into_values().collect();
                expected.sort_unstable();
                (expected, json!({"multi_last": [pattern], "up_to_seq": up_to}))
            }
            false => {
                let (from, batch) = (random.u64(1..=stream.last.max(1)), random.usize(1..20));
                let expected = stream.matching(pattern).filter(|sequence| *sequence >= from);
                let body = json!({"seq": from, "next_by_subj": pattern, "batch": batch});
                (expected.take(batch).collect(), body)
            }
        };
        let mut found = Vec::new();
        self.ask("$JS.API.DIRECT.GET.S", &body.to_string()).await;
        loop {
            let message = self.answer().await?;
            self.has_power()?;
            let parts = message.parts();
            let header = String::from_utf8_lossy(parts.header).into_owned();
            let Some((_, sequence)) = header.split_once("Nats-Sequence: ") else {
                break;
            };
            let sequence: u64 = sequence.split("\r\n").next().unwrap().parse().unwrap();
            assert_eq!(parts.payload, &*stream.messages[&sequence].payload, "{body}");
            found.push(sequence);
        }
        assert_eq!(found, expected, "{body}");
        Ok(())
    }
}

fn is_state_of(state: &StreamState, stream: &Stream) -> bool {
    let (first, last) = (stream.first(), stream.last);
    let missing: Vec<u64> = match stream.messages.is_empty() {
        true => Vec::new(),
        false => (first..=last)
            .filter(|sequence| !stream.messages.contains_key(sequence))
            .collect(),
    };
    let subjects = stream.subjects();
    state.messages == stream.messages.len() as u64
        && state.bytes == stream.bytes()
        && (state.first_seq == first || (state.first_seq == 0 && last == 0))
        && state.last_seq == last
        && state.num_subjects == subjects.len() as u64
        && state.subjects == subjects
        && state.num_deleted == missing.len() as u64
        && state.deleted == missing
        && state.consumer_count == stream.consumers.len()
}

//! Consumers that are made, changed and asked, and what is said of messages that came.

use super::consumer::{ACK_WAIT, Consumer, NAK_DELAY, Policy};
use super::model::Stream;
use super::steps::{Life, Over};
use super::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use vagus_jetstream::consumer::ConsumerInfo;
use vagus_jetstream::consumer::request::{CreateConsumerRequest, PauseRequest, ResetRequest};
use vagus_jetstream::error::ApiError;

impl Life<'_> {
    pub(super) async fn create_consumer(
        &mut self,
        name: &'static str,
        random: &mut fastrand::Rng,
    ) -> Result<(), Over> {
        let any = self.known.possible.any();
        let is_queue = any.rules.retention == "workqueue";
        let place = CONSUMERS.iter().position(|other| *other == name).unwrap();
        let policy = match is_queue {
            true => Policy::Explicit,
            false => [Policy::Explicit, Policy::Explicit, Policy::All, Policy::None][random.usize(..4)],
        };
        let filters = filters(is_queue.then_some(place), random);
        let deliver = match is_queue {
            true => "all".to_owned(),
            false => match ["all", "all", "new", "last", "last_per_subject", "from"][random.usize(..6)] {
                "from" => format!("from {}", random.u64(1..=any.last + 2)),
                "last_per_subject" if filters.is_empty() => "all".to_owned(),
                other => other.to_owned(),
            },
        };
        let mut consumer = Consumer {
            filters: filters.to_vec(),
            policy,
            is_push: random.u8(..4) == 0,
            is_paused: false,
            max_deliver: if policy == Policy::None {
                0
            } else {
                random.u64(..4)
            },
            max_ack_pending: if random.bool() { random.usize(1..8) } else { 1000 },
            deliver,
            next: 1,
            least_next: 1,
            last_of_each: BTreeSet::new(),
            last_of_each_up_to: 0,
            unacknowledged: BTreeMap::new(),
            exhausted: BTreeSet::new(),
            delivered: 0,
            floor: (0, 0),
            requests: BTreeMap::new(),
        };
        if policy == Policy::None {
            consumer.max_ack_pending = 0;
        }
        let outcome = self.make(name, &consumer).await;
        self.known.replies.retain(|(of, ..)| of != name);
        self.done(&format!("{name} {consumer:?}"), outcome, |stream, _| {
            let mut consumer = consumer.clone();
            stream.start(&mut consumer);
            stream.consumers.insert(name.to_owned(), consumer);
            Ok(())
        })?;
        Ok(())
    }

    /// Has a consumer be that.
    async fn make(&self, name: &str, consumer: &Consumer) -> Result<ConsumerInfo, ApiError> {
        let (deliver, start) = match consumer.deliver.split_once(' ') {
            Some((_, start)) => ("by_start_sequence", start.parse::<u64>().unwrap()),
            None => (&*consumer.deliver, 0),
        };
        let mut config = json!({
            "durable_name": name,
            "ack_policy": match consumer.policy {
                Policy::None => "none",
                Policy::Explicit => "explicit",
                Policy::All => "all",
            },
            "deliver_policy": deliver,
            "filter_subjects": consumer.filters,
        });
        if consumer.policy != Policy::None {
            config["ack_wait"] = json!(ACK_WAIT);
            config["max_ack_pending"] = json!(consumer.max_ack_pending);
            config["max_deliver"] = json!(if consumer.max_deliver == 0 {
                -1
            } else {
                consumer.max_deliver as i64
            });
        }
        if start > 0 {
            config["opt_start_seq"] = json!(start);
        }
        if consumer.is_push {
            config["deliver_subject"] = json!(format!("pushed.{name}"));
        }
        let wanted = json!({"stream_name": "S", "config": config}).to_string();
        let wanted = CreateConsumerRequest::from_json(wanted.as_bytes(), true).unwrap();
        self.stream.create_consumer(wanted).await
    }

    /// It wants others, or may have others unacknowledged.
    pub(super) async fn update_consumer(
        &mut self,
        name: &'static str,
        random: &mut fastrand::Rng,
    ) -> Result<(), Over> {
        let any = self.known.possible.any();
        let is_queue = any.rules.retention == "workqueue";
        let place = CONSUMERS.iter().position(|other| *other == name).unwrap();
        let mut consumer = any.consumers[name].clone();
        let old = consumer.clone();
        consumer.filters = filters(is_queue.then_some(place), random).to_vec();
        if consumer.deliver == "last_per_subject" && consumer.filters.is_empty() {
            return Ok(());
        }
        if consumer.policy != Policy::None {
            consumer.max_ack_pending = random.usize(1..20);
        }
        let outcome = self.make(name, &consumer).await;
        self.done(&format!("{name} {:?}", consumer.filters), outcome, |stream, _| {
            let there = stream.consumers.get_mut(name).unwrap();
            there.filters.clone_from(&consumer.filters);
            there.max_ack_pending = consumer.max_ack_pending;
            Ok(())
        })?;
        // How far it has looked for what it wanted before is not told.
        self.known.possible.branch(|stream| {
            let least = stream.consumers[name].least_next;
            let behind = stream.messages.range(least..).map(|(sequence, _)| sequence + 1);
            let nexts = std::iter::once(least).chain(behind).chain([stream.last + 1]);
            let others = nexts.map(|next| {
                let mut other = stream.clone();
                let consumer = other.consumers.get_mut(name).unwrap();
                consumer.go_on_from(next, &stream.messages, stream.last);
                other.release_all(|subject| old.wants(subject));
                other
            });
            others.collect()
        });
        Ok(())
    }

    pub(super) async fn pause(&mut self, name: &'static str, random: &mut fastrand::Rng) -> Result<(), Over> {
        let is_paused = random.bool();
        let until = if is_paused {
            "2099-01-01T00:00:00Z"
        } else {
            "0001-01-01T00:00:00Z"
        };
        let body = format!(r#"{{"pause_until":"{until}"}}"#);
        let wanted = PauseRequest::from_json(body.as_bytes(), true).unwrap();
        let outcome = self.stream.pause_consumer(name, wanted).await;
        self.done(&format!("{name} {body}"), outcome, |stream, _| {
            stream.consumers.get_mut(name).unwrap().is_paused = is_paused;
            Ok(())
        })?;
        Ok(())
    }

    pub(super) async fn reset(&mut self, name: &'static str, random: &mut fastrand::Rng) -> Result<(), Over> {
        let any = self.known.possible.any();
        let consumer = &any.consumers[name];
        let sequence = match &*consumer.deliver {
            "all" if random.bool() => random.u64(1..=any.last + 1),
            _ => 0,
        };
        let floor = consumer.floor.1;
        let wanted = ResetRequest { sequence };
        let outcome = self.stream.reset_consumer(name, wanted).await;
        let expected = if sequence == 0 { floor + 1 } else { sequence };
        self.done(&format!("{name} reset to {sequence}"), outcome, |stream, done| {
            let consumer = stream.consumers.get_mut(name).unwrap();
            let filters = consumer.clone();
            consumer.reset(expected);
            stream.release_all(|subject| filters.wants(subject));
            match done {
                Some((_, next)) if *next != expected => Err(format!("to {expected}")),
                _ => Ok(()),
            }
        })?;
        Ok(())
    }

    pub(super) async fn delete_consumer(&mut self, name: &'static str) -> Result<(), Over> {
        let outcome = self.stream.delete_consumer(name).await;
        self.known.replies.retain(|(of, ..)| of != name);
        self.done(&format!("delete {name}"), outcome, |stream, _| {
            let consumer = stream.consumers.remove(name).unwrap();
            let is_last = stream.consumers.is_empty();
            stream.release_all(|subject| is_last || consumer.wants(subject));
            Ok(())
        })?;
        Ok(())
    }

    pub(super) async fn pull(&mut self, name: &'static str, random: &mut fastrand::Rng) -> Result<(), Over> {
        let consumer = &self.known.possible.any().consumers[name];
        if consumer.is_push || !consumer.requests.is_empty() {
            return Ok(());
        }
        self.known.asked += 1;
        let (reply, batch) = (format!("pulled.{name}.{}", self.known.asked), random.u64(1..10));
        self.known
            .possible
            .happens(&format!("{name} is asked for {batch}"), |stream| {
                let consumer = stream.consumers.get_mut(name).unwrap();
                consumer.requests.insert(reply.clone(), batch);
                Ok(())
            });
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.S.{name}");
        self.world
            .say(&subject, &reply, format!(r#"{{"batch":{batch},"no_wait":true}}"#))
            .await;
        self.settle().await
    }

    /// Something is said of a message that has come, perhaps long ago.
    pub(super) async fn say(&mut self, random: &mut fastrand::Rng) -> Result<(), Over> {
        let known = self.known.replies.len();
        if known == 0 {
            return Ok(());
        }
        let place = match random.u8(..4) {
            0 => random.usize(..known),
            _ => known - 1 - random.usize(..known.min(6)),
        };
        let (name, sequence, consumer_sequence, subject) = self.known.replies[place].clone();
        let delay = format!(r#"-NAK {{"delay":{}}}"#, NAK_DELAY);
        let words = [
            "+ACK", "+ACK", "+ACK", "+ACK", "+TERM", "-NAK", "-NAK", "+WPI", &delay,
        ];
        let word = words[random.usize(..words.len())];
        let is_waited_for = |stream: &Stream| {
            let consumer = &stream.consumers[&name];
            consumer.policy == Policy::Explicit && consumer.unacknowledged.contains_key(&sequence)
        };
        let has_it = |stream: &Stream| stream.consumers.contains_key(&name);
        if !self.known.possible.all().iter().all(has_it) {
            return Ok(());
        }
        let is_answered = self.known.possible.all().iter().all(is_waited_for) && random.bool();
        self.known.asked += 1;
        let reply = format!("asked.{}", self.known.asked);
        let message = InProcessMessage {
            subject: subject.into(),
            reply: is_answered.then(|| reply.clone().into()),
            header: None,
            payload: Bytes::copy_from_slice(word.as_bytes()),
            except: None,
        };
        let now = self.now();
        self.known.possible.happens(
            &format!("{word} of {sequence}, {consumer_sequence}, by {name}"),
            |stream| {
                stream.say(&name, (sequence, consumer_sequence), word, now);
                Ok(())
            },
        );
        assert_eq!(self.world.client.publish(message).await, Some(true));
        if is_answered {
            self.answer().await?;
            self.known.possible.is_kept();
            return Ok(());
        }
        self.barrier().await
    }
}

fn filters(of_queue: Option<usize>, random: &mut fastrand::Rng) -> &'static [&'static str] {
    let all = match of_queue {
        Some(place) => SHARES[place],
        None => &FILTERS,
    };
    all[random.usize(..all.len())]
}

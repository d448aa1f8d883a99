//! What clients do, and what comes of it.

use super::super::lives::Inbox;
use super::consumer::Delivery;
use super::model::{Kept, MAX_AGE, Outcome, Rules, Stream, Wish};
use super::*;
use serde_json::{Value, json};
use std::time::Duration;
use vagus_delivery::mailbox::Message;
use vagus_jetstream::api::{DeleteMessageRequest, PurgeRequest};

/// After so long what does not come is taken not to come at all.
const PATIENCE: usize = 4000;
const MOMENT: Duration = Duration::from_millis(2);

/// So many moments in which nothing comes are enough where it is open whether something is to come.
const QUIET: usize = 5;

/// The power is cut.
#[derive(Debug)]
pub(super) struct Over;

/// A life of a server.
pub(super) struct Life<'a> {
    pub(super) world: World,
    pub(super) stream: StreamAddress,
    pub(super) known: &'a mut Known,
    /// Where deliveries come.
    pub(super) inboxes: Vec<Inbox>,
    /// Where answers come to what is asked.
    pub(super) asked: Inbox,
}

fn numbers_of(reply: &str) -> Option<(String, Delivery)> {
    let mut words = reply.strip_prefix("$JS.ACK.S.")?.split('.');
    let name = words.next()?.to_owned();
    let numbers: Vec<u64> = words.map(|word| word.parse().unwrap()).collect();
    let [deliveries, sequence, consumer_sequence, _, pending] = numbers[..] else {
        panic!("{reply}");
    };
    let delivery = Delivery {
        sequence,
        deliveries,
        consumer_sequence,
        pending,
    };
    Some((name, delivery))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Rules {
    fn settings(&self) -> String {
        let limit = |most: usize| i64::try_from(most).ok().filter(|most| *most > 0).unwrap_or(-1);
        json!({
            "retention": self.retention,
            "max_msgs": limit(self.max_messages),
            "max_msgs_per_subject": limit(self.max_per_subject),
            "max_age": if self.has_max_age { MAX_AGE } else { 0 },
            "discard": if self.discards_new { "new" } else { "old" },
            "discard_new_per_subject": self.discards_new_per_subject,
        })
        .to_string()
        .trim_matches(['{', '}'])
        .to_owned()
    }
}

impl<'a> Life<'a> {
    pub(super) async fn begin(world: World, known: &'a mut Known) -> Self {
        if !std::mem::replace(&mut known.is_made, true) {
            let settings = format!(",{}{}", known.possible.any().rules.settings(), known.settings);
            world.create("S", &settings).await;
        }
        Self {
            stream: world.account.stream("S").unwrap(),
            inboxes: vec![Inbox::of(&world, &["pulled.>"]).await],
            asked: Inbox::of(&world, &["asked.>"]).await,
            known,
            world,
        }
    }

    pub(super) fn now(&self) -> i64 {
        clock::now().0
    }

    pub(super) fn has_power(&self) -> Result<(), Over> {
        match self.world.disk.has_power() {
            true => Ok(()),
            false => Err(Over),
        }
    }

    pub(super) async fn step(&mut self, random: &mut fastrand::Rng) -> Result<(), Over> {
        let name = CONSUMERS[random.usize(..CONSUMERS.len())];
        let is_there = self.known.possible.any().consumers.contains_key(name);
        match random.u8(..100) {
            0..30 => {
                for _ in 0..random.usize(1..8) {
                    self.publish(random).await?;
                    self.settle().await?;
                }
            }
            30..50 if is_there => self.pull(name, random).await?,
            50..75 => {
                for _ in 0..random.usize(1..5) {
                    self.say(random).await?;
                    self.settle().await?;
                }
            }
            75..77 => self.purge(random).await?,
            77..80 => self.delete(random).await?,
            80..81 => self.update(random).await?,
            81..83 if is_there => self.update_consumer(name, random).await?,
            83..84 if is_there => self.pause(name, random).await?,
            84..85 if is_there => self.reset(name, random).await?,
            85..86 if is_there => self.delete_consumer(name).await?,
            86..89 => self.pass(random).await?,
            89..91 => self.look_directly(random).await?,
            _ if !is_there => self.create_consumer(name, random).await?,
            _ => self.publish(random).await?,
        }
        self.settle().await?;
        self.look(random).await
    }

    /// The server ends, or it is as good as that.
    pub(super) async fn end(&mut self, random: &mut fastrand::Rng) {
        let is_closed = random.u8(..3) == 0;
        if is_closed {
            self.world.jetstream.close().await;
        }
        for _ in 0..10 {
            self.take_in_what_came().await;
            tokio::task::yield_now().await;
        }
        self.take_in_what_came().await;
        if is_closed && self.world.disk.has_power() {
            self.known.possible.is_kept();
        }
        self.known.last = self.known.last.max(
            self.known
                .possible
                .all()
                .iter()
                .map(|stream| stream.last)
                .min()
                .unwrap(),
        );
        if !self.world.disk.has_power() {
            self.known.last = 0;
        }
    }

    pub(super) async fn ask(&mut self, subject: &str, payload: &str) -> String {
        self.known.asked += 1;
        let reply = format!("asked.{}", self.known.asked);
        self.world.say(subject, &reply, payload.to_owned()).await;
        reply
    }

    /// What is answered.
    pub(super) async fn answer(&mut self) -> Result<Message, Over> {
        for _ in 0..PATIENCE {
            if let Some(answer) = self.asked.next_within(MOMENT).await {
                return Ok(answer);
            }
            self.has_power()?;
        }
        let state = tokio::time::timeout(Duration::from_secs(2), self.stream.observe()).await;
        panic!("nothing is answered: {state:?} {:?}", self.world.jetstream.log());
    }

    /// All that was said before has been heard.
    pub(super) async fn barrier(&mut self) -> Result<(), Over> {
        let reply = self.ask("$JS.API.DIRECT.GET.S", r#"{"seq":1000000}"#).await;
        while self.answer().await?.parts().subject != reply.as_bytes() {}
        Ok(())
    }

    async fn publish(&mut self, random: &mut fastrand::Rng) -> Result<(), Over> {
        self.known.published += 1;
        // Now and then some subjects do not come for a while.
        let subjects = 1 + (self.known.published as usize / 40 * 3) % SUBJECTS.len();
        let subject = SUBJECTS[random.usize(..subjects)];
        let any = self.known.possible.any();
        let mut wish = Wish::default();
        let id = random.u8(..30).to_string();
        let mut header = String::new();
        match random.u8(..40) {
            0..6 => {
                wish.id = Some(&id);
                header = format!("Nats-Msg-Id: {id}");
            }
            6 | 7 => {
                let expected = any.last.saturating_sub(random.u64(..2));
                wish.expected = Some(expected);
                header = format!("Nats-Expected-Last-Sequence: {expected}");
            }
            8 | 9 => {
                let expected = any.matching(subject).next_back().unwrap_or(0) + random.u64(..2);
                wish.expected_of_subject = Some(expected);
                header = format!("Nats-Expected-Last-Subject-Sequence: {expected}");
            }
            10 => {
                wish.rollup = Some("sub");
                header = "Nats-Rollup: sub".to_owned();
            }
            11 if random.u8(..3) == 0 => {
                wish.rollup = Some("all");
                header = "Nats-Rollup: all".to_owned();
            }
            12..15 => header = format!("Number: {}", self.known.published),
            _ => {}
        }
        let header: Bytes = match &*header {
            "" => Bytes::new(),
            line => format!("NATS/1.0\r\n{line}\r\n\r\n").into(),
        };
        let mut payload = format!("{} ", self.known.published).into_bytes();
        let length = if random.u8(..30) == 0 { 5000 } else { 200 };
        payload.resize(payload.len() + random.usize(..length), b'x');
        let kept = Kept {
            subject: subject.to_owned(),
            header: header.clone(),
            payload: payload.into(),
            time: self.now(),
        };
        let reply = format!("asked.{}", self.known.published);
        let message = InProcessMessage {
            subject: Bytes::from_static(subject.as_bytes()),
            reply: Some(reply.into()),
            header: (!header.is_empty()).then_some(header),
            payload: kept.payload.clone(),
            except: None,
        };
        assert_eq!(self.world.client.publish(message).await, Some(true));
        let Ok(answer) = self.answer().await else {
            // It may be stored, and be delivered, though nobody hears of it before the power goes.
            self.known.possible.branch(|stream| {
                let mut other = stream.clone();
                other.publish(kept.clone(), wish);
                vec![stream.clone(), other]
            });
            return Err(Over);
        };
        let answer: Value = serde_json::from_slice(answer.parts().payload).unwrap();
        let sequence = answer["seq"].as_u64().unwrap();
        let outcome = match (
            answer["error"]["err_code"].as_u64(),
            answer["duplicate"].as_bool(),
        ) {
            (Some(code), _) => Outcome::Refused(code),
            (None, Some(true)) => Outcome::Duplicate(sequence),
            _ => Outcome::Stored(sequence),
        };
        if matches!(outcome, Outcome::Refused(10077)) && self.has_power().is_err() {
            self.known.possible.may_happen(|stream| {
                stream.publish(kept.clone(), wish);
                Ok(())
            });
            return Err(Over);
        }
        let what = format!(
            "{subject} {wish:?} {} is {outcome:?}: {answer}",
            self.known.published
        );
        let is_stored = matches!(outcome, Outcome::Stored(_));
        self.known
            .possible
            .happens(&what, |stream| match stream.publish(kept.clone(), wish) {
                become_of_it if become_of_it == outcome => Ok(()),
                other => Err(format!("{other:?} was to be expected")),
            });
        if is_stored {
            self.known.possible.is_kept();
        }
        Ok(())
    }

    /// Something that is asked for has come to that, or may have.
    pub(super) fn done<T: std::fmt::Debug>(
        &mut self,
        what: &str,
        outcome: Result<T, vagus_jetstream::error::ApiError>,
        act: impl Fn(&mut Stream, Option<&T>) -> Result<(), String>,
    ) -> Result<Option<T>, Over> {
        match outcome {
            Ok(done) => {
                let said = format!("{what}: {done:?}");
                self.known
                    .possible
                    .happens(&said, |stream| act(stream, Some(&done)));
                self.known.possible.is_kept();
                Ok(Some(done))
            }
            Err(_) if self.has_power().is_err() => {
                self.known.possible.may_happen(|stream| act(stream, None));
                Err(Over)
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }

    async fn purge(&mut self, random: &mut fastrand::Rng) -> Result<(), Over> {
        let last = self.known.possible.any().last;
        let mut wanted = PurgeRequest {
            filter: ["", "", ">", "S.a", "S.*", "S.*.x", "S.c.>"][random.usize(..7)].to_owned(),
            ..PurgeRequest::default()
        };
        match random.u8(..4) {
            0 => wanted.keep = random.u64(1..10),
            1 | 2 => wanted.sequence = (last + 3).saturating_sub(random.u64(..60)),
            _ => {}
        }
        let outcome = self.stream.purge(wanted.clone()).await;
        self.done(&format!("{wanted:?}"), outcome, |stream, purged| {
            let expected = stream.purge(&wanted.filter, wanted.sequence, wanted.keep as usize);
            match purged {
                Some(purged) if *purged != expected => Err(format!("{expected} go")),
                _ => Ok(()),
            }
        })?;
        Ok(())
    }

    async fn delete(&mut self, random: &mut fastrand::Rng) -> Result<(), Over> {
        let any = self.known.possible.any();
        let sequence = any.first() + random.u64(..=(any.last + 1).saturating_sub(any.first()));
        let is_there = any.messages.contains_key(&sequence);
        let wanted = DeleteMessageRequest {
            sequence,
            no_erase: random.bool(),
        };
        let outcome = self.stream.delete_message(wanted).await;
        if !is_there && self.has_power().is_ok() && self.known.possible.only().is_some() {
            assert!(outcome.is_err(), "{sequence}");
            return Ok(());
        }
        if outcome.is_err() && self.has_power().is_ok() && self.known.possible.only().is_none() {
            self.known
                .possible
                .narrow(|stream| !stream.messages.contains_key(&sequence));
            return Ok(());
        }
        self.done(&format!("delete {sequence}"), outcome, |stream, _| {
            let is_there = stream.messages.contains_key(&sequence);
            stream.go(sequence);
            is_there.then_some(()).ok_or("it is not there".to_owned())
        })?;
        Ok(())
    }

    async fn update(&mut self, random: &mut fastrand::Rng) -> Result<(), Over> {
        let before = self.known.possible.any().rules.clone();
        let mut wanted = rules(random);
        wanted.retention = before.retention;
        let rules = wanted;
        let settings = format!(
            r#"{{"name":"S","subjects":["S.>"],{}{}}}"#,
            rules.settings(),
            self.known.settings
        );
        let wanted = StreamConfigRequest::from_json(settings.as_bytes(), true).unwrap();
        let outcome = self.world.account.update("S", wanted).await;
        let now = self.now();
        self.done(&settings, outcome, |stream, _| {
            stream.become_of(rules.clone());
            Ok(())
        })?;
        self.expire(now).await
    }

    /// Time passes.
    async fn pass(&mut self, random: &mut fastrand::Rng) -> Result<(), Over> {
        let seconds = [60, 150, 150, 510, 1100][random.usize(..5)];
        passing::pass(seconds * SECOND);
        self.barrier().await?;
        let now = self.now();
        self.known
            .possible
            .happens(&format!("{seconds} s pass"), |stream| {
                stream.wake(now);
                Ok(())
            });
        self.expire(now).await
    }

    /// What has become too old goes before long; until then it may be delivered.
    async fn expire(&mut self, now: i64) -> Result<(), Over> {
        self.known.possible.begin_to_expire(now);
        for _ in 0..PATIENCE {
            self.take_in_what_came().await;
            let shown = self.stream.show(StreamInfoRequest::default()).await;
            self.take_in_what_came().await;
            self.has_power()?;
            if self.known.possible.has_expired(shown.unwrap().state.messages) {
                return Ok(());
            }
            tokio::time::sleep(MOMENT).await;
        }
        panic!("what is too old stays");
    }

    /// Until all has come that is to come.
    pub(super) async fn settle(&mut self) -> Result<(), Over> {
        let mut quiet = 0;
        for _ in 0..PATIENCE {
            self.take_in_what_came().await;
            let is_settled = |stream: &Stream| {
                let mut consumers = stream.consumers.values();
                consumers.all(|consumer| consumer.is_settled(&stream.messages))
            };
            let settled = self.known.possible.all().iter().map(is_settled);
            let (mut is_any, mut is_each) = (false, true);
            settled.for_each(|is_settled| (is_any, is_each) = (is_any | is_settled, is_each & is_settled));
            // Something may be on its way where it is open whether something is to come.
            if is_each || (is_any && quiet >= QUIET) {
                return Ok(());
            }
            self.has_power()?;
            quiet += 1;
            for inbox in &mut self.inboxes {
                if let Some(message) = inbox.next_within(MOMENT).await {
                    quiet = 0;
                    take_in(self.known, &message);
                }
            }
        }
        self.known.possible.tell();
        panic!("something does not come: {:#?}", self.known.possible.any());
    }

    async fn take_in_what_came(&mut self) {
        for inbox in &mut self.inboxes {
            while let Some(message) = inbox.next_now().await {
                take_in(self.known, &message);
            }
        }
    }
}

/// Something has come to a client.
fn take_in(known: &mut Known, message: &Message) {
    let parts = message.parts();
    let (subject, header) = (text(parts.subject), Bytes::copy_from_slice(parts.header));
    let reply = parts.reply.map(text).unwrap_or_default();
    let Some((name, delivery)) = numbers_of(&reply) else {
        return take_in_status(known, &subject, &text(&header));
    };
    let Delivery {
        sequence,
        consumer_sequence,
        ..
    } = delivery;
    let now = clock::now().0;
    let payload = parts.payload;
    let what = format!("{name} gets {subject} {delivery:?}");
    known.possible.happens(&what, |stream| {
        let Some(kept) = stream.messages.get(&sequence) else {
            return Err("it is not there".to_owned());
        };
        if (&*kept.subject, &kept.header, &*kept.payload) != (&*subject, &header, payload) {
            return Err(format!("it is {kept:?}"));
        }
        let Some(consumer) = stream.consumers.get_mut(&name) else {
            return Err("there is no such consumer".to_owned());
        };
        if !consumer.is_push {
            let Some(mut request) = consumer.requests.first_entry() else {
                return Err("nobody has asked for it".to_owned());
            };
            *request.get_mut() -= 1;
            if *request.get() == 0 {
                request.remove();
            }
        }
        consumer.deliver(&stream.messages, delivery, now)?;
        stream.delivered(&name, sequence);
        Ok(())
    });
    known.replies.push((name, sequence, consumer_sequence, reply));
}

fn take_in_status(known: &mut Known, subject: &str, header: &str) {
    let name = subject.split('.').nth(1).unwrap_or_default();
    let is_end = header.starts_with("NATS/1.0 404");
    let is_over = header.starts_with("NATS/1.0 409");
    assert!(is_end || is_over, "{header}");
    known.possible.happens(&format!("{subject} {header}"), |stream| {
        let Some(consumer) = stream.consumers.get_mut(name) else {
            return Ok(());
        };
        if consumer.requests.remove(subject).is_none() || is_over {
            return Ok(());
        }
        match consumer.ahead(&stream.messages).next() {
            Some(ahead) => Err(format!("{ahead} is to come")),
            None => Ok(()),
        }
    });
}

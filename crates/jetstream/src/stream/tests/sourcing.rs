//! Streams that get messages of others, as text: two machines with a network between them that may lose what it carries.

mod models;
mod wire;

use super::{Scene, around, message, zone};
use crate::api::{SourceInfo, answer};
use crate::config::{ServerLimits, StreamConfigRequest};
use crate::consumer::config::ConsumerBounds;
use crate::consumer::request::{ConsumerForm, CreateConsumerRequest};
use crate::consumer::{CreateConsumerAnswer, Delivery};
use crate::error::ApiError;
use crate::header;
use crate::held::InMemory;
use crate::stream::{Done, Effect, Heard, Hearing, Requested, Said, Stream, Surroundings};
use crate::time::{SECOND, Time};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// A stream with such settings.
fn stream(settings: &str, created: Time) -> Scene {
    let body = format!(r#"{{"storage":"memory",{settings}}}"#);
    let config = StreamConfigRequest::from_json(body.as_bytes(), true)
        .unwrap()
        .config;
    let nothing: BTreeMap<String, crate::config::StreamConfig> = BTreeMap::new();
    let limits = ServerLimits::default();
    let config = crate::config::check(&config, &nothing, &limits, Default::default(), false).unwrap();
    let held = InMemory::new(config.storage);
    Scene {
        stream: Stream::new(config, 1, created, "", held),
        now: created,
        room: Default::default(),
        limits,
        log: Vec::new(),
    }
}

/// A stream that gets messages, and one whose they are.
struct World {
    origin: Scene,
    getter: Scene,
    now: Time,
    /// Under which number the getter hears what comes on a subject.
    listening: BTreeMap<Bytes, u32>,
    /// Who pushes there.
    pushing: BTreeMap<Bytes, String>,
    /// What is on its way.
    under_way: VecDeque<Packet>,
    /// What the getter has asked and said.
    said: Vec<Said>,
    /// Whether what is carried is lost, one after the other.
    loses: Box<dyn FnMut() -> bool>,
    requests: u64,
    /// What the next wish for a consumer is answered.
    next_answer: Option<String>,
    is_current: bool,
}

enum Packet {
    ToOrigin(Said),
    ToGetter { to: Bytes, delivery: Delivery },
}

fn world(origin: &str, getter: &str) -> World {
    let now = super::START;
    let mut world = World {
        origin: stream(origin, now),
        getter: stream(getter, now),
        now,
        listening: BTreeMap::new(),
        pushing: BTreeMap::new(),
        under_way: VecDeque::new(),
        said: Vec::new(),
        loses: Box::new(|| false),
        requests: 0,
        next_answer: None,
        is_current: false,
    };
    world.begin();
    world
}

impl World {
    fn begin(&mut self) {
        self.at_getter(|scene, around| scene.stream.begin_sourcing(around, "A", ""));
    }

    fn at_getter<T>(&mut self, work: impl FnOnce(&mut Scene, &Surroundings<'_>) -> T) -> T {
        let limits = self.getter.limits.clone();
        let around = around(self.now, self.getter.room, &limits);
        work(&mut self.getter, &around)
    }

    fn at_origin<T>(&mut self, work: impl FnOnce(&mut Scene, &Surroundings<'_>) -> T) -> T {
        let listening = self.listening.clone();
        let has_interest = move |subject: &[u8]| listening.contains_key(subject);
        let limits = self.origin.limits.clone();
        let around = Surroundings {
            has_interest: &has_interest,
            ..around(self.now, self.origin.room, &limits)
        };
        work(&mut self.origin, &around)
    }

    /// Carries all that is said until nobody says anything more.
    fn settle(&mut self) {
        loop {
            (self.origin.now, self.getter.now) = (self.now, self.now);
            while self.at_origin(|scene, around| scene.stream.deliver(around)) {}
            self.origin.commit();
            self.getter.commit();
            let of_origin = self.origin.stream.take_effects().list;
            let of_getter = self.getter.stream.take_effects().list;
            let is_quiet = of_origin.is_empty() && of_getter.is_empty();
            of_origin.into_iter().for_each(|effect| self.of_origin(effect));
            of_getter.into_iter().for_each(|effect| self.of_getter(effect));
            let packet = match self.under_way.pop_front() {
                Some(packet) => packet,
                None if is_quiet => return,
                None => continue,
            };
            if (self.loses)() {
                continue;
            }
            match packet {
                Packet::ToOrigin(said) => self.carry_to_origin(said),
                Packet::ToGetter { to, delivery } => self.carry_to_getter(&to, &delivery),
            }
        }
    }

    fn of_origin(&mut self, effect: Effect) {
        match effect {
            Effect::Deliver { to, deliveries, .. } => {
                let packets = deliveries.into_iter().map(|delivery| Packet::ToGetter {
                    to: to.clone(),
                    delivery,
                });
                self.under_way.extend(packets);
            }
            Effect::ConsumerBegan { name, deliver_to, .. } => {
                self.pushing.retain(|_, other| *other != name);
                self.pushing.insert(deliver_to, name);
            }
            _ => {}
        }
    }

    fn of_getter(&mut self, effect: Effect) {
        match effect {
            Effect::Listen {
                number,
                subject,
                then,
            } => {
                self.listening.insert(subject.clone(), number);
                self.tell_of_listeners(&subject);
                if let Some(said) = then {
                    self.said.push((*said).clone());
                    self.under_way.push_back(Packet::ToOrigin(*said));
                }
            }
            Effect::StopListening { number } => {
                let gone: Vec<Bytes> = (self.listening.iter())
                    .filter(|(_, other)| **other == number)
                    .map(|(subject, _)| subject.clone())
                    .collect();
                for subject in gone {
                    self.listening.remove(&subject);
                    self.tell_of_listeners(&subject);
                }
            }
            Effect::Say(said) => {
                self.said.push(said.clone());
                self.under_way.push_back(Packet::ToOrigin(said));
            }
            Effect::MirrorIsCurrent => self.is_current = true,
            _ => {}
        }
    }

    fn tell_of_listeners(&mut self, subject: &Bytes) {
        if let Some(name) = self.pushing.get(subject).cloned() {
            let is_bound = self.listening.contains_key(subject);
            self.at_origin(|scene, around| scene.stream.set_bound(around, &name, is_bound));
        }
    }

    fn carry_to_getter(&mut self, to: &Bytes, delivery: &Delivery) {
        let Some(number) = self.listening.get(to).copied() else {
            return;
        };
        loop {
            let hearing = self.at_getter(|scene, around| {
                let heard = Heard {
                    number,
                    subject: &delivery.subject,
                    reply: &delivery.reply,
                    headers: &delivery.headers,
                    payload: &delivery.payload,
                };
                scene.stream.hear(around, heard)
            });
            match hearing {
                Hearing::Done => return,
                Hearing::Unsettled => drop(self.getter.commit()),
                Hearing::Cold(cold) => panic!("{cold:?}"),
            }
        }
    }

    fn carry_to_origin(&mut self, said: Said) {
        let subject = String::from_utf8(said.subject.to_vec()).unwrap();
        if subject.starts_with("$JS.FC.") {
            self.at_origin(|scene, around| {
                scene
                    .stream
                    .answer_flow_control(around, &said.subject, &said.headers);
            });
            return;
        }
        let Some((_, asked)) = subject.split_once("API.CONSUMER.") else {
            return;
        };
        if let Some(name) = asked.strip_prefix("DELETE.O.") {
            self.requests += 1;
            let request = self.requests;
            // It may be gone.
            let _ = self.origin.stream.request_consumer_delete(name, request);
            return;
        }
        let (headers, payload) = match self.next_answer.take() {
            Some(answer) => (Bytes::new(), answer.into_bytes()),
            None => match self.consumer(asked, &said) {
                Ok(answered) => answered,
                Err(error) => (Bytes::new(), answer::<CreateConsumerAnswer>(Err(error))),
            },
        };
        let delivery = Delivery {
            subject: said.reply.clone(),
            reply: Bytes::new(),
            headers,
            payload: payload.into(),
        };
        let to = said.reply;
        self.under_way.push_back(Packet::ToGetter { to, delivery });
    }

    fn consumer(&mut self, asked: &str, said: &Said) -> Result<(Bytes, Vec<u8>), ApiError> {
        let mut wanted = CreateConsumerRequest::from_json(&said.payload, true)?;
        let (name, form) = ConsumerForm::of(asked).unwrap()?;
        wanted.meet(name, form)?;
        let identity = header::said(&said.headers, header::STREAM_IDENTITY).unwrap_or_default();
        wanted.identity = String::from_utf8(identity.to_vec()).unwrap();
        self.requests += 1;
        let request = self.requests;
        let requested = self.at_origin(|scene, around| {
            let bounds = ConsumerBounds::default();
            scene.stream.request_consumer(around, wanted, &bounds, request)
        })?;
        assert_eq!(requested, Requested::Decided);
        self.origin.commit();
        let identity = self.origin.stream.identity();
        let mut made = None;
        for effect in self.origin.stream.take_effects().list {
            match effect {
                Effect::Done {
                    outcome: Ok(Done::Consumer { info, .. }),
                    ..
                } => made = info,
                effect => self.of_origin(effect),
            }
        }
        let info = Some(made.unwrap().shown("1"));
        let headers = header::with(b"", &[(header::STREAM_IDENTITY, identity.as_bytes())]);
        Ok((headers, answer(Ok(CreateConsumerAnswer { info }))))
    }

    /// Publishes messages to the origin: their subjects and what they say, with lines of headers behind.
    fn publish(&mut self, messages: &[&str]) {
        for one in messages {
            let mut words = one.splitn(3, ' ');
            let (subject, payload) = (words.next().unwrap(), words.next().unwrap_or("x"));
            let message = message(subject, words.next().unwrap_or_default(), payload);
            let offered = self.at_origin(|scene, around| scene.stream.publish(around, message));
            assert_eq!(offered, crate::stream::Published::Decided);
            self.origin.commit();
        }
        self.settle();
    }

    /// Time passes, in which all does what is due.
    fn pass(&mut self, nanoseconds: i64) {
        let until = self.now.after(nanoseconds);
        self.settle();
        loop {
            let due = [self.origin.stream.wake_at(), self.getter.stream.wake_at()];
            let Some(due) = due.into_iter().flatten().min().filter(|due| *due <= until) else {
                break;
            };
            // What is due so soon again is waited for a while.
            self.now = due.max(self.now.after(SECOND / 1000));
            self.at_origin(|scene, around| scene.stream.wake(around).unwrap());
            self.at_getter(|scene, around| scene.stream.wake(around).unwrap());
            self.settle();
        }
        self.now = until.max(self.now);
    }

    /// The getter's server begins anew, from what is kept of the stream, and its log.
    fn restart_getter(&mut self) {
        self.getter.commit();
        drop(self.getter.stream.take_effects());
        self.listening.clear();
        self.under_way.clear();
        let subjects: Vec<Bytes> = self.pushing.keys().cloned().collect();
        subjects
            .iter()
            .for_each(|subject| self.tell_of_listeners(subject));
        let checkpoint: Bytes = self.getter.stream.checkpoint().into();
        let held = std::mem::take(&mut self.getter.stream.held);
        self.getter.stream = Stream::restore(checkpoint, "", held).unwrap();
        self.begin();
    }

    fn info(&mut self) -> SourceInfo {
        let (now, stream) = (self.now, &self.getter.stream);
        stream
            .mirror_info(now)
            .or_else(|| stream.source_infos(now).pop())
            .unwrap()
    }
}

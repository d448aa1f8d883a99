//! What becomes of consumers, as text.

mod acknowledging;
mod changing;
mod creating;
mod dead_letters;
mod expired_letters;
mod gathering;
mod groups;
mod invariants;
mod logging;
mod models;
mod per_subject;
mod pulling;
mod pushing;
mod reading;
mod recorded;
mod removing;
mod retention;

use super::{Scene, around, scene};
use crate::consumer::config::ConsumerBounds;
use crate::consumer::request::{
    ConsumerForm, CreateConsumerRequest, PauseRequest, ResetRequest, UnpinRequest,
};
use crate::consumer::{Advisory, ConsumerInfo, Delivery};
use crate::error::ApiError;
use crate::held::InMemory;
use crate::stream::entry::decode;
use crate::stream::{Done, Effect, Requested, Stream, Surroundings};
use bytes::Bytes;
use std::collections::BTreeSet;

/// A scene with consumers, and those who listen.
pub(super) struct Desk {
    pub(super) scene: Scene,
    /// Subjects that nobody listens to.
    pub(super) deaf: BTreeSet<String>,
    requests: u64,
}

pub(super) fn desk(settings: &str) -> Desk {
    Desk {
        scene: scene(settings),
        deaf: BTreeSet::new(),
        requests: 0,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What is delivered in short: subject, what its acknowledgement would say, headers, payload.
fn shown(to: &Bytes, delivery: &Delivery) -> String {
    let reply = text(&delivery.reply);
    let tokens: Vec<&str> = reply.split('.').collect();
    let reply = match *tokens {
        ["$JS", "ACK", "P", _, deliveries, sequence, consumer, _, pending] => {
            format!("{deliveries}.{sequence}.{consumer}.{pending}")
        }
        _ => reply,
    };
    let headers = text(&delivery.headers)
        .trim_start_matches("NATS/1.0")
        .trim()
        .replace("\r\n", "|");
    let words = [
        text(to),
        if delivery.subject == to {
            "=".to_owned()
        } else {
            text(&delivery.subject)
        },
        reply,
        headers,
        text(&delivery.payload),
    ];
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// All that is delivered, in short.
fn all_sent(effects: &[Effect]) -> Vec<String> {
    let mut sent = Vec::new();
    for effect in effects {
        if let Effect::Deliver { to, deliveries, .. } = effect {
            sent.extend(deliveries.iter().map(|delivery| shown(to, delivery)));
        }
    }
    sent
}

impl Desk {
    fn with<T>(&mut self, work: impl FnOnce(&mut Scene, &dyn Fn(&[u8]) -> bool) -> T) -> T {
        let deaf = self.deaf.clone();
        let has_interest = move |subject: &[u8]| !deaf.contains(&text(subject));
        work(&mut self.scene, &has_interest)
    }

    /// Asks for a consumer as a client does on a subject behind `CONSUMER.`; says what it is.
    pub(super) fn ask_for(&mut self, subject: &str, body: &str) -> Result<ConsumerInfo, ApiError> {
        let mut wanted = CreateConsumerRequest::from_json(body.as_bytes(), true)?;
        let (stream, form) = ConsumerForm::of(subject).unwrap()?;
        wanted.meet(stream, form)?;
        self.requests += 1;
        let request = self.requests;
        let requested = self.with(|scene, has_interest| {
            let around = Surroundings {
                has_interest,
                ..around(scene.now, scene.room, &scene.limits)
            };
            let bounds = ConsumerBounds::default();
            loop {
                let wanted = wanted.clone();
                match scene.stream.request_consumer(&around, wanted, &bounds, request) {
                    Ok(Requested::Gathering) => drop(scene.stream.gather()),
                    requested => break requested,
                }
            }
        })?;
        assert_eq!(requested, Requested::Decided);
        self.scene.commit();
        let effects = &mut self.scene.stream.effects.list;
        let at = effects
            .iter()
            .position(|effect| matches!(effect, Effect::Done { request: done, .. } if *done == request))
            .unwrap();
        match effects.remove(at) {
            Effect::Done {
                outcome: Ok(Done::Consumer { info: Some(info), .. }),
                ..
            } => Ok(*info),
            other => panic!("{other:?}"),
        }
    }

    /// Makes the consumer `C` with settings, or has it become that.
    pub(super) fn consumer(&mut self, settings: &str) -> ConsumerInfo {
        self.consumer_named("C", settings)
    }

    pub(super) fn consumer_named(&mut self, name: &str, settings: &str) -> ConsumerInfo {
        let policy = match settings.contains("ack_policy") {
            true => "",
            false => r#","ack_policy":"explicit""#,
        };
        let body = format!(r#"{{"stream_name":"P","config":{{"durable_name":"{name}"{policy}{settings}}}}}"#);
        self.ask_for(&format!("DURABLE.CREATE.P.{name}"), &body).unwrap()
    }

    /// Carries out a request, and says what has come of it.
    pub(super) fn request(
        &mut self,
        work: impl FnOnce(&mut Scene, &Surroundings<'_>, u64) -> Result<Requested, ApiError>,
    ) -> String {
        self.requests += 1;
        let request = self.requests;
        let requested = self.with(|scene, has_interest| {
            let limits = scene.limits.clone();
            let around = Surroundings {
                has_interest,
                ..around(scene.now, scene.room, &limits)
            };
            work(scene, &around, request)
        });
        match requested {
            Err(error) => return error.to_string(),
            Ok(requested) => assert_eq!(requested, Requested::Decided),
        }
        self.scene.commit();
        "done".to_owned()
    }

    pub(super) fn delete(&mut self, name: &str) -> String {
        self.request(|scene, _, request| scene.stream.request_consumer_delete(name, request))
    }

    pub(super) fn pause(&mut self, until: Option<i64>) -> String {
        let until = until.map(|nanoseconds| self.scene.now.after(nanoseconds).into());
        self.request(|scene, around, request| {
            scene
                .stream
                .request_pause(around, "C", &PauseRequest { until }, request)
        })
    }

    pub(super) fn reset(&mut self, sequence: u64) -> String {
        let wanted = ResetRequest { sequence };
        self.request(|scene, around, request| scene.stream.request_reset(around, "C", &wanted, request))
    }

    pub(super) fn unpin(&mut self, group: &str) -> Result<(), ApiError> {
        let group = group.to_owned();
        self.scene.stream.unpin("C", &UnpinRequest { group })
    }

    /// Publishes messages, whose payloads are their subjects.
    pub(super) fn publish(&mut self, subjects: &[&str]) {
        for subject in subjects {
            self.scene.publish(subject, "", subject);
        }
    }

    /// Somebody asks the consumer `C` for messages, which are to go to a subject.
    pub(super) fn pull(&mut self, reply: &str, body: &str) {
        self.pull_from("C", reply, body);
    }

    pub(super) fn pull_from(&mut self, name: &str, reply: &str, body: &str) {
        let reply = Bytes::copy_from_slice(reply.as_bytes());
        self.at_work(|scene, around| {
            scene.stream.pull(around, name, &reply, b"", body.as_bytes());
        });
    }

    /// Does something, where who listens is known.
    pub(super) fn at_work<T>(&mut self, work: impl FnOnce(&mut Scene, &Surroundings<'_>) -> T) -> T {
        self.with(|scene, has_interest| {
            let limits = scene.limits.clone();
            let around = Surroundings {
                has_interest,
                ..around(scene.now, scene.room, &limits)
            };
            work(scene, &around)
        })
    }

    /// Something is said of the message of a sequence that `C` has delivered.
    pub(super) fn say(&mut self, sequence: u64, body: &str) {
        self.say_to("C", sequence, body, "");
    }

    pub(super) fn say_to(&mut self, name: &str, sequence: u64, body: &str, reply: &str) {
        let consumer = self.scene.stream.consumers.named(name).unwrap();
        let delivered = consumer.unacknowledged_at(sequence);
        let (deliveries, consumer_sequence) = delivered.unwrap_or((1, sequence));
        let subject = format!("$JS.ACK.P.{name}.{deliveries}.{sequence}.{consumer_sequence}.1.0");
        let reply = Bytes::copy_from_slice(reply.as_bytes());
        self.at_work(|scene, around| {
            scene
                .stream
                .acknowledge(around, subject.as_bytes(), &reply, body.as_bytes());
        });
    }

    /// Acknowledges messages.
    pub(super) fn ack(&mut self, sequences: impl IntoIterator<Item = u64>) {
        for sequence in sequences {
            self.say(sequence, "+ACK");
        }
    }

    /// Has consumers do what they can, writes what they have done into the log, and says what was sent.
    pub(super) fn sent(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        for effect in self.effects() {
            match effect {
                Effect::Deliver { to, deliveries, .. } => {
                    sent.extend(deliveries.iter().map(|delivery| shown(&to, delivery)));
                }
                Effect::Advisory(Advisory { event, .. }) => sent.push(format!("{event:?}")),
                _ => {}
            }
        }
        sent.retain(|sent| sent != "Created" && sent != "Deleted");
        sent
    }

    /// The same, but for what is only told.
    pub(super) fn delivered(&mut self) -> Vec<String> {
        all_sent(&self.effects())
    }

    pub(super) fn effects(&mut self) -> Vec<Effect> {
        while self.at_work(|scene, around| scene.stream.deliver(around)) {}
        self.scene.commit();
        self.scene.stream.take_effects().list
    }

    /// Time passes, and what is due is done when it is.
    pub(super) fn pass(&mut self, nanoseconds: i64) -> Vec<String> {
        let until = self.scene.now.after(nanoseconds);
        let mut sent = Vec::new();
        while let Some(due) = self.scene.stream.wake_at().filter(|due| *due <= until) {
            self.scene.now = due.max(self.scene.now);
            self.at_work(|scene, around| scene.stream.wake(around).unwrap());
            sent.extend(self.sent());
        }
        self.scene.now = until;
        sent
    }

    pub(super) fn info(&mut self) -> ConsumerInfo {
        self.info_of("C")
    }

    pub(super) fn info_of(&mut self, name: &str) -> ConsumerInfo {
        self.at_work(|scene, around| scene.stream.consumer_info(around, name))
            .unwrap()
            .unwrap()
    }

    /// Delivered and floor (consumer/stream), unacknowledged, redelivered, waiting, pending.
    pub(super) fn counts(&mut self) -> String {
        let info = self.info();
        format!(
            "{}/{} {}/{} acks {} again {} waiting {} pending {}",
            info.delivered.consumer,
            info.delivered.stream,
            info.ack_floor.consumer,
            info.ack_floor.stream,
            info.num_ack_pending,
            info.num_redelivered,
            info.num_waiting,
            info.num_pending
        )
    }

    /// The stream as it is after a crash: what was written into the log, and nothing else.
    pub(super) fn crash(&mut self) {
        let scene = &mut self.scene;
        let before = &scene.stream;
        let held = InMemory::new(before.config().storage);
        let mut stream = Stream::new(
            before.config().clone(),
            before.incarnation(),
            before.created(),
            "",
            held,
        );
        for entry in decode(scene.log.clone().into()).unwrap() {
            stream.apply(entry, &super::zone);
        }
        scene.stream = stream;
        self.at_work(|scene, around| scene.stream.begin_consumers(around));
        self.scene.commit();
    }

    /// The stream as it is read from disk: from what is kept of it, and what was written into the log since.
    pub(super) fn read_again(&mut self) {
        let checkpoint: Bytes = self.scene.stream.checkpoint().into();
        let held = std::mem::take(&mut self.scene.stream.held);
        self.scene.stream = Stream::restore(checkpoint, "", held).unwrap();
        self.at_work(|scene, around| scene.stream.begin_consumers(around));
        self.scene.commit();
    }
}

#[test]
fn nobody_works_for_consumers_that_have_nothing_to_do() {
    let mut desk = desk("");
    for number in 0..50 {
        desk.consumer_named(&format!("C{number}"), "");
    }
    desk.effects();
    assert!(desk.scene.stream.consumers.is_idle());
    desk.publish(&["p.a", "p.b"]);
    assert!(desk.scene.stream.consumers.is_idle());
    // Who has waited in vain costs nothing more.
    desk.pull_from("C1", "r", r#"{"expires":1000000000}"#);
    desk.pull_from("C2", "r", "3");
    assert_eq!(desk.delivered().len(), 3);
    desk.deaf.insert("r".to_owned());
    desk.publish(&["p.a"]);
    assert_eq!(desk.delivered(), [""; 0]);
    desk.publish(&["p.a"]);
    desk.say_to("C1", 1, "+ACK", "");
    desk.say_to("C2", 1, "+ACK", "");
    desk.say_to("C2", 2, "+ACK", "");
    desk.effects();
    assert!(desk.scene.stream.consumers.is_idle());
}

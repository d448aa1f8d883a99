//! What consumers cost: those that have nothing to do, and those that deliver. `cargo run --release -p vagus-jetstream
//! --example consumers`.

#![allow(clippy::print_stdout, reason = "showing figures is what it is for")]

use std::time::Instant;

use bytes::Bytes;
use vagus_jetstream::account::Room;
use vagus_jetstream::config::{ServerLimits, Storage, StreamConfig, StreamConfigRequest, check};
use vagus_jetstream::consumer::config::ConsumerBounds;
use vagus_jetstream::consumer::request::{ConsumerForm, CreateConsumerRequest};
use vagus_jetstream::held::InMemory;
use vagus_jetstream::stream::{Effect, Publish, Stream, Surroundings};
use vagus_jetstream::time::{SECOND, Time};

const START: Time = Time(1_796_022_000 * SECOND);
const MESSAGES: u32 = 100_000;

fn around(limits: &ServerLimits) -> Surroundings<'_> {
    Surroundings {
        now: START,
        random: 1,
        room: Room::default(),
        limits,
        batches_left: 0,
        zones: &|_| None,
        has_interest: &|_| true,
    }
}

struct Scene {
    stream: Stream<InMemory>,
    limits: ServerLimits,
    sent: usize,
    acks: Vec<Bytes>,
}

impl Scene {
    fn new() -> Self {
        let limits = ServerLimits::default();
        let body = br#"{"name":"P","subjects":["p.>"],"storage":"memory"}"#;
        let nothing: std::collections::BTreeMap<String, StreamConfig> = Default::default();
        let config = StreamConfigRequest::from_json(body, true)
            .and_then(|asked| check(&asked.config, &nothing, &limits, Default::default(), false))
            .unwrap_or_default();
        Self {
            stream: Stream::new(config, 1, START, "", InMemory::new(Storage::Memory)),
            limits,
            sent: 0,
            acks: Vec::new(),
        }
    }

    fn turn(&mut self) {
        let around = around(&self.limits);
        let has_more = self.stream.deliver(&around);
        if let Some(number) = self.stream.propose().map(|proposal| proposal.number) {
            self.stream.committed(number, &|_| None);
        }
        for effect in self.stream.take_effects().list {
            if let Effect::Deliver { deliveries, .. } = effect {
                self.sent += deliveries.len();
                self.acks
                    .extend(deliveries.into_iter().map(|delivery| delivery.reply));
            }
        }
        if has_more {
            self.turn();
        }
    }

    fn consumer(&mut self, name: &str, settings: &str) {
        let body = format!(r#"{{"stream_name":"P","config":{{"durable_name":"{name}"{settings}}}}}"#);
        let wanted = CreateConsumerRequest::from_json(body.as_bytes(), true);
        let wanted = wanted.and_then(|mut wanted| {
            wanted.meet("P", ConsumerForm::Durable(name))?;
            Ok(wanted)
        });
        let around = around(&self.limits);
        let made = wanted.and_then(|wanted| {
            self.stream
                .request_consumer(&around, wanted, &ConsumerBounds::default(), 1)
        });
        assert!(made.is_ok(), "{made:?}");
        self.turn();
    }

    fn publish(&mut self, count: u32, subjects: u32) {
        for number in 0..count {
            let message = Publish {
                subject: format!("p.{}", number % subjects).into(),
                payload: Bytes::from_static(&[b'x'; 64]),
                ..Publish::default()
            };
            self.stream.publish(&around(&self.limits), message);
            if number % 100 == 99 {
                self.turn();
            }
        }
        self.turn();
    }

    fn pull(&mut self, batch: u32) {
        let body = format!(r#"{{"batch":{batch},"expires":1000000000}}"#);
        let reply = Bytes::from_static(b"inbox");
        self.stream
            .pull(&around(&self.limits), "C", &reply, b"", body.as_bytes());
    }
}

fn timed(what: &str, times: u32, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    let each = start.elapsed().as_nanos() / u128::from(times.max(1));
    println!("{what}: {each} ns");
}

fn main() {
    for idle in [0, 1_000, 10_000] {
        for (kind, filter) in [("without filter", false), ("each its own subject", true)] {
            let mut scene = Scene::new();
            timed(&format!("create one of {idle} consumers {kind}"), idle, || {
                for number in 0..idle {
                    let filter = match filter {
                        true => format!(r#","filter_subject":"p.idle.{number}""#),
                        false => String::new(),
                    };
                    scene.consumer(
                        &format!("I{number}"),
                        &format!(r#","ack_policy":"explicit"{filter}"#),
                    );
                }
            });
            timed(
                &format!("publish beside {idle} idle consumers {kind}"),
                MESSAGES,
                || {
                    scene.publish(MESSAGES, 100);
                },
            );
        }
    }
    for (kind, settings) in [
        ("all", ""),
        ("of one of 100 subjects", r#","filter_subject":"p.7""#),
        (
            "of 10 of 100 subjects",
            r#","filter_subjects":["p.1","p.11","p.21","p.31","p.41","p.51","p.61","p.71","p.81","p.91"]"#,
        ),
        ("of a pattern that matches all", r#","filter_subject":"p.*""#),
    ] {
        for (policy, does_ack) in [("none", false), ("explicit", true)] {
            let mut scene = Scene::new();
            scene.publish(MESSAGES, 100);
            scene.consumer("C", &format!(r#","ack_policy":"{policy}"{settings}"#));
            let start = Instant::now();
            loop {
                let before = scene.sent;
                scene.pull(500);
                scene.turn();
                if scene.sent == before {
                    break;
                }
                for reply in std::mem::take(&mut scene.acks) {
                    if does_ack && !reply.is_empty() {
                        scene
                            .stream
                            .acknowledge(&around(&scene.limits), &reply, &Bytes::new(), b"");
                    }
                }
            }
            let each = start.elapsed().as_nanos() / scene.sent.max(1) as u128;
            println!("fetch 500 {kind}, ack {policy}: {each} ns each of {}", scene.sent);
        }
    }
}

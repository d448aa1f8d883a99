//! Messages that consumers give up, on a disk whose power is cut again and again.
//!
//! `STORE_SEEDS=1000 cargo test -p vagus-actors power_cuts` tries more of them, for some minutes.

use super::lives::{Inbox, end_of_life, seeds};
use super::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use vagus_jetstream::consumer::request::CreateConsumerRequest;

/// Lives of a server, the last of which nothing happens to.
const LIVES: usize = 4;

/// What a life is at most.
const ROUNDS: usize = 12;

/// The consumers, each with what it says of every message that it gets: one is done with it, and two give it up, of which the
/// second gets each once.
const SAID: [(&str, &str); 3] = [("done", "+ACK"), ("terminated", "+TERM"), ("refused", "-NAK")];

/// Each message that was given up is a dead letter once, what it was, and gone from where it was given up; nothing else is one.
#[test]
fn what_is_given_up_is_a_dead_letter_once_after_power_cuts() {
    let mut letters = 0;
    for seed in seeds(5) {
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let mut known = Known::default();
        let mut disk = SimulatedDisk::new(seed);
        for life in 0..LIVES {
            let is_last = life + 1 == LIVES;
            check(disk.clone(), async |world: World| {
                let mut life = Life::begin(world).await;
                life.look(&mut known).await;
                life.world.fail(Faults {
                    power_cut_after: (!is_last).then(|| random.u64(1..80)),
                    ..Faults::default()
                });
                for _ in 0..random.usize(1..ROUNDS) {
                    life.round(&mut random, &mut known).await;
                }
                if is_last {
                    life.finish(&mut known).await;
                }
            });
            disk = end_of_life(&disk, &mut random);
        }
        letters += known.dead.len();
    }
    assert!(letters > 0);
}

/// What was told, by the payloads of messages: these are numbers, each of one message.
#[derive(Default)]
struct Known {
    published: u64,
    /// What was stored for good, and for which consumer.
    stored: BTreeMap<u64, String>,
    /// What the server has said that it knows that it is over.
    over: BTreeSet<u64>,
    /// What was a dead letter last.
    dead: BTreeSet<u64>,
}

struct Life {
    world: World,
    work: StreamAddress,
    dead: StreamAddress,
    /// Where deliveries come, and answers to what is said of them.
    pulled: Inbox,
}

impl Life {
    async fn begin(world: World) -> Self {
        if world.account.stream("WORK").is_err() {
            world.create("DEAD", "").await;
            let work = world.create("WORK", r#","retention":"workqueue""#).await;
            for (name, said) in SAID {
                let config = json!({
                    "durable_name": name,
                    "ack_policy": "explicit",
                    "ack_wait": 20_000_000,
                    "filter_subject": format!("WORK.{name}"),
                    "max_deliver": if said == "-NAK" { 1 } else { -1 },
                    "metadata": {"vagus.dead_letter": format!("DEAD.{name}")},
                });
                let wanted = json!({"stream_name": "WORK", "config": config}).to_string();
                let wanted = CreateConsumerRequest::from_json(wanted.as_bytes(), true).unwrap();
                work.create_consumer(wanted).await.unwrap();
            }
        }
        Self {
            work: world.account.stream("WORK").unwrap(),
            dead: world.account.stream("DEAD").unwrap(),
            pulled: Inbox::of(&world, &["pulled", "over.*"]).await,
            world,
        }
    }

    /// Some messages are published, pulled and decided about.
    async fn round(&mut self, random: &mut fastrand::Rng, known: &mut Known) {
        for _ in 0..random.usize(1..6) {
            self.publish(random, known).await;
        }
        self.pull(r#"{"batch":5,"no_wait":true}"#).await;
        // What is answered to this comes after what was asked before.
        self.publish(random, known).await;
        self.decide(known).await;
        self.publish(random, known).await;
        self.decide(known).await;
    }

    /// All consumers are asked for messages.
    async fn pull(&self, request: &'static str) {
        for (name, _) in SAID {
            let subject = format!("$JS.API.CONSUMER.MSG.NEXT.WORK.{name}");
            self.world.say(&subject, "pulled", request).await;
        }
    }

    async fn publish(&mut self, random: &mut fastrand::Rng, known: &mut Known) {
        known.published += 1;
        let (consumer, _) = SAID[random.usize(..SAID.len())];
        let payload = known.published.to_string();
        let answer = self.world.publish(&format!("WORK.{consumer}"), payload).await;
        if !answer.contains("error") {
            known.stored.insert(known.published, consumer.to_owned());
        }
    }

    /// Says of all messages that have come what their consumers say of them; takes in which are over.
    async fn decide(&mut self, known: &mut Known) {
        while let Some(message) = self.pulled.next_now().await {
            let parts = message.parts();
            if let Some(number) = parts.subject.strip_prefix(b"over.") {
                known.over.insert(number_of(number));
                continue;
            }
            let Some(reply) = parts.reply.filter(|reply| reply.starts_with(b"$JS.ACK.")) else {
                // There are no more.
                continue;
            };
            let number = number_of(parts.payload);
            assert!(!known.over.contains(&number), "{number} was delivered again");
            assert!(!known.dead.contains(&number), "{number} was delivered again");
            let reply = String::from_utf8_lossy(reply);
            let is_of = |name: &str| reply.contains(&format!(".{name}."));
            let (name, said) = SAID.into_iter().find(|(name, _)| is_of(name)).unwrap();
            assert_eq!(parts.subject, format!("WORK.{name}").as_bytes());
            self.world.say(&reply, &format!("over.{number}"), said).await;
        }
    }

    /// Until nothing is left to be decided about, or on its way.
    async fn finish(&mut self, known: &mut Known) {
        while state(&self.work).await.0 > 0 {
            self.pull(r#"{"batch":5,"expires":10000000}"#).await;
            self.pulled.wait().await;
            self.decide(known).await;
        }
        self.look(known).await;
        let dead = known.stored.iter().filter(|(_, consumer)| *consumer != "done");
        let dead: BTreeSet<u64> = dead.map(|(number, _)| *number).collect();
        assert!(
            known.dead.is_superset(&dead),
            "{:?} are lost",
            &dead - &known.dead
        );
    }

    /// Looks at what is a dead letter: each once, of those that consumers give up, and nothing that was there is gone.
    async fn look(&mut self, known: &mut Known) {
        let (_, first, last) = state(&self.dead).await;
        let mut dead = BTreeSet::new();
        for sequence in first.max(1)..=last {
            let wanted = GetRequest {
                sequence,
                ..GetRequest::default()
            };
            let letter = serde_json::to_value(self.dead.get(wanted).await.unwrap()).unwrap();
            let number = number_of(&decoded(&letter["data"]));
            assert_ne!(letter["subject"], "DEAD.done", "{letter}");
            assert!(dead.insert(number), "{number} is there twice");
        }
        assert!(dead.is_superset(&known.dead));
        known.dead = dead;
    }
}

fn number_of(digits: &[u8]) -> u64 {
    std::str::from_utf8(digits).unwrap().parse().unwrap()
}

fn decoded(base64: &Value) -> Vec<u8> {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(base64.as_str().unwrap()).unwrap()
}

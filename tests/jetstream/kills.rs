//! A server that is killed again and again while several publish, and one acknowledges: what it has acknowledged is there,
//! and what was acknowledged to it is not delivered again.
//!
//! `STREAM_KILLS=200 cargo test --release --test jetstream kills` kills it as often, for some minutes.

mod dead_letters;
mod peer;

use crate::world::{Folder, ask_json, asker, end, process};
use peer::{Peer, Received};
use rustix::process::Signal;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use vagus_test_support::{Client, PATIENCE};

/// How often the server is killed, unless `STREAM_KILLS` says otherwise.
const KILLS: usize = 4;

/// Streams, and what they are besides; each has publishers.
const STREAMS: [(&str, &str); 3] = [
    ("SYNC", r#","allow_direct":true"#),
    ("ASYNC", r#","allow_direct":true,"persist_mode":"async""#),
    ("PACKED", r#","allow_direct":true,"compression":"s2""#),
];
const PUBLISHERS: usize = 2;

/// So many messages of a publisher are under way.
const WINDOW: u64 = 64;

/// The server is killed after some of so many acknowledgements.
const ACKNOWLEDGED_AT_MOST: usize = 6000;

/// What somebody was told before the server was killed.
enum Told {
    /// That this message is in the stream of this place, with this sequence.
    Stored(usize, Vec<u8>, u64),
    /// That this message of the first stream is delivered, or is done with.
    Delivered(u64),
    Done(u64),
}

/// What is known of the streams.
#[derive(Default)]
struct Known {
    /// What was acknowledged, by its sequence.
    stored: [BTreeMap<u64, Vec<u8>>; STREAMS.len()],
    done: BTreeSet<u64>,
}

fn kills() -> usize {
    let said = std::env::var("STREAM_KILLS").ok();
    said.and_then(|kills| kills.parse().ok()).unwrap_or(KILLS)
}

#[test]
fn what_was_acknowledged_is_there_however_often_the_server_is_killed() {
    let folder = Folder::new("jetstream");
    let mut known = Known::default();
    let mut server = process(&folder);
    prepare(&mut asker(server.client()));
    for round in 0..kills() {
        let address = server.client_address();
        let (tell, told) = channel();
        let busy: Vec<_> = busy(round, address, &tell).into_iter().collect();
        drop(tell);
        let enough = fastrand::usize(1..ACKNOWLEDGED_AT_MOST);
        known.hear(&told, enough);
        end(server, Signal::KILL);
        // What was told until then counts, too.
        known.hear(&told, usize::MAX);
        for one in busy {
            one.join().unwrap();
        }
        server = process(&folder);
        known.check(server.client_address());
    }
    let all: usize = known.stored.iter().map(BTreeMap::len).sum();
    println!(
        "{} kills, {all} messages, {} acknowledged to it",
        kills(),
        known.done.len()
    );
    assert!(all > 0);
}

fn prepare(client: &mut Client) {
    for (name, settings) in STREAMS {
        let config = format!(r#"{{"name":"{name}","subjects":["{name}.>"]{settings}}}"#);
        let created = ask_json(client, &format!("$JS.API.STREAM.CREATE.{name}"), &config);
        assert!(created["error"].is_null(), "{created}");
    }
    let consumer =
        json!({"name": "C", "durable_name": "C", "ack_policy": "explicit", "ack_wait": 500_000_000_u64});
    let request = json!({"stream_name": STREAMS[0].0, "config": consumer}).to_string();
    let created = ask_json(client, "$JS.API.CONSUMER.CREATE.SYNC.C", &request);
    assert!(created["error"].is_null(), "{created}");
}

/// Those who publish and acknowledge, until the server is gone.
fn busy(round: usize, address: SocketAddr, tell: &Sender<Told>) -> Vec<thread::JoinHandle<()>> {
    let mut busy = Vec::new();
    for place in 0..STREAMS.len() {
        for number in 0..PUBLISHERS {
            let (tell, name) = (tell.clone(), format!("{round}-{number}"));
            busy.push(thread::spawn(move || {
                // It ends when the server does.
                let _ = publish(address, place, &name, &tell);
            }));
        }
    }
    let tell = tell.clone();
    busy.push(thread::spawn(move || {
        let _ = acknowledge(address, &tell);
    }));
    busy
}

/// Publishes as much as may be under way, and tells what of it is acknowledged.
fn publish(address: SocketAddr, place: usize, name: &str, tell: &Sender<Told>) -> std::io::Result<()> {
    let mut peer = Peer::to(address)?;
    let stream = STREAMS[place].0;
    let inbox = format!("inbox.{stream}.{name}");
    peer.send(&format!("SUB {inbox}.* 1\r\n"))?;
    let (mut sent, mut answered) = (0, 0);
    loop {
        let mut lines = String::new();
        while sent < answered + WINDOW {
            let payload = payload(name, sent);
            lines += &format!(
                "PUB {stream}.{} {inbox}.{sent} {}\r\n{payload}\r\n",
                sent % 5,
                payload.len()
            );
            sent += 1;
        }
        peer.send(&lines)?;
        let Received {
            subject,
            payload: answer,
            ..
        } = peer.receive()?;
        answered += 1;
        let answer: serde_json::Value = serde_json::from_slice(&answer)?;
        let sequence = answer["seq"].as_u64().unwrap_or_else(|| panic!("{answer}"));
        let number = subject.rsplit('.').next().and_then(|number| number.parse().ok());
        let payload = payload(name, number.unwrap_or_default());
        if tell
            .send(Told::Stored(place, payload.into_bytes(), sequence))
            .is_err()
        {
            return Ok(());
        }
    }
}

fn payload(name: &str, number: u64) -> String {
    format!("{name}:{number}:{}", "x".repeat(number as usize % 300))
}

/// Pulls, and acknowledges; tells of which the server has said that it knows.
fn acknowledge(address: SocketAddr, tell: &Sender<Told>) -> std::io::Result<()> {
    let mut peer = Peer::to(address)?;
    peer.send("SUB pulled 1\r\nSUB done.* 2\r\n")?;
    let request = r#"{"batch":20,"expires":2000000000}"#;
    loop {
        peer.send(&format!(
            "PUB $JS.API.CONSUMER.MSG.NEXT.SYNC.C pulled {}\r\n{request}\r\n",
            request.len()
        ))?;
        let mut waiting = 20;
        while waiting > 0 {
            let received = peer.receive()?;
            if let Some(sequence) = received.subject.strip_prefix("done.") {
                let sequence = sequence.parse().map_err(std::io::Error::other)?;
                waiting -= 1;
                if tell.send(Told::Done(sequence)).is_err() {
                    return Ok(());
                }
            } else if let Some(sequence) = received.sequence() {
                let reply = received.reply.unwrap_or_default();
                if tell.send(Told::Delivered(sequence)).is_err() {
                    return Ok(());
                }
                peer.send(&format!("PUB {reply} done.{sequence} 4\r\n+ACK\r\n"))?;
            } else {
                // No more came of it.
                break;
            }
        }
    }
}

impl Known {
    /// Takes in what was told: so much, or all until nobody tells anything more.
    fn hear(&mut self, told: &Receiver<Told>, enough: usize) {
        for _ in 0..enough {
            match told.recv_timeout(PATIENCE) {
                Ok(Told::Stored(place, payload, sequence)) => {
                    let before = self.stored[place].insert(sequence, payload);
                    assert_eq!(before, None, "sequence {sequence} was given twice");
                }
                Ok(Told::Delivered(sequence)) => {
                    assert!(!self.done.contains(&sequence), "{sequence} was delivered again");
                }
                Ok(Told::Done(sequence)) => drop(self.done.insert(sequence)),
                Err(_) => return,
            }
        }
    }

    /// All that was acknowledged is there, and what was acknowledged to it is not delivered again.
    fn check(&self, address: SocketAddr) {
        let mut peer = Peer::to(address).unwrap();
        for (place, (name, _)) in STREAMS.iter().enumerate() {
            let there = all_of(&mut peer, name);
            for (sequence, payload) in &self.stored[place] {
                let found = there.get(sequence);
                let found = found.map(|found| String::from_utf8_lossy(&found.payload));
                let expected = String::from_utf8_lossy(payload);
                assert_eq!(found.as_ref(), Some(&expected), "{name}, sequence {sequence}");
            }
        }
        let info = peer.ask("$JS.API.CONSUMER.INFO.SYNC.C", "");
        let info: serde_json::Value = serde_json::from_slice(&info.payload).unwrap();
        let floor = info["ack_floor"]["stream_seq"].as_u64().unwrap();
        let unacknowledged = info["num_ack_pending"].as_u64().unwrap();
        let delivered = info["delivered"]["stream_seq"].as_u64().unwrap();
        let done_behind = self.done.range(floor + 1..).count() as u64;
        assert!(self.done.last().is_none_or(|last| *last <= delivered), "{info}");
        assert!(
            unacknowledged + done_behind <= delivered - floor,
            "{done_behind} done behind the floor: {info}"
        );
    }
}

/// All messages of a stream, by sequence.
fn all_of(peer: &mut Peer, stream: &str) -> BTreeMap<u64, Received> {
    let (mut all, mut next) = (BTreeMap::new(), 1);
    loop {
        let wanted = json!({"seq": next, "batch": 10_000}).to_string();
        peer.request(&format!("$JS.API.DIRECT.GET.{stream}"), &wanted);
        loop {
            let received = peer.receive().unwrap();
            let Some(sequence) = received.header("Nats-Sequence") else {
                match received.header("Nats-Num-Pending") {
                    Some(pending) if pending != "0" => break,
                    _ => return all,
                }
            };
            next = sequence.parse::<u64>().unwrap() + 1;
            all.insert(next - 1, received);
        }
    }
}

//! A server that is killed again and again while a consumer gives messages up: each of them is a dead letter once, and what is one is
//! not delivered again.

use super::peer::Peer;
use super::{all_of, kills};
use crate::world::{Folder, ask_json, asker, end, process};
use rustix::process::Signal;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use vagus_test_support::{Client, PATIENCE, eventually_equal};

/// The server is killed after some of so many messages were worked on.
const WORKED_ON_AT_MOST: usize = 1500;

/// What was done with a message.
enum Told {
    Delivered(u64),
    /// The server has said that it knows that it is done with, or given up.
    Acknowledged(u64),
    GivenUp(u64),
}

#[derive(Default)]
struct Known {
    acknowledged: BTreeSet<u64>,
    given_up: BTreeSet<u64>,
    /// What was a dead letter when the server was started last.
    dead: BTreeSet<u64>,
}

#[test]
fn what_is_given_up_is_a_dead_letter_once_however_often_the_server_is_killed() {
    let folder = Folder::new("jetstream");
    let mut known = Known::default();
    let mut server = process(&folder);
    prepare(&mut asker(server.client()));
    for _ in 0..kills() {
        let address = server.client_address();
        let (tell, told) = channel();
        let busy = [
            // They end when the server does.
            thread::spawn(move || drop(publish(address))),
            thread::spawn(move || drop(work(address, &tell))),
        ];
        known.hear(&told, fastrand::usize(1..WORKED_ON_AT_MOST));
        end(server, Signal::KILL);
        known.hear(&told, usize::MAX);
        for one in busy {
            one.join().unwrap();
        }
        server = process(&folder);
        known.look(server.client_address());
    }
    // In the end nothing is left that was given up, or done with.
    let mut client = asker(server.client());
    let mut is_left = |sequence: u64| {
        let wanted = json!({"seq": sequence}).to_string();
        ask_json(&mut client, "$JS.API.STREAM.MSG.GET.WORK", &wanted)["error"].is_null()
    };
    for sequence in known.given_up.union(&known.acknowledged) {
        eventually_equal(|| is_left(*sequence), false);
    }
    known.look(server.client_address());
    assert!(known.given_up.is_subset(&known.dead));
    assert!(!known.given_up.is_empty());
    println!(
        "{} kills, {} given up, {} done with",
        kills(),
        known.given_up.len(),
        known.acknowledged.len()
    );
}

fn prepare(client: &mut Client) {
    for (name, settings) in [
        ("WORK", r#","retention":"workqueue""#),
        ("DEAD", r#","allow_direct":true"#),
    ] {
        let config = format!(r#"{{"name":"{name}","subjects":["{name}.>"]{settings}}}"#);
        let created = ask_json(client, &format!("$JS.API.STREAM.CREATE.{name}"), &config);
        assert!(created["error"].is_null(), "{created}");
    }
    let consumer = json!({
        "durable_name": "C",
        "ack_policy": "explicit",
        "ack_wait": 300_000_000_u64,
        "metadata": {"vagus.dead_letter": "DEAD.work"},
    });
    let request = json!({"stream_name": "WORK", "config": consumer}).to_string();
    let created = ask_json(client, "$JS.API.CONSUMER.DURABLE.CREATE.WORK.C", &request);
    assert!(created["error"].is_null(), "{created}");
}

fn publish(address: SocketAddr) -> Result<()> {
    let mut peer = Peer::to(address)?;
    loop {
        peer.send(&"PUB WORK.a own 1\r\nx\r\n".repeat(64))?;
        for _ in 0..64 {
            peer.receive()?;
        }
    }
}

/// Pulls, and has every other message be given up; tells what the server has said that it knows.
fn work(address: SocketAddr, tell: &Sender<Told>) -> Result<()> {
    let mut peer = Peer::to(address)?;
    peer.send("SUB pulled 1\r\nSUB done.* 2\r\nSUB given.* 3\r\n")?;
    let request = r#"{"batch":20,"expires":2000000000}"#;
    loop {
        let pull = "$JS.API.CONSUMER.MSG.NEXT.WORK.C";
        peer.send(&format!("PUB {pull} pulled {}\r\n{request}\r\n", request.len()))?;
        let mut waiting = 20;
        while waiting > 0 {
            let received = peer.receive()?;
            let said = match received.subject.split_once('.') {
                Some((what @ ("done" | "given"), sequence)) => {
                    waiting -= 1;
                    let sequence = sequence.parse().map_err(Error::other)?;
                    match what {
                        "done" => Told::Acknowledged(sequence),
                        _ => Told::GivenUp(sequence),
                    }
                }
                _ => {
                    let Some(sequence) = received.sequence() else {
                        // No more came of it.
                        break;
                    };
                    let reply = received.reply.unwrap_or_default();
                    let (answer, body) = match sequence % 2 {
                        0 => ("done", "+ACK"),
                        _ => ("given", "+TERM"),
                    };
                    let length = body.len();
                    peer.send(&format!("PUB {reply} {answer}.{sequence} {length}\r\n{body}\r\n"))?;
                    Told::Delivered(sequence)
                }
            };
            if tell.send(said).is_err() {
                return Ok(());
            }
        }
    }
}

impl Known {
    /// Takes in what was told: so much, or all until nobody tells anything more.
    fn hear(&mut self, told: &Receiver<Told>, enough: usize) {
        for _ in 0..enough {
            match told.recv_timeout(PATIENCE) {
                Ok(Told::Delivered(sequence)) => {
                    let is_over = |of: &BTreeSet<u64>| of.contains(&sequence);
                    let is_over = [&self.acknowledged, &self.given_up, &self.dead].map(is_over);
                    assert_eq!(is_over, [false; 3], "{sequence} was delivered again");
                }
                Ok(Told::Acknowledged(sequence)) => drop(self.acknowledged.insert(sequence)),
                Ok(Told::GivenUp(sequence)) => drop(self.given_up.insert(sequence)),
                Err(_) => return,
            }
        }
    }

    /// Looks at what is a dead letter: each once, and nothing that was done with.
    fn look(&mut self, address: SocketAddr) {
        let mut peer = Peer::to(address).unwrap();
        let letters = all_of(&mut peer, "DEAD");
        let of = |letter: &super::Received| {
            let sequence = letter.header("Vagus-Dead-Letter-Sequence").unwrap();
            sequence.parse::<u64>().unwrap()
        };
        let dead: BTreeSet<u64> = letters.values().map(of).collect();
        assert_eq!(dead.len(), letters.len(), "some are there twice");
        assert!(dead.is_superset(&self.dead));
        assert!(dead.is_disjoint(&self.acknowledged));
        self.dead = dead;
    }
}

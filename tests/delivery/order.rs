//! Messages of one publisher reach each subscriber in the order they were published, across subjects and
//! subscriptions, though others publish and interest changes. (`back_pressure` adds: however slowly
//! the subscriber reads.)

use crate::beside::Beside;
use crate::numbered::{END, Pace, Plan, Received};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use vagus_test_support::{Client, Message, Rng, TestServer, server};

const SUBJECTS: [&str; 6] = [
    "order.a.1",
    "order.a.2",
    "order.b.1",
    "order.b.2",
    "order.c",
    "order.a",
];

/// Subscriptions that overlap in every way: one message comes up to four times to a connection.
const OVERLAPPING: [(&str, &str); 5] = [
    ("1", "order.>"),
    ("2", "order.a.*"),
    ("3", "order.b.1"),
    ("4", "*.a.1"),
    ("5", "order.a.1"),
];

/// Connections with these alone get the same bytes, encoded once.
const SHARED: [(&str, &str); 1] = [("1", "order.>")];

/// As before, with bytes of its own.
const DISTINCT: [(&str, &str); 1] = [("only.mine", "order.>")];

type Subscriptions = &'static [(&'static str, &'static str)];

/// On each of the first two arbiters: every kind of subscriber.
fn subscribers(server: &TestServer) -> Vec<(Client, Subscriptions)> {
    let kinds: [Subscriptions; 5] = [&OVERLAPPING, &SHARED, &SHARED, &DISTINCT, &SHARED];
    let mut subscribers = Vec::new();
    for arbiter in [0, 1] {
        for subscriptions in kinds {
            let mut client = server.connected_on(arbiter);
            subscribe(&mut client, subscriptions);
            subscribers.push((client, subscriptions));
        }
    }
    subscribers
}

fn subscribe(client: &mut Client, subscriptions: Subscriptions) {
    for (sid, subject) in subscriptions {
        client.send(&format!("SUB {subject} {sid}"));
    }
    client.subscribe(END, "end");
}

/// All publish at once, and every subscriber gets everything in order, while the churners change their
/// subscriptions.
fn check(server: &TestServer, plans: &[Plan], arbiters: &[usize], churners: Vec<Client>) {
    let subscribers = subscribers(server);
    let beside = Beside::default();
    let pace = if churners.is_empty() {
        Pace::Flood
    } else {
        Pace::Beside(&beside)
    };
    let ready = Barrier::new(plans.len() + churners.len());
    let publishers: Vec<Client> = arbiters
        .iter()
        .map(|arbiter| server.connected_on(*arbiter))
        .collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = subscribers
            .into_iter()
            .map(|(client, subscriptions)| {
                scope.spawn(move || {
                    let (mut reader, _writer) = client.split();
                    let received = Received::read(&mut reader, plans);
                    received.assert_complete(subscriptions, plans);
                })
            })
            .collect();
        for (plan, publisher) in plans.iter().zip(publishers) {
            let ready = &ready;
            scope.spawn(move || {
                ready.wait();
                plan.publish(publisher, pace);
            });
        }
        let churners: Vec<_> = churners
            .into_iter()
            .enumerate()
            .map(|(number, churner)| {
                let (ready, done, beside) = (&ready, &done, &beside);
                scope.spawn(move || {
                    ready.wait();
                    come_and_go(churner, number as u64, done, beside, plans)
                })
            })
            .collect();
        let ended: Vec<_> = readers.into_iter().map(|reader| reader.join()).collect();
        // Before a failure is passed on: the others would not end.
        done.store(true, Ordering::Relaxed);
        for ended in ended {
            if let Err(failure) = ended {
                std::panic::resume_unwind(failure);
            }
        }
        if !churners.is_empty() {
            let received: usize = churners.into_iter().map(|churner| churner.join().unwrap()).sum();
            assert!(received > 0, "nobody who came and went got anything");
        }
    });
}

#[test]
fn of_one_publisher() {
    let server = server().arbiters(2).start();
    check(
        &server,
        &[Plan::random(0, 8_000, &SUBJECTS, 64)],
        &[0],
        Vec::new(),
    );
}

#[test]
fn of_several_publishers_on_all_arbiters() {
    // More threads than some machines have cores: they are interrupted anywhere.
    let server = server().arbiters(4).start();
    let plans: Vec<Plan> = (0..4)
        .map(|number| Plan::random(number, 2_000, &SUBJECTS, 200))
        .collect();
    check(&server, &plans, &[0, 1, 2, 3], Vec::new());
}

/// Two others subscribe and unsubscribe all the time: to the same subjects, with the same sids, and join and
/// leave queue groups. What they get meanwhile is in order, too.
#[test]
fn while_subscriptions_come_and_go() {
    let server = server().arbiters(2).start();
    let plans: Vec<Plan> = (0..2)
        .map(|number| Plan::random(number, 4_000, &SUBJECTS, 64))
        .collect();
    let churners = vec![server.connected_on(0), server.connected_on(1)];
    check(&server, &plans, &[0, 1], churners);
}

/// Gives how many messages came meanwhile.
fn come_and_go(mut client: Client, seed: u64, done: &AtomicBool, beside: &Beside, plans: &[Plan]) -> usize {
    let _until_dropped = beside.until_dropped();
    let mut random = Rng::with_seed(seed + 99);
    let mut received = Received::default();
    let subjects = [
        "order.>",
        "order.a.*",
        "order.a.1",
        "order.b.2 workers",
        "*.a.1",
        "order.c workers",
    ];
    while !done.load(Ordering::Relaxed) {
        let mut lines = String::new();
        for _ in 0..8 {
            let sid = 1 + random.usize(..5);
            let line = match random.usize(..3) {
                0 => format!("SUB {} {sid}\r\n", random.choice(&subjects).unwrap()),
                1 => format!("UNSUB {sid}\r\n"),
                _ => format!("UNSUB {sid} {}\r\n", 1 + random.usize(..50)),
            };
            lines.push_str(&line);
        }
        client.send_bytes(lines.as_bytes());
        for frame in client.sync() {
            received.take_frame(frame, plans);
        }
        beside.round();
    }
    received.count()
}

/// A publisher may space its lines oddly, want some messages counted down for one subscriber, and send some
/// with headers: all take different ways through the server, and stay in order.
#[test]
fn of_messages_of_every_kind() {
    let server = server().arbiters(2).start();
    let mut publisher = server.connected_on(0);
    let mut subscribers: Vec<Client> = [0, 0, 0, 1, 1, 1]
        .iter()
        .map(|arbiter| server.connected_on(*arbiter))
        .collect();
    for (number, subscriber) in subscribers.iter_mut().enumerate() {
        // Equal sids share what is encoded once; the last has its own.
        subscriber.subscribe("order", if number == 5 { "own" } else { "1" });
    }
    let (mut limited, mut few) = (server.connected_on(1), Vec::new());
    let mut stream = String::new();
    let mut random = Rng::with_seed(3);
    for round in 0..300 {
        if round % 50 == 25 {
            publisher.send_bytes(stream.as_bytes());
            publisher.sync_silent();
            stream.clear();
            limited.send("SUB order 1\r\nUNSUB 1 20");
            few.extend(limited.sync_messages());
        }
        let number = format!("{round:03}");
        stream.push_str(&match random.usize(..4) {
            0 => format!("PUB order 3 \r\n{number}\r\n"),
            1 => format!("HPUB order 12 15\r\nNATS/1.0\r\n\r\n{number}\r\n"),
            _ => format!("PUB order 3\r\n{number}\r\n"),
        });
    }
    publisher.send_bytes(stream.as_bytes());
    publisher.sync_silent();
    let numbers = |messages: &[Message]| messages.iter().map(Message::number).collect::<Vec<_>>();
    for subscriber in &mut subscribers {
        let came = numbers(&subscriber.sync_messages());
        assert!(came == (0..300).collect::<Vec<_>>(), "{came:?}");
    }
    few.extend(limited.sync_messages());
    let wanted = (0..6).flat_map(|part| part * 50 + 25..part * 50 + 45);
    assert_eq!(numbers(&few), wanted.collect::<Vec<_>>());
}

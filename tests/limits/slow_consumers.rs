//! A client that does not read is cut off, and nobody else notices.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;
use vagus_test_support::{Client, TestServer, eventually, eventually_equal, server};

const PAYLOAD: usize = 8 * 1024;

fn closed(server: &TestServer, reason: &str) -> u64 {
    server.monitor().unwrap().closed.get(reason).copied().unwrap_or(0)
}

/// Publishes numbered messages until `enough`, never far ahead of a healthy subscriber, which gets each of
/// them; gives how many there were.
fn publish_beside(healthy: &mut Client, mut publisher: Client, enough: impl Fn() -> bool) -> usize {
    let mut filling = "x".repeat(PAYLOAD);
    filling.insert(0, ' ');
    let mut number = 0;
    while !enough() {
        for _ in 0..16 {
            publisher.publish("news", format!("{number}{filling}").as_bytes());
            let message = healthy.message();
            assert_eq!(message.number(), number);
            assert_eq!(message.payload.len(), number.to_string().len() + PAYLOAD + 1);
            number += 1;
        }
    }
    publisher.sync_silent();
    healthy.sync_silent();
    number as usize
}

/// More waits for it than may: it is cut off without a word, and what waited is given back.
#[test]
fn past_max_pending() {
    const MAX_PENDING: usize = 1024 * 1024;
    for (slow_on, publisher_on) in [(0, 0), (0, 1), (1, 0)] {
        let server = server().arbiters(2).max_pending(MAX_PENDING).start();
        let others: Vec<Client> = (0..=slow_on.max(publisher_on))
            .map(|arbiter| server.connected_on(arbiter))
            .collect();
        let publisher = if publisher_on == 0 {
            server.connected()
        } else {
            server.connected_on(1)
        };
        let mut healthy = server.connected();
        healthy.subscribe("news", "1");
        let mut slow = server.connected_with_little_room();
        slow.subscribe("news", "1");
        let reason = "Slow Consumer (Pending Bytes)";
        let published = publish_beside(&mut healthy, publisher, || closed(&server, reason) == 1);
        assert!(published * PAYLOAD > MAX_PENDING);
        assert_eq!(server.router().unwrap().subscriptions, 1);
        assert!(server.most_pending() < MAX_PENDING);
        let mut came = slow.closed();
        // Whole messages from the first, and a last one that is not; no word why.
        assert!(came.starts_with("MSG news 1 8194\r\n0 xxx"), "{}", &came[..40]);
        came.truncate(came.len() - 1);
        assert!(!came.contains("-ERR"));
        drop((others, healthy));
        server.expect_nothing_left();
    }
}

/// Less waits than may, but nothing moves: it is cut off when its time is up, though nothing more is
/// published.
#[test]
fn past_the_write_deadline() {
    let server = server()
        .arbiters(2)
        .write_deadline(Duration::from_millis(200))
        .start();
    for arbiter in [0, 1] {
        let mut publisher = server.connected_on(arbiter);
        let mut healthy = server.connected();
        healthy.subscribe("news", "1");
        let mut slow = server.connected_with_little_room();
        slow.subscribe("news", "1");
        let reason = "Slow Consumer (Write Deadline)";
        let before = closed(&server, reason);
        // More than the system takes for one that does not read, at once.
        let payload = vec![b'x'; 1024 * 1024];
        thread::scope(|scope| {
            let healthy = scope.spawn(move || healthy.messages(12).len());
            for _ in 0..12 {
                publisher.publish("news", &payload);
            }
            publisher.sync_silent();
            assert_eq!(healthy.join().unwrap(), 12);
        });
        eventually(|| closed(&server, reason) == before + 1);
        assert!(slow.closed().starts_with("MSG news 1 1048576\r\nxxx"));
    }
    server.expect_nothing_left();
}

/// Answers count like messages: a client that asks without end and does not read is cut off, too.
#[test]
fn of_answers() {
    let server = server().max_pending(256 * 1024).start();
    let mut asks = server.connected_with_little_room();
    let mut beside = server.connected();
    let questions = b"PING\r\n".repeat(10_000);
    let reason = "Slow Consumer (Pending Bytes)";
    while asks.try_send_bytes(&questions) && closed(&server, reason) == 0 {
        beside.sync_silent();
    }
    eventually_equal(|| server.connections().len(), 1);
    assert_eq!(server.monitor().unwrap().closed, BTreeMap::from([(reason, 1)]));
    drop(beside);
    server.expect_nothing_left();
}

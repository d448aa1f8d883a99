//! Over TLS as without: what a client does not read waits for it in order, or makes it a slow consumer, and frames
//! larger than a record come whole.

use crate::world::{CONNECT, World};
use vagus_test_support::{Client, TestServer, eventually, server};

fn secured(server: &TestServer, world: &World) -> Client {
    let mut client = server.client().secured(&world.connector()).connect(CONNECT);
    client.sync_silent();
    client
}

fn payload(number: usize, length: usize) -> Vec<u8> {
    let mut payload = number.to_string().into_bytes();
    payload.resize(length, b'a' + (number % 26) as u8);
    payload
}

#[test]
fn what_waits_comes_in_order() {
    const MESSAGES: usize = 64;
    const LENGTH: usize = 250_000;
    let world = World::new();
    let server = server().tls(world.settings.clone()).arbiters(2).start();
    let mut subscriber = secured(&server, &world);
    subscriber.subscribe("large", "1");
    let mut publisher = secured(&server, &world);
    for number in 0..MESSAGES {
        publisher.publish("large", &payload(number, LENGTH));
    }
    publisher.sync_silent();
    eventually(|| server.most_pending() > LENGTH);
    for number in 0..MESSAGES {
        let message = subscriber.message();
        assert!(message.payload == payload(number, LENGTH), "message {number}");
    }
    subscriber.sync_silent();
}

/// Chunks of all sizes around that of a record, small ones between them, to plain and to secured subscribers.
#[test]
fn records_of_all_sizes() {
    let world = World::new();
    let server = server()
        .tls(world.with(|tls| tls.allow_non_tls = true))
        .arbiters(2)
        .start();
    let mut subscribers = [secured(&server, &world), server.connected()];
    for subscriber in &mut subscribers {
        subscriber.subscribe("sizes.>", "1");
    }
    let sizes = [0, 1, 100, 16_000, 16_384, 16_385, 40_000, 65_536, 3, 200_000, 5];
    let mut publishers = [secured(&server, &world), server.connected()];
    for (round, publisher) in publishers.iter_mut().enumerate() {
        for (number, size) in sizes.into_iter().enumerate() {
            publisher.publish(
                &format!("sizes.{round}.{number}"),
                &payload(number, size.max(2))[..size],
            );
        }
        publisher.sync_silent();
        for subscriber in &mut subscribers {
            for (number, size) in sizes.into_iter().enumerate() {
                let message = subscriber.message();
                assert_eq!(message.subject, format!("sizes.{round}.{number}"));
                assert!(
                    message.payload == payload(number, size.max(2))[..size],
                    "size {size}"
                );
            }
            subscriber.sync_silent();
        }
    }
}

#[test]
fn a_slow_consumer_is_cut_off() {
    let world = World::new();
    let server = server()
        .tls(world.settings.clone())
        .max_pending(1024 * 1024)
        .start();
    let mut slow = secured(&server, &world);
    slow.subscribe("flood", "1");
    let mut publisher = secured(&server, &world);
    let block = vec![b'x'; 512 * 1024];
    let closed = || {
        let closed = server.monitor().unwrap().closed;
        closed.get("Slow Consumer (Pending Bytes)").copied() == Some(1)
    };
    while !closed() {
        publisher.publish("flood", &block);
        publisher.sync_silent();
    }
    publisher.sync_silent();
    assert_eq!(server.connections().len(), 1);
}

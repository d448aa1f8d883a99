//! Every connection shows who it is and exactly what passed.

use vagus_test_support::{Client, eventually_equal, server};

#[test]
fn show_who_they_are() {
    let server = server().arbiters(2).start();
    let mut named = server
        .client()
        .connect(r#"{"verbose":false,"name":"café \"7\"","lang":"rust","version":"1.2.3","protocol":1}"#);
    named.send("PING");
    named.until_pong();
    let mut silent = server.client();
    let connections = server.connections();
    assert_eq!(connections.len(), 2);
    for (number, connection) in connections.iter().enumerate() {
        assert_eq!(connection.id, number as u64 + 1);
        assert_eq!(connection.peer.ip(), server.client_address().ip());
        assert!(!connection.waits_for_interest);
    }
    assert_ne!(connections[0].peer.port(), connections[1].peer.port());
    let client = &connections[0].client;
    assert_eq!(
        [&client.name, &client.lang, &client.version],
        ["café \"7\"", "rust", "1.2.3"]
    );
    assert_eq!(connections[1].client, Default::default());
    // The number is the one that INFO told.
    assert!(named.info().contains(r#""client_id":1,"#), "{}", named.info());
    assert!(silent.info().contains(r#""client_id":2,"#), "{}", silent.info());
    silent.send(r#"CONNECT {"verbose":false,"name":"late"}"#);
    silent.sync_silent();
    assert_eq!(server.connection("late").unwrap().id, 2);
}

#[track_caller]
fn check(server: &vagus::Server, name: &str, subscriptions: usize, [inwards, outwards]: [(u64, u64); 2]) {
    let observe = || {
        let connections = server.connections();
        let connection = connections
            .into_iter()
            .find(|connection| connection.client.name == name)
            .unwrap();
        (
            connection.subscriptions,
            [
                (connection.messages_in, connection.payload_in),
                (connection.messages_out, connection.payload_out),
            ],
            connection.pending,
        )
    };
    // What is read is no longer pending once its writer has said so.
    eventually_equal(observe, (subscriptions, [inwards, outwards], 0));
}

fn named(server: &vagus_test_support::TestServer, name: &str) -> Client {
    let mut client = server.client().connect(&format!(
        r#"{{"verbose":false,"headers":true,"no_responders":true,"name":"{name}"}}"#
    ));
    client.sync_silent();
    client
}

/// Headers count as payload, control lines do not; a message without a subscriber counts for its publisher.
#[test]
fn count_what_passes() {
    let server = server().arbiters(2).start();
    let mut publisher = named(&server, "publisher");
    let mut subscriber = named(&server, "subscriber");
    subscriber.send("SUB a 1\r\nSUB a.* workers 2\r\nSUB > 3");
    subscriber.sync_silent();
    check(&server, "subscriber", 3, [(0, 0), (0, 0)]);
    publisher
        .send("PUB a 5\r\nhello\r\nPUB a.b 3\r\nabc\r\nPUB a 0\r\n\r\nHPUB b 12 14\r\nNATS/1.0\r\n\r\nhi");
    publisher.sync_silent();
    assert_eq!(subscriber.sync_messages().len(), 7);
    check(&server, "publisher", 0, [(4, 22), (0, 0)]);
    check(&server, "subscriber", 3, [(0, 0), (7, 2 * 5 + 2 * 3 + 14)]);
    subscriber.send("UNSUB 1\r\nUNSUB 3 8");
    subscriber.sync_silent();
    check(&server, "subscriber", 2, [(0, 0), (7, 30)]);
    publisher.send_bytes("PUB b 1\r\nx\r\n".repeat(10).as_bytes());
    publisher.send("PING");
    publisher.until_pong();
    assert_eq!(subscriber.sync_messages().len(), 4);
    check(&server, "subscriber", 1, [(0, 0), (11, 34)]);
    check(&server, "publisher", 0, [(14, 32), (0, 0)]);
    // Without headers less is delivered than was published.
    let mut plain = server
        .client()
        .connect(r#"{"verbose":false,"headers":false,"name":"plain"}"#);
    plain.subscribe("c", "1");
    publisher.send("HPUB c 12 14\r\nNATS/1.0\r\n\r\nhi");
    plain.expect("MSG c 1 2\r\nhi");
    check(&server, "plain", 1, [(0, 0), (1, 2)]);
}

/// Runs of many messages to many, as they are counted once for all.
#[test]
fn count_many_at_once() {
    const MESSAGES: u64 = 3_000;
    let server = server().arbiters(2).start();
    let names: Vec<String> = (0..6).map(|number| format!("subscriber {number}")).collect();
    let mut subscribers: Vec<Client> = names.iter().map(|name| named(&server, name)).collect();
    for subscriber in &mut subscribers {
        subscriber.subscribe("many", "1");
    }
    let mut publisher = named(&server, "publisher");
    publisher.send_bytes("PUB many 7\r\npayload\r\n".repeat(MESSAGES as usize).as_bytes());
    publisher.sync_silent();
    for (name, subscriber) in names.iter().zip(&mut subscribers) {
        assert_eq!(subscriber.sync_messages().len() as u64, MESSAGES);
        check(&server, name, 1, [(0, 0), (MESSAGES, MESSAGES * 7)]);
    }
    check(&server, "publisher", 0, [(MESSAGES, MESSAGES * 7), (0, 0)]);
}

/// What waits for one that does not read shows, and is gone once it is read.
#[test]
fn show_what_waits() {
    let server = server().start();
    let mut slow = server.connected_with_little_room();
    slow.subscribe("a", "1");
    let mut publisher = server.connected();
    let payload = vec![b'x'; 1024 * 1024];
    for _ in 0..8 {
        publisher.publish("a", &payload);
    }
    publisher.sync_silent();
    // The system takes some of it, not all.
    let most = server.most_pending();
    assert!(most > 0 && most < 8 * (payload.len() + 100), "{most} bytes wait");
    slow.messages(8);
    eventually_equal(|| server.most_pending(), 0);
}

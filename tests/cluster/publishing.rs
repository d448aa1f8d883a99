//! What is published at one server comes to those who are interested at others: once, in order, with its headers.

use crate::world::{await_interest, servers};
use vagus_test_support::Client;

#[test]
fn a_message_comes_to_each_server_once() {
    let servers = servers(3);
    let mut subscribers: Vec<Client> = servers
        .iter()
        .map(|server| {
            let mut client = server.connected();
            client.subscribe("news.*", "1");
            client.subscribe("news.>", "2");
            client.subscribe("other", "3");
            client
        })
        .collect();
    for server in &servers {
        await_interest(server, 9);
    }
    for (number, server) in servers.iter().enumerate() {
        let mut publisher = server.connected();
        for count in 0..100 {
            publisher.publish("news.today", format!("{number} {count}").as_bytes());
        }
        publisher.sync_silent();
        for subscriber in &mut subscribers {
            let messages = subscriber.messages(200);
            for (at, message) in messages.iter().enumerate() {
                assert_eq!(message.payload, format!("{number} {}", at / 2).as_bytes());
            }
        }
    }
    for subscriber in &mut subscribers {
        subscriber.sync_silent();
    }
}

#[test]
fn headers_and_replies_come_along() {
    let servers = servers(2);
    let mut responder = servers[0].connected();
    responder.subscribe("service", "1");
    let mut requester = servers[1].connected();
    requester.subscribe("inbox.*", "9");
    for server in &servers {
        await_interest(server, 2);
    }
    requester.send("HPUB service inbox.1 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi");
    responder.expect("HMSG service 1 inbox.1 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi");
    responder.send("PUB inbox.1 5\r\nhello");
    requester.expect("MSG inbox.1 9 5\r\nhello");
}

#[test]
fn there_is_somebody_as_long_as_anybody_is_anywhere() {
    let servers = servers(2);
    let mut requester = servers[0].connected();
    requester.subscribe("inbox", "9");
    requester.send("PUB service inbox 0\r\n");
    requester.expect("HMSG inbox 9 39 39\r\nNATS/1.0 503\r\nNats-Subject: service\r\n\r\n");
    let mut responder = servers[1].connected();
    responder.subscribe("service", "1");
    await_interest(&servers[0], 2);
    requester.send("PUB service inbox 0\r\n");
    responder.expect("MSG service 1 inbox 0\r\n");
    responder.send("PUB inbox 2\r\nhi");
    requester.expect("MSG inbox 9 2\r\nhi");
    responder.send("UNSUB 1");
    await_interest(&servers[0], 1);
    requester.send("PUB service inbox 0\r\n");
    requester.expect("HMSG inbox 9 39 39\r\nNATS/1.0 503\r\nNats-Subject: service\r\n\r\n");
}

/// A publisher that floods is not cut off, and neither is the route.
#[test]
fn large_messages_and_many_come_in_order() {
    let servers = servers(2);
    let mut subscriber = servers[1].connected();
    subscriber.subscribe("flood", "1");
    await_interest(&servers[0], 1);
    let mut publisher = servers[0].connected();
    let large = vec![b'x'; 300_000];
    for round in 0..50 {
        publisher.publish("flood", format!("{round}").as_bytes());
        publisher.publish("flood", &large);
    }
    publisher.sync_silent();
    for round in 0..50 {
        assert_eq!(subscriber.message().payload, format!("{round}").as_bytes());
        assert_eq!(subscriber.message().payload.len(), large.len());
    }
}

/// What ends at a server ends at the others, and what begins again begins again.
#[test]
fn interest_follows_those_who_come_and_go() {
    let servers = servers(3);
    for _ in 0..3 {
        let mut client = servers[2].connected();
        for sid in 0..50 {
            client.send(&format!("SUB many.{} {sid}", sid % 25));
        }
        client.sync_silent();
        await_interest(&servers[0], 25);
        await_interest(&servers[1], 25);
        drop(client);
        await_interest(&servers[0], 0);
        await_interest(&servers[1], 0);
    }
}

/// Who subscribes and asks in one breath gets the answer, though the one who answers is at once and elsewhere.
#[test]
fn an_answer_finds_who_has_just_subscribed() {
    let servers = servers(2);
    let mut responder = servers[1].connected();
    responder.subscribe("service", "1");
    await_interest(&servers[0], 1);
    let mut requester = servers[0].connected();
    for round in 0..300 {
        requester.send(&format!(
            "SUB inbox.{round} {round}\r\nUNSUB {round} 1\r\nPUB service inbox.{round} 0\r\n"
        ));
        let request = responder.message();
        responder.publish(request.reply.as_deref().unwrap(), b"hi");
        assert_eq!(requester.message().payload, b"hi", "round {round}");
    }
}

//! A connection that wants no echo gets everybody's messages but its own.

use vagus_test_support::{Client, TestServer, server};

fn without_echo(server: &TestServer) -> Client {
    let mut client = server
        .client()
        .connect(r#"{"verbose":false,"echo":false,"headers":true,"no_responders":true}"#);
    client.sync_silent();
    client
}

#[test]
fn own_messages_come_back_unless_unwanted() {
    let server = server().start();
    let mut hears_itself = server.connected();
    hears_itself.subscribe("a", "1");
    hears_itself.send("PUB a 2\r\nhi");
    hears_itself.expect("MSG a 1 2\r\nhi");
    let mut does_not = without_echo(&server);
    does_not.subscribe("a", "1");
    does_not.send("PUB a 3\r\nyou");
    does_not.sync_silent();
    hears_itself.expect("MSG a 1 3\r\nyou");
    hears_itself.send("PUB a 2\r\nme");
    hears_itself.expect("MSG a 1 2\r\nme");
    does_not.expect("MSG a 1 2\r\nme");
}

/// Among many connections with the same sid, and with others that want no echo either, each misses only its
/// own messages, also in the middle of a run of them.
#[test]
fn each_of_many_misses_only_its_own() {
    const EACH: usize = 50;
    let server = server().arbiters(2).start();
    let mut clients: Vec<Client> = (0..8).map(|_| without_echo(&server)).collect();
    let mut listener = server.connected();
    for client in clients.iter_mut().chain([&mut listener]) {
        client.send("SUB all.* 1\r\nSUB all.a 2");
        client.sync_silent();
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let payload = number.to_string();
        for subject in ["all.a", "all.b"] {
            for _ in 0..EACH {
                client.publish(subject, payload.as_bytes());
            }
        }
        client.send("PING");
        client.until_pong();
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.publish("all.a", b"100");
        let mut heard = vec![0; 8];
        for message in client.sync_messages() {
            if message.number() < 100 {
                heard[message.number() as usize] += 1;
            }
        }
        // Those before it were heard while it published.
        assert!(
            heard[..=number].iter().all(|count| *count == 0 || number > 0),
            "{number}: {heard:?}"
        );
        assert_eq!(heard[number], 0, "client {number} hears itself");
        assert!(
            heard[number + 1..].iter().all(|count| *count == 3 * EACH),
            "{number}: {heard:?}"
        );
    }
    let heard = listener.sync_messages();
    let before_last = heard.iter().filter(|message| message.number() < 100).count();
    assert_eq!(before_last, 8 * 3 * EACH);
}

/// A request that only the requester itself would hear has no responders.
#[test]
fn a_request_to_oneself_is_not_answered() {
    let server = server().start();
    let mut client = without_echo(&server);
    client.send("SUB answers 1\r\nSUB questions 2\r\nPUB questions answers 0\r\n");
    client.expect("HMSG answers 1 41 41\r\nNATS/1.0 503\r\nNats-Subject: questions\r\n\r\n");
}

//! Publishing and subscribing over HTTP.

use crate::{JSON, open, with};
use vagus_test_support::{Events, TestServer, eventually, send, server};

fn started() -> TestServer {
    server().set(with(open())).max_pending(256 * 1024).start()
}

fn publish(server: &TestServer, body: &str) -> (u16, String) {
    let answer = send(
        server.admin_address().unwrap(),
        "POST",
        "/v1/publish",
        &[JSON],
        body,
    );
    (answer.status, answer.body)
}

#[test]
fn clients_get_what_is_published() {
    let server = started();
    let nobody = publish(&server, r#"{"subject":"a.b","payload":"lost"}"#);
    assert_eq!(nobody, (200, r#"{"delivered":false}"#.to_owned()));
    let mut client = server.connected();
    client.subscribe("a.*", "7");
    for (body, expected) in [
        (r#"{"subject":"a.b","payload":"hello"}"#, "MSG a.b 7 5\r\nhello"),
        (r#"{"subject":"a.b"}"#, "MSG a.b 7 0\r\n"),
        (
            r#"{"subject":"a.c","reply":"r","payload_base64":"aGk="}"#,
            "MSG a.c 7 r 2\r\nhi",
        ),
        (
            r#"{"subject":"a.d","headers":{"A":["1","2"]},"payload":"x"}"#,
            "HMSG a.d 7 24 25\r\nNATS/1.0\r\nA: 1\r\nA: 2\r\n\r\nx",
        ),
    ] {
        assert_eq!(publish(&server, body), (200, r#"{"delivered":true}"#.to_owned()));
        client.expect(expected);
    }
}

#[test]
fn what_cannot_be_published_is_refused() {
    let server = started();
    for body in [
        r#"{}"#,
        r#"{"subject":""}"#,
        r#"{"subject":"a b"}"#,
        r#"{"subject":"a..b"}"#,
        r#"{"subject":"a.>"}"#,
        r#"{"subject":"a\r\nPUB b 0\r\n"}"#,
        r#"{"subject":"a","reply":"b c"}"#,
        r#"{"subject":"a","payload":"x","payload_base64":"eA=="}"#,
        r#"{"subject":"a","payload_base64":"?"}"#,
        r#"{"subject":"a","headers":{"A":["b\r\nC: d"]}}"#,
        r#"{"subject":"a","headers":{"A b":["c"]}}"#,
        r#"{"subject":"a","colour":"blue"}"#,
        "[",
    ] {
        assert_eq!(publish(&server, body).0, 400, "{body}");
    }
    let long = format!(r#"{{"subject":"a","payload":"{}"}}"#, "x".repeat(1_100_000));
    assert_eq!(publish(&server, &long).0, 413);
    assert_eq!(server.traffic().messages_in, 0);
}

#[test]
fn events_tell_what_clients_publish() {
    let server = started();
    let mut events = Events::of(server.admin_address().unwrap(), "/v1/subscribe?subject=a.%3E");
    assert_eq!(events.next_event(), ("subscribed".to_owned(), "{}".to_owned()));
    let mut client = server.connected();
    client.send("PUB a.b 5\r\nhello");
    client.send("HPUB a.c r 17 20\r\nNATS/1.0\r\nA:b\r\n\r\n\r\nx");
    client.send_bytes(b"PUB a.d 2\r\n\xff\xfe\r\n");
    for expected in [
        r#"{"subject":"a.b","payload":"hello","size":5}"#,
        r#"{"subject":"a.c","reply":"r","headers":{"A":["b"]},"payload":"\r\nx"#,
        r#"{"subject":"a.d","payload_base64":"//4=","size":2}"#,
    ] {
        let (name, data) = events.next_event();
        assert_eq!(name, "message");
        assert!(data.starts_with(expected), "{data}");
    }
}

#[test]
fn members_of_a_queue_group_share() {
    let server = started();
    let address = server.admin_address().unwrap();
    let mut events = Events::of(address, "/v1/subscribe?subject=a&queue=g");
    assert_eq!(events.next_event().0, "subscribed");
    let mut member = server.connected();
    member.join("a", "g", "1");
    let mut publisher = server.connected();
    for _ in 0..200 {
        publisher.send("PUB a 1\r\nx");
    }
    publisher.sync_silent();
    let at_member = member.sync_messages().len();
    assert!((1..200).contains(&at_member), "{at_member}");
    for _ in at_member..200 {
        assert_eq!(events.next_event().0, "message");
    }
}

#[test]
fn nothing_stays_of_a_subscriber_that_is_gone() {
    let server = started();
    let mut events = Events::of(server.admin_address().unwrap(), "/v1/subscribe?subject=a");
    assert_eq!(events.next_event().0, "subscribed");
    assert_eq!(server.router().unwrap().subscriptions, 1);
    drop(events);
    let mut publisher = server.connected();
    eventually(|| {
        // That nobody listens shows when something is said.
        publisher.send("PUB a 1\r\nx");
        publisher.sync_silent();
        server.router().unwrap().subscriptions == 0
    });
}

#[test]
fn a_subscriber_that_does_not_read_is_cut_off_and_slows_nobody() {
    let server = started();
    let mut events = Events::of(server.admin_address().unwrap(), "/v1/subscribe?subject=a");
    assert_eq!(events.next_event().0, "subscribed");
    let mut publisher = server.connected();
    let payload = vec![b'x'; 64 * 1024];
    eventually(|| {
        for _ in 0..32 {
            publisher.publish("a", &payload);
        }
        publisher.sync_silent();
        server.router().unwrap().subscriptions == 0
    });
    // What had been taken for it is still read, and then why there is no more.
    let reason = loop {
        let (name, data) = events.next_event();
        if name == "end" {
            break data;
        }
    };
    assert_eq!(reason, r#"{"reason":"Slow Consumer (Pending Bytes)"}"#);
}

#[test]
fn what_cannot_be_subscribed_to_is_refused() {
    let server = started();
    let address = server.admin_address().unwrap();
    for query in [
        "",
        "?subject=",
        "?subject=a..b",
        "?subject=a%20b",
        "?subject=a%0d%0ab",
        "?subject=a&queue=b%20c",
        "?subject=a&colour=blue",
    ] {
        let answer = send(address, "GET", &format!("/v1/subscribe{query}"), &[], "");
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[test]
fn streams_are_bounded() {
    let server = started();
    let address = server.admin_address().unwrap();
    let mut streams = Vec::new();
    let refused = (0..200).any(|_| {
        let mut events = Events::of(address, "/v1/subscribe?subject=a");
        if events.status() != 200 {
            assert_eq!(events.status(), 503);
            return true;
        }
        assert_eq!(events.next_event().0, "subscribed");
        streams.push(events);
        false
    });
    assert!(refused && streams.len() >= 8, "{}", streams.len());
}

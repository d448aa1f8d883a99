//! Users of the broker call over HTTP, and may do there what they may.

use crate::{address, state};
use std::net::SocketAddr;
use vagus_test_support::{Answer, Events, TestServer, eventually, http, send, server};

const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");
const JSON: (&str, &str) = ("Content-Type", "application/json");

fn started(keys: &str, text: &str) -> (TestServer, SocketAddr) {
    let text = format!("{text}\nconnectors: [{{id: web, type: HTTP, listen: '127.0.0.1:-1' {keys}}}]");
    let server = server().configured(&text).start();
    eventually(|| state(&server, "web").address.is_some());
    let address = address(&server, "web");
    (server, address)
}

fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    send(address, "POST", path, headers, body)
}

#[test]
fn what_is_posted_is_published() {
    let (server, address) = started("", "");
    let nobody = post(address, "/v1/publish/a.b", &[], "lost");
    assert_eq!((nobody.status, &*nobody.body), (200, r#"{"delivered":false}"#));
    let mut client = server.connected();
    client.subscribe("a.*", "1");
    let said = post(address, "/v1/publish/a.b?reply=r.s", &[], "hello\r\n");
    assert_eq!((said.status, &*said.body), (200, r#"{"delivered":true}"#));
    client.expect("MSG a.b 1 r.s 7\r\nhello\r\n");
    post(address, "/v1/publish/a.c", &[("X-Nats-Header", "Kind: test")], "");
    client.expect("HMSG a.c 1 24 24\r\nNATS/1.0\r\nKind: test\r\n\r\n");
    assert_eq!(state(&server, "web").msg_in, 3);
    for (path, status) in [
        ("/v1/publish/a.*", 400),
        ("/v1/publish/a%20b", 400),
        ("/v1/publish/a..b", 400),
        ("/v1/publish/a?mystery=1", 400),
        ("/v1/nothing", 404),
    ] {
        assert_eq!(post(address, path, &[], "").status, status, "{path}");
    }
    assert_eq!(http(address, "GET", "/v1/publish/a", &[]).status, 405);
}

#[test]
fn who_asks_is_answered() {
    let (server, address) = started("", "");
    let nobody = post(address, "/v1/request/echo", &[], "x");
    assert_eq!(nobody.status, 503);
    assert!(nobody.body.contains("no responders available"), "{}", nobody.body);
    let mut client = server.connected();
    client.subscribe("echo", "1");
    let asking = std::thread::spawn(move || post(address, "/v1/request/echo?timeout=25s", &[], "marco"));
    let message = client.message();
    assert_eq!(message.payload, b"marco");
    let reply = message.reply.unwrap();
    client.send(&format!("HPUB {reply} 20 24\r\nNATS/1.0\r\nA: b c\r\n\r\npolo"));
    let answer = asking.join().unwrap();
    assert_eq!((answer.status, &*answer.body), (200, "polo"));
    assert_eq!(answer.header("x-nats-header"), "A: b c");
    let late = post(address, "/v1/request/echo?timeout=10ms", &[], "x");
    assert_eq!(late.status, 504);
    for timeout in ["0s", "26s", "x", "-1s"] {
        let path = format!("/v1/request/echo?timeout={timeout}");
        assert_eq!(post(address, &path, &[], "x").status, 400);
    }
}

#[test]
fn a_stream_says_that_it_has_it() {
    let (server, address) = started("", "");
    let mut stream = server.connected();
    stream.subscribe("s", "1");
    for (answer, status) in [
        (r#"{"stream":"S","seq":7}"#, 200),
        (r#"{"error":{"code":503,"description":"no space"},"seq":0}"#, 503),
    ] {
        let path = "/v1/publish/s?ack=true&timeout=25s";
        let publishing = std::thread::spawn(move || post(address, path, &[], "x"));
        let reply = stream.message().reply.unwrap();
        stream.send(&format!("PUB {reply} {}\r\n{answer}", answer.len()));
        let said = publishing.join().unwrap();
        assert_eq!(said.status, status);
        if status == 200 {
            assert_eq!(said.body, answer);
        }
    }
}

#[test]
fn many_messages_in_one_body() {
    let (server, address) = started("", "max_payload: 100");
    let mut client = server.connected();
    client.subscribe("in", "1");
    let said = post(address, "/v1/ingest/in", &[NDJSON], "{\"n\":1}\n\n{\"n\":2}");
    assert_eq!((said.status, &*said.body), (200, r#"{"published":2}"#));
    let said = post(address, "/v1/ingest/in", &[JSON], r#"[{"n": 3}, "x"]"#);
    assert_eq!((said.status, &*said.body), (200, r#"{"published":2}"#));
    let payloads: Vec<Vec<u8>> = client
        .messages(4)
        .into_iter()
        .map(|message| message.payload)
        .collect();
    assert_eq!(
        payloads,
        [&b"{\"n\":1}"[..], b"{\"n\":2}", b"{\"n\": 3}", b"\"x\""]
    );
    let long = format!("a\n{}", "x".repeat(200));
    assert_eq!(post(address, "/v1/ingest/in", &[NDJSON], &long).status, 400);
    assert_eq!(post(address, "/v1/ingest/in", &[JSON], "{}").status, 400);
    assert_eq!(
        post(address, "/v1/ingest/in", &[("Content-Type", "image/png")], "x").status,
        415
    );
    client.sync_silent();
}

#[test]
fn users_may_do_what_they_may() {
    let text = "accounts: {A: {users: [
        {user: ann, password: secret, permissions: {publish: 'a.>', subscribe: {allow: ['a.>', '_INBOX.>'], deny: 'a.secret'}}},
        {user: bob, password: word}]}}";
    let (server, address) = started("", text);
    // `ann:secret`, `bob:word`
    let ann = ("Authorization", "Basic YW5uOnNlY3JldA==");
    let bob = ("Authorization", "Basic Ym9iOndvcmQ=");
    let wrong = ("Authorization", "Basic YW5uOndyb25n");
    for (who, status) in [(&[][..], 401), (&[wrong], 401), (&[ann], 200), (&[bob], 200)] {
        assert_eq!(
            post(address, "/v1/publish/a.b", who, "").status,
            status,
            "{who:?}"
        );
    }
    assert_eq!(post(address, "/v1/publish/b", &[ann], "").status, 403);
    assert_eq!(post(address, "/v1/ingest/b", &[ann, NDJSON], "x").status, 403);
    assert_eq!(
        http(address, "GET", "/v1/subscribe?subject=b", &[ann]).status,
        403
    );
    assert_eq!(
        http(address, "GET", "/v1/subscribe?subject=a.secret", &[ann]).status,
        403
    );
    let mut events = Events::with(address, "/v1/subscribe?subject=a.*", &[ann]);
    assert_eq!(events.next_event().0, "subscribed");
    for subject in ["a.secret", "a.open"] {
        let said = post(address, &format!("/v1/publish/{subject}"), &[bob], "x");
        assert_eq!(said.body, r#"{"delivered":true}"#);
    }
    let (name, data) = events.next_event();
    assert_eq!(
        (&*name, &*data),
        ("message", r#"{"subject":"a.open","payload":"x","size":1}"#)
    );
    // In another account nobody hears of it.
    assert_eq!(server.traffic().messages_in, 4);
}

#[test]
fn pages_of_other_sites_call_only_where_they_may() {
    let (_server, address) = started(", allowed_origins: ['https://good.example']", "");
    let good = ("Origin", "https://good.example");
    let said = post(address, "/v1/publish/a", &[good], "");
    assert_eq!(said.status, 200);
    assert_eq!(said.header("access-control-allow-origin"), "https://good.example");
    let said = http(address, "OPTIONS", "/v1/publish/a", &[good]);
    assert_eq!(said.status, 204);
    assert_eq!(
        said.header("access-control-allow-methods"),
        "GET, POST, PUT, DELETE"
    );
    let said = post(address, "/v1/publish/a", &[("Origin", "https://bad.example")], "");
    assert_eq!(
        (said.status, said.header("access-control-allow-origin")),
        (403, "")
    );
}

#[test]
fn calls_are_bounded() {
    let (server, address) = started(", max_body: 1000, max_requests_per_second: 1", "");
    let large = "x".repeat(2000);
    assert_eq!(post(address, "/v1/publish/a", &[], &large).status, 413);
    eventually(|| (0..10).any(|_| post(address, "/v1/publish/a", &[], "").status == 429));
    server.expect_to_serve();
}

//! Who asks for WebSocket as it has to be gets it, and nobody else does.

use crate::client::{WebSocketClient, connect, request, serving, text};
use std::io::{Read, Write};
use vagus_test_support::{TestServer, eventually_equal, http};

/// The answer to this, up to the end of the stream.
fn answer(server: &TestServer, asked: &str) -> String {
    let mut socket = connect(server);
    socket.write_all(asked.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn is_granted_and_greeted() {
    let server = serving("headers { X-One: two }", "");
    let (client, info) = WebSocketClient::informed(&server, &[]);
    assert!(
        client
            .answer
            .contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
    );
    assert!(client.answer.contains("\r\nX-One: two\r\n"));
    let port = server.websocket_address().unwrap().port();
    assert!(
        info.contains(&format!(r#""host":"127.0.0.1","port":{port},"#)),
        "{info}"
    );
    assert!(info.contains(r#""client_ip":"127.0.0.1""#), "{info}");
    assert!(!info.contains("tls_"), "{info}");
}

#[test]
fn is_refused_with_the_reason_in_the_status() {
    let server = serving("allowed_origins: \"http://good.example\"", "");
    let get = request("/", &[]);
    for (asked, status) in [
        (get.replace("GET", "POST"), "405 Method Not Allowed"),
        (get.replace("Upgrade: websocket\r\n", ""), "400 Bad Request"),
        (get.replace("Version: 13", "Version: 8"), "400 Bad Request"),
        (
            get.replace("Host: a.example\r\n", ""),
            "400 Bad Request: missing required Host header",
        ),
        (request("/mqtt", &[]), "404 Not Found"),
        (request("/", &[("Origin", "http://bad.example")]), "403 Forbidden"),
        ("CONNECT {}\r\nPING\r\n".to_owned(), "400 Bad Request"),
        (
            request("/", &[("Cookie", &"x".repeat(40_000))]),
            "431 Request Header Fields Too Large",
        ),
    ] {
        let answer = answer(&server, &asked);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{answer} instead of {status}"
        );
    }
    WebSocketClient::upgraded(&server, &[("Origin", "http://good.example")]);
    WebSocketClient::connected(&server);
    server.expect_nothing_left();
}

/// As nats-server without them.
#[test]
fn leaf_nodes_are_let_in_and_sent_away() {
    let server = serving("", "");
    let answer = answer(&server, &request("/leafnode", &[]));
    assert!(
        answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[test]
fn nobody_says_anything_before_the_answer() {
    let server = serving("", "");
    assert_eq!(answer(&server, &(request("/", &[]) + "x")), "");
}

#[test]
fn a_request_has_to_come_in_time() {
    let server = serving("handshake_timeout: 100ms", "");
    for part in ["", "GET / HTTP/1.1\r\n"] {
        assert_eq!(answer(&server, part), "");
    }
    // Who is in is in.
    WebSocketClient::connected(&server);
    server.expect_nothing_left();
}

#[test]
fn who_is_one_too_many_is_told() {
    let server = serving("", "max_connections: 1");
    let client = server.connected();
    let refused = http(server.websocket_address().unwrap(), "GET", "/", &[]);
    assert_eq!(refused.status, 503);
    drop(client);
    eventually_equal(|| server.connections().len(), 0);
    WebSocketClient::connected(&server);
}

/// The ports are of one server: its clients are counted together, and leave together.
#[test]
fn lame_duck_mode_is_told_to_all() {
    let server = vagus_test_support::server()
        .configured(&text("", "lame_duck_duration: 30s\nlame_duck_grace_period: 10s"))
        .start();
    let (mut client, _) = WebSocketClient::informed(&server, &[]);
    client.send("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\n");
    client.expect("PONG\r\n");
    client.info();
    server.enter_lame_duck_mode();
    assert!(client.info().contains(r#""ldm":true"#));
    assert!(std::net::TcpStream::connect(server.websocket_address().unwrap()).is_err());
}

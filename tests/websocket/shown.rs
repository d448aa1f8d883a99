//! What monitoring shows of WebSocket.

use crate::client::{WebSocketClient, text};
use serde_json::json;

#[test]
fn connections_and_settings() {
    let websocket =
        "compression: true, same_origin: true, allowed_origins: [\"http://a\"], handshake_timeout: 3s
        headers { A: b }, user_cookie: c, authorization { user: u, password: hidden, timeout: 2 }";
    let server = vagus_test_support::server()
        .configured(&text(websocket, ""))
        .monitoring()
        .start();
    let (mut client, _) = WebSocketClient::informed(&server, &[]);
    client.send("CONNECT {\"verbose\":false,\"user\":\"u\",\"pass\":\"hidden\"}\r\nPING\r\n");
    client.expect("PONG\r\n");
    let other = server.connected();
    let connections = server.get("/connz").json();
    let mut kinds: Vec<_> = connections["connections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["type"])
        .collect();
    kinds.sort_by_key(|kind| kind.to_string());
    assert_eq!(kinds, ["nats", "websocket"]);
    let varz = server.get("/varz");
    let port = server.websocket_address().unwrap().port();
    assert_eq!(
        varz.json()["websocket"],
        json!({
            "host": "127.0.0.1", "port": port, "handshake_timeout": 3_000_000_000_u64, "auth_timeout": 2,
            "no_tls": true, "same_origin": true, "allowed_origins": ["http://a"], "compression": true,
        })
    );
    assert!(!varz.body.contains("hidden"));
    drop(other);
    let without = vagus_test_support::server().monitoring().start();
    assert_eq!(without.get("/varz").json()["websocket"], json!({}));
}

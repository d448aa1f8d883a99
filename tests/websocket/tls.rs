//! Over TLS, from the first byte on.

use crate::client::{CONNECT, WebSocketClient, connect};
use std::io::{Read, Write};
use vagus_configs::{Listen, Port, WebSocket};
use vagus_test_support::{BlockingTls, TestServer};
use vagus_tls::testing::{Authority, request};
use vagus_tls::{Connector, Settings, TlsStream};

fn serving(settings: Settings, compresses: bool) -> TestServer {
    let mut websocket = WebSocket::at(Listen {
        host: "127.0.0.1".to_owned(),
        port: Port::Free,
    });
    websocket.tls = Some(settings);
    websocket.upgrade.is_secure = true;
    websocket.upgrade.compresses = compresses;
    vagus_test_support::server()
        .set(|config| config.websocket = Some(websocket))
        .start()
}

fn secured(server: &TestServer, authority: &Authority) -> BlockingTls {
    let connector = Connector::new(&Settings {
        ca: Some(authority.ca()),
        ..Settings::default()
    });
    let ssl = connector.unwrap().start("localhost").unwrap();
    BlockingTls::handshake(TlsStream::new(ssl, connect(server)).unwrap()).unwrap()
}

#[test]
fn what_is_said_is_the_same() {
    let authority = Authority::new("ca");
    let certificate = authority.issue(&request("server").host("localhost"));
    for compresses in [false, true] {
        let settings = Settings {
            certificates: vec![certificate.pair()],
            ..Settings::default()
        };
        let server = serving(settings, compresses);
        let line = secured(&server, &authority);
        let mut client = WebSocketClient::on(Box::new(line), &[crate::client::COMPRESSED]);
        let info = client.info();
        assert!(
            info.contains(r#""tls_required":true,"tls_available":true"#),
            "{info}"
        );
        client.send(CONNECT);
        client.expect("PONG\r\n");
        client.send("SUB large 1\r\nPING\r\n");
        client.expect("PONG\r\n");
        let payload = vec![b'x'; 300_000];
        client.send(&format!(
            "PUB large 300000\r\n{}\r\nPING\r\n",
            "x".repeat(300_000)
        ));
        client.expect_bytes(&[b"MSG large 1 300000\r\n", &payload[..], b"\r\nPONG\r\n"].concat());
        client.send("NONSENSE\r\n");
        client.expect_closed(1002, "Protocol Violation");
        // In clear nobody is heard, and other clients speak none.
        let mut plain = connect(&server);
        plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        let _ = plain.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP"));
        server.expect_to_serve();
        drop(client);
        server.expect_nothing_left();
    }
}

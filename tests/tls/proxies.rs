//! A proxy says for whom it connects, in either version, before plain text and before TLS; who comes without is served
//! as well; and who begins a header and does not end it well is sent away.

use crate::world::{CONNECT, World};
use vagus_test_support::{Client, server};
use vagus_tls::HandshakeFirst;

const VERSION_1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 51000 4222\r\n";

fn version_2(more: u16) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11".to_vec();
    header.extend((12 + more).to_be_bytes());
    header.extend([192, 0, 2, 7, 198, 51, 100, 1, 0xc7, 0x38, 0x10, 0x7e]);
    header.resize(header.len() + usize::from(more), 0xee);
    header
}

fn headers() -> [Vec<u8>; 3] {
    [VERSION_1.to_vec(), version_2(0), version_2(20_000)]
}

#[test]
fn in_the_clear() {
    let server = server().proxy_protocol().start();
    for (number, header) in headers().into_iter().enumerate() {
        let mut client = server.client();
        // The address would be that of the proxy.
        assert!(!client.info().contains("client_ip"), "{}", client.info());
        let options = format!(r#"{{"verbose":false,"protocol":1,"name":"{number}"}}"#);
        // Some of what follows comes with the header.
        let everything = [
            header.as_slice(),
            format!("CONNECT {options}\r\nPING\r\n").as_bytes(),
        ]
        .concat();
        client.send_bytes(&everything);
        client.expect("PONG");
        client.read_info();
        assert!(
            client.info().contains(r#""client_ip":"192.0.2.7""#),
            "{}",
            client.info()
        );
        let peer = server.connection(&number.to_string()).unwrap().peer;
        assert_eq!(peer.to_string(), "192.0.2.7:51000");
    }
}

#[test]
fn byte_by_byte() {
    let server = server().proxy_protocol().start();
    for header in [VERSION_1.to_vec(), version_2(3)] {
        let mut client = server.client();
        for byte in &header {
            client.send_bytes(&[*byte]);
        }
        client.send(&format!("CONNECT {CONNECT}"));
        client.sync_silent();
    }
}

#[test]
fn before_tls() {
    let world = World::new();
    for allow_non_tls in [false, true] {
        let settings = world.with(|tls| tls.allow_non_tls = allow_non_tls);
        let server = server().tls(settings).proxy_protocol().start();
        for (number, header) in headers().into_iter().enumerate() {
            let mut client = server.client();
            client.send_bytes(&header);
            let options = format!(r#"{{"verbose":false,"name":"{number}"}}"#);
            let mut client = client.secured(&world.connector()).connect(&options);
            client.sync_silent();
            let state = server.connection(&number.to_string()).unwrap();
            assert_eq!(state.peer.to_string(), "192.0.2.7:51000");
            assert!(state.tls.is_some());
        }
        if allow_non_tls {
            let mut plain = server.client();
            plain.send_bytes(VERSION_1);
            plain.send(&format!("CONNECT {CONNECT}"));
            plain.sync_silent();
        }
    }
}

#[test]
fn before_tls_that_comes_first() {
    let world = World::new();
    let settings = world.with(|tls| tls.handshake_first = HandshakeFirst::On);
    let server = server().tls(settings).proxy_protocol().start();
    for header in headers() {
        let mut client = Client::silent(server.client_address());
        client.send_bytes(&header);
        let mut client = client.secured(&world.connector());
        client.read_info();
        assert!(
            client.info().contains(r#""client_ip":"192.0.2.7""#),
            "{}",
            client.info()
        );
        client.connect(CONNECT).sync_silent();
    }
}

#[test]
fn of_the_proxy_itself() {
    let server = server().proxy_protocol().start();
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0".as_slice();
    for header in [b"PROXY UNKNOWN\r\n".as_slice(), local] {
        let mut client = server.client();
        client.send_bytes(header);
        client.send(r#"CONNECT {"verbose":false,"name":"itself"}"#);
        client.sync_silent();
        assert!(server.connection("itself").unwrap().peer.ip().is_loopback());
        drop(client);
        server.expect_nothing_left();
    }
}

#[test]
fn none_at_all() {
    let server = server().proxy_protocol().start();
    server.connected().sync_silent();
    let mut client = server.client();
    client.send("PING");
    client.expect("PONG");
}

#[test]
fn that_are_none() {
    let server = server().proxy_protocol().start();
    for bad in [
        b"PROXY TCP4 nowhere 198.51.100.1 51000 4222\r\n".as_slice(),
        b"PROXY TCP4 192.0.2.7\r\n",
        &[b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat(),
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c",
    ] {
        let mut client = server.client();
        client.send_bytes(bad);
        assert_eq!(client.closed(), "");
    }
    let mut client = server.client();
    client.send_bytes(&VERSION_1[..20]);
    client.end();
    assert_eq!(client.closed(), "");
    server.expect_nothing_left();
}

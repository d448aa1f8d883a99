//! Messages are compressed for those who ask for it, where that is configured.

use crate::client::{COMPRESSED, CONNECT, WebSocketClient, masked, serving};
use vagus_websocket::deflate::Deflater;

const ON: &str = "compression: true";

#[test]
fn both_ways_and_only_what_is_worth_it() {
    let server = serving(ON, "");
    let (mut client, _) = WebSocketClient::informed(&server, &[COMPRESSED]);
    client.send_compressed(CONNECT.as_bytes());
    assert_eq!(client.read_data(), 0x82);
    client.expect("PONG\r\n");
    client.send_compressed(b"SUB big 1\r\nPING\r\n");
    client.expect("PONG\r\n");
    for size in [10, 1000, 65_536, 300_000] {
        let line = format!("PUB big {size}\r\n");
        client.send_compressed(&[line.as_bytes(), &vec![b'x'; size], b"\r\n"].concat());
        let first = client.read_data();
        assert_eq!(first, if size > 64 { 0xc2 } else { 0x82 });
        let line = format!("MSG big 1 {size}\r\n");
        client.expect_bytes(&[line.as_bytes(), &vec![b'x'; size], b"\r\n"].concat());
    }
    // What is not compressed may come as well.
    client.send("PING\r\n");
    client.expect("PONG\r\n");
}

/// And anything else between.
#[test]
fn a_message_may_come_in_parts() {
    let server = serving(ON, "");
    let (mut client, _) = WebSocketClient::informed(&server, &[COMPRESSED]);
    client.send(CONNECT);
    client.expect("PONG\r\n");
    let mut random = vagus_test_support::Rng::with_seed(3);
    let mut payload = vec![0; 200_000];
    random.fill(&mut payload);
    let said = [b"SUB a 1\r\nPUB a 200000\r\n", &payload[..], b"\r\nPING\r\n"].concat();
    let expected = [b"MSG a 1 200000\r\n", &payload[..], b"\r\nPONG\r\nPONG\r\n"].concat();
    let mut compressed = Vec::new();
    Deflater::default().append(&said, &mut compressed);
    for most in [100, 5_000, 70_000] {
        let mut frames = Vec::new();
        let parts = compressed.chunks(most);
        let last = parts.len() - 1;
        for (place, part) in parts.enumerate() {
            let first = if place == 0 { 0x42 } else { 0 } | if place == last { 0x80 } else { 0 };
            frames.extend_from_slice(&masked(first, part));
            if place == last / 2 && place != last {
                frames.extend_from_slice(&masked(0x8a, b"unasked"));
            }
        }
        frames.extend_from_slice(&masked(0x82, b"PING\r\n"));
        client.write(&frames);
        client.expect_bytes(&expected);
    }
}

#[test]
fn is_not_for_those_who_have_not_asked() {
    for (websocket, headers) in [(ON, &[][..]), ("", &[COMPRESSED][..])] {
        let server = serving(websocket, "");
        let (mut client, _) = WebSocketClient::informed(&server, headers);
        assert!(!client.answer.contains("Extensions"));
        client.send_compressed(CONNECT.as_bytes());
        let reason = "compressed frame received without negotiated permessage-deflate";
        client.expect_closed(1002, reason);
    }
}

#[test]
fn has_bounds() {
    let server = serving(ON, "max_payload: 1000");
    let bomb = b"PING\r\n".repeat(2000);
    for (message, status, reason) in [
        (&bomb[..], 1009, "maximum payload exceeded"),
        (&b"PING\r\n".repeat(10), 0, ""),
    ] {
        let (mut client, _) = WebSocketClient::informed(&server, &[COMPRESSED]);
        client.send_compressed(message);
        match status {
            0 => client.expect(&"PONG\r\n".repeat(10)),
            status => client.expect_closed(status, reason),
        }
    }
    let (mut client, _) = WebSocketClient::informed(&server, &[COMPRESSED]);
    client.write(&masked(0xc2, b"not compressed at all, and much of it"));
    client.expect_closed(1007, "invalid compressed message");
    server.expect_nothing_left();
}

//! A bad peer costs only itself.

use crate::client::{CLOSE, COMPRESSED, PING, WebSocketClient, connect, masked, request, serving};
use std::io::{Read, Write};
use vagus_test_support::{Rng, eventually, random_bytes};

#[test]
fn breaches_of_the_rules_are_told_and_closed() {
    let server = serving("", "");
    for (bytes, reason) in [
        (&b"\x82\x06PING\r\n"[..], "mask bit missing"),
        (&masked(0x92, b"PING\r\n"), "RSV2 and RSV3 must be clear"),
        (&masked(0x85, b"PING\r\n"), "unknown opcode 5"),
        (&masked(0x80, b"PING\r\n"), "invalid continuation frame"),
        (
            &masked(PING, &[b'x'; 126]),
            "control frame length bigger than maximum allowed of 125 bytes",
        ),
        (&masked(0x09, b"x"), "control frame does not have final bit set"),
        (&masked(CLOSE, b"x"), "close frame payload cannot be 1 byte"),
        (&masked(CLOSE, b"\x03\xed"), "invalid close status code 1005"),
        (
            &b"\x82\xff\xff\0\0\0\0\0\0\0abcd"[..],
            "invalid 64-bit payload length",
        ),
    ] {
        let mut client = WebSocketClient::connected(&server);
        // What was said before counts.
        client.write(&[&masked(0x82, b"PING\r\n"), bytes].concat());
        client.expect("PONG\r\n");
        client.expect_closed(1002, reason);
    }
    server.expect_to_serve();
    server.expect_nothing_left();
}

/// With the header of a frame of exabytes nothing is held.
#[test]
fn what_is_only_announced_costs_nothing() {
    let server = serving("", "");
    let mut clients: Vec<_> = (0..20).map(|_| WebSocketClient::connected(&server)).collect();
    for client in &mut clients {
        client.write(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffabcd");
        client.write(&masked(0, b"")[2..]);
    }
    server.expect_to_serve();
    drop(clients);
    server.expect_nothing_left();
}

/// Answers to pings that nobody reads are not kept without end, nor anything else.
#[test]
fn pings_without_end() {
    let server = serving("", "write_deadline: 60s");
    let mut peer = connect(&server);
    peer.write_all(request("/", &[]).as_bytes()).unwrap();
    // The answer, and not all of INFO.
    peer.read_exact(&mut [0; 150]).unwrap();
    peer.set_nonblocking(true).unwrap();
    let pings = masked(PING, &[b'x'; 125]).repeat(500);
    let mut sent = 0_usize;
    // They are read for as long as they come, whether or not the answers are.
    eventually(|| {
        // In whole frames or not, until enough were sent.
        if let Ok(count) = peer.write(&pings[sent % pings.len()..]) {
            sent += count;
        }
        sent > 20 << 20
    });
    assert!(server.most_pending() < 1 << 20);
    server.expect_to_serve();
    drop(peer);
    server.expect_nothing_left();
}

#[test]
fn junk() {
    let server = serving("compression: true", "");
    let mut random = Rng::with_seed(20);
    for round in 0..60 {
        let mut peer = connect(&server);
        let length = random.usize(1..3000);
        let mut bytes = random_bytes(&mut random, length);
        if round % 3 > 0 {
            let headers = [COMPRESSED];
            let mut junk = request("/", if round % 2 == 0 { &headers } else { &[] }).into_bytes();
            if peer.write_all(&junk).is_err() {
                continue;
            }
            // Valid frames of junk get further.
            let first = [0x82, 0xc2, 0x02, 0x89][random.usize(..4)];
            junk = masked(first, &bytes);
            bytes = junk;
        }
        // Where the server has closed meanwhile, that is as well.
        let _ = peer.write_all(&bytes);
    }
    server.expect_to_serve();
    server.expect_nothing_left();
}

/// A request is a request in whatever pieces.
#[test]
fn byte_by_byte() {
    let server = serving("", "");
    let mut peer = connect(&server);
    for byte in request("/", &[("Cookie", &"x".repeat(2000))]).bytes() {
        peer.write_all(&[byte]).unwrap();
    }
    let mut answer = [0; 13];
    peer.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101 ");
}

/// Each holds up only itself: slow requests, and readers that read nothing.
#[test]
fn peers_that_do_nothing() {
    let server = serving("", "");
    let silent: Vec<_> = (0..100)
        .map(|number| {
            let mut peer = connect(&server);
            let request = request("/", &[]);
            let length = number % request.len();
            peer.write_all(&request.as_bytes()[..length]).unwrap();
            peer
        })
        .collect();
    let mut client = WebSocketClient::connected(&server);
    client.send("SUB a 1\r\nPUB a 2\r\nhi\r\n");
    client.expect("MSG a 1 2\r\nhi\r\n");
    server.expect_to_serve();
    drop((client, silent));
    server.expect_nothing_left();
}

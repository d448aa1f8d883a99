//! Random bytes, and random damage to what is valid: whatever comes of it, the server lives and forgets it.

use std::thread;
use vagus_test_support::{Rng, random_bytes, server};

const VALID: &[u8] = b"CONNECT {\"verbose\":false,\"headers\":true}\r\nPING\r\nSUB a.* workers 1\r\nSUB a.> 2\r\n\
                       PUB a.b c.d 5\r\nhello\r\nHPUB a.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\nUNSUB 2 3\r\nPUB a.c 0\r\n\r\n\
                       UNSUB 1\r\nPONG\r\n+OK\r\nPUB a.b 3\r\nabc\r\nSUB b 3\r\nPING\r\n";

/// One to four bytes are changed, left out, doubled or put in; then it is cut somewhere.
fn damaged(random: &mut Rng) -> Vec<u8> {
    let mut bytes = VALID.to_vec();
    for _ in 0..1 + random.usize(..4) {
        let at = random.usize(..bytes.len());
        match random.usize(..4) {
            0 => bytes[at] = random.u8(..),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, bytes[at]),
            _ => bytes.insert(at, *random.choice(b"\r\n \t09*>.\0\xff").unwrap()),
        }
    }
    bytes.truncate(1 + random.usize(..bytes.len()));
    bytes
}

#[test]
fn damage_to_what_is_valid() {
    let server = server().arbiters(2).start();
    thread::scope(|scope| {
        for thread in 0..4 {
            let server = &server;
            scope.spawn(move || {
                let mut random = Rng::with_seed(thread);
                for _ in 0..300 {
                    let mut client = server.client();
                    let bytes = damaged(&mut random);
                    let cut = random.usize(..bytes.len());
                    client.try_send_bytes(&bytes[..cut]);
                    client.try_send_bytes(&bytes[cut..]);
                    client.end();
                    // Nothing but valid frames comes back, and the end.
                    let (mut reader, _writer) = client.split();
                    while reader.next_or_end().is_some() {}
                }
            });
        }
    });
    server.expect_to_serve();
    server.expect_nothing_left();
}

#[test]
fn bytes() {
    let server = server().arbiters(2).start();
    let mut random = Rng::with_seed(7);
    for _ in 0..300 {
        let mut client = server.client();
        let length = 1 + random.usize(..2000);
        let mut bytes = random_bytes(&mut random, length);
        if random.bool() {
            // So that more than the first byte is looked at.
            bytes.splice(
                0..0,
                random
                    .choice([&b"PUB "[..], b"SUB ", b"CONNECT ", b"INFO {", b"H"])
                    .unwrap()
                    .to_vec(),
            );
        }
        client.try_send_bytes(&bytes);
        client.end();
        client.closed();
    }
    server.expect_to_serve();
    server.expect_nothing_left();
}

//! Random bytes, and random damage to what is valid: whatever comes of it, the server lives and forgets it.

use std::thread;
use vagus_test_support::{Random, server};

const VALID: &[u8] = b"CONNECT {\"verbose\":false,\"headers\":true}\r\nPING\r\nSUB a.* workers 1\r\nSUB a.> 2\r\n\
                       PUB a.b c.d 5\r\nhello\r\nHPUB a.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\nUNSUB 2 3\r\nPUB a.c 0\r\n\r\n\
                       UNSUB 1\r\nPONG\r\n+OK\r\nPUB a.b 3\r\nabc\r\nSUB b 3\r\nPING\r\n";

/// One to four bytes are changed, left out, doubled or put in; then it is cut somewhere.
fn damaged(random: &mut Random) -> Vec<u8> {
    let mut bytes = VALID.to_vec();
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len());
        match random.below(4) {
            0 => bytes[at] = random.below(256) as u8,
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, bytes[at]),
            _ => bytes.insert(at, *random.choose(b"\r\n \t09*>.\0\xff")),
        }
    }
    bytes.truncate(1 + random.below(bytes.len()));
    bytes
}

#[test]
fn damage_to_what_is_valid() {
    let server = server().arbiters(2).start();
    thread::scope(|scope| {
        for thread in 0..4 {
            let server = &server;
            scope.spawn(move || {
                let mut random = Random::new(thread);
                for _ in 0..300 {
                    let mut client = server.client();
                    let bytes = damaged(&mut random);
                    let cut = random.below(bytes.len());
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
    let mut random = Random::new(7);
    for _ in 0..300 {
        let mut client = server.client();
        let length = 1 + random.below(2000);
        let mut bytes = random.bytes(length);
        if random.below(2) == 0 {
            // So that more than the first byte is looked at.
            bytes.splice(
                0..0,
                random
                    .choose(&[&b"PUB "[..], b"SUB ", b"CONNECT ", b"INFO {", b"H"])
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

//! What is not NATS at all ends the connection at once.

use vagus_test_support::{Rng, TestServer, eventually_equal, random_bytes, server};

/// Sends it to a fresh connection; what the server says before it closes.
fn say(server: &TestServer, bytes: &[u8]) -> String {
    let mut client = server.client();
    client.try_send_bytes(bytes);
    client.closed()
}

#[test]
fn of_other_protocols() {
    let server = server().arbiters(2).start();
    let others: [&[u8]; 9] = [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
        b"POST /varz HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"HEAD / HTTP/1.0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04test",
        b"*1\r\n$4\r\nINFOO\r\n",
        b"EHLO localhost\r\n",
        b"\0",
    ];
    for bytes in others {
        assert_eq!(
            say(&server, bytes),
            "-ERR 'Unknown Protocol Operation'\r\n",
            "{}",
            bytes.escape_ascii()
        );
    }
    let closed = || {
        server
            .monitor()
            .unwrap()
            .closed
            .get("Protocol Violation")
            .copied()
    };
    eventually_equal(closed, Some(others.len() as u64));
    server.expect_to_serve();
    server.expect_nothing_left();
}

/// Every first byte there is, alone and before a valid line.
#[test]
fn of_single_bytes() {
    let server = server().start();
    for byte in 0..=255_u8 {
        let may_begin = b"CHIPSUchipsu+-\r\n \t".contains(&byte);
        if !may_begin {
            assert_eq!(
                say(&server, &[byte]),
                "-ERR 'Unknown Protocol Operation'\r\n",
                "{byte}"
            );
        }
        let mut client = server.client();
        client.try_send_bytes(&[byte]);
        client.try_send_bytes(b"PING\r\n");
    }
    server.expect_to_serve();
    server.expect_nothing_left();
}

/// A megabyte of anything after what was valid, with a subscription that was in force.
#[test]
fn behind_something_valid() {
    let server = server().arbiters(2).start();
    for seed in 0..8 {
        let mut client = server.connected();
        client.subscribe("a.>", "1");
        client.join("a.*", "workers", "2");
        client.publish("a.b", b"");
        client.messages(2);
        client.try_send_bytes(b"\xff\xfe");
        client.try_send_bytes(&random_bytes(&mut Rng::with_seed(seed), 1024 * 1024));
        assert_eq!(client.closed(), "-ERR 'Unknown Protocol Operation'\r\n");
    }
    server.expect_to_serve();
    server.expect_nothing_left();
}

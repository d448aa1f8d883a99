//! A payload or a control line over its limit ends the connection, told why; one at the limit does not.

use vagus_test_support::{eventually_equal, server};

#[test]
fn of_payloads() {
    let server = server().max_payload(16).start();
    let mut client = server.connected();
    assert!(
        client.info().contains(r#""max_payload":16,"#),
        "{}",
        client.info()
    );
    client.subscribe("a", "1");
    client.send("PUB a 16\r\n0123456789abcdef\r\nHPUB a 12 16\r\nNATS/1.0\r\n\r\n0123");
    client.expect("MSG a 1 16\r\n0123456789abcdef\r\nHMSG a 1 12 16\r\nNATS/1.0\r\n\r\n0123");
    // Told before any of it has been sent.
    client.send("PUB a 17");
    assert_eq!(client.closed(), "-ERR 'Maximum Payload Violation'\r\n");
    let mut client = server.connected();
    client.send("HPUB a 12 17");
    assert_eq!(client.closed(), "-ERR 'Maximum Payload Violation'\r\n");
    let closed = || {
        server
            .monitor()
            .unwrap()
            .closed
            .get("Maximum Message Payload Exceeded")
            .copied()
    };
    eventually_equal(closed, Some(2));
}

#[test]
fn of_control_lines() {
    let server = server().max_control_line(64).start();
    let mut client = server.client();
    client.send(r#"CONNECT {"verbose":false}"#);
    let subject = "s".repeat(60);
    client.send(&format!("SUB {subject} 1\r\nPUB {subject} 2\r\nhi"));
    client.expect(&format!("MSG {subject} 1 2\r\nhi"));
    client.send(&format!("SUB {}s 123", subject));
    assert_eq!(client.closed(), "-ERR 'maximum control line exceeded'\r\n");
    let closed = || {
        server
            .monitor()
            .unwrap()
            .closed
            .get("Maximum Control Line Exceeded")
            .copied()
    };
    eventually_equal(closed, Some(1));
}

/// A line that never ends is not waited for.
#[test]
fn of_control_lines_without_an_end() {
    for beginning in ["SUB ", "PUB ", "HPUB ", "CONNECT ", "UNSUB "] {
        let server = server().max_control_line(512).start();
        let mut client = server.client();
        client.send_bytes(beginning.as_bytes());
        client.send_bytes("x".repeat(600).as_bytes());
        assert_eq!(
            client.closed(),
            "-ERR 'maximum control line exceeded'\r\n",
            "{beginning}"
        );
    }
}

/// A server may allow lines longer than what its buffers hold of an unfinished frame: they are carried over
/// all the same, however they are cut.
#[test]
fn of_control_lines_that_may_be_very_long() {
    const LONGEST: usize = 200_000;
    let server = server().max_control_line(LONGEST).start();
    let mut fence = server.connected();
    let mut publisher = server.connected();
    for length in [1_000, 16_000, 16_384, 17_000, 70_000, 190_000] {
        let subject = "s".repeat(length);
        let mut client = server.connected();
        let line = format!("SUB {subject} 1\r\nPING\r\n");
        for part in line.as_bytes().chunks(7_000) {
            client.send_bytes(part);
            fence.sync_silent();
        }
        client.expect("PONG");
        publisher.publish(&subject, b"hi");
        assert_eq!(client.message().subject.len(), length);
        client.send_bytes(&b"x".repeat(LONGEST + 10));
        assert_eq!(client.closed(), "-ERR 'Unknown Protocol Operation'\r\n");
    }
}

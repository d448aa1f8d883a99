//! Limits hold for those who are connected, from the moment they are set.

use std::time::Duration;
use vagus_test_support::{Frame, eventually_equal, server};

#[test]
fn of_payloads_and_lines() {
    let server = server().max_control_line(64).start();
    let mut told = server.client().connect(r#"{"verbose":false,"protocol":1}"#);
    told.send("PING");
    told.expect("PONG");
    assert!(matches!(told.next_frame(), Frame::Info(_)));
    let mut config = server.reloads().unwrap().current.config.clone();
    config.limits.max_control_line = 40_000;
    config.limits.max_payload = 8;
    server.reload(config.clone()).unwrap();
    // Who understands it is told what may be sent from now on.
    let Frame::Info(info) = told.next_frame() else {
        panic!("the client is not told");
    };
    assert!(info.contains(r#""max_payload":8"#), "{info}");

    // Longer than what is usually carried over from one read to the next.
    let subject = "a".repeat(30_000);
    let (head, tail) = subject.split_at(20_000);
    told.send_bytes(format!("SUB {head}").as_bytes());
    eventually_equal(|| server.connections().len(), 1);
    told.send_bytes(format!("{tail} 7\r\nPUB {subject} 2\r\nhi\r\n").as_bytes());
    told.expect(&format!("MSG {subject} 7 2\r\nhi"));
    told.send_bytes(b"PUB x 9\r\n123456789\r\n");
    told.expect("-ERR 'Maximum Payload Violation'");
    assert_eq!(told.closed(), "");
}

#[test]
fn of_lines_that_get_shorter() {
    let server = server().start();
    let mut client = server.connected();
    let mut config = server.reloads().unwrap().current.config.clone();
    config.limits.max_control_line = 16;
    server.reload(config).unwrap();
    client.sync_silent();
    client.send("SUB a.subject.that.is.too.long 1");
    client.expect("-ERR 'maximum control line exceeded'");
}

#[test]
fn of_subscriptions() {
    let server = server().start();
    let mut client = server.connected();
    client.subscribe("a", "1");
    let mut config = server.reloads().unwrap().current.config.clone();
    config.limits.max_subscriptions = 1;
    server.reload(config).unwrap();
    client.sync_silent();
    client.send("SUB b 2");
    client.expect("-ERR 'maximum subscriptions exceeded'");
}

#[test]
fn of_pings() {
    let server = server().pings(Duration::from_secs(3600), 2).start();
    let mut client = server.connected();
    let mut config = server.reloads().unwrap().current.config.clone();
    config.limits.ping_interval = Duration::from_millis(50);
    config.limits.ping_max = 1;
    server.reload(config).unwrap();
    client.expect("-ERR 'Stale Connection'");
}

#[test]
fn of_what_may_wait() {
    let server = server().start();
    let mut slow = server.connected_with_little_room();
    slow.subscribe("a", "1");
    let mut config = server.reloads().unwrap().current.config.clone();
    config.limits.max_pending = 2 * 1024 * 1024;
    config.limits.max_payload = 1024 * 1024;
    server.reload(config).unwrap();
    let mut publisher = server.connected();
    let payload = vec![b'x'; 1024 * 1024];
    // Far less than what might have waited before.
    for _ in 0..16 {
        publisher.publish("a", &payload);
    }
    publisher.sync_silent();
    eventually_equal(
        || {
            server
                .monitor()
                .and_then(|monitor| monitor.closed.get("Slow Consumer (Pending Bytes)").copied())
        },
        Some(1),
    );
}

//! The sums of all connections, those that are gone included.

use vagus_test_support::server;

#[test]
fn is_summed_up() {
    let server = server().arbiters(2).start();
    let shown = || {
        let traffic = server.traffic();
        [
            (traffic.messages_in, traffic.payload_in),
            (traffic.messages_out, traffic.payload_out),
        ]
    };
    assert_eq!(shown(), [(0, 0), (0, 0)]);
    let mut expected = [(0, 0), (0, 0)];
    for arbiter in [0, 1] {
        let mut publisher = server.connected_on(arbiter);
        let mut subscriber = server.connected_on(arbiter);
        subscriber.send("SUB a 1\r\nSUB * 2\r\nSUB a workers 3\r\nSUB a 4\r\nUNSUB 4 1");
        subscriber.sync_silent();
        publisher.send_bytes(b"PUB a 4\r\nfour\r\n".repeat(100).as_slice());
        publisher.publish("nobody.wants.it", &[b'x'; 100]);
        publisher.send("HPUB a 12 16\r\nNATS/1.0\r\n\r\nfour");
        publisher.sync_silent();
        assert_eq!(subscriber.sync_messages().len(), 304);
        expected[0].0 += 102;
        expected[0].1 += 400 + 100 + 16;
        expected[1].0 += 304;
        expected[1].1 += 301 * 4 + 3 * 16;
        assert_eq!(shown(), expected);
    }
    // With the connections their traffic does not go away.
    server.expect_nothing_left();
    assert_eq!(shown(), expected);
}

/// A subject whose route is held needs no look into the index; one whose interest changed does.
#[test]
fn tells_routes_that_were_held_from_those_resolved() {
    let server = server().start();
    let mut client = server.connected();
    client.subscribe("a.*", "1");
    let publish = |client: &mut vagus_test_support::Client, subjects: &[&str]| {
        for subject in subjects {
            client.send(&format!("PUB {subject} 0\r\n"));
            client.message();
        }
        client.sync_silent();
        let traffic = server.traffic();
        (traffic.routes_resolved, traffic.routes_cached)
    };
    assert_eq!(publish(&mut client, &["a.1", "a.2"]), (2, 0));
    assert_eq!(publish(&mut client, &["a.1", "a.2", "a.1", "a.2"]), (2, 4));
    client.subscribe("b", "2");
    assert_eq!(
        publish(&mut client, &["a.1", "a.2"]),
        (2, 6),
        "interest in b changes nothing for a"
    );
    client.subscribe("a.3", "3");
    assert_eq!(publish(&mut client, &["a.1", "a.1"]), (3, 7));
}

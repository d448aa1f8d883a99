//! The sums of all connections, those that are gone included.

use vagus_test_support::{Client, server};

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

/// A subject that comes again needs no look into the index, unless interest in it has changed.
#[test]
fn tells_fanouts_that_were_held_from_those_resolved() {
    let server = server().start();
    let mut client = server.connected();
    client.subscribe("a.*", "1");
    let resolved_and_cached = |client: &mut Client, subjects: &[&str]| {
        let before = server.traffic();
        for subject in subjects {
            client.publish(subject, b"");
            client.message();
        }
        client.sync_silent();
        let after = server.traffic();
        (
            after.fanouts_resolved - before.fanouts_resolved,
            after.fanouts_cached - before.fanouts_cached,
        )
    };
    // Nothing is held before it came twice.
    let (resolved, cached) = resolved_and_cached(&mut client, &["a.1", "a.2", "a.1", "a.2"]);
    assert_eq!(resolved + cached, 4);
    assert!(resolved >= 2, "{resolved} were resolved");
    assert_eq!(
        resolved_and_cached(&mut client, &["a.1", "a.2", "a.1", "a.2"]),
        (0, 4)
    );
    client.subscribe("b", "2");
    assert_eq!(
        resolved_and_cached(&mut client, &["a.1", "a.2"]),
        (0, 2),
        "b is nothing to a"
    );
    client.subscribe("a.3", "3");
    assert_eq!(resolved_and_cached(&mut client, &["a.1", "a.1"]), (1, 1));
    client.subscribe("*.*.*", "4");
    assert_eq!(resolved_and_cached(&mut client, &["a.1", "a.1", "a.2"]), (2, 1));
}

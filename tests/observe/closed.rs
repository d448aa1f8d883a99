//! The Monitor counts every connection that ended, by the reason nats-server would give.

use std::collections::BTreeMap;
use std::time::Duration;
use vagus::CloseReason;
use vagus_test_support::{eventually_equal, server};

#[test]
fn by_reason() {
    let server = server().arbiters(2).max_payload(10).start();
    let ends: [(&str, &str); 7] = [
        ("PUB a 11\r\n", "Maximum Message Payload Exceeded"),
        ("what\r\n", "Protocol Violation"),
        ("PUB\r\n", "Protocol Violation"),
        ("-ERR 'no'\r\n", "Parse Error"),
        ("CONNECT {\"protocol\":7}\r\n", "Bad Client Protocol Version"),
        (
            "CONNECT {\"no_responders\":true}\r\n",
            "No Responders Requires Headers",
        ),
        ("CONNECT {}\r\n", "Client Closed"),
    ];
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for (said, reason) in ends {
        let mut client = server.client();
        client.try_send_bytes(said.as_bytes());
        if reason == "Client Closed" {
            client.end();
        }
        client.closed();
        *expected.entry(reason).or_default() += 1;
        eventually_equal(|| server.monitor().unwrap().closed, expected.clone());
    }
    let monitor = server.monitor().unwrap();
    assert_eq!(
        (monitor.connections, monitor.total_connections),
        (0, ends.len() as u64)
    );
}

/// Closing one from outside takes that one, for the reason given.
#[test]
fn on_request() {
    let server = server().arbiters(2).start();
    let mut stays = server.connected();
    let mut goes = server.connected();
    goes.subscribe("a", "1");
    assert!(server.close_connection(2, CloseReason::AuthenticationFailure));
    assert_eq!(goes.closed(), "");
    eventually_equal(
        || server.monitor().unwrap().closed,
        BTreeMap::from([("Authentication Failure", 1)]),
    );
    eventually_equal(|| server.router().unwrap().subscriptions, 0);
    assert!(
        !server.close_connection(2, CloseReason::AuthenticationFailure),
        "there is no such any more"
    );
    assert!(!server.close_connection(99, CloseReason::AuthenticationFailure));
    stays.sync_silent();
}

#[test]
fn stale_ones() {
    let server = server().pings(Duration::from_millis(30), 1).start();
    let mut silent = server.client();
    silent.closed();
    eventually_equal(
        || server.monitor().unwrap().closed,
        BTreeMap::from([("Stale Connection", 1)]),
    );
}

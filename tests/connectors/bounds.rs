//! What peers may cost.

use crate::peer::Peer;
use crate::{address, state};
use vagus_test_support::{eventually, server};

#[test]
fn there_are_no_more_peers_than_there_may_be() {
    let text = "connectors: [{id: lines, type: JSONLinesToNATS, listen: '127.0.0.1:-1', subject: s, max_connections: 2}]";
    let server = server().configured(text).start();
    let mut peers: Vec<Peer> = (0..2).map(|_| Peer::to(address(&server, "lines"))).collect();
    for peer in &mut peers {
        peer.send(b"{}\n");
    }
    eventually(|| state(&server, "lines").msg_in == 2);
    Peer::to(address(&server, "lines")).expect_end();
    let error = state(&server, "lines").last_error;
    assert_eq!(error.as_deref(), Some("maximum connections exceeded"));
    // Who leaves makes room.
    peers.pop();
    eventually(|| {
        let mut peer = Peer::to(address(&server, "lines"));
        peer.send(b"{}\n");
        drop(peer);
        state(&server, "lines").msg_in > 2
    });
}

#[test]
fn what_is_larger_than_messages_may_be_is_passed_over() {
    let text = "max_payload: 100\nconnectors: [{id: lines, type: JSONLinesToNATS, listen: '127.0.0.1:-1', subject: s}]";
    let server = server().configured(text).start();
    let mut client = server.connected();
    client.subscribe("s", "1");
    let mut peer = Peer::to(address(&server, "lines"));
    peer.send(format!("\"{}\"\n{{}}\n", "x".repeat(200)).as_bytes());
    assert_eq!(client.message().payload, b"{}");
    let state = state(&server, "lines");
    assert_eq!((state.msg_in, state.dropped), (1, 1));
    let error = state.last_error.unwrap();
    assert!(error.starts_with("Maximum Payload Violation: "), "{error}");
}

#[test]
fn a_line_that_is_too_long_ends_the_connection() {
    let text = "connectors: [{id: lines, type: JSONLinesToNATS, listen: '127.0.0.1:-1', subject: s, max_frame: 1000}]";
    let server = server().configured(text).start();
    let mut peer = Peer::to(address(&server, "lines"));
    peer.send(&[b'x'; 2000]);
    peer.expect_end();
    assert_eq!(
        state(&server, "lines").last_error.as_deref(),
        Some("a line is too long")
    );
}

//! Servers are brought what is published, also when they come and go.

use crate::peer::Peer;
use crate::state;
use bytes::{Bytes, BytesMut};
use std::net::TcpListener;
use vagus_forward::Limits;
use vagus_forward::framing::Framer;
use vagus_forward::message::{Frame, acknowledgement, read};
use vagus_forward::msgpack::{Reader, append_json};
use vagus_test_support::{TestServer, eventually, server};

const LIMITS: Limits = Limits {
    frame: 1 << 20,
    unpacked: 1 << 20,
};

pub(crate) fn listening() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn started(servers: &[&str], keys: &str) -> TestServer {
    let text = format!(
        "connectors: [{{id: out, type: NATSToForward, subject: 'logs.>', servers: {servers:?},
           retry_wait: '10ms', retry_max_interval: '20ms', flush_interval: '5ms' {keys}}}]"
    );
    let server = server().configured(&text).start();
    // What is published before is not brought.
    eventually(|| server.router().unwrap().subscriptions == 1);
    server
}

/// The next message of events: its tag, its chunk and its records.
#[track_caller]
pub(crate) fn next(peer: &mut Peer) -> (String, Option<Bytes>, Vec<String>) {
    let (mut framer, mut input) = (Framer::new(LIMITS.frame), BytesMut::new());
    loop {
        input.extend_from_slice(&peer.read(1));
        let Some(frame) = framer.take(&mut input).unwrap() else {
            continue;
        };
        let Frame::Events(message) = read(&frame, LIMITS).unwrap() else {
            continue;
        };
        let records = message.entries.map(|entry| {
            let mut json = Vec::new();
            assert!(append_json(&mut Reader::new(&entry.unwrap().record), &mut json));
            String::from_utf8(json).unwrap()
        });
        let tag = String::from_utf8(message.tag.to_vec()).unwrap();
        return (tag, message.chunk, records.collect());
    }
}

#[test]
fn a_server_is_brought_events() {
    let (listener, address) = listening();
    let server = started(
        &[&address],
        ", tag: 'nats.>', subject_key: subject, compress: gzip",
    );
    let mut client = server.connected();
    client.send("PUB logs.a 7\r\n{\"n\":1}\r\nPUB other 1\r\nx");
    let mut peer = Peer::at(&listener);
    let (tag, chunk, records) = next(&mut peer);
    assert_eq!((&*tag, chunk), ("nats.a", None));
    assert_eq!(records, [r#"{"n":1,"subject":"logs.a"}"#]);
    client.send("PUB logs.b 4\r\ntext");
    let (tag, _, records) = next(&mut peer);
    assert_eq!(tag, "nats.b");
    assert_eq!(records, [r#"{"message":"text","subject":"logs.b"}"#]);
    eventually(|| state(&server, "out").msg_out == 2);
    let state = state(&server, "out");
    assert_eq!((state.bytes_out, state.connects, state.errors), (11, 1, 0));
}

/// Of many messages none is lost, whatever becomes of the servers in the middle.
#[test]
fn what_is_not_acknowledged_comes_again_elsewhere() {
    let (first, second) = (listening(), listening());
    let server = started(&[&first.1, &second.1], ", require_ack: true");
    let mut client = server.connected();
    client.send("PUB logs.a 1\r\n1");
    let mut peer = Peer::at(&first.0);
    let (_, chunk, records) = next(&mut peer);
    // It has read it, and is gone before it has said so; nobody takes its place.
    drop((peer, first.0));
    let mut peer = Peer::at(&second.0);
    let again = next(&mut peer);
    assert_eq!((again.1.clone(), again.2), (chunk, records));
    peer.send(&acknowledgement(&again.1.unwrap()));
    eventually(|| state(&server, "out").msg_out == 1);
    let before = state(&server, "out");
    assert!(before.retries >= 1 && before.errors >= 1 && before.dropped == 0);
    // It goes on with who is there.
    for number in 2..50 {
        client.send(&format!("PUB logs.a 2\r\n{number:02}"));
    }
    let mut come = Vec::new();
    while come.len() < 48 {
        let (_, chunk, records) = next(&mut peer);
        come.extend(records);
        peer.send(&acknowledgement(&chunk.unwrap()));
    }
    let expected: Vec<String> = (2..50)
        .map(|number| format!(r#"{{"message":"{number:02}"}}"#))
        .collect();
    assert_eq!(come, expected);
}

#[test]
fn a_server_that_closes_the_connection_is_connected_to_anew() {
    let (listener, address) = listening();
    let server = started(&[&address], "");
    let mut client = server.connected();
    for number in 1..=3 {
        client.send(&format!("PUB logs.a 1\r\n{number}"));
        let mut peer = Peer::at(&listener);
        let (_, _, records) = next(&mut peer);
        assert_eq!(records, [format!(r#"{{"message":"{number}"}}"#)]);
        drop(peer);
        // It is noticed though there is nothing to bring.
        eventually(|| state(&server, "out").disconnects == number);
    }
}

/// What waits is bounded; the oldest make room, are counted, and cost nobody else anything.
#[test]
fn what_is_too_much_is_dropped_and_counted() {
    let (listener, address) = listening();
    drop(listener);
    let server = started(&[&address], ", max_pending: 64KB, chunk_limit_size: 1KB");
    let mut client = server.connected();
    let payload = "x".repeat(1000);
    for _ in 0..500 {
        client.send(&format!("PUB logs.a 1000\r\n{payload}"));
    }
    client.sync_silent();
    eventually(|| {
        let state = state(&server, "out");
        state.dropped > 300 && state.state == "failing"
    });
    let state = state(&server, "out");
    assert_eq!((state.msg_out, state.connected), (0, false));
    // And what one turn brings.
    assert!(
        state.pending_bytes <= 64 * 1024 + 256 * 1024,
        "{}",
        state.pending_bytes
    );
    assert!(
        state
            .last_error
            .unwrap()
            .starts_with(&format!("{address}: dial tcp "))
    );
    server.expect_to_serve();
}

#[test]
fn a_queue_group_has_one_copy() {
    let (listener, address) = listening();
    let connector = |id: &str| {
        format!(
            "{{id: {id}, type: NATSToForward, subject: 'logs.>', queuename: q, servers: '{address}', flush_interval: '5ms'}}"
        )
    };
    let text = format!("connectors: [{}, {}]", connector("a"), connector("b"));
    let server = server().configured(&text).start();
    eventually(|| server.router().unwrap().subscriptions == 2);
    let mut client = server.connected();
    for _ in 0..20 {
        client.send("PUB logs.a 1\r\nx");
    }
    client.sync_silent();
    let brought = || state(&server, "a").msg_out + state(&server, "b").msg_out;
    eventually(|| brought() >= 20);
    assert_eq!(brought(), 20);
    drop(listener);
}

#[test]
fn what_may_not_be_subscribed_to_is_not_brought() {
    let (listener, address) = listening();
    let server = started(&[&address], ", permissions: {subscribe: {deny: 'logs.secret'}}");
    let mut client = server.connected();
    client.send("PUB logs.secret 1\r\nx\r\nPUB logs.a 1\r\ny");
    let (tag, _, records) = next(&mut Peer::at(&listener));
    assert_eq!((&*tag, records.len()), ("logs.a", 1));
}

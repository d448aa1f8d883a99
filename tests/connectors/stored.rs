//! Peers of connectors to streams are told that events have arrived once a stream says that it has them.

use crate::peer::Peer;
use crate::{address, state};
use vagus_forward::message::acknowledgement;
use vagus_forward::msgpack::{write_map, write_str};
use vagus_test_support::{Client, Message, TestServer, eventually, server};

fn started(keys: &str) -> TestServer {
    let text = format!("connectors: [{{id: logs, type: ForwardToJetStream, listen: '127.0.0.1:-1' {keys}}}]");
    server().configured(&text).start()
}

/// Two events in a chunk.
fn events(chunk: &str) -> Vec<u8> {
    let mut out = b"\x93\xa1t\x92\x92\x05\x81\xa1n\x01\x92\x06\x81\xa1n\x02".to_vec();
    write_map(&mut out, 1);
    write_str(&mut out, b"chunk");
    write_str(&mut out, chunk.as_bytes());
    out
}

/// A client in the place of a stream: answers what it gets next.
#[track_caller]
fn answer(stream: &mut Client, answer: &str) -> String {
    let message = stream.message();
    let reply = message.reply.expect("an answer is waited for");
    stream.send(&format!("PUB {reply} {}\r\n{answer}", answer.len()));
    message.headers.expect("there is a header")
}

#[test]
fn the_peer_hears_of_it_once_all_is_stored() {
    let server = started("");
    let mut stream = server.connected();
    stream.subscribe("t", "1");
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(&events("c1"));
    for number in 1..=2 {
        let header = answer(&mut stream, r#"{"stream":"S","seq":7}"#);
        assert!(
            header.contains(&format!("Nats-Msg-Id: c1:{number}\r\n")),
            "{header}"
        );
        if number == 1 {
            assert_eq!(state(&server, "logs").msg_in, 0, "it is not stored as a whole");
        }
    }
    peer.expect(&acknowledgement(b"c1"));
    assert_eq!(state(&server, "logs").msg_in, 2);
    // It is the same when it comes again.
    peer.send(&events("c1"));
    for _ in 0..2 {
        answer(&mut stream, r#"{"stream":"S","seq":7,"duplicate":true}"#);
    }
    peer.expect(&acknowledgement(b"c1"));
}

#[test]
fn the_peer_does_not_hear_of_what_is_not_stored() {
    let server = started(", ack_timeout: '50ms'");
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(&events("c1"));
    peer.expect_end();
    let last_error = || state(&server, "logs").last_error.unwrap_or_default();
    assert_eq!(
        last_error(),
        "it was not stored: there is no stream for what is published"
    );
    let mut stream = server.connected();
    stream.subscribe("t", "1");
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(&events("c2"));
    answer(
        &mut stream,
        r#"{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"},"stream":"S","seq":0}"#,
    );
    peer.expect_end();
    assert_eq!(last_error(), "it was not stored: maximum messages exceeded");
    stream.message();
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(&events("c3"));
    peer.expect_end();
    eventually(|| last_error() == "it was not stored: no stream has answered in 50ms");
    assert_eq!(state(&server, "logs").msg_in, 0);
}

/// A stream that is slow does not have the peer wait with what comes next; what it is told keeps its order.
#[test]
fn more_is_published_while_streams_have_not_answered() {
    let server = started("");
    let mut stream = server.connected();
    stream.subscribe("t", "1");
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(&events("c1"));
    let first = stream.messages(2);
    peer.send(&events("c2"));
    let second = stream.messages(2);
    let stored = r#"{"stream":"S","seq":7}"#;
    let mut answer = |messages: &[Message]| {
        for message in messages {
            let reply = message.reply.as_deref().unwrap();
            stream.send(&format!("PUB {reply} {}\r\n{stored}", stored.len()));
        }
        stream.sync();
    };
    answer(&second);
    assert_eq!(state(&server, "logs").msg_in, 0, "the first is not stored");
    answer(&first);
    peer.expect(&acknowledgement(b"c1"));
    peer.expect(&acknowledgement(b"c2"));
    assert_eq!(state(&server, "logs").msg_in, 4);
}

/// Who sends no more still hears what has become of what it sent.
#[test]
fn who_has_ended_its_stream_is_told_all_the_same() {
    let server = started("");
    let mut stream = server.connected();
    stream.subscribe("t", "1");
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(&events("c1"));
    peer.end();
    for _ in 1..=2 {
        answer(&mut stream, r#"{"stream":"S","seq":7}"#);
    }
    peer.expect(&acknowledgement(b"c1"));
    peer.expect_end();
}

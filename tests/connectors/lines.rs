//! Beats, and lines of JSON.

use crate::peer::Peer;
use crate::{address, state};
use vagus_test_support::server;

#[test]
fn a_window_is_acknowledged_once_it_is_published() {
    let text = "connectors: [{id: beats, type: LumberjackToNATS, listen: '127.0.0.1:-1', tag_key: 'beat.name', subject: 'beats.>'}]";
    let server = server().configured(text).start();
    let mut client = server.connected();
    client.subscribe("beats.*", "1");
    let mut peer = Peer::to(address(&server, "beats"));
    let json = br#"{"beat":{"name":"file"}}"#;
    peer.send(b"2W\0\0\0\x022J\0\0\0\x01\0\0\0\x18");
    peer.send(json);
    peer.send(b"2J\0\0\0\x02\0\0\0\x02{}");
    peer.expect(b"2A\0\0\0\x02");
    let messages = client.messages(2);
    assert_eq!(
        (&*messages[0].subject, &*messages[1].subject),
        ("beats.file", "beats._")
    );
    assert_eq!(messages[0].payload, json);
    // The old language, in the same connection.
    peer.send(b"1W\0\0\0\x011D\0\0\0\x03\0\0\0\x01\0\0\0\x04line\0\0\0\x02hi");
    peer.expect(b"1A\0\0\0\x03");
    assert_eq!(client.message().payload, br#"{"line":"hi"}"#);
    peer.send(b"GET / HTTP/1.1\r\n");
    peer.expect_end();
    let error = state(&server, "beats").last_error.unwrap();
    assert_eq!(error, "0x47 is no version of Lumberjack");
}

/// While a stream takes its time the peer is told that what it brought is on its way.
#[test]
fn who_waits_for_a_stream_is_kept_waiting() {
    let text =
        "connectors: [{id: beats, type: LumberjackToJetStream, listen: '127.0.0.1:-1', subject: beats}]";
    let server = server().configured(text).start();
    let mut stream = server.connected();
    stream.subscribe("beats", "1");
    stream.sync();
    let mut peer = Peer::to(address(&server, "beats"));
    peer.send(b"2W\0\0\0\x012J\0\0\0\x01\0\0\0\x02{}");
    let reply = stream.message().reply.unwrap();
    peer.expect(b"2A\0\0\0\0");
    stream.send(&format!("PUB {reply} 22\r\n{{\"stream\":\"S\",\"seq\":7}}"));
    peer.expect(b"2A\0\0\0\x01");
}

#[test]
fn lines_are_events() {
    let text = "connectors: [{id: lines, type: JSONLinesToNATS, listen: '127.0.0.1:-1', subject: lines}]";
    let server = server().configured(text).start();
    let mut client = server.connected();
    client.subscribe("lines", "1");
    let mut peer = Peer::to(address(&server, "lines"));
    peer.send(b"{\"n\":1}\n{\"n\"");
    peer.send(b":2}\r\nplain\n{\"n\":3}");
    drop(peer);
    let payloads: Vec<String> = client
        .messages(4)
        .into_iter()
        .map(|message| String::from_utf8(message.payload).unwrap())
        .collect();
    assert_eq!(
        payloads,
        [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"message":"plain"}"#, r#"{"n":3}"#]
    );
}

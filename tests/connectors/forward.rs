//! Events that come in the Forward protocol are published.

use crate::peer::Peer;
use crate::{address, state};
use std::net::UdpSocket;
use vagus_forward::framing::Framer;
use vagus_forward::msgpack::{write_array, write_bool, write_map, write_str};
use vagus_forward::{Credentials, Login};
use vagus_test_support::{PATIENCE, TestServer, eventually, server};

fn started(keys: &str) -> TestServer {
    let text = format!("connectors: [{{id: logs, type: ForwardToNATS, listen: '127.0.0.1:-1' {keys}}}]");
    server().configured(&text).start()
}

/// A message of one event with this tag.
fn event(tag: &str, number: u8, chunk: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    write_array(&mut out, 4);
    write_str(&mut out, tag.as_bytes());
    out.push(5);
    write_map(&mut out, 1);
    write_str(&mut out, b"n");
    out.push(number);
    write_map(&mut out, u32::from(chunk.is_some()));
    if let Some(chunk) = chunk {
        write_str(&mut out, b"chunk");
        write_str(&mut out, chunk.as_bytes());
    }
    out
}

fn acknowledgement(chunk: &str) -> Vec<u8> {
    vagus_forward::message::acknowledgement(chunk.as_bytes())
}

#[test]
fn events_are_published_on_their_tags() {
    let server = started("");
    let mut client = server.connected();
    client.subscribe("app.>", "1");
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(&event("app.web", 1, Some("c1")));
    peer.expect(&acknowledgement("c1"));
    client.expect("HMSG app.web 1 39 46\r\nNATS/1.0\r\nForward-Time: 5.000000000\r\n\r\n{\"n\":1}");
    // What comes together, cut anywhere, is the same.
    let two = [event("app.web", 2, None), event("app.*. x", 3, Some("c2"))].concat();
    let (first, second) = two.split_at(7);
    peer.send(first);
    peer.send(second);
    peer.expect(&acknowledgement("c2"));
    let subjects: Vec<String> = client
        .messages(2)
        .into_iter()
        .map(|message| message.subject)
        .collect();
    assert_eq!(subjects, ["app.web", "app._._x"]);
    let state = state(&server, "logs");
    assert_eq!((state.msg_in, state.bytes_in, state.connects), (3, 21, 1));
    assert_eq!((state.state, state.connected), ("running", true));
}

#[test]
fn json_is_taken_from_who_speaks_it() {
    let server = started(", subject: 'all.>'");
    let mut client = server.connected();
    client.subscribe("all.t", "1");
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(br#"["t", 5, {"n": "]"}, {"chunk": "c"}]"#);
    peer.expect(&acknowledgement("c"));
    assert!(client.message().payload.ends_with(br#"{"n":"]"}"#));
}

#[test]
fn heartbeats_are_no_peers() {
    let server = started("");
    for _ in 0..5 {
        drop(Peer::to(address(&server, "logs")));
    }
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(b"\xc0");
    peer.send(&event("t", 1, Some("c")));
    peer.expect(&acknowledgement("c"));
    let state = state(&server, "logs");
    assert_eq!((state.connects, state.errors), (1, 0));
}

#[test]
fn heartbeats_may_be_datagrams() {
    let server = started(", heartbeat_type: udp");
    let address = address(&server, "logs");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    for asked in [&b"\0"[..], &[7; 1000]] {
        socket.send_to(asked, address).unwrap();
        let mut answer = [0; 16];
        let (length, from) = socket.recv_from(&mut answer).unwrap();
        // Nobody is told more than it has said.
        assert_eq!((&answer[..length], from), (&b"\0"[..], address));
    }
    assert_eq!(state(&server, "logs").connects, 0);
}

#[test]
fn who_has_to_show_a_key_does() {
    let keys = ", shared_key: key, self_hostname: in, users: [{user: ann, password: secret}]";
    let server = started(keys);
    let credentials = |key: &str, password: &str| {
        std::sync::Arc::new(Credentials {
            shared_key: key.to_owned(),
            self_hostname: "out".to_owned(),
            users: vec![Login {
                username: "ann".to_owned(),
                password: password.to_owned(),
            }],
        })
    };
    let shake = |credentials| {
        let mut peer = Peer::to(address(&server, "logs"));
        let mut sender = vagus_forward::sender::Sender::new(Some(credentials), [3; 16]);
        let (mut framer, mut input) = (Framer::new(4096), bytes::BytesMut::new());
        loop {
            input.extend_from_slice(&peer.read_some());
            let Some(frame) = framer.take(&mut input).unwrap() else {
                continue;
            };
            match sender.take(&frame) {
                Ok(vagus_forward::sender::Told::Reply(reply)) => peer.send(&reply),
                Ok(_) => return (peer, Ok(())),
                Err(error) => return (peer, Err(error.to_string())),
            }
        }
    };
    // Fluentd sees each second whether we are there: that is no peer.
    for _ in 0..3 {
        assert_eq!(shake(credentials("key", "secret")).1, Ok(()));
    }
    let (mut peer, shaken) = shake(credentials("key", "secret"));
    assert_eq!(shaken, Ok(()));
    peer.send(&event("t", 1, Some("c")));
    peer.expect(&acknowledgement("c"));
    assert_eq!(state(&server, "logs").connects, 1);
    for (key, password, reason) in [
        ("other", "secret", "shared_key mismatch"),
        ("key", "guess", "username/password mismatch"),
    ] {
        let (mut peer, shaken) = shake(credentials(key, password));
        assert_eq!(shaken, Err(format!("the peer refuses: {reason}")));
        peer.expect_end();
        assert_eq!(state(&server, "logs").last_error.as_deref(), Some(reason));
    }
    // Who says nothing of a key gets no further.
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(&event("t", 1, None));
    eventually(|| state(&server, "logs").errors == 3);
    assert_eq!(state(&server, "logs").msg_in, 1);
}

#[test]
fn a_bad_peer_costs_itself() {
    let server = started(", max_frame: 1KB");
    let mut good = Peer::to(address(&server, "logs"));
    good.send(&event("t", 1, Some("c1")));
    good.expect(&acknowledgement("c1"));
    let mut broken_options = event("t", 1, None);
    broken_options.pop();
    write_bool(&mut broken_options, true);
    for (bytes, error) in [
        (&b"\xc1"[..], "a frame is not MessagePack"),
        (b"\xdb\x7f\xff\xff\xff", "a frame is larger than 1024 bytes"),
        (b"[[[[", ""),
        (b"\x01", "a frame is not a message of the Forward protocol"),
        (
            &broken_options,
            "the options of a message are not a map of options",
        ),
        (b"\x93\xa1t\xa1\x01\x80", "an event is not a time and a record"),
    ] {
        let mut peer = Peer::to(address(&server, "logs"));
        peer.send(bytes);
        if error.is_empty() {
            continue;
        }
        peer.expect_end();
        assert_eq!(state(&server, "logs").last_error.as_deref(), Some(error));
    }
    good.send(&event("t", 2, Some("c2")));
    good.expect(&acknowledgement("c2"));
    server.expect_to_serve();
}

#[test]
fn only_what_is_permitted_is_published() {
    let server = started(", permissions: {publish: {allow: 'app.>', deny: 'app.secret'}}");
    let mut client = server.connected();
    client.subscribe(">", "1");
    let mut peer = Peer::to(address(&server, "logs"));
    for tag in ["app.secret", "other", "app.open"] {
        peer.send(&event(tag, 1, Some("c")));
        // It would not help to send it again.
        peer.expect(&acknowledgement("c"));
    }
    assert_eq!(client.message().subject, "app.open");
    client.sync_silent();
    let state = state(&server, "logs");
    assert_eq!((state.msg_in, state.dropped), (1, 2));
    let error = state.last_error.unwrap();
    assert_eq!(error, "Permissions Violation for Publish to \"other\"");
}

#[test]
fn an_account_gets_what_is_brought_to_it() {
    let text = "accounts: {A: {users: [{user: a, password: a}]}, B: {users: [{user: b, password: b}]}}
        connectors: [{id: logs, type: ForwardToNATS, listen: '127.0.0.1:-1', account: A}]";
    let server = server().configured(text).start();
    let user = |name: &str| {
        let login = format!(r#"{{"verbose":false,"headers":true,"user":"{name}","pass":"{name}"}}"#);
        let mut client = server.client().connect(&login);
        client.subscribe(">", "1");
        client
    };
    let (mut one, mut other) = (user("a"), user("b"));
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(&event("t", 1, Some("c")));
    peer.expect(&acknowledgement("c"));
    assert_eq!(one.message().subject, "t");
    other.sync_silent();
}

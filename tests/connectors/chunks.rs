//! What Fluentd has kept for long comes as one message that is larger than frames may be: it is taken as it comes.

use crate::peer::Peer;
use crate::{address, state};
use vagus_forward::EventTime;
use vagus_forward::message::acknowledgement;
use vagus_forward::msgpack::append_object;
use vagus_forward::packing::{Packing, append_entry, pack};
use vagus_test_support::{TestServer, eventually, server};

fn started(kind: &str) -> TestServer {
    let text = format!("connectors: [{{id: logs, type: {kind}, listen: '127.0.0.1:-1', max_frame: 4KB}}]");
    server().configured(&text).start()
}

/// So many events, numbered.
fn chunk(name: &str, count: u64, packing: Packing) -> Vec<u8> {
    pack_with(name, events(count), count, packing)
}

fn pack_with(name: &str, entries: Vec<u8>, count: u64, packing: Packing) -> Vec<u8> {
    let packed = pack(b"t", &entries, count, Some(name.as_bytes()), packing);
    assert!(packed.len() > 4096);
    packed
}

fn events(count: u64) -> Vec<u8> {
    let mut entries = Vec::new();
    for number in 0..count {
        let time = EventTime {
            seconds: number,
            nanoseconds: 0,
        };
        // What is random does not become small.
        let record = format!(r#"{{"n":{number},"noise":"{:x}"}}"#, fastrand::u128(..));
        append_entry(
            time,
            |out| append_object(record.as_bytes(), &[], out).unwrap(),
            &mut entries,
        );
    }
    entries
}

#[test]
fn a_chunk_of_any_size_is_published_and_acknowledged_once() {
    let server = started("ForwardToNATS");
    let mut client = server.connected();
    client.subscribe("t", "1");
    client.sync();
    for packing in [Packing::Plain, Packing::Gzip] {
        let mut peer = Peer::to(address(&server, "logs"));
        let bytes = chunk("c", 5000, packing);
        let (begin, end) = bytes.split_at(bytes.len() - 1);
        peer.send(begin);
        for (number, message) in client.messages(5000).into_iter().enumerate() {
            let begin = format!("{{\"n\":{number},");
            assert!(message.payload.starts_with(begin.as_bytes()), "{number}");
        }
        // All events are there, but not all of the message.
        peer.send(end);
        peer.expect(&acknowledgement(b"c"));
        // The next one may be small.
        peer.send(b"\x94\xa1t\x05\x80\x81\xa5chunk\xa1d");
        peer.expect(&acknowledgement(b"d"));
        client.message();
    }
    assert_eq!(state(&server, "logs").msg_in, 10_002);
}

#[test]
fn it_is_acknowledged_once_a_stream_has_all_of_it() {
    let server = started("ForwardToJetStream");
    let mut stream = server.connected();
    stream.subscribe("t", "1");
    stream.sync();
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(&chunk("c", 5000, Packing::Gzip));
    for number in 0..5000 {
        let message = stream.message();
        // By what name it would come again was not known.
        assert!(!message.headers.unwrap().contains("Nats-Msg-Id"), "{number}");
        let (reply, answer) = (message.reply.unwrap(), r#"{"stream":"S","seq":7}"#);
        if number == 4999 {
            assert!(state(&server, "logs").msg_in < 5000);
        }
        stream.send(&format!("PUB {reply} {}\r\n{answer}", answer.len()));
    }
    peer.expect(&acknowledgement(b"c"));
    assert_eq!(state(&server, "logs").msg_in, 5000);
}

#[test]
fn one_that_is_broken_is_not_acknowledged() {
    let server = started("ForwardToNATS");
    let mut peer = Peer::to(address(&server, "logs"));
    // The byte that MessagePack has no meaning for, between two events.
    let broken = [events(2000), vec![0xc1], events(2000)].concat();
    peer.send_in_vain(&pack_with("c", broken, 4001, Packing::Plain));
    peer.expect_end();
    eventually(|| state(&server, "logs").last_error.is_some());
    // Larger than any may be: it is refused at once.
    let mut peer = Peer::to(address(&server, "logs"));
    peer.send(b"\x93\xa1t\xc6\xff\xff\xff\xff");
    peer.expect_end();
    let error = state(&server, "logs").last_error;
    assert_eq!(error.as_deref(), Some("a frame is larger than 4096 bytes"));
}

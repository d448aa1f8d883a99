//! Frames on a plain socket, on TLS, and on TLS behind the header of a proxy.

use crate::broker::{Broker, Layers, PACKED};
use crate::far_end::{FarEnd, Line, connect, secure};
use std::io::Write;
use std::net::TcpStream;
use vagus_tls::testing::{Authority, request};
use vagus_tls::{Connector, HandshakeFirst, Settings};

/// A broker, and how it is connected to.
struct World {
    broker: Broker,
    connector: Option<Connector>,
    header: &'static [u8],
}

/// Every stack that frames are on.
fn worlds() -> [(&'static str, World); 3] {
    let framed = Layers {
        framed: true,
        ..Layers::default()
    };
    let authority = Authority::new("ca");
    let certificate = authority.issue(&request("server").host("localhost"));
    let secured = Layers {
        tls: Some(Settings {
            certificates: vec![certificate.pair()],
            handshake_first: HandshakeFirst::On,
            ..Settings::default()
        }),
        ..framed.clone()
    };
    let by_proxy = Layers {
        proxy_protocol: true,
        ..secured.clone()
    };
    let trusting = Settings {
        ca: Some(authority.ca()),
        ..Settings::default()
    };
    let connector = Connector::new(&trusting).unwrap();
    let world = |layers, connector, header| World {
        broker: Broker::start(layers),
        connector,
        header,
    };
    [
        ("frames", world(framed, None, b"")),
        ("frames on TLS", world(secured, Some(connector.clone()), b"")),
        (
            "frames on TLS by a proxy",
            world(
                by_proxy,
                Some(connector),
                b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 4222\r\n",
            ),
        ),
    ]
}

impl World {
    fn line(&self) -> Box<dyn Line> {
        let mut socket = connect(self.broker.address);
        socket.write_all(self.header).unwrap();
        match &self.connector {
            Some(connector) => secure(socket, connector),
            None => Box::new(socket),
        }
    }

    fn client(&self) -> FarEnd {
        FarEnd::framed(self.line()).log_in()
    }

    /// Has the second arbiter carry those who come from now on.
    fn fill_the_first_arbiter(&self) -> Vec<TcpStream> {
        (0..PACKED).map(|_| connect(self.broker.address)).collect()
    }
}

fn payload(number: usize, length: usize) -> Vec<u8> {
    let mut payload = number.to_string().into_bytes();
    payload.resize(length, b'a' + (number % 26) as u8);
    payload
}

fn publish(subject: &str, payload: &[u8]) -> Vec<u8> {
    let line = format!("PUB {subject} {}\r\n", payload.len());
    [line.as_bytes(), payload, b"\r\n"].concat()
}

#[track_caller]
fn expect_message(client: &mut FarEnd, subject: &str, payload: &[u8], of: &str) {
    client.expect(&format!("MSG {subject} 1 {}\r\n", payload.len()));
    let come = client.take(payload.len() + 2);
    assert!(come == [payload, b"\r\n"].concat(), "{of}");
}

/// However what is sent is cut into frames, and the frames into writes.
#[test]
fn messages_of_all_sizes_cut_in_all_ways() {
    for (stack, world) in worlds() {
        let mut subscriber = world.client().reading_by(1000);
        subscriber.subscribe("sizes");
        let _idle = world.fill_the_first_arbiter();
        let mut publisher = world.client();
        let sizes = [0, 1, 100, 16_380, 16_384, 70_000, 200_000, 3];
        for (frame, write, at_most) in [
            (1, 1, 300),
            (7, 1000, 20_000),
            (1000, 7, 20_000),
            (16_384, 65_000, usize::MAX),
            (65_535, 4096, usize::MAX),
        ] {
            for (number, size) in sizes.into_iter().enumerate() {
                let size = size.min(at_most);
                let payload = &payload(number, size.max(2))[..size];
                publisher.send_in(&publish("sizes", payload), frame, write);
                let of = format!("{stack}: {size} bytes in frames of {frame} and writes of {write}");
                expect_message(&mut subscriber, "sizes", payload, &of);
            }
        }
        publisher.send(b"PING\r\n");
        publisher.expect("PONG\r\n");
    }
}

/// What a slow reader does not read waits for it, in order, though the layers below take each frame in parts; nobody else
/// waits, and pings that come meanwhile are answered between frames.
#[test]
fn what_waits_comes_in_order() {
    const MESSAGES: usize = 32;
    const LENGTH: usize = 40_000;
    for (stack, world) in worlds() {
        let mut subscriber = world.client().reading_by(777);
        subscriber.subscribe("large");
        let _idle = world.fill_the_first_arbiter();
        let mut other = world.client();
        other.subscribe("large");
        let mut publisher = world.client();
        for number in 0..MESSAGES {
            let payload = payload(number, LENGTH);
            publisher.send(&publish("large", &payload));
            expect_message(&mut other, "large", &payload, stack);
        }
        publisher.send(b"PING\r\n");
        publisher.expect("PONG\r\n");
        subscriber.ping(b"first");
        subscriber.ping(b"second");
        for number in 0..MESSAGES {
            let of = format!("{stack}: message {number}");
            expect_message(&mut subscriber, "large", &payload(number, LENGTH), &of);
        }
        let pongs = match subscriber.pongs() {
            pongs if pongs.is_empty() => subscriber.until_pongs(1),
            pongs => pongs,
        };
        assert_eq!(pongs.last().map(Vec::as_slice), Some(&b"second"[..]), "{stack}");
    }
}

/// A layer says by itself what it has to, though nothing is delivered.
#[test]
fn a_layer_answers_by_itself() {
    for (stack, world) in worlds() {
        let mut client = world.client();
        for payload in [&b"a"[..], b"", b"abc"] {
            client.ping(payload);
            assert_eq!(client.until_pongs(1), [payload], "{stack}");
        }
    }
}

/// A frame that is none costs its connection, and no other.
#[test]
fn who_breaks_the_rules_of_a_layer_is_sent_away() {
    for (stack, world) in worlds() {
        let mut other = world.client();
        let mut line = world.line();
        line.write_all(&[9, 0, 0]).unwrap();
        let (_, has_farewell) = FarEnd::framed(line).rest();
        assert!(has_farewell, "{stack}");
        other.send(b"PING\r\n");
        other.expect("PONG\r\n");
    }
}

/// Each layer says farewell, behind everything that was said.
#[test]
fn farewell_is_said_in_frames() {
    for (stack, world) in worlds() {
        let mut client = world.client();
        client.send(b"NONSENSE\r\n");
        let (rest, has_farewell) = client.rest();
        let told = String::from_utf8(rest).unwrap();
        assert_eq!(told, "-ERR 'Unknown Protocol Operation'\r\n", "{stack}");
        assert!(has_farewell, "{stack}");
    }
}

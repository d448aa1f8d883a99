//! A layer that is put on a wire in mid-stream, as when both ends have agreed on compression.

use crate::broker::Broker;
use crate::far_end::{FarEnd, connect, secure};
use crate::framing::{Count, Framing, Kind};
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use vagus_actors::connection::{Progress, Session, SlowTask, Turn};
use vagus_actors::observed::ClientInfo;
use vagus_actors::reception::{Language, Opened, Opening, Unopened};
use vagus_compression::mode::Level;
use vagus_compression::s2::{Compressor, Reader, Writer};
use vagus_delivery::wire::{Below, CompressionLayer, Entrance, Layer, SharedLevel};
use vagus_protocol::error::CloseReason;
use vagus_routing::ConnectionId;
use vagus_tls::testing::{Authority, request};
use vagus_tls::{Acceptor, Connector, Settings};

/// More than a socket takes that nobody reads.
static BLOCK: [u8; 300_000] = [b'.'; 300_000];

/// What an [`Echo`] puts on its wire.
type Put = fn(Below) -> Box<dyn Layer>;

/// Says each letter again. `^` is answered with a block and `<`; from then on there is a layer, through which `>` comes first.
struct Echo {
    peer: SocketAddr,
    put: Put,
}

impl Session for Echo {
    type Answer = ();

    fn receive<T: Turn>(&mut self, input: &[u8], turn: &mut T) -> Progress {
        for (at, letter) in input.iter().enumerate() {
            if *letter == b'^' {
                turn.reply(&BLOCK);
                turn.reply(b"<");
                turn.put_layer(Box::new(self.put));
                turn.reply(b">");
                return Progress::Waiting { consumed: at + 1 };
            }
            turn.reply(&[*letter]);
        }
        Progress::Taken {
            consumed: input.len(),
            frame_length: 0,
        }
    }

    fn settings_changed<T: Turn>(&mut self, _: &mut T) {}

    fn no_room<T: Turn>(&mut self, _: &mut T) {}

    fn time<T: Turn>(&mut self, _: &mut T) {}

    fn slow_work(&mut self) -> Option<SlowTask<()>> {
        None
    }

    fn answered<T: Turn>(&mut self, _: Option<()>, _: &mut T) {}

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn round_trip(&self) -> Option<Duration> {
        None
    }

    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn write_names(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    fn client_info(&self) -> ClientInfo {
        ClientInfo::default()
    }
}

#[derive(Clone)]
struct Echoes {
    acceptor: Option<Acceptor>,
    put: Put,
}

fn opened(entrance: Entrance, put: Put) -> Opened<Echo> {
    Opened {
        session: Echo {
            peer: entrance.peer(),
            put,
        },
        entrance,
        account: None,
        greeting: Vec::new(),
    }
}

impl Language for Echoes {
    type Session = Echo;

    fn open(&mut self, mut entrance: Entrance) -> Opening<Echo> {
        let put = self.put;
        let Some(acceptor) = self.acceptor.clone() else {
            return Opening::Done(opened(entrance, put));
        };
        Opening::UnderWay(Box::pin(async move {
            let until = Instant::now() + Duration::from_secs(60);
            match entrance.secure_as_server(&acceptor, until, None).await {
                Ok(()) => Ok(opened(entrance, put).into()),
                Err(_) => Err(Unopened {
                    peer: entrance.peer(),
                    reason: CloseReason::TlsHandshakeFailure,
                    last_words: None,
                }),
            }
        }))
    }

    fn refuse(&mut self, _: SocketAddr, _: ConnectionId) -> Vec<u8> {
        Vec::new()
    }
}

/// A plain wire, and one with TLS: what the server needs for it, and its peer.
fn wires() -> [(Option<Acceptor>, Option<Connector>); 2] {
    let authority = Authority::new("ca");
    let certificate = authority.issue(&request("server").host("localhost"));
    let shown = Settings {
        certificates: vec![certificate.pair()],
        ..Settings::default()
    };
    let trusting = Settings {
        ca: Some(authority.ca()),
        ..Settings::default()
    };
    let (acceptor, connector) = (Acceptor::new(&shown).unwrap(), Connector::new(&trusting).unwrap());
    [(None, None), (Some(acceptor), Some(connector))]
}

fn peer(broker: &Broker, connector: Option<&Connector>) -> FarEnd {
    let socket = connect(broker.address);
    FarEnd::plain(match connector {
        Some(connector) => secure(socket, connector),
        None => Box::new(socket),
    })
}

/// Everything that was said before goes out as it is, however long that takes; the peer may send frames behind the word
/// that calls for them at once.
#[test]
fn what_was_said_before_goes_before() {
    for (acceptor, connector) in wires() {
        let put: Put = |below| Box::new(Framing::new(below));
        let broker = Broker::speaking(move |_| Echoes { acceptor, put });
        for step in [1, 5, 1000] {
            let mut peer = peer(&broker, connector.as_ref());
            let mut sent = b"ab^".to_vec();
            let mut count = Count::default();
            for payload in [&b"cd"[..], b"", b"e"] {
                count.put(Kind::Data, payload, &mut sent);
                count.advance();
            }
            count.put(Kind::Ping, b"?", &mut sent);
            peer.send_in(&sent, sent.len(), step);
            assert_eq!(peer.take(2), b"ab");
            assert!(peer.take(BLOCK.len()) == BLOCK);
            assert_eq!(peer.take(1), b"<");
            let mut peer = peer.framed_from_now_on();
            assert_eq!(peer.take(4), b">cde");
            assert_eq!(peer.until_pongs(1), [b"?"]);
        }
    }
}

/// Noise: it does not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    // Nothing that has a meaning for the session.
    (0..length).map(|_| random.u8(0x80..)).collect()
}

/// Much more than a socket takes comes back from a peer that reads late, so that chunks go in parts.
#[test]
fn what_is_compressed_is_the_same_in_the_end() {
    for (acceptor, connector) in wires() {
        let put: Put = |below| Box::new(CompressionLayer::new(below, SharedLevel::new(Level::Fast)));
        let broker = Broker::speaking(move |_| Echoes { acceptor, put });
        for step in [7, 1000, 100_000] {
            let mut peer = peer(&broker, connector.as_ref());
            let said = [noise(100_000), vec![b'.'; 100_000], noise(10)].concat();
            let (mut writer, mut compressor) = (Writer::default(), Compressor::default());
            let mut sent = b"^".to_vec();
            for piece in said.chunks(30_000) {
                writer.append(piece, Level::Best, &mut compressor, &mut sent);
            }
            peer.send_in(&sent, sent.len(), step);
            assert!(peer.take(BLOCK.len()) == BLOCK);
            assert_eq!(peer.take(1), b"<");
            let (mut reader, mut read) = (Reader::default(), Vec::new());
            let mut space = vec![0; 10_000];
            while read.len() < said.len() + 1 {
                let compressed = peer.take(1);
                let mut input = &compressed[..];
                while !input.is_empty() || reader.holds_data() {
                    let count = reader.read(&mut input, &mut space).unwrap();
                    read.extend_from_slice(&space[..count]);
                }
            }
            assert!(read == [b">".to_vec(), said].concat());
        }
    }
}

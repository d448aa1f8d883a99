//! Routes are compressed as both servers agree on it, and nothing of what they say changes with that.

use crate::peer::Route;
use crate::world::{NAME, await_interest, await_members, clustered, in_cluster};
use std::io::{Read, Write};
use std::time::Duration;
use vagus_compression::mode::{Level, Mode};
use vagus_compression::s2::{Compressor, Reader, Writer};
use vagus_test_support::{Client, TestServer};

/// What a server shows of its route.
fn shown(server: &TestServer) -> String {
    let body = server.get("/routez").body;
    let compression = body.split("\"compression\": \"").nth(1);
    compression
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
        .to_owned()
}

fn pair(ours: &Mode, theirs: &Mode) -> [TestServer; 2] {
    let mut cluster = clustered(Some(NAME), &[]);
    cluster.compression = ours.clone();
    let first = in_cluster("a", cluster).monitoring().start();
    let mut cluster = clustered(Some(NAME), &[first.cluster_address().unwrap()]);
    cluster.compression = theirs.clone();
    let second = in_cluster("b", cluster).monitoring().start();
    await_members(&first, 1);
    await_members(&second, 1);
    [first, second]
}

/// Something that compresses, and something that does not.
fn payloads() -> [Vec<u8>; 4] {
    let mut random = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = (0..300_000).map(|_| random.u8(..)).collect();
    [b"hello".to_vec(), vec![b'.'; 500_000], noise, Vec::new()]
}

fn exchange(servers: &[TestServer; 2]) {
    let mut clients: Vec<Client> = servers.iter().map(TestServer::connected).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.subscribe(&format!("to.{number}"), "1");
    }
    servers.iter().for_each(|server| await_interest(server, 2));
    let payloads = payloads();
    for number in [0, 1] {
        for payload in &payloads {
            clients[1 - number].publish(&format!("to.{number}"), payload);
        }
        for (payload, message) in payloads.iter().zip(clients[number].messages(payloads.len())) {
            assert!(message.payload == *payload);
        }
    }
}

#[test]
fn each_side_compresses_as_it_is_set() {
    // Nothing takes so long.
    let auto = || Mode::read("auto", &Mode::Off, &[Duration::from_secs(3600)]).unwrap();
    for (ours, theirs, expected) in [
        (Mode::Accept, Mode::Accept, ["off", "off"]),
        (
            Mode::Accept,
            Mode::Always(Level::Better),
            ["s2_better", "s2_better"],
        ),
        (
            Mode::Always(Level::Fast),
            Mode::Always(Level::Best),
            ["s2_fast", "s2_best"],
        ),
        (auto(), auto(), ["s2_uncompressed", "s2_uncompressed"]),
        (Mode::Accept, auto(), ["s2_fast", "s2_uncompressed"]),
        (Mode::Off, Mode::Always(Level::Fast), ["off", "off"]),
        (Mode::Always(Level::Fast), Mode::Off, ["off", "off"]),
        (
            Mode::NotSupported,
            Mode::Always(Level::Fast),
            ["not supported", "not supported"],
        ),
        (
            Mode::Accept,
            Mode::NotSupported,
            ["not supported", "not supported"],
        ),
    ] {
        let servers = pair(&ours, &theirs);
        let shown: Vec<String> = servers.iter().map(shown).collect();
        assert_eq!(shown, expected, "{ours:?} {theirs:?}");
        exchange(&servers);
    }
}

#[test]
fn the_round_trip_chooses_the_level() {
    let nobody_is_so_fast = Mode::read("auto", &Mode::Off, &[Duration::from_nanos(1); 3]);
    let servers = pair(&nobody_is_so_fast.unwrap(), &Mode::Accept);
    assert_eq!(shown(&servers[0]), "s2_best");
    assert_eq!(shown(&servers[1]), "s2_fast");
    exchange(&servers);
}

/// A server that compresses, at the other end of a route.
struct Peer {
    route: Route,
    writer: Writer,
    reader: Reader,
    read: Vec<u8>,
}

impl Peer {
    /// Has introduced itself, and says nothing from now on that is not compressed.
    fn to(server: &TestServer) -> Self {
        let route = Route::introduced(server, r#","compression":"s2_fast""#);
        Self {
            route,
            writer: Writer::default(),
            reader: Reader::default(),
            read: Vec::new(),
        }
    }

    fn say(&mut self, text: &str) {
        let mut stream = Vec::new();
        let bytes = format!("{text}\r\n");
        self.writer.append(
            bytes.as_bytes(),
            Level::Fast,
            &mut Compressor::default(),
            &mut stream,
        );
        // A byte at a time, so that no chunk comes as a whole.
        for byte in stream {
            self.route.socket().write_all(&[byte]).unwrap();
        }
    }

    /// Reads on until this has been said.
    fn expect(&mut self, text: &str) {
        let mut space = [0; 1000];
        while !String::from_utf8_lossy(&self.read).contains(text) {
            let mut compressed = [0; 100];
            let count = self.route.socket().read(&mut compressed).unwrap();
            assert!(count > 0, "the route ends without {text:?}");
            let mut input = &compressed[..count];
            while !input.is_empty() || self.reader.holds_data() {
                let count = self.reader.read(&mut input, &mut space).unwrap();
                self.read.extend_from_slice(&space[..count]);
            }
        }
        self.read.clear();
    }
}

#[test]
fn it_begins_behind_the_two_that_agree_on_it() {
    let [server, _other] = pair(&Mode::Accept, &Mode::Accept);
    let mut peer = Peer::to(&server);
    peer.expect(r#""compression":"s2_fast""#);
    peer.say(r#"INFO {"server_id":"NX","server_name":"x","version":"2.14.5","host":"127.0.0.1","port":1,"headers":true,"max_payload":1048576,"cluster":"tests"}"#);
    await_members(&server, 2);
    let mut client = server.connected();
    client.subscribe("a", "1");
    peer.expect("RS+ $G a\r\n");
    peer.say("RMSG $G a 5\r\nhello\r\nRS+ $G b");
    assert_eq!(client.messages(1)[0].payload, b"hello");
    await_interest(&server, 2);
    client.publish("b", &[b'.'; 100_000]);
    peer.expect("RMSG $G b 100000\r\n.....");
}

#[test]
fn a_peer_that_breaks_the_stream_costs_only_itself() {
    let [server, _other] = pair(&Mode::Accept, &Mode::Accept);
    for broken in [
        &b"PING\r\nPING\r\n"[..],
        b"\xff\x06\x00\x00S2sTwO\x02\x01\x00\x00?",
        // More than a block may hold.
        b"\xff\x06\x00\x00S2sTwO\x00\x0a\x00\x00????\x81\x80\x80\x02\x00\x00",
        b"\xff\x06\x00\x00S2sTwO\x01\x05\x00\x00????a",
    ] {
        let mut peer = Peer::to(&server);
        peer.expect(r#""compression":"s2_fast""#);
        peer.route.socket().write_all(broken).unwrap();
        let mut rest = Vec::new();
        // What is on its way when the connection ends may be lost with it.
        let _ = peer.route.socket().read_to_end(&mut rest);
        server.expect_to_serve();
    }
    await_members(&server, 1);
}

#[test]
fn what_there_is_not_is_refused() {
    let [server, _other] = pair(&Mode::Accept, &Mode::Accept);
    let route = Route::introduced(&server, r#","compression":"zip""#);
    assert_eq!(route.rest(), "-ERR 'unsupported route compression mode \"zip\"'");
}

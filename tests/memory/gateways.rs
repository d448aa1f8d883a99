//! What a server of another cluster says is bounded in bytes, which are counted by its kind and its length.

use crate::allocated;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use vagus_configs::{Gateway, GatewayRemote, Port, ServerUrl};
use vagus_test_support::{PATIENCE, TestServer, eventually, server};

/// A server of the cluster X, to which a server of ours has connected.
struct Peer {
    stream: BufReader<TcpStream>,
    server: TestServer,
}

impl Peer {
    fn connected() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("nats://{}", listener.local_addr().unwrap());
        let mut gateway = Gateway {
            name: "A".to_owned(),
            remotes: vec![GatewayRemote {
                name: "X".to_owned(),
                urls: vec![ServerUrl::parse(&url).unwrap()],
                tls: None,
            }],
            ..Gateway::default()
        };
        gateway.listener.listen.host = "127.0.0.1".to_owned();
        gateway.listener.listen.port = Port::Free;
        let server = server().set(|config| config.gateway = Some(gateway));
        let server = server.arbiters(1).start();
        let (socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let stream = BufReader::new(socket);
        let mut peer = Self { stream, server };
        peer.say(r#"INFO {"server_id":"NX","server_name":"x","version":"2.14.5","proto":1,"host":"127.0.0.1","port":1,"headers":true,"max_payload":1048576,"gateway":"X","gateway_nrp":true}"#);
        peer.sync();
        peer
    }

    fn say(&mut self, text: &str) {
        writeln!(self.stream.get_mut(), "{text}\r").unwrap();
    }

    fn sync(&mut self) {
        self.say("PING");
        let mut line = String::new();
        while line != "PONG\r\n" {
            line.clear();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "it has ended");
        }
    }

    /// What the server says is held for what was said here, in bytes.
    fn held(&self) -> usize {
        let connections = self.server.gateway_connections();
        let gateways = connections
            .iter()
            .filter_map(|state| state.client.gateway.as_ref());
        gateways.map(|gateway| gateway.held).sum()
    }

    /// Says all of this, and gives how much more is held then, as the server says it and in truth.
    fn holds_for(&mut self, lines: impl Iterator<Item = String>) -> (usize, usize) {
        let before = (self.held(), allocated());
        for line in lines {
            self.say(&line);
        }
        self.sync();
        eventually(|| {
            let router = self.server.router().unwrap();
            router.waiting_changes + router.settling == 0
        });
        let now = (self.held(), allocated());
        (now.0 - before.0, now.1.saturating_sub(before.1))
    }
}

#[test]
fn what_is_counted_of_another_cluster_is_no_less_than_what_it_takes() {
    let mut peer = Peer::connected();
    let long = "x".repeat(2000);
    let subject = |number: usize| format!("RS+ $G s.{number}");
    // Interest-only from here.
    for command in [2, 3] {
        peer.say(&format!(
            r#"INFO {{"gateway":"X","gateway_cmd":{command},"gateway_cmd_payload":"JEc="}}"#
        ));
    }
    // Whatever grows at first has grown.
    peer.holds_for((0..2_000).map(|number| format!("RS+ $G first.{number}\r\nRS+ $G first.{number} q 1")));
    for (what, (said, taken)) in [
        ("subjects", peer.holds_for((0..20_000).map(subject))),
        (
            "long subjects",
            peer.holds_for((0..1_000).map(|number| format!("RS+ $G l.{number}.{long}"))),
        ),
        (
            "queue groups",
            peer.holds_for((0..3_000).map(|number| format!("RS+ $G s.{number} q 1"))),
        ),
        (
            "long queue groups",
            peer.holds_for((0..1_000).map(|number| format!("RS+ $G {long}.{number} {long}{number} 1"))),
        ),
        (
            "accounts that there are not",
            peer.holds_for((0..5_000).map(|number| format!("RS+ NONE{number} s"))),
        ),
        (
            "accounts with long names",
            peer.holds_for((0..1_000).map(|number| format!("A- {long}{number}"))),
        ),
        (
            "subjects that are not wanted",
            peer.holds_for((0..200).map(|number| format!("A+ OLD{number}")).chain(
                (0..20_000).map(|number| format!("RS- OLD{} s.{number}.{}", number / 100, &long[..200])),
            )),
        ),
        (
            "the same in an account that there is",
            peer.holds_for(
                ["A+ $G".to_owned()]
                    .into_iter()
                    .chain((0..1_000).map(|number| format!("RS- $G u.{number}.{long}"))),
            ),
        ),
    ] {
        println!("{what}: {said} are counted, {taken} are taken");
        assert!(said >= taken, "{what}: {said} are counted, {taken} are taken");
    }
}

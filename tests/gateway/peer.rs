//! A server of another cluster that says what a test has it say.

use crate::world::port;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use vagus_test_support::{PATIENCE, TestServer};

/// The other end of a gateway connection.
pub(crate) struct Peer {
    stream: BufReader<TcpStream>,
    /// What the server has said first.
    info: String,
}

/// A server that others may connect to.
pub(crate) struct FakeCluster(TcpListener);

/// What a server of another cluster says of itself.
pub(crate) fn info(cluster: &str, more: &str) -> String {
    format!(
        r#"INFO {{"server_id":"NX","server_name":"x-{cluster}","version":"2.14.5","proto":1,"go":"","host":"127.0.0.1","port":1,"headers":true,"max_payload":1048576,"gateway":"{cluster}","gateway_nrp":true{more}}}"#
    )
}

impl FakeCluster {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next server that connects.
    pub(crate) fn accept(&self) -> Peer {
        Peer::on(self.0.accept().unwrap().0)
    }

    /// The same, which hears that it is this cluster; and its CONNECT and INFO.
    pub(crate) fn greet(&self, cluster: &str, more: &str) -> (Peer, String, String) {
        let mut peer = self.accept();
        peer.say(&info(cluster, more));
        let (connect, info) = (peer.line(), peer.line());
        assert!(connect.starts_with("CONNECT {"), "{connect}");
        assert!(info.starts_with("INFO {"), "{info}");
        (peer, connect, info)
    }
}

impl Peer {
    fn on(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream: BufReader::new(socket),
            info: String::new(),
        }
    }

    /// Connects as a server of another cluster, and reads INFO.
    pub(crate) fn to(server: &TestServer) -> Self {
        let mut peer = Self::on(TcpStream::connect(("127.0.0.1", port(server))).unwrap());
        peer.info = peer.line();
        assert!(peer.info.starts_with(r#"INFO {"server_id":"N"#), "{}", peer.info);
        peer
    }

    /// The same, and says that it is of this cluster.
    pub(crate) fn of(server: &TestServer, cluster: &str) -> Self {
        let mut peer = Self::to(server);
        peer.say(&format!(r#"CONNECT {{"name":"NX","gateway":"{cluster}"}}"#));
        peer.say(&info(cluster, ""));
        peer
    }

    /// What the server has said first.
    pub(crate) fn info(&self) -> &str {
        &self.info
    }

    pub(crate) fn say(&mut self, text: &str) {
        // The server may have closed the connection.
        let _ = self.stream.get_mut().write_all(format!("{text}\r\n").as_bytes());
    }

    /// The next line that is no PING, nor about the system account; nothing at the end.
    pub(crate) fn line(&mut self) -> String {
        loop {
            let mut line = String::new();
            // What is reset has ended.
            let _ = self.stream.read_line(&mut line);
            let line = line.trim_end();
            let is_of_system = line.starts_with("RS+ $SYS ") || line.contains(r#""JFNZUw==""#);
            if line != "PING" && !is_of_system && !line.starts_with("RS+ $G $SYS.") {
                return line.to_owned();
            }
        }
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.line(), *line);
        }
    }

    /// Returns once everything that was said is in force there.
    pub(crate) fn sync(&mut self) {
        self.say("PING");
        while self.line() != "PONG" {}
    }

    /// Says that all that is wanted in the global account of this cluster are these subjects; returns once that is in force.
    pub(crate) fn want(&mut self, cluster: &str, subjects: &[&str]) {
        let command = |command: u8| {
            format!(r#"INFO {{"gateway":"{cluster}","gateway_cmd":{command},"gateway_cmd_payload":"JEc="}}"#)
        };
        self.say(&command(2));
        for subject in subjects {
            self.say(&format!("RS+ $G {subject}"));
        }
        self.say(&command(3));
        self.sync();
    }

    /// What is said to the end, but for what was told of interest.
    pub(crate) fn rest(mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.line() {
                line if line.is_empty() => return lines,
                line if line.starts_with("INFO") || line.starts_with("RS+") => {}
                line => lines.push(line),
            }
        }
    }
}

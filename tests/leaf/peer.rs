//! A leaf node, or a hub, that says what a test has it say.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use vagus_test_support::{PATIENCE, TestServer};

/// The other end of a link.
pub(crate) struct Peer {
    stream: BufReader<TcpStream>,
    /// What a hub has said first.
    info: String,
}

/// A hub of which servers may be leaf nodes.
pub(crate) struct FakeHub(TcpListener);

impl FakeHub {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next leaf node, which is told this beside what hubs say; and its CONNECT.
    pub(crate) fn greet(&self, more: &str) -> (Peer, String) {
        let mut peer = Peer::on(self.0.accept().unwrap().0);
        peer.say(&info(more));
        let connect = peer.line();
        assert!(connect.starts_with("CONNECT {"), "{connect}");
        (peer, connect)
    }

    /// The same, and binds it.
    pub(crate) fn bind(&self, more: &str) -> Peer {
        let (mut peer, _) = self.greet("");
        peer.say(&info(&format!(
            r#","connect_info":true,"remote_account":"$G"{more}"#
        )));
        peer.loop_subject();
        peer
    }
}

fn info(more: &str) -> String {
    format!(
        r#"INFO {{"server_id":"NX","server_name":"hub","version":"2.14.5","go":"x","host":"127.0.0.1","port":1,"headers":true,"max_payload":1048576,"client_id":7,"info_on_connect":true,"leafnode_urls":["127.0.0.1:1"]{more}}}"#
    )
}

impl Peer {
    fn on(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream: BufReader::new(socket),
            info: String::new(),
        }
    }

    /// Connects as a leaf node, and reads INFO.
    pub(crate) fn to(server: &TestServer) -> Self {
        let mut peer = Self::on(TcpStream::connect(server.leafnode_address().unwrap()).unwrap());
        peer.info = peer.line();
        assert!(peer.info.starts_with(r#"INFO {"server_id":"N"#), "{}", peer.info);
        peer
    }

    /// What the hub has said first.
    pub(crate) fn info(&self) -> &str {
        &self.info
    }

    /// The same, and is bound to an account.
    pub(crate) fn bound(server: &TestServer) -> Self {
        Self::bound_as(server, r#","name":"edge""#)
    }

    /// The same, by a CONNECT that says this.
    pub(crate) fn bound_as(server: &TestServer, more: &str) -> Self {
        let mut peer = Self::to(server);
        peer.say(&format!(r#"CONNECT {{"version":"2.14.5","headers":true{more}}}"#));
        let info = peer.line();
        assert!(
            info.starts_with("INFO {") && info.contains(r#""connect_info":true"#),
            "{info}"
        );
        peer.info = info;
        peer.loop_subject();
        peer
    }

    /// Each end asks the other for a subject that loops are found by: first of all.
    fn loop_subject(&mut self) {
        let line = self.line();
        assert!(line.starts_with("LS+ $LDS."), "{line}");
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.stream
            .get_mut()
            .write_all(format!("{text}\r\n").as_bytes())
            .unwrap();
    }

    /// The next line that is neither a PING nor about what servers answer in every account; nothing at the end.
    pub(crate) fn line(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            let line = line.trim_end();
            if line != "PING" && !line.starts_with("LS+ $SYS.REQ.") {
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
        self.expect(&["PONG"]);
    }

    /// The same, whatever is asked for meanwhile.
    pub(crate) fn sync_past_interest(&mut self) {
        self.say("PING");
        while self.line() != "PONG" {}
    }

    /// The next line of a message, whatever is asked for meanwhile.
    pub(crate) fn message_line(&mut self) -> String {
        loop {
            let line = self.line();
            if line.starts_with("LMSG ") || line.starts_with("HMSG ") {
                return line;
            }
        }
    }

    /// What is said to the end.
    pub(crate) fn rest(mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.line() {
                line if line.is_empty() => return lines,
                line => lines.push(line),
            }
        }
    }
}

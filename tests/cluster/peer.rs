//! A server of a cluster that says what a test has it say.

use crate::world::await_members;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use vagus_test_support::{PATIENCE, TestServer};

/// The other end of a route.
pub(crate) struct Route {
    stream: BufReader<TcpStream>,
    /// What the server has said first.
    info: String,
}

/// What a server of this id says of itself; `more` is said beside that.
fn info(id: &str, more: &str) -> String {
    info_of_old(id, &format!(r#","lnocu":true{more}"#))
}

/// The same, of a server before nats-server 2.10.23.
pub(crate) fn info_of_old(id: &str, more: &str) -> String {
    format!(
        r#"INFO {{"server_id":"{id}","server_name":"{id}","version":"2.14.5","go":"x","host":"127.0.0.1","port":1,"headers":true,"max_payload":1048576,"cluster":"tests","lnoc":true{more}}}"#
    )
}

impl Route {
    fn on(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream: BufReader::new(socket),
            info: String::new(),
        }
    }

    /// Connects, and reads INFO.
    pub(crate) fn to(server: &TestServer) -> Self {
        let route = Self::to_any(server);
        let info = route.info();
        assert!(info.contains(r#""cluster":"tests""#), "{info}");
        route
    }

    /// The same, whatever the cluster is called.
    pub(crate) fn to_any(server: &TestServer) -> Self {
        let mut route = Self::on(TcpStream::connect(server.cluster_address().unwrap()).unwrap());
        let info = route.line();
        assert!(info.starts_with(r#"INFO {"server_id":"N"#), "{info}");
        assert!(
            info.contains(r#""lnoc":true"#) && info.contains(r#""nonce":""#),
            "{info}"
        );
        route.info = info;
        route
    }

    /// What the server has said first.
    pub(crate) fn info(&self) -> &str {
        &self.info
    }

    /// The socket, of which nothing was read that has not been taken.
    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        assert!(self.stream.buffer().is_empty());
        self.stream.get_mut()
    }

    /// The same, and becomes a member: as a server that knows of no pool.
    pub(crate) fn joined(server: &TestServer) -> Self {
        let route = Self::introduced(server, "");
        await_members(server, 1);
        route
    }

    /// The same, but for what INFO says beside the rest, and without waiting for what comes of it.
    pub(crate) fn introduced(server: &TestServer, more: &str) -> Self {
        Self::introduced_as("NX", server, more)
    }

    /// The same, as the server of this id.
    pub(crate) fn introduced_as(id: &str, server: &TestServer, more: &str) -> Self {
        let mut route = Self::to(server);
        route.say(&format!(
            r#"CONNECT {{"echo":true,"headers":true,"name":"{id}","cluster":"tests","lnoc":true,"lnocu":true}}"#
        ));
        route.say(&info(id, more));
        route
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.stream
            .get_mut()
            .write_all(format!("{text}\r\n").as_bytes())
            .unwrap();
    }

    /// The next line that is neither a PING nor of the system account; nothing at the end.
    pub(crate) fn line(&mut self) -> String {
        loop {
            let line = self.any_line();
            if line != "PING" && !line.starts_with("RS+ $SYS ") {
                return line;
            }
        }
    }

    /// The next line; nothing at the end.
    pub(crate) fn any_line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line that begins so.
    pub(crate) fn line_with(&mut self, beginning: &str) -> String {
        loop {
            let line = self.any_line();
            assert!(!line.is_empty(), "no {beginning}");
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    pub(crate) fn expect(&mut self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.line(), *line);
        }
    }

    /// All that is said up to the end.
    pub(crate) fn rest(mut self) -> String {
        let mut rest = String::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return rest;
            }
            rest.push_str(&line);
        }
    }
}

/// A server that others connect to.
pub(crate) struct Acceptor(TcpListener);

impl Acceptor {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next connection, on which it is said what this server is, with `more`.
    pub(crate) fn accept(&self, more: &str) -> Route {
        self.accept_as(&info("NX", more))
    }

    /// The same, which says this of itself.
    pub(crate) fn accept_as(&self, info: &str) -> Route {
        let (socket, _) = self.0.accept().unwrap();
        let mut route = Route::on(socket);
        route.say(info);
        let connect = route.any_line();
        assert!(connect.starts_with("CONNECT {"), "{connect}");
        route
    }
}

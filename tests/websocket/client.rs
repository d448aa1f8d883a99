//! A client that speaks WebSocket, and blocks.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use vagus_test_support::{PATIENCE, TestServer};
use vagus_websocket::deflate::{CompressedMessage, Deflater};

/// RFC 6455, section 1.3.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// What a client says that expects nothing for what it does.
pub(crate) const CONNECT: &str = "CONNECT {\"verbose\":false,\"headers\":true}\r\nPING\r\n";

/// What compression is asked for with.
pub(crate) const COMPRESSED: (&str, &str) = ("Sec-WebSocket-Extensions", "permessage-deflate");

/// Whether we are there.
const ASKED: &[u8] = b"PING\r\n";

const MASK: [u8; 4] = [0x5a, 0x1f, 0xc3, 0x07];

pub(crate) trait Line: Read + Write + Send {}

impl<L: Read + Write + Send> Line for L {}

/// The first byte of a frame, and its payload.
pub(crate) type Frame = (u8, Vec<u8>);

pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

pub(crate) struct WebSocketClient {
    line: Box<dyn Line>,
    buffer: Vec<u8>,
    /// What has come in messages and was not expected yet.
    data: Vec<u8>,
    /// What the request was answered.
    pub(crate) answer: String,
}

/// Where the server has clients connect that speak WebSocket.
pub(crate) fn address(server: &TestServer) -> SocketAddr {
    server.websocket_address().expect("WebSocket is configured")
}

pub(crate) fn connect(server: &TestServer) -> TcpStream {
    let socket = TcpStream::connect(address(server)).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A request, with more headers.
pub(crate) fn request(path: &str, headers: &[(&str, &str)]) -> String {
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n"
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request + "\r\n"
}

/// A masked frame.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ ..126 => frame.push(0x80 | length as u8),
        length @ ..65_536 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}

impl WebSocketClient {
    /// One that has asked for the upgrade, and read what it was answered.
    pub(crate) fn on(mut line: Box<dyn Line>, headers: &[(&str, &str)]) -> Self {
        line.write_all(request("/", headers).as_bytes()).unwrap();
        let mut client = Self {
            line,
            buffer: Vec::new(),
            data: Vec::new(),
            answer: String::new(),
        };
        let end = loop {
            let end = client.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            match end {
                Some(end) => break end + 4,
                None => assert!(client.fill(), "closed in {:?}", client.buffer),
            }
        };
        client.answer = String::from_utf8(client.buffer.drain(..end).collect()).unwrap();
        client
    }

    /// One that has been granted the upgrade.
    pub(crate) fn upgraded(server: &TestServer, headers: &[(&str, &str)]) -> Self {
        let client = Self::on(Box::new(connect(server)), headers);
        assert!(client.answer.starts_with("HTTP/1.1 101 "), "{}", client.answer);
        client
    }

    /// One that has read INFO.
    pub(crate) fn informed(server: &TestServer, headers: &[(&str, &str)]) -> (Self, String) {
        let mut client = Self::upgraded(server, headers);
        let info = client.info();
        (client, info)
    }

    /// One that is in.
    pub(crate) fn connected(server: &TestServer) -> Self {
        let (mut client, _) = Self::informed(server, &[]);
        client.send(CONNECT);
        client.expect("PONG\r\n");
        client
    }

    /// Reads INFO.
    pub(crate) fn info(&mut self) -> String {
        while !self.data.ends_with(b"\r\n") {
            self.read_data();
            if self.data == ASKED {
                self.answer_ping(0);
            }
        }
        let info = String::from_utf8(std::mem::take(&mut self.data)).unwrap();
        assert!(info.starts_with("INFO {") && info.ends_with("} \r\n"), "{info}");
        info
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.line.write_all(bytes).unwrap();
    }

    /// Sends a message of bytes.
    pub(crate) fn send(&mut self, text: &str) {
        self.write(&masked(0x82, text.as_bytes()));
    }

    /// Sends a message that is compressed.
    pub(crate) fn send_compressed(&mut self, text: &[u8]) {
        let mut compressed = Vec::new();
        Deflater::default().append(text, &mut compressed);
        self.write(&masked(0xc2, &compressed));
    }

    fn fill(&mut self) -> bool {
        let mut bytes = vec![0; 65_536];
        let count = match self.line.read(&mut bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("{error} in {:?}", String::from_utf8_lossy(&self.buffer)),
        };
        self.buffer.extend_from_slice(&bytes[..count]);
        count > 0
    }

    /// The next frame; None at the end.
    pub(crate) fn frame(&mut self) -> Option<Frame> {
        loop {
            if let [first, length, rest @ ..] = &*self.buffer {
                assert_eq!(length & 0x80, 0, "no server masks");
                let (bytes, length) = match length {
                    126 if rest.len() >= 2 => (2, usize::from(u16::from_be_bytes([rest[0], rest[1]]))),
                    127 if rest.len() >= 8 => {
                        let length: [u8; 8] = rest[..8].try_into().unwrap();
                        (8, u64::from_be_bytes(length) as usize)
                    }
                    126 | 127 => (0, usize::MAX),
                    length => (0, usize::from(*length)),
                };
                if length <= rest.len().saturating_sub(bytes) {
                    let frame = (*first, rest[bytes..bytes + length].to_vec());
                    self.buffer.drain(..2 + bytes + length);
                    return Some(frame);
                }
            }
            if !self.fill() {
                assert!(self.buffer.is_empty(), "ended in the middle of a frame");
                return None;
            }
        }
    }

    /// Reads a frame of data; gives its first byte.
    #[track_caller]
    pub(crate) fn read_data(&mut self) -> u8 {
        let (first, payload) = self.frame().expect("more is to come");
        match first {
            0x82 => self.data.extend_from_slice(&payload),
            0xc2 => {
                let mut message = CompressedMessage::new(usize::MAX);
                message.push(&payload, true).unwrap();
                let mut space = vec![0; 1 << 20];
                while message.is_readable() {
                    let count = message.read(&mut space, &mut None).unwrap();
                    self.data.extend_from_slice(&space[..count]);
                }
            }
            other => panic!("{other:x} {:?}", String::from_utf8_lossy(&payload)),
        }
        first
    }

    /// Reads as much as this, which it has to be.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        self.expect_bytes(text.as_bytes());
    }

    #[track_caller]
    pub(crate) fn expect_bytes(&mut self, bytes: &[u8]) {
        loop {
            while self.data.len() < bytes.len() {
                self.read_data();
            }
            let same = self
                .data
                .iter()
                .zip(bytes)
                .take_while(|(found, expected)| found == expected)
                .count();
            // The server asks whether we are there whenever it wants. That may begin as what was expected does.
            let ping = [same, same.saturating_sub(1)]
                .into_iter()
                .find(|place| same < bytes.len() && self.data[*place..].starts_with(ASKED));
            match ping {
                Some(place) => self.answer_ping(place),
                None => break,
            }
        }
        let found: Vec<u8> = self.data.drain(..bytes.len()).collect();
        let shown = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        assert!(found == bytes, "{} instead of {}", shown(&found), shown(bytes));
    }

    fn answer_ping(&mut self, place: usize) {
        self.data.drain(place..place + ASKED.len());
        self.send("PONG\r\n");
    }

    /// Reads what is said to the end, and gives the payload of the close frame, if there is one.
    #[track_caller]
    pub(crate) fn closed(&mut self) -> (String, Option<Vec<u8>>) {
        let mut close = None;
        while let Some((first, payload)) = self.frame() {
            assert_eq!(close, None, "something follows the close frame");
            match first {
                CLOSE => close = Some(payload),
                _ => self.data.extend_from_slice(&payload),
            }
        }
        let said = String::from_utf8(std::mem::take(&mut self.data)).unwrap();
        (said.replace("PING\r\n", ""), close)
    }

    /// The server has closed, with this status and reason.
    #[track_caller]
    pub(crate) fn expect_closed(&mut self, status: u16, reason: &str) {
        let (_, close) = self.closed();
        let close = close.expect("a close frame");
        let (found, text) = close.split_at(2);
        assert_eq!(String::from_utf8_lossy(text), reason);
        assert_eq!(found, status.to_be_bytes());
    }
}

/// A server that serves WebSocket, with these settings of it, and more of the server's.
pub(crate) fn serving(websocket: &str, rest: &str) -> TestServer {
    vagus_test_support::server()
        .configured(&text(websocket, rest))
        .start()
}

/// What its configuration file says.
pub(crate) fn text(websocket: &str, rest: &str) -> String {
    format!("websocket {{ listen: \"127.0.0.1:-1\"\n no_tls: true\n {websocket} }}\n{rest}")
}

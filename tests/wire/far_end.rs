//! The other end of a stack of layers, which blocks.

use crate::framing::{Count, Frames, Kind};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use vagus_test_support::{BlockingTls, PATIENCE};
use vagus_tls::{Acceptor, Connector, TlsStream};

/// As long as the shortest that is expected.
const PING: &[u8] = b"PING\r\n";

pub(crate) trait Line: Read + Write + Send {}

impl<L: Read + Write + Send> Line for L {}

/// Connects, with little room for what is not read.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.connect(&address.into()).unwrap();
    let socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// The client's side of a handshake.
pub(crate) fn secure(socket: TcpStream, connector: &Connector) -> Box<dyn Line> {
    let stream = TlsStream::new(connector.start("localhost").unwrap(), socket).unwrap();
    Box::new(BlockingTls::handshake(stream).unwrap())
}

/// The server's side of a handshake, and the name that was asked for.
pub(crate) fn answer(socket: TcpStream, acceptor: &Acceptor) -> Result<(Box<dyn Line>, String), String> {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let stream = TlsStream::new(acceptor.start().unwrap(), socket).unwrap();
    let stream = BlockingTls::handshake(stream).map_err(|error| error.to_string())?;
    let name = stream
        .get_ref()
        .ssl()
        .servername(openssl::ssl::NameType::HOST_NAME);
    let name = name.unwrap_or_default().to_owned();
    Ok((Box::new(stream), name))
}

/// A client of NATS at the other end of frames, or of none.
pub(crate) struct FarEnd {
    line: Box<dyn Line>,
    framing: Option<(Frames, Count)>,
    data: VecDeque<u8>,
    /// Answers to pings: those that have come, and what has come of the next.
    pongs: Vec<Vec<u8>>,
    pong: Vec<u8>,
    has_farewell: bool,
    /// How much is read at once.
    step: usize,
}

impl FarEnd {
    pub(crate) fn plain(line: Box<dyn Line>) -> Self {
        Self {
            line,
            framing: None,
            data: VecDeque::new(),
            pongs: Vec::new(),
            pong: Vec::new(),
            has_farewell: false,
            step: 64 * 1024,
        }
    }

    pub(crate) fn framed(line: Box<dyn Line>) -> Self {
        Self {
            framing: Some(<_>::default()),
            ..Self::plain(line)
        }
    }

    /// From now on so much is read at once.
    pub(crate) fn reading_by(mut self, step: usize) -> Self {
        self.step = step;
        self
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.send_in(bytes, bytes.len().max(1), bytes.len().max(1));
    }

    /// Sends frames of so many bytes, in writes of so many.
    pub(crate) fn send_in(&mut self, bytes: &[u8], frame: usize, write: usize) {
        let mut out = Vec::new();
        match &mut self.framing {
            Some((_, count)) => {
                for piece in bytes.chunks(frame.min(usize::from(u16::MAX))) {
                    count.put(Kind::Data, piece, &mut out);
                    count.advance();
                }
            }
            None => out.extend_from_slice(bytes),
        }
        for piece in out.chunks(write) {
            self.line.write_all(piece).unwrap();
        }
    }

    pub(crate) fn ping(&mut self, payload: &[u8]) {
        let (_, count) = self.framing.as_mut().unwrap();
        let mut out = Vec::new();
        count.put(Kind::Ping, payload, &mut out);
        count.advance();
        self.line.write_all(&out).unwrap();
    }

    /// The answers to pings that came with what has been read.
    pub(crate) fn pongs(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.pongs)
    }

    /// Reads on until there are so many answers to pings.
    pub(crate) fn until_pongs(&mut self, count: usize) -> Vec<Vec<u8>> {
        while self.pongs.len() < count {
            assert!(self.read_on(), "the stream ends before the answer to a ping");
        }
        self.pongs()
    }

    /// Reads once; false at the end.
    fn read_on(&mut self) -> bool {
        let mut buffer = vec![0; self.step];
        let count = self.line.read(&mut buffer).unwrap();
        self.has_come(&buffer[..count]);
        count > 0
    }

    fn has_come(&mut self, bytes: &[u8]) {
        let Some((frames, _)) = &mut self.framing else {
            self.data.extend(bytes);
            return;
        };
        for byte in bytes {
            assert!(!self.has_farewell, "nothing follows a farewell");
            let tell = |kind, byte: Option<u8>| match (kind, byte) {
                (Kind::Data, Some(byte)) => self.data.push_back(byte),
                (Kind::Pong, Some(byte)) => self.pong.push(byte),
                (Kind::Pong, None) => self.pongs.push(std::mem::take(&mut self.pong)),
                (Kind::Farewell, None) => self.has_farewell = true,
                (Kind::Data | Kind::Ping | Kind::Farewell, _) => {}
            };
            frames.take(*byte, tell).unwrap();
        }
    }

    /// What has come and was not taken is the beginning of frames, as is what comes.
    pub(crate) fn framed_from_now_on(mut self) -> Self {
        self.framing = Some(<_>::default());
        let come: Vec<u8> = self.data.drain(..).collect();
        self.has_come(&come);
        self
    }

    /// The next so many bytes.
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        while self.data.len() < count {
            assert!(self.read_on(), "the stream ends");
        }
        self.data.drain(..count).collect()
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.extend(self.take(1));
        }
        String::from_utf8(line).unwrap()
    }

    /// What comes next, PINGs of the server aside.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        let mut come = self.take(PING.len());
        while come == PING {
            come = self.take(PING.len());
        }
        come.extend(self.take(text.len() - PING.len()));
        assert_eq!(String::from_utf8_lossy(&come), text);
    }

    /// Everything up to the end, and whether there was a farewell.
    pub(crate) fn rest(&mut self) -> (Vec<u8>, bool) {
        while self.read_on() {}
        (self.data.drain(..).collect(), self.has_farewell)
    }

    /// INFO, then CONNECT, until it is answered.
    pub(crate) fn log_in(mut self) -> Self {
        let info = self.line();
        assert!(info.starts_with("INFO {"), "{info}");
        self.send(b"CONNECT {\"verbose\":false}\r\nPING\r\n");
        self.expect("PONG\r\n");
        self
    }

    pub(crate) fn subscribe(&mut self, subject: &str) {
        self.send(format!("SUB {subject} 1\r\nPING\r\n").as_bytes());
        self.expect("PONG\r\n");
    }
}

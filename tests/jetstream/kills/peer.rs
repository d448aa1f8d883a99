//! A client that is told of the end of its server, instead of failing.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use vagus_test_support::PATIENCE;

/// A client.
pub(super) struct Peer {
    socket: TcpStream,
    reader: BufReader<TcpStream>,
}

/// A message that came.
pub(super) struct Received {
    pub(super) subject: String,
    pub(super) reply: Option<String>,
    pub(super) header: String,
    pub(super) payload: Vec<u8>,
}

impl Received {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.header.lines();
        lines
            .filter_map(|line| line.split_once(": "))
            .find_map(|(of, value)| (of == name).then_some(value))
    }

    /// The sequence that it has in its stream, if a consumer has delivered it.
    pub(super) fn sequence(&self) -> Option<u64> {
        let mut tokens = self.reply.as_ref()?.split('.').skip(5);
        tokens.next()?.parse().ok()
    }
}

impl Peer {
    pub(super) fn to(address: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let reader = BufReader::new(socket.try_clone()?);
        let mut peer = Self { socket, reader };
        peer.line()?;
        peer.send("CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\nSUB own 9\r\n")?;
        Ok(peer)
    }

    pub(super) fn send(&mut self, lines: &str) -> Result<()> {
        self.socket.write_all(lines.as_bytes())
    }

    /// Asks for something; answers come to this client.
    pub(super) fn request(&mut self, subject: &str, payload: &str) {
        let lines = format!("PUB {subject} own {}\r\n{payload}\r\n", payload.len());
        self.send(&lines).unwrap();
    }

    pub(super) fn ask(&mut self, subject: &str, payload: &str) -> Received {
        self.request(subject, payload);
        self.receive().unwrap()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    /// The next message.
    pub(super) fn receive(&mut self) -> Result<Received> {
        loop {
            let line = self.line()?;
            let words: Vec<&str> = line.split(' ').collect();
            let number = |word: &str| word.parse::<usize>().map_err(Error::other);
            let (subject, reply, header, total) = match *words {
                ["MSG", subject, _, total] => (subject, None, 0, number(total)?),
                ["MSG", subject, _, reply, total] => (subject, Some(reply), 0, number(total)?),
                ["HMSG", subject, _, header, total] => (subject, None, number(header)?, number(total)?),
                ["HMSG", subject, _, reply, header, total] => {
                    (subject, Some(reply), number(header)?, number(total)?)
                }
                ["PING"] => {
                    self.send("PONG\r\n")?;
                    continue;
                }
                _ => continue,
            };
            let (subject, reply) = (subject.to_owned(), reply.map(ToOwned::to_owned));
            let mut bytes = vec![0; total + 2];
            self.reader.read_exact(&mut bytes)?;
            bytes.truncate(total);
            let payload = bytes.split_off(header);
            return Ok(Received {
                subject,
                reply,
                header: String::from_utf8_lossy(&bytes).into_owned(),
                payload,
            });
        }
    }
}

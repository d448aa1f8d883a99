//! A client of which only what a test of patience needs is there.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long anybody waits for anything. A wait of this length is one without end.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What is said by who has nothing to prove.
pub const CONNECT: &str = r#"CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}"#;

/// A connection whose other end is waited for.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    /// Connects, and waits for the PONG behind `connect`.
    ///
    /// # Errors
    /// When the server refuses it, or takes longer than [`PATIENCE`].
    pub fn open(port: u16, connect: &str) -> io::Result<Self> {
        let mut client = Self::reach(port)?;
        client.until(b"\r\n")?;
        client.settle(&format!("{connect}\r\n"))?;
        Ok(client)
    }

    /// Only connects.
    ///
    /// # Errors
    /// When there is no connection within [`PATIENCE`].
    pub fn reach(port: u16) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self::over(TcpStream::connect_timeout(&address, PATIENCE)?)
    }

    /// Over a connection that there is.
    ///
    /// # Errors
    /// When its socket cannot be set up.
    pub fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let read = Vec::new();
        Ok(Self { stream, read })
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// When the connection is over, or nobody reads for [`PATIENCE`].
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Writes these lines and a PING, and waits for its PONG.
    ///
    /// # Errors
    /// When the connection is over, or the PONG does not come within [`PATIENCE`].
    pub fn settle(&mut self, lines: &str) -> io::Result<()> {
        self.write(format!("{lines}PING\r\n").as_bytes())?;
        self.until(b"PONG\r\n")
    }

    /// Reads until this has come, and forgets what came before it. Answers PINGs.
    ///
    /// # Errors
    /// When the connection is over, the server complains, or this does not come within [`PATIENCE`].
    pub fn until(&mut self, wanted: &[u8]) -> io::Result<()> {
        loop {
            if let Some(at) = find(&self.read, wanted) {
                self.read.drain(..at + wanted.len());
                return Ok(());
            }
            if let Some(at) = find(&self.read, b"-ERR") {
                let said = String::from_utf8_lossy(&self.read[at..]).into_owned();
                return Err(io::Error::other(
                    said.lines().next().unwrap_or_default().to_owned(),
                ));
            }
            if let Some(at) = find(&self.read, b"PING\r\n") {
                self.read.drain(..at + 6);
                self.stream.write_all(b"PONG\r\n")?;
            }
            self.read_more()?;
        }
    }

    /// Waits for the next message, for as long as the connection lasts, and answers it on the same connection, unless
    /// there is nothing to say.
    ///
    /// # Errors
    /// When the connection is over, or something else than messages comes.
    pub fn answer(&mut self, answer: impl FnOnce(&str, &[u8]) -> Option<Vec<u8>>) -> io::Result<()> {
        let line = loop {
            let line = self.line()?;
            if line != "PING" {
                break line;
            }
            self.write(b"PONG\r\n")?;
        };
        let unexpected = || io::Error::other(line.clone());
        let words: Vec<&str> = line.split(' ').collect();
        let ["MSG", subject, _, reply, length] = words[..] else {
            return Err(unexpected());
        };
        let length: usize = length.parse().map_err(|_| unexpected())?;
        while self.read.len() < length + 2 {
            self.read_more()?;
        }
        let mut payload: Vec<u8> = self.read.drain(..length + 2).collect();
        payload.truncate(length);
        let Some(said) = answer(subject, &payload) else {
            return Ok(());
        };
        let mut message = format!("PUB {reply} {}\r\n", said.len()).into_bytes();
        message.extend_from_slice(&said);
        message.extend_from_slice(b"\r\n");
        self.write(&message)
    }

    /// The next line, however long it takes to come.
    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = find(&self.read, b"\r\n") {
                let line: Vec<u8> = self.read.drain(..at + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            match self.read_more() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                other => other?,
            }
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let mut space = [0; 16 * 1024];
        match self.stream.read(&mut space)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                self.read.extend_from_slice(&space[..count]);
                Ok(())
            }
        }
    }

    /// The connection alone.
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

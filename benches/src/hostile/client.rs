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
            let mut space = [0; 16 * 1024];
            match self.stream.read(&mut space)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => self.read.extend_from_slice(&space[..count]),
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

//! One client connection of the generator, with blocking I/O.

use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::time::Duration;

use crate::error::{BenchError, Doing};
use crate::inbound::{Inbound, Reader};

/// How long a server may take for an answer while nothing is measured.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(30);

const CONNECT: &[u8] = b"CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\
    \"lang\":\"rust\",\"version\":\"1\",\"protocol\":1,\"echo\":true,\"headers\":true,\
    \"no_responders\":true}\r\nPING\r\n";

/// An open connection whose `CONNECT` the server has accepted.
#[derive(Debug)]
pub struct Connection {
    name: String,
    stream: TcpStream,
    reader: Reader,
}

impl Connection {
    /// Connects to a server on this machine and waits for the first PONG. `name` is for error messages.
    pub fn open(port: u16, name: &str) -> Result<Self, BenchError> {
        Self::open_with(port, name, CONNECT)
    }

    /// As [`Connection::open`], as a user with a password.
    pub fn open_as(port: u16, name: &str, user: &str, password: &str) -> Result<Self, BenchError> {
        let login = format!("CONNECT {{\"user\":\"{user}\",\"pass\":\"{password}\",");
        let rest = CONNECT.strip_prefix(b"CONNECT {").unwrap_or_default();
        Self::open_with(port, name, &[login.as_bytes(), rest].concat())
    }

    /// As [`Connection::open`], with another CONNECT, followed by PING.
    pub fn open_with(port: u16, name: &str, connect: &[u8]) -> Result<Self, BenchError> {
        let stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).doing(|| format!("connecting {name}"))?;
        stream.set_nodelay(true).doing(|| format!("setting up {name}"))?;
        stream
            .set_read_timeout(Some(ANSWER_LIMIT))
            .doing(|| format!("setting up {name}"))?;
        let mut connection = Self {
            name: name.to_owned(),
            stream,
            reader: Reader::new(name, 2_048),
        };
        loop {
            match connection.reader.next_inbound()? {
                Some(Inbound::Other) => break,
                Some(_) => continue,
                None => connection.reader.fill(&mut connection.stream)?,
            }
        }
        connection.write(connect)?;
        connection.wait_for_pong()?;
        Ok(connection)
    }

    /// What the connection is called in error messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes all of `bytes`.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BenchError> {
        self.stream
            .write_all(bytes)
            .map_err(|error| write_error(&self.name, error))
    }

    /// Writes `lines` and a PING, and waits for the PONG: then the server has done what they say.
    pub fn settle(&mut self, lines: &[u8]) -> Result<(), BenchError> {
        self.write(lines)?;
        self.write(b"PING\r\n")?;
        self.wait_for_pong()
    }

    /// Asks something, and waits for the answer, of which it gives headers and payload.
    ///
    /// # Errors
    /// When none comes, or something goes wrong with the connection.
    pub fn ask(&mut self, subject: &str, request: &[u8]) -> Result<Vec<u8>, BenchError> {
        self.write(b"SUB _INBOX.bench.asked 1\r\nUNSUB 1 1\r\n")?;
        self.write(format!("PUB {subject} _INBOX.bench.asked {}\r\n", request.len()).as_bytes())?;
        self.write(request)?;
        self.write(b"\r\n")?;
        loop {
            match self.reader.next_inbound()? {
                Some(Inbound::Ping) => self.write(b"PONG\r\n")?,
                Some(Inbound::Pong | Inbound::Other) => {}
                Some(Inbound::Message { body, .. }) => return Ok(body.to_vec()),
                None => self.reader.fill(&mut self.stream)?,
            }
        }
    }

    /// Waits for a PONG, and answers PINGs; nothing of what was read is left over. Messages are errors.
    fn wait_for_pong(&mut self) -> Result<(), BenchError> {
        let mut answered = false;
        loop {
            let all_taken = self.reader.is_empty();
            match self.reader.next_inbound()? {
                Some(Inbound::Ping) => self.write(b"PONG\r\n")?,
                Some(Inbound::Pong) => answered = true,
                Some(Inbound::Other) => {}
                Some(Inbound::Message { line, .. }) => {
                    let (connection, found) = (self.name.clone(), line.to_owned());
                    return Err(BenchError::Unexpected { connection, found });
                }
                None if answered && all_taken => return Ok(()),
                None => self.reader.fill(&mut self.stream)?,
            }
        }
    }

    /// A second handle to the socket, to shut it down from another thread.
    pub fn handle(&self) -> Result<TcpStream, BenchError> {
        self.stream
            .try_clone()
            .doing(|| format!("cloning the socket of {}", self.name))
    }

    /// The socket alone, without blocking.
    pub fn into_nonblocking(self) -> Result<TcpStream, BenchError> {
        self.stream
            .set_nonblocking(true)
            .doing(|| format!("setting up {}", self.name))?;
        Ok(self.stream)
    }

    /// The socket alone, blocking without limit.
    pub fn into_blocking(self) -> Result<TcpStream, BenchError> {
        self.stream
            .set_read_timeout(None)
            .doing(|| format!("setting up {}", self.name))?;
        Ok(self.stream)
    }

    /// Says goodbye as clients do: a normal close.
    pub fn close(self) {
        // The server may have closed first; then there is nothing left to shut down.
        let _closed = self.stream.shutdown(Shutdown::Both);
    }
}

/// The error for a failed write of a connection.
pub fn write_error(name: &str, error: std::io::Error) -> BenchError {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => BenchError::Disconnected {
            connection: name.to_owned(),
        },
        _ => BenchError::Io {
            doing: format!("writing to {name}"),
            source: error,
        },
    }
}

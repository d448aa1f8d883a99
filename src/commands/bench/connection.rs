//! A connection of its own for each client of the run.

use super::error::BenchError;
use super::reader::{Inbound, Reader};
use crate::commands::address::{Address, Credentials};
use crate::commands::arguments::ServerOptions;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// How long a server may take to greet, and to confirm a subscription.
const GREETING: Duration = Duration::from_secs(10);

/// How long a server may be silent, or take nothing, while messages are on their way.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// A client that the server has let in.
#[derive(Debug)]
pub(super) struct Connection {
    /// Shared with the one that may have to end the run.
    pub(super) socket: Arc<TcpStream>,
    pub(super) reader: Reader,
    pub(super) role: &'static str,
    /// Which one of its role, from 1.
    pub(super) number: usize,
}

impl Connection {
    /// Connects to the first address, sends `first` and waits until the server has dealt with it.
    /// `size` bytes is what messages will have.
    pub(super) fn open(
        server: &ServerOptions,
        role: &'static str,
        number: usize,
        size: usize,
        first: &[u8],
    ) -> Result<Self, BenchError> {
        let Some(address) = server.addresses.first() else {
            return Err(BenchError::Vanished);
        };
        let connect_error = |source| BenchError::Connect {
            address: address.clone(),
            source,
        };
        let socket = TcpStream::connect((address.host.as_str(), address.port)).map_err(connect_error)?;
        socket.set_nodelay(true).map_err(connect_error)?;
        socket.set_read_timeout(Some(GREETING)).map_err(connect_error)?;
        socket.set_write_timeout(Some(SILENCE)).map_err(connect_error)?;
        let mut connection = Self {
            socket: Arc::new(socket),
            reader: Reader::new(),
            role,
            number,
        };
        connection.greet(address, size)?;
        let mut opening = connect_line(server.credentials.as_ref());
        opening.extend_from_slice(first);
        connection.send(&opening)?;
        connection.confirm()?;
        Ok(connection)
    }

    /// Sends PING and waits for its PONG: everything before it has been dealt with then.
    pub(super) fn confirm(&mut self) -> Result<(), BenchError> {
        self.send(b"PING\r\n")?;
        loop {
            match self.reader.next() {
                Ok(Some(Inbound::Pong)) => return Ok(()),
                Ok(Some(Inbound::Error(error))) => return Err(BenchError::Server(error.to_owned())),
                Ok(Some(Inbound::Ping)) => self.send(b"PONG\r\n")?,
                Ok(Some(Inbound::Message(_) | Inbound::Other(_))) => {}
                Ok(None) => self.fill()?,
                Err(garbled) => return Err(BenchError::Garbled(garbled.0)),
            }
        }
    }

    pub(super) fn send(&self, bytes: &[u8]) -> Result<(), BenchError> {
        (&*self.socket)
            .write_all(bytes)
            .map_err(|error| self.failure(error))
    }

    /// Reads once.
    pub(super) fn fill(&mut self) -> Result<(), BenchError> {
        match self.reader.fill(&*self.socket) {
            Ok(0) => Err(self.cut_off()),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(self.failure(error)),
        }
    }

    /// How long the server may be silent from now on; for ever when `None`.
    pub(super) fn set_patience(&self, patience: Option<Duration>) -> Result<(), BenchError> {
        self.socket
            .set_read_timeout(patience)
            .map_err(|error| self.failure(error))
    }

    pub(super) fn failure(&self, source: io::Error) -> BenchError {
        match source.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => self.cut_off(),
            _ => BenchError::Socket {
                role: self.role,
                number: self.number,
                source,
            },
        }
    }

    /// The server may have said why before it closed the connection, behind what we did not read.
    fn cut_off(&self) -> BenchError {
        BenchError::CutOff {
            role: self.role,
            number: self.number,
        }
    }

    fn greet(&mut self, address: &Address, size: usize) -> Result<(), BenchError> {
        let greeting = || BenchError::Greeting(address.clone());
        let info: Value = loop {
            match self.reader.next() {
                Ok(Some(Inbound::Other(json))) => {
                    break serde_json::from_slice(json).map_err(|_| greeting())?;
                }
                Ok(Some(Inbound::Error(error))) => return Err(BenchError::Server(error.to_owned())),
                Ok(None) => self.fill()?,
                _ => return Err(greeting()),
            }
        };
        if info["tls_required"] == json!(true) {
            return Err(BenchError::Tls(address.clone()));
        }
        match info["max_payload"].as_u64() {
            Some(max) if max < size as u64 => Err(BenchError::TooLarge { size, max }),
            _ => Ok(()),
        }
    }
}

fn connect_line(credentials: Option<&Credentials>) -> Vec<u8> {
    let mut options = json!({
        "verbose": false,
        "pedantic": false,
        "name": "vagus bench",
        "lang": "rust",
        "version": env!("CARGO_PKG_VERSION"),
        "protocol": 1,
        "headers": true,
        "no_responders": true,
    });
    match credentials {
        None => {}
        Some(Credentials::User { user, password }) => {
            options["user"] = json!(user);
            options["pass"] = json!(password);
        }
        Some(Credentials::Token(token)) => options["auth_token"] = json!(token),
    }
    format!("CONNECT {options}\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_sent_as_json() {
        let user = Credentials::User {
            user: "a\"b".to_owned(),
            password: "p".to_owned(),
        };
        let line = String::from_utf8(connect_line(Some(&user))).unwrap();
        let json = line
            .strip_prefix("CONNECT ")
            .and_then(|rest| rest.strip_suffix("\r\n"))
            .unwrap();
        let options: Value = serde_json::from_str(json).unwrap();
        assert_eq!(options["user"], "a\"b");
        assert_eq!(options["pass"], "p");
        assert_eq!(options.get("auth_token"), None);
    }
}

//! TLS over a socket that blocks, by the broker's own streams.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use vagus_tls::{StreamError, TlsStream, Unfinished};

/// A stream that is secured: reading and writing wait for the socket.
pub struct BlockingTls(TlsStream<TcpStream>);

impl BlockingTls {
    /// Shakes hands.
    ///
    /// # Errors
    /// If the other end does not agree, or the socket fails.
    pub fn handshake(mut stream: TlsStream<TcpStream>) -> io::Result<Self> {
        stream.handshake().map_err(failed)?;
        Ok(Self(stream))
    }

    /// The stream itself.
    pub fn get_ref(&self) -> &TlsStream<TcpStream> {
        &self.0
    }
}

fn failed(unfinished: Unfinished) -> io::Error {
    match unfinished {
        Unfinished::Failed(StreamError::Carrier(error)) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

impl Read for BlockingTls {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(failed)
    }
}

impl Write for BlockingTls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(failed)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

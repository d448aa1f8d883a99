//! A connection's bytes, in the clear or through TLS.

use openssl::ssl::{ErrorCode, SslStream};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One descriptor a client, for both of its halves, as tests may have ten thousand.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    /// Reading keeps the other half from writing: not for two threads.
    Tls(Mutex<SslStream<TcpStream>>),
}

impl Stream {
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self::Tls(tls) = self else {
            return self.plain(|mut socket| socket.read(buffer));
        };
        match locked(tls).ssl_read(buffer) {
            Ok(count) => Ok(count),
            Err(error) if error.code() == ErrorCode::ZERO_RETURN => Ok(0),
            Err(error) => Err(error
                .into_io_error()
                .unwrap_or_else(|error| io::Error::new(io::ErrorKind::ConnectionReset, error))),
        }
    }

    pub(crate) fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => (&*socket).write_all(bytes),
            Self::Tls(tls) => locked(tls).write_all(bytes),
        }
    }

    /// Ends the stream to the server.
    pub(crate) fn end(&self) {
        // The server may have been first.
        if let Self::Tls(tls) = self {
            let _ = locked(tls).shutdown();
        }
        let _ = self.plain(|socket| socket.shutdown(Shutdown::Write));
    }

    /// Makes the system break the connection off, with a reset, when it is dropped.
    pub(crate) fn break_off_when_dropped(&self) {
        self.plain(|socket| socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO)))
            .expect("an open socket can be set");
    }

    pub(crate) fn plain<R>(&self, act: impl FnOnce(&TcpStream) -> R) -> R {
        match self {
            Self::Plain(socket) => act(socket),
            Self::Tls(tls) => act(locked(tls).get_ref()),
        }
    }

    /// What TLS says of the connection.
    pub(crate) fn tls<R>(&self, ask: impl FnOnce(&openssl::ssl::SslRef) -> R) -> Option<R> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => Some(ask(locked(tls).ssl())),
        }
    }
}

fn locked(tls: &Mutex<SslStream<TcpStream>>) -> MutexGuard<'_, SslStream<TcpStream>> {
    tls.lock().unwrap_or_else(PoisonError::into_inner)
}

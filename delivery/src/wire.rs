//! What carries a connection's bytes: a socket, or TLS over one.

mod entrance;
mod handshakes;
mod last_words;
mod peer_check;
mod tls_facts;
mod tls_wire;

pub use entrance::{Came, EARLY_AT_MOST, Entrance};
pub use handshakes::Handshakes;
pub use last_words::LastWords;
pub use peer_check::PeerCheck;
pub use tls_facts::{TlsFacts, TlsPeerCertificate};
pub use tls_wire::{HandshakeError, TlsWire};

use rustix::io::Errno;
use std::io::{self, IoSliceMut};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// One read takes at most this much, in bytes.
pub const READ_SIZE: usize = 64 * 1024;

/// Everything TLS is boxed, so that a plain connection pays a word for it.
#[derive(Debug)]
pub enum Wire {
    /// Publishers on any arbiter write to the socket as well.
    Plain(Arc<TcpStream>),
    /// Only the owner reads and writes: what a record looks like depends on the one before.
    Tls(Box<TlsWire>),
}

impl Wire {
    /// The socket below everything.
    pub fn socket(&self) -> &Arc<TcpStream> {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => tls.socket(),
        }
    }

    /// The socket, if others may write to it.
    pub fn shared_socket(&self) -> Option<Arc<TcpStream>> {
        match self {
            Self::Plain(socket) => Some(socket.clone()),
            Self::Tls(_) => None,
        }
    }

    /// What is to be shown of the TLS that is spoken, if it is.
    pub fn tls_facts(&self) -> Option<Box<TlsFacts>> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => tls.facts().cloned().map(Box::new),
        }
    }

    /// Ready when a read may bring something; else the task is woken then.
    #[inline]
    pub fn poll_read_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => socket.poll_read_ready(task),
            Self::Tls(tls) => tls.poll_read_ready(task),
        }
    }

    /// Ready when a write may come further; else the task is woken then.
    pub fn poll_write_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => socket.poll_write_ready(task),
            Self::Tls(tls) => tls.poll_write_ready(task),
        }
    }

    /// Reads into the first buffer, then into the second. Gives the number of bytes, 0 at the end of the stream, and
    /// whether there is nothing left for now. `scratch` is lent for the call.
    #[inline]
    pub(crate) fn read(
        &mut self,
        first: &mut [u8],
        second: &mut [u8],
        scratch: &mut Box<[u8]>,
    ) -> io::Result<(usize, bool)> {
        match self {
            Self::Plain(socket) => read_vectored(socket, first, second),
            Self::Tls(tls) => tls.read(first, second, scratch),
        }
    }

    /// Ends the stream towards the peer; false if there is no peer any more.
    pub fn end(&mut self) -> bool {
        if let Self::Tls(tls) = self {
            tls.say_farewell();
        }
        socket2::SockRef::from(&**self.socket())
            .shutdown(Shutdown::Write)
            .is_ok()
    }
}

/// One `readv`. A short read also clears the readiness, which saves the call that would find nothing.
pub(super) fn read_vectored(
    socket: &TcpStream,
    first: &mut [u8],
    second: &mut [u8],
) -> io::Result<(usize, bool)> {
    let wanted = first.len() + second.len();
    let mut short = 0;
    let result = socket.try_io(Interest::READABLE, || {
        let count = if first.is_empty() {
            rustix::net::recv(socket.as_fd(), &mut *second, rustix::net::RecvFlags::empty())
                .map(|(count, _)| count)
        } else {
            let mut vectors = [IoSliceMut::new(first), IoSliceMut::new(second)];
            rustix::io::readv(socket.as_fd(), &mut vectors)
        };
        match count {
            Ok(count) if count > 0 && count < wanted => {
                short = count;
                Err(Errno::AGAIN.into())
            }
            Ok(count) => Ok(count),
            Err(error) => Err(error.into()),
        }
    });
    match result {
        Ok(count) => Ok((count, false)),
        Err(_) if short > 0 => Ok((short, true)),
        Err(error) => Err(error),
    }
}

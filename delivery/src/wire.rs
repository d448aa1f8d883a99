//! What carries a connection's bytes: a socket, with layers upon it.
//!
//! A plain socket is shared: publishers on any arbiter write to it. Through a [`Layer`] only the owner of the connection
//! reads and writes. Layers stand on one another in any order: frames on TLS on a socket. What comes before a layer is a
//! matter of the opening, such as the header of a proxy; an [`Entrance`] has what was read too early passed on to it.

mod compression_layer;
mod entrance;
mod handshakes;
mod last_words;
mod layer;
mod peer_check;
mod tls_layer;
mod websocket_layer;

pub use compression_layer::{CompressionLayer, SharedLevel};
pub use entrance::{Came, Direction, EARLY_AT_MOST, Entrance, Errand};
pub use handshakes::Handshakes;
pub use last_words::LastWords;
pub use layer::{Below, Layer, NewLayer};
pub use peer_check::PeerCheck;
pub use tls_layer::{HandshakeError, TlsFacts, TlsLayer, TlsPeerCertificate};
pub use websocket_layer::{WebSocketEnd, WebSocketLayer};

use compression_layer::CompressionScratch;
use rustix::io::Errno;
use std::io::{self, IoSliceMut};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use vagus_protocol::error::CloseReason;
use websocket_layer::WebSocketScratch;

/// One read takes at most this much, in bytes.
pub const READ_SIZE: usize = 128 * 1024;

/// How many bytes one write to a socket takes at best.
const PIECE: usize = 64 * 1024;

/// A socket, with layers upon it or without. All layers are one box, so that a plain connection pays a word for them.
#[derive(Debug)]
pub enum Wire {
    /// Publishers on any arbiter write to the socket as well.
    Plain(Arc<TcpStream>),
    /// The uppermost layer, which stands on the others. Only the owner reads and writes.
    Layered(Box<dyn Layer>),
}

/// Room that is lent to layers for the time of a call. What is in it means nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    /// What TLS reads ahead; empty until it does.
    ahead: Box<[u8]>,
    frame: Vec<u8>,
    /// None until something is compressed.
    compression: Option<Box<CompressionScratch>>,
    /// None until somebody speaks WebSocket.
    websocket: Option<Box<WebSocketScratch>>,
}

impl Scratch {
    /// A buffer for what a layer puts together. One that is not [given back](Self::give_back) is made anew for the next.
    pub fn take_frame(&mut self) -> Vec<u8> {
        let mut frame = std::mem::take(&mut self.frame);
        frame.clear();
        frame
    }

    fn compression(&mut self) -> &mut CompressionScratch {
        self.compression.get_or_insert_default()
    }

    fn websocket(&mut self) -> &mut WebSocketScratch {
        self.websocket.get_or_insert_default()
    }

    /// For the next that needs one.
    pub fn give_back(&mut self, frame: Vec<u8>) {
        self.frame = frame;
    }
}

impl Wire {
    /// Puts a layer on top. What has been read of the wire and not taken, `early`, is the first that the layer reads.
    #[must_use]
    pub fn under(self, early: Vec<u8>, layer: impl FnOnce(Below) -> Box<dyn Layer>) -> Self {
        Self::Layered(layer(Below::new(self, early)))
    }

    /// The socket below everything.
    pub fn socket(&self) -> &Arc<TcpStream> {
        match self {
            Self::Plain(socket) => socket,
            Self::Layered(layer) => layer.below().wire().socket(),
        }
    }

    /// The socket, if others may write to it.
    pub fn shared_socket(&self) -> Option<Arc<TcpStream>> {
        match self {
            Self::Plain(socket) => Some(socket.clone()),
            Self::Layered(_) => None,
        }
    }

    /// The TLS that is spoken, if it is.
    pub fn tls(&self) -> Option<&TlsLayer> {
        match self {
            Self::Plain(_) => None,
            Self::Layered(layer) => layer.tls(),
        }
    }

    fn tls_mut(&mut self) -> Option<&mut TlsLayer> {
        match self {
            Self::Plain(_) => None,
            Self::Layered(layer) => layer.tls_mut(),
        }
    }

    /// What is to be shown of the TLS that is spoken, if it is.
    pub fn tls_facts(&self) -> Option<Box<TlsFacts>> {
        self.tls()?.facts().cloned().map(Box::new)
    }

    /// Ready when a read may bring something; else the task is woken then.
    ///
    /// # Errors
    /// When the socket has failed.
    #[inline]
    pub fn poll_read_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => socket.poll_read_ready(task),
            Self::Layered(layer) => layer.poll_read_ready(task),
        }
    }

    /// Ready when a write may come further; else the task is woken then.
    ///
    /// # Errors
    /// When the socket has failed.
    pub fn poll_write_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => socket.poll_write_ready(task),
            Self::Layered(layer) => layer.poll_write_ready(task),
        }
    }

    /// Reads into the first buffer, then into the second. Gives the number of bytes, 0 at the end of the stream, and
    /// whether there is nothing left for now.
    #[inline]
    pub(crate) fn read(
        &mut self,
        first: &mut [u8],
        second: &mut [u8],
        scratch: &mut Scratch,
    ) -> io::Result<(usize, bool)> {
        match self {
            Self::Plain(socket) => read_vectored(socket, first, second),
            Self::Layered(layer) => layer.read(first, second, scratch),
        }
    }

    /// As [`Layer::write`].
    pub(crate) fn write(&mut self, bytes: &[u8], scratch: &mut Scratch) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.try_write(bytes),
            Self::Layered(layer) => layer.write(bytes, scratch),
        }
    }

    /// As [`Layer::write_own`].
    pub(crate) fn write_own(&mut self, scratch: &mut Scratch) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Layered(layer) => layer.write_own(scratch),
        }
    }

    fn piece(&self) -> usize {
        match self {
            Self::Plain(_) => PIECE,
            Self::Layered(layer) => layer.piece(),
        }
    }

    fn say_farewell(&mut self, reason: CloseReason) {
        if let Self::Layered(layer) = self {
            layer.say_farewell(reason);
        }
    }

    /// Ends the stream towards the peer, for this reason; false if there is no peer any more.
    pub fn end(&mut self, reason: CloseReason) -> bool {
        self.say_farewell(reason);
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
    let result = socket.try_io(tokio::io::Interest::READABLE, || {
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

#[cfg(test)]
mod tests {
    use super::Wire;

    /// So many words of a connection: its socket, and one for the possibility of layers.
    #[test]
    fn layers_cost_a_plain_connection_a_word() {
        assert_eq!(size_of::<Wire>(), 2 * size_of::<usize>());
    }
}

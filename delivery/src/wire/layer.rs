//! What stands between a session and the socket: each layer on a wire of its own.

use super::{Scratch, TlsLayer, Wire};
use std::fmt::Debug;
use std::io;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use vagus_protocol::error::CloseReason;

/// Something through which the bytes of a connection pass: TLS, frames, compression.
///
/// Only the owner of the connection reads and writes through a layer: what it writes depends on what it has written
/// before.
pub trait Layer: Debug + Send {
    /// What it stands on.
    fn below(&self) -> &Below;

    /// What it stands on.
    fn below_mut(&mut self) -> &mut Below;

    /// As [`Wire::read`].
    ///
    /// # Errors
    /// When the wire fails, or its peer breaks the rules of the layer; "would block" when there is nothing for now.
    fn read(
        &mut self,
        first: &mut [u8],
        second: &mut [u8],
        scratch: &mut Scratch,
    ) -> io::Result<(usize, bool)>;

    /// Writes some of the bytes, at best [`Layer::piece`] of them. When it would block, none of them count as written, and
    /// the next call has to offer the same bytes, which more may follow.
    ///
    /// # Errors
    /// When the wire fails; "would block" when it takes no more for now.
    fn write(&mut self, bytes: &[u8], scratch: &mut Scratch) -> io::Result<usize>;

    /// Writes what nobody has asked the layer to write, such as the answer to a ping; called when there is nothing else to
    /// write. So that it need not wait for that, a layer also writes it where a [`write`](Layer::write) begins. What there
    /// is of it is bounded by the layer.
    ///
    /// # Errors
    /// As [`Layer::write`].
    fn write_own(&mut self, scratch: &mut Scratch) -> io::Result<()> {
        self.below_mut().write_own(scratch)
    }

    /// Says that nothing more comes, and why, if that can be said at once, and has what is below say so.
    fn say_farewell(&mut self, reason: CloseReason) {
        self.below_mut().say_farewell(reason);
    }

    /// As [`Wire::poll_read_ready`]. A layer that holds something to be read is ready.
    fn poll_read_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.below().poll_read_ready(task)
    }

    /// As [`Wire::poll_write_ready`].
    fn poll_write_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.below().poll_write_ready(task)
    }

    /// How many bytes one write takes at best, such as what fits in a record.
    fn piece(&self) -> usize {
        self.below().piece()
    }

    /// The TLS that is spoken, in this layer or below.
    fn tls(&self) -> Option<&TlsLayer> {
        self.below().wire.tls()
    }

    /// As [`Layer::tls`].
    fn tls_mut(&mut self) -> Option<&mut TlsLayer> {
        self.below_mut().wire.tls_mut()
    }
}

/// Makes a layer of what it is to stand on.
pub type NewLayer = Box<dyn FnOnce(Below) -> Box<dyn Layer>>;

/// What a layer stands on: a wire, of which something may have been read before there was the layer.
#[derive(Debug)]
pub struct Below {
    wire: Wire,
    early: Vec<u8>,
    /// How much of that is taken.
    taken: usize,
}

impl Below {
    /// A wire of which these bytes were read, and not taken.
    pub fn new(wire: Wire, early: Vec<u8>) -> Self {
        Self {
            wire,
            early,
            taken: 0,
        }
    }

    /// As [`Wire::read`]; what was read early comes first.
    ///
    /// # Errors
    /// As [`Layer::read`].
    pub fn read(
        &mut self,
        first: &mut [u8],
        second: &mut [u8],
        scratch: &mut Scratch,
    ) -> io::Result<(usize, bool)> {
        if !self.has_early() {
            return self.wire.read(first, second, scratch);
        }
        let mut count = 0;
        for space in [first, second] {
            let rest = &self.early[self.taken..];
            let length = rest.len().min(space.len());
            space[..length].copy_from_slice(&rest[..length]);
            self.taken += length;
            count += length;
        }
        if !self.has_early() {
            (self.early, self.taken) = (Vec::new(), 0);
        }
        Ok((count, false))
    }

    /// As [`Layer::write`].
    ///
    /// # Errors
    /// As [`Layer::write`].
    pub fn write(&mut self, bytes: &[u8], scratch: &mut Scratch) -> io::Result<usize> {
        self.wire.write(bytes, scratch)
    }

    /// As [`Wire::poll_read_ready`].
    pub fn poll_read_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_early() {
            return Poll::Ready(Ok(()));
        }
        self.wire.poll_read_ready(task)
    }

    /// As [`Wire::poll_write_ready`].
    pub fn poll_write_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.poll_write_ready(task)
    }

    /// As [`Layer::piece`].
    pub fn piece(&self) -> usize {
        self.wire.piece()
    }

    /// As [`Layer::write_own`].
    ///
    /// # Errors
    /// As [`Layer::write`].
    pub fn write_own(&mut self, scratch: &mut Scratch) -> io::Result<()> {
        self.wire.write_own(scratch)
    }

    /// As [`Layer::say_farewell`].
    pub fn say_farewell(&mut self, reason: CloseReason) {
        self.wire.say_farewell(reason);
    }

    /// The socket, if there is nothing else below.
    pub(super) fn plain(&self) -> Option<&TcpStream> {
        match &self.wire {
            Wire::Plain(socket) => Some(socket),
            Wire::Layered(_) => None,
        }
    }

    /// The wire itself.
    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    fn has_early(&self) -> bool {
        self.taken < self.early.len()
    }
}

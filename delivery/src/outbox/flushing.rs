//! From the queue to the wire: who writes, how much at once, and what comes of it.

use super::Outbox;
use super::batch::{Batch, Written};
use super::queue::Queue;
use super::way::Traits;
use crate::wire::{Layer, Scratch, Wire};
use parking_lot::MutexGuard;
use std::io;
use std::sync::atomic::Ordering;
use vagus_protocol::error::CloseReason;

/// What an owner writes before others on its arbiter get their turn, in bytes.
pub(super) const WRITTEN_BY_OWNER: usize = 1024 * 1024;

/// What a publisher writes at once to a connection that is not its own, in bytes, while others bring more.
const WRITTEN_BY_OTHERS: usize = 256 * 1024;

/// How far a flush came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    /// Nothing is left, or somebody else is writing.
    Done,
    /// The socket takes no more for now: the owner has to wait for it.
    Blocked,
    /// Nobody but the owner can write this.
    LeftToOwner,
    /// More is left, and nobody writes it any more: it is the turn of others, then the owner's.
    Interrupted,
    /// The connection is over.
    Closed,
}

impl Outbox {
    /// Writes what the socket takes, within bounds, as somebody who published. Only one writes at a time.
    pub(crate) fn flush(&self) -> Flushed {
        self.flush_at_most(WRITTEN_BY_OTHERS)
    }

    /// Writes what the socket takes, within bounds, as the owner.
    pub(crate) fn flush_as_owner(&self) -> Flushed {
        self.flush_at_most(WRITTEN_BY_OWNER)
    }

    fn flush_at_most(&self, bytes: usize) -> Flushed {
        let mut queue = self.queue.lock();
        match queue.begin_write() {
            Some((socket, batch)) => self.write(queue, batch, bytes, |batch| batch.write_to(&socket)),
            None => queue.nothing_begun(),
        }
    }

    /// Writes what the wire takes, within bounds, as the owner. The buffers are lent for the call.
    pub fn flush_over(&self, wire: &mut Wire, gathered: &mut [u8], scratch: &mut Scratch) -> Flushed {
        match wire {
            Wire::Plain(_) => self.flush_as_owner(),
            Wire::Layered(layer) => self.flush_through(&mut **layer, gathered, scratch),
        }
    }

    fn flush_through(&self, layer: &mut dyn Layer, gathered: &mut [u8], scratch: &mut Scratch) -> Flushed {
        let flushed = self.flush_with(|batch| batch.write_through(layer, gathered, scratch));
        if flushed != Flushed::Done {
            return flushed;
        }
        match layer.write_own(scratch) {
            Ok(()) => Flushed::Done,
            Err(error) => self.not_written(&error),
        }
    }

    fn not_written(&self, error: &io::Error) -> Flushed {
        match error.kind() {
            io::ErrorKind::WouldBlock => Flushed::Blocked,
            _ => {
                self.close(CloseReason::WriteError);
                Flushed::Closed
            }
        }
    }

    /// Has nobody but the owner write from now on. False, and nothing changes, while something waits or is being written.
    pub fn leave_to_owner(&self) -> bool {
        self.queue.lock().leave_to_owner()
    }

    /// As [`Outbox::flush_as_owner`], where nobody but the owner writes, and in its own way.
    pub fn flush_with(&self, write: impl FnMut(&mut Batch) -> Written) -> Flushed {
        let mut queue = self.queue.lock();
        match queue.begin_owners_write() {
            Some(batch) => self.write(queue, batch, WRITTEN_BY_OWNER, write),
            None if queue.is_closed() => Flushed::Closed,
            None => Flushed::Done,
        }
    }

    /// Writes batch after batch, up to so many bytes, never holding the lock meanwhile.
    #[inline]
    fn write<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        mut batch: Batch,
        mut allowed: usize,
        mut write: impl FnMut(&mut Batch) -> Written,
    ) -> Flushed {
        loop {
            drop(queue);
            batch.allow(allowed);
            let written = write(&mut batch);
            allowed = allowed.saturating_sub(batch.taken());
            queue = self.queue.lock();
            let goes_on = queue.end_write(&mut batch, written, allowed);
            if self.traits.have(Traits::FULL) && queue.pending() <= self.max_pending.load(Ordering::Relaxed) {
                self.traits.set(Traits::FULL, false);
            }
            if !goes_on {
                let outcome = queue.outcome();
                // Before the batch, which may be long to free.
                drop(queue);
                return outcome;
            }
        }
    }
}

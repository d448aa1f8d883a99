//! The state behind an outbox's lock.

use super::{ConnectionSubscription, Flushed, OutboundTraffic};
use crate::connection::{CloseReason, TlsWire};
use crate::moment::Moment;
use bytes::Bytes;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::task::Waker;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// How many chunks one `writev` takes.
const VECTORS: usize = 64;

/// What a TLS record holds at most, in bytes.
const RECORD: usize = 16 * 1024;

/// A drained queue keeps its allocation only up to this many chunks: idle connections stay small.
const KEPT_CAPACITY: usize = 8;

/// Publishers pause this often for a peer that takes nothing.
const PAUSES_WITHOUT_PROGRESS: u32 = 16;

#[derive(Debug)]
pub(super) struct Queue {
    chunks: VecDeque<Bytes>,
    /// How much of the first chunk is written already.
    offset: usize,
    pending: usize,
    written: u64,
    messages: u64,
    payload: u64,
    /// When the last of them came.
    active: Moment,
    closed: Option<CloseReason>,
    /// Why the owner is to close the connection once everything is written.
    dismissed: Option<CloseReason>,
    /// None where nobody but the owner writes, and once the connection is retired: the last `Arc` closes the socket.
    socket: Option<Arc<TcpStream>>,
    retired: bool,
    /// Somebody is between `begin_write` and the last `end_write`.
    writing: bool,
    /// The socket was full, and the owner waits for it: nobody else tries.
    blocked: bool,
    /// Somebody has been told to write what is here.
    attended: bool,
    owner: Option<Waker>,
    /// How far the socket had come when publishers last paused for it, and how often since.
    pauses: (u64, u32),
    /// How often they paused at all.
    stalls: u32,
    exhausted: Vec<Arc<ConnectionSubscription>>,
}

/// Chunks on their way to the socket, outside the lock.
pub(crate) struct Batch {
    chunks: VecDeque<Bytes>,
    offset: usize,
    taken: usize,
}

/// What became of a batch.
pub(crate) enum Written {
    All,
    Some,
    Failed,
}

impl Queue {
    pub(super) fn new(socket: Option<Arc<TcpStream>>) -> Self {
        Self {
            chunks: VecDeque::new(),
            offset: 0,
            pending: 0,
            written: 0,
            messages: 0,
            payload: 0,
            active: Moment::default(),
            closed: None,
            dismissed: None,
            socket,
            retired: false,
            writing: false,
            blocked: false,
            // Until its owner is polled for the first time there is nobody to wake.
            attended: true,
            owner: None,
            pauses: (0, 0),
            stalls: 0,
            exhausted: Vec::new(),
        }
    }

    /// Appends chunks and says how many bytes wait now.
    pub(super) fn append(
        &mut self,
        chunks: &mut Vec<Bytes>,
        messages: u64,
        payload: u64,
        now: Moment,
    ) -> usize {
        if messages > 0 {
            self.active = now;
        }
        self.messages += messages;
        self.payload += payload;
        for chunk in chunks.drain(..) {
            self.pending += chunk.len();
            self.chunks.push_back(chunk);
        }
        self.pending
    }

    /// Whether a pause gives the peer a chance to catch up. One that takes nothing is not waited for: it must not
    /// slow whoever publishes to others too.
    pub(super) fn is_worth_a_pause(&mut self) -> bool {
        if self.pauses.0 != self.written {
            self.pauses = (self.written, 0);
        }
        self.pauses.1 += 1;
        let worth_it = self.pauses.1 <= PAUSES_WITHOUT_PROGRESS;
        self.stalls = self.stalls.saturating_add(u32::from(worth_it));
        worth_it
    }

    /// Whether the caller is the first to find that nobody writes.
    pub(super) fn claim_attention(&mut self) -> bool {
        let unattended = !self.attended && !self.writing;
        self.attended = true;
        unattended
    }

    /// The socket and everything that waits, if nobody else is writing.
    pub(super) fn begin_write(&mut self) -> Option<(Arc<TcpStream>, Batch)> {
        if self.writing || self.is_closed() {
            return None;
        }
        if self.chunks.is_empty() {
            self.attended = false;
            return None;
        }
        let socket = self.socket.clone()?;
        self.writing = true;
        self.blocked = false;
        Some((socket, self.take_batch()))
    }

    /// As [`Queue::begin_write`], for the owner where nobody else may write.
    pub(super) fn begin_owners_write(&mut self) -> Option<Batch> {
        debug_assert!(self.socket.is_none());
        if self.writing || self.is_closed() {
            return None;
        }
        if self.chunks.is_empty() {
            self.attended = false;
            return None;
        }
        self.writing = true;
        self.blocked = false;
        Some(self.take_batch())
    }

    /// What it means that [`Queue::begin_write`] gave nothing.
    pub(super) fn nothing_begun(&self) -> Flushed {
        if self.is_closed() {
            Flushed::Closed
        } else if self.socket.is_none() && !self.writing && !self.chunks.is_empty() {
            Flushed::LeftToOwner
        } else {
            Flushed::Done
        }
    }

    fn take_batch(&mut self) -> Batch {
        Batch {
            chunks: std::mem::take(&mut self.chunks),
            offset: std::mem::take(&mut self.offset),
            taken: 0,
        }
    }

    /// Takes back what was not written; gives the next batch when more has come meanwhile.
    pub(super) fn end_write(&mut self, mut batch: Batch, written: &Written) -> Option<Batch> {
        self.pending = self.pending.saturating_sub(batch.taken);
        self.written += batch.taken as u64;
        match written {
            Written::All if self.is_closed() => {}
            Written::All if self.chunks.is_empty() => {
                self.attended = false;
                if batch.chunks.capacity() <= KEPT_CAPACITY {
                    self.chunks = batch.chunks;
                }
            }
            Written::All => return Some(self.take_batch()),
            Written::Some => {
                self.blocked = true;
                batch.chunks.append(&mut self.chunks);
                self.chunks = batch.chunks;
                self.offset = batch.offset;
            }
            Written::Failed => self.close(CloseReason::WriteError),
        }
        self.writing = false;
        None
    }

    pub(super) fn outcome(&self) -> Flushed {
        if self.is_closed() {
            Flushed::Closed
        } else if self.blocked {
            Flushed::Blocked
        } else {
            Flushed::Done
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    pub(super) fn close_reason(&self) -> Option<CloseReason> {
        self.closed
    }

    /// The first reason stands. What waits is still written.
    pub(super) fn dismiss(&mut self, reason: CloseReason) {
        self.dismissed.get_or_insert(reason);
    }

    pub(super) fn dismissal(&self) -> Option<CloseReason> {
        self.dismissed
    }

    /// The first reason stands. What waits is given up.
    pub(super) fn close(&mut self, reason: CloseReason) {
        self.closed.get_or_insert(reason);
        self.chunks = VecDeque::new();
        self.pending = 0;
        self.offset = 0;
    }

    pub(super) fn retire(&mut self) {
        self.close(CloseReason::ClientClosed);
        self.socket = None;
        self.retired = true;
        self.owner = None;
        self.exhausted = Vec::new();
    }

    pub(super) fn set_owner(&mut self, waker: &Waker) {
        match &mut self.owner {
            Some(owner) => owner.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    pub(super) fn owner(&self) -> Option<Waker> {
        self.owner.clone()
    }

    pub(super) fn add_exhausted(&mut self, subscription: Arc<ConnectionSubscription>) {
        if !self.retired {
            self.exhausted.push(subscription);
        }
    }

    pub(super) fn take_exhausted(&mut self) -> Vec<Arc<ConnectionSubscription>> {
        std::mem::take(&mut self.exhausted)
    }

    pub(super) fn traffic(&self) -> OutboundTraffic {
        OutboundTraffic {
            messages: self.messages,
            payload: self.payload,
            stalls: self.stalls,
            active: self.active,
            pending: self.pending,
            written: self.written,
        }
    }
}

impl Batch {
    /// Writes until everything is written or the socket takes no more.
    pub(super) fn write_to(&mut self, socket: &TcpStream) -> Written {
        while !self.chunks.is_empty() {
            match self.write_once(socket) {
                Ok(full) => {
                    if full && !self.chunks.is_empty() {
                        return Written::Some;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Written::Some,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Written::Failed,
            }
        }
        Written::All
    }

    /// Writes through TLS, small chunks together in one record that is put together in `scratch`.
    pub(crate) fn write_through(&mut self, tls: &mut TlsWire, scratch: &mut [u8]) -> Written {
        while let Some(first) = self.chunks.front() {
            let rest = &first[self.offset..];
            let count = if self.chunks.len() == 1 || rest.len() >= RECORD {
                tls.write(&rest[..rest.len().min(RECORD)])
            } else {
                let length = self.gather(&mut scratch[..RECORD]);
                tls.write(&scratch[..length])
            };
            match count {
                Ok(count) => self.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Written::Some,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Written::Failed,
            }
        }
        Written::All
    }

    /// Copies as much of the chunks as there is space for.
    fn gather(&self, space: &mut [u8]) -> usize {
        let mut filled = 0;
        let mut offset = self.offset;
        for chunk in &self.chunks {
            let rest = &chunk[offset..];
            let count = rest.len().min(space.len() - filled);
            space[filled..filled + count].copy_from_slice(&rest[..count]);
            filled += count;
            if filled == space.len() {
                break;
            }
            offset = 0;
        }
        filled
    }

    /// Gives everything to an owner that has no socket.
    pub(crate) fn take_all(&mut self, chunks: &mut Vec<Bytes>) {
        debug_assert_eq!(self.offset, 0, "what has no socket is never written by halves");
        for chunk in self.chunks.drain(..) {
            self.taken += chunk.len();
            chunks.push(chunk);
        }
    }

    /// One system call. True when the socket took less than it was offered.
    fn write_once(&mut self, socket: &TcpStream) -> io::Result<bool> {
        let mut offered = 0;
        let mut short = 0;
        let result = socket.try_io(Interest::WRITABLE, || {
            let count = if self.chunks.len() == 1 {
                let chunk = &self.chunks[0][self.offset..];
                offered = chunk.len();
                rustix::net::send(socket.as_fd(), chunk, rustix::net::SendFlags::NOSIGNAL)
            } else {
                let mut vectors = [IoSlice::new(&[]); VECTORS];
                let mut used = 0;
                let mut offset = self.offset;
                for (vector, chunk) in vectors.iter_mut().zip(&self.chunks) {
                    *vector = IoSlice::new(&chunk[offset..]);
                    offered += chunk.len() - offset;
                    offset = 0;
                    used += 1;
                }
                rustix::io::writev(socket.as_fd(), &vectors[..used])
            };
            match count {
                // Reporting a short write as "would block" clears the readiness without another call.
                Ok(count) if count < offered => {
                    short = count;
                    Err(Errno::AGAIN.into())
                }
                Ok(count) => Ok(count),
                Err(error) => Err(error.into()),
            }
        });
        let count = match result {
            Ok(count) => count,
            Err(_) if short > 0 => short,
            Err(error) => return Err(error),
        };
        self.advance(count);
        Ok(count < offered)
    }

    fn advance(&mut self, mut count: usize) {
        self.taken += count;
        count += self.offset;
        while let Some(first) = self.chunks.front() {
            if count < first.len() {
                break;
            }
            count -= first.len();
            self.chunks.pop_front();
        }
        self.offset = count;
    }
}

//! The state behind an outbox's lock.

use super::backlog::Backlog;
use super::batch::{Batch, Written};
use super::patience::Patience;
use super::{ConnectionSubscription, Flushed, OutboundTraffic};
use crate::moment::Moment;
use bytes::Bytes;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;
use tokio::net::TcpStream;
use vagus_protocol::error::CloseReason;

#[derive(Debug)]
pub(super) struct Queue {
    /// What waits; once it is closed, what is to be given up.
    backlog: Backlog,
    /// Bytes that wait or are being written.
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
    patience: Patience,
    /// How often publishers paused for it.
    stalls: u32,
    exhausted: Vec<Arc<ConnectionSubscription>>,
}

impl Queue {
    pub(super) fn new(socket: Option<Arc<TcpStream>>) -> Self {
        Self {
            backlog: Backlog::default(),
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
            patience: Patience::default(),
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
            self.backlog.push(chunk);
        }
        self.pending
    }

    /// How long the publisher should pause, with so much allowed to wait.
    pub(super) fn pause(&mut self, now: Moment, max_pending: usize) -> Option<Duration> {
        let pause = self.patience.pause(now, self.pending, max_pending, self.written);
        self.stalls = self.stalls.saturating_add(u32::from(pause.is_some()));
        pause
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
        if self.backlog.is_empty() {
            self.attended = false;
            return None;
        }
        let socket = self.socket.clone()?;
        self.writing = true;
        self.blocked = false;
        Some((socket, self.backlog.take()))
    }

    /// As [`Queue::begin_write`], for the owner where nobody else may write.
    pub(super) fn begin_owners_write(&mut self) -> Option<Batch> {
        debug_assert!(self.socket.is_none());
        if self.writing || self.is_closed() {
            return None;
        }
        if self.backlog.is_empty() {
            self.attended = false;
            return None;
        }
        self.writing = true;
        self.blocked = false;
        Some(self.backlog.take())
    }

    /// Has nobody but the owner write from now on; false while something waits or is being written.
    pub(super) fn leave_to_owner(&mut self) -> bool {
        let is_free = !self.writing && self.backlog.is_empty();
        if is_free {
            self.socket = None;
        }
        is_free
    }

    /// What it means that [`Queue::begin_write`] gave nothing.
    pub(super) fn nothing_begun(&self) -> Flushed {
        if self.is_closed() {
            Flushed::Closed
        } else if self.socket.is_none() && !self.writing && !self.backlog.is_empty() {
            Flushed::LeftToOwner
        } else {
            Flushed::Done
        }
    }

    /// Takes back what was not written; true if more has come meanwhile, which is in the batch then. `allowed` is what
    /// the writer may still write, in bytes.
    ///
    /// What is left in the batch otherwise nobody needs: it is to be dropped outside the lock.
    pub(super) fn end_write(&mut self, batch: &mut Batch, written: Written, allowed: usize) -> bool {
        self.written += batch.taken() as u64;
        if self.is_closed() {
            self.writing = false;
            if !self.retired {
                // The owner gives it up, a piece at a time.
                self.backlog.put_back(batch);
            }
            return false;
        }
        self.pending = self.pending.saturating_sub(batch.taken());
        match written {
            Written::All if self.backlog.is_empty() => {
                self.attended = false;
                self.backlog.keep_room(batch);
            }
            Written::All if allowed > 0 => {
                *batch = self.backlog.take();
                return true;
            }
            // Somebody is going to write what is left: the writer tells the owner.
            Written::All => {}
            Written::Enough => self.backlog.put_back(batch),
            Written::Some => {
                self.blocked = true;
                self.backlog.put_back(batch);
            }
            Written::Failed => {
                self.backlog.put_back(batch);
                self.close(CloseReason::WriteError);
            }
        }
        self.writing = false;
        false
    }

    /// Bytes that wait or are being taken.
    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// Takes out the oldest chunks, to be dropped outside the lock, until no more than so many bytes wait; but for the
    /// last, which has come just now.
    pub(super) fn drop_oldest(&mut self, at_most: usize) -> Vec<Bytes> {
        let mut dropped = Vec::new();
        while self.pending > at_most
            && let Some(oldest) = self.backlog.pop_oldest()
        {
            self.pending -= oldest.len();
            dropped.push(oldest);
        }
        dropped
    }

    pub(super) fn outcome(&self) -> Flushed {
        if self.is_closed() {
            Flushed::Closed
        } else if self.blocked {
            Flushed::Blocked
        } else if self.backlog.is_empty() {
            Flushed::Done
        } else {
            Flushed::Interrupted
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

    /// The first reason stands. What waits is left for [`Queue::give_up`].
    pub(super) fn close(&mut self, reason: CloseReason) {
        self.closed.get_or_insert(reason);
        self.pending = 0;
    }

    /// Takes out so much of what is to be given up; nothing once there is nothing left.
    pub(super) fn give_up(&mut self, chunks: usize, bytes: usize) -> Vec<Bytes> {
        debug_assert!(self.is_closed());
        self.backlog.give_up(chunks, bytes)
    }

    /// Nothing is held any more; what was is to be dropped outside the lock.
    pub(super) fn retire(&mut self) -> Backlog {
        self.close(CloseReason::ClientClosed);
        self.socket = None;
        self.retired = true;
        self.owner = None;
        self.exhausted = Vec::new();
        std::mem::take(&mut self.backlog)
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

//! Where messages wait for a part of the server that owns subscriptions: a stream, a connector, one that listens for a
//! browser.
//!
//! All subscriptions of an owner deliver to one mailbox, in the order in which they were published. It is an outbox like
//! that of a connection, without a socket: publishers leave what a turn brings in one push, encoded once, and the owner
//! takes it apart where it is. So nothing is allocated for a message on the publisher's way, and bytes are what is bounded.

use crate::arbiter::{Arbiters, NO_ARBITER};
use crate::outbox::{ConnectionSubscription, Flushed, Outbox, WhenFull};
use bytes::Bytes;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;
use vagus_protocol::error::CloseReason;
use vagus_protocol::neutral::{self, NeutralMessage};
use vagus_routing::ConnectionKind;

/// How much is taken at once, in bytes, and a chunk beyond: the owner holds that beside what waits.
pub const TAKEN_AT_ONCE: usize = 256 * 1024;

/// The owner's end. Nothing is delivered to its subscriptions any more when it is dropped; that they end is announced by
/// the actor that announced that they begin.
#[derive(Debug)]
pub struct Mailbox {
    outbox: Arc<Outbox>,
}

/// What has come.
#[derive(Debug)]
pub enum Delivered {
    /// Messages, in their order.
    Messages(Messages),
    /// It is over: too much waited, or the server ends.
    Ended(CloseReason),
}

impl Mailbox {
    /// For an owner of this kind, with a number like that of a connection. `max_pending` is what may wait, in bytes, beside
    /// what each arbiter hands over at once.
    pub fn new(arbiters: &Arbiters, kind: ConnectionKind, max_pending: usize, when_full: WhenFull) -> Self {
        let id = arbiters.next_owner_id();
        let outbox = Outbox::new(arbiters.slots.take(), id, NO_ARBITER, max_pending, None);
        Self {
            outbox: Arc::new(outbox.for_owner(kind, when_full)),
        }
    }

    /// Where its subscriptions deliver to.
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// A subscription that delivers here, to be announced. Messages say by which of the owner's numbers they have come.
    pub fn subscription(
        &self,
        subject: &[u8],
        queue: Option<&[u8]>,
        number: u32,
    ) -> Arc<ConnectionSubscription> {
        let sid = number.to_string();
        Arc::new(ConnectionSubscription::new(
            subject,
            queue,
            sid.as_bytes(),
            self.outbox.clone(),
        ))
    }

    /// Takes of what waits about [`TAKEN_AT_ONCE`]; what is not taken counts, and may be too much. Pending: nothing waits,
    /// and the task is woken when something has come.
    pub fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Delivered> {
        if let Some(reason) = self.outbox.attend(task.waker()).closed {
            return Poll::Ready(Delivered::Ended(reason));
        }
        let mut chunks = Vec::new();
        let flushed = self
            .outbox
            .flush_with(|batch| batch.take_chunks(TAKEN_AT_ONCE, &mut chunks));
        if !chunks.is_empty() {
            return Poll::Ready(Delivered::Messages(Messages::new(chunks)));
        }
        match flushed {
            Flushed::Closed => {
                let reason = self.outbox.close_reason();
                Poll::Ready(Delivered::Ended(reason.unwrap_or(CloseReason::ServerShutdown)))
            }
            Flushed::Interrupted => {
                task.waker().wake_by_ref();
                Poll::Pending
            }
            Flushed::Done | Flushed::Blocked | Flushed::LeftToOwner => Poll::Pending,
        }
    }

    /// Up to where something has come, in bytes from the beginning on.
    pub fn end(&self) -> u64 {
        let traffic = self.outbox.traffic();
        traffic.written + traffic.pending as u64
    }

    /// Up to where all that has come is taken, in bytes from the beginning on.
    pub fn taken(&self) -> u64 {
        self.outbox.traffic().written
    }

    /// Why it is over. Pending: it is not, and the task is woken when it is, or something has come.
    pub fn poll_ended(&mut self, task: &mut Context<'_>) -> Poll<CloseReason> {
        match self.outbox.attend(task.waker()).closed {
            Some(reason) => Poll::Ready(reason),
            None => Poll::Pending,
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.outbox.retire();
    }
}

/// Messages that an owner has taken, one after the other.
#[derive(Debug, Default)]
pub struct Messages {
    /// The rest of the chunk that is being taken apart.
    chunk: Bytes,
    chunks: vec::IntoIter<Bytes>,
}

impl Messages {
    /// A message is in one chunk as a whole.
    fn new(chunks: Vec<Bytes>) -> Self {
        Self {
            chunk: Bytes::new(),
            chunks: chunks.into_iter(),
        }
    }
}

impl Iterator for Messages {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = neutral::take(&mut &*self.chunk) {
                let length = message.encoded_length();
                return Some(Message(self.chunk.split_to(length)));
            }
            self.chunk = self.chunks.next()?;
        }
    }
}

/// A message as it was taken. It keeps the chunk that it came in: who holds one for long copies what it needs, or
/// [detaches](Self::detached) it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(Bytes);

impl Message {
    /// One of these parts, in memory of its own.
    pub fn new(parts: &NeutralMessage<'_>) -> Self {
        let reply = parts.reply.unwrap_or_default();
        let pieces: [&[u8]; 6] = [
            &neutral::before_subject(parts.subscription, parts.subject.len()),
            parts.subject,
            &neutral::sizes(reply.len(), parts.header.len(), parts.payload.len()),
            reply,
            parts.header,
            parts.payload,
        ];
        Self(pieces.concat().into())
    }

    /// Its parts.
    pub fn parts(&self) -> NeutralMessage<'_> {
        // It was one when it was taken.
        neutral::take(&mut &*self.0).unwrap_or_default()
    }

    /// How many bytes it has, with what says how it is read.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// The same in memory of its own: who holds it for long keeps nothing else that came with it.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// A part of it that can be passed on by itself, without a copy.
    pub fn share(&self, part: &[u8]) -> Bytes {
        self.0.slice_ref(part)
    }
}

#[cfg(test)]
mod tests;

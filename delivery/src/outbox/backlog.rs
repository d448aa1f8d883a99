//! What waits for a socket, in chunks, and little more memory than it is long.

use super::batch::Batch;
use bytes::Bytes;
use std::collections::VecDeque;

/// A chunk shorter than this, in bytes, is put together with its neighbours: its place in a queue and its allocation
/// would cost several times as much. What is shared with other connections is never shorter, and never copied.
const SMALL: usize = 1024;

/// What is put together has this length at most. A chunk is never cut, so a block may end before.
const BLOCK: usize = 16 * 1024;

/// How much room a block begins with at least.
const FIRST_ROOM: usize = 256;

/// A block that waits has no more room left over than this part of its length.
const LEFT_OVER_PART: usize = 8;

/// A drained queue keeps its allocation only up to this many chunks: idle connections stay small.
const KEPT_CAPACITY: usize = 8;

/// Chunks in the order in which they came.
///
/// Whatever their lengths, they take at most 1.3 times as much memory as is to be written, and a block.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    chunks: VecDeque<Bytes>,
    /// How much of the first chunk is written already.
    offset: usize,
    /// What follows the chunks: small ones, put together. Empty unless two of them met.
    block: Vec<u8>,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.block.is_empty()
    }

    #[inline]
    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.chunks.is_empty() && self.block.is_empty() {
            self.chunks.push_back(chunk);
        } else {
            self.push_behind(chunk);
        }
    }

    fn push_behind(&mut self, chunk: Bytes) {
        if chunk.len() >= SMALL {
            self.close_block();
            self.chunks.push_back(chunk);
            return;
        }
        if self.block.is_empty() {
            let Some(last) = self.chunks.pop_back_if(|last| last.len() < SMALL) else {
                self.chunks.push_back(chunk);
                return;
            };
            let written = match self.chunks.is_empty() {
                true => std::mem::take(&mut self.offset),
                false => 0,
            };
            let both = last.len() - written + chunk.len();
            self.block = Vec::with_capacity((2 * both).max(FIRST_ROOM));
            self.extend_block(&last[written..]);
        }
        self.extend_block(&chunk);
    }

    fn extend_block(&mut self, piece: &[u8]) {
        if self.block.len() + piece.len() > BLOCK {
            self.close_block();
            self.block = Vec::with_capacity(BLOCK);
        }
        let needed = self.block.len() + piece.len();
        if self.block.capacity() < needed {
            let room = needed.max(2 * self.block.capacity()).min(BLOCK);
            self.block.reserve_exact(room - self.block.len());
        }
        self.block.extend_from_slice(piece);
    }

    /// Nothing is appended to the block any more.
    fn close_block(&mut self) {
        if !self.block.is_empty() {
            let block = std::mem::take(&mut self.block);
            let left_over = block.capacity() - block.len();
            self.chunks.push_back(trimmed(block.into(), left_over));
        }
    }

    /// Everything, to be written.
    pub(super) fn take(&mut self) -> Batch {
        let mut chunks = std::mem::take(&mut self.chunks);
        let mut left_over = 0;
        if !self.block.is_empty() {
            let block = std::mem::take(&mut self.block);
            left_over = block.capacity() - block.len();
            chunks.push_back(block.into());
        }
        Batch::new(chunks, std::mem::take(&mut self.offset), left_over)
    }

    /// What was not written waits again, before what has come meanwhile.
    pub(super) fn put_back(&mut self, batch: &mut Batch) {
        let (mut chunks, offset, left_over) = batch.rest();
        if left_over > 0
            && let Some(last) = chunks.pop_back()
        {
            chunks.push_back(trimmed(last, left_over));
        }
        if chunks.len() < chunks.capacity() / 4 {
            chunks.shrink_to(2 * chunks.len());
        }
        self.offset = offset;
        let meanwhile = std::mem::replace(&mut self.chunks, chunks);
        let block = std::mem::take(&mut self.block);
        for chunk in meanwhile {
            self.push(chunk);
        }
        if !block.is_empty() {
            let left_over = block.capacity() - block.len();
            self.push(trimmed(block.into(), left_over));
        }
    }

    /// Everything is written: a small allocation serves again.
    pub(super) fn keep_room(&mut self, batch: &mut Batch) {
        let (chunks, ..) = batch.rest();
        if chunks.capacity() <= KEPT_CAPACITY {
            self.chunks = chunks;
        }
    }

    /// Takes out the oldest chunk, unless it is the only one. For an owner that takes chunks whole.
    pub(super) fn pop_oldest(&mut self) -> Option<Bytes> {
        debug_assert_eq!(self.offset, 0);
        if self.chunks.len() + usize::from(!self.block.is_empty()) < 2 {
            return None;
        }
        self.chunks.pop_front()
    }

    /// Takes out so much, from the first chunk on, to be given up; nothing once there is nothing left.
    pub(super) fn give_up(&mut self, chunks: usize, bytes: usize) -> Vec<Bytes> {
        self.offset = 0;
        self.close_block();
        let mut given_up = Vec::new();
        let mut length = 0;
        while given_up.len() < chunks
            && length < bytes
            && let Some(chunk) = self.chunks.pop_front()
        {
            length += chunk.len();
            given_up.push(chunk);
        }
        given_up
    }
}

/// The chunk, in an allocation of its own length unless it is almost.
fn trimmed(chunk: Bytes, left_over: usize) -> Bytes {
    if left_over > chunk.len() / LEFT_OVER_PART {
        return Bytes::copy_from_slice(&chunk);
    }
    chunk
}

#[cfg(test)]
mod tests;

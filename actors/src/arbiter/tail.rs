//! Bytes that grow message by message and are handed over as one chunk.

use bytes::{Bytes, BytesMut};

/// How much a tail grows by at least, once it has more than one message.
const GROWTH: usize = 4 * 1024;

/// A tail with more capacity than this is given back after its batch.
const KEPT: usize = 1024 * 1024;

/// A chunk up to this length gets an allocation of its own: it must not keep that of a long one alive.
const COPIED: usize = 2 * 1024;

/// The growing end of what is staged.
///
/// A chunk may wait for a slow peer and keeps its whole allocation alive meanwhile, so a tail begins with as much room
/// as the last chunk took and not with twice that: what waits counts by its length.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: BytesMut,
    last: usize,
}

impl Tail {
    #[inline]
    pub(super) fn append(&mut self, piece: &[u8]) {
        let begins = self.bytes.is_empty();
        let needed = if begins {
            piece.len().max(self.last)
        } else {
            piece.len()
        };
        if self.bytes.capacity() - self.bytes.len() < needed {
            self.bytes
                .reserve(if begins { needed } else { needed.max(GROWTH) });
        }
        self.bytes.extend_from_slice(piece);
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What has been appended, as one chunk.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Bytes> {
        if self.bytes.is_empty() {
            return None;
        }
        self.last = self.bytes.len();
        if self.last <= COPIED {
            let chunk = Bytes::copy_from_slice(&self.bytes);
            self.bytes.clear();
            return Some(chunk);
        }
        let chunk = self.bytes.split().freeze();
        if self.last > KEPT {
            *self = Self::default();
        }
        Some(chunk)
    }

    /// What has been appended, to be copied; the tail is empty again.
    pub(super) fn copy_and_clear(&mut self, copy: impl FnOnce(&[u8])) {
        copy(&self.bytes);
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Tail;

    #[test]
    fn a_chunk_holds_what_was_appended_since_the_last() {
        let mut tail = Tail::default();
        assert_eq!(tail.take(), None);
        tail.append(b"PING");
        tail.append(b"\r\n");
        assert_eq!(tail.take().as_deref(), Some(&b"PING\r\n"[..]));
        tail.append(b"PONG\r\n");
        assert_eq!(tail.take().as_deref(), Some(&b"PONG\r\n"[..]));
        assert_eq!(tail.take(), None);
    }

    #[test]
    fn chunks_that_wait_take_little_more_than_their_length() {
        let mut tail = Tail::default();
        let mut waiting = Vec::new();
        let mut rooms = Vec::new();
        for _ in 0..20 {
            while tail.len() < 75_000 {
                tail.append(&[b'x'; 150]);
            }
            rooms.push(tail.bytes.capacity());
            waiting.extend(tail.take());
        }
        assert_eq!(
            waiting.iter().map(|chunk| chunk.len()).sum::<usize>(),
            20 * 75_000
        );
        let wasted: usize = rooms[2..].iter().map(|room| room - 75_000).sum();
        assert!(wasted < 18 * 8_000, "{rooms:?}");
    }
}

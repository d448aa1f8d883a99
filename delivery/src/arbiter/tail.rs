//! Bytes that grow message by message and are handed over as one chunk.

use bytes::{Bytes, BytesMut};

/// How much a tail grows by at least, once it has more than one message.
const GROWTH: usize = 4 * 1024;

/// A tail with more capacity than this is given back after its batch.
const KEPT: usize = 1024 * 1024;

/// A chunk up to this length gets an allocation of its own, and the tail keeps its room: that is near, and lengths of
/// short chunks vary so much that they would rarely fit what the last one took.
const COPIED: usize = 16 * 1024;

/// A longer chunk takes the tail's allocation if no more than this part of its length is left over.
const LEFT_OVER_PART: usize = 8;

/// A tail begins with room for the last chunk and this part of it: lengths of one publisher's chunks differ a little, and
/// to grow means to copy.
const SPARE_PART: usize = 16;

/// The growing end of what is staged.
///
/// A chunk may wait for a slow peer and keeps its whole allocation alive meanwhile, so it never shares it with another
/// and fills it but for an eighth: what waits counts by its length. To that end a tail begins with little more room than
/// the last chunk took; a chunk that does not fill it is copied.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: BytesMut,
    last: usize,
}

impl Tail {
    #[inline]
    pub(super) fn append(&mut self, piece: &[u8]) {
        self.reserve(piece.len());
        self.bytes.extend_from_slice(piece);
    }

    /// Makes room for so many bytes.
    #[inline]
    pub(super) fn reserve(&mut self, needed: usize) {
        let room = self.bytes.capacity() - self.bytes.len();
        if !self.bytes.is_empty() {
            if room < needed {
                self.bytes.reserve(needed.max(GROWTH));
            }
            return;
        }
        let needed = needed.max(self.last + self.last / SPARE_PART);
        // What the last chunk took may be free again. To reserve would take twice that where it is not enough.
        if room < needed && !self.bytes.try_reclaim(needed) {
            self.bytes = BytesMut::with_capacity(needed);
        }
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
        let room = self.bytes.capacity();
        let chunk = if self.last <= COPIED {
            let chunk = Bytes::copy_from_slice(&self.bytes);
            self.bytes.clear();
            chunk
        } else if room - self.last > self.last / LEFT_OVER_PART {
            Bytes::copy_from_slice(&std::mem::take(&mut self.bytes))
        } else {
            // What is left over is never enough for another: it goes with the chunk.
            self.bytes.split().freeze()
        };
        if room > KEPT {
            *self = Self::default();
        }
        Some(chunk)
    }

    /// Gives up the buffer, be it what the last chunk has left of its own: that would be kept with it.
    pub(super) fn tidy(&mut self) {
        debug_assert!(self.bytes.is_empty());
        self.bytes = BytesMut::new();
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.bytes.capacity()
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

    /// Turns of very different lengths for destinations of which one is slow, as a peer may choose them.
    #[test]
    fn a_chunk_that_waits_keeps_no_longer_one_alive() {
        let mut tail = Tail::default();
        let mut waiting = Vec::new();
        for (long, short) in [
            (60_000, 2_100),
            (40_000, 30_000),
            (2_000_000, 2_049),
            (300_000, 150_000),
        ] {
            for _ in 0..3 {
                tail.append(&vec![b'x'; long]);
                drop(tail.take());
                tail.append(&vec![b'x'; short]);
                waiting.extend(tail.take());
            }
        }
        drop(tail);
        for chunk in waiting {
            let length = chunk.len();
            let room = chunk.try_into_mut().unwrap().capacity();
            assert!(room <= length + length / 8, "{length} bytes keep {room}");
        }
    }

    #[test]
    fn chunks_of_much_the_same_length_are_not_copied() {
        let mut tail = Tail::default();
        tail.append(&[b'x'; 65_000]);
        drop(tail.take());
        for length in [66_000, 64_000, 67_000, 64_500, 65_500] {
            while tail.len() < length {
                tail.append(&[b'x'; 100]);
            }
            let written = tail.bytes.as_ptr();
            let chunk = tail.take().unwrap();
            assert_eq!(chunk.as_ptr(), written, "{length}");
        }
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

//! What publishers send, encoded before the run.

use super::stamp::{self, Epoch, Stamp};

/// Bytes that are written at once, unless one message is larger.
const CHUNK: usize = 32 * 1024;

/// As many equal frames as fit into one write.
#[derive(Debug)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// Bytes of one frame.
    frame: usize,
    /// Where the payload begins in a frame.
    payload: usize,
    stamp: Option<(Epoch, u32)>,
    next: u32,
}

impl Frames {
    /// Frames of messages of `size` bytes on `subject`. With `stamp` each tells when it was sent by which
    /// publisher; `size` must have room for that.
    pub(super) fn new(subject: &str, size: usize, stamp: Option<(Epoch, u32)>) -> Self {
        let mut bytes = format!("PUB {subject} {size}\r\n").into_bytes();
        let payload = bytes.len();
        bytes.resize(payload + size, b'x');
        bytes.extend_from_slice(b"\r\n");
        let frame = bytes.len();
        let count = (CHUNK / frame).max(1);
        Self {
            bytes: bytes.repeat(count),
            frame,
            payload,
            stamp: stamp.filter(|_| size >= stamp::BYTES),
            next: 0,
        }
    }

    /// How many messages one write can have.
    pub(super) fn count(&self) -> u64 {
        (self.bytes.len() / self.frame) as u64
    }

    /// The next `count` messages, stamped with the time it is now; no more than [`Self::count`].
    pub(super) fn take(&mut self, count: u64) -> &[u8] {
        let count = usize::try_from(count.min(self.count())).unwrap_or(usize::MAX);
        let bytes = &mut self.bytes[..count * self.frame];
        if let Some((epoch, publisher)) = self.stamp {
            let mut stamp = Stamp {
                sent: epoch.now(),
                publisher,
                number: self.next,
            };
            for frame in bytes.chunks_exact_mut(self.frame) {
                frame[self.payload..self.payload + stamp::BYTES].copy_from_slice(&stamp.to_bytes());
                stamp.number = stamp.number.wrapping_add(1);
            }
            self.next = stamp.number;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_frames() {
        let mut frames = Frames::new("a", 3, None);
        assert_eq!(frames.take(2), b"PUB a 3\r\nxxx\r\nPUB a 3\r\nxxx\r\n");
        let all = frames.count();
        assert!(all > 1000);
        assert_eq!(frames.take(u64::MAX).len() as u64, all * 14);
        assert_eq!(Frames::new("a", 1_000_000, None).count(), 1);
    }

    #[test]
    fn stamped_frames_count_on() {
        let mut frames = Frames::new("a", 20, Some((Epoch::start(), 7)));
        let mut numbers = Vec::new();
        for _ in 0..2 {
            for frame in frames.take(3).chunks_exact(10 + 20 + 2) {
                let stamp = Stamp::read(&frame[10..]).unwrap();
                assert_eq!(stamp.publisher, 7);
                numbers.push(stamp.number);
                assert_eq!(&frame[26..], b"xxxx\r\n");
            }
        }
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    }
}

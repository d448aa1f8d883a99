//! What a payload tells of itself: when it was sent, by whom, and as which message of his.

use std::time::Instant;

/// Bytes of a stamp at the start of a payload.
pub(super) const BYTES: usize = 16;

/// Time since the start of the run, which all threads share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch(Instant);

impl Epoch {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start.
    pub(super) fn now(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Nanoseconds since the epoch.
    pub(super) sent: u64,
    pub(super) publisher: u32,
    /// Counts the messages of one publisher from 0, and wraps.
    pub(super) number: u32,
}

impl Stamp {
    pub(super) fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.sent.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.publisher.to_le_bytes());
        bytes[12..].copy_from_slice(&self.number.to_le_bytes());
        bytes
    }

    /// The stamp at the start of `payload`, if that is long enough.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let (sent, rest) = payload.split_first_chunk()?;
        let (publisher, rest) = rest.split_first_chunk()?;
        let (number, _) = rest.split_first_chunk()?;
        Some(Self {
            sent: u64::from_le_bytes(*sent),
            publisher: u32::from_le_bytes(*publisher),
            number: u32::from_le_bytes(*number),
        })
    }
}

/// Watches whether the messages of each publisher come in the order they were sent.
#[derive(Debug)]
pub(super) struct Order {
    next: Vec<u32>,
    /// Whether other members of a queue group take some of the messages.
    shared: bool,
    /// Messages that came before their turn or after it.
    pub(super) violations: u64,
}

impl Order {
    pub(super) fn new(publishers: usize, shared: bool) -> Self {
        Self {
            next: vec![0; publishers],
            shared,
            violations: 0,
        }
    }

    pub(super) fn note(&mut self, stamp: Stamp) {
        let Some(next) = self.next.get_mut(stamp.publisher as usize) else {
            // Somebody else publishes on this subject.
            return;
        };
        let ahead = stamp.number.wrapping_sub(*next);
        let in_order = if self.shared {
            ahead < u32::MAX / 2
        } else {
            ahead == 0
        };
        if !in_order {
            self.violations += 1;
        }
        *next = stamp.number.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(publisher: u32, number: u32) -> Stamp {
        Stamp {
            sent: 1 << 40,
            publisher,
            number,
        }
    }

    #[test]
    fn stamps_survive_the_wire() {
        let mut payload = stamp(7, 8).to_bytes().to_vec();
        payload.extend_from_slice(b"filler");
        assert_eq!(Stamp::read(&payload), Some(stamp(7, 8)));
        assert_eq!(Stamp::read(&payload[..15]), None);
    }

    fn violations(shared: bool, stamps: &[(u32, u32)]) -> u64 {
        let mut order = Order::new(2, shared);
        for (publisher, number) in stamps {
            order.note(stamp(*publisher, *number));
        }
        order.violations
    }

    #[test]
    fn order_is_watched_for_each_publisher() {
        assert_eq!(violations(false, &[(0, 0), (1, 0), (0, 1), (1, 1), (9, 5)]), 0);
        assert_eq!(violations(false, &[(0, 0), (0, 2), (0, 1)]), 2);
        assert_eq!(violations(false, &[(0, 0), (0, 0)]), 1);
        assert_eq!(violations(true, &[(0, 3), (0, 5), (1, 2)]), 0);
        assert_eq!(violations(true, &[(0, 3), (0, 2)]), 1);
    }
}

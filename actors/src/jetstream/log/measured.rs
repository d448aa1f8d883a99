//! What of the log's work is measured: how long syncs took, and how much each made durable.

use serde::Serialize;
use std::array;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// In how many ranges what is measured is counted, besides what is beyond them.
const RANGES: usize = 12;

/// The ends of ranges of times, in microseconds: from that of a fast disk to that of one that fails.
pub(super) const SYNC_TIMES: [u64; RANGES] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000, 1_000_000,
];

/// The ends of ranges of numbers of entries.
pub(super) const BATCHES: [u64; RANGES] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096];

/// Counts values by ranges. One thread adds, any reads.
#[derive(Debug)]
pub(super) struct Measured {
    ends: [u64; RANGES],
    counts: [AtomicU64; RANGES],
    count: AtomicU64,
    sum: AtomicU64,
}

/// How values are spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Distribution {
    /// The end of a range, and how many values are not beyond it.
    pub ranges: [(u64, u64); RANGES],
    /// How many values there are.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
}

impl Measured {
    pub(super) fn by(ends: [u64; RANGES]) -> Self {
        Self {
            ends,
            counts: array::from_fn(|_| AtomicU64::new(0)),
            count: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    pub(super) fn add(&self, value: u64) {
        let range = self.ends.partition_point(|end| *end < value);
        if let Some(count) = self.counts.get(range) {
            count.fetch_add(1, Relaxed);
        }
        self.count.fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    pub(super) fn read(&self) -> Distribution {
        let mut so_far = 0;
        let ranges = array::from_fn(|range| {
            so_far += self.counts[range].load(Relaxed);
            (self.ends[range], so_far)
        });
        Distribution {
            ranges,
            count: self.count.load(Relaxed),
            sum: self.sum.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCHES, Measured};

    #[test]
    fn values_are_counted_up_to_the_end_of_their_range() {
        let measured = Measured::by(BATCHES);
        for value in [1, 1, 3, 4, 5_000] {
            measured.add(value);
        }
        let read = measured.read();
        assert_eq!((read.count, read.sum), (5, 5_009));
        assert_eq!(read.ranges[..4], [(1, 2), (2, 2), (4, 4), (8, 4)]);
        assert_eq!(read.ranges[11], (4_096, 4));
    }
}

//! How long arbiters take from reading messages to having left them with all they go to: a histogram.
//!
//! The role of this is to notice slow turns without making them slower: one turn of [`SAMPLED`] is measured, which
//! takes one look at the clock, and only the arbiter's own thread writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One turn of so many is measured.
const SAMPLED: u32 = 16;

/// The upper ends of the buckets, in nanoseconds; one more has no end.
const BOUNDS: [u64; 17] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    1_000_000_000,
];

/// Which turns of one arbiter are measured.
#[derive(Debug, Default)]
pub(crate) struct Sampling {
    turns: u32,
}

impl Sampling {
    /// Whether the turn that ends now is one of those.
    #[inline]
    pub(crate) fn is_next(&mut self) -> bool {
        self.turns = self.turns.wrapping_add(1);
        self.turns.is_multiple_of(SAMPLED)
    }
}

/// The histogram of one arbiter.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// Nanoseconds.
    sum: AtomicU64,
}

impl Histogram {
    /// Counts one turn. Only the arbiter's own thread calls it, so a load and a store are enough.
    pub(super) fn observe(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let add = |counter: &AtomicU64, more: u64| {
            counter.store(
                counter.load(Ordering::Relaxed).wrapping_add(more),
                Ordering::Relaxed,
            );
        };
        let place = BOUNDS.partition_point(|bound| *bound < took);
        add(&self.buckets[place], 1);
        add(&self.sum, took);
    }

    pub(super) fn sum_into(&self, times: &mut HandOverTimes) {
        let mut below = 0;
        for (bucket, (_, count)) in self.buckets.iter().zip(&mut times.buckets) {
            below += bucket.load(Ordering::Relaxed);
            *count += below;
        }
        times.count += below + self.buckets[BOUNDS.len()].load(Ordering::Relaxed);
        times.sum += Duration::from_nanos(self.sum.load(Ordering::Relaxed));
    }
}

/// How long it took from reading messages to having handed them over, of a sample of all turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOverTimes {
    /// Upper ends, and how many turns took no longer: each count includes those before.
    pub buckets: Vec<(Duration, u64)>,
    /// All turns that were measured.
    pub count: u64,
    /// What they took together.
    pub sum: Duration,
}

impl Default for HandOverTimes {
    fn default() -> Self {
        Self {
            buckets: BOUNDS.map(|bound| (Duration::from_nanos(bound), 0)).to_vec(),
            count: 0,
            sum: Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BOUNDS, HandOverTimes, Histogram, SAMPLED, Sampling};
    use std::time::Duration;

    #[test]
    fn every_time_has_its_bucket() {
        let histograms = [Histogram::default(), Histogram::default()];
        for nanoseconds in [0, 1_000, 1_001, 2_500_000, 1_000_000_000] {
            histograms[0].observe(Duration::from_nanos(nanoseconds));
        }
        histograms[1].observe(Duration::from_secs(2));
        let mut times = HandOverTimes::default();
        for histogram in &histograms {
            histogram.sum_into(&mut times);
        }
        let below = |nanoseconds| {
            let bound = Duration::from_nanos(nanoseconds);
            times.buckets.iter().find(|(end, _)| *end == bound).unwrap().1
        };
        assert_eq!([below(1_000), below(2_000), below(2_000_000)], [2, 3, 3]);
        assert_eq!([below(5_000_000), below(1_000_000_000)], [4, 5]);
        assert_eq!(times.count, 6, "the longest is in the bucket without an end");
        assert_eq!(times.sum, Duration::from_nanos(3_002_502_001));
        assert!(BOUNDS.is_sorted());
    }

    #[test]
    fn one_turn_of_many() {
        let mut sampling = Sampling::default();
        let sampled = (0..10 * SAMPLED).filter(|_| sampling.is_next()).count();
        assert_eq!(sampled, 10);
    }
}

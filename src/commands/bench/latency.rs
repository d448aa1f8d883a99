//! Latencies, within a thousandth of their value.

use hdrhistogram::Histogram;

/// Digits that count.
const DIGITS: u8 = 3;

/// How often each latency, in nanoseconds, was seen.
#[derive(Debug, Clone)]
pub(super) struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        let Ok(histogram) = Histogram::new(DIGITS) else {
            unreachable!("there is a histogram of up to five digits");
        };
        Self(histogram)
    }
}

impl Latencies {
    pub(super) fn record(&mut self, nanoseconds: u64) {
        // It grows with what comes.
        let _ = self.0.record(nanoseconds);
    }

    pub(super) fn add(&mut self, other: &Self) {
        let _ = self.0.add(&other.0);
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    pub(super) fn min(&self) -> u64 {
        self.0.min()
    }

    pub(super) fn max(&self) -> u64 {
        self.0.max()
    }

    /// The latency that this share of all does not exceed.
    pub(super) fn quantile(&self, share: f64) -> u64 {
        self.0.value_at_quantile(share)
    }
}

#[cfg(test)]
mod tests {
    use super::Latencies;

    #[test]
    fn quantiles_of_all() {
        let (mut some, mut others) = (Latencies::default(), Latencies::default());
        assert_eq!(
            (some.count(), some.quantile(0.5), some.min(), some.max()),
            (0, 0, 0, 0)
        );
        for value in 1..=500 {
            some.record(value * 1000);
            others.record((value + 500) * 1000);
        }
        some.add(&others);
        assert_eq!(some.count(), 1000);
        for (found, exact) in [
            (some.min(), 1_000),
            (some.quantile(0.5), 500_000),
            (some.quantile(0.999), 999_000),
            (some.max(), 1_000_000),
        ] {
            assert!(found.abs_diff(exact) <= exact / 1000, "{found} for {exact}");
        }
    }

    /// Whatever a clock says.
    #[test]
    fn nothing_is_too_long_or_too_short() {
        let mut latencies = Latencies::default();
        for value in [0, u64::MAX, 1] {
            latencies.record(value);
        }
        assert_eq!((latencies.count(), latencies.max()), (3, u64::MAX));
    }
}

//! Medians, spreads and percentiles.

use hdrhistogram::Histogram;

/// p50 and p99 of a set of times, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Half of all times are at most this.
    pub p50_ns: u64,
    /// 99 in 100 times are at most this.
    pub p99_ns: u64,
}

/// A set of times, nanoseconds, each within a thousandth.
#[derive(Debug)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        let Ok(histogram) = Histogram::new(3) else {
            unreachable!("there is a histogram of up to five digits");
        };
        Self(histogram)
    }
}

impl Times {
    /// One more.
    pub fn record(&mut self, nanoseconds: u64) {
        // It grows with what comes.
        let _ = self.0.record(nanoseconds);
    }

    /// All of these, too.
    pub fn add(&mut self, other: &Self) {
        let _ = self.0.add(&other.0);
    }

    /// `None` if there are none.
    pub fn latency(&self) -> Option<Latency> {
        (!self.0.is_empty()).then(|| Latency {
            p50_ns: self.0.value_at_quantile(0.5),
            p99_ns: self.0.value_at_quantile(0.99),
        })
    }
}

/// The middle value, or the mean of the two middle ones; `None` if there are none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some((sorted[middle - 1] + upper) / 2.0)
}

/// A figure measured in several rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// The middle one.
    pub median: f64,
    /// Half the distance between the quartiles, as a share of the median; 0 for one round. Of three
    /// rounds the quartiles are the smallest and the largest; of many, single outliers do not count.
    pub spread: f64,
}

impl Figure {
    /// From the values of all rounds; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let median = median(values)?;
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let quartile = |quarters: usize| sorted.get((sorted.len() * quarters).div_ceil(4) - 1).copied();
        let (lower, upper) = (quartile(1)?, quartile(3)?);
        let spread = if median > 0.0 {
            (upper - lower) / 2.0 / median
        } else {
            0.0
        };
        Some(Self { median, spread })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_those_of_all_times() {
        let (mut some, mut others) = (Times::default(), Times::default());
        assert_eq!(some.latency(), None);
        for time in 1..=100 {
            some.record(time * 1_000);
            others.record((time + 100) * 1_000);
        }
        some.add(&others);
        let latency = some.latency().unwrap();
        for (found, exact) in [(latency.p50_ns, 100_000), (latency.p99_ns, 198_000)] {
            assert!(found.abs_diff(exact) <= exact / 1000, "{found} for {exact}");
        }
    }

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn spread_is_relative_to_the_median() {
        let figure = |median, spread| Some(Figure { median, spread });
        assert_eq!(Figure::of(&[90.0, 100.0, 110.0]), figure(100.0, 0.1));
        assert_eq!(Figure::of(&[5.0]), figure(5.0, 0.0));
        let with_outliers = [4.0, 3.0, 5.0, 3.0, 4.0, 5.0, 4.0, 900.0, 0.1];
        assert_eq!(Figure::of(&with_outliers), figure(4.0, 0.25));
        assert_eq!(Figure::of(&[0.0, 0.0, 7.0]), figure(0.0, 0.0));
        assert_eq!(Figure::of(&[]), None);
    }
}

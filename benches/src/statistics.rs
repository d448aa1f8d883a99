//! Medians, spreads and percentiles.

/// p50 and p99 of a set of times, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Half of all times are at most this.
    pub p50_ns: u64,
    /// 99 in 100 times are at most this.
    pub p99_ns: u64,
}

impl Latency {
    /// Sorts `times`; `None` if there are none.
    pub fn of(times: &mut [u64]) -> Option<Self> {
        times.sort_unstable();
        Some(Self {
            p50_ns: percentile(times, 50)?,
            p99_ns: percentile(times, 99)?,
        })
    }
}

/// The smallest of the sorted values that at least `percent` in 100 of them do not exceed (nearest rank).
pub fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent.min(100)).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
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
    fn percentiles_are_nearest_ranks() {
        let times: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&times, 50), Some(100));
        assert_eq!(percentile(&times, 99), Some(198));
        assert_eq!(percentile(&times, 100), Some(200));
        assert_eq!(percentile(&times, 0), Some(1));
        assert_eq!(percentile(&[7], 99), Some(7));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn latency_sorts_first() {
        assert_eq!(
            Latency::of(&mut [30, 10, 20]),
            Some(Latency {
                p50_ns: 20,
                p99_ns: 30
            })
        );
        assert_eq!(Latency::of(&mut []), None);
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

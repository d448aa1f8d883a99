//! Latencies, counted in classes whose width is at most 1/32 of their value.

/// Classes for each power of two.
const STEPS: u64 = 32;
const STEP_BITS: u32 = STEPS.ilog2();
const CLASSES: usize = (STEPS as usize) * (64 - STEP_BITS as usize + 1);

/// How often each latency, in nanoseconds, was seen.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    classes: Vec<u64>,
    count: u64,
    min: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            classes: vec![0; CLASSES],
            count: 0,
            min: u64::MAX,
            max: 0,
        }
    }
}

impl Histogram {
    pub(super) fn record(&mut self, nanoseconds: u64) {
        if let Some(class) = self.classes.get_mut(class_of(nanoseconds)) {
            *class += 1;
        }
        self.count += 1;
        self.min = self.min.min(nanoseconds);
        self.max = self.max.max(nanoseconds);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.classes.iter_mut().zip(&other.classes) {
            *mine += theirs;
        }
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn min(&self) -> u64 {
        if self.count == 0 { 0 } else { self.min }
    }

    pub(super) fn max(&self) -> u64 {
        self.max
    }

    /// The latency that `per_mille` of a thousand do not exceed, up to the width of its class.
    pub(super) fn percentile(&self, per_mille: u64) -> u64 {
        let wanted = (self.count * per_mille).div_ceil(1000).max(1);
        let mut seen = 0;
        for (class, count) in self.classes.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return highest_of(class).clamp(self.min(), self.max);
            }
        }
        self.max
    }
}

fn class_of(value: u64) -> usize {
    // Below 2 * STEPS every value has its own class.
    let shift = (value | (STEPS - 1)).ilog2().saturating_sub(STEP_BITS);
    let class = u64::from(shift) * STEPS + (value >> shift);
    usize::try_from(class).unwrap_or(usize::MAX)
}

/// The greatest value of a class.
fn highest_of(class: usize) -> u64 {
    let class = class as u64;
    if class < 2 * STEPS {
        return class;
    }
    let shift = class / STEPS - 1;
    let base = class % STEPS + STEPS;
    (base << shift) + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_narrow_and_follow_each_other() {
        assert_eq!(class_of(0), 0);
        assert_eq!(class_of(u64::MAX), CLASSES - 1);
        for class in 0..CLASSES - 1 {
            let highest = highest_of(class);
            assert_eq!(class_of(highest), class);
            assert_eq!(class_of(highest + 1), class + 1);
            let width = highest_of(class + 1) - highest;
            assert!(
                width == 1 || width <= highest / STEPS + 1,
                "{class}: {width} at {highest}"
            );
        }
    }

    #[test]
    fn percentiles() {
        let mut histogram = Histogram::default();
        assert_eq!(
            (histogram.percentile(500), histogram.min(), histogram.max()),
            (0, 0, 0)
        );
        for value in 1..=1000 {
            histogram.record(value * 1000);
        }
        for (per_mille, exact) in [(500, 500_000), (900, 900_000), (990, 990_000), (999, 999_000)] {
            let found = histogram.percentile(per_mille);
            assert!(
                found >= exact && found <= exact + exact / STEPS,
                "{per_mille}: {found}"
            );
        }
        assert_eq!(histogram.percentile(1000), 1_000_000);
        assert_eq!(
            (histogram.min(), histogram.max(), histogram.count()),
            (1000, 1_000_000, 1000)
        );
    }

    #[test]
    fn merging_is_counting_together() {
        let (mut one, mut two) = (Histogram::default(), Histogram::default());
        one.record(5);
        two.record(7);
        two.record(9);
        one.merge(&two);
        assert_eq!(
            (one.count(), one.min(), one.max(), one.percentile(500)),
            (3, 5, 9, 7)
        );
    }
}

//! When a server in lame duck mode closes which of its clients.

use std::time::Duration;

/// Between two closings are no more than this, however few clients there are.
const LONGEST: Duration = Duration::from_secs(1);

/// Between two closings are no less than this: more are closed at once instead.
const SHORTEST: Duration = Duration::from_millis(5);

/// What is left for closing where the grace period leaves nothing.
const LEAST: Duration = Duration::from_secs(1);

/// How many connections are closed at once, and how long is waited in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    batch: usize,
    interval: Duration,
}

impl Plan {
    /// Spreads the closing of so many clients over the time `closing`.
    pub(super) fn new(clients: usize, closing: Duration) -> Self {
        let closing = if closing.is_zero() { LEAST } else { closing };
        let clients = clients.max(1);
        let most_batches = usize::try_from(closing.as_nanos() / SHORTEST.as_nanos())
            .unwrap_or(usize::MAX)
            .max(1);
        let batch = clients.div_ceil(most_batches);
        let batches = clients.div_ceil(batch);
        let interval = closing / u32::try_from(batches).unwrap_or(u32::MAX);
        Self {
            batch,
            interval: interval.min(LONGEST),
        }
    }

    /// How many are closed at once.
    pub(super) fn batch(&self) -> usize {
        self.batch
    }

    /// The time until the next are closed: at least half of the interval, less than all of it.
    pub(super) fn pause(&self) -> Duration {
        let half = self.interval / 2;
        let nanoseconds = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
        half + Duration::from_nanos(fastrand::u64(..nanoseconds))
    }
}

#[cfg(test)]
mod tests {
    use super::{LEAST, LONGEST, Plan};
    use std::time::Duration;

    const MOST_OF_TWO_MINUTES: Duration = Duration::from_secs(110);

    fn plan(clients: usize, closing: Duration) -> (usize, Duration) {
        let plan = Plan::new(clients, closing);
        (plan.batch, plan.interval)
    }

    #[test]
    fn few_clients_do_not_wait_for_long() {
        assert_eq!(plan(0, MOST_OF_TWO_MINUTES), (1, LONGEST));
        assert_eq!(plan(1, MOST_OF_TWO_MINUTES), (1, LONGEST));
        assert_eq!(plan(110, MOST_OF_TWO_MINUTES), (1, LONGEST));
        assert_eq!(plan(1100, MOST_OF_TWO_MINUTES), (1, Duration::from_millis(100)));
    }

    #[test]
    fn many_clients_are_closed_several_at_once() {
        assert_eq!(plan(22_000, MOST_OF_TWO_MINUTES), (1, Duration::from_millis(5)));
        assert_eq!(plan(22_001, MOST_OF_TWO_MINUTES).0, 2);
        let (batch, interval) = plan(1_000_000, MOST_OF_TWO_MINUTES);
        assert_eq!(batch, 46);
        assert!(interval >= Duration::from_millis(5), "{interval:?}");
    }

    #[test]
    fn no_time_left_is_a_second() {
        assert_eq!(plan(1, Duration::ZERO), (1, LEAST));
        assert_eq!(plan(10, Duration::ZERO), (1, LEAST / 10));
        assert_eq!(plan(3, Duration::from_nanos(1)), (3, Duration::from_nanos(1)));
    }

    /// Whatever the numbers and the jitter, everybody is closed, and in time.
    #[test]
    fn everybody_is_closed_in_time() {
        for clients in [1, 2, 3, 109, 111, 5_000, 22_001, 123_457, 3_000_000] {
            for closing in [20, 110, 3_590].map(Duration::from_secs) {
                let plan = Plan::new(clients, closing);
                let batches = clients.div_ceil(plan.batch());
                let mut total = Duration::ZERO;
                for _ in 1..batches {
                    let pause = plan.pause();
                    assert!(
                        pause >= plan.interval / 2 && pause < plan.interval,
                        "{pause:?} {plan:?}"
                    );
                    total += pause;
                }
                assert!(total <= closing, "{clients} in {closing:?}: {total:?}");
            }
        }
    }
}

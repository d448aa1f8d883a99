//! How many handshakes may begin in a second.

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what begins: so many at once as may in a second, and again as time goes by.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// None where there is no limit.
    limiter: Option<DefaultDirectRateLimiter>,
    /// Rejected handshakes that the log has not told of yet.
    rejected: AtomicU64,
}

/// The answer to one that wants to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Allowed,
    Rejected,
    /// The first since the log was last told: the caller has it told in a second.
    FirstRejected,
}

impl Throttle {
    /// A limit of 0 is none.
    pub(crate) fn new(limit: u64) -> Self {
        let limit = NonZeroU32::new(u32::try_from(limit).unwrap_or(u32::MAX));
        Self {
            limiter: limit.map(|limit| RateLimiter::direct(Quota::per_second(limit))),
            rejected: AtomicU64::new(0),
        }
    }

    pub(crate) fn begin(&self) -> Answer {
        let is_allowed = |limiter: &DefaultDirectRateLimiter| limiter.check().is_ok();
        if self.limiter.as_ref().is_none_or(is_allowed) {
            return Answer::Allowed;
        }
        match self.rejected.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::FirstRejected,
            _ => Answer::Rejected,
        }
    }

    /// How many were rejected since this was last asked.
    pub(crate) fn take_rejected(&self) -> u64 {
        self.rejected.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Throttle};
    use std::time::{Duration, Instant};

    #[test]
    fn as_many_as_allowed_and_the_others_are_counted() {
        const LIMIT: u64 = 1000;
        const ALL: u64 = 100_000;
        let (throttle, start) = (Throttle::new(LIMIT), Instant::now());
        let answers: Vec<Answer> = (0..ALL).map(|_| throttle.begin()).collect();
        // However long that took.
        let most = LIMIT + LIMIT * (start.elapsed() + Duration::from_secs(1)).as_secs();
        let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count() as u64;
        let allowed = count(Answer::Allowed);
        assert!((LIMIT..=most).contains(&allowed), "{allowed}");
        assert_eq!(count(Answer::FirstRejected), u64::from(allowed < ALL));
        assert_eq!(throttle.take_rejected(), ALL - allowed);
        assert_eq!(throttle.take_rejected(), 0);
    }

    #[test]
    fn the_first_rejected_one_has_all_of_them_told() {
        let throttle = Throttle::new(1);
        let first = || {
            (0..)
                .map(|_| throttle.begin())
                .find(|answer| *answer != Answer::Allowed)
        };
        assert_eq!(first(), Some(Answer::FirstRejected));
        assert_eq!(first(), Some(Answer::Rejected));
        assert_eq!(throttle.take_rejected(), 2);
        assert_eq!(first(), Some(Answer::FirstRejected));
    }

    #[test]
    fn no_limit() {
        let throttle = Throttle::new(0);
        assert!((0..1000).all(|_| throttle.begin() == Answer::Allowed));
    }
}

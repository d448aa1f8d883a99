//! How many handshakes may begin in a second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);

/// Counts what begins, in windows of a second that start with the first after the last.
#[derive(Debug)]
pub(crate) struct Throttle {
    limit: u64,
    window: Mutex<Option<Window>>,
}

#[derive(Debug)]
struct Window {
    end: Instant,
    begun: u64,
    /// Of whom nothing has been told yet.
    rejected: u64,
    /// Somebody is going to.
    told_of: bool,
}

/// The answer to one that wants to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Allowed,
    Rejected,
    /// The first that is in this window: when that is over, it is time to tell how many there were.
    FirstRejected(Instant),
}

impl Throttle {
    /// A limit of 0 is none.
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            window: Mutex::new(None),
        }
    }

    pub(crate) fn begin(&self, now: Instant) -> Answer {
        if self.limit == 0 {
            return Answer::Allowed;
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let current = match &mut *window {
            Some(current) if now <= current.end => current,
            over => {
                let untold = over.as_ref().map_or(0, |over| over.rejected);
                over.insert(Window {
                    end: now + WINDOW,
                    begun: 0,
                    rejected: untold,
                    told_of: untold > 0,
                })
            }
        };
        if current.begun < self.limit {
            current.begun += 1;
            return Answer::Allowed;
        }
        current.rejected += 1;
        if std::mem::replace(&mut current.told_of, true) {
            return Answer::Rejected;
        }
        Answer::FirstRejected(current.end)
    }

    /// How many were rejected since this was last asked.
    pub(crate) fn take_rejected(&self) -> u64 {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.as_mut().map_or(0, |window| {
            window.told_of = false;
            std::mem::take(&mut window.rejected)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Throttle, WINDOW};
    use std::time::{Duration, Instant};

    #[test]
    fn as_many_as_allowed_in_each_window() {
        let throttle = Throttle::new(2);
        let start = Instant::now();
        let check = |after, expected| {
            assert_eq!(throttle.begin(start + after), expected, "{after:?}");
        };
        check(Duration::ZERO, Answer::Allowed);
        check(WINDOW / 2, Answer::Allowed);
        check(WINDOW / 2, Answer::FirstRejected(start + WINDOW));
        check(WINDOW, Answer::Rejected);
        assert_eq!(throttle.take_rejected(), 2);
        check(WINDOW * 2, Answer::Allowed);
        check(WINDOW * 2, Answer::Allowed);
        check(WINDOW * 3, Answer::FirstRejected(start + WINDOW * 3));
        // Whoever is to tell of that one has not come to it yet, and tells of the next, too.
        check(WINDOW * 30, Answer::Allowed);
        check(WINDOW * 30, Answer::Allowed);
        check(WINDOW * 30, Answer::Rejected);
        assert_eq!(throttle.take_rejected(), 2);
        assert_eq!(throttle.take_rejected(), 0);
    }

    #[test]
    fn no_limit() {
        let (throttle, now) = (Throttle::new(0), Instant::now());
        assert!((0..1000).all(|_| throttle.begin(now) == Answer::Allowed));
    }
}

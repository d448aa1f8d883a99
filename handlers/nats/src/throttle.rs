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
    rejected: u64,
}

/// The answer to one that wants to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) allowed: bool,
    /// How many were not allowed in the window before; told once.
    pub(crate) rejected_before: u64,
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
            return Answer {
                allowed: true,
                rejected_before: 0,
            };
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rejected_before = 0;
        let current = match &mut *window {
            Some(current) if now <= current.end => current,
            over => {
                rejected_before = over.as_ref().map_or(0, |over| over.rejected);
                over.insert(Window {
                    end: now + WINDOW,
                    begun: 0,
                    rejected: 0,
                })
            }
        };
        let allowed = current.begun < self.limit;
        if allowed {
            current.begun += 1;
        } else {
            current.rejected += 1;
        }
        Answer {
            allowed,
            rejected_before,
        }
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
        let check = |after, allowed, rejected_before| {
            let expected = Answer {
                allowed,
                rejected_before,
            };
            assert_eq!(throttle.begin(start + after), expected, "{after:?}");
        };
        check(Duration::ZERO, true, 0);
        check(WINDOW / 2, true, 0);
        check(WINDOW / 2, false, 0);
        check(WINDOW, false, 0);
        check(WINDOW * 2, true, 2);
        check(WINDOW * 2, true, 0);
        check(WINDOW * 3, false, 0);
        check(WINDOW * 30, true, 1);
    }

    #[test]
    fn no_limit() {
        let (throttle, now) = (Throttle::new(0), Instant::now());
        assert!((0..1000).all(|_| throttle.begin(now).allowed));
    }
}

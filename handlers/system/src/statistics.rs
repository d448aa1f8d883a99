//! When the server tells its figures by itself.

use std::time::{Duration, Instant};

/// How long it is until the first time: who has just started is soon known.
const AT_FIRST: Duration = Duration::from_millis(250);

/// How long it is from one time to the next, in the end.
const AT_LAST: Duration = Duration::from_secs(10);

/// How long it is at least.
const AT_LEAST: Duration = Duration::from_secs(1);

/// The times at which a server tells its figures to everybody who wants to know. No clock: it is told the time.
#[derive(Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    next: Instant,
    last: Option<Instant>,
}

impl Schedule {
    /// For a server that starts now.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            interval: AT_FIRST,
            next: now + AT_FIRST,
            last: None,
        }
    }

    /// When the next time is.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// The next time has come: whether they are told now. The intervals become longer.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        self.interval = (self.interval * 2).min(AT_LAST);
        self.next = now + self.interval;
        let rest = AT_LEAST.min(self.interval);
        if let Some(last) = self.last
            && now.saturating_duration_since(last) < rest
        {
            self.next = last + rest;
            return false;
        }
        self.last = Some(now);
        true
    }

    /// Somebody asks for them to be told to everybody: it counts as a time.
    pub(crate) fn asked(&mut self, now: Instant) {
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use std::time::{Duration, Instant};

    #[test]
    fn is_fast_at_first_and_slow_in_the_end() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        let mut told = Vec::new();
        while told.len() < 9 {
            let now = schedule.next();
            if schedule.is_due(now) {
                told.push((now - start).as_millis());
            }
        }
        assert_eq!(told, [250, 1250, 3250, 7250, 15250, 25250, 35250, 45250, 55250]);
    }

    #[test]
    fn what_was_asked_for_is_not_told_again_at_once() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        for _ in 0..7 {
            let now = schedule.next();
            schedule.is_due(now);
        }
        let next = schedule.next();
        schedule.asked(next - Duration::from_millis(400));
        assert!(!schedule.is_due(next));
        assert_eq!(schedule.next(), next + Duration::from_millis(600));
        assert!(schedule.is_due(next + Duration::from_millis(600)));
    }
}

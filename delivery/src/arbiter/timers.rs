//! One queue of deadlines for all connections of an arbiter, instead of a timer each.

use crate::outbox::Outbox;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_routing::ConnectionId;

/// Deadlines are kept to this precision, rounded up.
const PRECISION: Duration = Duration::from_millis(10);

/// The deadlines of an arbiter's connections, at most one each.
#[derive(Debug)]
pub struct Timers {
    origin: Instant,
    entries: BTreeMap<(u64, ConnectionId), Arc<Outbox>>,
}

/// A deadline that has been set: what is needed to take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer(u64);

impl Timers {
    pub(crate) fn new(origin: Instant) -> Self {
        Self {
            origin,
            entries: BTreeMap::new(),
        }
    }

    /// Wakes the connection at the deadline, not before. True when this is now the first deadline of all.
    pub fn set(&mut self, deadline: Instant, id: ConnectionId, outbox: Arc<Outbox>) -> (Timer, bool) {
        let tick = self.tick_after(deadline);
        let first = self
            .entries
            .first_key_value()
            .is_none_or(|((first, _), _)| tick < *first);
        self.entries.insert((tick, id), outbox);
        (Timer(tick), first)
    }

    /// Takes a deadline of this connection back.
    pub fn clear(&mut self, timer: Timer, id: ConnectionId) {
        self.entries.remove(&(timer.0, id));
    }

    /// When the next deadline is due; None if there is none, or not within the reach of the clock.
    pub fn next(&self) -> Option<Instant> {
        let ((tick, _), _) = self.entries.first_key_value()?;
        let milliseconds = tick.checked_mul(PRECISION.as_millis() as u64)?;
        self.origin.checked_add(Duration::from_millis(milliseconds))
    }

    /// Takes out everything that is due.
    pub fn due(&mut self, now: Instant) -> Vec<Arc<Outbox>> {
        let passed = ticks(now.saturating_duration_since(self.origin).as_nanos() / PRECISION.as_nanos());
        let mut due = Vec::new();
        while let Some(entry) = self.entries.first_entry() {
            if entry.key().0 > passed {
                break;
            }
            due.push(entry.remove());
        }
        due
    }

    fn tick_after(&self, deadline: Instant) -> u64 {
        let since = deadline.saturating_duration_since(self.origin);
        ticks(since.as_nanos().div_ceil(PRECISION.as_nanos()))
    }
}

/// A clock would have to run for 5 billion years to get that far.
fn ticks(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Outbox, PRECISION, Timers};
    use crate::outbox::Slots;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    /// So many ticks no longer fit into 32 bits: 497 days.
    const BORDER: Duration = PRECISION.saturating_mul(u32::MAX);

    fn outbox() -> Arc<Outbox> {
        Arc::new(Outbox::new(Slots::default().take(), 1, 0, 1, None))
    }

    /// Of two deadlines around each of these times after the start, the first alone is due in between.
    #[test]
    fn none_comes_early_or_late() {
        let origin = Instant::now();
        for after in [Duration::ZERO, PRECISION, BORDER - PRECISION, BORDER, BORDER * 3] {
            let mut timers = Timers::new(origin);
            let (first, second) = (origin + after, origin + after + PRECISION);
            assert!(timers.set(second, 2, outbox()).1);
            assert!(timers.set(first, 1, outbox()).1);
            assert_eq!(timers.next(), Some(first), "{after:?}");
            assert_eq!(timers.due(first).len(), 1, "{after:?}");
            assert_eq!(timers.next(), Some(second), "{after:?}");
            let early = second - Duration::from_nanos(1);
            assert_eq!(timers.due(early).len(), 0, "{after:?}");
            assert_eq!(timers.due(second).len(), 1, "{after:?}");
            assert_eq!(timers.next(), None);
        }
    }

    #[test]
    fn deadlines_are_rounded_up() {
        let origin = Instant::now();
        let mut timers = Timers::new(origin);
        timers.set(origin + BORDER + Duration::from_nanos(1), 1, outbox());
        assert!(timers.due(origin + BORDER).is_empty());
        assert_eq!(timers.next(), Some(origin + BORDER + PRECISION));
    }

    #[test]
    fn one_that_is_taken_back_is_not_due() {
        let origin = Instant::now();
        let mut timers = Timers::new(origin);
        let (timer, _) = timers.set(origin + BORDER * 2, 1, outbox());
        timers.clear(timer, 1);
        assert!(timers.due(origin + BORDER * 3).is_empty());
    }
}

//! One queue of deadlines for all connections of an arbiter, instead of a timer each.

use crate::outbox::{ConnectionId, Outbox};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Deadlines are kept to this precision, rounded up.
const PRECISION: Duration = Duration::from_millis(10);

/// The deadlines of an arbiter's connections, at most one each.
#[derive(Debug)]
pub(crate) struct Timers {
    origin: Instant,
    entries: BTreeMap<(u64, ConnectionId), Arc<Outbox>>,
}

/// A deadline that has been set: what is needed to take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timer(u64);

impl Timers {
    pub(crate) fn new(origin: Instant) -> Self {
        Self {
            origin,
            entries: BTreeMap::new(),
        }
    }

    /// Wakes the connection at the deadline, not before. True when this is now the first deadline of all.
    pub(crate) fn set(&mut self, deadline: Instant, id: ConnectionId, outbox: Arc<Outbox>) -> (Timer, bool) {
        let tick = self.tick_after(deadline);
        let first = self
            .entries
            .first_key_value()
            .is_none_or(|((first, _), _)| tick < *first);
        self.entries.insert((tick, id), outbox);
        (Timer(tick), first)
    }

    pub(crate) fn clear(&mut self, timer: Timer, id: ConnectionId) {
        self.entries.remove(&(timer.0, id));
    }

    /// When the next deadline is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        let ((tick, _), _) = self.entries.first_key_value()?;
        Some(self.origin + PRECISION * u32::try_from(*tick).unwrap_or(u32::MAX))
    }

    /// Takes out everything that is due.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Arc<Outbox>> {
        let mut due = Vec::new();
        while let Some(entry) = self.entries.first_entry() {
            let tick = u32::try_from(entry.key().0).unwrap_or(u32::MAX);
            if self.origin + PRECISION * tick > now {
                break;
            }
            due.push(entry.remove());
        }
        due
    }

    fn tick_after(&self, deadline: Instant) -> u64 {
        let since = deadline.saturating_duration_since(self.origin);
        u64::try_from(since.as_nanos().div_ceil(PRECISION.as_nanos())).unwrap_or(u64::MAX)
    }
}

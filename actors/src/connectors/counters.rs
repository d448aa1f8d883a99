//! What a connector counts.

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The longest time that is told from longer ones, in microseconds: an hour.
const LONGEST: u64 = 3600 * 1_000_000;

/// Since the connector is there, whatever it is set to.
#[derive(Debug)]
pub struct Counters {
    /// Messages published.
    pub(super) messages_in: AtomicU64,
    /// Their payload, in bytes.
    pub(super) bytes_in: AtomicU64,
    /// Messages brought to a server.
    pub(super) messages_out: AtomicU64,
    /// Their payload, in bytes.
    pub(super) bytes_out: AtomicU64,
    /// Messages and events that were lost, or could be nothing.
    pub(super) dropped: AtomicU64,
    pub(super) errors: AtomicU64,
    /// What was sent again.
    pub(super) retries: AtomicU64,
    pub(super) connects: AtomicU64,
    pub(super) disconnects: AtomicU64,
    /// Bytes that wait to be brought to a server.
    pub(super) pending: AtomicU64,
    /// Messages of a stream that are not brought.
    pub(super) lag: AtomicU64,
    /// Whether no server takes anything.
    pub(super) is_failing: AtomicBool,
    last_error: Mutex<Option<String>>,
    /// From when something came until it was where it belongs, in microseconds.
    latencies: Mutex<Option<Histogram<u32>>>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            messages_in: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            messages_out: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            connects: AtomicU64::new(0),
            disconnects: AtomicU64::new(0),
            pending: AtomicU64::new(0),
            lag: AtomicU64::new(0),
            is_failing: AtomicBool::new(false),
            last_error: Mutex::new(None),
            // There is none only if these bounds were no bounds.
            latencies: Mutex::new(Histogram::new_with_bounds(1, LONGEST, 2).ok()),
        }
    }
}

impl Counters {
    /// One more of a kind.
    pub(super) fn count(counter: &AtomicU64) {
        Self::add(counter, 1);
    }

    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    /// An error; true if the last one was another.
    pub(super) fn fail(&self, error: &str) -> bool {
        Self::count(&self.errors);
        let mut last = self.last_error.lock();
        let is_new = last.as_deref() != Some(error);
        if is_new {
            *last = Some(error.to_owned());
        }
        is_new
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.last_error.lock().clone()
    }

    /// Something took so long.
    pub(super) fn took(&self, time: Duration) {
        if let Some(latencies) = &mut *self.latencies.lock() {
            let microseconds = u64::try_from(time.as_micros()).unwrap_or(LONGEST);
            latencies.saturating_record(microseconds);
        }
    }

    /// How long it takes for these parts of all to be done in, in milliseconds, and on the average.
    pub(super) fn latencies<const COUNT: usize>(&self, parts: [f64; COUNT]) -> ([f64; COUNT], f64) {
        let latencies = self.latencies.lock();
        let Some(latencies) = latencies.as_ref().filter(|latencies| !latencies.is_empty()) else {
            return ([0.0; COUNT], 0.0);
        };
        let milliseconds = |part| latencies.value_at_quantile(part) as f64 / 1e3;
        (parts.map(milliseconds), latencies.mean() / 1e3)
    }
}

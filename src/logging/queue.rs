//! Records on their way to the writer thread.
//!
//! Logging only appends to a buffer: a log that nobody reads must not stop the server. The buffer has a
//! bound; from the first line that does not fit, lines are dropped until the writer has taken the buffer, so
//! that what is missing is one gap at a known place.

use super::record;
use super::writer::Sink;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The two ends share this.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Wakes the writer.
    filled: Condvar,
    /// Wakes those who wait for the writer.
    written: Condvar,
    /// The most bytes that wait, beside one buffer that is being written.
    bound: usize,
}

#[derive(Debug, Default)]
struct State {
    records: Vec<u8>,
    dropped: u64,
    reopen: bool,
    /// Where records go from this place on.
    switch: Option<(usize, Sink)>,
    /// Whether the writer holds a batch.
    writing: bool,
    /// Grows with every piece that is written.
    progress: u64,
}

impl State {
    /// Whether the writer has nothing to do.
    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.dropped == 0 && !self.reopen && self.switch.is_none()
    }
}

/// What the writer takes at once, in this order: records, then a gap.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// As [`record::entries`] reads them.
    pub(crate) records: Vec<u8>,
    /// How many records are missing after them.
    pub(crate) dropped: u64,
    /// Whether the log file is to be opened anew before anything is written.
    pub(crate) reopen: bool,
    /// Where records go from this place in `records` on.
    pub(crate) switch: Option<(usize, Sink)>,
}

impl Queue {
    pub(crate) fn new(bound: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            written: Condvar::new(),
            bound,
        })
    }

    /// Appends one encoded record, or counts it as dropped. Never waits for the writer.
    pub(crate) fn push(&self, record: &[u8]) {
        let mut state = self.lock();
        if state.dropped > 0 || !record::append(&mut state.records, record, self.bound) {
            state.dropped += 1;
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Has the writer open its file anew.
    pub(crate) fn reopen(&self) {
        self.lock().reopen = true;
        self.filled.notify_one();
    }

    /// Has the writer write elsewhere: everything from now on, and nothing before. Of several such orders that it has
    /// not followed yet, the last holds.
    pub(crate) fn switch(&self, sink: Sink) {
        let mut state = self.lock();
        let place = state
            .switch
            .take()
            .map_or(state.records.len(), |(place, _)| place);
        state.switch = Some((place, sink));
        drop(state);
        self.filled.notify_one();
    }

    /// Takes all there is, waiting for something. `emptied` becomes the next buffer.
    pub(crate) fn take(&self, mut emptied: Vec<u8>) -> Batch {
        emptied.clear();
        let mut state = self.lock();
        state.writing = false;
        self.written.notify_all();
        while state.is_empty() {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writing = true;
        Batch {
            records: std::mem::replace(&mut state.records, emptied),
            dropped: std::mem::take(&mut state.dropped),
            reopen: std::mem::take(&mut state.reopen),
            switch: state.switch.take(),
        }
    }

    /// The writer tells that a piece is out.
    pub(crate) fn progressed(&self) {
        self.lock().progress += 1;
    }

    /// Waits until everything is written: at most `total`, and at most `stall` without progress.
    /// Says whether everything is.
    pub(crate) fn flush(&self, stall: Duration, total: Duration) -> bool {
        let end = Instant::now() + total;
        let mut state = self.lock();
        let mut progress = state.progress;
        let mut stalled = Instant::now() + stall;
        loop {
            if state.is_empty() && !state.writing {
                return true;
            }
            let now = Instant::now();
            if state.progress != progress {
                progress = state.progress;
                stalled = now + stall;
            }
            let wait = stalled.min(end).saturating_duration_since(now);
            if wait.is_zero() {
                return false;
            }
            state = self
                .written
                .wait_timeout(state, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that `env_logger` writes to; each write is one record.
pub(crate) struct Records(pub(crate) Arc<Queue>);

impl io::Write for Records {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.0.push(record);
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_past_the_bound_are_one_gap() {
        let queue = Queue::new(14);
        queue.push(b"first\n");
        queue.push(b"too long\n");
        // It would fit, but would stand before the gap and not in it.
        queue.push(b"");
        let batch = queue.take(Vec::new());
        assert_eq!(batch.records, b"\x06\0\0\0first\n");
        assert_eq!(batch.dropped, 2);
        queue.push(b"next\n");
        let batch = queue.take(batch.records);
        assert_eq!(batch.records, b"\x05\0\0\0next\n");
        assert_eq!(batch.dropped, 0);
    }

    #[test]
    fn flush_gives_up_on_a_writer_that_is_stuck() {
        let queue = Queue::new(10);
        assert!(queue.flush(Duration::ZERO, Duration::ZERO));
        queue.push(b"a\n");
        assert!(!queue.flush(Duration::from_millis(1), Duration::from_secs(60)));
        let _being_written = queue.take(Vec::new());
        assert!(!queue.flush(Duration::from_millis(1), Duration::from_secs(60)));
    }

    #[test]
    fn flush_waits_for_a_writer_that_works() {
        let queue = Queue::new(10);
        queue.push(b"a\n");
        let writer = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let batch = queue.take(Vec::new());
                // The second `take` tells that the first batch is done.
                queue.take(batch.records)
            }
        });
        assert!(queue.flush(Duration::from_secs(60), Duration::from_secs(60)));
        queue.push(b"b\n");
        assert_eq!(writer.join().unwrap().records, b"\x02\0\0\0b\n");
    }
}

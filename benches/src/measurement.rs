//! The measured window: warm up, read the counters, wait, read them again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::error::BenchError;
use crate::server::RunningServer;
use crate::statistics::Latency;

/// How often the main thread looks whether something failed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long to run.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Before the window.
    pub warm_up: Duration,
    /// The window itself.
    pub window: Duration,
}

/// What one run of a scenario on one server gave.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// Messages (round trips, connections) of the window.
    pub messages: u64,
    /// Length of the window.
    pub seconds: f64,
    /// CPU time of the server in the window, or of all servers of its cluster.
    pub cpu_ns: u64,
    /// Resident memory of the server at the end of the window.
    pub resident_bytes: u64,
    /// Where the scenario measures times.
    pub latency: Option<Latency>,
    /// Where the scenario measures memory for each connection, stream or consumer, or disk for each message.
    pub bytes_each: Option<f64>,
    /// Whatever the reader of the table should know.
    pub note: Option<String>,
}

impl Measurement {
    /// CPU nanoseconds for each message; `None` if there was no message.
    pub fn cpu_per_message(&self) -> Option<f64> {
        (self.messages > 0).then(|| self.cpu_ns as f64 / self.messages as f64)
    }

    /// Messages in a second.
    pub fn rate(&self) -> f64 {
        self.messages as f64 / self.seconds
    }
}

/// What the threads of one run share.
#[derive(Debug, Default)]
pub struct Control {
    stopping: AtomicBool,
    draining: AtomicBool,
    recording: AtomicBool,
    failed: AtomicBool,
    failure: Mutex<Option<BenchError>>,
}

/// Waits for all of these.
///
/// # Errors
/// When one has panicked.
pub fn join_all<'scope>(
    threads: impl IntoIterator<Item = ScopedJoinHandle<'scope, ()>>,
) -> Result<(), BenchError> {
    threads
        .into_iter()
        .try_for_each(|thread| thread.join().map_err(|_| BenchError::Panicked))
}

impl Control {
    /// Senders are to stop.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether senders are to stop.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Receivers are to finish as well.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether receivers are to finish.
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Whether the window is open: times taken now count.
    pub fn recording(&self) -> bool {
        self.recording.load(Ordering::Relaxed)
    }

    /// Whether a thread has failed.
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Runs the work of a thread; its error is kept for [`Control::check`] and ends the run.
    pub fn work(&self, work: impl FnOnce() -> Result<(), BenchError>) {
        if let Err(error) = work() {
            self.failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(error);
            self.failed.store(true, Ordering::Release);
            self.stop();
            self.drain();
        }
    }

    /// The first error of any thread.
    pub fn check(&self) -> Result<(), BenchError> {
        if !self.failed() {
            return Ok(());
        }
        match self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Waits for `limit`, less if something fails.
    pub fn pause(&self, server: &mut RunningServer, limit: Duration) -> Result<(), BenchError> {
        let end = Instant::now() + limit;
        loop {
            self.check()?;
            server.check_alive()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(LOOK_EVERY));
        }
    }

    /// Warms up and measures one window while other threads make `count` grow.
    pub fn measure(
        &self,
        server: &mut RunningServer,
        timing: Timing,
        count: impl Fn() -> u64,
    ) -> Result<Measurement, BenchError> {
        self.pause(server, timing.warm_up)?;
        self.recording.store(true, Ordering::Relaxed);
        let (start, cpu, counted) = (Instant::now(), server.cpu_times()?, count());
        self.pause(server, timing.window)?;
        let (seconds, cpu_ns, counted_now) =
            (start.elapsed().as_secs_f64(), server.cpu_since(&cpu)?, count());
        self.recording.store(false, Ordering::Relaxed);
        Ok(Measurement {
            messages: counted_now - counted,
            seconds,
            cpu_ns,
            resident_bytes: server.resident_bytes()?,
            latency: None,
            bytes_each: None,
            note: None,
        })
    }
}

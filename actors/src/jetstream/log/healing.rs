//! A log that has failed is opened again, at longer and longer intervals, until it can be written.

use super::writer::{Waiter, Writer};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use vagus_store::CheckpointTurns;
use vagus_store::wal::{GroupId, Recovered, WalError};

/// After so long it is opened again at first, and at longest.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Why the log cannot be written, and since when it was tried again.
pub(super) struct Failure {
    pub(super) error: Arc<WalError>,
    /// Groups of which entries may be lost that had been told to be written.
    in_doubt: BTreeSet<GroupId>,
    /// Groups that are gone, of which the log does not say so.
    pub(super) forgotten: Vec<GroupId>,
    again: Instant,
    wait: Duration,
}

impl Failure {
    /// How long it is until it is tried again.
    pub(super) fn wait(&self) -> Duration {
        self.again.saturating_duration_since(Instant::now())
    }
}

impl Writer {
    /// Nothing is durable that was not: everybody is told, now and until it has healed.
    pub(super) fn fail(&mut self, error: WalError) {
        if self.failure.is_some() {
            return;
        }
        log::error!("JetStream: the log of streams has failed, and will be opened again: {error}");
        self.counters().has_failed.store(true, Ordering::Relaxed);
        let error = Arc::new(error);
        let mut failure = Failure {
            in_doubt: self.wal.undurable_groups().collect(),
            error: error.clone(),
            forgotten: Vec::new(),
            again: Instant::now() + FIRST_WAIT,
            wait: FIRST_WAIT,
        };
        for (_, waiter) in self.undurable.drain(..) {
            if let Waiter::Forgotten(group, told) = waiter {
                failure.forgotten.push(group);
                // Who waits may have gone.
                let _ = told.send(false);
            }
        }
        self.waiting.clear();
        self.failure = Some(failure);
        for follower in self.followers.values() {
            follower.failed(&error);
        }
    }

    /// Opens it again, if it is time to.
    pub(super) fn heal(&mut self) {
        let Some(failure) = self.failure.as_mut().filter(|failure| failure.wait().is_zero()) else {
            return;
        };
        failure.wait = (failure.wait * 2).min(LONGEST_WAIT);
        failure.again = Instant::now() + failure.wait;
        if let Err(error) = self.open_again() {
            log::warn!("JetStream: the log of streams cannot be written yet: {error}");
            return;
        }
        let Some(Failure { in_doubt, .. }) = self.failure.take() else {
            return;
        };
        log::info!("JetStream: the log of streams can be written again");
        let counters = self.counters();
        counters.has_failed.store(false, Ordering::Relaxed);
        counters.healed.fetch_add(1, Ordering::Relaxed);
        for (group, follower) in &self.followers {
            follower.healed(in_doubt.contains(group));
        }
    }

    /// What was durable is read once more, and what comes next goes to a new file: that shows whether it can be written.
    fn open_again(&mut self) -> Result<(), WalError> {
        let Recovered {
            wal, files, damage, ..
        } = self.files.reopen(&self.wal)?;
        for damage in damage {
            log::error!("JetStream: the log of streams is damaged: {damage:?}");
        }
        (self.wal, self.files) = (wal, files);
        self.turns = CheckpointTurns::default();
        self.wal.begin_file()?;
        let forgotten = self.failure.iter().flat_map(|failure| &failure.forgotten);
        for group in forgotten {
            self.wal.forget(*group)?;
        }
        self.files.carry_out_all(&mut self.wal).map(drop)
    }
}

//! Two things that are to go on at the same time: the one keeps step with the other, whichever gets more of
//! the machine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Counts the rounds of what goes on beside the publishers.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    rounds: AtomicUsize,
}

impl Beside {
    /// One more round is done.
    pub(crate) fn round(&self) {
        self.rounds.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until that many rounds are done.
    pub(crate) fn wait_for(&self, rounds: usize) {
        while self.rounds.load(Ordering::SeqCst) < rounds {
            thread::yield_now();
        }
    }

    /// Nobody waits any more once what this gives is dropped: the thread that makes the rounds may have failed.
    pub(crate) fn until_dropped(&self) -> impl Drop + '_ {
        struct End<'a>(&'a Beside);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.rounds.store(usize::MAX / 2, Ordering::SeqCst);
            }
        }
        End(self)
    }
}

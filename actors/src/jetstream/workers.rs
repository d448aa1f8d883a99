//! Threads that read and write files for those who must not wait.
//!
//! What is read is waited for by somebody who asks; what is written is not. So each has threads of its own. What waits is
//! bounded by those who hand it in: a stream has one thing of each kind under way.

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// How many threads read, and how many write.
const THREADS: usize = 2;

type Work = Box<dyn FnOnce() + Send>;

/// The threads for what takes as long as the disk does. They end when they are to, or when the last of these is gone.
#[derive(Clone)]
pub(super) struct Workers {
    readers: Arc<Owner>,
    writers: Arc<Owner>,
}

/// Ends its threads when it is dropped, once what waits is done.
struct Owner {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    work: VecDeque<Work>,
    ended: bool,
}

impl Workers {
    /// # Errors
    /// When the system has no thread to give.
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self {
            readers: Owner::start("stream reader")?,
            writers: Owner::start("stream writer")?,
        })
    }

    /// Has something read. If that panics, what the work holds is dropped, which tells who waits for it.
    pub(super) fn read(&self, work: impl FnOnce() + Send + 'static) {
        self.readers.hand_in(Box::new(work));
    }

    /// Has something written.
    pub(super) fn write(&self, work: impl FnOnce() + Send + 'static) {
        self.writers.hand_in(Box::new(work));
    }

    /// Waits until what waits is done. What is handed in from here on is dropped, which tells who waits for it.
    pub(super) fn end(&self) {
        for owner in [&self.readers, &self.writers] {
            owner.end();
            let threads = std::mem::take(&mut *owner.threads.lock());
            for thread in threads {
                // One that panicked has said so.
                let _ = thread.join();
            }
        }
    }
}

impl Owner {
    fn start(name: &str) -> io::Result<Arc<Self>> {
        let owner = Arc::new(Self {
            shared: Arc::default(),
            threads: Mutex::default(),
        });
        for _ in 0..THREADS {
            let shared = owner.shared.clone();
            let thread = thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || work_for(&shared))?;
            owner.threads.lock().push(thread);
        }
        Ok(owner)
    }

    fn hand_in(&self, work: Work) {
        let mut waiting = self.shared.waiting.lock();
        if waiting.ended {
            // What it holds may hand in something itself as it is dropped.
            drop(waiting);
            return;
        }
        waiting.work.push_back(work);
        drop(waiting);
        self.shared.more.notify_one();
    }

    fn end(&self) {
        self.shared.waiting.lock().ended = true;
        self.shared.more.notify_all();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.end();
    }
}

fn work_for(shared: &Shared) {
    loop {
        let work = {
            let mut waiting = shared.waiting.lock();
            loop {
                match waiting.work.pop_front() {
                    Some(work) => break work,
                    None if waiting.ended => return,
                    None => shared.more.wait(&mut waiting),
                }
            }
        };
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            log::error!("What was to be read or written for a stream panicked");
        }
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Workers").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Workers;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, mpsc};

    #[test]
    fn what_waits_is_done_before_the_end_and_nothing_after() {
        let workers = Workers::start().unwrap();
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..1000 {
            let done = done.clone();
            workers.write(move || {
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        workers.clone().end();
        assert_eq!(done.load(Ordering::Relaxed), 1000);
        let (told, is_told) = mpsc::channel();
        workers.read(move || told.send(()).unwrap());
        // It is dropped, which is told.
        assert!(is_told.recv().is_err());
    }
}

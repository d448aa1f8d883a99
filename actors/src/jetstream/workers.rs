//! Threads that read and write files for those who must not wait.
//!
//! What is read is waited for by somebody who asks; what is written is not. So each has threads of its own. What waits is
//! bounded by those who hand it in: a stream has one thing of each kind under way.

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

/// How many threads read, and how many write.
const THREADS: usize = 2;

type Work = Box<dyn FnOnce() + Send>;

/// The threads for what takes as long as the disk does. They end when the last of these is gone.
#[derive(Clone)]
pub(super) struct Workers {
    readers: Arc<Owner>,
    writers: Arc<Owner>,
}

/// Ends its threads when it is dropped, once what waits is done.
struct Owner(Arc<Shared>);

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
}

impl Owner {
    fn start(name: &str) -> io::Result<Arc<Self>> {
        let owner = Arc::new(Self(Arc::default()));
        for _ in 0..THREADS {
            let shared = owner.0.clone();
            thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || work_for(&shared))?;
        }
        Ok(owner)
    }

    fn hand_in(&self, work: Work) {
        self.0.waiting.lock().work.push_back(work);
        self.0.more.notify_one();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.waiting.lock().ended = true;
        self.0.more.notify_all();
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

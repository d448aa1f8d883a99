//! Work that takes longer than messages may wait: checking password hashes.
//!
//! It is done on a thread of its own, one piece after the other, so that a storm of logins costs traffic no more than
//! the one core it runs on. What waits is bounded; who does not get a place is told so.

use std::io;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;

/// How many pieces of work may wait.
const WAITING_AT_MOST: usize = 4096;

type Work = Box<dyn FnOnce() + Send>;

/// The thread for slow work. It ends when the last of these is gone.
#[derive(Debug, Clone)]
pub struct SlowWork {
    waiting: SyncSender<Work>,
}

impl SlowWork {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start() -> io::Result<Self> {
        let (waiting, work) = sync_channel::<Work>(WAITING_AT_MOST);
        thread::Builder::new()
            .name("slow work".to_owned())
            .spawn(move || {
                for work in work {
                    work();
                }
            })?;
        Ok(Self { waiting })
    }

    /// Has it done; false if too much waits already.
    pub(crate) fn hand_in(&self, work: impl FnOnce() + Send + 'static) -> bool {
        match self.waiting.try_send(Box::new(work)) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SlowWork, WAITING_AT_MOST};
    use std::sync::mpsc::channel;

    #[test]
    fn work_is_done_in_order_and_what_waits_is_bounded() {
        let slow_work = SlowWork::start().unwrap();
        let (began, has_begun) = channel();
        let (go_on, may_go_on) = channel();
        assert!(slow_work.hand_in(move || {
            began.send(()).unwrap();
            may_go_on.recv().unwrap();
        }));
        has_begun.recv().unwrap();
        let (done, is_done) = channel();
        for number in 0..WAITING_AT_MOST {
            let done = done.clone();
            assert!(slow_work.hand_in(move || done.send(number).unwrap()), "{number}");
        }
        assert!(!slow_work.hand_in(|| {}), "there is no place left");
        go_on.send(()).unwrap();
        assert!(is_done.iter().take(WAITING_AT_MOST).eq(0..WAITING_AT_MOST));
    }
}

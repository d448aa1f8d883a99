//! Staying awake while peers converse.
//!
//! A thread that goes to sleep between a request and its answer pays for the waking twice: in time, as an idle core
//! takes tens of microseconds to come back, and in work for the system. So while small turns follow each other closely
//! an arbiter asks for events again and again instead of sleeping. Long reads need no spinning: what comes meanwhile
//! is taken all the better in one go.

use super::LocalArbiter;
use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Turns that follow each other within this time are of one conversation; and so long the window lasts.
const CLOSE: Duration = Duration::from_micros(80);

/// A turn that read no more than this, in bytes, is small.
const SMALL: usize = 1024;

/// A window opens after so many small turns close to the last; one that is not takes back two.
const CONVERSATION: u32 = 16;

/// No more of them are remembered.
const REMEMBERED: u32 = 64;

/// Whether an arbiter stays awake, and until when.
#[derive(Debug)]
pub struct SpinWindow {
    /// With one core, the one that is waited for could not run.
    possible: bool,
    last_turn: Instant,
    small_turns: u32,
    until: Instant,
    /// What sleeps until the window opens.
    sleeper: Option<Waker>,
}

impl SpinWindow {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            possible: std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1),
            last_turn: now,
            small_turns: 0,
            until: now,
            sleeper: None,
        }
    }

    /// A connection has read this many bytes.
    #[inline]
    pub fn turn(&mut self, now: Instant, read: usize) {
        let close = now.saturating_duration_since(self.last_turn) < CLOSE;
        self.small_turns = match (read <= SMALL, close) {
            (true, true) => (self.small_turns + 1).min(REMEMBERED),
            (true, false) => self.small_turns.saturating_sub(2),
            (false, _) => 0,
        };
        self.last_turn = now;
        if self.small_turns < CONVERSATION || !self.possible {
            return;
        }
        self.until = now + CLOSE;
        if let Some(sleeper) = self.sleeper.take() {
            sleeper.wake();
        }
    }
}

/// Keeps the arbiter awake while its spin window is open; sleeps otherwise.
pub async fn keep_awake(arbiter: LocalArbiter) {
    poll_fn(|task| {
        let window = &mut arbiter.borrow_mut().spin_window;
        if Instant::now() < window.until {
            task.waker().wake_by_ref();
        } else {
            window.sleeper = Some(task.waker().clone());
        }
        Poll::<()>::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::{CLOSE, CONVERSATION, SMALL, SpinWindow};
    use std::time::{Duration, Instant};

    const QUICK: Duration = Duration::from_micros(20);

    /// Whether the window is open after these turns, each `(after the last, bytes read)`.
    fn is_open(turns: impl IntoIterator<Item = (Duration, usize)>) -> bool {
        let mut now = Instant::now();
        let mut window = SpinWindow::new(now);
        window.possible = true;
        for (after, read) in turns {
            now += after;
            window.turn(now, read);
        }
        window.until > now
    }

    #[test]
    fn a_conversation_is_waited_for() {
        let turns = CONVERSATION as usize;
        assert!(is_open(vec![(QUICK, 100); turns]));
        assert!(!is_open(vec![(QUICK, 100); turns - 1]));
    }

    #[test]
    fn long_reads_and_pauses_end_it() {
        let turns = CONVERSATION as usize;
        let conversation = || vec![(QUICK, 100); turns];
        assert!(!is_open(conversation().into_iter().chain([(QUICK * 10, 100)])));
        assert!(!is_open(vec![(QUICK, SMALL + 1); turns]));
        assert!(!is_open(vec![(CLOSE, 100); turns]));
    }
}

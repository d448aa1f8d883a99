//! How the Router knows that no publisher still delivers by a fan-out it has replaced.
//!
//! Each arbiter counts its turns: odd while one runs, even between turns. A turn loads versions only after
//! it has made the count odd; the Router looks at the counts only after it has bumped the versions. With a
//! sequentially consistent fence on both sides, a turn that the Router finds not begun will see the new
//! version, and one that it finds running is waited for.
//!
//! A thread that finds that a turn has ended also finds what it did. The count it reads may be the one that ended the turn, or
//! that of a later turn of the same arbiter: so both are stored with `Release` and read with `Acquire`, and either way
//! everything the arbiter did before that store, the awaited turn included, happened before the reading.
//!
//! The Router does not look again and again. It says whom to wake, leaves a mark with an arbiter whose turn it waits for,
//! and looks once more; a turn that ends stores the count, and looks for the mark. With a fence in between on both sides,
//! one of the two sees the other: the turn wakes the Router, or the Router has found that it ended. There are as many
//! Routers as accounts: a turn that finds a mark wakes all that wait, and each that has to waits again.

use super::Arbiters;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::task::Waker;

/// The turn counts of all arbiters.
#[derive(Debug)]
pub struct Quiescence {
    turns: Box<[Turns]>,
    /// Whom to wake when a turn ends that somebody waits for: each Router once.
    waiters: Mutex<Vec<Waker>>,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Turns {
    count: AtomicU64,
    /// The end of a turn is waited for.
    awaited: AtomicBool,
}

/// The turns that were running at one moment, as (arbiter, count).
#[derive(Debug)]
pub struct Running(Vec<(usize, u64)>);

/// A turn that runs. It ends when this is dropped, also by a panic.
#[derive(Debug)]
pub struct RunningTurn {
    arbiters: Arc<Arbiters>,
    arbiter: usize,
}

impl RunningTurn {
    /// A turn of this arbiter begins; only its own thread may call it, and only between turns.
    pub fn begin(arbiters: &Arc<Arbiters>, arbiter: usize) -> Self {
        arbiters.quiescence.begin_turn(arbiter);
        Self {
            arbiters: arbiters.clone(),
            arbiter,
        }
    }

    /// The turn holds no fan-outs any more, and everything it delivered is counted and handed over.
    pub(crate) fn end(self) {}
}

impl Drop for RunningTurn {
    fn drop(&mut self) {
        self.arbiters.quiescence.end_turn(self.arbiter);
    }
}

impl Quiescence {
    pub(crate) fn new(arbiters: usize) -> Self {
        Self {
            turns: (0..arbiters).map(|_| Turns::default()).collect(),
            waiters: Mutex::default(),
        }
    }

    /// A turn of this arbiter begins. Only its own thread calls this and `end_turn`.
    fn begin_turn(&self, arbiter: usize) {
        let turns = &self.turns[arbiter].count;
        turns.store(turns.load(Ordering::Relaxed) | 1, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    /// The turn holds no fan-outs any more, and everything it delivered is counted and handed over.
    fn end_turn(&self, arbiter: usize) {
        let Turns { count, awaited } = &self.turns[arbiter];
        let ended = (count.load(Ordering::Relaxed) | 1).wrapping_add(1);
        count.store(ended, Ordering::Release);
        fence(Ordering::SeqCst);
        if awaited.load(Ordering::Relaxed) {
            awaited.store(false, Ordering::Relaxed);
            self.wake_all();
        }
    }

    /// The turns that may still use what was replaced before this call.
    pub fn running(&self) -> Running {
        fence(Ordering::SeqCst);
        let counts = self.turns.iter().map(|turns| turns.count.load(Ordering::Acquire));
        Running(counts.enumerate().filter(|(_, count)| count % 2 == 1).collect())
    }

    #[cold]
    fn wake_all(&self) {
        let waiters = std::mem::take(&mut *self.waiters.lock());
        waiters.into_iter().for_each(Waker::wake);
    }

    /// Has this woken when a turn ends that [`have_ended`](Self::have_ended), called afterwards, finds running; once, then
    /// attend again. It may be woken by a turn that others wait for.
    pub fn attend(&self, waker: &Waker) {
        let mut waiters = self.waiters.lock();
        if !waiters.iter().any(|waiter| waiter.will_wake(waker)) {
            waiters.push(waker.clone());
        }
    }

    /// Whether all of these turns have ended. If not, those who attend are woken when the next of them does.
    pub fn have_ended(&self, running: &mut Running) -> bool {
        self.forget_ended(running);
        if running.0.is_empty() {
            return true;
        }
        for (arbiter, _) in &running.0 {
            self.turns[*arbiter].awaited.store(true, Ordering::Relaxed);
        }
        fence(Ordering::SeqCst);
        self.forget_ended(running);
        running.0.is_empty()
    }

    fn forget_ended(&self, running: &mut Running) {
        running
            .0
            .retain(|(arbiter, count)| self.turns[*arbiter].count.load(Ordering::Acquire) == *count);
    }
}

#[cfg(test)]
mod tests {
    use super::Quiescence;
    use futures_util::task::{ArcWake, waker};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl ArcWake for Woken {
        fn wake_by_ref(woken: &Arc<Self>) {
            woken.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Two accounts wait for the same turn, one of them for another as well.
    #[test]
    fn everybody_who_waits_for_a_turn_is_woken() {
        let quiescence = Quiescence::new(2);
        let routers = [Arc::new(Woken::default()), Arc::new(Woken::default())];
        let woken = || routers.each_ref().map(|router| router.0.load(Ordering::SeqCst));
        quiescence.begin_turn(0);
        let mut of_both = quiescence.running();
        quiescence.begin_turn(1);
        let mut of_one = quiescence.running();
        for _ in 0..3 {
            routers
                .iter()
                .for_each(|router| quiescence.attend(&waker(router.clone())));
        }
        assert!(!quiescence.have_ended(&mut of_both) && !quiescence.have_ended(&mut of_one));
        quiescence.end_turn(0);
        assert_eq!(woken(), [1, 1]);
        assert!(quiescence.have_ended(&mut of_both));
        quiescence.attend(&waker(routers[0].clone()));
        assert!(!quiescence.have_ended(&mut of_one));
        quiescence.end_turn(1);
        assert_eq!(woken(), [2, 1]);
        assert!(quiescence.have_ended(&mut of_one));
    }

    #[test]
    fn only_turns_that_run_are_waited_for() {
        let quiescence = Quiescence::new(3);
        quiescence.begin_turn(1);
        let mut running = quiescence.running();
        quiescence.begin_turn(2);
        assert!(!quiescence.have_ended(&mut running));
        quiescence.end_turn(1);
        quiescence.begin_turn(1);
        assert!(
            quiescence.have_ended(&mut running),
            "a later turn of the same arbiter does not count"
        );
        assert!(!quiescence.have_ended(&mut quiescence.running()));
        quiescence.end_turn(1);
        quiescence.end_turn(2);
        assert!(quiescence.have_ended(&mut quiescence.running()));
    }
}

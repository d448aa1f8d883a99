//! Work that takes longer than messages may wait: checking password hashes, looking for tokens.
//!
//! It is done on threads of its own, which the system runs when nobody else needs the processor, so that a storm of
//! logins costs traffic next to nothing. They are there only while there is work: a process that is killed is not gone,
//! and its sockets not closed, before each of its threads has had its turn, which for these may take a second. Sources of
//! work take turns: one that hands in much waits for itself alone. Where the work is to wait for others, one source has a
//! part of the threads at most, so that one is free for the next. A piece that panics costs that piece.

use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

/// How many pieces of work may wait.
const WAITING_AT_MOST: usize = 4096;

/// How many pieces of one source may wait: as many as are done before a client gives up waiting, and some.
const WAITING_OF_ONE: usize = 64;

/// How many threads there are, where there are as many cores.
const THREADS_AT_MOST: usize = 8;

/// Where work waits for others, a source has less than this part of the threads that are free, or gets no other.
const PART: usize = 4;

/// What the system is asked to treat threads like that compute: everybody else goes first.
const NICENESS: i32 = 19;

type Work = Box<dyn FnOnce() + Send>;

/// The threads for slow work. What waits for one is given up when the last of these is gone.
#[derive(Clone)]
pub struct SlowWork(Arc<Owner>);

/// Gives up what waits.
struct Owner(Arc<Shared>);

struct Shared {
    waiting: Mutex<Waiting>,
    /// How many threads there may be.
    threads: usize,
}

/// What waits, by where it is from.
#[derive(Default)]
struct Waiting {
    of: HashMap<IpAddr, VecDeque<Work>>,
    /// The sources that have something waiting, whose turn is next first.
    turns: VecDeque<IpAddr>,
    pieces: usize,
    running: Running,
    /// How many threads there are.
    threads: usize,
}

/// What is being done, where one source is not to have all threads.
#[derive(Default)]
struct Running {
    of: HashMap<IpAddr, usize>,
    /// How many threads do nothing; None where nobody asks whose work they do.
    free: Option<usize>,
}

impl Running {
    fn has_thread_for(&self, source: IpAddr) -> bool {
        let has = self.of.get(&source).copied().unwrap_or(0);
        self.free.is_none_or(|free| has * PART < free)
    }

    fn begin(&mut self, source: IpAddr) {
        if let Some(free) = &mut self.free {
            *free = free.saturating_sub(1);
            *self.of.entry(source).or_default() += 1;
        }
    }

    fn end(&mut self, source: IpAddr) {
        if let Some(free) = &mut self.free {
            *free += 1;
            if let Some(has) = self.of.get_mut(&source) {
                *has -= 1;
                if *has == 0 {
                    self.of.remove(&source);
                }
            }
        }
    }
}

impl Waiting {
    fn put(&mut self, source: IpAddr, work: Work) -> bool {
        if self.pieces >= WAITING_AT_MOST {
            return false;
        }
        let of = self.of.entry(source).or_default();
        if of.len() >= WAITING_OF_ONE {
            return false;
        }
        if of.is_empty() {
            self.turns.push_back(source);
        }
        of.push_back(work);
        self.pieces += 1;
        true
    }

    /// The next piece, of the first source in turn that has a thread.
    fn take(&mut self) -> Option<(IpAddr, Work)> {
        let place = self
            .turns
            .iter()
            .position(|source| self.running.has_thread_for(*source))?;
        let source = self.turns.remove(place)?;
        let of = self.of.get_mut(&source)?;
        let work = of.pop_front()?;
        if of.is_empty() {
            self.of.remove(&source);
        } else {
            self.turns.push_back(source);
        }
        self.pieces -= 1;
        self.running.begin(source);
        Some((source, work))
    }

    /// Takes what waits, which is for nobody any more. It is to be dropped when this is not locked.
    fn give_up(&mut self) -> HashMap<IpAddr, VecDeque<Work>> {
        self.turns.clear();
        self.pieces = 0;
        std::mem::take(&mut self.of)
    }
}

impl SlowWork {
    /// On as many threads as there are cores, up to eight.
    pub fn for_this_machine() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::on_threads(cores.min(THREADS_AT_MOST))
    }

    /// On this many threads.
    pub fn on_threads(threads: usize) -> Self {
        Self::sharing(threads, Waiting::default())
    }

    /// The same, for work that waits for others: no source has all of the threads.
    pub fn waiting_on_threads(threads: usize) -> Self {
        let running = Running {
            free: Some(threads),
            ..Running::default()
        };
        Self::sharing(
            threads,
            Waiting {
                running,
                ..Waiting::default()
            },
        )
    }

    fn sharing(threads: usize, waiting: Waiting) -> Self {
        let waiting = Mutex::new(waiting);
        Self(Arc::new(Owner(Arc::new(Shared { waiting, threads }))))
    }

    /// Has it done; false if too much waits already, of all or of this source, or the system has no thread to give.
    pub fn hand_in(&self, source: IpAddr, work: impl FnOnce() + Send + 'static) -> bool {
        let shared = &self.0.0;
        let mut waiting = shared.waiting.lock();
        if !waiting.put(whole(source), Box::new(work)) {
            return false;
        }
        if waiting.threads == shared.threads {
            return true;
        }
        waiting.threads += 1;
        let computes = waiting.running.free.is_none();
        drop(waiting);
        let working = shared.clone();
        let started = thread::Builder::new()
            .name("slow work".to_owned())
            .spawn(move || work_for(&working, computes));
        if started.is_ok() {
            return true;
        }
        let mut waiting = shared.waiting.lock();
        waiting.threads -= 1;
        if waiting.threads > 0 {
            return true;
        }
        let left = waiting.give_up();
        drop(waiting);
        drop(left);
        false
    }
}

/// A peer that has one address of a network of IPv6 has all of them.
pub(crate) fn whole(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// Does what was handed in, until there is nothing more that may be done.
fn work_for(shared: &Shared, computes: bool) {
    if computes {
        // Where the system does not allow it, it competes with the others.
        let _ = rustix::process::setpriority_process(None, NICENESS);
    }
    let mut waiting = shared.waiting.lock();
    while let Some((source, work)) = waiting.take() {
        drop(waiting);
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            log::error!("A piece of slow work panicked");
        }
        waiting = shared.waiting.lock();
        waiting.running.end(source);
    }
    waiting.threads -= 1;
}

impl Drop for Owner {
    fn drop(&mut self) {
        let left = self.0.waiting.lock().give_up();
        drop(left);
    }
}

impl std::fmt::Debug for SlowWork {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SlowWork").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{SlowWork, WAITING_AT_MOST, WAITING_OF_ONE};
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::mpsc::{Sender, channel};

    fn from(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    /// One thread, which is busy until it is told to go on.
    fn busy() -> (SlowWork, Sender<()>) {
        let slow_work = SlowWork::on_threads(1);
        let (began, has_begun) = channel();
        let (go_on, may_go_on) = channel();
        assert!(slow_work.hand_in(from(0), move || {
            began.send(()).unwrap();
            may_go_on.recv().unwrap();
        }));
        has_begun.recv().unwrap();
        (slow_work, go_on)
    }

    #[test]
    fn what_waits_is_bounded() {
        let (slow_work, _go_on) = busy();
        let places = |source| {
            (0..)
                .take_while(|_| slow_work.hand_in(from(source), || {}))
                .count()
        };
        assert_eq!(places(1), WAITING_OF_ONE);
        assert_eq!(places(1), 0);
        let others: usize = (2..1000).map(places).sum();
        assert_eq!(others, WAITING_AT_MOST - WAITING_OF_ONE);
    }

    #[test]
    fn sources_take_turns() {
        let (slow_work, go_on) = busy();
        let (done, is_done) = channel();
        for source in [1, 1, 1, 2, 2, 3] {
            let done = done.clone();
            assert!(slow_work.hand_in(from(source), move || done.send(source).unwrap()));
        }
        go_on.send(()).unwrap();
        let order: Vec<u32> = is_done.iter().take(6).collect();
        assert_eq!(order, [1, 2, 3, 1, 2, 1]);
    }

    #[test]
    fn networks_of_ipv6_are_one_source() {
        let (slow_work, _go_on) = busy();
        let hand_in = |text: &str| slow_work.hand_in(text.parse().unwrap(), || {});
        for number in 0..WAITING_OF_ONE {
            assert!(hand_in(&format!("fd00::{number:x}")));
        }
        assert!(!hand_in("fd00::ffff"));
        assert!(hand_in("fd00:0:0:1::1"));
        assert!(hand_in("::ffff:1.2.3.4"), "that is an address of IPv4");
    }

    /// Those that are told to let everybody else go first would keep a process that is killed from being gone.
    #[test]
    fn threads_are_there_while_there_is_work() {
        let (slow_work, go_on) = busy();
        let threads = || slow_work.0.0.waiting.lock().threads;
        for source in 1..4 {
            assert!(slow_work.hand_in(from(source), || {}));
        }
        assert_eq!(threads(), 1, "there are no more than wished");
        go_on.send(()).unwrap();
        while threads() > 0 {
            std::thread::yield_now();
        }
        let (done, is_done) = channel();
        assert!(slow_work.hand_in(from(1), move || done.send(()).unwrap()));
        is_done.recv().unwrap();
    }

    #[test]
    fn a_panic_costs_one_piece() {
        let slow_work = SlowWork::on_threads(1);
        let (done, is_done) = channel();
        assert!(slow_work.hand_in(from(1), || panic!("on purpose")));
        assert!(slow_work.hand_in(from(1), move || done.send(()).unwrap()));
        is_done.recv().unwrap();
    }

    #[test]
    fn it_ends_with_its_last_owner() {
        let (slow_work, go_on) = busy();
        let (done, is_done) = channel::<()>();
        assert!(slow_work.hand_in(from(1), move || drop(done)));
        drop(slow_work);
        // What waited is given up.
        assert!(is_done.recv().is_err());
        go_on.send(()).unwrap();
    }

    /// What waits for others keeps no thread from those who come, however much of it there is.
    #[test]
    fn one_that_waits_leaves_threads_to_others() {
        let slow_work = SlowWork::waiting_on_threads(16);
        let (began, has_begun) = channel();
        let mut held = Vec::new();
        let mut hand_in = |source: u32| {
            let (go_on, may_go_on) = channel::<()>();
            let began = began.clone();
            assert!(slow_work.hand_in(from(source), move || {
                began.send(source).unwrap();
                // Until the test lets go of it.
                let _ = may_go_on.recv();
            }));
            held.push(go_on);
        };
        for _ in 0..20 {
            hand_in(1);
        }
        for source in 2..8 {
            hand_in(source);
            hand_in(source);
        }
        // Each of the others has one, and the first no more than its part.
        let mut begun = Vec::new();
        while !(2..8).all(|source| begun.contains(&source)) {
            begun.push(has_begun.recv().unwrap());
        }
        assert!(
            begun.iter().filter(|source| **source == 1).count() <= 4,
            "{begun:?}"
        );
        // All of it is done once what others wait for is there.
        held.clear();
        let rest = 20 + 12 - begun.len();
        assert_eq!(has_begun.iter().take(rest).count(), rest);
    }
}

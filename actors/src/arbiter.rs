//! What the connections of one thread share, so that an idle one owns next to nothing.

mod counters;
mod delivery;
mod hand_over_times;
mod housekeeping;
mod quiescence;
mod resolving;
mod spare_buffers;
mod spread;
mod staging;
mod tail;
mod timers;
mod vigil;
mod with_care;

pub(crate) use counters::ArbiterCounters;
pub use counters::{HeldRoutes, Traffic, Workload};
pub(crate) use delivery::Delivery;
pub use hand_over_times::HandOverTimes;
pub(crate) use housekeeping::keep_house;
pub(crate) use quiescence::{Quiescence, Running, RunningTurn};
pub(crate) use resolving::{Resolving, Unfinished};
pub(crate) use spare_buffers::SpareBuffers;
pub(crate) use timers::{Timer, Timers};
pub(crate) use vigil::{Vigil, watch};

use crate::outbox::Slots;
use hand_over_times::Sampling;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;
use tokio::sync::Notify;

/// One read takes at most this much.
pub(crate) const READ_SIZE: usize = 64 * 1024;

/// Incomplete frames up to this size are carried over to the next read; larger ones get a buffer of their own.
pub(crate) const CARRIED_OVER: usize = 16 * 1024;

/// What all arbiters of a server share.
#[derive(Debug)]
pub struct Arbiters {
    pub(crate) counters: Box<[ArbiterCounters]>,
    pub(crate) quiescence: Quiescence,
    pub(crate) slots: Slots,
    next_connection_id: AtomicU64,
    open_connections: AtomicUsize,
}

impl Arbiters {
    /// For a server of this many arbiters.
    pub fn new(count: usize) -> Self {
        Self {
            counters: (0..count).map(|_| ArbiterCounters::default()).collect(),
            quiescence: Quiescence::new(count),
            slots: Slots::default(),
            next_connection_id: AtomicU64::new(1),
            open_connections: AtomicUsize::new(0),
        }
    }

    /// Everything that passed through the server.
    pub fn traffic(&self) -> Traffic {
        let mut traffic = Traffic::default();
        for counters in &self.counters {
            counters.sum_into(&mut traffic);
        }
        traffic
    }

    /// How long messages took from being read to being handed over.
    pub fn hand_over_times(&self) -> HandOverTimes {
        let mut times = HandOverTimes::default();
        for counters in &self.counters {
            counters.hand_over_times_into(&mut times);
        }
        times
    }

    /// What each arbiter has to do, in the order of their numbers.
    pub fn workloads(&self) -> Vec<Workload> {
        self.counters.iter().map(ArbiterCounters::workload).collect()
    }

    /// The routes that publishers held a second ago.
    pub fn held_routes(&self) -> HeldRoutes {
        let mut held = HeldRoutes::default();
        for counters in &self.counters {
            counters.add_held_to(&mut held);
        }
        held
    }

    pub(crate) fn next_connection_id(&self) -> u64 {
        self.next_connection_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a connection in, if there is room for one more.
    pub(crate) fn admit(&self, limit: usize) -> bool {
        let before = self.open_connections.fetch_add(1, Ordering::Relaxed);
        if before < limit {
            return true;
        }
        self.open_connections.fetch_sub(1, Ordering::Relaxed);
        false
    }

    pub(crate) fn dismiss(&self) {
        self.open_connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The state of one arbiter. Nothing of it outlives a turn but caches, counters and timers.
#[derive(Debug)]
pub struct Arbiter {
    pub(crate) number: usize,
    pub(crate) shared: Arc<Arbiters>,
    pub(crate) delivery: Delivery,
    pub(crate) timers: Timers,
    pub(crate) vigil: Vigil,
    /// Which turns are measured.
    pub(crate) sampling: Sampling,
    pub(crate) timers_changed: Rc<Notify>,
    /// What one read brings, behind what was carried over.
    pub(crate) input: Box<[u8]>,
    /// What one read of a TLS connection brings from its socket; empty until there is one.
    pub(crate) ciphertext: Box<[u8]>,
    /// How much of an unfinished frame there is room for in front of what is read.
    pub(crate) carried_at_most: usize,
    pub(crate) spare_buffers: SpareBuffers,
}

/// The state of an arbiter, as its connections hold it. Only one is polled at a time, so a borrow never fails.
pub type LocalArbiter = Rc<RefCell<Arbiter>>;

impl Arbiter {
    /// The state of this arbiter; call it on the arbiter's own thread.
    ///
    /// `longest_line` is the most, in bytes, that a session leaves of a frame whose length it does not know yet.
    pub fn new(number: usize, shared: Arc<Arbiters>, seed: u64, longest_line: usize) -> Self {
        Self {
            number,
            shared,
            delivery: Delivery::new(seed),
            timers: Timers::new(Instant::now()),
            vigil: Vigil::new(Instant::now()),
            sampling: Sampling::default(),
            timers_changed: Rc::new(Notify::new()),
            input: vec![0; longest_line.max(CARRIED_OVER) + READ_SIZE].into_boxed_slice(),
            ciphertext: Box::default(),
            carried_at_most: longest_line.max(CARRIED_OVER),
            spare_buffers: SpareBuffers::default(),
        }
    }

    /// Sees to it that so much of an unfinished frame has room. It never gets less: an unfinished line may be there.
    pub(crate) fn make_room(&mut self, longest_line: usize) {
        if longest_line > self.carried_at_most {
            self.carried_at_most = longest_line;
            self.input = vec![0; longest_line + READ_SIZE].into_boxed_slice();
        }
    }
}

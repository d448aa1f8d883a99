//! What the connections of one thread share, so that an idle one owns next to nothing.

mod building;
mod counters;
mod delivery;
mod hand_over_times;
mod kept;
mod peers;
mod posted;
mod quiescence;
mod repeats;
mod resolving;
mod served;
mod spare_buffers;
mod spin_window;
mod spread;
mod staging;
mod tail;
mod timers;
mod tracing;
mod with_care;

pub use counters::{ArbiterCounters, HeldFanouts, Traffic, Workload};
pub use delivery::{BusySubject, Delivery};
pub use hand_over_times::HandOverTimes;
pub use quiescence::{Quiescence, Running, RunningTurn};
pub use repeats::Repeats;
pub use resolving::{Resolving, Unfinished};
pub use spare_buffers::SpareBuffers;
pub use spin_window::{SpinWindow, keep_awake};
pub use spread::Spread;
pub use staging::{Pause, Staging};
pub use timers::{Timer, Timers};
pub use tracing::{DescribesServer, EventTrace, OwnMessage, Trace, TraceTerms, Tracing};

use crate::account::Ended;
use crate::moment::Moment;
use crate::outbox::{ConnectionSubscription, Outbox, Slots};
use crate::wire::{READ_SIZE, Scratch};
use building::Builder;
use hand_over_times::Sampling;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;
use tokio::sync::Notify;
use vagus_routing::{AccountId, Version};

/// From here on parts of this server are numbered. No server has had so many connections, and every program reads it as a
/// whole number.
const OWNERS_FROM: u64 = 1 << 52;

/// Incomplete frames up to this size, in bytes, are carried over to the next read; larger ones get a buffer of their own.
pub const CARRIED_OVER: usize = 16 * 1024;

/// No arbiter carries what is no connection.
pub(crate) const NO_ARBITER: usize = usize::MAX;

/// What all arbiters of a server share.
#[derive(Debug)]
pub struct Arbiters {
    /// Counters of each arbiter, in the order of their numbers.
    pub counters: Box<[ArbiterCounters]>,
    /// Which turns are running.
    pub quiescence: Quiescence,
    /// Where the slots of outboxes come from.
    pub slots: Slots,
    next_connection_id: AtomicU64,
    next_list: AtomicU32,
    next_owner_id: AtomicU64,
    open_connections: AtomicUsize,
    builder: Builder,
    /// How many of them, the first, carry connections.
    of_connections: usize,
}

impl Arbiters {
    /// For a server of this many arbiters, which all carry connections.
    pub fn new(count: usize) -> Self {
        Self::with_others(count, 0)
    }

    /// For a server of this many arbiters that carry connections, and of others behind them that carry none.
    pub fn with_others(of_connections: usize, others: usize) -> Self {
        let count = of_connections + others;
        Self {
            counters: (0..count).map(|_| ArbiterCounters::default()).collect(),
            of_connections,
            quiescence: Quiescence::new(count),
            slots: Slots::default(),
            next_connection_id: AtomicU64::new(1),
            next_list: AtomicU32::new(1),
            next_owner_id: AtomicU64::new(OWNERS_FROM),
            open_connections: AtomicUsize::new(0),
            builder: Builder::default(),
        }
    }

    /// Counters of those arbiters that carry connections, in the order of their numbers.
    pub fn of_connections(&self) -> &[ArbiterCounters] {
        self.counters.get(..self.of_connections).unwrap_or_default()
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

    /// The fan-outs that publishers held a second ago.
    pub fn held_fanouts(&self) -> HeldFanouts {
        let mut held = HeldFanouts::default();
        for counters in &self.counters {
            counters.add_held_to(&mut held);
        }
        held
    }

    /// A number that no connection of this server has had.
    pub fn next_connection_id(&self) -> u64 {
        self.next_connection_id.fetch_add(1, Ordering::Relaxed)
    }

    /// A number that no list of awaited answers of this server has had.
    pub fn next_list(&self) -> u32 {
        self.next_list.fetch_add(1, Ordering::Relaxed)
    }

    /// A subscription that takes what is published on a subject into another account: by the number of its connection the
    /// [account](crate::Account::add_crossing) knows where.
    pub fn way_into_another_account(&self, subject: &[u8]) -> Arc<ConnectionSubscription> {
        let id = self.next_owner_id();
        let outbox = Outbox::new(self.slots.take(), id, NO_ARBITER, 0, None).for_account();
        Arc::new(ConnectionSubscription::new(subject, None, b"0", Arc::new(outbox)))
    }

    /// A number that no connection of this server has had, for a part of it that owns subscriptions: numbers of
    /// connections count connections.
    pub fn next_owner_id(&self) -> u64 {
        self.next_owner_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a connection in, if there is room for one more.
    pub fn admit(&self, limit: usize) -> bool {
        let before = self.open_connections.fetch_add(1, Ordering::Relaxed);
        if before < limit {
            return true;
        }
        self.open_connections.fetch_sub(1, Ordering::Relaxed);
        false
    }

    /// Counts a connection out that was admitted.
    pub fn dismiss(&self) {
        self.open_connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What an arbiter holds, which is a thread with an event loop. Nothing of it outlives a turn but caches, counters and
/// timers.
#[derive(Debug)]
pub struct ArbiterState {
    /// Its place among those of the server.
    pub number: usize,
    /// What it has in common with the others.
    pub shared: Arc<Arbiters>,
    /// What its connections need to deliver.
    pub delivery: Delivery,
    /// The deadlines of its connections.
    pub timers: Timers,
    /// Whether it stays awake.
    pub spin_window: SpinWindow,
    /// Which turns are measured.
    pub(crate) sampling: Sampling,
    /// A deadline has been set that comes before all others.
    pub timers_changed: Rc<Notify>,
    /// What one read brings, behind what was carried over.
    pub input: Box<[u8]>,
    /// What the layers of wires need while they read and write.
    pub scratch: Scratch,
    /// How much of an unfinished frame, in bytes, there is room for in front of what is read.
    pub carried_at_most: usize,
    /// Buffers of large frames, kept for the next.
    pub spare_buffers: SpareBuffers,
    /// What large frames have brought, in bytes, since those were last let in whom the system has news for.
    large_frames: usize,
}

/// The state of an arbiter, as its connections hold it. Only one is polled at a time, so a borrow never fails.
pub type LocalArbiter = Rc<RefCell<ArbiterState>>;

/// After so much of large frames, in bytes, those whom the system has news for come before the next read.
const LARGE_FRAMES_AT_ONCE: usize = 256 * 1024;

impl ArbiterState {
    /// A large frame has come, with a read of so many bytes; true if those whom the system has news for come before the
    /// next. One of them is little work, and to ask the system after each takes a good part of that.
    pub fn lets_others_in(&mut self, length: usize) -> bool {
        self.large_frames += length;
        let lets_in = self.large_frames >= LARGE_FRAMES_AT_ONCE;
        if lets_in {
            self.large_frames = 0;
        }
        lets_in
    }

    /// The state of this arbiter; call it on the arbiter's own thread.
    ///
    /// `longest_line` is the most, in bytes, that a session leaves of a frame whose length it does not know yet.
    pub fn new(number: usize, shared: Arc<Arbiters>, seed: u64, longest_line: usize) -> Self {
        Self {
            number,
            shared,
            delivery: Delivery::new(seed),
            timers: Timers::new(Instant::now()),
            spin_window: SpinWindow::new(Instant::now()),
            sampling: Sampling::default(),
            timers_changed: Rc::new(Notify::new()),
            input: vec![0; longest_line.max(CARRIED_OVER) + READ_SIZE].into_boxed_slice(),
            scratch: Scratch::default(),
            carried_at_most: longest_line.max(CARRIED_OVER),
            spare_buffers: SpareBuffers::default(),
            large_frames: 0,
        }
    }

    /// Leaves to another thread what of a turn takes too long for this one; true if the publisher has to wait for that,
    /// and is woken.
    pub fn leave_to_others(&mut self, unfinished: &mut Unfinished, publisher: &Arc<Outbox>) -> bool {
        unfinished.resolving().is_some_and(|resolving| {
            let under_way = &mut self.delivery.under_way;
            resolving.build_elsewhere(under_way, &self.shared.builder, publisher)
        })
    }

    /// Tells those who export services what became of requests that were not just answered, in a turn of its own.
    pub fn tell_of_ended(&mut self, ended: &Ended, now: Instant) {
        let running = RunningTurn::begin(&self.shared, self.number);
        self.delivery.staging.begin_turn(Moment::of(now));
        self.delivery.tell_of_ended(ended);
        self.delivery.finish();
        // Nobody publishes that could pause.
        hand_over(self, running, now);
    }

    /// Sees to it that so much of an unfinished frame, in bytes, has room. It never gets less: an unfinished line may be there.
    pub fn make_room(&mut self, longest_line: usize) {
        if longest_line > self.carried_at_most {
            self.carried_at_most = longest_line;
            self.input = vec![0; longest_line + READ_SIZE].into_boxed_slice();
        }
    }

    /// Between turns, now and then: drops so many of the fan-outs that are kept, if they are out of date. What these
    /// deliver to stays in memory until then. `current` gives the version of a subject in an account, and None for an account that
    /// is gone.
    pub fn sweep_fanouts(&mut self, at_most: usize, current: impl Fn(AccountId, &[u8]) -> Option<Version>) {
        self.delivery.fanouts.sweep(at_most, current);
        let kept = self.delivery.fanouts.stats();
        self.shared.counters[self.number].set_held(HeldFanouts {
            fanouts: kept.entries as u64,
            deliveries: kept.deliveries as u64,
            widest: kept.widest as u64,
        });
    }
}

/// Ends the turn that began then: everything that was published is with its destinations, and counted. Gives how long
/// the publisher should pause.
pub fn hand_over(arbiter: &mut ArbiterState, running: RunningTurn, began: Instant) -> Option<Pause> {
    let number = arbiter.number;
    arbiter.delivery.close_run();
    arbiter.delivery.forget_publisher();
    arbiter.delivery.staging.hand_over();
    let traffic = arbiter.delivery.take_traffic();
    let counters = &arbiter.shared.counters[number];
    counters.add(&traffic);
    if traffic.messages_in > 0 && arbiter.sampling.is_next() {
        counters.observe_hand_over(began.elapsed());
    }
    running.end();
    // Only now, as writing may take long and holds no fan-out.
    arbiter.delivery.staging.flush(number);
    arbiter.delivery.staging.take_pause()
}

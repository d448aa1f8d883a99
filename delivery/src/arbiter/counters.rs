//! Counters of one arbiter: written by its thread alone, read by observers.

use super::hand_over_times::{HandOverTimes, Histogram};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What passed through one arbiter since the start.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct ArbiterCounters {
    messages_in: AtomicU64,
    payload_in: AtomicU64,
    messages_out: AtomicU64,
    payload_out: AtomicU64,
    fanouts_cached: AtomicU64,
    fanouts_resolved: AtomicU64,
    stalls: AtomicU64,
    /// As of the last interval.
    held: HeldCounters,
    /// Thousandths of the last interval that this arbiter's thread was busy.
    load: AtomicU64,
    /// Connections that are placed here now.
    connections: AtomicU64,
    /// Those of them whose handshake is to come or under way.
    handshakes: AtomicU64,
    hand_over_times: Histogram,
}

/// What one arbiter has to do.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Workload {
    /// Connections that are placed there, be they open or about to be.
    pub connections: u64,
    /// The part of the last second, 0 to 1, that its thread was busy.
    pub load: f64,
}

#[derive(Debug, Default)]
struct HeldCounters {
    fanouts: AtomicU64,
    deliveries: AtomicU64,
    widest: AtomicU64,
}

/// The fan-outs that publishers hold, so that they need not resolve them again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct HeldFanouts {
    /// How many there are.
    pub fanouts: u64,
    /// How many copies of a message they deliver, all together.
    pub deliveries: u64,
    /// How many the widest of them delivers.
    pub widest: u64,
}

/// Sums of [`ArbiterCounters`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Traffic {
    /// Messages published by connections.
    pub messages_in: u64,
    /// Their headers and payloads, in bytes.
    pub payload_in: u64,
    /// Messages delivered to connections.
    pub messages_out: u64,
    /// Their headers and payloads, in bytes.
    pub payload_out: u64,
    /// Runs of a subject whose fan-out was held already.
    pub fanouts_cached: u64,
    /// Runs of a subject that had to be resolved in the index.
    pub fanouts_resolved: u64,
    /// How often a publisher paused because too much waited for those it published to.
    pub stalls: u64,
}

impl ArbiterCounters {
    /// Adds the counts of a turn. Only the arbiter's own thread calls it, so a load and a store are enough.
    pub(crate) fn add(&self, traffic: &Traffic) {
        let add = |counter: &AtomicU64, more: u64| {
            counter.store(
                counter.load(Ordering::Relaxed).wrapping_add(more),
                Ordering::Relaxed,
            );
        };
        add(&self.messages_in, traffic.messages_in);
        add(&self.payload_in, traffic.payload_in);
        add(&self.messages_out, traffic.messages_out);
        add(&self.payload_out, traffic.payload_out);
        add(&self.fanouts_cached, traffic.fanouts_cached);
        add(&self.fanouts_resolved, traffic.fanouts_resolved);
    }

    /// A publisher pauses. For the arbiter's own thread, like [`ArbiterCounters::add`].
    pub fn count_stall(&self) {
        let stalls = self.stalls.load(Ordering::Relaxed).wrapping_add(1);
        self.stalls.store(stalls, Ordering::Relaxed);
    }

    /// Counts how long a turn took from its read to the hand-over. For the arbiter's own thread, like
    /// [`ArbiterCounters::add`].
    pub(crate) fn observe_hand_over(&self, took: Duration) {
        self.hand_over_times.observe(took);
    }

    pub(super) fn hand_over_times_into(&self, times: &mut HandOverTimes) {
        self.hand_over_times.sum_into(times);
    }

    pub(super) fn workload(&self) -> Workload {
        Workload {
            connections: self.connections(),
            load: self.load() as f64 / 1000.0,
        }
    }

    pub(crate) fn set_held(&self, held: HeldFanouts) {
        self.held.fanouts.store(held.fanouts, Ordering::Relaxed);
        self.held.deliveries.store(held.deliveries, Ordering::Relaxed);
        self.held.widest.store(held.widest, Ordering::Relaxed);
    }

    /// Adds the fan-outs held here to those held elsewhere.
    pub(crate) fn add_held_to(&self, held: &mut HeldFanouts) {
        held.fanouts += self.held.fanouts.load(Ordering::Relaxed);
        held.deliveries += self.held.deliveries.load(Ordering::Relaxed);
        held.widest = held.widest.max(self.held.widest.load(Ordering::Relaxed));
    }

    /// The thread was busy for so many thousandths of the last interval.
    pub fn set_load(&self, thousandths: u64) {
        self.load.store(thousandths, Ordering::Relaxed);
    }

    /// Thousandths of the last interval that the thread was busy.
    pub fn load(&self) -> u64 {
        self.load.load(Ordering::Relaxed)
    }

    /// A connection is placed here.
    pub fn connection_placed(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection that was placed here is gone.
    pub fn connection_gone(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Connections that are placed here.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// A connection that is placed here begins with a handshake.
    pub fn handshake_placed(&self) {
        self.handshakes.fetch_add(1, Ordering::Relaxed);
    }

    /// A handshake is over, however it ended.
    pub fn handshake_over(&self) {
        self.handshakes.fetch_sub(1, Ordering::Relaxed);
    }

    /// Connections placed here whose handshake is to come or under way.
    pub fn handshakes(&self) -> u64 {
        self.handshakes.load(Ordering::Relaxed)
    }

    /// Adds these counters to a sum.
    pub(crate) fn sum_into(&self, traffic: &mut Traffic) {
        traffic.messages_in += self.messages_in.load(Ordering::Relaxed);
        traffic.payload_in += self.payload_in.load(Ordering::Relaxed);
        traffic.messages_out += self.messages_out.load(Ordering::Relaxed);
        traffic.payload_out += self.payload_out.load(Ordering::Relaxed);
        traffic.fanouts_cached += self.fanouts_cached.load(Ordering::Relaxed);
        traffic.fanouts_resolved += self.fanouts_resolved.load(Ordering::Relaxed);
        traffic.stalls += self.stalls.load(Ordering::Relaxed);
    }
}

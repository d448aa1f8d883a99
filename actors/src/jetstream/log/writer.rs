//! What the thread of the Log does.

use super::{Counters, Follower, LogAddress, NewEntry, Order};
use crate::jetstream::workers::Workers;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use vagus_store::CheckpointTurns;
use vagus_store::wal::{Entry, GroupId, Lsn, Recovered, Step, Wal, WalError, WalFiles};

/// After so long without anything to write the log says of itself what is durable.
const SETTLES_AFTER: Duration = Duration::from_millis(500);

/// What nobody waits for is durable after so long.
const SYNCS_AFTER: Duration = Duration::from_secs(1);

/// The term in which entries are proposed where one server alone has the log.
const TERM: u64 = 1;

pub(super) struct Writer {
    wal: Wal,
    files: WalFiles,
    address: LogAddress,
    workers: Workers,
    followers: HashMap<GroupId, Box<dyn Follower>>,
    /// What could not be taken yet, in its order.
    waiting: VecDeque<NewEntry>,
    /// Who waits until the log is durable up to there.
    undurable: VecDeque<(Lsn, Waiter)>,
    /// Whose turn it is to be checkpointed.
    turns: CheckpointTurns,
    /// How far groups have become durable, while they are told.
    durable: HashMap<GroupId, u64>,
    /// When what nobody waits for was last made durable.
    synced: Instant,
}

enum Waiter {
    /// An entry, and whether it has to be durable.
    Entry(GroupId, u64, bool),
    Forgotten(oneshot::Sender<bool>),
}

impl Writer {
    pub(super) fn new(recovered: Recovered, address: LogAddress, workers: Workers) -> Self {
        Self {
            wal: recovered.wal,
            files: recovered.files,
            address,
            workers,
            followers: HashMap::new(),
            waiting: VecDeque::new(),
            undurable: VecDeque::new(),
            turns: CheckpointTurns::default(),
            durable: HashMap::new(),
            synced: Instant::now(),
        }
    }

    fn counters(&self) -> &Counters {
        &self.address.0.counters
    }

    pub(super) fn run(mut self) {
        let mut is_settled = true;
        loop {
            let patience = (!is_settled).then_some(SETTLES_AFTER);
            let Some(orders) = self.address.take(patience) else {
                break;
            };
            is_settled = orders.is_empty();
            if is_settled || self.synced.elapsed() >= SYNCS_AFTER {
                self.wal.sync();
                self.synced = Instant::now();
            }
            if is_settled {
                self.carry_out();
                // What cannot be said now is said by what is written next.
                let _ = self.wal.settle();
            }
            self.take(orders);
            self.carry_out();
            self.make_room();
        }
        self.wal.sync();
        self.carry_out();
        let _ = self.wal.settle();
        self.carry_out();
    }

    /// Takes orders. Entries for which there is no room wait for it, and those behind them.
    fn take(&mut self, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Append(entry) => self.waiting.push_back(entry),
                Order::Follow(group, follower) => {
                    self.followers.insert(group, follower);
                }
                Order::Release(group, index) => {
                    // If the log has no room to say so, it says so later.
                    let _ = self.wal.release(group, index);
                    self.turns.ended(group);
                }
                Order::Forget(group, told) => self.forget(group, told),
                Order::Prepared(preparation, is_made) => self.wal.prepared(preparation, is_made),
            }
        }
        while let Some(entry) = self.waiting.pop_front() {
            if let Some(entry) = self.append(entry) {
                self.waiting.push_front(entry);
                return;
            }
        }
    }

    fn forget(&mut self, group: GroupId, told: oneshot::Sender<bool>) {
        self.followers.remove(&group);
        self.turns.ended(group);
        self.waiting.retain(|entry| entry.group != group);
        match self.wal.forget(group) {
            Ok(end) => self.undurable.push_back((end, Waiter::Forgotten(told))),
            // Who waits may have gone.
            Err(_) => drop(told.send(false)),
        }
    }

    /// Gives an entry back for which there is no room.
    fn append(&mut self, entry: NewEntry) -> Option<NewEntry> {
        if !self.followers.contains_key(&entry.group) {
            // Its stream is gone.
            return None;
        }
        let written = Entry {
            group: entry.group,
            incarnation: entry.group.0,
            term: TERM,
            index: entry.index,
            timestamp: entry.timestamp,
            kind: 0,
            body: &entry.body,
        };
        let appended = match entry.is_awaited {
            true => self.wal.append(&written, entry.importance),
            false => self.wal.append_unsynced(&written, entry.importance),
        };
        match appended {
            Ok(end) => {
                let counters = self.counters();
                counters.entries.fetch_add(1, Ordering::Relaxed);
                counters
                    .bytes
                    .fetch_add(entry.body.len() as u64, Ordering::Relaxed);
                self.undurable
                    .push_back((end, Waiter::Entry(entry.group, entry.index, entry.is_awaited)));
                None
            }
            Err(WalError::Busy | WalError::Full) => Some(entry),
            Err(error) => {
                self.fail(&Arc::new(error));
                None
            }
        }
    }

    /// Writes and syncs all there is, and tells who waits.
    fn carry_out(&mut self) {
        while let Some(step) = self.wal.step() {
            let syncs = matches!(step, Step::Sync { .. });
            let began = Instant::now();
            if let Err(error) = self.files.carry_out(&step) {
                self.wal.failed();
                self.fail(&Arc::new(error.into()));
                return;
            }
            let durable = self.wal.done();
            if syncs {
                let took = began.elapsed().as_micros() as u64;
                let counters = self.counters();
                counters.syncs.fetch_add(1, Ordering::Relaxed);
                counters.sync_times.add(took);
            }
            let told = self.tell_durable(durable, self.wal.written());
            if syncs && told > 0 {
                self.counters().batches.add(told);
            }
            // What comes meanwhile goes with the next write.
            let orders = self.address.take_waiting();
            self.take(orders);
        }
        let (files, at_most) = self.wal.files_in_use();
        let counters = self.counters();
        counters.files.store(files as u64, Ordering::Relaxed);
        counters.files_at_most.store(at_most as u64, Ordering::Relaxed);
    }

    /// Tells who waits, in the order of the log. Of how many entries.
    fn tell_durable(&mut self, durable: Lsn, written: Lsn) -> u64 {
        let mut told = 0;
        let is_done = |(end, waiter): &mut (Lsn, Waiter)| match waiter {
            Waiter::Entry(_, _, false) => *end <= written,
            Waiter::Entry(_, _, true) | Waiter::Forgotten(_) => *end <= durable,
        };
        while let Some((_, waiter)) = self.undurable.pop_front_if(is_done) {
            match waiter {
                Waiter::Entry(group, index, _) => {
                    told += 1;
                    self.durable.insert(group, index);
                }
                // Who waits may have gone.
                Waiter::Forgotten(told) => drop(told.send(true)),
            }
        }
        for (group, index) in self.durable.drain() {
            if let Some(follower) = self.followers.get(&group) {
                follower.durable(index);
            }
        }
        told
    }

    /// Has files made, or freed, before they are needed.
    fn make_room(&mut self) {
        if let Some(preparation) = self.wal.preparation() {
            let (maker, address) = (self.files.maker(), self.address.clone());
            self.workers.write(move || {
                let made = maker.make(preparation);
                address.tell(Order::Prepared(preparation, made.is_ok()));
            });
        }
        while let Some(group) = self.turns.next(&self.wal) {
            match self.followers.get(&group) {
                Some(follower) => follower.checkpoint(),
                None => self.turns.ended(group),
            }
        }
    }

    /// Nothing is durable that was not: everybody is told, now and from now on.
    fn fail(&mut self, error: &Arc<WalError>) {
        if !self.counters().has_failed.swap(true, Ordering::Relaxed) {
            log::error!("JetStream: the log of streams has failed: {error}");
        }
        self.undurable.clear();
        for follower in self.followers.values() {
            follower.failed(error);
        }
    }
}

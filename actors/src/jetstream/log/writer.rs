//! What the thread of the Log does.

use super::healing::Failure;
use super::{Counters, Follower, LogAddress, NewEntry, Order, Room};
use crate::jetstream::workers::Workers;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use vagus_store::wal::{Entry, Excerpt, GroupId, Importance, Lsn, Recovered, Step, Wal, WalError, WalFiles};
use vagus_store::{CheckpointTurns, is_full};

/// After so long without anything to write the log says of itself what is durable.
const SETTLES_AFTER: Duration = Duration::from_millis(500);

/// What nobody waits for is durable after so long.
const SYNCS_AFTER: Duration = Duration::from_secs(1);

/// The term in which entries are proposed where one server alone has the log.
const TERM: u64 = 1;

pub(super) struct Writer {
    pub(super) wal: Wal,
    pub(super) files: WalFiles,
    address: LogAddress,
    pub(super) workers: Workers,
    pub(super) followers: HashMap<GroupId, Box<dyn Follower>>,
    /// What could not be taken yet, in its order.
    pub(super) waiting: VecDeque<NewEntry>,
    /// Who waits until the log is durable up to there.
    pub(super) undurable: VecDeque<(Lsn, Waiter)>,
    /// Whose turn it is to be checkpointed.
    pub(super) turns: CheckpointTurns,
    /// Why it cannot be written at the moment.
    pub(super) failure: Option<Failure>,
    pub(super) room: Room,
    /// How far groups have become durable, while they are told.
    durable: HashMap<GroupId, u64>,
    /// When what nobody waits for was last made durable.
    synced: Instant,
}

pub(super) enum Waiter {
    /// An entry, and whether it has to be durable.
    Entry(GroupId, u64, bool),
    Forgotten(GroupId, oneshot::Sender<bool>),
    Excerpt(GroupId, oneshot::Sender<Excerpt>),
}

impl Writer {
    pub(super) fn new(recovered: Recovered, address: LogAddress, workers: Workers, room: Room) -> Self {
        Self {
            wal: recovered.wal,
            files: recovered.files,
            address,
            workers,
            followers: HashMap::new(),
            waiting: VecDeque::new(),
            undurable: VecDeque::new(),
            turns: CheckpointTurns::default(),
            failure: None,
            room,
            durable: HashMap::new(),
            synced: Instant::now(),
        }
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.address.0.counters
    }

    pub(super) fn run(mut self) {
        let mut is_settled = true;
        loop {
            let Some(orders) = self.address.take(self.patience(is_settled)) else {
                break;
            };
            if self.failure.is_some() {
                self.take(orders);
                self.heal();
                continue;
            }
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
            self.look_for_room();
        }
        self.wal.sync();
        self.carry_out();
        let _ = self.wal.settle();
        self.carry_out();
    }

    /// How long nothing may come until it has something to do by itself; None: for ever.
    fn patience(&self, is_settled: bool) -> Option<Duration> {
        let of_failure = self.failure.as_ref().map(Failure::wait);
        let of_settling = (!is_settled).then_some(SETTLES_AFTER);
        of_failure
            .or(of_settling)
            .or_else(|| self.room.is_short().then_some(Room::LOOKS_AFTER))
    }

    /// Takes orders. Entries for which there is no room wait for it, and those behind them.
    fn take(&mut self, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Append(entry) => self.waiting.push_back(entry),
                Order::Follow(group, follower) => self.follow(group, follower),
                Order::Release(group, index) => {
                    // If the log has no room to say so, it says so later.
                    let _ = self.wal.release(group, index);
                    self.turns.ended(group);
                }
                Order::Forget(group, told) => self.forget(group, told),
                Order::Excerpt(group, told) => self.extract(group, told),
                Order::Prepared(preparation, is_made) => self.wal.prepared(preparation, is_made),
                Order::Full => drop(self.free_reserve()),
            }
        }
        while let Some(entry) = self.waiting.pop_front() {
            if let Some(entry) = self.append(entry) {
                self.waiting.push_front(entry);
                return;
            }
        }
    }

    fn follow(&mut self, group: GroupId, follower: Box<dyn Follower>) {
        if let Some(failure) = &self.failure {
            follower.failed(&failure.error);
        }
        if !self.room.has_room(group) {
            follower.has_room(false);
        }
        self.followers.insert(group, follower);
    }

    fn leave(&mut self, group: GroupId) {
        self.followers.remove(&group);
        self.turns.forget(group);
        self.waiting.retain(|entry| entry.group != group);
    }

    fn forget(&mut self, group: GroupId, told: oneshot::Sender<bool>) {
        self.leave(group);
        self.room.forget(group);
        match (self.wal.forget(group), &mut self.failure) {
            (Ok(end), _) => self.undurable.push_back((end, Waiter::Forgotten(group, told))),
            (Err(_), failure) => {
                failure
                    .iter_mut()
                    .for_each(|failure| failure.forgotten.push(group));
                // Who waits may have gone.
                let _ = told.send(false);
            }
        }
    }

    fn extract(&mut self, group: GroupId, told: oneshot::Sender<Excerpt>) {
        self.leave(group);
        if self.failure.is_none() {
            self.wal.sync();
            self.undurable
                .push_back((self.wal.end(), Waiter::Excerpt(group, told)));
        }
    }

    /// Gives an entry back for which there is no room.
    fn append(&mut self, entry: NewEntry) -> Option<NewEntry> {
        // Without a follower: its stream is gone.
        let follower = self.followers.get(&entry.group)?;
        if let Some(failure) = &self.failure {
            follower.failed(&failure.error);
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
                self.turns.appended(entry.group, entry.body.len() as u64);
                if entry.importance == Importance::Message {
                    self.room.took(entry.group, entry.body.len() as u64);
                }
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
                self.fail(error);
                None
            }
        }
    }

    /// Writes and syncs all there is, and tells who waits.
    fn carry_out(&mut self) {
        // What is durable already has nothing to be done for it.
        self.tell_durable();
        while let Some(step) = self.wal.step() {
            let syncs = matches!(step, Step::Sync { .. });
            let is_making = matches!(step, Step::Prepare { .. });
            let began = Instant::now();
            if let Err(error) = self.files.carry_out(&step) {
                if is_making && is_full(&error) && self.free_reserve() {
                    continue;
                }
                self.wal.failed();
                self.fail(error.into());
                return;
            }
            self.wal.done();
            if syncs {
                let took = began.elapsed().as_micros() as u64;
                let counters = self.counters();
                counters.syncs.fetch_add(1, Ordering::Relaxed);
                counters.sync_times.add(took);
            }
            let told = self.tell_durable();
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
    fn tell_durable(&mut self) -> u64 {
        let (durable, written) = (self.wal.durable(), self.wal.written());
        let mut told = 0;
        let is_done = |(end, waiter): &mut (Lsn, Waiter)| match waiter {
            Waiter::Entry(_, _, false) => *end <= written,
            Waiter::Entry(_, _, true) | Waiter::Forgotten(..) | Waiter::Excerpt(..) => *end <= durable,
        };
        while let Some((_, waiter)) = self.undurable.pop_front_if(is_done) {
            match waiter {
                Waiter::Entry(group, index, _) => {
                    told += 1;
                    self.durable.insert(group, index);
                }
                // Who waits may have gone.
                Waiter::Forgotten(_, told) => drop(told.send(true)),
                Waiter::Excerpt(group, told) => drop(told.send(self.wal.excerpt(&self.files, group))),
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
        if !self.room.is_short()
            && let Some(preparation) = self.wal.preparation()
        {
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
}

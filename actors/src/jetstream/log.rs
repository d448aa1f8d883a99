//! The Log: the one writer of the log that all streams of a server share.
//!
//! It is an actor on a thread of its own, which waits for the disk and for nobody else. All that streams have handed in
//! while it wrote is the next write, which one sync makes durable: there is no timer. Its mailbox is bounded by what
//! streams may have in flight.
//!
//! After a write or a sync has failed it opens its files again, until it can write: what was durable is there, everybody
//! who waited was told that the rest is not. While room on the disk ends it tells which streams may take in no more.

mod healing;
mod measured;
mod room;
mod writer;

pub use measured::Distribution;

pub(super) use room::Room;

use measured::{BATCHES, Measured, SYNC_TIMES};
use parking_lot::{Condvar, Mutex};
use serde::Serialize;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;
use vagus_store::wal::{Excerpt, GroupId, Importance, Recovered, WalError};
use writer::Writer;

/// Where the Log is reached.
#[derive(Debug, Clone)]
pub(super) struct LogAddress(Arc<Inbox>);

/// The thread of the Log.
#[derive(Debug)]
pub(super) struct LogThread(JoinHandle<()>);

/// Who hears what becomes of the entries of a stream.
pub(super) trait Follower: Send {
    /// Everything up to this number is durable; or would survive the end of the process, where nobody waits for more.
    fn durable(&self, number: u64);

    /// Nothing that is not durable yet will be.
    fn failed(&self, error: &Arc<WalError>);

    /// The log goes on after it has failed. `is_in_doubt`: entries that the stream was told are written may be lost; it is
    /// to be checkpointed before it goes on.
    fn healed(&self, is_in_doubt: bool);

    /// Whether there is room on the disk for messages of the stream.
    fn has_room(&self, has_room: bool);

    /// The log needs the room that entries of the stream take: it is to be checkpointed.
    fn checkpoint(&self);
}

/// An entry that is to be written.
#[derive(Debug)]
pub(super) struct NewEntry {
    pub(super) group: GroupId,
    /// Its place in the log of its group, which is the number that its follower is told.
    pub(super) index: u64,
    /// When it was proposed, in nanoseconds since 1970.
    pub(super) timestamp: u64,
    pub(super) body: Vec<u8>,
    pub(super) importance: Importance,
    /// Whether somebody waits until it is durable; if not, it is told when it would survive the end of the process.
    pub(super) is_awaited: bool,
}

/// What the Log is told to do.
enum Order {
    Follow(GroupId, Box<dyn Follower>),
    Append(NewEntry),
    Release(GroupId, u64),
    /// The group is gone; told when that is durable.
    Forget(GroupId, oneshot::Sender<bool>),
    /// What the log has of a group is to be read.
    Excerpt(GroupId, oneshot::Sender<Excerpt>),
    Prepared(vagus_store::wal::Preparation, bool),
    /// There was no room on the disk for something else than the log.
    Full,
}

#[derive(Debug, Default)]
struct Inbox {
    orders: Mutex<Orders>,
    more: Condvar,
    counters: Counters,
}

#[derive(Default)]
struct Orders {
    waiting: Vec<Order>,
    ended: bool,
}

impl std::fmt::Debug for Orders {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Orders")
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

/// What the Log has done.
#[derive(Debug)]
struct Counters {
    entries: AtomicU64,
    bytes: AtomicU64,
    syncs: AtomicU64,
    /// How long they took, in microseconds.
    sync_times: Measured,
    /// How many entries each made durable.
    batches: Measured,
    files: AtomicU64,
    files_at_most: AtomicU64,
    has_failed: AtomicBool,
    healed: AtomicU64,
    read_only: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            entries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
            sync_times: Measured::by(SYNC_TIMES),
            batches: Measured::by(BATCHES),
            files: AtomicU64::new(0),
            files_at_most: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
            healed: AtomicU64::new(0),
            read_only: AtomicU64::new(0),
        }
    }
}

/// What the Log shows of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LogState {
    /// Entries that it has written.
    pub entries: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// How often the disk was waited for.
    pub syncs: u64,
    /// How long that took, in microseconds.
    pub sync_times: Distribution,
    /// How many entries became durable together.
    pub batches: Distribution,
    /// Files that hold what may still be needed.
    pub files: u64,
    /// How many there may be.
    pub files_at_most: u64,
    /// Whether the disk has failed, and the log cannot be written at the moment.
    pub has_failed: bool,
    /// How often it has gone on after that.
    pub healed: u64,
    /// Streams that take in no messages, as the disk has little room left.
    pub read_only: u64,
}

impl LogAddress {
    /// Starts the writer of a log that was opened. `work` has files made elsewhere; `room` says what the disk has left.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(super) fn start(
        recovered: Recovered,
        work: super::workers::Workers,
        room: Room,
    ) -> io::Result<(Self, LogThread)> {
        let address = Self(Arc::default());
        let own = address.clone();
        let thread = thread::Builder::new()
            .name("stream log".to_owned())
            .spawn(move || Writer::new(recovered, own, work, room).run())?;
        Ok((address, LogThread(thread)))
    }

    /// From now on this one hears of the entries of a group.
    pub(super) fn follow(&self, group: GroupId, follower: Box<dyn Follower>) {
        self.tell(Order::Follow(group, follower));
    }

    /// Has an entry be written.
    pub(super) fn append(&self, entry: NewEntry) {
        self.tell(Order::Append(entry));
    }

    /// A group keeps its entries up to an index elsewhere, durably.
    pub(super) fn release(&self, group: GroupId, index: u64) {
        self.tell(Order::Release(group, index));
    }

    /// A group is gone. Whether that is durable, as soon as it is known.
    pub(super) async fn forget(&self, group: GroupId) -> bool {
        let (told, is_told) = oneshot::channel();
        self.tell(Order::Forget(group, told));
        is_told.await.unwrap_or(false)
    }

    /// What the log has of a group: nobody follows it any more, and all that it was to write of it is durable. None: it
    /// cannot be said now.
    pub(super) async fn excerpt(&self, group: GroupId) -> Option<Excerpt> {
        let (told, is_told) = oneshot::channel();
        self.tell(Order::Excerpt(group, told));
        is_told.await.ok()
    }

    /// There was no room on the disk: streams take in no more, and what is kept back is freed.
    pub(super) fn disk_is_full(&self) {
        self.tell(Order::Full);
    }

    fn tell(&self, order: Order) {
        let mut orders = self.0.orders.lock();
        orders.waiting.push(order);
        if orders.waiting.len() == 1 {
            self.0.more.notify_one();
        }
    }

    /// Has it end once all that it was told is done.
    pub(super) fn end(&self) {
        self.0.orders.lock().ended = true;
        self.0.more.notify_one();
    }

    /// Takes all orders, once there are some; none at all if there were none for so long. None: it is to end.
    fn take(&self, patience: Option<Duration>) -> Option<Vec<Order>> {
        let mut orders = self.0.orders.lock();
        while orders.waiting.is_empty() {
            if orders.ended {
                return None;
            }
            match patience {
                None => self.0.more.wait(&mut orders),
                Some(patience) => {
                    if self.0.more.wait_for(&mut orders, patience).timed_out() {
                        return Some(Vec::new());
                    }
                }
            }
        }
        Some(std::mem::take(&mut orders.waiting))
    }

    /// Takes what waits, if anything does.
    fn take_waiting(&self) -> Vec<Order> {
        std::mem::take(&mut self.0.orders.lock().waiting)
    }

    /// What it shows of itself.
    pub(super) fn state(&self) -> LogState {
        let counters = &self.0.counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LogState {
            entries: get(&counters.entries),
            bytes: get(&counters.bytes),
            syncs: get(&counters.syncs),
            sync_times: counters.sync_times.read(),
            batches: counters.batches.read(),
            files: get(&counters.files),
            files_at_most: get(&counters.files_at_most),
            has_failed: counters.has_failed.load(Ordering::Relaxed),
            healed: get(&counters.healed),
            read_only: get(&counters.read_only),
        }
    }
}

impl LogThread {
    /// Waits for its end.
    pub(super) fn join(self) {
        // One that panicked has said so.
        let _ = self.0.join();
    }
}

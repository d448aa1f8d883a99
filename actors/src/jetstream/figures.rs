//! What a stream shows to those who ask nobody.

use parking_lot::Mutex;
use std::iter::Sum;
use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use vagus_jetstream::config::Storage;
use vagus_jetstream::held::Messages;
use vagus_jetstream::stream::Stream as Machine;

/// The figures of a stream: its actor writes them when something has become of it, and anybody reads them without it. They
/// are of about the same moment.
#[derive(Debug)]
pub struct StreamFigures {
    storage: Storage,
    messages: AtomicU64,
    bytes: AtomicU64,
    subjects: AtomicU64,
    first_sequence: AtomicU64,
    last_sequence: AtomicU64,
    consumers: AtomicU64,
    failure: Mutex<Option<Arc<str>>>,
}

/// What the figures of a stream say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamCounts {
    /// Where messages are.
    pub storage: Storage,
    /// How many it holds.
    pub messages: u64,
    /// Bytes of them, as they are accounted.
    pub bytes: u64,
    /// How many subjects they have.
    pub subjects: u64,
    /// The sequence of the first, or of the next if there is none.
    pub first_sequence: u64,
    /// The last sequence that was given.
    pub last_sequence: u64,
    /// How many consumers it has.
    pub consumers: u64,
}

/// What several streams have together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamTotals {
    /// How many they are.
    pub streams: u64,
    /// How many consumers they have.
    pub consumers: u64,
    /// How many messages.
    pub messages: u64,
    /// Bytes of them, as they are accounted.
    pub bytes: u64,
}

impl StreamFigures {
    pub(super) fn new(storage: Storage) -> Self {
        Self {
            storage,
            messages: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            subjects: AtomicU64::new(0),
            first_sequence: AtomicU64::new(0),
            last_sequence: AtomicU64::new(0),
            consumers: AtomicU64::new(0),
            failure: Mutex::new(None),
        }
    }

    /// So it is now.
    pub(super) fn write<M: Messages>(&self, machine: &Machine<M>) {
        let held = machine.held();
        self.messages.store(held.count(), Relaxed);
        self.bytes.store(held.bytes(), Relaxed);
        self.subjects.store(held.subjects(), Relaxed);
        self.first_sequence.store(machine.first_sequence(), Relaxed);
        self.last_sequence.store(machine.last_sequence(), Relaxed);
        self.consumers.store(machine.consumer_count() as u64, Relaxed);
    }

    /// Nothing more gets in, for this reason; None: things do again.
    pub(super) fn set_failure(&self, failure: Option<Arc<str>>) {
        *self.failure.lock() = failure;
    }

    /// Why nothing gets in; None: things do.
    pub fn failure(&self) -> Option<Arc<str>> {
        self.failure.lock().clone()
    }

    /// What they say.
    pub fn read(&self) -> StreamCounts {
        StreamCounts {
            storage: self.storage,
            messages: self.messages.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            subjects: self.subjects.load(Relaxed),
            first_sequence: self.first_sequence.load(Relaxed),
            last_sequence: self.last_sequence.load(Relaxed),
            consumers: self.consumers.load(Relaxed),
        }
    }
}

impl From<StreamCounts> for StreamTotals {
    fn from(counts: StreamCounts) -> Self {
        Self {
            streams: 1,
            consumers: counts.consumers,
            messages: counts.messages,
            bytes: counts.bytes,
        }
    }
}

impl Add for StreamTotals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            streams: self.streams + other.streams,
            consumers: self.consumers + other.consumers,
            messages: self.messages + other.messages,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl Sum for StreamTotals {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

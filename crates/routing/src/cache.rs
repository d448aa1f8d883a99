//! The fan-outs that one thread keeps.

use std::fmt;
use std::hash::BuildHasher;
use std::mem;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::fanout::Fanout;
use crate::versions::{Version, Versions};

/// How much a [`RouteCache`] may keep. Past either limit the entries not used for longest make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Entries; at least 1.
    pub entries: usize,
    /// Bytes, as [`Fanout::memory`] counts them and those of the entries themselves.
    pub bytes: usize,
    /// How many subjects one interval of [`RouteCache::drain_traffic`] may report. What others carried is not lost to
    /// publishing, only to these statistics.
    pub reported_subjects: usize,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            entries: 200_000,
            bytes: 96 << 20,
            reported_subjects: 10_000,
        }
    }
}

/// What a [`RouteCache`] holds and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Fan-outs kept.
    pub entries: usize,
    /// Bytes they take.
    pub bytes: usize,
    /// Look-ups that found a fan-out that still holds.
    pub hits: u64,
    /// Look-ups that did not.
    pub misses: u64,
    /// Fan-outs dropped to make room.
    pub evictions: u64,
}

/// The place of an entry, to count its traffic without another look-up. Good until the next insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u32);

/// Fan-outs by subject, for one thread and one index.
///
/// Bounded, and nothing is dropped all at once: a hand goes round the entries as on a clock and takes the first that
/// was not used since it last came by, one or a few for each insertion.
pub struct RouteCache<D> {
    entries: Vec<Option<Entry<D>>>,
    /// Empty places in `entries`.
    free: Vec<u32>,
    /// Places of entries, by the hash of the subject.
    table: HashTable<u32>,
    hasher: RandomState,
    limits: CacheLimits,
    hand: usize,
    /// Where the next `sweep` goes on.
    broom: usize,
    /// Places whose entries have traffic to report.
    touched: Vec<u32>,
    /// Traffic of entries that had to go before it was reported.
    departed: Vec<(Arc<Fanout<D>>, Traffic)>,
    stats: CacheStats,
}

struct Entry<D> {
    /// Its subject is the key.
    fanout: Arc<Fanout<D>>,
    version: Version,
    hash: u64,
    traffic: Traffic,
    used: bool,
    /// Whether it is in `touched`.
    touched: bool,
}

#[derive(Clone, Copy, Default)]
struct Traffic {
    messages: u64,
    bytes: u64,
}

impl<D> Default for RouteCache<D> {
    fn default() -> Self {
        Self::new(CacheLimits::default())
    }
}

impl<D> RouteCache<D> {
    /// An empty cache; it grows with what it keeps.
    #[must_use]
    pub fn new(limits: CacheLimits) -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            table: HashTable::new(),
            hasher: RandomState::default(),
            limits,
            hand: 0,
            broom: 0,
            touched: Vec::new(),
            departed: Vec::new(),
            stats: CacheStats::default(),
        }
    }

    /// The fan-out kept for `subject`, if it still holds under `version`: the [current](Versions::current) one.
    pub fn get(&mut self, subject: &[u8], version: Version) -> Option<(Slot, &Arc<Fanout<D>>)> {
        let hash = self.hasher.hash_one(subject);
        let entries = &mut self.entries;
        let found = self
            .table
            .find(hash, |place| is_for(&entries[*place as usize], hash, subject));
        if let Some(place) = found
            && let Some(entry) = &mut entries[*place as usize]
            && entry.version == version
        {
            entry.used = true;
            self.stats.hits += 1;
            return Some((Slot(*place), &entry.fanout));
        }
        self.stats.misses += 1;
        None
    }

    /// Keeps `fanout`, resolved after `version` was loaded, in place of an older one of its subject.
    pub fn insert(&mut self, fanout: Arc<Fanout<D>>, version: Version) -> Slot {
        let hash = self.hasher.hash_one(fanout.subject());
        let entries = &mut self.entries;
        let found = self.table.find(hash, |place| {
            is_for(&entries[*place as usize], hash, fanout.subject())
        });
        if let Some(place) = found.copied()
            && let Some(entry) = &mut entries[place as usize]
        {
            self.stats.bytes = self.stats.bytes - cost(&entry.fanout) + cost(&fanout);
            entry.fanout = fanout;
            entry.version = version;
            entry.used = true;
            // It may have grown. The others go first: the hand passes what was just used once.
            self.make_room(0, 0);
            return Slot(place);
        }
        self.make_room(1, cost(&fanout));
        self.stats.bytes += cost(&fanout);
        self.stats.entries += 1;
        // Not marked as used: subjects that come once must not push out those that come again. It still has a whole
        // round of the hand, whose place it usually takes.
        let entry = Entry {
            fanout,
            version,
            hash,
            traffic: Traffic::default(),
            used: false,
            touched: false,
        };
        let place = match self.free.pop() {
            Some(place) => {
                self.entries[place as usize] = Some(entry);
                place
            }
            None => {
                self.entries.push(Some(entry));
                (self.entries.len() - 1) as u32
            }
        };
        let entries = &self.entries;
        self.table.insert_unique(hash, place, |place| {
            entries[*place as usize].as_ref().map_or(0, |entry| entry.hash)
        });
        Slot(place)
    }

    /// Adds what a run of messages carried.
    pub fn count(&mut self, slot: Slot, messages: u64, bytes: u64) {
        let Some(Some(entry)) = self.entries.get_mut(slot.0 as usize) else {
            return;
        };
        entry.traffic.messages += messages;
        entry.traffic.bytes += bytes;
        if !entry.touched && self.touched.len() < self.limits.reported_subjects {
            entry.touched = true;
            self.touched.push(slot.0);
        }
    }

    /// Hands over the traffic counted since the last call, by fan-out, and starts anew. A subject may come twice.
    pub fn drain_traffic(&mut self, mut report: impl FnMut(&Arc<Fanout<D>>, u64, u64)) {
        for (fanout, traffic) in mem::take(&mut self.departed) {
            report(&fanout, traffic.messages, traffic.bytes);
        }
        for place in self.touched.drain(..) {
            let Some(entry) = &mut self.entries[place as usize] else {
                continue;
            };
            let traffic = mem::take(&mut entry.traffic);
            entry.touched = false;
            if traffic.messages > 0 {
                report(&entry.fanout, traffic.messages, traffic.bytes);
            }
        }
    }

    /// Looks at the next `places` entries, in turn, and drops those that hold no more: they keep alive the
    /// subscriptions of connections long gone.
    pub fn sweep(&mut self, versions: &Versions, places: usize) {
        for _ in 0..places.min(self.entries.len()) {
            self.broom = (self.broom + 1) % self.entries.len();
            let stale = self.entries[self.broom]
                .as_ref()
                .is_some_and(|entry| entry.version != versions.current(entry.fanout.subject()));
            if stale {
                self.drop_entry(self.broom);
            }
        }
    }

    /// What it holds and has done.
    pub fn stats(&self) -> CacheStats {
        self.stats
    }

    fn make_room(&mut self, entries: usize, bytes: usize) {
        while self.stats.entries > 0
            && (self.stats.entries + entries > self.limits.entries
                || self.stats.bytes + bytes > self.limits.bytes)
        {
            self.evict_one();
        }
    }

    fn evict_one(&mut self) {
        /// So that no insertion goes round a whole clock of entries that are all in use.
        const PATIENCE: usize = 128;
        let mut passed = 0;
        loop {
            self.hand = (self.hand + 1) % self.entries.len();
            let Some(entry) = &mut self.entries[self.hand] else {
                continue;
            };
            if !mem::replace(&mut entry.used, false) || passed == PATIENCE {
                break;
            }
            passed += 1;
        }
        self.drop_entry(self.hand);
        self.stats.evictions += 1;
    }

    fn drop_entry(&mut self, place: usize) {
        let Some(entry) = self.entries[place].take() else {
            return;
        };
        if let Ok(found) = self
            .table
            .find_entry(entry.hash, |other| *other as usize == place)
        {
            found.remove();
        }
        self.free.push(place as u32);
        self.stats.entries -= 1;
        self.stats.bytes -= cost(&entry.fanout);
        if entry.traffic.messages > 0 && self.departed.len() < self.limits.reported_subjects {
            self.departed.push((entry.fanout, entry.traffic));
        }
    }
}

impl<D> fmt::Debug for RouteCache<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RouteCache").field(&self.stats).finish()
    }
}

fn is_for<D>(entry: &Option<Entry<D>>, hash: u64, subject: &[u8]) -> bool {
    entry
        .as_ref()
        .is_some_and(|entry| entry.hash == hash && entry.fanout.subject() == subject)
}

/// Bytes that keeping a fan-out takes.
fn cost<D>(fanout: &Fanout<D>) -> usize {
    fanout.memory() + size_of::<Option<Entry<D>>>() + 2 * size_of::<u32>()
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;

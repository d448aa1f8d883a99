//! The fan-outs that one thread keeps.
//!
//! Publishers come back to the same subjects, so this is built like a processor's cache: few places for each
//! subject, side by side, and nothing kept that was asked for only once. Answers to requests go to subjects
//! that never come again; keeping them would cost more than resolving them.

use std::fmt;
use std::hash::BuildHasher;
use std::mem;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::fanout::Fanout;
use crate::versions::{Version, Versions};

/// How many places a subject has.
const WAYS: usize = 4;

/// The places of a new cache.
const SETS_AT_FIRST: usize = 64;

/// How many subjects are remembered as asked for once; a power of two.
const REMEMBERED: usize = 1 << 16;

/// How many subjects [`RouteCache::anticipate`] looks at, in one go.
pub const ANTICIPATED: usize = 16;

/// How much a [`RouteCache`] may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Entries, rounded up to a power of two.
    pub entries: usize,
    /// Bytes, as [`Fanout::memory`] counts them and those of the entries themselves.
    pub bytes: usize,
    /// How many subjects one interval of [`RouteCache::drain_traffic`] may report. What others carried is not
    /// lost to publishing, only to these statistics.
    pub reported_subjects: usize,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            entries: 1 << 18,
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

/// The place of an entry. Good until the next insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u32);

/// A look-up that found nothing that holds: what is needed to keep the fan-out that is resolved instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing(u64);

/// Fan-outs by subject, for one thread and one index. Bounded, and nothing is dropped all at once.
pub struct RouteCache<D> {
    /// The hashes of what is in `places`, apart so that those of a set are side by side.
    hashes: Vec<u64>,
    /// Sets of [`WAYS`] places; the number of sets is a power of two.
    places: Vec<Place<D>>,
    hasher: RandomState,
    limits: CacheLimits,
    /// A part of the hash of subjects that were asked for, and not found, by another part.
    seen: Box<[u8]>,
    /// Entries that made room for others since the cache last grew.
    pressed: usize,
    /// Where the next `sweep` goes on.
    broom: usize,
    /// Places whose entries have traffic to report.
    touched: Vec<u32>,
    /// Traffic of entries that had to go before it was reported.
    departed: Vec<(Arc<Fanout<D>>, Traffic)>,
    stats: CacheStats,
}

struct Place<D> {
    version: Version,
    /// Its subject is the key.
    fanout: Option<Arc<Fanout<D>>>,
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

impl<D> Place<D> {
    fn empty() -> Self {
        Self {
            version: Version::default(),
            fanout: None,
            traffic: Traffic::default(),
            used: false,
            touched: false,
        }
    }

    #[inline]
    fn is_for(&self, subject: &[u8]) -> bool {
        self.fanout
            .as_ref()
            .is_some_and(|fanout| fanout.subject() == subject)
    }
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
        let sets = SETS_AT_FIRST.min(limits.entries.div_ceil(WAYS).next_power_of_two());
        Self {
            hashes: vec![0; sets * WAYS],
            places: empty_places(sets),
            hasher: RandomState::default(),
            limits,
            seen: vec![0; REMEMBERED].into_boxed_slice(),
            pressed: 0,
            broom: 0,
            touched: Vec::new(),
            departed: Vec::new(),
            stats: CacheStats::default(),
        }
    }

    /// Where the fan-out of `subject` is kept, if it still holds under `version`: the [current](Versions::current)
    /// one.
    #[inline]
    pub fn get(&mut self, subject: &[u8], version: Version) -> Result<Slot, Missing> {
        let hash = self.hasher.hash_one(subject);
        let set = self.set_of(hash);
        for at in set..set + WAYS {
            if self.hashes[at] != hash {
                continue;
            }
            let place = &mut self.places[at];
            if place.version == version && place.is_for(subject) {
                place.used = true;
                self.stats.hits += 1;
                return Ok(Slot(at as u32));
            }
        }
        self.stats.misses += 1;
        Err(Missing(hash))
    }

    /// Brings what is kept for these subjects near, as they are about to be looked up.
    ///
    /// A publisher of many subjects spends its time waiting for memory. Asked for one after the other, each wait
    /// comes after the last; asked for here, in passes of independent loads, they overlap.
    pub fn anticipate(&self, subjects: &[&[u8]]) {
        let mut near = [0_usize; ANTICIPATED];
        for (near, subject) in near.iter_mut().zip(subjects) {
            let hash = self.hasher.hash_one(subject);
            let set = self.set_of(hash);
            let way = self.hashes[set..set + WAYS]
                .iter()
                .position(|other| *other == hash);
            *near = set + way.unwrap_or(0);
        }
        let near = &near[..subjects.len().min(ANTICIPATED)];
        let fanouts = || near.iter().filter_map(|at| self.places[*at].fanout.as_ref());
        let mut touched = 0;
        for fanout in fanouts() {
            touched ^= fanout.singles.len() ^ fanout.memory();
        }
        for fanout in fanouts() {
            touched ^= usize::from(fanout.subject().first().copied().unwrap_or_default());
            touched ^= fanout
                .singles
                .first()
                .map_or(0, |single| single.subscription.delivered() as usize);
        }
        std::hint::black_box(touched);
    }

    /// What is kept in a place.
    #[inline]
    pub fn fanout(&self, slot: Slot) -> Option<&Arc<Fanout<D>>> {
        self.places.get(slot.0 as usize)?.fanout.as_ref()
    }

    /// Keeps `fanout`, resolved after `version` was loaded, if its subject has been missed before.
    pub fn insert(&mut self, missing: Missing, fanout: &Arc<Fanout<D>>, version: Version) -> Option<Slot> {
        let Missing(hash) = missing;
        let cost = cost(fanout);
        let set = self.set_of(hash);
        let mut ways = set..set + WAYS;
        let same = ways.find(|at| self.hashes[*at] == hash && self.places[*at].is_for(fanout.subject()));
        let at = match same {
            Some(at) => at,
            None if self.seen_before(hash) => self.make_room(hash),
            None => return None,
        };
        self.drop_entry(at);
        if self.stats.bytes + cost > self.limits.bytes {
            self.shed(cost);
            if self.stats.bytes + cost > self.limits.bytes {
                return None;
            }
        }
        self.stats.entries += 1;
        self.stats.bytes += cost;
        self.hashes[at] = hash;
        let place = &mut self.places[at];
        place.version = version;
        place.fanout = Some(Arc::clone(fanout));
        place.used = true;
        Some(Slot(at as u32))
    }

    /// Adds what a run of messages carried.
    pub fn count(&mut self, slot: Slot, messages: u64, bytes: u64) {
        let Some(place) = self.places.get_mut(slot.0 as usize) else {
            return;
        };
        place.traffic.messages += messages;
        place.traffic.bytes += bytes;
        if !place.touched && self.touched.len() < self.limits.reported_subjects {
            place.touched = true;
            self.touched.push(slot.0);
        }
    }

    /// Hands over the traffic counted since the last call, by fan-out, and starts anew. A subject may come twice.
    pub fn drain_traffic(&mut self, mut report: impl FnMut(&Arc<Fanout<D>>, u64, u64)) {
        for (fanout, traffic) in mem::take(&mut self.departed) {
            report(&fanout, traffic.messages, traffic.bytes);
        }
        for at in self.touched.drain(..) {
            let place = &mut self.places[at as usize];
            let traffic = mem::take(&mut place.traffic);
            place.touched = false;
            if let Some(fanout) = place.fanout.as_ref().filter(|_| traffic.messages > 0) {
                report(fanout, traffic.messages, traffic.bytes);
            }
        }
    }

    /// Looks at the next `places` entries, in turn, and drops those that hold no more: they keep alive the
    /// subscriptions of connections long gone.
    pub fn sweep(&mut self, versions: &Versions, places: usize) {
        for _ in 0..places.min(self.places.len()) {
            self.broom = (self.broom + 1) % self.places.len();
            let place = &self.places[self.broom];
            let stale = place
                .fanout
                .as_ref()
                .is_some_and(|fanout| place.version != versions.current(fanout.subject()));
            if stale {
                self.drop_entry(self.broom);
            }
        }
    }

    /// What it holds and has done.
    pub fn stats(&self) -> CacheStats {
        self.stats
    }

    fn set_of(&self, hash: u64) -> usize {
        (hash as usize & (self.places.len() / WAYS - 1)) * WAYS
    }

    /// Whether this subject was asked for, and not kept, before; notes it if not. Now and then it mistakes one
    /// for another, or has forgotten one: neither does harm.
    fn seen_before(&mut self, hash: u64) -> bool {
        let mark = (hash >> 56) as u8 | 1;
        let seen = &mut self.seen[(hash >> 32) as usize & (REMEMBERED - 1)];
        mem::replace(seen, mark) == mark
    }

    /// A place for a new entry: an empty one, or that of an entry not used since another was put there.
    fn make_room(&mut self, hash: u64) -> usize {
        if self.pressed * 4 > self.places.len() && self.places.len() < self.limits.entries {
            self.grow();
        }
        let set = self.set_of(hash);
        let ways = &mut self.places[set..set + WAYS];
        if let Some(empty) = ways.iter().position(|place| place.fanout.is_none()) {
            return set + empty;
        }
        let unused = ways.iter().position(|place| !place.used);
        ways.iter_mut().for_each(|place| place.used = false);
        self.pressed += 1;
        self.stats.evictions += 1;
        // All of them in use: any will do.
        set + unused.unwrap_or((hash >> 24) as usize % WAYS)
    }

    /// Twice the places.
    fn grow(&mut self) {
        let places = mem::take(&mut self.places);
        let hashes = mem::take(&mut self.hashes);
        self.places = empty_places(places.len() / WAYS * 2);
        self.hashes = vec![0; self.places.len()];
        self.pressed = 0;
        self.broom = 0;
        self.touched.clear();
        for (place, hash) in places.into_iter().zip(hashes) {
            if place.fanout.is_none() {
                continue;
            }
            // The places of one set become those of two: there is one for each.
            let set = self.set_of(hash);
            if let Some(at) = (set..set + WAYS).find(|at| self.places[*at].fanout.is_none()) {
                if place.touched {
                    self.touched.push(at as u32);
                }
                self.hashes[at] = hash;
                self.places[at] = place;
            }
        }
    }

    /// Drops entries, in turn, until there is room for `cost` more bytes.
    fn shed(&mut self, cost: usize) {
        /// So that no insertion goes round the whole cache.
        const PATIENCE: usize = 256;
        for _ in 0..PATIENCE.min(self.places.len()) {
            if self.stats.bytes + cost <= self.limits.bytes {
                break;
            }
            self.broom = (self.broom + 1) % self.places.len();
            let place = &mut self.places[self.broom];
            if place.fanout.is_some() && !mem::replace(&mut place.used, false) {
                self.drop_entry(self.broom);
                self.stats.evictions += 1;
            }
        }
    }

    fn drop_entry(&mut self, at: usize) {
        let place = &mut self.places[at];
        let Some(fanout) = place.fanout.take() else {
            return;
        };
        let traffic = mem::take(&mut place.traffic);
        self.stats.entries -= 1;
        self.stats.bytes -= cost(&fanout);
        if traffic.messages > 0 && self.departed.len() < self.limits.reported_subjects {
            self.departed.push((fanout, traffic));
        }
    }
}

fn empty_places<D>(sets: usize) -> Vec<Place<D>> {
    (0..sets * WAYS).map(|_| Place::empty()).collect()
}

impl<D> fmt::Debug for RouteCache<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RouteCache").field(&self.stats).finish()
    }
}

/// Bytes that keeping a fan-out takes.
fn cost<D>(fanout: &Fanout<D>) -> usize {
    fanout.memory() + size_of::<Place<D>>() + size_of::<u64>()
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;

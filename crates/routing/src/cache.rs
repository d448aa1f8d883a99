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
const WAYS: usize = 8;

/// The places of a new cache.
const SETS_AT_FIRST: usize = 32;

/// How many subjects are remembered as asked for once; a power of two.
const REMEMBERED: usize = 1 << 16;

/// How many subjects [`RouteCache::anticipate`] looks at, in one go.
pub const ANTICIPATED: usize = 32;

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
    /// As many as a power of two.
    sets: Vec<Set<D>>,
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

/// The places of the subjects whose hashes end alike. Places are numbered through all sets.
#[repr(align(64))]
struct Set<D> {
    /// The hashes of what is in `places`: one line of a processor's cache tells which place to look at.
    hashes: [u64; WAYS],
    places: [Place<D>; WAYS],
}

impl<D> Set<D> {
    fn empty() -> Self {
        Self {
            hashes: [0; WAYS],
            places: std::array::from_fn(|_| Place::empty()),
        }
    }
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
            sets: empty_sets(sets),
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
        let number = self.set_of(hash);
        let set = &mut self.sets[number];
        for (way, place) in set.places.iter_mut().enumerate() {
            if set.hashes[way] == hash && place.version == version && place.is_for(subject) {
                place.used = true;
                self.stats.hits += 1;
                return Ok(Slot((number * WAYS + way) as u32));
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
            let number = self.set_of(hash);
            let way = self.sets[number].hashes.iter().position(|other| *other == hash);
            *near = number * WAYS + way.unwrap_or(0);
        }
        let near = &near[..subjects.len().min(ANTICIPATED)];
        let fanouts = || near.iter().filter_map(|at| self.place(*at)?.fanout.as_ref());
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
        self.place(slot.0 as usize)?.fanout.as_ref()
    }

    /// Keeps `fanout`, resolved after `version` was loaded, if its subject has been missed before.
    pub fn insert(&mut self, missing: Missing, fanout: &Arc<Fanout<D>>, version: Version) -> Option<Slot> {
        let Missing(hash) = missing;
        let cost = cost(fanout);
        let number = self.set_of(hash);
        let set = &self.sets[number];
        let same =
            (0..WAYS).find(|way| set.hashes[*way] == hash && set.places[*way].is_for(fanout.subject()));
        let at = match same {
            Some(way) => number * WAYS + way,
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
        let set = &mut self.sets[at / WAYS];
        set.hashes[at % WAYS] = hash;
        let place = &mut set.places[at % WAYS];
        place.version = version;
        place.fanout = Some(Arc::clone(fanout));
        place.used = true;
        Some(Slot(at as u32))
    }

    /// Adds what a run of messages carried.
    pub fn count(&mut self, slot: Slot, messages: u64, bytes: u64) {
        let Some(set) = self.sets.get_mut(slot.0 as usize / WAYS) else {
            return;
        };
        let place = &mut set.places[slot.0 as usize % WAYS];
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
            let place = &mut self.sets[at as usize / WAYS].places[at as usize % WAYS];
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
        for _ in 0..places.min(self.capacity()) {
            let place = self.next_in_turn();
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

    fn capacity(&self) -> usize {
        self.sets.len() * WAYS
    }

    fn place(&self, at: usize) -> Option<&Place<D>> {
        Some(&self.sets.get(at / WAYS)?.places[at % WAYS])
    }

    /// The place that the broom comes to next.
    fn next_in_turn(&mut self) -> &mut Place<D> {
        self.broom = (self.broom + 1) % self.capacity();
        &mut self.sets[self.broom / WAYS].places[self.broom % WAYS]
    }

    fn set_of(&self, hash: u64) -> usize {
        hash as usize & (self.sets.len() - 1)
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
        if self.pressed * 4 > self.capacity() && self.capacity() < self.limits.entries {
            self.grow();
        }
        let number = self.set_of(hash);
        let places = &mut self.sets[number].places;
        if let Some(empty) = places.iter().position(|place| place.fanout.is_none()) {
            return number * WAYS + empty;
        }
        let unused = places.iter().position(|place| !place.used);
        places.iter_mut().for_each(|place| place.used = false);
        self.pressed += 1;
        self.stats.evictions += 1;
        // All of them in use: any will do.
        number * WAYS + unused.unwrap_or((hash >> 24) as usize % WAYS)
    }

    /// Twice the places.
    fn grow(&mut self) {
        let sets = mem::take(&mut self.sets);
        self.sets = empty_sets(sets.len() * 2);
        self.pressed = 0;
        self.broom = 0;
        self.touched.clear();
        for (hash, place) in sets
            .into_iter()
            .flat_map(|set| set.hashes.into_iter().zip(set.places))
        {
            if place.fanout.is_none() {
                continue;
            }
            // The places of one set become those of two: there is one for each.
            let number = self.set_of(hash);
            let set = &mut self.sets[number];
            if let Some(way) = set.places.iter().position(|place| place.fanout.is_none()) {
                if place.touched {
                    self.touched.push((number * WAYS + way) as u32);
                }
                set.hashes[way] = hash;
                set.places[way] = place;
            }
        }
    }

    /// Drops entries, in turn, until there is room for `cost` more bytes.
    fn shed(&mut self, cost: usize) {
        /// So that no insertion goes round the whole cache.
        const PATIENCE: usize = 256;
        for _ in 0..PATIENCE.min(self.capacity()) {
            if self.stats.bytes + cost <= self.limits.bytes {
                break;
            }
            let place = self.next_in_turn();
            if place.fanout.is_some() && !mem::replace(&mut place.used, false) {
                self.drop_entry(self.broom);
                self.stats.evictions += 1;
            }
        }
    }

    fn drop_entry(&mut self, at: usize) {
        let place = &mut self.sets[at / WAYS].places[at % WAYS];
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

fn empty_sets<D>(sets: usize) -> Vec<Set<D>> {
    (0..sets).map(|_| Set::empty()).collect()
}

impl<D> fmt::Debug for RouteCache<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RouteCache").field(&self.stats).finish()
    }
}

/// Bytes that keeping a fan-out takes.
fn cost<D>(fanout: &Fanout<D>) -> usize {
    fanout.memory() + size_of::<Set<D>>() / WAYS
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;

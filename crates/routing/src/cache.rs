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
use crate::origin::AccountId;
use crate::versions::Version;

/// How many places a subject has.
const WAYS: usize = 8;

/// The places of a new cache.
const SETS_AT_FIRST: usize = 32;

/// How many subjects are remembered as asked for once; a power of two. With fewer than a publisher comes back to,
/// most would be forgotten in between. They take memory only when there are that many.
const REMEMBERED: usize = 1 << 18;

/// How many subjects [`FanoutCache::anticipate`] looks at, in one go.
pub const ANTICIPATED: usize = 64;

/// How much is kept of the subjects of entries that are gone, in bytes, until their traffic is reported.
const DEPARTED_BYTES: usize = 1 << 20;

/// How much a [`FanoutCache`] may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Entries, rounded up to a power of two.
    pub entries: usize,
    /// Bytes, as [`Fanout::memory`] counts them and those of the entries themselves.
    pub bytes: usize,
    /// How many subjects one interval of [`FanoutCache::drain_traffic`] may report. What others carried is not
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

/// What a [`FanoutCache`] holds and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Fan-outs kept.
    pub entries: usize,
    /// Bytes they take.
    pub bytes: usize,
    /// Copies of a message that they deliver, all together.
    pub deliveries: usize,
    /// Copies that the widest of them delivers, as far as [`FanoutCache::sweep`] came by lately.
    pub widest: usize,
    /// Look-ups that found a fan-out that still holds.
    pub hits: u64,
    /// Look-ups that did not.
    pub misses: u64,
    /// Fan-outs dropped to make room.
    pub evictions: u64,
}

/// The place of an entry. Good until the next insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept(u32);

/// A look-up that found nothing that holds: what is needed to keep the fan-out that is resolved instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing(u64);

/// Fan-outs by account and subject, for one thread. Bounded, and nothing is dropped all at once.
///
/// There is one for the indexes of all accounts, so that an account without traffic costs nothing here, and the busy ones
/// share the room.
pub struct FanoutCache<D> {
    /// As many as a power of two.
    sets: Vec<Set<D>>,
    hasher: RandomState,
    limits: CacheLimits,
    /// A part of the hash of subjects that were asked for, and not found, by another part.
    seen: Box<[u8]>,
    /// Entries that made room for others since the cache last grew.
    pressed: usize,
    /// Where the next `sweep` goes on.
    round: usize,
    /// The widest fan-out since the round began.
    widest: usize,
    /// Places whose entries have traffic to report.
    touched: Vec<u32>,
    departed: Departed,
    stats: CacheStats,
}

/// The places of the subjects whose hashes end alike. Places are numbered through all sets.
///
/// A look for a subject waits for two lines of a processor's cache: the first, which tells the place, and that
/// of the place.
#[repr(C, align(64))]
struct Set<D> {
    /// The lower halves of the hashes of what is in `places`.
    hashes: [u32; WAYS],
    /// Which were looked up since they were put there, and since one of the set last had to go.
    used: [bool; WAYS],
    /// Which are in `touched`.
    touched: [bool; WAYS],
    places: [Place<D>; WAYS],
}

impl<D> Set<D> {
    fn empty() -> Self {
        Self {
            hashes: [0; WAYS],
            used: [false; WAYS],
            touched: [false; WAYS],
            places: std::array::from_fn(|_| Place::empty()),
        }
    }

    /// Where something may be with this hash, a bit for each place. It compares them all: which one it is nobody can
    /// predict, and a processor that guessed wrong would have waited for nothing.
    #[inline]
    fn alike(&self, hash: u64) -> u32 {
        let mut alike = 0;
        for (way, other) in self.hashes.iter().enumerate() {
            alike |= u32::from(*other == hash as u32) << way;
        }
        alike
    }

    /// Where the entry of `subject` is, if there is one.
    #[inline]
    fn find(&self, hash: u64, account: AccountId, subject: &[u8]) -> Option<usize> {
        let mut alike = self.alike(hash);
        while alike != 0 {
            let way = alike.trailing_zeros() as usize;
            if self.places[way].is_for(account, subject) {
                return Some(way);
            }
            alike &= alike - 1;
        }
        None
    }
}

/// 32 bytes: none is in two lines.
#[repr(align(32))]
struct Place<D> {
    version: Version,
    /// Its account and subject are the key.
    fanout: Option<Arc<Fanout<D>>>,
    traffic: Traffic,
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
        }
    }

    #[inline]
    fn is_for(&self, account: AccountId, subject: &[u8]) -> bool {
        self.fanout
            .as_ref()
            .is_some_and(|fanout| fanout.account() == account && fanout.subject() == subject)
    }
}

impl<D> Default for FanoutCache<D> {
    fn default() -> Self {
        Self::new(CacheLimits::default())
    }
}

impl<D> FanoutCache<D> {
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
            round: 0,
            widest: 0,
            touched: Vec::new(),
            departed: Departed::default(),
            stats: CacheStats::default(),
        }
    }

    /// Where the fan-out of `subject` is kept, if it still holds under `version`: the
    /// [current](crate::Versions::current) one of the account's index.
    #[inline]
    pub fn get(&mut self, account: AccountId, subject: &[u8], version: Version) -> Result<Kept, Missing> {
        let hash = self.hash(account, subject);
        let number = self.set_of(hash);
        let set = &mut self.sets[number];
        if let Some(way) = set.find(hash, account, subject)
            && set.places[way].version == version
        {
            if !set.used[way] {
                set.used[way] = true;
            }
            self.stats.hits += 1;
            return Ok(Kept((number * WAYS + way) as u32));
        }
        self.stats.misses += 1;
        Err(Missing(hash))
    }

    /// Accounts often have the same subjects: each has places of its own for them.
    #[inline]
    fn hash(&self, account: AccountId, subject: &[u8]) -> u64 {
        /// Odd, and without a pattern: the numbers of accounts differ in all bits then.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        self.hasher.hash_one(subject) ^ u64::from(account.0).wrapping_mul(SPREAD)
    }

    /// Brings what is kept for these subjects near, as they are about to be looked up.
    ///
    /// A publisher of many subjects spends its time waiting for memory. Asked for one after the other, each wait
    /// comes after the last; asked for here, in passes of independent loads, they overlap. So no pass may depend on
    /// what it loads, as a branch does.
    pub fn anticipate(&self, account: AccountId, subjects: &[&[u8]]) {
        let mut hashes = [0; ANTICIPATED];
        for (hash, subject) in hashes.iter_mut().zip(subjects) {
            *hash = self.hash(account, subject);
        }
        let hashes = &hashes[..subjects.len().min(ANTICIPATED)];
        let mut touched = 0;
        for hash in hashes {
            touched ^= u64::from(self.sets[self.set_of(*hash)].hashes[0]);
        }
        let mut near = [0_usize; ANTICIPATED];
        for (near, hash) in near.iter_mut().zip(hashes) {
            let number = self.set_of(*hash);
            let set = &self.sets[number];
            let alike = set.alike(*hash);
            let way = alike.trailing_zeros() as usize % WAYS;
            touched ^= set.places[way].traffic.messages;
            // What is not kept will be asked for here. For what is, it is always the same mark, which is near.
            let asked = place_of_mark(*hash) * usize::from(alike == 0);
            touched ^= u64::from(self.seen[asked]);
            *near = number * WAYS + way;
        }
        let fanouts = || {
            near[..hashes.len()]
                .iter()
                .filter_map(|at| self.place(*at)?.fanout.as_ref())
        };
        for fanout in fanouts() {
            touched ^= fanout.touch();
        }
        for fanout in fanouts() {
            touched ^= fanout
                .singles()
                .first()
                .map_or(0, |single| single.subscription.touch());
        }
        std::hint::black_box(touched);
    }

    /// What is kept in a place.
    #[inline]
    pub fn fanout(&self, kept: Kept) -> Option<&Arc<Fanout<D>>> {
        self.place(kept.0 as usize)?.fanout.as_ref()
    }

    /// Keeps `fanout`, resolved after `version` was loaded, if its subject has been missed before.
    pub fn insert(&mut self, missing: Missing, fanout: &Arc<Fanout<D>>, version: Version) -> Option<Kept> {
        let Missing(hash) = missing;
        let cost = cost(fanout);
        let number = self.set_of(hash);
        let at = match self.sets[number].find(hash, fanout.account(), fanout.subject()) {
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
        self.stats.deliveries += fanout.deliveries();
        let set = &mut self.sets[at / WAYS];
        set.hashes[at % WAYS] = hash as u32;
        set.used[at % WAYS] = false;
        let place = &mut set.places[at % WAYS];
        place.version = version;
        place.fanout = Some(Arc::clone(fanout));
        Some(Kept(at as u32))
    }

    /// Adds what a run of messages carried.
    pub fn count(&mut self, kept: Kept, messages: u64, bytes: u64) {
        let Some(set) = self.sets.get_mut(kept.0 as usize / WAYS) else {
            return;
        };
        let way = kept.0 as usize % WAYS;
        let traffic = &mut set.places[way].traffic;
        traffic.messages += messages;
        traffic.bytes += bytes;
        if !set.touched[way] && self.touched.len() < self.limits.reported_subjects {
            set.touched[way] = true;
            self.touched.push(kept.0);
        }
    }

    /// Hands over the traffic counted since the last call, by account and subject, and starts anew. A subject may come
    /// twice.
    pub fn drain_traffic(&mut self, mut report: impl FnMut(AccountId, &[u8], u64, u64)) {
        self.departed
            .drain(|account, subject, traffic| report(account, subject, traffic.messages, traffic.bytes));
        for at in self.touched.drain(..) {
            let set = &mut self.sets[at as usize / WAYS];
            set.touched[at as usize % WAYS] = false;
            let place = &mut set.places[at as usize % WAYS];
            let traffic = mem::take(&mut place.traffic);
            if let Some(fanout) = place.fanout.as_ref().filter(|_| traffic.messages > 0) {
                report(
                    fanout.account(),
                    fanout.subject(),
                    traffic.messages,
                    traffic.bytes,
                );
            }
        }
    }

    /// Looks at the next `places` entries, in turn, and drops those that hold no more: they keep alive the
    /// subscriptions of connections long gone. `current` gives the version of a subject in the index of an account, and
    /// None for an account that is gone.
    pub fn sweep(&mut self, places: usize, current: impl Fn(AccountId, &[u8]) -> Option<Version>) {
        for _ in 0..places.min(self.capacity()) {
            self.go_round();
            let place = &self.sets[self.round / WAYS].places[self.round % WAYS];
            if let Some(fanout) = &place.fanout {
                self.widest = self.widest.max(fanout.deliveries());
            }
            let stale = place
                .fanout
                .as_ref()
                .is_some_and(|fanout| Some(place.version) != current(fanout.account(), fanout.subject()));
            if stale {
                self.drop_entry(self.round);
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

    /// On to the next place.
    fn go_round(&mut self) {
        self.round = (self.round + 1) % self.capacity();
        if self.round == 0 {
            self.stats.widest = mem::take(&mut self.widest);
        }
    }

    fn set_of(&self, hash: u64) -> usize {
        hash as usize & (self.sets.len() - 1)
    }

    /// Whether this subject was asked for, and not kept, before; notes it if not. Now and then it mistakes one
    /// for another, or has forgotten one: neither does harm.
    fn seen_before(&mut self, hash: u64) -> bool {
        let mark = (hash >> 56) as u8 | 1;
        let seen = &mut self.seen[place_of_mark(hash)];
        mem::replace(seen, mark) == mark
    }

    /// A place for a new entry: an empty one, or that of an entry not used since another was put there.
    fn make_room(&mut self, hash: u64) -> usize {
        if self.pressed * 4 > self.capacity() && self.capacity() < self.limits.entries {
            self.grow();
        }
        let number = self.set_of(hash);
        let set = &mut self.sets[number];
        if let Some(empty) = set.places.iter().position(|place| place.fanout.is_none()) {
            return number * WAYS + empty;
        }
        let unused = set.used.iter().position(|used| !used);
        set.used = [false; WAYS];
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
        self.round = 0;
        self.touched.clear();
        for old in sets {
            let flags = old.used.into_iter().zip(old.touched);
            let entries = old.hashes.into_iter().zip(old.places).zip(flags);
            for ((hash, place), (used, touched)) in entries {
                if place.fanout.is_none() {
                    continue;
                }
                // The places of one set become those of two: there is one for each.
                let number = self.set_of(u64::from(hash));
                let set = &mut self.sets[number];
                if let Some(way) = set.places.iter().position(|place| place.fanout.is_none()) {
                    if touched {
                        self.touched.push((number * WAYS + way) as u32);
                    }
                    set.hashes[way] = hash;
                    set.used[way] = used;
                    set.touched[way] = touched;
                    set.places[way] = place;
                }
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
            self.go_round();
            let (set, way) = (&mut self.sets[self.round / WAYS], self.round % WAYS);
            if set.places[way].fanout.is_some() && !mem::replace(&mut set.used[way], false) {
                self.drop_entry(self.round);
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
        self.stats.deliveries -= fanout.deliveries();
        if traffic.messages > 0 {
            let at_most = self.limits.reported_subjects;
            self.departed.add(&fanout, traffic, at_most);
        }
    }
}

/// Where it is remembered that a subject of this hash was asked for.
fn place_of_mark(hash: u64) -> usize {
    (hash >> 32) as usize & (REMEMBERED - 1)
}

fn empty_sets<D>(sets: usize) -> Vec<Set<D>> {
    (0..sets).map(|_| Set::empty()).collect()
}

impl<D> fmt::Debug for FanoutCache<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("FanoutCache").field(&self.stats).finish()
    }
}

/// Traffic of entries that had to go before it was reported. Of what they were only the subject is kept, and not of more
/// than fit here: others are lost to the statistics alone.
#[derive(Default)]
struct Departed {
    /// Their subjects, one behind the other.
    subjects: Vec<u8>,
    /// Whose each subject is, where it ends, and what it carried.
    entries: Vec<(AccountId, usize, Traffic)>,
}

impl Departed {
    fn add<D>(&mut self, fanout: &Fanout<D>, traffic: Traffic, at_most: usize) {
        let subject = fanout.subject();
        if self.entries.len() < at_most && self.subjects.len() + subject.len() <= DEPARTED_BYTES {
            self.subjects.extend_from_slice(subject);
            self.entries
                .push((fanout.account(), self.subjects.len(), traffic));
        }
    }

    fn drain(&mut self, mut report: impl FnMut(AccountId, &[u8], Traffic)) {
        let mut start = 0;
        for (account, end, traffic) in self.entries.drain(..) {
            report(account, &self.subjects[start..end], traffic);
            start = end;
        }
        // Rarely needed: nothing is kept for the next time.
        *self = Self::default();
    }
}

/// Bytes that keeping a fan-out takes.
fn cost<D>(fanout: &Fanout<D>) -> usize {
    fanout.memory() + size_of::<Set<D>>() / WAYS
}

#[cfg(test)]
mod tests;

//! A hash table that grows and shrinks in small steps, and that can be gone through in parts while it changes.

use std::fmt;
use std::ops::ControlFlow;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// How many entries a part has on average before there is one part more.
const PART: usize = 400;

/// Many small tables, each for a share of the hashes (linear hashing): as the table grows, one part after the other is
/// split in two, and as it shrinks they are united again. So a change moves a thousand entries at most, however many there
/// are, and a table without entries has no memory.
///
/// Entries have an [order](order) that depends on their hashes alone, and each part holds what is between two points of it.
/// So a [`Cursor`] says what has been visited, though parts are split and united meanwhile.
pub struct Table<T> {
    /// Of `n` parts the first `n - 2^k` have been split since there were `2^k`, and those beyond `2^k` are what was split
    /// off. An entry is in the part with the number that the last bits of its [share](share) are.
    parts: Vec<HashTable<T>>,
    length: usize,
}

/// What has its hash at hand, so that growing looks nowhere else.
pub trait Hashed {
    /// The hash under which it is looked for. Does not change.
    fn hash(&self) -> u64;
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            length: 0,
        }
    }
}

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Table").field(&self.length).finish()
    }
}

/// How far going through a [`Table`] has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// What comes before this in the order of entries was visited.
    next: u64,
}

/// Behind all entries.
const END: u64 = 1 << u32::BITS;

/// Bits of a hash that a small table does not look at.
fn share(hash: u64) -> u32 {
    (hash >> 25) as u32
}

/// Where an entry comes in the order: a part is one stretch of it, as what all its shares end in is what these begin with.
fn order(hash: u64) -> u32 {
    share(hash).reverse_bits()
}

/// The number of the part for a share, of `parts`, which is not 0.
#[inline]
fn part(share: u32, parts: usize) -> usize {
    let mask = parts.next_power_of_two() - 1;
    let part = share as usize & mask;
    // It has not been split off yet.
    if part < parts { part } else { part & (mask >> 1) }
}

/// How many bits of their shares all entries of a part have in common.
fn bits_in_common(part: usize, parts: usize) -> u32 {
    let doublings = parts.ilog2();
    let split = parts - (1 << doublings);
    if part < split || part >= 1 << doublings {
        doublings + 1
    } else {
        doublings
    }
}

/// The part that the last one was split off.
fn sibling_of_last(parts: usize) -> usize {
    let last = parts - 1;
    last - (1 << last.ilog2())
}

impl<T: Hashed> Table<T> {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// All entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.parts.iter().flat_map(HashTable::iter)
    }

    /// The entry of this hash that it is; `is_it` is asked of entries of this hash.
    #[inline]
    pub fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        if self.parts.is_empty() {
            return None;
        }
        self.parts[part(share(hash), self.parts.len())]
            .find(hash, |entry| entry.hash() == hash && is_it(entry))
    }

    /// As [`find`](Self::find), to be changed.
    pub fn find_mut(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&mut T> {
        if self.parts.is_empty() {
            return None;
        }
        let part = part(share(hash), self.parts.len());
        self.parts[part].find_mut(hash, |entry| entry.hash() == hash && is_it(entry))
    }

    /// As [`find`](Self::find); if there is none, the one that `make` makes, of this hash.
    pub fn find_or_insert_with(
        &mut self,
        hash: u64,
        is_it: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> &mut T {
        self.grow();
        let part = part(share(hash), self.parts.len());
        match self.parts[part].entry(hash, |entry| entry.hash() == hash && is_it(entry), Hashed::hash) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                self.length += 1;
                entry.insert(make()).into_mut()
            }
        }
    }

    /// Adds what is not there yet.
    pub fn insert(&mut self, entry: T) {
        self.grow();
        self.length += 1;
        self.put(entry);
    }

    /// Takes the entry of this hash out that it is, if there is one.
    pub fn remove(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<T> {
        if self.parts.is_empty() {
            return None;
        }
        let part = part(share(hash), self.parts.len());
        let part = &mut self.parts[part];
        let entry = part
            .find_entry(hash, |entry| entry.hash() == hash && is_it(entry))
            .ok()?;
        let (removed, _) = entry.remove();
        self.length -= 1;
        if is_sparse(part.len(), part.capacity()) {
            part.shrink_to(part.len() * 2, Hashed::hash);
        }
        self.shrink();
        Some(removed)
    }

    fn put(&mut self, entry: T) {
        let part = part(share(entry.hash()), self.parts.len());
        self.parts[part].insert_unique(entry.hash(), entry, Hashed::hash);
    }

    /// Makes one part more if the others are full.
    fn grow(&mut self) {
        if self.length < self.parts.len() * PART {
            return;
        }
        self.parts.push(HashTable::new());
        if self.parts.len() == 1 {
            return;
        }
        let (last, sibling) = (self.parts.len() - 1, sibling_of_last(self.parts.len()));
        let entries = std::mem::take(&mut self.parts[sibling]);
        // What is left of half of them is found room for as they come.
        for part in [sibling, last] {
            self.parts[part].reserve(entries.len() / 2, Hashed::hash);
        }
        entries.into_iter().for_each(|entry| self.put(entry));
    }

    /// Makes one part less if the others have much room.
    fn shrink(&mut self) {
        if self.length == 0 {
            self.parts = Vec::new();
        } else if self.length < (self.parts.len() - 1) * PART / 2 {
            let sibling = sibling_of_last(self.parts.len());
            let entries = self.parts.pop().unwrap_or_default();
            self.parts[sibling].reserve(entries.len(), Hashed::hash);
            entries.into_iter().for_each(|entry| self.put(entry));
            if is_sparse(self.parts.len(), self.parts.capacity()) {
                self.parts.shrink_to(self.parts.len() * 2);
            }
        }
    }

    /// Visits entries from where `cursor` is on, until a visit breaks (that entry counts as visited), `looks` are used up, of
    /// which an entry takes one, or nothing is left: then it is true. Entries of the same order are visited together, though
    /// the first breaks or takes the last look.
    ///
    /// What is there from the first call for a cursor to the last is visited, and once.
    ///
    /// A call takes the time of what it visits, and of looking at a part, some hundred entries.
    pub fn visit<'a>(
        &'a self,
        cursor: &mut Cursor,
        looks: &mut usize,
        mut visit: impl FnMut(&'a T) -> ControlFlow<()>,
    ) -> bool {
        while cursor.next < END {
            if *looks == 0 {
                return false;
            }
            if self.parts.is_empty() {
                cursor.next = END;
                break;
            }
            let part = part((cursor.next as u32).reverse_bits(), self.parts.len());
            let stretch = END >> bits_in_common(part, self.parts.len());
            let end = (cursor.next / stretch + 1) * stretch;
            let mut left: Vec<_> = self.parts[part]
                .iter()
                .map(|entry| (u64::from(order(entry.hash())), entry))
                .filter(|(at, _)| *at >= cursor.next)
                .collect();
            left.sort_unstable_by_key(|(at, _)| *at);
            let mut is_enough = false;
            for (at, entry) in left {
                if is_enough && at >= cursor.next {
                    return false;
                }
                *looks = looks.saturating_sub(1);
                is_enough |= visit(entry).is_break() || *looks == 0;
                cursor.next = at + 1;
            }
            cursor.next = end;
            if is_enough {
                return false;
            }
        }
        true
    }
}

/// Whether what has room for `capacity` should give memory back. Rare enough that shrinking, linear in `length`, is paid by
/// the removals before it.
pub(crate) fn is_sparse(length: usize, capacity: usize) -> bool {
    capacity > 64 && length < capacity / 8
}

#[cfg(test)]
mod tests;

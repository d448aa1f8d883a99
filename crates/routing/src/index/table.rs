//! A hash table that grows and shrinks in small steps.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// How many parts it has.
const PARTS: usize = 64;

/// Many tables, each for a share of the hashes: what a change may take is a part's growth, a few thousand entries in a
/// table of a million, and not all of it at once while everybody waits for the lock.
pub(super) struct Table<T> {
    parts: Box<[HashTable<T>]>,
}

/// What has its hash at hand, so that growing looks nowhere else.
pub(super) trait Hashed {
    fn hash(&self) -> u64;
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            parts: (0..PARTS).map(|_| HashTable::new()).collect(),
        }
    }
}

/// Bits that a part does not look at unless it is large.
fn part(hash: u64) -> usize {
    (hash >> 48) as usize % PARTS
}

impl<T: Hashed> Table<T> {
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(HashTable::len).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.parts.iter().flat_map(HashTable::iter)
    }

    /// `is_it` is asked of entries of this hash.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        self.parts[part(hash)].find(hash, |entry| entry.hash() == hash && is_it(entry))
    }

    pub(super) fn find_mut(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&mut T> {
        self.parts[part(hash)].find_mut(hash, |entry| entry.hash() == hash && is_it(entry))
    }

    pub(super) fn entry(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Entry<'_, T> {
        self.parts[part(hash)].entry(hash, |entry| entry.hash() == hash && is_it(entry), Hashed::hash)
    }

    /// Of what is not there yet.
    pub(super) fn insert(&mut self, entry: T) {
        let hash = entry.hash();
        self.parts[part(hash)].insert_unique(hash, entry, Hashed::hash);
    }

    pub(super) fn remove(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) {
        let part = &mut self.parts[part(hash)];
        let found = part.find_entry(hash, |entry| entry.hash() == hash && is_it(entry));
        if let Ok(entry) = found {
            entry.remove();
        }
        let (length, capacity) = (part.len(), part.capacity());
        if length == 0 {
            *part = HashTable::new();
        } else if super::is_sparse(length, capacity) {
            part.shrink_to(length * 2, Hashed::hash);
        }
    }
}

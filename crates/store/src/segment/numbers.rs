//! Which subject has which number, for as long as subjects are added to a directory.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// Finds numbers by names, which are kept elsewhere. Peers give the names: how they are hashed is secret.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    table: HashTable<u32>,
    hasher: RandomState,
}

impl Numbers {
    /// The number of a name; `name_of` says which names the numbers stand for.
    pub(super) fn find<'a>(&self, name: &[u8], name_of: impl Fn(u32) -> &'a [u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(name);
        self.table.find(hash, |number| name_of(*number) == name).copied()
    }

    /// Adds a number that stands for a name that has none.
    pub(super) fn insert<'a>(&mut self, number: u32, name: &[u8], name_of: impl Fn(u32) -> &'a [u8]) {
        let hash_of = |number: &u32| self.hasher.hash_one(name_of(*number));
        self.table
            .insert_unique(self.hasher.hash_one(name), number, hash_of);
    }

    /// About how many bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        self.table.capacity() * 6
    }
}

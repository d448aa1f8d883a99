//! What the streams of an account come to, by how often they are replicated: asked for with each stream that is made, however
//! many there are.

use super::Registered;
use crate::config::Storage;
use std::collections::BTreeMap;

/// Of all streams, by the number of their replicas.
#[derive(Debug, Default)]
pub(super) struct Totals(BTreeMap<isize, Total>);

/// Of the streams with so many replicas.
#[derive(Debug, Clone, Copy, Default)]
struct Total {
    streams: usize,
    consumers: usize,
    /// How many bytes they may have in memory, and in files. More than a number of bytes may be: what is limited to as much
    /// as there can be is added up, too.
    memory: i128,
    storage: i128,
}

impl Totals {
    /// A stream is added.
    pub(super) fn add(&mut self, stream: &Registered) {
        let bytes = i128::from(stream.config.max_bytes.max(0));
        let total = self.0.entry(stream.config.replicas.max(1)).or_default();
        total.streams += 1;
        total.consumers += stream.consumers;
        *total.bytes(stream.config.storage) += bytes;
    }

    /// A stream that was added has gone, or is to be something else.
    pub(super) fn take(&mut self, stream: &Registered) {
        let bytes = i128::from(stream.config.max_bytes.max(0));
        let replicas = stream.config.replicas.max(1);
        let Some(total) = self.0.get_mut(&replicas) else {
            return;
        };
        total.streams -= 1;
        total.consumers -= stream.consumers;
        *total.bytes(stream.config.storage) -= bytes;
        if total.streams == 0 {
            self.0.remove(&replicas);
        }
    }

    /// How many streams there are that have as many replicas as that is true of.
    pub(super) fn streams(&self, is_counted: impl Fn(isize) -> bool) -> usize {
        self.of(is_counted).map(|(_, total)| total.streams).sum()
    }

    /// How many consumers these have.
    pub(super) fn consumers(&self, is_counted: impl Fn(isize) -> bool) -> usize {
        self.of(is_counted).map(|(_, total)| total.consumers).sum()
    }

    /// How many bytes they may have in such a storage; with all replicas, or once.
    pub(super) fn reserved(
        &self,
        storage: Storage,
        with_replicas: bool,
        is_counted: impl Fn(isize) -> bool,
    ) -> i128 {
        let bytes = self.of(is_counted).map(|(replicas, mut total)| {
            let bytes = *total.bytes(storage);
            match with_replicas {
                true => bytes.saturating_mul(replicas as i128),
                false => bytes,
            }
        });
        bytes.fold(0, i128::saturating_add)
    }

    fn of(&self, is_counted: impl Fn(isize) -> bool) -> impl Iterator<Item = (isize, Total)> {
        let counted = self.0.iter().filter(move |(replicas, _)| is_counted(**replicas));
        counted.map(|(replicas, total)| (*replicas, *total))
    }
}

impl Total {
    fn bytes(&mut self, storage: Storage) -> &mut i128 {
        match storage {
            Storage::Memory => &mut self.memory,
            Storage::File => &mut self.storage,
        }
    }
}

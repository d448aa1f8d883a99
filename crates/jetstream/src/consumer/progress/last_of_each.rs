//! The last messages of their subjects that a consumer begins with: there may be millions, of which each takes two bytes or less.

use super::encoding::{get, put};
use crate::stream::entry::NoEntries;
use bytes::{Buf, Bytes};
use roaring::RoaringTreemap;

/// What is written in the place of how many there are where all of them follow as they are held.
const AS_HELD: u64 = u64::MAX;

/// If there are fewer they are written one by one.
const MANY: u64 = 1024;

/// Sequences of the last messages of their subjects.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LastOfEach {
    sequences: RoaringTreemap,
    count: u64,
}

impl LastOfEach {
    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn contains(&self, sequence: u64) -> bool {
        self.sequences.contains(sequence)
    }

    pub(crate) fn first(&self) -> Option<u64> {
        self.sequences.min()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        self.sequences.iter()
    }

    pub(crate) fn insert(&mut self, sequence: u64) {
        self.count += u64::from(self.sequences.insert(sequence));
    }

    /// Whether it was there.
    pub(crate) fn remove(&mut self, sequence: u64) -> bool {
        let was_there = self.sequences.remove(sequence);
        self.count -= u64::from(was_there);
        was_there
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Writes them. Of many it is a copy of what is held: a checkpoint is not to take longer for each of them.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        if self.count >= MANY {
            put(out, AS_HELD);
            put(out, self.sequences.serialized_size() as u64);
            if self.sequences.serialize_into(&mut *out).is_ok() {
                return;
            }
            // Memory takes all that is written.
            out.truncate(start);
        }
        put(out, self.count);
        let mut before = 0;
        for sequence in self.iter() {
            put(out, sequence - before);
            before = sequence;
        }
    }

    /// Reads what was written, in either form.
    pub(super) fn decode(from: &mut Bytes) -> Result<Self, NoEntries> {
        let count = get(from)?;
        if count == AS_HELD {
            let length = usize::try_from(get(from)?).map_err(|_| NoEntries)?;
            if length > from.remaining() {
                return Err(NoEntries);
            }
            let sequences = RoaringTreemap::deserialize_from(&*from.split_to(length));
            let sequences = sequences.map_err(|_| NoEntries)?;
            let count = sequences.len();
            return Ok(Self { sequences, count });
        }
        if count > from.remaining() as u64 {
            return Err(NoEntries);
        }
        let (mut last_of_each, mut before) = (Self::default(), 0_u64);
        for _ in 0..count {
            before = before.checked_add(get(from)?).ok_or(NoEntries)?;
            last_of_each.insert(before);
        }
        Ok(last_of_each)
    }
}

impl FromIterator<u64> for LastOfEach {
    fn from_iter<T: IntoIterator<Item = u64>>(sequences: T) -> Self {
        let mut last_of_each = Self::default();
        sequences
            .into_iter()
            .for_each(|sequence| last_of_each.insert(sequence));
        last_of_each
    }
}

#[cfg(test)]
mod tests {
    use super::{LastOfEach, MANY};
    use bytes::Bytes;

    #[test]
    fn few_and_many_are_what_they_were_and_any_bytes_are_survived() {
        for count in [0, 1, 5, MANY - 1, MANY, 5 * MANY] {
            let mut wanted: LastOfEach = (1..=count).map(|number| number * 7919 % 100_003).collect();
            wanted.insert(1 << 40);
            wanted.remove(1 << 40);
            assert_eq!(wanted.len(), count);
            let mut out = Vec::new();
            wanted.encode(&mut out);
            let mut bytes = Bytes::from(out);
            for end in [0, bytes.len() / 2, bytes.len() - 1] {
                assert!(LastOfEach::decode(&mut bytes.slice(..end)).is_err());
            }
            assert_eq!(LastOfEach::decode(&mut bytes), Ok(wanted));
            assert!(bytes.is_empty());
        }
    }

    #[test]
    fn many_take_two_bytes_each() {
        let many: LastOfEach = (1..=100_000).map(|number| number * 10).collect();
        let mut out = Vec::new();
        many.encode(&mut out);
        assert!(out.len() < 210_000, "{}", out.len());
    }
}

//! Which messages have been seen: those with an id that came within the window.

use super::entry::{NoEntries, get_bytes, get_length, put_bytes, put_length};
use crate::time::Time;
use bytes::{Buf, BufMut, Bytes};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// The ids that came within the window, and the sequences that they got.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    sequences: HashMap<Bytes, u64, RandomState>,
    /// In the order in which they came.
    seen: VecDeque<(Time, u64, Bytes)>,
}

impl Duplicates {
    /// The sequence of the message with that id, if it came within the window.
    pub(super) fn find(&self, id: &[u8], window: i64, now: Time) -> Option<u64> {
        let sequence = *self.sequences.get(id)?;
        let at = self.seen.partition_point(|(_, seen, _)| *seen < sequence);
        let (time, ..) = self.seen.get(at)?;
        (now.since(*time) < window).then_some(sequence)
    }

    /// A message with that id has come. It counts from now on, and those no longer that came before the window.
    pub(super) fn note(&mut self, id: &[u8], sequence: u64, window: i64, now: Time) {
        self.forget(window, now);
        if window > 0 {
            // A copy: the header block that it is in would be kept as long.
            let id = Bytes::copy_from_slice(id);
            self.sequences.insert(id.clone(), sequence);
            self.seen.push_back((now, sequence, id));
        }
    }

    /// Forgets what came before the window.
    pub(super) fn forget(&mut self, window: i64, now: Time) {
        while let Some((time, sequence, _)) = self.seen.front()
            && now.since(*time) >= window
        {
            let sequence = *sequence;
            if let Some((.., id)) = self.seen.pop_front()
                && self.sequences.get(&id) == Some(&sequence)
            {
                self.sequences.remove(&id);
            }
        }
    }

    /// When there is something to forget.
    pub(super) fn due(&self, window: i64) -> Option<Time> {
        self.seen.front().map(|(time, ..)| time.after(window))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_length(out, self.seen.len());
        for (time, sequence, id) in &self.seen {
            out.put_i64_le(time.0);
            out.put_u64_le(*sequence);
            put_bytes(out, id);
        }
    }

    pub(super) fn decode(from: &mut Bytes) -> Result<Self, NoEntries> {
        let mut duplicates = Self::default();
        for _ in 0..get_length(from)? {
            let time = Time(from.try_get_i64_le().map_err(|_| NoEntries)?);
            let sequence = from.try_get_u64_le().map_err(|_| NoEntries)?;
            let id = Bytes::copy_from_slice(&get_bytes(from)?);
            duplicates.sequences.insert(id.clone(), sequence);
            duplicates.seen.push_back((time, sequence, id));
        }
        Ok(duplicates)
    }
}

#[cfg(test)]
mod tests {
    use super::Duplicates;
    use crate::time::Time;

    #[test]
    fn are_known_for_as_long_as_the_window() {
        let mut seen = Duplicates::default();
        seen.note(b"a", 1, 10, Time(0));
        seen.note(b"b", 2, 10, Time(5));
        assert_eq!(seen.find(b"a", 10, Time(9)), Some(1));
        assert_eq!(seen.find(b"a", 10, Time(10)), None);
        assert_eq!(seen.due(10), Some(Time(10)));
        seen.note(b"a", 3, 10, Time(12));
        assert_eq!(seen.find(b"a", 10, Time(13)), Some(3));
        assert_eq!(seen.find(b"b", 10, Time(14)), Some(2));
        let mut bytes = Vec::new();
        seen.encode(&mut bytes);
        let again = Duplicates::decode(&mut bytes.into()).unwrap();
        assert_eq!(again.find(b"a", 10, Time(13)), Some(3));
        seen.forget(10, Time(30));
        assert_eq!((seen.due(10), seen.find(b"a", 100, Time(13))), (None, None));
        // Without a window nothing is noted.
        seen.note(b"c", 4, 0, Time(40));
        assert_eq!(seen.due(0), None);
    }
}

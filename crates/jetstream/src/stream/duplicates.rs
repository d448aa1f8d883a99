//! Which messages have been seen: those with an id that came within the window.
//!
//! For dead letters only that time counts in which the stream is at work: who publishes them again after a crash does so when it
//! is over, however long it took.

use super::dead_letters::is_letter;
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
    /// The same of dead letters.
    letters: VecDeque<(Time, u64, Bytes)>,
}

impl Duplicates {
    /// The sequence of the message with that id, if it came within the window.
    pub(super) fn find(&self, id: &[u8], window: i64, now: Time) -> Option<u64> {
        let sequence = *self.sequences.get(id)?;
        let seen = match is_letter(id) {
            true => &self.letters,
            false => &self.seen,
        };
        let at = seen.partition_point(|(_, seen, _)| *seen < sequence);
        let (time, ..) = seen.get(at)?;
        (now.since(*time) < window).then_some(sequence)
    }

    /// A message with that id has come. It counts from now on, and those no longer that came before the window.
    pub(super) fn note(&mut self, id: &[u8], sequence: u64, window: i64, now: Time) {
        // Dead letters are not forgotten because of what the log says of times: the stream may have rested meanwhile.
        forget(&mut self.seen, &mut self.sequences, window, now);
        if window > 0 {
            // A copy: the header block that it is in would be kept as long.
            self.put(now, sequence, Bytes::copy_from_slice(id));
        }
    }

    fn put(&mut self, time: Time, sequence: u64, id: Bytes) {
        let seen = match is_letter(&id) {
            true => &mut self.letters,
            false => &mut self.seen,
        };
        seen.push_back((time, sequence, id.clone()));
        self.sequences.insert(id, sequence);
    }

    /// The stream begins to work: the window of dead letters does.
    pub(super) fn begin(&mut self, now: Time) {
        for (time, ..) in &mut self.letters {
            *time = now.max(*time);
        }
    }

    /// Forgets what came before the window.
    pub(super) fn forget(&mut self, window: i64, now: Time) {
        forget(&mut self.seen, &mut self.sequences, window, now);
        forget(&mut self.letters, &mut self.sequences, window, now);
    }

    /// When there is something to forget.
    pub(super) fn due(&self, window: i64) -> Option<Time> {
        let firsts = [self.seen.front(), self.letters.front()];
        let due = firsts.into_iter().flatten().map(|(time, ..)| time.after(window));
        due.min()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_length(out, self.seen.len() + self.letters.len());
        for (time, sequence, id) in self.seen.iter().chain(&self.letters) {
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
            duplicates.put(time, sequence, Bytes::copy_from_slice(&get_bytes(from)?));
        }
        Ok(duplicates)
    }
}

/// Forgets what came before the window.
fn forget(
    seen: &mut VecDeque<(Time, u64, Bytes)>,
    sequences: &mut HashMap<Bytes, u64, RandomState>,
    window: i64,
    now: Time,
) {
    while let Some((time, sequence, _)) = seen.front()
        && now.since(*time) >= window
    {
        let sequence = *sequence;
        if let Some((.., id)) = seen.pop_front()
            && sequences.get(&id) == Some(&sequence)
        {
            sequences.remove(&id);
        }
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
        // That a dead letter was seen is forgotten once the stream has worked for as long as the window.
        let letter = b"vagus.dead_letter-x";
        seen.note(letter, 5, 10, Time(31));
        seen.note(b"d", 6, 10, Time(1000));
        let mut bytes = Vec::new();
        seen.encode(&mut bytes);
        let mut seen = Duplicates::decode(&mut bytes.into()).unwrap();
        seen.begin(Time(2000));
        assert_eq!(seen.find(b"d", 10, Time(2000)), None);
        assert_eq!(seen.find(letter, 10, Time(2009)), Some(5));
        seen.forget(10, Time(2009));
        assert_eq!(seen.due(10), Some(Time(2010)));
        seen.forget(10, Time(2010));
        assert_eq!((seen.due(10), seen.find(letter, 10, Time(2009))), (None, None));
        // Without a window nothing is noted.
        seen.note(b"c", 4, 0, Time(40));
        assert_eq!(seen.due(0), None);
    }
}

//! Where those are who ask again and again for what follows: what a filter matches in a segment is found out once.

use bytes::Bytes;
use std::collections::VecDeque;
use vagus_store::messages::Cursor;

/// How many are remembered.
const AT_MOST: usize = 16;

/// Cursors by their patterns, the one that was used last in front.
#[derive(Debug, Default)]
pub(super) struct Cursors(VecDeque<(Bytes, Cursor)>);

impl Cursors {
    /// Asks with a cursor for a pattern, which is moved to a sequence.
    pub(super) fn with<T>(&mut self, pattern: &[u8], from: u64, ask: impl FnOnce(&mut Cursor) -> T) -> T {
        let known = self.0.iter().position(|(known, _)| *known == pattern);
        let found = known.and_then(|place| self.0.remove(place));
        let (pattern, mut cursor) = found.unwrap_or_else(|| {
            let cursor = Cursor::new(super::filters(pattern), from);
            (Bytes::copy_from_slice(pattern), cursor)
        });
        cursor.seek(from);
        let answer = ask(&mut cursor);
        self.0.push_front((pattern, cursor));
        self.0.truncate(AT_MOST);
        answer
    }

    /// One that has come to a sequence and does not match everything: the one that was used last.
    pub(super) fn at(&mut self, sequence: u64) -> Option<&mut Cursor> {
        let mut cursors = self.0.iter_mut();
        let found =
            cursors.find(|(pattern, cursor)| *pattern != super::EVERYTHING && cursor.position() == sequence);
        found.map(|(_, cursor)| cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::Cursors;

    #[test]
    fn who_has_come_to_a_sequence_is_found() {
        let mut cursors = Cursors::default();
        for (pattern, from) in [(&b"a"[..], 5), (b"b", 7), (b"c", 5), (b">", 6)] {
            cursors.with(pattern, from, |_| ());
        }
        assert!(cursors.at(6).is_none());
        cursors.at(5).unwrap().seek(6);
        // The other one that was there.
        cursors.with(b"a", 8, |cursor| assert_eq!(cursor.position(), 8));
        cursors.with(b"c", 6, |_| ());
        assert!(cursors.at(5).is_none());
    }
}

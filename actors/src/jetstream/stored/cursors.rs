//! Where those are who ask again and again for what follows: what a filter matches in a segment is found out once.

use bytes::Bytes;
use std::collections::VecDeque;
use vagus_jetstream::held::EVERYTHING;
use vagus_routing::subject::matches;
use vagus_store::messages::Cursor;

/// Between patterns that are asked for together: no subject has it.
const SEPARATOR: u8 = b'\n';

/// Several patterns as one, which a cursor is known by.
pub(super) fn together(patterns: &[Bytes]) -> Vec<u8> {
    patterns.join(&SEPARATOR)
}

/// The patterns that are asked for together.
pub(super) fn apart(patterns: &[u8]) -> impl Iterator<Item = &[u8]> {
    patterns.split(|byte| *byte == SEPARATOR)
}

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

    /// One whose pattern a subject matches, and not everything does: the one that was used last.
    pub(super) fn of(&mut self, subject: &[u8]) -> Option<&mut Cursor> {
        let mut cursors = self.0.iter_mut();
        let is_match = |patterns: &[u8]| apart(patterns).any(|pattern| matches(pattern, subject));
        let found = cursors.find(|(patterns, _)| *patterns != EVERYTHING && is_match(patterns));
        found.map(|(_, cursor)| cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::Cursors;

    #[test]
    fn who_follows_a_subject_is_found() {
        let mut cursors = Cursors::default();
        for (pattern, from) in [(&b"a.*"[..], 5), (b"b", 7), (b"a.1", 6), (b">", 6)] {
            cursors.with(pattern, from, |_| ());
        }
        assert!(cursors.of(b"c").is_none());
        let mut positions = |subject: &[u8]| cursors.of(subject).map(|cursor| cursor.position());
        assert_eq!(positions(b"a.2"), Some(5));
        // The one that was used last.
        assert_eq!(positions(b"a.1"), Some(6));
        cursors.with(b"a.*", 8, |_| ());
        assert_eq!(cursors.of(b"a.1").map(|cursor| cursor.position()), Some(8));
    }
}

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
}

//! What the consumers of a stream want: where that decides what is kept.

use bytes::Bytes;
use std::collections::BTreeMap;
use vagus_routing::subject::matches;

/// What the consumers of a stream want.
#[derive(Debug, Default)]
pub struct Interest {
    /// The patterns of their filters, and how many have each.
    patterns: BTreeMap<Bytes, usize>,
}

impl Interest {
    /// A consumer wants what a pattern matches.
    pub fn add(&mut self, pattern: &[u8]) {
        *self.patterns.entry(Bytes::copy_from_slice(pattern)).or_default() += 1;
    }

    /// One no longer does.
    pub fn remove(&mut self, pattern: &[u8]) {
        if let Some(consumers) = self.patterns.get_mut(pattern) {
            *consumers -= 1;
            if *consumers == 0 {
                self.patterns.remove(pattern);
            }
        }
    }

    /// Whether some consumer wants messages about this.
    pub fn wants(&self, subject: &[u8]) -> bool {
        self.patterns.keys().any(|pattern| matches(pattern, subject))
    }
}

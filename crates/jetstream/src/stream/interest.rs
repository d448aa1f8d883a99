//! What the consumers of a stream want: where that decides what is kept.

use bytes::Bytes;
use std::collections::BTreeMap;
use vagus_routing::subject::{has_wildcards, matches};

/// What the consumers of a stream want: their filters, and how many have each.
#[derive(Debug, Default)]
pub struct Interest {
    subjects: BTreeMap<Bytes, usize>,
    patterns: BTreeMap<Bytes, usize>,
}

impl Interest {
    fn alike(&mut self, filter: &[u8]) -> &mut BTreeMap<Bytes, usize> {
        match has_wildcards(filter) {
            true => &mut self.patterns,
            false => &mut self.subjects,
        }
    }

    /// A consumer wants what a filter matches.
    pub fn add(&mut self, filter: &[u8]) {
        let consumers = self.alike(filter).entry(Bytes::copy_from_slice(filter));
        *consumers.or_default() += 1;
    }

    /// One no longer does.
    pub fn remove(&mut self, filter: &[u8]) {
        let alike = self.alike(filter);
        if let Some(consumers) = alike.get_mut(filter) {
            *consumers -= 1;
            if *consumers == 0 {
                alike.remove(filter);
            }
        }
    }

    /// Whether some consumer wants messages about this.
    pub fn wants(&self, subject: &[u8]) -> bool {
        self.subjects.contains_key(subject) || self.patterns.keys().any(|pattern| matches(pattern, subject))
    }
}

#[cfg(test)]
mod tests {
    use super::Interest;

    #[test]
    fn is_that_of_all_who_are_left() {
        let mut interest = Interest::default();
        assert!(!interest.wants(b"a.b"));
        for filter in ["a.b", "a.b", "a.*", ">"] {
            interest.add(filter.as_bytes());
        }
        assert!(interest.wants(b"a.b") && interest.wants(b"a.c") && interest.wants(b"d"));
        interest.remove(b">");
        interest.remove(b"a.*");
        interest.remove(b"a.b");
        assert!(interest.wants(b"a.b") && !interest.wants(b"a.c") && !interest.wants(b"d"));
        interest.remove(b"a.b");
        interest.remove(b"a.b");
        assert!(!interest.wants(b"a.b"));
    }
}

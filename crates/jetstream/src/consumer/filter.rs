//! Which messages of its stream a consumer wants.

use super::progress::LastOfEach;
use crate::held::{Cold, EVERYTHING, Messages};
use bytes::Bytes;
use std::ops::ControlFlow;
use vagus_routing::subject::{is_subset, matches};

/// Which messages a consumer wants.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// None: all of them.
    patterns: Vec<Bytes>,
}

/// Messages that were looked for.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Their sequences, in order.
    pub(crate) sequences: Vec<u64>,
    /// All of them are there up to this one.
    pub(crate) up_to: u64,
}

impl Filter {
    pub(crate) fn new<'a>(patterns: impl Iterator<Item = &'a str>) -> Self {
        let mut patterns: Vec<Bytes> = patterns
            .map(|pattern| Bytes::copy_from_slice(pattern.as_bytes()))
            .collect();
        if patterns.iter().any(|pattern| pattern == EVERYTHING) {
            patterns.clear();
        }
        Self { patterns }
    }

    /// What it matches, as patterns.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &[u8]> {
        let everything = self.patterns.is_empty().then_some(EVERYTHING);
        everything
            .into_iter()
            .chain(self.patterns.iter().map(|pattern| &**pattern))
    }

    pub(crate) fn matches(&self, subject: &[u8]) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| matches(pattern, subject))
    }

    /// Whether all that it matches is also matched by a pattern.
    pub(crate) fn is_within(&self, pattern: &[u8]) -> bool {
        self.patterns().all(|one| is_subset(one, pattern))
    }

    /// The first messages from one sequence up to another that it matches: so many, or all.
    pub(crate) fn find<M: Messages>(
        &self,
        held: &M,
        from: u64,
        last: u64,
        at_most: usize,
    ) -> Result<Found, Cold> {
        let mut found = Found {
            sequences: Vec::new(),
            up_to: last,
        };
        found.sequences = match &*self.patterns {
            [] => held.sequences(EVERYTHING, from..=last, at_most),
            [pattern] => held.sequences(pattern, from..=last, at_most),
            // All at once: what has to be looked through is looked through once.
            patterns => held.sequences_of(patterns, from..=last, at_most),
        };
        found.up_to = complete_up_to(&found.sequences, at_most, last);
        Ok(found)
    }

    /// How many messages from a sequence on it matches.
    pub(crate) fn count<M: Messages>(&self, held: &M, from: u64) -> Result<u64, Cold> {
        Ok(match &*self.patterns {
            [] => held.count_matching(EVERYTHING, from),
            [pattern] => held.count_matching(pattern, from),
            patterns => held.count_of(patterns, from),
        })
    }

    /// The last sequence that it matches.
    pub(crate) fn last<M: Messages>(&self, held: &M) -> Option<u64> {
        let of_each = self.patterns().filter_map(|pattern| held.last(pattern, u64::MAX));
        of_each.max()
    }

    /// The last message of each subject that it matches.
    pub(crate) fn last_of_each<M: Messages>(&self, held: &M) -> LastOfEach {
        let mut last = LastOfEach::default();
        for pattern in self.patterns() {
            held.for_each_subject(pattern, &mut |_, of_it| {
                last.insert(of_it.last);
                ControlFlow::Continue(())
            });
        }
        last
    }
}

/// Up to where sequences are all there are, if no more than so many were asked for.
fn complete_up_to(sequences: &[u64], at_most: usize, last: u64) -> u64 {
    match sequences.last() {
        Some(found) if sequences.len() >= at_most => *found,
        _ => last,
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use crate::config::Storage;
    use crate::held::{InMemory, Messages};
    use crate::message::Message;

    fn held(subjects: &[&'static str]) -> InMemory {
        let mut held = InMemory::new(Storage::Memory);
        for (sequence, subject) in (1..).zip(subjects) {
            held.insert(Message {
                sequence,
                subject: subject.as_bytes().into(),
                ..Message::default()
            });
        }
        held
    }

    #[test]
    fn one_message_counts_once_however_many_patterns_match_it() {
        let held = held(&["a.b", "a.c", "b.b", "a.b", "c.b", "c.c", "a.b"]);
        let filter = Filter::new(["a.*", "*.b"].into_iter());
        assert_eq!(filter.count(&held, 0), Ok(6));
        assert_eq!(filter.count(&held, 3), Ok(4));
        assert_eq!(filter.find(&held, 2, 7, 99).unwrap().sequences, [2, 3, 4, 5, 7]);
        let found = filter.find(&held, 2, 7, 2).unwrap();
        assert_eq!((&*found.sequences, found.up_to), (&[2, 3][..], 3));
        assert_eq!(filter.last(&held), Some(7));
        assert_eq!(
            filter.last_of_each(&held).iter().collect::<Vec<_>>(),
            [2, 3, 5, 7]
        );
    }

    #[test]
    fn what_is_found_is_all_up_to_where_it_says() {
        let held = held(&["a", "b", "a", "c", "b", "a", "b"]);
        let filter = Filter::new(["a", "b"].into_iter());
        let found = filter.find(&held, 1, 7, 3).unwrap();
        assert_eq!((&*found.sequences, found.up_to), (&[1, 2, 3][..], 3));
        let found = filter.find(&held, 4, 7, 3).unwrap();
        assert_eq!((&*found.sequences, found.up_to), (&[5, 6, 7][..], 7));
        let found = Filter::new([].into_iter()).find(&held, 3, 5, 9).unwrap();
        assert_eq!((&*found.sequences, found.up_to), (&[3, 4, 5][..], 5));
    }
}

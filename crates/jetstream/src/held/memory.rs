//! Messages in memory.

use super::{Cold, Messages, OfSubject, Removed, SubjectCursor};
use crate::config::Storage;
use crate::message::Message;
use crate::time::Time;
use bytes::Bytes;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::ops::{Bound, ControlFlow, RangeInclusive};
use vagus_routing::subject::{has_wildcards, matches};

/// So many messages that follow each other are kept together.
const TOGETHER: u64 = 4;

/// Messages in memory.
#[derive(Debug, Default)]
pub struct InMemory {
    messages: BTreeMap<u64, Message>,
    /// The sequences of each subject's messages, in their order; never none.
    by_subject: BTreeMap<Bytes, VecDeque<u64>>,
    bytes: u64,
    storage: Storage,
}

/// Is told of a subject, and of the sequences of its messages.
type Visit<'a> = dyn FnMut(&[u8], &VecDeque<u64>) -> ControlFlow<()> + 'a;

impl InMemory {
    /// None yet. They are counted as those of a storage are.
    pub fn new(storage: Storage) -> Self {
        Self {
            storage,
            ..Self::default()
        }
    }

    /// The subjects that a pattern matches, with their sequences.
    fn matching(&self, pattern: &[u8]) -> impl Iterator<Item = (&Bytes, &VecDeque<u64>)> {
        let is_literal = !has_wildcards(pattern);
        let beginning = literal_beginning(pattern);
        let from = Bound::Included(beginning);
        (self.by_subject.range::<[u8], _>((from, Bound::Unbounded)))
            .take_while(move |(subject, _)| subject.starts_with(beginning))
            .filter(move |(subject, _)| **subject == pattern || (!is_literal && matches(pattern, subject)))
            .take(if is_literal { 1 } else { usize::MAX })
    }

    fn walk(&self, pattern: &[u8], cursor: &mut SubjectCursor, work: &mut usize, visit: &mut Visit<'_>) {
        let behind = (Bound::Excluded(&*cursor.after), Bound::Unbounded);
        for (subject, sequences) in self.by_subject.range::<[u8], _>(behind) {
            if *work == 0 {
                return;
            }
            *work -= 1;
            cursor.after = subject.to_vec();
            if !matches(pattern, subject) {
                continue;
            }
            if cursor.skip > 0 {
                cursor.skip -= 1;
            } else if visit(subject, sequences).is_break() {
                return;
            }
        }
        cursor.is_at_end = true;
    }
}

/// What all subjects begin with that a pattern matches.
fn literal_beginning(pattern: &[u8]) -> &[u8] {
    let mut at = 0;
    for token in pattern.split(|byte| *byte == b'.') {
        if token == b"*" || token == b">" {
            return pattern.get(..at).unwrap_or_default();
        }
        at += token.len() + 1;
    }
    pattern
}

fn is_everything(pattern: &[u8]) -> bool {
    pattern == b">"
}

fn of_subject(sequences: &VecDeque<u64>) -> Option<OfSubject> {
    Some(OfSubject {
        messages: sequences.len() as u64,
        first: *sequences.front()?,
        last: *sequences.back()?,
    })
}

impl Messages for InMemory {
    fn count(&self) -> u64 {
        self.messages.len() as u64
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn subjects(&self) -> u64 {
        self.by_subject.len() as u64
    }

    fn insert(&mut self, message: Message) {
        self.bytes += message.size(self.storage);
        match self.by_subject.get_mut(&message.subject) {
            Some(sequences) => sequences.push_back(message.sequence),
            None => {
                let sequences = VecDeque::from([message.sequence]);
                self.by_subject.insert(message.subject.clone(), sequences);
            }
        }
        self.messages.insert(message.sequence, message);
    }

    fn remove(&mut self, sequence: u64, _: bool) -> Option<Removed> {
        let message = self.messages.remove(&sequence)?;
        let size = message.size(self.storage);
        self.bytes -= size;
        if let Some(sequences) = self.by_subject.get_mut(&message.subject) {
            match sequences.front() == Some(&sequence) {
                true => drop(sequences.pop_front()),
                false => {
                    if let Ok(at) = sequences.binary_search(&sequence) {
                        sequences.remove(at);
                    }
                }
            }
            if sequences.is_empty() {
                self.by_subject.remove(&message.subject);
            }
        }
        let subject = message.subject;
        Some(Removed { subject, size })
    }

    fn remove_beginning(&mut self, up_to: u64, may_go: &dyn Fn(u64, u64) -> bool) -> Option<(u64, u64)> {
        let (first, last) = (self.messages.first_key_value()?, self.messages.last_key_value()?);
        let together_up_to = first.0.next_multiple_of(TOGETHER);
        if together_up_to > up_to.min(last.0 - 1) {
            return None;
        }
        let together = self.messages.range(..=together_up_to);
        let sequences: Vec<u64> = together.clone().map(|(sequence, _)| *sequence).collect();
        let bytes = together.map(|(_, message)| message.size(self.storage)).sum();
        let gone = (sequences.len() as u64, bytes);
        may_go(gone.0, gone.1).then(|| {
            for sequence in sequences {
                self.remove(sequence, false);
            }
            gone
        })
    }

    fn clear(&mut self) {
        *self = Self::new(self.storage);
    }

    fn get(&self, sequence: u64) -> Result<Option<Message>, Cold> {
        Ok(self.messages.get(&sequence).cloned())
    }

    fn subject_of(&self, sequence: u64) -> Option<Bytes> {
        self.messages
            .get(&sequence)
            .map(|message| message.subject.clone())
    }

    fn time_of(&self, sequence: u64) -> Option<Time> {
        self.messages.get(&sequence).map(|message| message.time)
    }

    fn next(&self, pattern: &[u8], from: u64) -> Option<u64> {
        if is_everything(pattern) {
            return self.messages.range(from..).next().map(|(sequence, _)| *sequence);
        }
        (self.matching(pattern))
            .filter_map(|(_, sequences)| sequences.get(sequences.partition_point(|one| *one < from)))
            .min()
            .copied()
    }

    fn last(&self, pattern: &[u8], up_to: u64) -> Option<u64> {
        if is_everything(pattern) {
            return self
                .messages
                .range(..=up_to)
                .next_back()
                .map(|(sequence, _)| *sequence);
        }
        (self.matching(pattern))
            .filter_map(|(_, sequences)| {
                let behind = sequences.partition_point(|one| *one <= up_to);
                sequences.get(behind.checked_sub(1)?)
            })
            .max()
            .copied()
    }

    fn at_or_after(&self, time: Time) -> Option<u64> {
        // Times never go back: halve what is left until it is short.
        let (mut low, mut high) = (*self.messages.keys().next()?, *self.messages.keys().next_back()?);
        if self.time_of(high).is_some_and(|last| last < time) {
            return None;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            let (found, message) = self.messages.range(middle..).next()?;
            match message.time < time {
                true => low = found + 1,
                false => high = middle,
            }
        }
        self.messages.range(low..).next().map(|(sequence, _)| *sequence)
    }

    fn of_subject(&self, subject: &[u8]) -> Option<OfSubject> {
        self.by_subject.get(subject).and_then(of_subject)
    }

    fn count_matching(&self, pattern: &[u8], from: u64) -> u64 {
        let of_each = self.matching(pattern).map(|(_, sequences)| {
            let before = match sequences.front() {
                Some(first) if *first >= from => 0,
                _ => sequences.partition_point(|one| *one < from),
            };
            (sequences.len() - before) as u64
        });
        of_each.sum()
    }

    fn count_of(&self, patterns: &[Bytes], from: u64) -> u64 {
        self.sequences_of(patterns, from..=u64::MAX, usize::MAX).len() as u64
    }

    fn count_subjects(&self, pattern: &[u8]) -> u64 {
        self.matching(pattern).count() as u64
    }

    fn walk_counts(
        &self,
        pattern: &[u8],
        cursor: &mut SubjectCursor,
        work: &mut usize,
        visit: &mut dyn FnMut(&[u8], u64) -> ControlFlow<()>,
    ) {
        self.walk(pattern, cursor, work, &mut |subject, sequences| {
            visit(subject, sequences.len() as u64)
        });
    }

    fn walk_lasts(
        &self,
        pattern: &[u8],
        cursor: &mut SubjectCursor,
        work: &mut usize,
        visit: &mut dyn FnMut(&[u8], u64),
    ) {
        self.walk(pattern, cursor, work, &mut |subject, sequences| {
            sequences
                .back()
                .into_iter()
                .for_each(|last| visit(subject, *last));
            ControlFlow::Continue(())
        });
    }

    fn for_each_subject(&self, pattern: &[u8], visit: &mut dyn FnMut(&[u8], OfSubject) -> ControlFlow<()>) {
        for (subject, sequences) in self.matching(pattern) {
            if let Some(of_it) = of_subject(sequences)
                && visit(subject, of_it).is_break()
            {
                return;
            }
        }
    }

    fn sequences(&self, pattern: &[u8], sequences: RangeInclusive<u64>, at_most: usize) -> Vec<u64> {
        if sequences.is_empty() {
            return Vec::new();
        }
        if is_everything(pattern) {
            let all = self.messages.range(sequences).map(|(sequence, _)| *sequence);
            return all.take(at_most).collect();
        }
        // The next one of each subject; the first of these is the next of all.
        let mut next: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        let mut rests = Vec::new();
        for (_, of_it) in self.matching(pattern) {
            let mut rest = of_it.range(of_it.partition_point(|one| one < sequences.start())..);
            if let Some(first) = rest.next() {
                next.push(Reverse((*first, rests.len())));
                rests.push(rest);
            }
        }
        let mut found = Vec::new();
        while found.len() < at_most
            && let Some(Reverse((sequence, of))) = next.pop()
            && sequence <= *sequences.end()
        {
            found.push(sequence);
            if let Some(following) = rests.get_mut(of).and_then(Iterator::next) {
                next.push(Reverse((*following, of)));
            }
        }
        found
    }

    fn sequences_of(&self, patterns: &[Bytes], sequences: RangeInclusive<u64>, at_most: usize) -> Vec<u64> {
        let of_each = patterns
            .iter()
            .flat_map(|pattern| self.sequences(pattern, sequences.clone(), at_most));
        let merged: BTreeSet<u64> = of_each.collect();
        merged.into_iter().take(at_most).collect()
    }

    fn gaps(&self, first: u64, last: u64) -> Vec<u64> {
        let mut gaps = Vec::new();
        let mut expected = first;
        for (&sequence, _) in self.messages.range(first..=last.max(first)) {
            gaps.extend(expected..sequence);
            expected = sequence + 1;
        }
        gaps.extend(expected..=last);
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::{InMemory, literal_beginning};
    use crate::config::Storage;
    use crate::held::Messages;
    use crate::message::Message;
    use crate::time::Time;

    fn held(subjects: &[&'static str]) -> InMemory {
        let mut held = InMemory::new(Storage::Memory);
        for (at, subject) in subjects.iter().enumerate() {
            held.insert(Message {
                sequence: at as u64 + 1,
                time: Time(at as i64 * 10),
                subject: subject.as_bytes().into(),
                ..Message::default()
            });
        }
        held
    }

    #[test]
    fn finds_by_subject() {
        let mut held = held(&["a.x", "a.y", "b", "a.x", "a", "a.x.z"]);
        assert_eq!((held.count(), held.subjects(), held.bytes()), (6, 5, 6 * 16 + 16));
        assert_eq!(held.next(b"a.*", 2), Some(2));
        assert_eq!(held.next(b"a.x", 2), Some(4));
        assert_eq!(held.next(b"a.x", 5), None);
        assert_eq!(held.next(b">", 6), Some(6));
        assert_eq!(held.last(b"a.*", u64::MAX), Some(4));
        assert_eq!(held.last(b"a.>", u64::MAX), Some(6));
        assert_eq!(held.last(b"a.*", 3), Some(2));
        assert_eq!(held.last(b"c", u64::MAX), None);
        assert_eq!(held.count_matching(b"a.>", 2), 3);
        assert_eq!(held.count_matching(b"a..b", 0), 0);
        let removed = held.remove(4, false).unwrap();
        assert_eq!((&*removed.subject, removed.size), (&b"a.x"[..], 19));
        assert_eq!(held.remove(4, false), None);
        assert_eq!(held.of_subject(b"a.x").map(|of_it| of_it.last), Some(1));
        held.remove(1, false);
        assert_eq!(held.of_subject(b"a.x"), None);
        assert_eq!(held.sequences(b"a.>", 1..=u64::MAX, 9), [2, 6]);
        assert_eq!(held.sequences(b">", 2..=5, 2), [2, 3]);
        assert_eq!(held.sequences(b"*", 1..=4, 9), [3]);
        assert_eq!(held.gaps(1, 6), [1, 4]);
        assert_eq!(held.gaps(2, 8), [4, 7, 8]);
    }

    #[test]
    fn finds_by_time() {
        let mut held = held(&["a"; 10]);
        assert_eq!(held.at_or_after(Time(-1)), Some(1));
        assert_eq!(held.at_or_after(Time(50)), Some(6));
        assert_eq!(held.at_or_after(Time(51)), Some(7));
        assert_eq!(held.at_or_after(Time(91)), None);
        for sequence in 4..=9 {
            held.remove(sequence, false);
        }
        assert_eq!(held.at_or_after(Time(21)), Some(10));
        assert_eq!(held.at_or_after(Time(20)), Some(3));
    }

    #[test]
    fn patterns_begin_with_what_is_literal() {
        assert_eq!(literal_beginning(b"a.b.*.c"), b"a.b.");
        assert_eq!(literal_beginning(b">"), b"");
        assert_eq!(literal_beginning(b"a.b"), b"a.b");
    }
}

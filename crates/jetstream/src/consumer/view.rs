//! What a consumer sees of its stream.

use super::progress::Subjects;
use crate::held::Messages;
use bytes::Bytes;
use std::collections::VecDeque;

/// How many messages are remembered that have gone. In tests of random commands few go.
const REMEMBERED: usize = if cfg!(test) { 4 } else { 1024 };

/// What a consumer sees of its stream.
#[derive(Debug)]
pub(crate) struct View<'a, M> {
    pub(crate) held: &'a M,
    /// The sequence of the first message, or of the next if there is none; 0 before there was any.
    pub(crate) first: u64,
    /// The last sequence that was given.
    pub(crate) last: u64,
    pub(crate) removals: &'a Removals,
}

impl<M: Messages> View<'_, M> {
    /// Whether there is a message of that sequence, by what is known without reading it.
    pub(crate) fn exists(&self, sequence: u64) -> bool {
        self.held.has(sequence)
    }
}

impl<M: Messages> Subjects for View<'_, M> {
    fn has(&self, sequence: u64) -> bool {
        self.exists(sequence)
    }

    fn subject_of(&self, sequence: u64) -> Option<Bytes> {
        self.held.subject_of(sequence)
    }

    fn next_of(&self, subject: &[u8], from: u64) -> Option<u64> {
        self.held.next(subject, from)
    }
}

/// The messages that have gone last, so that who counts need not count anew for each.
#[derive(Debug, Default)]
pub(crate) struct Removals {
    /// How many have gone before those that are remembered, and the highest sequence of these.
    forgotten: u64,
    forgotten_up_to: u64,
    /// Their sequences and subjects.
    remembered: VecDeque<(u64, Bytes)>,
}

impl Removals {
    /// One has gone.
    pub(crate) fn note(&mut self, sequence: u64, subject: Bytes) {
        if self.remembered.len() == REMEMBERED {
            let oldest = self.remembered.pop_front().map_or(0, |(sequence, _)| sequence);
            self.forgotten_up_to = self.forgotten_up_to.max(oldest);
            self.forgotten += 1;
        }
        self.remembered.push_back((sequence, subject));
    }

    /// All up to a sequence have gone.
    pub(crate) fn forget(&mut self, up_to: u64) {
        let remembered = self.remembered.iter().map(|(sequence, _)| *sequence);
        self.forgotten_up_to = remembered.fold(self.forgotten_up_to.max(up_to), u64::max);
        self.forgotten = self.count() + 1;
        self.remembered.clear();
    }

    /// How many have gone.
    pub(crate) fn count(&self) -> u64 {
        self.forgotten + self.remembered.len() as u64
    }

    /// Those from a sequence on that have gone since so many had, and others; None if some of them are forgotten.
    pub(crate) fn since(&self, count: u64, from: u64) -> Option<impl Iterator<Item = &(u64, Bytes)>> {
        let known = match count.checked_sub(self.forgotten) {
            None if self.forgotten_up_to >= from => return None,
            known => known.unwrap_or(0),
        };
        Some(self.remembered.iter().skip(usize::try_from(known).ok()?))
    }
}

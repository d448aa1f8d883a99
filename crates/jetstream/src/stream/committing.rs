//! Applying what is in the log, in parts: however much that is, others have their turns between.

use super::entry::{Entry, Store};
use super::schedule::TimeZones;
use super::{Effect, Further, Stream};
use crate::held::Messages;
use std::collections::VecDeque;

/// How much is done in one turn; a message that is stored is 2, one that goes 6: some microseconds each.
pub const COMMITTED_AT_ONCE: usize = 1500;

/// What is in the log and being applied.
#[derive(Debug, Default)]
pub(super) struct Committing {
    /// The number of the proposal.
    number: u64,
    /// That of the last one that is applied.
    applied: u64,
    /// The rest of its entries, and of a batch.
    entries: VecDeque<Entry>,
    stores: VecDeque<Store>,
    answers: Vec<Effect>,
    letters: Vec<(u64, u64)>,
    /// Whether what is ahead cannot be told before messages have gone that are going.
    is_held: bool,
}

impl<M: Messages> Stream<M> {
    /// Applies proposals up to this number, which are in the log for good, for as much work as is left.
    pub fn commit(&mut self, number: u64, zones: TimeZones<'_>, work: &mut usize) -> Further {
        loop {
            self.go_on_clearing(work);
            if self.is_clearing() {
                self.hold_ahead(true);
                return Further::More;
            }
            self.hold_ahead(false);
            if let Some(store) = self.committing.stores.pop_front() {
                self.store(store, zones, work);
                continue;
            }
            if let Some(entry) = self.committing.entries.pop_front() {
                self.commit_entry(entry, zones, work);
                continue;
            }
            self.end_of_proposal();
            if *work == 0 && self.ahead.is_in_flight(number) {
                return Further::More;
            }
            let Some(proposal) = self.ahead.committed(number) else {
                return Further::Done;
            };
            let committing = &mut self.committing;
            committing.number = proposal.number;
            committing.entries = proposal.entries.into();
            committing.answers = proposal.answers;
            committing.letters = proposal.letters;
        }
    }

    /// The number of the last proposal that is applied.
    pub fn applied_number(&self) -> u64 {
        self.committing.applied
    }

    /// Whether it is no proposal's end where [applying](Self::commit) was interrupted.
    pub fn is_half_applied(&self) -> bool {
        self.committing.applied != self.committing.number
    }

    /// The number of the proposal that is being applied, if one is.
    pub(super) fn being_applied(&self) -> Option<u64> {
        self.is_half_applied().then_some(self.committing.number)
    }

    fn end_of_proposal(&mut self) {
        let committing = &mut self.committing;
        self.effects.list.append(&mut committing.answers);
        let letters = std::mem::take(&mut committing.letters);
        committing.applied = committing.number;
        self.dead_letters.begin(letters);
    }

    /// What is being applied is given up: the stream is not used any more, or there is nothing of that kind.
    pub(super) fn give_up_committing(&mut self) {
        self.clearing = None;
        let number = self.committing.number;
        self.committing = Committing {
            number,
            applied: number,
            ..Committing::default()
        };
    }

    fn commit_entry(&mut self, entry: Entry, zones: TimeZones<'_>, work: &mut usize) {
        let next = self.last + 1;
        self.ahead.settle(&entry, next, self.config.storage);
        match entry {
            // Its messages are stored one after the other, and nothing else between.
            Entry::Batch(stores) => self.committing.stores = stores.into(),
            // What only follows what consumers have done has been done.
            entry if entry.is_behind() => {}
            entry => self.apply_in_parts(entry, zones, work),
        }
    }

    /// What is ahead cannot be told while messages are going, or can again.
    fn hold_ahead(&mut self, is_held: bool) {
        if std::mem::replace(&mut self.committing.is_held, is_held) != is_held {
            self.ahead.hold(is_held);
        }
    }
}

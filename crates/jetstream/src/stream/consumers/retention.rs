//! Which messages stay because some consumer needs them, and which go because none does.

use super::Consumers;
use super::sweep::Sweep;
use crate::config::Retention;
use crate::consumer::{Consumer, Filter};
use crate::held::Messages;
use crate::stream::Stream;
use std::collections::BTreeSet;

/// How many messages are looked at in a turn that nobody may need any more.
const LOOKED_AT: usize = 250;

/// For how many proposals that are on their way into the log no more is looked at.
const SWEPT_AHEAD: usize = 16;

impl Consumers {
    /// A consumer that needs a message.
    fn in_need_of(&self, sequence: u64, subject: &[u8]) -> Option<u64> {
        let needs = |number: u64| {
            let consumer = self.by_number.get(&number);
            consumer.is_some_and(|consumer| consumer.needs(sequence, subject))
        };
        match needs(self.last_in_need) {
            true => Some(self.last_in_need),
            false => self.wanting.find(subject, self.last_in_need, needs),
        }
    }
}

impl<M: Messages> Stream<M> {
    /// Whether a message is kept that would get this sequence.
    pub(in crate::stream) fn is_wanted(&self, sequence: u64, subject: &[u8]) -> bool {
        self.config.retention != Retention::Interest || self.consumers.in_need_of(sequence, subject).is_some()
    }

    /// Has those messages go that consumers are done with, and that no other needs.
    pub(in crate::stream) fn release_done_with(&mut self) {
        if self.consumers.done_with.is_empty() {
            return;
        }
        let done_with: BTreeSet<u64> = std::mem::take(&mut self.consumers.done_with)
            .into_iter()
            .collect();
        let unneeded = done_with
            .into_iter()
            .filter(|sequence| self.is_unneeded(*sequence));
        let unneeded: Vec<u64> = unneeded.collect();
        self.release(unneeded);
    }

    fn is_unneeded(&mut self, sequence: u64) -> bool {
        let Some(subject) = self.held.subject_of(sequence) else {
            return false;
        };
        let in_need = self.consumers.in_need_of(sequence, &subject);
        if let Some(number) = in_need {
            self.consumers.last_in_need = number;
        }
        in_need.is_none()
    }

    /// Messages from one to another that a filter matches may not be needed any more.
    pub(super) fn may_be_unneeded(&mut self, next: u64, last: u64, filter: Filter) {
        if self.config.retention == Retention::Interest && next <= last {
            self.consumers.sweeps.push_back(Sweep { next, last, filter });
        }
    }

    /// Consumers have messages go from now on: those that they are done with already are looked at. What none of them ever
    /// wanted stays, as in nats-server.
    pub(in crate::stream) fn done_with_may_be_unneeded(&mut self) {
        let consumers = self.consumers.by_number.values();
        let passed: Vec<(u64, Filter)> = consumers
            .map(|consumer| (consumer.progress.next, consumer.filter.clone()))
            .collect();
        for (next, filter) in passed {
            self.may_be_unneeded(self.first, self.last.min(next.saturating_sub(1)), filter);
        }
    }

    /// A consumer has gone: what it needed may not be any more. Without any consumer nothing is.
    pub(super) fn unneeded_without(&mut self, gone: &Consumer) {
        match self.consumers.by_number.is_empty() {
            true => self.may_be_unneeded(self.first, self.last, Filter::default()),
            false => self.may_be_unneeded(gone.first_needed(), self.last, gone.filter.clone()),
        }
    }

    pub(super) fn has_to_sweep(&self) -> bool {
        !self.consumers.sweeps.is_empty() && self.may_sweep()
    }

    /// Whether what was found is on its way into the log, but for a little: the rest is looked for when that has gone.
    fn may_sweep(&self) -> bool {
        self.ahead.in_flight() < SWEPT_AHEAD
    }

    /// Looks at some of the messages that nobody may need any more.
    pub(super) fn sweep(&mut self) {
        if !self.may_sweep() {
            return;
        }
        let Some(mut sweep) = self.consumers.sweeps.pop_front() else {
            return;
        };
        if self.config.retention != Retention::Interest {
            self.consumers.sweeps.clear();
            return;
        }
        let found = sweep.filter.find(&self.held, sweep.next, sweep.last, LOOKED_AT);
        let Ok(found) = found else {
            self.consumers.sweeps.push_back(sweep);
            return;
        };
        let unneeded = found
            .sequences
            .into_iter()
            .filter(|sequence| self.is_unneeded(*sequence));
        let unneeded: Vec<u64> = unneeded.collect();
        self.release(unneeded);
        sweep.next = found.up_to + 1;
        if sweep.next <= sweep.last {
            self.consumers.sweeps.push_front(sweep);
        }
    }

    /// The messages that consumers are done with, and that the log does not say are to go.
    pub(in crate::stream) fn done_with_and_held(&self) -> BTreeSet<u64> {
        let done_with = self.consumers.done_with.iter().copied();
        self.ahead.releasing().chain(done_with).collect()
    }

    /// Proposes again what was proposed and has come to nothing: that these messages go.
    pub(in crate::stream) fn release_again(&mut self, sequences: Vec<u64>) {
        self.consumers.done_with.extend(sequences);
    }
}

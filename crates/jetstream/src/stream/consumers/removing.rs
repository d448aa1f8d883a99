//! What consumers are told of messages that go.

use super::{AtWork, Consumers};
use crate::held::{EVERYTHING, Messages};
use crate::stream::Stream;
use bytes::Bytes;
use std::collections::BTreeSet;
use vagus_routing::subject::has_wildcards;

impl<M: Messages> Stream<M> {
    /// A message has gone.
    pub(in crate::stream) fn tell_consumers_of_removal(&mut self, sequence: u64, subject: Bytes) {
        let consumers = &mut self.consumers;
        if consumers.by_number.is_empty() {
            return;
        }
        consumers.settle();
        consumers.removals.note(sequence, subject.clone());
        for number in consumers.keepers.of(sequence, &subject) {
            let keeps = self.consumers.by_number.get(&number);
            if keeps.is_none_or(|consumer| !consumer.progress.may_keep(sequence)) {
                continue;
            }
            let has_room = self.with_consumer(number, |work| {
                let AtWork {
                    consumer,
                    view,
                    mut out,
                } = work;
                let had_room = !consumer.is_full() && !consumer.has_waiting_for_others();
                consumer.removed(sequence, &subject, &view, &mut out);
                !had_room && !consumer.is_full()
            });
            if has_room == Some(true) {
                self.consumers.make_ready(number);
            }
        }
    }

    /// The last message up to a sequence of which no consumer keeps anything, nor of those before.
    pub(in crate::stream) fn kept_by_none_up_to(&mut self, up_to: u64) -> u64 {
        self.consumers.settle();
        match self.consumers.keepers.first() {
            Some(first) => up_to.min(first.saturating_sub(1)),
            None => up_to,
        }
    }

    /// The first messages up to a sequence have gone, of which no consumer keeps anything.
    pub(in crate::stream) fn tell_consumers_of_beginning(&mut self, up_to: u64) {
        if !self.consumers.by_number.is_empty() {
            self.consumers.removals.forget(up_to);
        }
    }

    /// All messages have gone.
    pub(in crate::stream) fn tell_consumers_of_end(&mut self) {
        self.consumers.settle();
        self.consumers.removals.forget(self.last);
        for number in self.consumers.keepers.all() {
            self.with_consumer(number, |work| work.consumer.all_removed());
            self.consumers.make_ready(number);
        }
    }

    /// Messages have gone that somebody wanted to go: those that a filter matches, an empty one all.
    pub(in crate::stream) fn tell_consumers_of_purge(&mut self, filter: &Bytes) {
        let filter: &[u8] = if filter.is_empty() { EVERYTHING } else { filter };
        let first_left = match filter == EVERYTHING {
            true => self.first,
            false => self.held.next(filter, 0).unwrap_or(self.last + 1),
        };
        let first = self.first;
        self.consumers.settle();
        for number in self.consumers.concerned_by_purge(filter, first, first_left) {
            self.with_consumer(number, |work| {
                let is_within = work.consumer.filter.is_within(filter);
                work.consumer.purged(if is_within { first_left } else { first });
            });
        }
        self.consumers.settle();
    }
}

impl Consumers {
    /// How many are looked at when a message goes.
    #[cfg(test)]
    pub(in crate::stream) fn looked_at_for(&mut self, sequence: u64, subject: &[u8]) -> usize {
        self.settle();
        self.keepers.of(sequence, subject).len()
    }

    /// Those that a purge of what a filter matches concerns, in their order: who looks for messages that are gone, or was before them.
    /// `first` and `first_left` are the first messages that there still are, and that the filter matches.
    pub(in crate::stream) fn concerned_by_purge(
        &self,
        filter: &[u8],
        first: u64,
        first_left: u64,
    ) -> BTreeSet<u64> {
        let concerned = |before: u64| {
            let concerned = self.unconcerned.range(..(before, 0));
            concerned.map(|(_, number)| *number)
        };
        let mut numbers: BTreeSet<u64> = concerned(first).collect();
        if first_left > first {
            let is_within = |number: &u64| {
                let consumer = self.by_number.get(number);
                consumer.is_some_and(|consumer| consumer.filter.is_within(filter))
            };
            match has_wildcards(filter) {
                true => numbers.extend(concerned(first_left).filter(is_within)),
                // Only those that want this subject alone are within it.
                false => self.wanting.for_each_of(filter, |number| {
                    if is_within(&number) {
                        numbers.insert(number);
                    }
                }),
            }
        }
        numbers
    }
}

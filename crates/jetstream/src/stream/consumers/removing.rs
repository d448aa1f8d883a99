//! What consumers are told of messages that go.

use super::AtWork;
use crate::held::Messages;
use crate::stream::Stream;
use bytes::Bytes;

const EVERYTHING: &[u8] = b">";

impl<M: Messages> Stream<M> {
    /// A message has gone.
    pub(in crate::stream) fn tell_consumers_of_removal(&mut self, sequence: u64, subject: Bytes) {
        let consumers = &mut self.consumers;
        if consumers.by_number.is_empty() {
            return;
        }
        consumers.settle();
        consumers.removals.note(sequence, subject.clone());
        let keeping = consumers.keeping.range(..=(sequence, u64::MAX));
        let keeping: Vec<u64> = keeping.map(|(_, number)| *number).collect();
        for number in keeping {
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

    /// All messages have gone.
    pub(in crate::stream) fn tell_consumers_of_end(&mut self) {
        self.consumers.settle();
        self.consumers.removals.forget();
        let keeping: Vec<u64> = self.consumers.keeping.iter().map(|(_, number)| *number).collect();
        for number in keeping {
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
        let mut numbers: Vec<u64> = self.consumers.by_number.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            self.with_consumer(number, |work| {
                let is_within = work.consumer.filter.is_within(filter);
                work.consumer.purged(if is_within { first_left } else { first });
            });
        }
        self.consumers.settle();
    }
}

//! Consumers deliver in turns, each its share, so that none has others wait.

use super::{AtWork, moment};
use crate::config::Retention;
use crate::consumer::{Delivered, Waits};
use crate::held::{Cold, Messages};
use crate::stream::{Effect, Stream, Surroundings};

/// How many messages one consumer delivers before others do.
const SHARE: usize = 64;

/// How many turns there are before others than consumers have theirs.
const TURNS: usize = 32;

impl<M: Messages> Stream<M> {
    /// Has consumers deliver what they can. Says whether there is more to be done, which may then be done later.
    pub fn deliver(&mut self, around: &Surroundings<'_>) -> bool {
        for _ in 0..TURNS.min(self.consumers.ready.len()) {
            let Some(number) = self.consumers.ready.pop_front() else {
                break;
            };
            self.deliver_share(number, around);
        }
        self.sweep();
        self.consumers.settle();
        !self.consumers.ready.is_empty() || self.has_to_sweep()
    }

    fn deliver_share(&mut self, number: u64, around: &Surroundings<'_>) {
        let mut done_with = Vec::new();
        let delivered = self.with_consumer(number, |work| {
            let AtWork {
                consumer,
                view,
                mut out,
            } = work;
            consumer.marks.is_ready = false;
            match consumer.marks.is_resetting {
                true => None,
                false => Some(consumer.deliver(&view, moment(around), &mut out, SHARE, &mut done_with)),
            }
        });
        self.done_with(done_with);
        match delivered.flatten() {
            Some(Ok(Delivered::Share)) => self.consumers.make_ready(number),
            Some(Ok(Delivered::Until(waits))) => self.watch(number, waits),
            Some(Err(cold)) => self.read_for(number, cold),
            None => {}
        }
    }

    /// Whether a consumer is told of messages, by what it waits for.
    fn watch(&mut self, number: u64, waits: Waits) {
        let watches = match waits {
            Waits::NothingMatches | Waits::MaxAckPendingPerSubject | Waits::Pinned | Waits::Overflow => true,
            Waits::Paused
            | Waits::NobodyListens
            | Waits::FlowControl
            | Waits::NoRequest
            | Waits::MaxAckPending
            | Waits::Pace
            | Waits::Reading => false,
        };
        let consumers = &mut self.consumers;
        let Some(consumer) = consumers.by_number.get_mut(&number) else {
            return;
        };
        if consumer.marks.is_watching != watches {
            consumer.marks.is_watching = watches;
            for pattern in consumer.filter.patterns() {
                match watches {
                    true => consumers.watching.insert(pattern, number),
                    false => consumers.watching.remove(pattern, number),
                }
            }
        }
    }

    /// A consumer waits for a message to be read.
    fn read_for(&mut self, number: u64, cold: Cold) {
        let consumers = &mut self.consumers;
        if let Some(consumer) = consumers.by_number.get_mut(&number) {
            consumer.marks.is_reading = true;
        }
        let waiting = consumers.reading.entry(cold.sequence).or_default();
        waiting.push(number);
        if waiting.len() == 1 {
            let sequence = cold.sequence;
            self.effects.list.push(Effect::Read { sequence });
        }
    }

    /// A message has been read that was [asked for](Effect::Read), or cannot be: those that wait for it go on.
    pub fn has_read(&mut self, sequence: u64) {
        for number in self.consumers.reading.remove(&sequence).unwrap_or_default() {
            if let Some(consumer) = self.consumers.by_number.get_mut(&number) {
                consumer.marks.is_reading = false;
            }
            self.consumers.make_ready(number);
        }
    }

    /// Does what is due for consumers. Those that are not used any more go with the next proposal.
    pub(in crate::stream) fn wake_consumers(&mut self, around: &Surroundings<'_>) {
        self.consumers.settle();
        while let Some((time, number)) = self.consumers.wakes.first().copied()
            && time <= around.now
        {
            let woken = self.with_consumer(number, |mut work| {
                work.consumer.wake(moment(around), &mut work.out)
            });
            let woken = woken.unwrap_or_default();
            if woken.is_ready {
                self.consumers.make_ready(number);
            }
            if woken.is_over {
                self.delete_consumer(number, None);
            }
            self.consumers.settle();
            self.consumers.forget_wake(time, number);
        }
    }

    /// What a consumer is done with may go, if it need not be kept for others.
    pub(super) fn done_with(&mut self, sequences: Vec<u64>) {
        if self.config.retention != Retention::Limits {
            self.consumers.done_with.extend(sequences);
        }
    }
}

//! What was delivered and is not acknowledged.

use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};

/// Nothing is delivered again sooner than after this, in nanoseconds.
const SHORTEST_WAIT: i64 = 1_000_000;

/// Never.
const NEVER: Time = Time(i64::MAX);

/// What was delivered and is not acknowledged, by sequence.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unacknowledged {
    messages: BTreeMap<u64, Delivered>,
    /// The same by when they are due for another delivery; those that are not due are missing.
    by_deadline: BTreeSet<(Time, u64)>,
    /// How many of them were delivered more than once.
    again: usize,
}

/// A message that was delivered and is not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// Which of the consumer's deliveries the first of it was.
    pub(crate) consumer_sequence: u64,
    /// How often it was delivered.
    pub(crate) deliveries: u64,
    /// When it was last.
    pub(crate) time: Time,
    /// When it is due for another delivery.
    deadline: Time,
    /// Whether it waits for that.
    is_due: bool,
}

impl Delivered {
    /// When it is due for another delivery.
    pub(crate) fn deadline(&self) -> Time {
        self.deadline
    }
}

impl Unacknowledged {
    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn get(&self, sequence: u64) -> Option<&Delivered> {
        self.messages.get(&sequence)
    }

    /// The one with the lowest sequence.
    pub(crate) fn first(&self) -> Option<(u64, &Delivered)> {
        let (sequence, delivered) = self.messages.first_key_value()?;
        Some((*sequence, delivered))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Delivered)> {
        self.messages
            .iter()
            .map(|(sequence, delivered)| (*sequence, delivered))
    }

    /// Those from one sequence to another.
    pub(crate) fn range(&self, first: u64, last: u64) -> Vec<u64> {
        match first <= last {
            true => self
                .messages
                .range(first..=last)
                .map(|(sequence, _)| *sequence)
                .collect(),
            false => Vec::new(),
        }
    }

    /// Those up to a sequence.
    pub(crate) fn up_to(&self, last: u64) -> Vec<u64> {
        self.messages
            .range(..=last)
            .map(|(sequence, _)| *sequence)
            .collect()
    }

    /// How many were delivered more than once.
    pub(crate) fn delivered_again(&self) -> usize {
        self.again
    }

    /// When the next one is due for another delivery.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.by_deadline.first().map(|(time, _)| *time)
    }

    /// A message is delivered for the first time.
    pub(crate) fn delivered(&mut self, sequence: u64, consumer_sequence: u64, time: Time, deadline: Time) {
        let delivered = Delivered {
            consumer_sequence,
            deliveries: 1,
            time,
            deadline,
            is_due: false,
        };
        self.put(sequence, delivered);
    }

    /// It has been delivered so often; the last time now.
    pub(crate) fn redelivered(&mut self, sequence: u64, deliveries: u64, time: Time, deadline: Time) {
        if let Some(before) = self.messages.get(&sequence).copied() {
            let delivered = Delivered {
                deliveries,
                time,
                deadline,
                is_due: false,
                ..before
            };
            self.put(sequence, delivered);
        }
    }

    /// It is due for another delivery then, not earlier and not later. Says whether it is still there.
    pub(crate) fn postpone(&mut self, sequence: u64, deadline: Time) -> bool {
        let Some(before) = self.messages.get(&sequence).copied() else {
            return false;
        };
        let delivered = Delivered {
            deadline,
            is_due: false,
            ..before
        };
        self.put(sequence, delivered);
        true
    }

    /// It waits for another delivery from now on. Says whether it did not yet.
    pub(crate) fn make_due(&mut self, sequence: u64) -> bool {
        match self.messages.get_mut(&sequence) {
            Some(delivered) if !delivered.is_due => {
                delivered.is_due = true;
                self.by_deadline.remove(&(delivered.deadline, sequence));
                true
            }
            _ => false,
        }
    }

    /// Whether it waits for another delivery.
    pub(crate) fn is_due(&self, sequence: u64) -> bool {
        self.messages
            .get(&sequence)
            .is_some_and(|delivered| delivered.is_due)
    }

    /// Those that are due by now, in the order of their sequences.
    pub(crate) fn past_deadline(&self, now: Time) -> BTreeSet<u64> {
        let past = self.by_deadline.range(..=(now, u64::MAX));
        past.map(|(_, sequence)| *sequence).collect()
    }

    pub(crate) fn remove(&mut self, sequence: u64) -> Option<Delivered> {
        let delivered = self.messages.remove(&sequence)?;
        self.by_deadline.remove(&(delivered.deadline, sequence));
        self.again -= usize::from(delivered.deliveries > 1);
        Some(delivered)
    }

    fn put(&mut self, sequence: u64, delivered: Delivered) {
        let before = self.messages.insert(sequence, delivered);
        if let Some(before) = before {
            self.by_deadline.remove(&(before.deadline, sequence));
            self.again -= usize::from(before.deliveries > 1);
        }
        self.again += usize::from(delivered.deliveries > 1);
        if delivered.deadline < NEVER {
            self.by_deadline.insert((delivered.deadline, sequence));
        }
    }
}

/// How long a message waits for its acknowledgement that was delivered so often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AckWait {
    /// In nanoseconds; 0: without end.
    wait: i64,
    backoff: Vec<i64>,
}

impl AckWait {
    pub(crate) fn new(wait: i64, backoff: &[i64]) -> Self {
        Self {
            wait,
            backoff: backoff.to_vec(),
        }
    }

    /// Until when.
    pub(crate) fn deadline(&self, delivered: Time, deliveries: u64) -> Time {
        let at = usize::try_from(deliveries.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = self.backoff.get(at).or(self.backoff.last());
        match wait.copied().unwrap_or(self.wait) {
            0 if self.backoff.is_empty() => NEVER,
            wait => delivered.after(wait.max(SHORTEST_WAIT)),
        }
    }
}

//! How far a consumer is: what it has delivered, and what of that is acknowledged. It is what is kept of a consumer, as
//! [changes](Change) in the log and as a whole in checkpoints.

mod by_subject;
mod change;
mod encoding;
mod last_of_each;
mod noted;

pub(crate) use by_subject::{BySubject, NotAsked, Subjects};
pub use change::Change;
pub(crate) use change::Changes;
pub(crate) use last_of_each::LastOfEach;

use super::config::AckPolicy;
use super::unacknowledged::{AckWait, Delivered, Unacknowledged};
use crate::time::Time;
use noted::Noted;
use std::collections::{BTreeMap, BTreeSet};

/// A message, in the stream and among what a consumer delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) consumer: u64,
    pub(crate) stream: u64,
}

/// How far a consumer is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    /// Messages before this sequence are not looked for any more.
    pub(crate) next: u64,
    /// The last messages of their subjects that it begins with, and that it has not delivered.
    pub(crate) last_of_each: LastOfEach,
    /// Up to this sequence it wants those alone.
    pub(crate) last_of_each_up_to: u64,
    /// What was delivered last.
    pub(crate) delivered: Position,
    /// Up to where all is acknowledged.
    pub(crate) floor: Position,
    pub(crate) unacknowledged: Unacknowledged,
    /// What was delivered as often as it may be, and how often that is.
    pub(crate) exhausted: BTreeMap<u64, u64>,
    /// Messages that have expired and are where dead letters go: they are not delivered, though they are still there. Those that
    /// would still come, or wait for others.
    pub(crate) moved: BTreeSet<u64>,
    pub(crate) last_delivered: Option<Time>,
    pub(crate) last_acknowledged: Option<Time>,
    /// What is counted for each subject, if that is.
    pub(crate) by_subject: Option<Box<BySubject>>,
    noted: Noted,
}

impl Progress {
    /// Nothing is delivered; the first message will be the one of this sequence or later.
    pub(crate) fn new(next: u64) -> Self {
        let before = Position {
            consumer: 0,
            stream: next.saturating_sub(1),
        };
        Self {
            next: next.max(1),
            delivered: before,
            floor: before,
            ..Self::default()
        }
    }

    /// Whether a message is still to be acknowledged, or to be delivered first, if it matches what is wanted.
    pub(crate) fn needs(&self, sequence: u64, subject: &[u8]) -> bool {
        if self.moved.contains(&sequence) {
            return false;
        }
        let is_ahead = match sequence <= self.last_of_each_up_to {
            true => self.last_of_each.contains(sequence),
            false => sequence >= self.next,
        };
        is_ahead
            || self.unacknowledged.get(sequence).is_some()
            || self.exhausted.contains_key(&sequence)
            || self.is_waiting(sequence, subject)
    }

    /// Whether a message has been found and waits for others of its subject.
    fn is_waiting(&self, sequence: u64, subject: &[u8]) -> bool {
        let by_subject = self.by_subject.as_ref();
        sequence < self.next && by_subject.is_some_and(|by_subject| by_subject.is_waiting(sequence, subject))
    }

    /// The first message that waits for others of its subject.
    pub(crate) fn first_waiting(&self) -> Option<u64> {
        self.by_subject.as_ref()?.first_waiting()
    }

    /// The first message that something is kept of.
    pub(crate) fn first_kept(&self) -> Option<u64> {
        let kept = [
            self.unacknowledged.first().map(|(sequence, _)| sequence),
            self.exhausted.first_key_value().map(|(sequence, _)| *sequence),
            self.last_of_each.first(),
            self.first_waiting(),
            self.moved.first().copied(),
        ];
        kept.into_iter().flatten().min()
    }

    /// Makes a change: one that was decided here, or one that is read from the log, where it may be known already.
    pub(crate) fn apply(
        &mut self,
        change: &Change,
        policy: AckPolicy,
        ack_wait: &AckWait,
        subjects: &impl Subjects,
    ) {
        match *change {
            Change::Delivered {
                consumer_sequence,
                first,
                count,
                time,
            } => {
                for (consumer_sequence, sequence) in (consumer_sequence..).zip(first..).take(count as usize) {
                    if consumer_sequence > self.delivered.consumer {
                        let position = Position {
                            consumer: consumer_sequence,
                            stream: sequence,
                        };
                        self.deliver(position, policy, time, ack_wait, subjects);
                    }
                }
            }
            Change::Redelivered {
                consumer_sequence,
                sequence,
                deliveries,
                time,
            } => {
                if consumer_sequence > self.delivered.consumer {
                    self.delivered.consumer = consumer_sequence;
                    self.last_delivered = Some(time);
                    let deadline = ack_wait.deadline(time, deliveries);
                    self.unacknowledged
                        .redelivered(sequence, deliveries, time, deadline);
                    if !subjects.has(sequence) {
                        self.raise_floor(0);
                    }
                }
            }
            Change::Acknowledged { first, last, time } => {
                let pending = self.unacknowledged.range(first, last);
                for sequence in pending {
                    self.acknowledge(sequence, time);
                }
                self.drop_exhausted(first, last);
            }
            Change::AcknowledgedUpTo {
                consumer_sequence,
                sequence,
                time,
            } => {
                let position = Position {
                    consumer: consumer_sequence,
                    stream: sequence,
                };
                self.acknowledge_up_to(position, time);
            }
            Change::Postponed { sequence, until } => {
                self.unacknowledged.postpone(sequence, until);
            }
            Change::Exhausted { sequence } => {
                self.exhaust(sequence);
            }
            Change::Moved { sequence } => self.letter_moved(sequence, subjects),
            Change::SetAside { first, count } => {
                for sequence in (first..).take(count as usize) {
                    self.set_aside(sequence, subjects);
                }
            }
        }
        // What had gone before this was written changes nothing but the floor.
        self.raise_floor_by_subject();
    }

    fn deliver(
        &mut self,
        position: Position,
        policy: AckPolicy,
        time: Time,
        ack_wait: &AckWait,
        subjects: &impl Subjects,
    ) {
        let sequence = position.stream;
        let was_set_aside = sequence < self.next && sequence > self.last_of_each_up_to;
        self.pass(sequence);
        self.delivered.consumer = position.consumer;
        self.delivered.stream = self.delivered.stream.max(sequence);
        self.last_delivered = Some(time);
        if policy == AckPolicy::None {
            self.floor = self.delivered;
        } else if subjects.has(sequence) {
            let deadline = ack_wait.deadline(time, 1);
            self.unacknowledged
                .delivered(sequence, position.consumer, time, deadline);
            self.noted.note(sequence);
            if let Some(by_subject) = &mut self.by_subject
                && let Some(subject) = subjects.subject_of(sequence)
            {
                if was_set_aside {
                    by_subject.no_longer_waits(sequence, &subject, subjects);
                }
                by_subject.delivered(sequence, position.consumer, &subject);
                self.drop_moved_first_of(&subject, subjects);
            }
        } else {
            // It had been delivered before it went, though the log says so behind.
            self.raise_floor(position.consumer);
        }
    }

    /// A message waits, unless that is known already.
    fn set_aside(&mut self, sequence: u64, subjects: &impl Subjects) {
        if sequence < self.next {
            return;
        }
        let is_moved = self.moved.contains(&sequence);
        self.pass(sequence);
        if let Some(by_subject) = &mut self.by_subject
            && let Some(subject) = subjects.subject_of(sequence)
        {
            by_subject.set_aside(sequence, &subject);
            // All of a subject behind one that waits count as waiting.
            if is_moved {
                self.moved.insert(sequence);
                self.noted.note(sequence);
                self.drop_moved_first_of(&subject, subjects);
            }
        }
    }

    /// A message that has expired is where dead letters go.
    fn letter_moved(&mut self, sequence: u64, subjects: &impl Subjects) {
        let is_ahead = sequence >= self.next && sequence > self.last_of_each_up_to;
        // What has gone meanwhile is not to come.
        let subject = subjects.subject_of(sequence);
        if let Some(subject) = subject
            && (is_ahead || self.is_waiting(sequence, &subject))
        {
            self.moved.insert(sequence);
            self.noted.note(sequence);
            self.drop_moved_first_of(&subject, subjects);
        }
        self.drop_last_of_its_subject(sequence);
        if let Some(delivered) = self.release(sequence) {
            self.raise_floor(delivered.consumer_sequence);
        }
    }

    /// The first message of a subject that waits is one that is to come.
    fn drop_moved_first_of(&mut self, subject: &[u8], subjects: &impl Subjects) {
        while !self.moved.is_empty()
            && let Some(by_subject) = &mut self.by_subject
            && let Some(first) = by_subject.first_waiting_of(subject, subjects)
            && first < self.next
            && self.moved.remove(&first)
        {
            self.noted.note(first);
            by_subject.no_longer_waits(first, subject, subjects);
        }
    }

    /// Of what has been moved only that is kept which is still there and wanted: the rest would not come anyway.
    pub(crate) fn keep_moved(&mut self, subjects: &impl Subjects, is_wanted: impl Fn(&[u8]) -> bool) {
        self.note_all();
        let mut moved = std::mem::take(&mut self.moved);
        moved.retain(|sequence| {
            let subject = subjects.subject_of(*sequence);
            let wanted = subject.filter(|subject| subjects.has(*sequence) && is_wanted(subject));
            wanted.is_some_and(|subject| *sequence >= self.next || self.is_waiting(*sequence, &subject))
        });
        self.moved = moved;
    }

    /// Nothing is kept of messages that are not there: they went when this was on its way into the log.
    pub(crate) fn keep_those_there(&mut self, subjects: &impl Subjects) {
        let unacknowledged = self.unacknowledged.iter().map(|(sequence, _)| sequence);
        let kept = unacknowledged.chain(self.exhausted.keys().copied());
        let kept = kept.chain(self.last_of_each.iter());
        let gone: Vec<u64> = kept.filter(|sequence| !subjects.has(*sequence)).collect();
        for sequence in gone {
            self.removed(sequence);
        }
    }

    /// Of the last messages of their subjects this one is not to come.
    fn drop_last_of_its_subject(&mut self, sequence: u64) {
        if self.last_of_each.remove(sequence) && self.last_of_each.is_empty() {
            self.next = self.next.max(self.last_of_each_up_to + 1);
        }
    }

    /// Messages before this one are not looked for any more. What of them has been moved is no longer to come; what was so before
    /// waits for others.
    pub(crate) fn go_on_with(&mut self, next: u64) {
        if next > self.next && !self.moved.is_empty() {
            let passed: Vec<u64> = self.moved.range(self.next..next).copied().collect();
            for sequence in passed {
                self.moved.remove(&sequence);
                self.noted.note(sequence);
            }
        }
        self.next = self.next.max(next);
    }

    /// A message is no longer unacknowledged. What it was if it had been.
    fn release(&mut self, sequence: u64) -> Option<Delivered> {
        let delivered = self.unacknowledged.remove(sequence)?;
        self.noted.note(sequence);
        if let Some(by_subject) = &mut self.by_subject {
            by_subject.released(sequence, delivered.consumer_sequence);
        }
        Some(delivered)
    }

    /// A message is not looked for any more.
    pub(crate) fn pass(&mut self, sequence: u64) {
        if sequence <= self.last_of_each_up_to {
            self.last_of_each.remove(sequence);
            self.next = match self.last_of_each.is_empty() {
                true => self.last_of_each_up_to + 1,
                false => sequence + 1,
            };
        } else {
            self.go_on_with(sequence + 1);
        }
    }

    /// A message is acknowledged; None: it was not waited for.
    pub(crate) fn acknowledge(&mut self, sequence: u64, time: Time) -> Option<Delivered> {
        self.drop_exhausted(sequence, sequence);
        let acknowledged = self.release(sequence)?;
        self.last_acknowledged = Some(time);
        self.raise_floor(acknowledged.consumer_sequence);
        Some(acknowledged)
    }

    /// The floor follows when what was just above it is acknowledged, and when nothing is left to be.
    fn raise_floor(&mut self, acknowledged: u64) {
        if self.by_subject.is_some() {
            return self.raise_floor_by_subject();
        }
        match self.unacknowledged.first() {
            None => self.floor = self.delivered,
            Some((sequence, first)) if acknowledged == self.floor.consumer + 1 => {
                self.floor = Position {
                    consumer: first.consumer_sequence - 1,
                    stream: sequence - 1,
                };
            }
            Some(_) => {}
        }
    }

    /// Where messages wait for others, deliveries are in another order than the messages: the floor is below the first of
    /// either that is not acknowledged, and below all that waits.
    fn raise_floor_by_subject(&mut self) {
        let Some(by_subject) = &self.by_subject else {
            return;
        };
        let unacknowledged = self.unacknowledged.first().map(|(sequence, _)| sequence);
        let first = [unacknowledged, by_subject.first_waiting()];
        let first = first.into_iter().flatten().min();
        let last = self.delivered;
        let consumer = by_subject
            .first_delivery()
            .map_or(last.consumer, |first| first.saturating_sub(1));
        let stream = first.map_or(last.stream, |first| last.stream.min(first.saturating_sub(1)));
        self.floor.consumer = self.floor.consumer.max(consumer);
        self.floor.stream = self.floor.stream.max(stream);
    }

    /// All messages up to one are acknowledged. Which of them were waited for.
    pub(crate) fn acknowledge_up_to(&mut self, position: Position, time: Time) -> Vec<u64> {
        if position.consumer <= self.floor.consumer || position.stream <= self.floor.stream {
            return Vec::new();
        }
        self.floor = position;
        self.last_acknowledged = Some(time);
        let acknowledged = self.unacknowledged.up_to(position.stream);
        for sequence in &acknowledged {
            self.release(*sequence);
        }
        self.drop_exhausted(0, position.stream);
        acknowledged
    }

    /// What was delivered as often as it may be, from one message to another, is done with.
    fn drop_exhausted(&mut self, first: u64, last: u64) {
        let range = (first <= last).then(|| self.exhausted.range(first..=last));
        let dropped: Vec<u64> = range
            .into_iter()
            .flatten()
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in dropped {
            self.exhausted.remove(&sequence);
            self.noted.note(sequence);
        }
    }

    /// A message is not delivered again, as often as it was. How often that is.
    pub(crate) fn exhaust(&mut self, sequence: u64) -> Option<u64> {
        let delivered = self.release(sequence)?;
        self.exhausted.insert(sequence, delivered.deliveries);
        Some(delivered.deliveries)
    }

    /// A message has gone from the stream. What it was if it was waited for.
    pub(crate) fn removed(&mut self, sequence: u64) -> Option<Delivered> {
        self.exhausted.remove(&sequence);
        self.moved.remove(&sequence);
        self.noted.note(sequence);
        self.drop_last_of_its_subject(sequence);
        let delivered = self.release(sequence)?;
        self.raise_floor(delivered.consumer_sequence);
        Some(delivered)
    }

    /// A message of a subject has gone that may have waited for others of it.
    pub(crate) fn removed_of(&mut self, subject: &[u8], sequence: u64, subjects: &impl Subjects) {
        if sequence < self.next
            && let Some(by_subject) = &mut self.by_subject
        {
            by_subject.no_longer_waits(sequence, subject, subjects);
            self.drop_moved_first_of(subject, subjects);
            self.raise_floor_by_subject();
        }
    }

    /// All messages have gone from the stream.
    pub(crate) fn all_removed(&mut self) {
        self.note_all();
        self.unacknowledged = Unacknowledged::default();
        self.exhausted.clear();
        self.moved.clear();
        self.last_of_each.clear();
        if let Some(by_subject) = &mut self.by_subject {
            by_subject.clear();
        }
        self.next = self.next.max(self.last_of_each_up_to + 1);
        self.floor = self.delivered;
    }

    /// All messages before one have gone that are wanted.
    pub(crate) fn purged(&mut self, first: u64) {
        self.go_on_with(first);
        self.delivered.stream = self.delivered.stream.max(first.saturating_sub(1));
        if self.by_subject.is_some() {
            self.raise_floor_by_subject();
        } else if self.unacknowledged.is_empty() {
            self.floor = self.delivered;
        }
    }

    /// How many messages were delivered more than once, or as often as they may be.
    pub(crate) fn redelivered(&self) -> usize {
        self.unacknowledged.delivered_again() + self.exhausted.len()
    }
}

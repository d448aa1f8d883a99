//! What becomes of a consumer's progress, as it is written into the log.

use crate::time::Time;

/// What becomes of a consumer's progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Messages are delivered for the first time, one behind the other in the stream.
    Delivered {
        /// Which of the consumer's deliveries the first is.
        consumer_sequence: u64,
        /// The sequence of the first.
        first: u64,
        /// How many.
        count: u64,
        /// When.
        time: Time,
    },
    /// A message is delivered again.
    Redelivered {
        /// Which of the consumer's deliveries that is.
        consumer_sequence: u64,
        /// Which message.
        sequence: u64,
        /// How often it now has been.
        deliveries: u64,
        /// When.
        time: Time,
    },
    /// Messages from one to another are acknowledged, as far as they were waited for.
    Acknowledged {
        /// The sequence of the first.
        first: u64,
        /// That of the last.
        last: u64,
        /// When.
        time: Time,
    },
    /// All messages up to one are.
    AcknowledgedUpTo {
        /// Which of the consumer's deliveries it was.
        consumer_sequence: u64,
        /// Its sequence.
        sequence: u64,
        /// When.
        time: Time,
    },
    /// A message is due for another delivery then.
    Postponed {
        /// Which.
        sequence: u64,
        /// When.
        until: Time,
    },
    /// A message has been delivered as often as it may be.
    Exhausted {
        /// Which.
        sequence: u64,
    },
    /// A message that has expired is where dead letters go: it is done with, though it may still be there for others.
    Moved {
        /// Which.
        sequence: u64,
    },
    /// Messages wait, one behind the other in the stream, until others of their subjects are acknowledged.
    SetAside {
        /// The sequence of the first.
        first: u64,
        /// How many.
        count: u64,
    },
}

/// Changes that are to be written into the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changes(Vec<Change>);

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.0)
    }

    /// Adds one, to the last if it goes on with that.
    pub(crate) fn push(&mut self, change: Change) {
        match (self.0.last_mut(), &change) {
            (
                Some(Change::Delivered {
                    consumer_sequence,
                    first,
                    count,
                    time,
                }),
                Change::Delivered {
                    consumer_sequence: next_of_consumer,
                    first: next,
                    count: 1,
                    time: now,
                },
            ) if now == time
                && *next == *first + *count
                && *next_of_consumer == *consumer_sequence + *count =>
            {
                *count += 1;
            }
            (
                Some(Change::Acknowledged { last, time, .. }),
                Change::Acknowledged { first, time: now, .. },
            ) if *first == *last + 1 => {
                *last = *first;
                *time = *now;
            }
            (
                Some(Change::SetAside { first, count }),
                Change::SetAside {
                    first: next,
                    count: 1,
                },
            ) if *next == *first + *count => {
                *count += 1;
            }
            _ => self.0.push(change),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Changes};
    use crate::time::Time;

    #[test]
    fn what_goes_on_with_the_last_is_one_with_it() {
        let delivered = |consumer_sequence, first, count| Change::Delivered {
            consumer_sequence,
            first,
            count,
            time: Time(0),
        };
        let acknowledged = |first, last| Change::Acknowledged {
            first,
            last,
            time: Time(0),
        };
        let set_aside = |first, count| Change::SetAside { first, count };
        let mut changes = Changes::default();
        for change in [
            delivered(1, 5, 1),
            delivered(2, 6, 1),
            delivered(3, 8, 1),
            acknowledged(5, 5),
            acknowledged(6, 6),
            acknowledged(8, 8),
            set_aside(9, 1),
            set_aside(10, 1),
            set_aside(12, 1),
        ] {
            changes.push(change);
        }
        let expected = [
            delivered(1, 5, 2),
            delivered(3, 8, 1),
            acknowledged(5, 6),
            acknowledged(8, 8),
            set_aside(9, 2),
            set_aside(12, 1),
        ];
        assert_eq!(changes.take(), expected);
        assert!(changes.is_empty());
    }
}

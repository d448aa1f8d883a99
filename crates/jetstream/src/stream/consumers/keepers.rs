//! Which consumers keep something of a message, so that the others cost nothing when it goes.
//!
//! Where only few keep anything they are asked one by one. Where many do it is noted for each message who does. Two kinds of
//! what a consumer keeps are too much to be noted message by message: the last messages of all subjects that it begins with, and
//! what waits for others of its subject. Who has such is found by what it wants.

use super::patterns::Patterns;
use crate::consumer::Consumer;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeSet;

/// So many are asked one by one. Tests of random commands have few consumers, and do either.
const FEW: usize = if cfg!(test) { 2 } else { 32 };

/// Which consumers keep something of a message.
#[derive(Debug, Default)]
pub(super) struct Keepers {
    /// The first message that each keeps something of.
    first: BTreeSet<(u64, u64)>,
    /// Who keeps something of each message, if that is noted.
    noted: Option<BTreeSet<(u64, u64)>>,
    /// What those want who keep more than is noted.
    broad: Patterns,
}

impl Keepers {
    /// Whether it is to be noted of each message who keeps something of it.
    pub(super) fn is_noting(&self) -> bool {
        self.noted.is_some()
    }

    /// Brings in what a consumer keeps now. Says whether it is to be noted from now on of each message, or no longer, where it is
    /// otherwise yet.
    pub(super) fn settle(&mut self, consumer: &mut Consumer) -> bool {
        let number = consumer.number;
        let first = consumer.progress.first_kept();
        let before = std::mem::replace(&mut consumer.marks.first_kept, first);
        if before != first {
            before.map(|sequence| self.first.remove(&(sequence, number)));
            first.map(|sequence| self.first.insert((sequence, number)));
        }
        let is_broad = consumer.progress.keeps_broadly();
        if std::mem::replace(&mut consumer.marks.is_broad, is_broad) != is_broad {
            for pattern in consumer.filter.patterns() {
                match is_broad {
                    true => self.broad.insert(pattern, number),
                    false => self.broad.remove(pattern, number),
                }
            }
        }
        // Something may have been done to it before notes were taken.
        consumer.progress.set_noting(self.noted.is_some());
        if let Some(noted) = &mut self.noted {
            for sequence in consumer.progress.take_noted() {
                match consumer.progress.keeps(sequence) {
                    true => noted.insert((sequence, number)),
                    false => noted.remove(&(sequence, number)),
                };
            }
        }
        match self.is_noting() {
            true => self.first.len() <= FEW / 2,
            false => self.first.len() > FEW,
        }
    }

    /// It is noted of each message from now on, or no longer. Who keeps nothing takes notes from when something is done to it.
    pub(super) fn turn(&mut self, consumers: &mut HashMap<u64, Box<Consumer>, RandomState>) {
        self.noted = match self.noted {
            Some(_) => None,
            None => Some(BTreeSet::new()),
        };
        for number in self.all() {
            if let Some(consumer) = consumers.get_mut(&number) {
                self.settle(consumer);
            }
        }
    }

    /// A consumer goes, or wants others: nothing is known of it any more.
    pub(super) fn forget(&mut self, consumer: &mut Consumer) {
        let number = consumer.number;
        if let Some(first) = consumer.marks.first_kept.take() {
            self.first.remove(&(first, number));
        }
        if std::mem::take(&mut consumer.marks.is_broad) {
            for pattern in consumer.filter.patterns() {
                self.broad.remove(pattern, number);
            }
        }
        if let Some(noted) = &mut self.noted {
            consumer.progress.note_all();
            for sequence in consumer.progress.take_noted() {
                noted.remove(&(sequence, number));
            }
            // What it keeps is noted anew if it stays.
            consumer.progress.note_all();
        }
    }

    /// Those that may keep something of a message, in their order.
    pub(super) fn of(&self, sequence: u64, subject: &[u8]) -> Vec<u64> {
        let Some(noted) = &self.noted else {
            let first = self.first.range(..=(sequence, u64::MAX));
            return first.map(|(_, number)| *number).collect();
        };
        let noted = noted.range((sequence, 0)..=(sequence, u64::MAX));
        let mut numbers: BTreeSet<u64> = noted.map(|(_, number)| *number).collect();
        self.broad.for_each(subject, |number| {
            numbers.insert(number);
        });
        numbers.into_iter().collect()
    }

    /// The first message that any keeps something of.
    pub(super) fn first(&self) -> Option<u64> {
        self.first.first().map(|(sequence, _)| *sequence)
    }

    /// Those that keep something of any message, in the order of the first.
    pub(super) fn all(&self) -> Vec<u64> {
        self.first.iter().map(|(_, number)| *number).collect()
    }
}

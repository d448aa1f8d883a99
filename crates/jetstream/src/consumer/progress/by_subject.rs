//! What a consumer counts for each subject where no more than so many messages of one may be unacknowledged, and which
//! messages wait because of that.
//!
//! Of a subject the first message that waits is known, and how many do: memory follows the subjects that are unacknowledged,
//! and a message that waits is looked at once, however long it does.

use crate::stream::entry::{NoEntries, get_bytes, put_bytes};
use bytes::Bytes;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};

use super::encoding::{get, get_length, put};

/// What progress asks of the stream's messages.
pub(crate) trait Subjects {
    /// Whether there is a message of that sequence.
    fn has(&self, sequence: u64) -> bool;

    /// What it is about.
    fn subject_of(&self, sequence: u64) -> Option<Bytes>;

    /// The first one of a subject from a sequence on.
    fn next_of(&self, subject: &[u8], from: u64) -> Option<u64>;
}

/// Nothing has to be asked: what changes says of no message that it is delivered.
pub(crate) struct NotAsked;

impl Subjects for NotAsked {
    fn has(&self, _: u64) -> bool {
        true
    }

    fn subject_of(&self, _: u64) -> Option<Bytes> {
        None
    }

    fn next_of(&self, _: &[u8], _: u64) -> Option<u64> {
        None
    }
}

/// What is counted for each subject.
#[derive(Debug, Clone, Default)]
pub(crate) struct BySubject {
    /// How many messages of a subject may be unacknowledged.
    limit: u64,
    subjects: HashMap<Bytes, OfSubject, RandomState>,
    /// What each message is about that is unacknowledged.
    unacknowledged: BTreeMap<u64, Bytes>,
    /// Which of the consumer's deliveries these are.
    deliveries: BTreeSet<u64>,
    /// Subjects of which messages wait though one more may be delivered, each with the first that does.
    free: BTreeSet<(u64, Bytes)>,
    /// Those of which none may.
    held_up: BTreeSet<(u64, Bytes)>,
    /// How many messages wait.
    waiting: u64,
}

/// What is counted for one.
#[derive(Debug, Clone, Copy, Default)]
struct OfSubject {
    unacknowledged: u64,
    waiting: u64,
    /// The first message that waits, if some do.
    first: u64,
}

impl BySubject {
    /// So many messages of a subject may be unacknowledged from now on.
    pub(crate) fn set_limit(&mut self, limit: u64) {
        if self.limit == limit {
            return;
        }
        self.limit = limit;
        let waiting = std::mem::take(&mut self.free).into_iter();
        for (first, subject) in waiting.chain(std::mem::take(&mut self.held_up)) {
            let of_it = self.subjects.get(&subject).copied().unwrap_or_default();
            self.side_of(of_it).insert((first, subject));
        }
    }

    /// How many messages wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// How many subjects have messages that wait.
    pub(crate) fn waiting_subjects(&self) -> usize {
        self.free.len() + self.held_up.len()
    }

    /// The first message that waits.
    pub(crate) fn first_waiting(&self) -> Option<u64> {
        let firsts = [self.free.first(), self.held_up.first()];
        firsts.into_iter().flatten().map(|(first, _)| *first).min()
    }

    /// The first message of a subject that waits.
    pub(crate) fn first_waiting_of(&self, subject: &[u8], subjects: &impl Subjects) -> Option<u64> {
        let of_it = self.subjects.get(subject).filter(|of_it| of_it.waiting > 0)?;
        subjects.next_of(subject, of_it.first)
    }

    /// The first message that need wait no longer, and its subject.
    pub(crate) fn first_free(&self) -> Option<(u64, Bytes)> {
        self.free.first().cloned()
    }

    /// Whether a message waits, if it was found already.
    pub(crate) fn is_waiting(&self, sequence: u64, subject: &[u8]) -> bool {
        let of_it = self.subjects.get(subject);
        of_it.is_some_and(|of_it| of_it.waiting > 0 && sequence >= of_it.first)
    }

    /// Whether a message of a subject that is found now has to wait: behind those that do, or because as many are
    /// unacknowledged as may be.
    pub(crate) fn has_to_wait(&self, subject: &[u8]) -> bool {
        let of_it = self.subjects.get(subject);
        of_it.is_some_and(|of_it| of_it.waiting > 0 || of_it.unacknowledged >= self.limit)
    }

    /// Whether it is known what an unacknowledged message is about.
    pub(crate) fn knows(&self, sequence: u64) -> bool {
        self.unacknowledged.contains_key(&sequence)
    }

    /// Which delivery the first was that is unacknowledged.
    pub(crate) fn first_delivery(&self) -> Option<u64> {
        self.deliveries.first().copied()
    }

    /// A message waits that comes behind all others that were found.
    pub(crate) fn set_aside(&mut self, sequence: u64, subject: &[u8]) {
        self.waiting += 1;
        self.update(subject, |of_it| {
            of_it.waiting += 1;
            if of_it.waiting == 1 {
                of_it.first = sequence;
            }
        });
    }

    /// A message is unacknowledged from now on.
    pub(crate) fn delivered(&mut self, sequence: u64, consumer_sequence: u64, subject: &[u8]) {
        let known = self.update(subject, |of_it| of_it.unacknowledged += 1);
        self.unacknowledged.insert(sequence, known);
        self.deliveries.insert(consumer_sequence);
    }

    /// It no longer is.
    pub(crate) fn released(&mut self, sequence: u64, consumer_sequence: u64) {
        self.deliveries.remove(&consumer_sequence);
        if let Some(subject) = self.unacknowledged.remove(&sequence) {
            self.update(&subject, |of_it| {
                of_it.unacknowledged = of_it.unacknowledged.saturating_sub(1);
            });
        }
    }

    /// A message waits no longer, as it is delivered or has gone.
    pub(crate) fn no_longer_waits(&mut self, sequence: u64, subject: &[u8], subjects: &impl Subjects) {
        if !self.is_waiting(sequence, subject) {
            return;
        }
        self.waiting = self.waiting.saturating_sub(1);
        self.update(subject, |of_it| {
            of_it.waiting -= 1;
            if of_it.waiting > 0 && of_it.first == sequence {
                of_it.first = subjects.next_of(subject, sequence + 1).unwrap_or(sequence + 1);
            }
        });
    }

    /// Nothing of a subject waits any more.
    pub(crate) fn drop_waiting(&mut self, subject: &[u8]) {
        let waiting = self.subjects.get(subject).map_or(0, |of_it| of_it.waiting);
        self.waiting = self.waiting.saturating_sub(waiting);
        self.update(subject, |of_it| of_it.waiting = 0);
    }

    /// Nothing waits any more of subjects that are not wanted.
    pub(crate) fn keep_wanted(&mut self, is_wanted: impl Fn(&[u8]) -> bool) {
        let waiting = self.free.iter().chain(&self.held_up);
        let unwanted = waiting.filter(|(_, subject)| !is_wanted(subject));
        let unwanted: Vec<Bytes> = unwanted.map(|(_, subject)| subject.clone()).collect();
        for subject in unwanted {
            self.drop_waiting(&subject);
        }
    }

    /// There are no messages any more.
    pub(crate) fn clear(&mut self) {
        *self = Self {
            limit: self.limit,
            ..Self::default()
        };
    }

    /// Where a subject stands of which messages wait.
    fn side_of(&mut self, of_it: OfSubject) -> &mut BTreeSet<(u64, Bytes)> {
        match of_it.unacknowledged < self.limit {
            true => &mut self.free,
            false => &mut self.held_up,
        }
    }

    /// Changes what is counted for a subject. It costs no memory where nothing is.
    fn update(&mut self, subject: &[u8], change: impl FnOnce(&mut OfSubject)) -> Bytes {
        let found = self.subjects.get_key_value(subject);
        let (key, before) = match found {
            Some((key, before)) => (key.clone(), *before),
            // Not a part of what was read with it.
            None => (Bytes::copy_from_slice(subject), OfSubject::default()),
        };
        let mut after = before;
        change(&mut after);
        if before.waiting > 0 {
            self.side_of(before).remove(&(before.first, key.clone()));
        }
        if after.waiting > 0 {
            self.side_of(after).insert((after.first, key.clone()));
        }
        match after.unacknowledged + after.waiting {
            0 => {
                self.subjects.remove(subject);
            }
            _ => {
                self.subjects.insert(key.clone(), after);
            }
        }
        key
    }

    /// Writes all of it but for the limit, which is configured.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut subjects: Vec<(&Bytes, &OfSubject)> = self.subjects.iter().collect();
        subjects.sort_unstable_by_key(|(subject, _)| *subject);
        put(out, subjects.len() as u64);
        for (subject, of_it) in &subjects {
            put_bytes(out, subject);
            put(out, of_it.waiting);
            put(out, of_it.first);
        }
        put(out, self.unacknowledged.len() as u64);
        for (sequence, subject) in &self.unacknowledged {
            put(out, *sequence);
            let place = subjects.binary_search_by_key(&subject, |(subject, _)| *subject);
            put(out, place.unwrap_or_default() as u64);
        }
    }

    /// Reads what was written. `delivery_of`: which delivery an unacknowledged message was.
    pub(super) fn decode(
        from: &mut Bytes,
        delivery_of: impl Fn(u64) -> Option<u64>,
    ) -> Result<Self, NoEntries> {
        let mut read = Self::default();
        let mut subjects = Vec::new();
        for _ in 0..get_length(from)? {
            let subject = Bytes::copy_from_slice(&get_bytes(from)?);
            let (waiting, first) = (get(from)?, get(from)?);
            read.waiting = read.waiting.checked_add(waiting).ok_or(NoEntries)?;
            read.update(&subject, |of_it| {
                of_it.waiting = waiting;
                of_it.first = first;
            });
            subjects.push(subject);
        }
        for _ in 0..get_length(from)? {
            let (sequence, place) = (get(from)?, get(from)?);
            let subject = usize::try_from(place).ok().and_then(|place| subjects.get(place));
            let subject = subject.ok_or(NoEntries)?;
            read.delivered(sequence, delivery_of(sequence).ok_or(NoEntries)?, subject);
        }
        Ok(read)
    }
}

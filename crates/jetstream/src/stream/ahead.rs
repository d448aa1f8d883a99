//! What is proposed and not yet in the log for good, and what a stream will be once it is.
//!
//! Decisions are made as if it already were, where that can be told; where it cannot, they wait. If it comes to nothing,
//! it is forgotten, and the stream is what it was.

use super::Effect;
use super::counter::Total;
use super::entry::{Entry, Store};
use crate::config::Storage;
use crate::message::size;
use bytes::Bytes;
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use std::collections::VecDeque;
use vagus_routing::subject::has_wildcards;

/// How many subjects are compared with a pattern; where there are more, one of them is taken to match.
const COMPARED_AT_MOST: usize = 64;

/// A turn's decisions, which come into the log together or not at all.
#[derive(Debug, Default)]
pub struct Proposal {
    /// Counts the proposals of a stream.
    pub number: u64,
    /// What was decided.
    pub entries: Vec<Entry>,
    /// What is answered when it is in the log.
    pub(super) answers: Vec<Effect>,
    /// What is on its way as a dead letter when it is: the numbers of consumers, and sequences.
    pub(super) letters: Vec<(u64, u64)>,
}

impl Proposal {
    /// Whether somebody waits for it to be in the log. What consumers have delivered, and what of that has been
    /// acknowledged by who wants no answer, may be written later.
    pub fn is_awaited(&self) -> bool {
        let is_awaited = |entry: &Entry| match entry {
            Entry::Consumer(entry) => !entry.is_behind(),
            Entry::Release(_) | Entry::Skip(_) | Entry::Known { .. } => false,
            Entry::Store(_)
            | Entry::Source(_)
            | Entry::Mirror { .. }
            | Entry::Batch(_)
            | Entry::Purge(_)
            | Entry::Delete { .. }
            | Entry::Expire(_)
            | Entry::Configure { .. } => true,
        };
        !self.answers.is_empty() || !self.letters.is_empty() || self.entries.iter().any(is_awaited)
    }
}

/// What is ahead of the stream.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    open: Proposal,
    in_flight: VecDeque<Proposal>,
    numbers: u64,
    /// The number that the last proposal has, or will have, by which the stream becomes another.
    last_change: u64,
    /// How many entries there are.
    entries: usize,
    /// How many of them change more than can be told.
    unforeseen: usize,
    /// The last sequence there will be.
    last: u64,
    last_id: Bytes,
    ids: HashMap<Bytes, u64, RandomState>,
    subjects: HashMap<Bytes, Upcoming, RandomState>,
    /// How many messages are stored, before any goes.
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// Messages that are to go because they have expired, until they have gone.
    pub(super) expiring: HashSet<u64, RandomState>,
    /// How many of them each subject has, where that matters.
    expiring_of: HashMap<Bytes, u64, RandomState>,
    /// Schedules whose messages are to be stored, until they are.
    pub(super) firing: HashSet<Bytes, RandomState>,
}

/// What will be of a subject.
#[derive(Debug, Clone, Default)]
pub(super) struct Upcoming {
    /// How many messages are stored.
    pub(super) messages: u64,
    /// The sequence of the last.
    pub(super) last: u64,
    /// Whether that is a schedule.
    pub(super) is_schedule: bool,
    /// Where the counter will stand.
    pub(super) total: Option<Total>,
}

impl Ahead {
    /// A message is to go because it has expired. `subject`: its own, if it matters how many of one do.
    pub(super) fn expires(&mut self, sequence: u64, subject: Option<&Bytes>) {
        if self.expiring.insert(sequence)
            && let Some(subject) = subject
        {
            *self.expiring_of.entry(subject.clone()).or_default() += 1;
        }
    }

    /// How many messages of a subject are to go.
    pub(super) fn expiring_of(&self, subject: &[u8]) -> u64 {
        self.expiring_of.get(subject).copied().unwrap_or_default()
    }

    /// A message has gone.
    pub(super) fn expired(&mut self, sequence: u64, subject: &[u8]) {
        if self.expiring.remove(&sequence)
            && let Some(count) = self.expiring_of.get_mut(subject)
        {
            *count -= 1;
            if *count == 0 {
                self.expiring_of.remove(subject);
            }
        }
    }

    /// All messages have gone.
    pub(super) fn all_expired(&mut self) {
        self.expiring.clear();
        self.expiring_of.clear();
    }

    /// The number of the last proposal by which the stream becomes another; 0: none of these is ahead.
    pub(super) fn last_change(&self) -> u64 {
        self.last_change
    }

    /// Whether a proposal of this number is in flight, one before it, or what will be it.
    pub(super) fn is_on_its_way(&self, number: u64) -> bool {
        self.is_in_flight(number) || (self.numbers < number && self.has_more())
    }

    /// Whether there will be messages of a subject that some pattern matches. Where there are many subjects that is not
    /// looked for.
    pub(super) fn may_match(&self, pattern: &[u8]) -> bool {
        match has_wildcards(pattern) {
            true => self.may_have(|subject| vagus_routing::subject::matches(pattern, subject)),
            false => self.subjects.contains_key(pattern),
        }
    }

    /// The same of subjects for which something else is so.
    pub(super) fn may_have(&self, mut is_wanted: impl FnMut(&[u8]) -> bool) -> bool {
        self.subjects.len() > COMPARED_AT_MOST || self.subjects.keys().any(|subject| is_wanted(subject))
    }

    /// Whether the stream is all there is.
    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Whether something was decided since the last proposal.
    pub(super) fn has_more(&self) -> bool {
        !self.open.entries.is_empty()
    }

    /// Whether all that will be can be told.
    pub(super) fn is_foreseen(&self) -> bool {
        self.unforeseen == 0
    }

    /// The last sequence there will be, if there is something ahead.
    pub(super) fn last(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.last)
    }

    /// The id of the message with that.
    pub(super) fn last_id(&self) -> Option<&Bytes> {
        (!self.is_empty()).then_some(&self.last_id)
    }

    pub(super) fn sequence_of_id(&self, id: &[u8]) -> Option<u64> {
        self.ids.get(id).copied()
    }

    pub(super) fn subject(&self, subject: &[u8]) -> Option<&Upcoming> {
        self.subjects.get(subject)
    }

    /// Adds to what will be proposed. `last` and `last_id` are the stream's.
    pub(super) fn push(&mut self, entry: Entry, foreseen: Foreseen<'_>) {
        if self.is_empty() {
            self.last = foreseen.last;
            self.last_id = foreseen.last_id.clone();
        }
        self.entries += 1;
        let mut details = foreseen.details.into_iter();
        match &entry {
            Entry::Skip(sequence) => self.last = self.last.max(*sequence),
            Entry::Mirror { sequence, .. } => self.last = self.last.max(sequence.saturating_sub(1)),
            _ => {}
        }
        for store in entry.stores() {
            self.foresee(store, foreseen.storage, details.next().unwrap_or_default());
        }
        self.unforeseen += usize::from(!is_foreseeable(&entry));
        if !entry.is_behind() {
            self.last_change = self.numbers + 1;
        }
        self.open.entries.push(entry);
    }

    fn foresee(&mut self, store: &Store, storage: Storage, detail: Detail) {
        self.last += 1;
        let id = store.id();
        self.last_id = id.map(Bytes::copy_from_slice).unwrap_or_default();
        if id.is_some() {
            self.ids.insert(self.last_id.clone(), self.last);
        }
        self.messages += 1;
        self.bytes += size(storage, &store.subject, &store.headers, &store.payload);
        let upcoming = match self.subjects.get_mut(&store.subject) {
            Some(upcoming) => upcoming,
            None => self.subjects.entry(store.subject.clone()).or_default(),
        };
        upcoming.messages += 1;
        upcoming.last = self.last;
        upcoming.is_schedule = detail.is_schedule;
        upcoming.total = detail.total;
    }

    /// An entry is in the log for good; its first message got this sequence.
    pub(super) fn settle(&mut self, entry: &Entry, sequence: u64, storage: Storage) {
        self.entries -= 1;
        self.unforeseen -= usize::from(!is_foreseeable(entry));
        let sequence = match entry {
            Entry::Mirror { sequence, .. } => *sequence,
            _ => sequence,
        };
        for (store, sequence) in entry.stores().iter().zip(sequence..) {
            self.messages -= 1;
            self.bytes -= size(storage, &store.subject, &store.headers, &store.payload);
            if let Some(id) = store.id()
                && self.ids.get(id) == Some(&sequence)
            {
                self.ids.remove(id);
            }
            if let Some(upcoming) = self.subjects.get_mut(&store.subject) {
                upcoming.messages -= 1;
                if upcoming.messages == 0 {
                    self.subjects.remove(&store.subject);
                }
            }
        }
    }

    /// The messages that are to go as no consumer needs them any more.
    pub(super) fn releasing(&self) -> impl Iterator<Item = u64> {
        let proposals = self.in_flight.iter().chain([&self.open]);
        let released = proposals
            .flat_map(|proposal| &proposal.entries)
            .filter_map(|entry| match entry {
                Entry::Release(sequences) => Some(sequences),
                _ => None,
            });
        released.flatten().copied()
    }

    /// Something is to be answered when all that is ahead is in the log; given back if nothing is.
    pub(super) fn answer_after(&mut self, answer: Effect) -> Option<Effect> {
        let last = match self.open.entries.is_empty() {
            false => Some(&mut self.open),
            true => self.in_flight.back_mut(),
        };
        match last {
            Some(proposal) => {
                proposal.answers.push(answer);
                None
            }
            None => Some(answer),
        }
    }

    /// Has what is decided since the last proposal be one, with the dead letters that are on their way when it is in the log.
    pub(super) fn propose(&mut self, letters: Vec<(u64, u64)>) -> Option<&Proposal> {
        if self.open.entries.is_empty() {
            return None;
        }
        self.numbers += 1;
        let mut proposal = std::mem::take(&mut self.open);
        proposal.number = self.numbers;
        proposal.letters = letters;
        self.in_flight.push_back(proposal);
        self.in_flight.back()
    }

    /// How many proposals are in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether a proposal with this number or a lower one is in flight.
    pub(super) fn is_in_flight(&self, number: u64) -> bool {
        let oldest = self.in_flight.front();
        oldest.is_some_and(|proposal| proposal.number <= number)
    }

    /// An entry that is settled is being applied still: what will be cannot be told until it is; or it is now.
    pub(super) fn hold(&mut self, is_held: bool) {
        match is_held {
            true => (self.entries, self.unforeseen) = (self.entries + 1, self.unforeseen + 1),
            false => (self.entries, self.unforeseen) = (self.entries - 1, self.unforeseen - 1),
        }
    }

    /// The oldest proposal, if its number is not above this one.
    pub(super) fn committed(&mut self, number: u64) -> Option<Proposal> {
        self.in_flight.pop_front_if(|proposal| proposal.number <= number)
    }

    /// Forgets all of it: the entries that come to nothing, and what would have been answered.
    pub(super) fn forget(&mut self) -> Vec<Proposal> {
        let forgotten = std::mem::take(self);
        self.numbers = forgotten.numbers;
        forgotten.in_flight.into_iter().chain([forgotten.open]).collect()
    }
}

/// What an entry is foreseen with.
#[derive(Debug)]
pub(super) struct Foreseen<'a> {
    pub(super) last: u64,
    pub(super) last_id: &'a Bytes,
    pub(super) storage: Storage,
    /// Of each message of the entry.
    pub(super) details: Vec<Detail>,
}

/// What is known of a message that is to be stored.
#[derive(Debug, Clone, Default)]
pub(super) struct Detail {
    pub(super) is_schedule: bool,
    pub(super) total: Option<Total>,
}

impl Detail {
    /// Whether there is nothing to be known.
    pub(super) fn is_plain(&self) -> bool {
        !self.is_schedule && self.total.is_none()
    }
}

/// Whether it can be told what there will be after an entry: only limits and messages of the same subject let others go.
fn is_foreseeable(entry: &Entry) -> bool {
    match entry {
        Entry::Store(_) | Entry::Source(_) | Entry::Mirror { .. } | Entry::Batch(_) => {
            entry.stores().iter().all(Store::is_foreseeable)
        }
        // A message that no consumer wants gets a sequence, too.
        Entry::Consumer(_) | Entry::Skip(_) | Entry::Known { .. } => true,
        Entry::Purge(_)
        | Entry::Delete { .. }
        | Entry::Expire(_)
        | Entry::Release(_)
        | Entry::Configure { .. } => false,
    }
}

//! A stream as a list of messages, with the rules as one would say them.

use super::consumer::{Consumer, Policy};
use bytes::Bytes;
use std::collections::BTreeMap;
use vagus_routing::subject::matches;

pub(super) const SECOND: i64 = 1_000_000_000;

/// After so long messages go, where they do because of their age.
pub(super) const MAX_AGE: i64 = 1005 * SECOND;

/// For so long an id is remembered.
pub(super) const WINDOW: i64 = 305 * SECOND;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) subject: String,
    pub(super) header: Bytes,
    pub(super) payload: Bytes,
    pub(super) time: i64,
}

impl Kept {
    /// By how much it counts.
    fn size(&self) -> u64 {
        let header = match self.header.len() {
            0 => 0,
            length => length + 4,
        };
        (self.subject.len() + header + self.payload.len() + 30) as u64
    }
}

/// What is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) retention: &'static str,
    pub(super) max_messages: usize,
    pub(super) max_per_subject: usize,
    pub(super) has_max_age: bool,
    pub(super) discards_new: bool,
    pub(super) discards_new_per_subject: bool,
}

/// What is published, beside the message.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) expected: Option<u64>,
    pub(super) expected_of_subject: Option<u64>,
    pub(super) rollup: Option<&'a str>,
}

/// What becomes of what is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Stored(u64),
    Duplicate(u64),
    Refused(u64),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stream {
    pub(super) rules: Rules,
    pub(super) messages: BTreeMap<u64, Kept>,
    pub(super) last: u64,
    pub(super) ids: BTreeMap<String, (u64, i64)>,
    pub(super) consumers: BTreeMap<String, Consumer>,
}

impl Stream {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            messages: BTreeMap::new(),
            last: 0,
            ids: BTreeMap::new(),
            consumers: BTreeMap::new(),
        }
    }

    pub(super) fn first(&self) -> u64 {
        self.messages.keys().next().copied().unwrap_or(self.last + 1)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.messages.values().map(Kept::size).sum()
    }

    pub(super) fn matching<'a>(&'a self, pattern: &'a str) -> impl DoubleEndedIterator<Item = u64> + 'a {
        let matching = self
            .messages
            .iter()
            .filter(move |(_, kept)| matches(pattern.as_bytes(), kept.subject.as_bytes()));
        matching.map(|(sequence, _)| *sequence)
    }

    pub(super) fn subjects(&self) -> BTreeMap<String, u64> {
        let mut subjects = BTreeMap::new();
        for kept in self.messages.values() {
            *subjects.entry(kept.subject.clone()).or_default() += 1;
        }
        subjects
    }

    /// Whether no consumer needs a message.
    fn is_unneeded(&self, sequence: u64, subject: &str) -> bool {
        !self
            .consumers
            .values()
            .any(|consumer| consumer.needs(sequence, subject))
    }

    pub(super) fn publish(&mut self, kept: Kept, wish: Wish<'_>) -> Outcome {
        let last_of_it = self.matching(&kept.subject).next_back().unwrap_or(0);
        if wish
            .expected_of_subject
            .is_some_and(|expected| expected != last_of_it)
            || wish.expected.is_some_and(|expected| expected != self.last)
        {
            return Outcome::Refused(10071);
        }
        if let Some((sequence, time)) = wish.id.and_then(|id| self.ids.get(id))
            && kept.time - time < WINDOW
        {
            return Outcome::Duplicate(*sequence);
        }
        let sequence = self.last + 1;
        let is_wanted = self.rules.retention != "interest" || !self.is_unneeded(sequence, &kept.subject);
        let of_it = self.matching(&kept.subject).count();
        let reached = |limit: usize, there_are: usize| limit > 0 && there_are >= limit;
        if is_wanted && self.rules.discards_new {
            let replaces = reached(self.rules.max_per_subject, of_it);
            if replaces && self.rules.discards_new_per_subject && wish.rollup.is_none() {
                return Outcome::Refused(10077);
            }
            if reached(self.rules.max_messages, self.messages.len()) && !replaces {
                return Outcome::Refused(10077);
            }
        }
        self.last = sequence;
        if let Some(id) = wish.id {
            self.ids.insert(id.to_owned(), (sequence, kept.time));
        }
        let subject = kept.subject.clone();
        if is_wanted {
            self.messages.insert(sequence, kept);
            if self.rules.max_per_subject > 0 {
                self.keep_last(&subject, self.rules.max_per_subject);
            }
            if self.rules.max_messages > 0 && !self.rules.discards_new {
                self.keep_last(">", self.rules.max_messages);
            }
        }
        match wish.rollup {
            Some("all") => self.keep_last(">", usize::from(is_wanted)),
            Some(_) => self.keep_last(&subject, usize::from(is_wanted)),
            None => {}
        }
        Outcome::Stored(sequence)
    }

    fn keep_last(&mut self, pattern: &str, count: usize) {
        let of_it: Vec<u64> = self.matching(pattern).collect();
        for sequence in &of_it[..of_it.len().saturating_sub(count)] {
            self.go(*sequence);
        }
    }

    pub(super) fn go(&mut self, sequence: u64) {
        self.messages.remove(&sequence);
        for consumer in self.consumers.values_mut() {
            consumer.gone(sequence);
        }
    }

    /// What consumers do not need goes, where that decides.
    pub(super) fn release(&mut self, done_with: impl IntoIterator<Item = u64>) {
        if self.rules.retention == "limits" {
            return;
        }
        for sequence in done_with {
            let subject = self.messages.get(&sequence).map(|kept| &kept.subject);
            if subject.is_some_and(|subject| self.is_unneeded(sequence, subject)) {
                self.go(sequence);
            }
        }
    }

    /// Those that consumers have not needed anymore since one is another or has gone.
    pub(super) fn release_all(&mut self, wanted: impl Fn(&str) -> bool) {
        if self.rules.retention == "interest" {
            let of_it = self.messages.iter().filter(|(_, kept)| wanted(&kept.subject));
            let of_it: Vec<u64> = of_it.map(|(sequence, _)| *sequence).collect();
            self.release(of_it);
        }
    }

    /// How many go.
    pub(super) fn purge(&mut self, filter: &str, sequence: u64, keep: usize) -> u64 {
        let everything = matches!(filter, "" | ">");
        let filter = if everything { ">" } else { filter };
        let before = self.messages.len();
        let mut of_it: Vec<u64> = self.matching(filter).collect();
        of_it.truncate(of_it.len().saturating_sub(keep));
        of_it.retain(|at| sequence == 0 || *at < sequence);
        for at in of_it {
            self.go(at);
        }
        if everything && sequence > self.last {
            self.last = sequence - 1;
        }
        (before - self.messages.len()) as u64
    }

    /// What has become too old goes, one after the other.
    pub(super) fn expire(&mut self, now: i64) {
        if self.rules.has_max_age {
            let old = self
                .messages
                .iter()
                .filter(|(_, kept)| now - kept.time >= MAX_AGE);
            let old: Vec<u64> = old.map(|(sequence, _)| *sequence).collect();
            for sequence in old {
                self.go(sequence);
            }
        }
    }

    /// It is configured anew.
    pub(super) fn become_of(&mut self, rules: Rules) {
        self.rules = rules;
        if self.rules.max_per_subject > 0 {
            for subject in self.subjects().into_keys() {
                self.keep_last(&subject, self.rules.max_per_subject);
            }
        }
        if self.rules.max_messages > 0 && !self.rules.discards_new {
            self.keep_last(">", self.rules.max_messages);
        }
    }

    /// Consumers do what is due.
    pub(super) fn wake(&mut self, now: i64) {
        for consumer in self.consumers.values_mut() {
            consumer.wake(now);
        }
    }

    /// Where a consumer begins.
    pub(super) fn start(&self, consumer: &mut Consumer) {
        let deliver = consumer.deliver.clone();
        let (first, last) = (self.first(), self.last);
        let wanted = self
            .messages
            .iter()
            .filter(|(_, kept)| consumer.wants(&kept.subject));
        let wanted: Vec<(u64, &str)> = wanted
            .map(|(sequence, kept)| (*sequence, &*kept.subject))
            .collect();
        let mut last_of_each = BTreeMap::new();
        let (start, is_fixed) = match deliver.split_once(' ') {
            Some((_, sequence)) => (sequence.parse().unwrap(), true),
            None => (
                match &*deliver {
                    "new" => last + 1,
                    "last" if consumer.filters.is_empty() => last,
                    "last" => wanted.last().map_or(0, |(sequence, _)| *sequence),
                    "last_per_subject" if self.rules.max_per_subject == 1 => first,
                    "last_per_subject" => {
                        for (sequence, subject) in &wanted {
                            last_of_each.insert(*subject, *sequence);
                        }
                        last_of_each.values().min().copied().unwrap_or(last)
                    }
                    _ => first,
                },
                false,
            ),
        };
        let next = match start > last && !is_fixed {
            true => last + 1,
            false => start.max(first),
        };
        consumer.last_of_each = last_of_each.into_values().collect();
        consumer.last_of_each_up_to = if consumer.last_of_each.is_empty() { 0 } else { last };
        (consumer.next, consumer.least_next) = (next.max(1), next.max(1));
    }

    /// Something is said of a message that a consumer has delivered.
    pub(super) fn say(
        &mut self,
        name: &str,
        (sequence, consumer_sequence): (u64, u64),
        word: &str,
        now: i64,
    ) {
        if let Some(consumer) = self.consumers.get_mut(name) {
            let done_with = consumer.say(sequence, consumer_sequence, word, now);
            self.release(done_with);
        }
    }

    /// A consumer without acknowledgements is done with what it has delivered.
    pub(super) fn delivered(&mut self, name: &str, sequence: u64) {
        if self
            .consumers
            .get(name)
            .is_some_and(|consumer| consumer.policy == Policy::None)
        {
            self.release([sequence]);
        }
    }
}

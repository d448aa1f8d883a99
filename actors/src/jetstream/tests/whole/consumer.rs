//! A consumer as lists of what it has not delivered yet, and of what is not acknowledged.

use super::model::{Kept, SECOND};
use std::collections::{BTreeMap, BTreeSet};
use vagus_routing::subject::matches;

/// After so long a message is delivered again. No two times of the model are closer than some seconds, so that it does not
/// matter how long the test takes.
pub(super) const ACK_WAIT: i64 = 105 * SECOND;

/// For so long a message is left alone that was refused, if that is said.
pub(super) const NAK_DELAY: i64 = 35 * SECOND;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    None,
    Explicit,
    All,
}

/// A message that is not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unacknowledged {
    pub(super) deliveries: u64,
    /// When it was delivered last, or was put off; it is due after a while.
    pub(super) deadline: i64,
    pub(super) is_due: bool,
}

/// A message as it was delivered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivery {
    pub(super) sequence: u64,
    pub(super) deliveries: u64,
    pub(super) consumer_sequence: u64,
    pub(super) pending: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Consumer {
    pub(super) filters: Vec<&'static str>,
    pub(super) policy: Policy,
    pub(super) is_push: bool,
    pub(super) is_paused: bool,
    /// 0: as often as one likes.
    pub(super) max_deliver: u64,
    pub(super) max_ack_pending: usize,
    pub(super) deliver: String,
    /// Messages before this one are not wanted.
    pub(super) next: u64,
    /// Those before this one have been passed in any case: behind it that depends on when it was looked for them.
    pub(super) least_next: u64,
    /// Of those up to here only these are wanted.
    pub(super) last_of_each: BTreeSet<u64>,
    pub(super) last_of_each_up_to: u64,
    pub(super) unacknowledged: BTreeMap<u64, Unacknowledged>,
    pub(super) exhausted: BTreeSet<u64>,
    /// How many deliveries there were.
    pub(super) delivered: u64,
    /// Up to where all is acknowledged, of the deliveries and of the stream, as it was told last.
    pub(super) floor: (u64, u64),
    /// Requests that wait, and how many messages more each wants.
    pub(super) requests: BTreeMap<String, u64>,
}

impl PartialEq for Consumer {
    fn eq(&self, other: &Self) -> bool {
        let one = (
            &self.filters,
            self.is_paused,
            self.next,
            &self.last_of_each,
            self.delivered,
        );
        let another = (
            &other.filters,
            other.is_paused,
            other.next,
            &other.last_of_each,
            other.delivered,
        );
        one == another
            && self.unacknowledged == other.unacknowledged
            && self.exhausted == other.exhausted
            && self.max_ack_pending == other.max_ack_pending
            && self.requests == other.requests
    }
}

impl Consumer {
    pub(super) fn wants(&self, subject: &str) -> bool {
        let matches = |filter: &&str| matches(filter.as_bytes(), subject.as_bytes());
        self.filters.is_empty() || self.filters.iter().any(matches)
    }

    pub(super) fn is_ahead(&self, sequence: u64) -> bool {
        match sequence <= self.last_of_each_up_to {
            true => self.last_of_each.contains(&sequence),
            false => sequence >= self.next,
        }
    }

    /// The messages that are still to come.
    pub(super) fn ahead<'a>(&'a self, messages: &'a BTreeMap<u64, Kept>) -> impl Iterator<Item = u64> + 'a {
        let ahead = messages.iter().filter(|(sequence, kept)| {
            let is_known = self.last_of_each.contains(sequence);
            self.is_ahead(**sequence) && (is_known || self.wants(&kept.subject))
        });
        ahead.map(|(sequence, _)| *sequence)
    }

    /// It goes on from a message, or from a later one that is as good: the next one that it wants.
    pub(super) fn go_on_from(&mut self, next: u64, messages: &BTreeMap<u64, Kept>, last: u64) {
        let from = next.max(self.last_of_each_up_to + 1);
        let mut behind = messages.range(from..);
        let wanted = behind.find(|(_, kept)| self.wants(&kept.subject));
        self.least_next = next;
        self.next = wanted.map_or(next.max(last + 1), |(sequence, _)| *sequence);
    }

    pub(super) fn needs(&self, sequence: u64, subject: &str) -> bool {
        let is_kept = self.unacknowledged.contains_key(&sequence) || self.exhausted.contains(&sequence);
        self.wants(subject) && (is_kept || self.is_ahead(sequence))
    }

    pub(super) fn is_full(&self) -> bool {
        self.policy != Policy::None && self.unacknowledged.len() >= self.max_ack_pending
    }

    /// Whether something is to be delivered, to somebody who wants it; or somebody is to be told that there is nothing.
    pub(super) fn is_settled(&self, messages: &BTreeMap<u64, Kept>) -> bool {
        if self.is_paused || (!self.is_push && self.requests.is_empty()) {
            return true;
        }
        let is_due = self.unacknowledged.values().any(|message| message.is_due);
        let is_there = self.ahead(messages).next().is_some();
        let has_something = is_due || (is_there && !self.is_full());
        // Who does not want to wait is told that there is nothing.
        let ends = !self.is_push && !is_there && !self.is_full();
        !has_something && !ends
    }

    /// A message has been delivered that there is.
    pub(super) fn deliver(
        &mut self,
        messages: &BTreeMap<u64, Kept>,
        delivery: Delivery,
        now: i64,
    ) -> Result<(), String> {
        let Delivery {
            sequence,
            deliveries,
            consumer_sequence,
            pending,
        } = delivery;
        if consumer_sequence != self.delivered + 1 {
            return Err(format!("not delivery {}", self.delivered + 1));
        }
        if self.is_paused {
            return Err("it is paused".to_owned());
        }
        self.delivered += 1;
        if deliveries == 1 {
            if self.is_full() {
                return Err("too many are unacknowledged".to_owned());
            }
            let first = self.ahead(messages).next();
            if first != Some(sequence) {
                return Err(format!("the next one is {first:?}"));
            }
            match sequence <= self.last_of_each_up_to {
                true => {
                    self.drop_last_of_each(sequence);
                    self.next = self.next.max(sequence + 1);
                }
                false => self.next = sequence + 1,
            }
            self.least_next = self.least_next.max(self.next);
            if self.policy != Policy::None {
                let unacknowledged = Unacknowledged {
                    deliveries,
                    deadline: now + ACK_WAIT,
                    is_due: false,
                };
                self.unacknowledged.insert(sequence, unacknowledged);
            }
        } else {
            let Some(before) = self.unacknowledged.get_mut(&sequence) else {
                return Err("it is not unacknowledged".to_owned());
            };
            before.deliveries += 1;
            if !before.is_due || deliveries != before.deliveries {
                return Err(format!("it is {before:?}"));
            }
            before.is_due = false;
            before.deadline = now + ACK_WAIT;
            if self.max_deliver > 0 && deliveries > self.max_deliver {
                return Err("too often".to_owned());
            }
        }
        match self.ahead(messages).count() as u64 {
            rest if rest == pending => Ok(()),
            rest => Err(format!("{rest} are still to come")),
        }
    }

    fn drop_last_of_each(&mut self, sequence: u64) {
        if self.last_of_each.remove(&sequence) && self.last_of_each.is_empty() {
            self.next = self.next.max(self.last_of_each_up_to + 1);
            self.least_next = self.least_next.max(self.next);
        }
    }

    /// What is said of a message by who got it as that delivery; those that are done with by that.
    pub(super) fn say(&mut self, sequence: u64, consumer_sequence: u64, word: &str, now: i64) -> Vec<u64> {
        let is_above = consumer_sequence.min(self.delivered) > self.floor.0;
        let is_kept = self.unacknowledged.contains_key(&sequence) || self.exhausted.contains(&sequence);
        let done_with: Vec<u64> = match (word, self.policy) {
            ("+ACK" | "+TERM", Policy::Explicit) if is_kept => vec![sequence],
            ("+ACK" | "+TERM", Policy::All)
                if sequence < self.next && is_above && sequence > self.floor.1 =>
            {
                self.floor = (consumer_sequence.min(self.delivered), sequence);
                let known = self.unacknowledged.keys().chain(&self.exhausted);
                known.filter(|known| **known <= sequence).copied().collect()
            }
            _ => Vec::new(),
        };
        for sequence in &done_with {
            self.unacknowledged.remove(sequence);
            self.exhausted.remove(sequence);
        }
        if let Some(message) = self.unacknowledged.get_mut(&sequence) {
            let is_last = self.max_deliver > 0 && message.deliveries >= self.max_deliver;
            match word {
                word if word.starts_with("-NAK") && !(is_above && consumer_sequence <= self.delivered) => {}
                "-NAK" if is_last => {
                    self.unacknowledged.remove(&sequence);
                    self.exhausted.insert(sequence);
                }
                "-NAK" => message.is_due = true,
                "+WPI" => (message.deadline, message.is_due) = (now + ACK_WAIT, false),
                word if word.starts_with("-NAK ") => {
                    (message.deadline, message.is_due) = (now + NAK_DELAY, false);
                }
                _ => {}
            }
        }
        done_with
    }

    /// Does what is due.
    pub(super) fn wake(&mut self, now: i64) {
        for (sequence, message) in std::mem::take(&mut self.unacknowledged) {
            let is_late = !message.is_due && message.deadline <= now;
            if is_late && self.max_deliver > 0 && message.deliveries >= self.max_deliver {
                self.exhausted.insert(sequence);
            } else {
                let is_due = message.is_due || is_late;
                self.unacknowledged
                    .insert(sequence, Unacknowledged { is_due, ..message });
            }
        }
    }

    /// A message has gone.
    pub(super) fn gone(&mut self, sequence: u64) {
        self.unacknowledged.remove(&sequence);
        self.exhausted.remove(&sequence);
        self.drop_last_of_each(sequence);
    }

    /// The server has been started anew: nobody waits, and what was refused is delivered again in its time.
    pub(super) fn restart(&mut self) {
        self.requests.clear();
        for message in self.unacknowledged.values_mut() {
            message.is_due = false;
        }
    }

    /// Begins anew.
    pub(super) fn reset(&mut self, next: u64) {
        (self.next, self.least_next) = (next.max(1), next.max(1));
        self.last_of_each.clear();
        self.last_of_each_up_to = 0;
        self.unacknowledged.clear();
        self.exhausted.clear();
        self.delivered = 0;
        self.floor = (0, next.max(1) - 1);
    }
}

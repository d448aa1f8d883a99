//! Dead letters on their way: a message that a consumer has given up, or that has expired before it was done with, is published
//! where its dead letters go, and is done with when a stream there says that it has it for good. Until then it is kept, also through restarts, and published again from
//! time to time under the same id, so that it is there once.
//!
//! It is published when it is in the log that it is given up, so that it is not delivered again after a crash; and what has become
//! of it is written behind, so that it is not published again once that is in the log. Between the two its id tells.

use super::effect::Said;
use super::sourcing::Heard;
use super::{Effect, Stream, Surroundings};
use crate::header;
use crate::held::{Cold, Messages};
use crate::message::Message;
use crate::time::{SECOND, Time};
use bytes::Bytes;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// How long is waited for an answer before a message is published again.
const ANSWERED_WITHIN: i64 = 5 * SECOND;

/// How many are published in one turn.
const MOVED_AT_ONCE: usize = 64;

/// How long it takes until who hears the answers is there.
const OPEN_AFTER: i64 = SECOND / 100;

/// What the ids of dead letters begin with.
const ID_PREFIX: &str = "vagus.dead_letter-";

/// Whether a message that has this id is a dead letter.
pub(super) fn is_letter(id: &[u8]) -> bool {
    id.starts_with(ID_PREFIX.as_bytes())
}

/// Dead letters on their way.
#[derive(Debug, Default)]
pub(super) struct DeadLetters {
    /// Those of which it is not yet proposed to the log that they are given up: the numbers of their consumers, and sequences.
    pub(super) given_up: Vec<(u64, u64)>,
    /// When something has to be done for one, by the number of its consumer and its sequence.
    due: BTreeSet<(Time, u64, u64)>,
    waiting: BTreeMap<(u64, u64), Time>,
    /// Messages that have expired, and the consumers whose dead letters they are on their way to be.
    expired: BTreeMap<u64, BTreeSet<u64>>,
    /// Those of which all are where they were to go.
    moved: BTreeSet<u64>,
    /// Under which number answers come, and on which subjects.
    inbox: Option<(u32, String)>,
    /// Until then nothing is published: who hears the answers has to be there.
    opening_until: Option<Time>,
}

#[derive(Deserialize)]
struct Acknowledged {
    seq: Option<u64>,
    error: Option<serde_json::Value>,
}

impl DeadLetters {
    /// These are given up for good.
    pub(super) fn begin(&mut self, letters: Vec<(u64, u64)>) {
        for (number, sequence) in letters {
            self.note(number, sequence, Time(i64::MIN));
        }
    }

    /// Something has to be done for a message at a time.
    pub(super) fn note(&mut self, number: u64, sequence: u64, due: Time) {
        if let Some(before) = self.waiting.insert((number, sequence), due) {
            self.due.remove(&(before, number, sequence));
        }
        self.due.insert((due, number, sequence));
    }

    /// Nothing has to be done any more for a message.
    fn forget(&mut self, number: u64, sequence: u64) {
        if let Some(due) = self.waiting.remove(&(number, sequence)) {
            self.due.remove(&(due, number, sequence));
        }
        if let Some(numbers) = self.expired.get_mut(&sequence) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.expired.remove(&sequence);
                self.moved.insert(sequence);
            }
        }
    }

    fn has_expired(&self, number: u64, sequence: u64) -> bool {
        let numbers = self.expired.get(&sequence);
        numbers.is_some_and(|numbers| numbers.contains(&number))
    }

    /// When something has to be done.
    pub(super) fn wake_at(&self) -> Option<Time> {
        match self.moved.is_empty() {
            true => {
                let (due, ..) = self.due.first()?;
                Some(self.opening_until.map_or(*due, |until| until.max(*due)))
            }
            false => Some(Time(i64::MIN)),
        }
    }
}

impl<M: Messages> Stream<M> {
    /// The dead letters that are on their way when what is decided is in the log. If nothing is, what says so of them is there already,
    /// or never will be, and they are on their way now.
    pub(super) fn letters_ahead(&mut self) -> Vec<(u64, u64)> {
        let given_up = std::mem::take(&mut self.dead_letters.given_up);
        match self.ahead.has_more() {
            true => given_up,
            false => {
                self.dead_letters.begin(given_up);
                Vec::new()
            }
        }
    }

    /// A message that is to expire stays if consumers are not done with it that have dead letters: it goes when it is where these
    /// go. How many of them there are.
    pub(super) fn keep_dead_letters(&mut self, sequence: u64, now: Time) -> usize {
        if !self.consumers.has_mourners() {
            return 0;
        }
        let subject = self.held.subject_of(sequence).unwrap_or_default();
        let mourners = self.consumers.mourners(sequence, &subject);
        let letters = mourners.len();
        if letters > 0 {
            for number in &mourners {
                self.dead_letters.note(*number, sequence, now);
            }
            self.dead_letters.expired.insert(sequence, mourners);
            self.expiry.hold_back(sequence);
        }
        letters
    }

    /// The messages that have expired, and are where they were to go as dead letters.
    pub(super) fn moved_dead_letters(&mut self) -> BTreeSet<u64> {
        let moved = std::mem::take(&mut self.dead_letters.moved).into_iter();
        let is_left = |sequence: &u64| {
            self.held.subject_of(*sequence).is_some() && !self.ahead.expiring.contains(sequence)
        };
        moved.filter(is_left).collect()
    }

    /// Publishes what is due.
    ///
    /// # Errors
    /// If a message has to be read for that.
    pub(super) fn move_dead_letters(&mut self, around: &Surroundings<'_>) -> Result<(), Cold> {
        if self
            .dead_letters
            .opening_until
            .is_some_and(|until| until > around.now)
        {
            return Ok(());
        }
        self.dead_letters.opening_until = None;
        for _ in 0..MOVED_AT_ONCE {
            let Some((due, number, sequence)) = self.dead_letters.due.first().copied() else {
                return Ok(());
            };
            if due > around.now {
                return Ok(());
            }
            let has_expired = self.dead_letters.has_expired(number, sequence);
            let subject = self.held.subject_of(sequence);
            let expired = subject.as_deref().filter(|_| has_expired);
            let given_up = self.consumers.given_up(number, sequence, expired);
            let message = match given_up {
                Some(_) => self.held.get(sequence)?,
                None => None,
            };
            let (Some(given_up), Some(message)) = (given_up, message) else {
                self.dead_letters.forget(number, sequence);
                continue;
            };
            let Some((_, inbox)) = self.dead_letters.inbox.clone() else {
                // Who answers has to be heard first.
                self.open_inbox(around);
                self.dead_letters.opening_until = Some(around.now.after(OPEN_AFTER));
                return Ok(());
            };
            let said = self.dead_letter(&given_up, &message, format!("{inbox}.{number}.{sequence}"));
            self.effects.list.push(Effect::Say(said));
            let due = around.now.after(ANSWERED_WITHIN);
            self.dead_letters.note(number, sequence, due);
        }
        Ok(())
    }

    /// Has answers be heard, of whose subjects the last two tokens say what they are to.
    fn open_inbox(&mut self, around: &Surroundings<'_>) {
        let (number, drawn) = self.sourcing.draw(around.random);
        let subject = format!("$JSC.R.{drawn}");
        self.effects.list.push(Effect::Listen {
            number,
            subject: format!("{subject}.*.*").into(),
            then: None,
        });
        self.dead_letters.inbox = Some((number, subject));
    }

    fn dead_letter(&self, given_up: &GivenUp, message: &Message, reply: String) -> Said {
        // What was said for the sake of this stream says nothing there.
        let headers = header::without(&message.headers, |name| name.starts_with(b"Nats-"));
        let incarnation = self.identity();
        let (stream, sequence) = (&self.config.name, message.sequence.to_string());
        let id = format!(
            "{ID_PREFIX}{stream}-{incarnation}-{}-{sequence}",
            given_up.consumer
        );
        let (deliveries, time) = (given_up.deliveries.to_string(), message.time.to_string());
        let headers = header::with(
            &headers,
            &[
                (header::MESSAGE_ID, id.as_bytes()),
                ("Vagus-Dead-Letter-Reason", given_up.reason.as_bytes()),
                ("Vagus-Dead-Letter-Stream", stream.as_bytes()),
                ("Vagus-Dead-Letter-Consumer", given_up.consumer.as_bytes()),
                ("Vagus-Dead-Letter-Subject", &message.subject[..]),
                ("Vagus-Dead-Letter-Sequence", sequence.as_bytes()),
                ("Vagus-Dead-Letter-Deliveries", deliveries.as_bytes()),
                ("Vagus-Dead-Letter-Time", time.as_bytes()),
            ],
        );
        Said {
            subject: given_up.target.clone(),
            reply: reply.into(),
            headers,
            payload: message.payload.clone(),
        }
    }

    /// Whether something that has come is an answer to a dead letter; then it is taken.
    pub(super) fn hear_of_dead_letter(&mut self, around: &Surroundings<'_>, heard: Heard<'_>) -> bool {
        let is_answer = (self.dead_letters.inbox.as_ref()).is_some_and(|(number, _)| *number == heard.number);
        if !is_answer {
            return false;
        }
        let mut tokens = heard.subject.rsplit(|byte| *byte == b'.');
        let mut number = || tokens.next().and_then(header::number);
        let (Some(sequence), Some(number)) = (number(), number()) else {
            return true;
        };
        let answer = serde_json::from_slice::<Acknowledged>(heard.payload);
        if answer.is_ok_and(|answer| answer.seq.is_some_and(|seq| seq > 0) && answer.error.is_none()) {
            let has_expired = self.dead_letters.has_expired(number, sequence);
            self.dead_letters.forget(number, sequence);
            self.done_with_dead_letter(around, number, sequence, has_expired);
        }
        true
    }
}

/// A message that a consumer has given up.
pub(super) struct GivenUp {
    pub(super) consumer: String,
    pub(super) target: Bytes,
    pub(super) deliveries: u64,
    pub(super) reason: &'static str,
}

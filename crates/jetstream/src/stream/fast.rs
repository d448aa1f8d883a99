//! Messages of a publisher that does not wait for each answer, and is told how far he is: batches by the reply subject
//! `….<id>.<flow>.<gap>.<place>.<operation>.$FI`.

use super::entry::Entry;
use super::publishing::{Decided, Publish, Published};
use super::staged::Staged;
use super::{Stop, Stream, Surroundings};
use crate::api::requires_other_level;
use crate::error::ApiError;
use crate::header;
use crate::held::Messages;
use crate::time::Time;
use bytes::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;

mod place;

pub(super) use place::{Operation, Place};

const MAX_ID: usize = 64;

/// After how many messages a publisher is told how far he is, if there is no other.
const FLOW: u16 = 500;

/// The batches of a stream that are under way.
#[derive(Debug, Default)]
pub(super) struct FastBatches {
    batches: BTreeMap<Bytes, Batch>,
}

#[derive(Debug, Clone)]
struct Batch {
    /// The place of the last message that came.
    last: u64,
    /// The place of the last one that is stored, and the sequence that it got.
    stored: u64,
    sequence: u64,
    /// Up to which the publisher was told.
    told: u64,
    /// How many are not yet stored.
    pending: u64,
    /// After how many he is told, and after how many at most.
    flow: u16,
    max_flow: u16,
    allows_gaps: bool,
    /// Where is answered that it has ended, which is when all is stored that is pending; None: it goes on. A message by which it
    /// ends need not be one that is stored.
    ending: Option<Bytes>,
    deadline: Time,
}

/// What a publisher is told on his way.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Told<'a> {
    /// How far he is, and after how many messages he is told again.
    Ack { seq: u64, msgs: u16 },
    /// Which messages did not come.
    Gap { last_seq: u64, seq: u64 },
    /// Which one was refused.
    Err { seq: u64, error: &'a ApiError },
}

impl Told<'_> {
    fn json(&self) -> Bytes {
        crate::api::json(self).into()
    }
}

impl FastBatches {
    pub(super) fn len(&self) -> usize {
        self.batches.len()
    }

    pub(super) fn clear(&mut self) {
        self.batches.clear();
    }

    pub(super) fn due(&self) -> Option<Time> {
        let idle = self.batches.values().filter(|batch| batch.ending.is_none());
        idle.map(|batch| batch.deadline).min()
    }

    /// Forgets those of which nothing has come.
    pub(super) fn expire(&mut self, now: Time) {
        self.batches
            .retain(|_, batch| batch.ending.is_some() || batch.deadline > now);
    }

    /// What was to be stored is not: publishers learn it by what they are told of.
    pub(super) fn forget_pending(&mut self) {
        self.batches.retain(|_, batch| {
            batch.pending = 0;
            batch.last = batch.stored;
            batch.ending.is_none()
        });
    }
}

impl Batch {
    fn told(&self) -> Bytes {
        let (seq, msgs) = (self.told, self.flow);
        Told::Ack { seq, msgs }.json()
    }

    /// Whether the publisher is to be told how far he is; then he is told after more or fewer messages, as there are many
    /// others or few.
    fn flows(&mut self, batches: usize) -> bool {
        let flow = u64::from(self.flow);
        if self.stored < self.told + flow {
            return false;
        }
        self.told += (self.stored - self.told) / flow * flow;
        let most = usize::from(FLOW) / batches.max(1);
        let most = u16::try_from(most.max(1)).unwrap_or(FLOW).min(self.max_flow);
        self.flow = if self.flow < most {
            self.flow.saturating_mul(2).min(most)
        } else {
            (self.flow / 2).max(most)
        };
        true
    }
}

/// What has come of a message of a batch: who is told what, and whether it is stored.
struct Turn {
    /// Where it is answered.
    reply: Bytes,
    answers: Vec<Bytes>,
    decided: Option<Decided>,
}

impl<M: Messages> Stream<M> {
    pub(super) fn publish_in_fast_batch(
        &mut self,
        around: &Surroundings<'_>,
        message: Publish,
        place: Result<Place, place::NoPlace>,
    ) -> Published {
        let place = match self.check_fast_message(around, &message, place) {
            Ok(place) => place,
            Err(error) => {
                self.refuse(&message.reply, &error);
                return Published::Decided;
            }
        };
        let before = self.fast.batches.get(&place.batch).cloned();
        match self.take_in_fast_batch(around, &message, &place) {
            Ok(turn) => {
                for answer in turn.answers {
                    self.answer(&message.reply, answer);
                }
                if let Some(Decided { mut store, detail }) = turn.decided {
                    store.answer.reply = message.reply;
                    store.answer.fast = Some((place.batch, place.sequence));
                    self.decide(Entry::Store(store), vec![detail]);
                }
                Published::Decided
            }
            Err(stop) => {
                // As if it had not come: it comes again.
                match before {
                    Some(before) => drop(self.fast.batches.insert(place.batch, before)),
                    None => drop(self.fast.batches.remove(&place.batch)),
                }
                match stop {
                    Stop::Cold(cold) => Published::Cold(message, cold),
                    Stop::Refused(_) | Stop::Duplicate(_) | Stop::Unsettled => Published::Unsettled(message),
                }
            }
        }
    }

    fn check_fast_message(
        &self,
        around: &Surroundings<'_>,
        message: &Publish,
        place: Result<Place, place::NoPlace>,
    ) -> Result<Place, ApiError> {
        self.check_batched(around, message)?;
        if !self.config.allow_fast_batches {
            return Err(ApiError::FAST_DISABLED);
        }
        let place = place.map_err(|_| ApiError::FAST_PATTERN_INVALID)?;
        if place.batch.len() > MAX_ID {
            return Err(ApiError::FAST_ID_INVALID);
        }
        Ok(place)
    }

    fn begin_fast_batch(&mut self, around: &Surroundings<'_>, place: &Place) -> Result<(), ApiError> {
        if place.sequence != 1 {
            return Err(ApiError::FAST_ID_UNKNOWN);
        }
        let there_are = self.fast.batches.len();
        if there_are >= around.limits.max_fast_batches || around.batches_left == 0 {
            return Err(ApiError::FAST_TOO_MANY);
        }
        let batch = Batch {
            last: 0,
            stored: 0,
            sequence: 0,
            told: 0,
            pending: 0,
            flow: if there_are > 0 { 1 } else { FLOW.min(place.flow) },
            max_flow: place.flow,
            allows_gaps: place.allows_gaps,
            ending: None,
            deadline: around.now,
        };
        self.fast.batches.insert(place.batch.clone(), batch);
        Ok(())
    }

    fn take_in_fast_batch(
        &mut self,
        around: &Surroundings<'_>,
        message: &Publish,
        place: &Place,
    ) -> Result<Turn, Stop> {
        let mut turn = Turn {
            reply: message.reply.clone(),
            answers: Vec::new(),
            decided: None,
        };
        let refused = |this: &Self, error: &ApiError| this.acknowledgements.refusal(&this.config.name, error);
        if !self.fast.batches.contains_key(&place.batch)
            && let Err(error) = self.begin_fast_batch(around, place)
        {
            turn.answers.push(refused(self, &error));
            return Ok(turn);
        }
        if requires_other_level(&message.headers) {
            self.fast.batches.remove(&place.batch);
            turn.answers.push(refused(self, &ApiError::REQUIRED_API_LEVEL));
            return Ok(turn);
        }
        let headers = header::without_name(&message.headers, header::REQUIRED_API_LEVEL);
        let batches = self.fast.batches.len();
        let Some(batch) = self.fast.batches.get_mut(&place.batch) else {
            return Ok(turn);
        };
        batch.deadline = around.now.after(around.limits.batch_timeout);
        if place.operation == Operation::Ping {
            self.ping_fast_batch(place, batches, &mut turn);
            return Ok(turn);
        }
        // One that ends takes nothing more in: its publisher waits for the end.
        if batch.ending.is_some() {
            return Ok(turn);
        }
        batch.last += 1;
        if batch.last != place.sequence {
            let is_gap = place.sequence > batch.last;
            if is_gap {
                let (last_seq, seq) = (batch.last, place.sequence);
                turn.answers.push(Told::Gap { last_seq, seq }.json());
            }
            if !(batch.allows_gaps && is_gap) {
                batch.last -= 1;
                self.end_fast_batch(&place.batch, &mut turn);
                return Ok(turn);
            }
            batch.last = place.sequence;
        }
        let ends = matches!(place.operation, Operation::Commit | Operation::CommitBefore);
        if place.operation == Operation::CommitBefore {
            batch.last -= 1;
            if batch.pending == 0 {
                batch.stored = batch.last;
            }
        }
        if place.operation == Operation::CommitBefore {
            self.end_fast_batch(&place.batch, &mut turn);
            return Ok(turn);
        }
        batch.ending = ends.then(|| message.reply.clone());
        if place.sequence == 1 && !ends {
            let (seq, msgs) = (0, batch.flow);
            turn.answers.push(Told::Ack { seq, msgs }.json());
        }
        if let Err(error) = self.check_expected_id(&headers) {
            // It is answered as a message for itself would be, and the batch goes on.
            turn.answers.push(refused(self, &error));
            if ends {
                self.fast.batches.remove(&place.batch);
            }
            return Ok(turn);
        }
        let subject = self.transformed(&message.subject, around.random);
        let payload = message.payload.clone();
        match self.decide_beside(around, &mut Staged::default(), subject, headers, payload) {
            Ok(decided) => {
                if let Some(batch) = self.fast.batches.get_mut(&place.batch) {
                    batch.pending += 1;
                }
                turn.decided = Some(decided);
                Ok(turn)
            }
            Err(Stop::Refused(error)) => {
                self.refuse_in_fast_batch(place, ends, Err(&error), &mut turn);
                Ok(turn)
            }
            Err(Stop::Duplicate(sequence)) => {
                self.refuse_in_fast_batch(place, ends, Ok(sequence), &mut turn);
                Ok(turn)
            }
            Err(stop) => Err(stop),
        }
    }

    /// A publisher asks how far he is.
    fn ping_fast_batch(&mut self, place: &Place, batches: usize, turn: &mut Turn) {
        let Some(batch) = self.fast.batches.get_mut(&place.batch) else {
            return;
        };
        let mut is_told = false;
        if place.sequence > batch.last {
            let (last_seq, seq) = (batch.last + 1, place.sequence + 1);
            turn.answers.push(Told::Gap { last_seq, seq }.json());
            if batch.allows_gaps {
                batch.last = place.sequence;
                if batch.pending == 0 {
                    batch.stored = batch.last;
                }
                if batch.flows(batches) {
                    turn.answers.push(batch.told());
                    is_told = true;
                }
            } else {
                is_told = self.end_fast_batch(&place.batch, turn);
            }
        }
        if !is_told && let Some(batch) = self.fast.batches.get(&place.batch) {
            turn.answers.push(batch.told());
        }
    }

    /// A message of a batch is not stored: it is refused, or has been before, and got this sequence.
    fn refuse_in_fast_batch(
        &mut self,
        place: &Place,
        ends: bool,
        why: Result<u64, &ApiError>,
        turn: &mut Turn,
    ) {
        let batches = self.fast.batches.len();
        let Some(batch) = self.fast.batches.get_mut(&place.batch) else {
            return;
        };
        if why.is_ok() {
            if batch.pending == 0 {
                batch.stored = place.sequence;
                if batch.flows(batches) {
                    turn.answers.push(batch.told());
                }
            }
            if !ends {
                return;
            }
        }
        if !place.allows_gaps && batch.last == 1 {
            // The first one is answered as a message for itself would be too.
            turn.answers.push(match why {
                Ok(sequence) => {
                    (self.acknowledgements).duplicate_in_batch(sequence, &place.batch, place.sequence)
                }
                Err(error) => self.acknowledgements.refusal(&self.config.name, error),
            });
            self.fast.batches.remove(&place.batch);
            return;
        }
        if let Err(error) = why {
            let seq = place.sequence;
            turn.answers.push(Told::Err { seq, error }.json());
            if place.allows_gaps && !ends {
                return;
            }
            batch.last -= 1;
            if batch.pending == 0 {
                batch.stored = batch.last;
            }
        }
        self.end_fast_batch(&place.batch, turn);
    }

    /// Ends a batch: at once if all of it is stored, else when it is. Says whether it has ended.
    fn end_fast_batch(&mut self, id: &Bytes, turn: &mut Turn) -> bool {
        let Some(batch) = self.fast.batches.get_mut(id) else {
            return true;
        };
        batch.ending = Some(turn.reply.clone());
        let has_ended = batch.last == batch.stored;
        if has_ended {
            turn.answers
                .push(self.acknowledgements.batch(batch.sequence, id, batch.last));
            self.fast.batches.remove(id);
        }
        has_ended
    }

    /// A message of a batch is stored.
    pub(super) fn stored_in_fast_batch(&mut self, id: &Bytes, place: u64, reply: &Bytes, sequence: u64) {
        let batches = self.fast.batches.len();
        let Some(batch) = self.fast.batches.get_mut(id) else {
            return;
        };
        batch.pending = batch.pending.saturating_sub(1);
        batch.sequence = sequence;
        // Those behind it that were not stored are not waited for.
        batch.stored = if batch.pending == 0 { batch.last } else { place };
        if let Some(ending) = batch.ending.take_if(|_| batch.last == batch.stored) {
            let count = batch.last;
            self.fast.batches.remove(id);
            let ended = self.acknowledgements.batch(sequence, id, count);
            self.answer(&ending, ended);
        } else if batch.flows(batches) {
            let told = batch.told();
            self.answer(reply, told);
        }
    }
}

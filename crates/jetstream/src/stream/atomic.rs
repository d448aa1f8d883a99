//! Several messages that are stored together or not at all: `Nats-Batch-Id`.

use super::entry::{Answer, Entry};
use super::publishing::{Publish, Published};
use super::staged::Staged;
use super::{Abandonment, Effect, Stop, Stream, Surroundings};
use crate::api::requires_other_level;
use crate::error::ApiError;
use crate::header;
use crate::held::Messages;
use crate::message::size;
use crate::time::Time;
use bytes::Bytes;
use std::collections::BTreeMap;

const MAX_ID: usize = 64;

/// How many bytes the messages of all batches of a stream may have before they are stored.
const MAX_STAGED: u64 = 128 * 1024 * 1024;

/// The batches of a stream that are under way.
#[derive(Debug, Default)]
pub(super) struct AtomicBatches {
    batches: BTreeMap<Bytes, Batch>,
    bytes: u64,
}

#[derive(Debug, Clone)]
struct Batch {
    messages: Vec<Publish>,
    /// The place of the last one that came.
    last: u64,
    bytes: u64,
    /// Nothing becomes of it if nothing comes until then.
    deadline: Time,
}

impl AtomicBatches {
    pub(super) fn len(&self) -> usize {
        self.batches.len()
    }

    fn remove(&mut self, id: &[u8]) -> Option<Batch> {
        let batch = self.batches.remove(id)?;
        self.bytes -= batch.bytes;
        Some(batch)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// When nothing becomes of the first.
    pub(super) fn due(&self) -> Option<Time> {
        self.batches.values().map(|batch| batch.deadline).min()
    }

    /// Forgets those of which nothing has come, and names them.
    pub(super) fn expire(&mut self, now: Time) -> Vec<Bytes> {
        let expired = self.batches.iter().filter(|(_, batch)| batch.deadline <= now);
        let expired: Vec<Bytes> = expired.map(|(id, _)| id.clone()).collect();
        expired.iter().for_each(|id| drop(self.remove(id)));
        expired
    }
}

/// A message that is not taken in, and with it perhaps its batch.
struct Failed {
    why: Stop,
    reason: Option<Abandonment>,
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Self {
        Self {
            why: Stop::Refused(error),
            reason: None,
        }
    }
}

/// How a batch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Commit {
    /// Not with this message.
    Not,
    /// With it.
    With,
    /// Before it: it is not stored.
    Before,
}

impl Commit {
    fn of(headers: &[u8]) -> Result<Self, ApiError> {
        match header::get(headers, header::BATCH_COMMIT) {
            None => Ok(Self::Not),
            Some(b"1") => Ok(Self::With),
            Some(b"eob") => Ok(Self::Before),
            Some(_) => Err(ApiError::ATOMIC_COMMIT_INVALID),
        }
    }
}

impl<M: Messages> Stream<M> {
    pub(super) fn publish_in_atomic_batch(
        &mut self,
        around: &Surroundings<'_>,
        message: Publish,
        id: Bytes,
    ) -> Published {
        // What is stored together is decided about together: what is ahead has to be known.
        let commits = !matches!(Commit::of(&message.headers), Ok(Commit::Not));
        if commits && !self.ahead.is_empty() {
            return Published::Unsettled(message);
        }
        let before = match commits {
            true => self.atomic.batches.get(&id).cloned(),
            false => None,
        };
        match self.take_in_batch(around, message.clone(), &id) {
            Ok(true) => {}
            Ok(false) => self.answer(&message.reply, Bytes::new()),
            Err(Failed {
                why: Stop::Cold(cold),
                ..
            }) => {
                // As if it had not come: it comes again.
                if let Some(before) = before {
                    self.atomic.bytes += before.bytes;
                    self.atomic.batches.insert(id, before);
                }
                return Published::Cold(message, cold);
            }
            Err(Failed { why, reason }) => {
                let error = match why {
                    Stop::Refused(error) => error,
                    Stop::Duplicate(_) => ApiError::ATOMIC_CONTAINS_DUPLICATE,
                    Stop::Unsettled | Stop::Cold(_) => ApiError::ATOMIC_INCOMPLETE,
                };
                self.refuse(&message.reply, &error);
                if let Some(reason) = reason {
                    self.effects.list.push(Effect::Abandoned { batch: id, reason });
                }
            }
        }
        Published::Decided
    }

    /// Takes a message in; says whether the batch is stored.
    fn take_in_batch(
        &mut self,
        around: &Surroundings<'_>,
        mut message: Publish,
        id: &Bytes,
    ) -> Result<bool, Failed> {
        let place = self
            .check_batch_message(around, &message, id)
            .map_err(Failed::from)?;
        let commit = Commit::of(&message.headers);
        let count = place.wrapping_sub(u64::from(commit == Ok(Commit::Before)));
        let most = around.limits.max_batch_size;
        if !self.atomic.batches.contains_key(id) {
            self.begin_batch(around, id, place, count).map_err(Failed::from)?;
        }
        let commit = commit.map_err(|error| {
            self.atomic.remove(id);
            Failed::from(error)
        })?;
        let abandon = |this: &mut Self, error, reason| {
            this.atomic.remove(id);
            Err(Failed {
                why: Stop::Refused(error),
                reason: Some(reason),
            })
        };
        if requires_other_level(&message.headers) {
            return abandon(
                self,
                ApiError::REQUIRED_API_LEVEL,
                Abandonment::RequirementsNotMet,
            );
        }
        message.headers = header::without_name(&message.headers, header::REQUIRED_API_LEVEL);
        let added = size(
            self.config.storage,
            &message.subject,
            &message.headers,
            &message.payload,
        );
        let is_room = self.atomic.bytes + added <= MAX_STAGED;
        let Some(batch) = self.atomic.batches.get_mut(id) else {
            return Err(Failed::from(ApiError::ATOMIC_INCOMPLETE));
        };
        batch.last += 1;
        batch.deadline = around.now.after(around.limits.batch_timeout);
        if batch.last != place || (place == 1 && commit == Commit::Before) {
            return abandon(self, ApiError::ATOMIC_INCOMPLETE, Abandonment::Incomplete);
        }
        if count > most {
            return abandon(self, ApiError::atomic_too_large(most), Abandonment::Large);
        }
        if !is_room {
            return abandon(self, ApiError::ATOMIC_TOO_MANY, Abandonment::Large);
        }
        let reply = message.reply.clone();
        if commit != Commit::Before {
            batch.bytes += added;
            self.atomic.bytes += added;
            batch.messages.push(message);
        }
        if commit == Commit::Not {
            return Ok(false);
        }
        let messages = self
            .atomic
            .remove(id)
            .map(|batch| batch.messages)
            .unwrap_or_default();
        let is_ended_before = commit == Commit::Before;
        self.commit_batch(around, messages, Answer::to(reply), id, is_ended_before)
            .map_err(|why| Failed { why, reason: None })?;
        Ok(true)
    }

    /// What is looked at before it matters of which batch a message is; says which place it has in it.
    fn check_batch_message(
        &self,
        around: &Surroundings<'_>,
        message: &Publish,
        id: &[u8],
    ) -> Result<u64, ApiError> {
        self.check_batched(around, message)?;
        if !self.config.allow_atomic {
            return Err(ApiError::ATOMIC_DISABLED);
        }
        if id.len() > MAX_ID {
            return Err(ApiError::ATOMIC_ID_INVALID);
        }
        let place = header::said(&message.headers, header::BATCH_SEQUENCE).and_then(header::number);
        place.ok_or(ApiError::ATOMIC_SEQUENCE_MISSING)
    }

    fn begin_batch(
        &mut self,
        around: &Surroundings<'_>,
        id: &Bytes,
        place: u64,
        count: u64,
    ) -> Result<(), ApiError> {
        let most = around.limits.max_batch_size;
        if place != 1 {
            return Err(match count > most {
                true => ApiError::atomic_too_large(most),
                false => ApiError::ATOMIC_INCOMPLETE,
            });
        }
        if self.atomic.batches.len() >= around.limits.max_atomic_batches || around.batches_left == 0 {
            return Err(ApiError::ATOMIC_TOO_MANY);
        }
        let batch = Batch {
            messages: Vec::new(),
            last: 0,
            bytes: 0,
            deadline: around.now.after(around.limits.batch_timeout),
        };
        self.atomic.batches.insert(id.clone(), batch);
        Ok(())
    }

    /// Decides about all messages of a batch.
    fn commit_batch(
        &mut self,
        around: &Surroundings<'_>,
        messages: Vec<Publish>,
        answer: Answer,
        id: &Bytes,
        is_ended_before: bool,
    ) -> Result<(), Stop> {
        let mut staged = Staged::default();
        let (mut stores, mut details) = (Vec::with_capacity(messages.len()), Vec::new());
        for message in messages {
            let Publish {
                subject,
                headers,
                payload,
                ..
            } = message;
            if header::said(&headers, header::EXPECTED_LAST_MESSAGE_ID).is_some() {
                return Err(ApiError::atomic_unsupported_header(header::EXPECTED_LAST_MESSAGE_ID).into());
            }
            let subject = self.transformed(&subject, around.random);
            let decided = self.decide_beside(around, &mut staged, subject, headers, payload)?;
            stores.push(decided.store);
            details.push(decided.detail);
        }
        let count = stores.len() as u64;
        if let Some(last) = stores.last_mut() {
            if is_ended_before {
                last.headers = header::with(&last.headers, &[(header::BATCH_COMMIT, b"1")]);
            }
            last.answer = Answer {
                batch: Some((id.clone(), count)),
                ..answer
            };
        }
        self.decide(Entry::Batch(stores), details);
        Ok(())
    }
}

//! What is published to a stream: whether it is stored, in which form, and what its publisher is told.

use super::ahead::Detail;
use super::counter::{self, Total};
use super::discard::Wanted;
use super::entry::{Answer, Entry, Store};
use super::lifetime::Lifetime;
use super::rollup::{self, Rollup};
use super::schedule::{self, Rules, Said};
use super::{Effect, Stop, Stream, Surroundings};
use crate::account::Room;
use crate::config::Storage;
use crate::error::ApiError;
use crate::header;
use crate::held::{Cold, Messages};
use crate::message::size;
use crate::time::SECOND;
use bytes::Bytes;
use std::borrow::Cow;
use vagus_routing::subject::matches;

/// How many bytes of a message a file may have.
const MAX_IN_FILE: u64 = 32 * 1024 * 1024;

/// How long headers may be.
pub(super) const MAX_HEADERS: usize = u16::MAX as usize;

/// What the server adds where a request crosses accounts.
pub(super) const REQUEST_INFO: &str = "Nats-Request-Info";

/// A message that is published to a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Publish {
    /// What it is about.
    pub subject: Bytes,
    /// Where the answer goes; empty: nowhere.
    pub reply: Bytes,
    /// Its headers, without a status; empty if it has none.
    pub headers: Bytes,
    /// What it says.
    pub payload: Bytes,
}

/// What has become of a message that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// It is decided: it comes with the next proposal, or has been answered.
    Decided,
    /// It comes back: it cannot be decided before what is ahead is in the log.
    Unsettled(Publish),
    /// It comes back: a message has to be read first.
    Cold(Publish, Cold),
}

/// A message as it is to be stored, and what is known of it.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) store: Store,
    pub(super) detail: Detail,
}

impl<M: Messages> Stream<M> {
    /// Decides about a message that is published.
    pub fn publish(&mut self, around: &Surroundings<'_>, message: Publish) -> Published {
        if let Some(place) = super::fast::Place::of(&message.reply) {
            return self.publish_in_fast_batch(around, message, place);
        }
        if let Some(batch) = header::said(&message.headers, header::BATCH_ID) {
            let batch = Bytes::copy_from_slice(batch);
            return self.publish_in_atomic_batch(around, message, batch);
        }
        match self.decide_alone(around, &message) {
            Ok(Decided { mut store, detail }) => {
                store.answer.reply = message.reply;
                let details = if detail.is_plain() {
                    Vec::new()
                } else {
                    vec![detail]
                };
                self.decide(Entry::Store(store), details);
            }
            Err(Stop::Refused(error)) => self.refuse(&message.reply, &error),
            Err(Stop::Duplicate(sequence)) => self.answer_duplicate(message.reply, sequence),
            Err(Stop::Unsettled) => return Published::Unsettled(message),
            Err(Stop::Cold(cold)) => return Published::Cold(message, cold),
        }
        Published::Decided
    }

    /// A message has been stored before: its answer does not come before that of the first.
    fn answer_duplicate(&mut self, reply: Bytes, sequence: u64) {
        if reply.is_empty() || self.config.no_ack {
            return;
        }
        let answer = Effect::Answer {
            to: reply,
            payload: self.acknowledgements.duplicate(sequence),
        };
        let at_once = match sequence > self.last {
            true => self.ahead.answer_after(answer),
            false => Some(answer),
        };
        self.effects.list.extend(at_once);
    }

    /// What a subject becomes before anything else.
    pub(super) fn transformed(&self, subject: &Bytes, random: u32) -> Bytes {
        match &self.transform {
            Some(transform) if matches(transform.source().as_bytes(), subject) => {
                let mut out = Vec::with_capacity(subject.len());
                transform.append(subject, random, &mut out);
                out.into()
            }
            _ => subject.clone(),
        }
    }

    /// Decides about a message for itself. The order of what is looked at is nats-server's: of several things that are
    /// wrong clients see the same one.
    fn decide_alone(&self, around: &Surroundings<'_>, message: &Publish) -> Result<Decided, Stop> {
        let subject = self.transformed(&message.subject, around.random);
        let payload = &message.payload;
        self.check_fits_file(&subject, &message.headers, payload)?;
        if self.config.sealed {
            return Err(ApiError::STREAM_SEALED.into());
        }
        let mut headers = header::without_name(&message.headers, REQUEST_INFO);
        let mut lifetime = Ok(Lifetime::Unsaid);
        let (mut said, mut rollup, mut increment) = (Said::default(), Rollup::None, None);
        if !headers.is_empty() {
            increment = counter::increment(&headers, payload, self.config.allow_counter)?;
            self.check_expected_stream(&headers)?;
            lifetime = Lifetime::of(&headers);
            if !self.config.allow_ttl
                && lifetime
                    .as_ref()
                    .is_ok_and(|lifetime| *lifetime != Lifetime::Unsaid)
            {
                return Err(ApiError::TTL_DISABLED.into());
            }
            self.check_expected_subject_sequence(&headers, &subject)?;
            self.check_expected_sequence(&headers)?;
            (headers, said) = self.check_schedule(around, headers, &subject)?;
            if let Some(schedule) = schedule::ended(&headers) {
                self.check_is_schedule(schedule)?;
            }
            if let Some(id) = header::said(&headers, header::MESSAGE_ID)
                && let Some(sequence) = self.seen(id, around)
            {
                return Err(Stop::Duplicate(sequence));
            }
            self.check_expected_id(&headers)?;
            rollup = rollup::check(&headers, self.allows_rollup())?;
        }
        let counted = match (increment, self.config.allow_counter) {
            (Some(increment), true) => {
                let counted = counter::count(self.foreseen_total(&subject)?, &increment, &headers)?;
                if counted.headers.len() + counted.payload.len() > around.limits.max_payload {
                    return Err(ApiError::MESSAGE_EXCEEDS_MAXIMUM.into());
                }
                Some(counted)
            }
            (None, true) => return Err(ApiError::COUNTER_INCREMENT_MISSING.into()),
            (_, false) => None,
        };
        let (headers, payload) = match &counted {
            Some(counted) => (counted.headers.clone(), &counted.payload),
            None => (headers, payload),
        };
        self.check_size(&headers, payload)?;
        if headers.len() > MAX_HEADERS {
            return Err(ApiError::HEADER_EXCEEDS_MAXIMUM.into());
        }
        if around.room.is_server_full {
            return Err(ApiError::INSUFFICIENT_RESOURCES.into());
        }
        let mut store = Store {
            time: self.stamp(around.now),
            subject,
            headers,
            payload: payload.clone(),
            rollup,
            ..Store::default()
        };
        // What no consumer wants is not kept: it may be as large and as many as it likes.
        if self.is_wanted(self.last + 1, &store.subject) {
            self.check_room_for(around, &store)?;
            store.lifetime = lifetime?;
            self.prolong(&mut store);
            self.check_limits(self.wanted(&store))?;
        }
        let total = counted.map(|counted| {
            store.answer.value = Some(counted.value);
            counted.total
        });
        let is_schedule = said.is_schedule;
        Ok(Decided {
            store,
            detail: Detail { is_schedule, total },
        })
    }

    /// Whether an account has room for a message.
    pub(super) fn check_room_for(&self, around: &Surroundings<'_>, store: &Store) -> Result<(), ApiError> {
        check_room(&around.room, self.size_of(store))
    }

    pub(super) fn size_of(&self, store: &Store) -> u64 {
        size(
            self.config.storage,
            &store.subject,
            &store.headers,
            &store.payload,
        )
    }

    pub(super) fn wanted<'a>(&self, store: &'a Store) -> Wanted<'a> {
        Wanted {
            subject: &store.subject,
            size: self.size_of(store),
            has_others_go: store.rollup != Rollup::None,
        }
    }

    pub(super) fn allows_rollup(&self) -> bool {
        self.config.allow_rollup && !self.config.deny_purge
    }

    /// The sequence of the message with that id, if it came or will have come within the window.
    pub(super) fn seen(&self, id: &[u8], around: &Surroundings<'_>) -> Option<u64> {
        let window = self.config.duplicate_window;
        if self.config.mirror.is_some() || window <= 0 {
            return None;
        }
        let ahead = self.ahead.sequence_of_id(id);
        ahead.or_else(|| self.duplicates.find(id, window, around.now))
    }

    pub(super) fn check_fits_file(
        &self,
        subject: &[u8],
        headers: &[u8],
        payload: &[u8],
    ) -> Result<(), ApiError> {
        let size = size(Storage::File, subject, headers, payload);
        match self.config.storage == Storage::File && size > MAX_IN_FILE {
            true => Err(ApiError::store_failed("message too large")),
            false => Ok(()),
        }
    }

    pub(super) fn check_size(&self, headers: &[u8], payload: &[u8]) -> Result<(), ApiError> {
        let most = usize::try_from(self.config.max_message_size).unwrap_or(usize::MAX);
        match headers.len() + payload.len() > most {
            true => Err(ApiError::MESSAGE_EXCEEDS_MAXIMUM),
            false => Ok(()),
        }
    }

    /// What is looked at before it matters of which batch a message is.
    pub(super) fn check_batched(&self, around: &Surroundings<'_>, message: &Publish) -> Result<(), ApiError> {
        let Publish {
            subject,
            headers,
            payload,
            ..
        } = message;
        if self.config.sealed {
            return Err(ApiError::STREAM_SEALED);
        }
        if around.room.is_server_full {
            return Err(ApiError::INSUFFICIENT_RESOURCES);
        }
        check_room(&around.room, size(self.config.storage, subject, headers, payload))?;
        self.check_size(headers, payload)
    }

    /// What a message says of schedules. One that is a schedule has the one before it go.
    pub(super) fn check_schedule(
        &self,
        around: &Surroundings<'_>,
        headers: Bytes,
        subject: &[u8],
    ) -> Result<(Bytes, Said), Stop> {
        let rules = Rules {
            allows_schedules: self.config.allow_schedules,
            allows_ttl: self.config.allow_ttl,
            subjects: &self.config.subjects,
        };
        let said = schedule::check(&headers, subject, around.now, rules, around.zones)?;
        let headers = match said.is_schedule && header::said(&headers, header::ROLLUP).is_none() {
            true => header::with(&headers, &[(header::ROLLUP, b"sub")]),
            false => headers,
        };
        Ok((headers, said))
    }

    /// Whether the last message of a subject, if there is one, is a schedule.
    pub(super) fn check_is_schedule(&self, subject: &[u8]) -> Result<(), Stop> {
        let last = self.foreseen_last_of(subject)?;
        let is_schedule = match self.ahead.subject(subject) {
            Some(upcoming) => upcoming.is_schedule,
            None => last == 0 || self.schedules.sequence_of(subject) == Some(last),
        };
        match is_schedule {
            true => Ok(()),
            false => Err(ApiError::SCHEDULER_INVALID.into()),
        }
    }

    /// Where the counter of a subject will stand.
    pub(super) fn foreseen_total(&self, subject: &[u8]) -> Result<Total, Stop> {
        if let Some(total) = self
            .ahead
            .subject(subject)
            .and_then(|upcoming| upcoming.total.as_ref())
            && self.ahead.is_foreseen()
        {
            return Ok(total.clone());
        }
        let last = self.foreseen_last_of(subject)?;
        match self.held.get(last)? {
            Some(message) => Ok(Total::of(&message.headers, &message.payload)?),
            None => Ok(Total::default()),
        }
    }

    /// Where subjects get markers, a message stays as long as they do at least: else one that is already there could go
    /// unseen.
    pub(super) fn prolong(&self, store: &mut Store) {
        let least = (self.config.subject_delete_marker_ttl / SECOND).unsigned_abs();
        if let Lifetime::Seconds(seconds) = store.lifetime
            && seconds < least
            && self.config.max_per_subject != 1
        {
            let headers = header::without_name(&store.headers, header::TTL);
            let ttl: Cow<'_, str> = least.to_string().into();
            store.headers = header::with(&headers, &[(header::TTL, ttl.as_bytes())]);
            store.lifetime = Lifetime::Seconds(least);
        }
    }
}

/// Whether an account has room for a message.
fn check_room(room: &Room, size: u64) -> Result<(), ApiError> {
    if room.is_forbidden {
        return Err(ApiError::NO_LIMITS);
    }
    let fits = |left: i64| i64::try_from(size).is_ok_and(|size| size <= left);
    match room.bytes.is_none_or(fits) {
        true => Ok(()),
        false => Err(ApiError::ACCOUNT_RESOURCES_EXCEEDED),
    }
}

impl Answer {
    /// An answer to somebody, of nothing but that it is stored.
    pub(super) fn to(reply: Bytes) -> Self {
        Self {
            reply,
            ..Self::default()
        }
    }
}

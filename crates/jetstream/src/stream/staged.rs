//! Messages that are stored together, or as one of many: what is looked at before any of them is stored.

use super::ahead::Detail;
use super::counter::{self, Total};
use super::discard::Beside;
use super::entry::Store;
use super::expectation;
use super::lifetime::Lifetime;
use super::publishing::{Decided, MAX_HEADERS};
use super::rollup::{self, Rollup};
use super::schedule;
use super::{Stop, Stream, Surroundings};
use crate::error::ApiError;
use crate::header;
use crate::held::Messages;
use bytes::Bytes;
use std::collections::{HashMap, HashSet};

/// What is stored before one of several messages, by those before it.
#[derive(Debug, Default)]
pub(super) struct Staged {
    ids: HashSet<Bytes>,
    subjects: HashMap<Bytes, StagedSubject>,
    messages: u64,
    bytes: u64,
}

#[derive(Debug, Default)]
struct StagedSubject {
    messages: u64,
    is_schedule: bool,
    total: Option<Total>,
}

impl<M: Messages> Stream<M> {
    /// Decides about one of several messages. The order of what is looked at is nats-server's, and not that of messages for
    /// themselves.
    pub(super) fn decide_beside(
        &self,
        around: &Surroundings<'_>,
        staged: &mut Staged,
        subject: Bytes,
        mut headers: Bytes,
        mut payload: Bytes,
    ) -> Result<Decided, Stop> {
        self.check_fits_file(&subject, &headers, &payload)?;
        if headers.len() > MAX_HEADERS {
            return Err(ApiError::HEADER_EXCEEDS_MAXIMUM.into());
        }
        let increment = counter::increment(&headers, &payload, self.config.allow_counter)?;
        self.check_expected_stream(&headers)?;
        let lifetime = Lifetime::of(&headers);
        if lifetime != Ok(Lifetime::Unsaid) && !self.config.allow_ttl {
            return Err(ApiError::TTL_DISABLED.into());
        }
        let lifetime = lifetime?;
        if let Some(id) = header::said(&headers, header::MESSAGE_ID) {
            if staged.ids.contains(id) {
                return Err(ApiError::ATOMIC_CONTAINS_DUPLICATE.into());
            }
            if let Some(sequence) = self.seen(id, around) {
                return Err(Stop::Duplicate(sequence));
            }
            staged.ids.insert(Bytes::copy_from_slice(id));
        }
        let mut counted = None;
        if self.config.allow_counter {
            let increment = increment.ok_or(ApiError::COUNTER_INCREMENT_MISSING)?;
            let before = staged
                .subjects
                .get(&subject)
                .and_then(|of_it| of_it.total.clone());
            let before = before.map_or_else(|| self.foreseen_total(&subject), Ok)?;
            let now = counter::count(before, &increment, &headers)?;
            if now.headers.len() + now.payload.len() > around.limits.max_payload {
                return Err(ApiError::MESSAGE_EXCEEDS_MAXIMUM.into());
            }
            self.check_size(&now.headers, &now.payload)?;
            headers = now.headers;
            payload = now.payload;
            counted = Some((now.value, now.total));
        }
        self.check_expectations_beside(staged, &headers, &subject)?;
        let said;
        (headers, said) = self.check_schedule(around, headers, &subject)?;
        if let Some(schedule) = schedule::ended(&headers) {
            match staged.subjects.get(schedule) {
                Some(of_it) if of_it.is_schedule => {}
                Some(_) => return Err(ApiError::SCHEDULER_INVALID.into()),
                None => self.check_is_schedule(schedule)?,
            }
        }
        let rollup = rollup::check(&headers, self.allows_rollup())?;
        let is_first = match rollup {
            Rollup::None => true,
            Rollup::Subject => !staged.subjects.contains_key(&subject),
            Rollup::All => staged.subjects.is_empty(),
        };
        if !is_first {
            let which = if rollup == Rollup::All { "all" } else { "sub" };
            return Err(ApiError::rollup_failed(format_args!("batch rollup {which} invalid")).into());
        }
        let mut store = Store {
            time: self.stamp(around.now),
            subject,
            headers,
            payload,
            lifetime,
            rollup,
            ..Store::default()
        };
        let size = self.size_of(&store);
        let (value, total) = counted.unzip();
        store.answer.value = value;
        staged.messages += 1;
        staged.bytes += size;
        let of_it = staged.subjects.entry(store.subject.clone()).or_default();
        of_it.messages += 1;
        of_it.is_schedule = said.is_schedule;
        of_it.total.clone_from(&total);
        let beside = Beside {
            messages: staged.messages,
            bytes: staged.bytes,
            of_subject: of_it.messages,
        };
        self.check_limits_together(self.wanted(&store), beside)?;
        self.prolong(&mut store);
        let is_schedule = said.is_schedule;
        Ok(Decided {
            store,
            detail: Detail { is_schedule, total },
        })
    }

    /// What is expected of the stream can only be expected of what there is before all of them.
    fn check_expectations_beside(&self, staged: &Staged, headers: &[u8], own: &[u8]) -> Result<(), Stop> {
        if let Some(expected) = expectation::sequence(headers, header::EXPECTED_LAST_SEQUENCE) {
            let last = self.foreseen_last()? + staged.messages;
            if last != expected {
                return Err(ApiError::wrong_last_sequence(last).into());
            }
            if staged.messages > 0 {
                return Err(ApiError::WRONG_LAST_SEQUENCE_SOMEHOW.into());
            }
        }
        let subject = expectation::subject(headers, own);
        match expectation::sequence(headers, header::EXPECTED_LAST_SUBJECT_SEQUENCE) {
            None => Ok(expectation::check_has_sequence(headers)?),
            Some(_) if staged.subjects.contains_key(subject) => {
                Err(ApiError::WRONG_LAST_SEQUENCE_SOMEHOW.into())
            }
            Some(_) => self.check_expected_subject_sequence(headers, own),
        }
    }
}

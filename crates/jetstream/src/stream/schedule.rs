//! Messages that are published later, once or again and again: `Nats-Schedule`.

mod cron;
mod pattern;

use super::entry::{NoEntries, get_bytes, get_length, put_bytes, put_length};
use super::lifetime::Lifetime;
use crate::config::{collide, is_literal};
use crate::error::ApiError;
use crate::header;
use crate::message::Message;
use crate::time::Time;
use bytes::{Buf, BufMut, Bytes};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// How a name becomes a time zone; None: there is none of that name.
pub type TimeZones<'a> = &'a dyn Fn(&str) -> Option<TimeZone>;

/// What says that a schedule has come to its end.
const PURGE: &[u8] = b"purge";

/// The schedules of a stream: one a subject.
#[derive(Debug, Default)]
pub(super) struct Schedules {
    by_subject: BTreeMap<Bytes, Due>,
    by_time: BTreeSet<(Time, u64, Bytes)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    sequence: u64,
    time: Time,
}

/// What a message says of schedules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Whether it is a schedule.
    pub(super) is_schedule: bool,
}

impl Schedules {
    /// The message that is the schedule of a subject.
    pub(super) fn sequence_of(&self, subject: &[u8]) -> Option<u64> {
        self.by_subject.get(subject).map(|due| due.sequence)
    }

    fn set(&mut self, subject: &Bytes, due: Due) {
        self.remove(subject);
        self.by_time.insert((due.time, due.sequence, subject.clone()));
        self.by_subject.insert(subject.clone(), due);
    }

    fn remove(&mut self, subject: &[u8]) {
        if let Some((subject, due)) = self.by_subject.remove_entry(subject) {
            self.by_time.remove(&(due.time, due.sequence, subject));
        }
    }

    /// A message has been stored.
    pub(super) fn stored(&mut self, message: &Message, zones: TimeZones<'_>) {
        let Message {
            headers,
            subject,
            sequence,
            time,
            ..
        } = message;
        match next_of(headers, *time, *time, zones) {
            Ok(Some(next)) => {
                let (sequence, time) = (*sequence, next.time);
                self.set(subject, Due { sequence, time });
            }
            _ if header::said(headers, header::SCHEDULER).is_none() => self.remove(subject),
            _ => {}
        }
    }

    /// A message has come that says when its schedule comes next.
    pub(super) fn advance(&mut self, scheduler: &[u8], headers: &[u8]) {
        if let Some(next) = header::said(headers, header::SCHEDULE_NEXT)
            && let Some(time) = str::from_utf8(next).ok().and_then(Time::parse)
            && let Some((subject, due)) = self.by_subject.get_key_value(scheduler)
        {
            let (subject, sequence) = (subject.clone(), due.sequence);
            self.set(&subject, Due { sequence, time });
        }
    }

    /// A message has gone.
    pub(super) fn removed(&mut self, subject: &[u8], sequence: u64) {
        if self.sequence_of(subject) == Some(sequence) {
            self.remove(subject);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_time.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// When the next one is, but for those that are being published.
    pub(super) fn due(&self, is_firing: impl Fn(&Bytes) -> bool) -> Option<Time> {
        let mut waiting = self.by_time.iter().filter(|(.., subject)| !is_firing(subject));
        waiting.next().map(|(time, ..)| *time)
    }

    /// The schedules whose time has come: when that was, and their messages.
    pub(super) fn come(&self, now: Time) -> Vec<(Time, u64, Bytes)> {
        let come = self.by_time.iter().take_while(|(time, ..)| *time <= now);
        come.cloned().collect()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_length(out, self.by_subject.len());
        for (subject, due) in &self.by_subject {
            put_bytes(out, subject);
            out.put_u64_le(due.sequence);
            out.put_i64_le(due.time.0);
        }
    }

    pub(super) fn decode(from: &mut Bytes) -> Result<Self, NoEntries> {
        let mut schedules = Self::default();
        for _ in 0..get_length(from)? {
            let subject = Bytes::copy_from_slice(&get_bytes(from)?);
            let sequence = from.try_get_u64_le().map_err(|_| NoEntries)?;
            let time = Time(from.try_get_i64_le().map_err(|_| NoEntries)?);
            schedules.set(&subject, Due { sequence, time });
        }
        Ok(schedules)
    }
}

/// When the schedule that headers say comes next.
fn next_of(
    headers: &[u8],
    from: Time,
    now: Time,
    zones: TimeZones<'_>,
) -> Result<Option<pattern::Next>, ApiError> {
    if headers.is_empty() {
        return Ok(None);
    }
    let zone = match header::get(headers, header::SCHEDULE_TIME_ZONE) {
        None => None,
        Some(name) => {
            let name = str::from_utf8(name).ok().filter(|name| !name.is_empty());
            Some(name.and_then(zones).ok_or(ApiError::SCHEDULE_TIME_ZONE_INVALID)?)
        }
    };
    let Some(pattern) = header::said(headers, header::SCHEDULE) else {
        return Ok(None);
    };
    let pattern = str::from_utf8(pattern).map_err(|_| ApiError::SCHEDULE_PATTERN_INVALID)?;
    let next = pattern::next(pattern, zone, from, now).ok_or(ApiError::SCHEDULE_PATTERN_INVALID)?;
    Ok(Some(next))
}

/// What a stream allows of schedules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) allows_schedules: bool,
    pub(super) allows_ttl: bool,
    /// What the stream takes in.
    pub(super) subjects: &'a [String],
}

/// Checks what a message says of schedules.
pub(super) fn check(
    headers: &[u8],
    subject: &[u8],
    now: Time,
    rules: Rules<'_>,
    zones: TimeZones<'_>,
) -> Result<Said, ApiError> {
    let schedule = next_of(headers, now, now, zones).map_err(|error| match rules.allows_schedules {
        true => error,
        false => ApiError::SCHEDULES_DISABLED,
    })?;
    let mut said = Said::default();
    if schedule.is_some() {
        check_schedule(headers, subject, rules)?;
        said.is_schedule = true;
    }
    let scheduler = header::said(headers, header::SCHEDULER);
    match header::said(headers, header::SCHEDULE_NEXT) {
        Some(next) => {
            // Who publishes may end a schedule, and do nothing else to it.
            let is_good = next == PURGE
                && scheduler.is_some_and(|scheduler| scheduler != subject && is_literal_bytes(scheduler));
            if !is_good {
                return Err(ApiError::SCHEDULER_INVALID);
            }
            if !rules.allows_schedules {
                return Err(ApiError::SCHEDULES_DISABLED);
            }
        }
        None if scheduler.is_some() => return Err(ApiError::SCHEDULER_INVALID),
        None => {}
    }
    Ok(said)
}

fn check_schedule(headers: &[u8], subject: &[u8], rules: Rules<'_>) -> Result<(), ApiError> {
    if !rules.allows_schedules {
        return Err(ApiError::SCHEDULES_DISABLED);
    }
    let ttl = header::said(headers, header::SCHEDULE_TTL);
    if ttl.is_some_and(|ttl| Lifetime::parse(ttl).is_err()) {
        return Err(ApiError::SCHEDULE_TTL_INVALID);
    }
    let is_rollup = |name| header::said(headers, name).is_none_or(|value| value.eq_ignore_ascii_case(b"sub"));
    if header::said(headers, header::SCHEDULE_ROLLUP).is_some_and(|value| value != b"sub") {
        return Err(ApiError::SCHEDULE_ROLLUP_INVALID);
    }
    if ttl.is_some() && !rules.allows_ttl {
        return Err(ApiError::TTL_DISABLED);
    }
    let target = header::said(headers, header::SCHEDULE_TARGET).unwrap_or_default();
    if target == subject || !is_literal_bytes(target) {
        return Err(ApiError::SCHEDULE_TARGET_INVALID);
    }
    let source = header::said(headers, header::SCHEDULE_SOURCE);
    if source.is_some_and(|source| source == target || source == subject || !is_literal_bytes(source)) {
        return Err(ApiError::SCHEDULE_SOURCE_INVALID);
    }
    if !is_taken_in(target, rules.subjects) {
        return Err(ApiError::SCHEDULE_TARGET_INVALID);
    }
    if source.is_some_and(|source| !is_taken_in(source, rules.subjects)) {
        return Err(ApiError::SCHEDULE_SOURCE_INVALID);
    }
    match is_rollup(header::ROLLUP) {
        true => Ok(()),
        false => Err(ApiError::SCHEDULE_ROLLUP_INVALID),
    }
}

fn is_literal_bytes(subject: &[u8]) -> bool {
    str::from_utf8(subject).is_ok_and(is_literal)
}

fn is_taken_in(subject: &[u8], subjects: &[String]) -> bool {
    str::from_utf8(subject).is_ok_and(|subject| subjects.iter().any(|taken| collide(taken, subject)))
}

/// A message that a schedule publishes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fired {
    pub(super) subject: Bytes,
    pub(super) headers: Bytes,
    pub(super) payload: Bytes,
}

/// The subject whose last message is published instead of what the schedule says itself.
pub(super) fn source(schedule: &Message) -> Option<&[u8]> {
    header::said(&schedule.headers, header::SCHEDULE_SOURCE)
}

/// What a schedule publishes whose time came at `due`: what it says itself, or `source` does. None if it is none.
pub(super) fn fire(
    schedule: &Message,
    source: Option<&Message>,
    due: Time,
    now: Time,
    zones: TimeZones<'_>,
) -> Option<Fired> {
    let next = next_of(&schedule.headers, due, now, zones).ok().flatten()?;
    let said = |name| header::said(&schedule.headers, name);
    let target = said(header::SCHEDULE_TARGET)?;
    let published = source.unwrap_or(schedule);
    let kept = header::without(&published.headers, |name| {
        name.starts_with(b"Nats-Schedule")
            || name.starts_with(b"Nats-Expected-")
            || [header::MESSAGE_ID, header::TTL, header::ROLLUP]
                .iter()
                .any(|other| name == other.as_bytes())
    });
    let time = next.time.to_string();
    let next = if next.repeats { time.as_bytes() } else { PURGE };
    let mut added = vec![
        (header::SCHEDULER, &*schedule.subject),
        (header::SCHEDULE_NEXT, next),
    ];
    added.extend(said(header::SCHEDULE_TTL).map(|ttl| (header::TTL, ttl)));
    added.extend(said(header::SCHEDULE_ROLLUP).map(|rollup| (header::ROLLUP, rollup)));
    Some(Fired {
        subject: Bytes::copy_from_slice(target),
        headers: header::with(&kept, &added),
        payload: published.payload.clone(),
    })
}

/// The schedule that a message ends.
pub(super) fn ended(headers: &[u8]) -> Option<&[u8]> {
    if headers.is_empty() || header::get(headers, header::SCHEDULE_NEXT) != Some(PURGE) {
        return None;
    }
    header::said(headers, header::SCHEDULER)
}

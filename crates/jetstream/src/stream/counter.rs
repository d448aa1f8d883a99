//! Messages that count: each one's payload is the sum of all before it and its own `Nats-Incr`, however large.

mod decimal;

pub(super) use decimal::Decimal;

use super::sourcing::stream_and_subject;
use crate::error::ApiError;
use crate::header;
use bytes::Bytes;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Where a counter stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Total {
    value: Decimal,
    /// What other streams have counted, by stream and subject.
    sources: Sources,
}

type Sources = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Deserialize)]
struct Body {
    val: String,
}

/// A message as a counter stores it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) headers: Bytes,
    pub(super) payload: Bytes,
    pub(super) value: Box<str>,
    pub(super) total: Total,
}

impl Total {
    /// Where a counter stands by its last message.
    pub(super) fn of(headers: &[u8], payload: &[u8]) -> Result<Self, ApiError> {
        let broken = |_| ApiError::COUNTER_BROKEN;
        let body: Body = serde_json::from_slice(payload).map_err(broken)?;
        let sources = match header::said(headers, header::COUNTER_SOURCES) {
            Some(sources) => serde_json::from_slice(sources).map_err(broken)?,
            None => Sources::new(),
        };
        Ok(Self {
            value: Decimal::parse(body.val.as_bytes()).unwrap_or_default(),
            sources,
        })
    }
}

/// By how much a message counts, if it does.
///
/// # Errors
/// If it cannot, or says something else too that counters do not have.
pub(super) fn increment(
    headers: &[u8],
    payload: &[u8],
    is_counter: bool,
) -> Result<Option<Decimal>, ApiError> {
    let Some(written) = header::said(headers, header::INCREMENT) else {
        return Ok(None);
    };
    let increment = Decimal::parse(written).ok_or(ApiError::COUNTER_INCREMENT_INVALID)?;
    if !is_counter {
        return Err(ApiError::COUNTER_DISABLED);
    }
    if !payload.is_empty() {
        return Err(ApiError::COUNTER_HAS_PAYLOAD);
    }
    let others = [
        header::ROLLUP,
        header::EXPECTED_STREAM,
        header::EXPECTED_LAST_MESSAGE_ID,
        header::EXPECTED_LAST_SUBJECT_SEQUENCE_SUBJECT,
        header::EXPECTED_LAST_SEQUENCE,
        header::EXPECTED_LAST_SUBJECT_SEQUENCE,
    ];
    match others.iter().any(|name| header::said(headers, name).is_some()) {
        true => Err(ApiError::COUNTER_INCREMENT_INVALID),
        false => Ok(Some(increment)),
    }
}

/// What a counter stores that gets to know how far the counter of another stream is, by a message that came from there:
/// what has come since it last did is added.
///
/// # Errors
/// If it was no counter, or nothing can be told.
pub(super) fn count_up(mut total: Total, headers: &Bytes, payload: &[u8]) -> Result<Counted, ApiError> {
    let increment = header::said(headers, header::INCREMENT).ok_or(ApiError::COUNTER_INCREMENT_MISSING)?;
    let mut increment = Decimal::parse(increment).ok_or(ApiError::COUNTER_INCREMENT_INVALID)?;
    let mut headers = headers.clone();
    if let Some(from) = header::said(&headers, header::STREAM_SOURCE) {
        let (stream, subject) = stream_and_subject(from).ok_or(ApiError::COUNTER_BROKEN)?;
        let body: Body = serde_json::from_slice(payload).map_err(|_| ApiError::COUNTER_BROKEN)?;
        let stands = Decimal::parse(body.val.as_bytes()).unwrap_or_default();
        let of_stream = total.sources.entry(stream.to_owned()).or_default();
        let before = of_stream.insert(subject.to_owned(), stands.to_string());
        let before = before.and_then(|before| Decimal::parse(before.as_bytes()));
        increment = stands.minus(&before.unwrap_or_default());
        headers = header::replaced(&headers, header::INCREMENT, increment.to_string().as_bytes());
    }
    Ok(counted(total, &increment, headers))
}

/// What a counter stores that stands at `total`.
pub(super) fn count(total: Total, increment: &Decimal, headers: &Bytes) -> Result<Counted, ApiError> {
    if header::said(headers, header::STREAM_SOURCE).is_some() {
        // Only the server says so, of messages that it got from another stream.
        return Err(ApiError::COUNTER_BROKEN);
    }
    Ok(counted(total, increment, headers.clone()))
}

fn counted(mut total: Total, increment: &Decimal, mut headers: Bytes) -> Counted {
    total.value = total.value.plus(increment);
    let value: Box<str> = total.value.to_string().into();
    if !total.sources.is_empty() {
        let sources = crate::api::json(&total.sources);
        headers = header::replaced(&headers, header::COUNTER_SOURCES, &sources);
    }
    Counted {
        headers,
        payload: format!(r#"{{"val":"{value}"}}"#).into(),
        value,
        total,
    }
}

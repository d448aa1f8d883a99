//! What publishers expect of a stream, so that nothing is stored where it is otherwise: the `Nats-Expected-…` headers.

use super::{Stop, Stream};
use crate::config::{Discard, Retention};
use crate::error::ApiError;
use crate::header;
use crate::held::Messages;
use std::borrow::Cow;
use vagus_routing::subject::has_wildcards;

/// A sequence that is expected; what is none is not there.
pub(super) fn sequence(headers: &[u8], name: &str) -> Option<u64> {
    header::said(headers, name).map(|value| header::number(value).unwrap_or(u64::MAX))
}

/// The subjects of whose last message the sequence is expected.
pub(super) fn subject<'a>(headers: &'a [u8], own: &'a [u8]) -> &'a [u8] {
    header::said(headers, header::EXPECTED_LAST_SUBJECT_SEQUENCE_SUBJECT).unwrap_or(own)
}

impl<M: Messages> Stream<M> {
    /// The last sequence there will be.
    pub(super) fn foreseen_last(&self) -> Result<u64, Stop> {
        match self.ahead.last() {
            None => Ok(self.last),
            Some(last) if self.ahead.is_foreseen() => Ok(last),
            Some(_) => Err(Stop::Unsettled),
        }
    }

    /// The sequence of the last message there will be whose subject a pattern matches; 0: none.
    pub(super) fn foreseen_last_of(&self, pattern: &[u8]) -> Result<u64, Stop> {
        let held = || self.held.last(pattern, u64::MAX).unwrap_or(0);
        if self.ahead.is_empty() {
            return Ok(held());
        }
        if !self.ahead.is_foreseen() || has_wildcards(pattern) {
            return Err(Stop::Unsettled);
        }
        let (last, stays) = match self.ahead.subject(pattern) {
            // Whether it is kept is decided by the consumers there are then.
            Some(_) if self.config.retention == Retention::Interest => return Err(Stop::Unsettled),
            Some(upcoming) => (upcoming.last, self.keeps_what_is_ahead()),
            None => {
                let last = held();
                (last, last == 0 || self.keeps_held(last))
            }
        };
        match stays {
            true => Ok(last),
            false => Err(Stop::Unsettled),
        }
    }

    /// By how much limits are exceeded when all is stored that is ahead, in messages and in bytes: so much of the oldest is
    /// let go, or less.
    fn excess(&self) -> (u64, u64) {
        let over = |most: i64, there_are: u64| match most > 0 && self.config.discard == Discard::Old {
            true => there_are.saturating_sub(most.unsigned_abs()),
            false => 0,
        };
        (
            over(self.config.max_messages, self.held.count() + self.ahead.messages),
            over(self.config.max_bytes, self.held.bytes() + self.ahead.bytes),
        )
    }

    /// Whether all messages that are ahead are there when they are stored.
    fn keeps_what_is_ahead(&self) -> bool {
        let (messages, bytes) = self.excess();
        messages <= self.held.count() && bytes <= self.held.bytes()
    }

    /// Whether a message is still there when all is stored that is ahead, as far as can be told at once.
    fn keeps_held(&self, sequence: u64) -> bool {
        let (messages, bytes) = self.excess();
        let first = self.first_sequence();
        let has_gaps = self.held.count() != (self.last + 1).saturating_sub(first);
        bytes == 0 && (messages == 0 || !has_gaps && sequence.saturating_sub(first) >= messages)
    }

    pub(super) fn check_expected_stream(&self, headers: &[u8]) -> Result<(), ApiError> {
        let expected = header::said(headers, header::EXPECTED_STREAM);
        match expected.is_some_and(|stream| stream != self.config.name.as_bytes()) {
            true => Err(ApiError::EXPECTED_STREAM_NOT_MATCHED),
            false => Ok(()),
        }
    }

    pub(super) fn check_expected_subject_sequence(&self, headers: &[u8], own: &[u8]) -> Result<(), Stop> {
        match sequence(headers, header::EXPECTED_LAST_SUBJECT_SEQUENCE) {
            Some(expected) => {
                let found = self.foreseen_last_of(subject(headers, own))?;
                match found == expected {
                    true => Ok(()),
                    false => Err(ApiError::wrong_last_sequence(found).into()),
                }
            }
            None => Ok(check_has_sequence(headers)?),
        }
    }

    pub(super) fn check_expected_sequence(&self, headers: &[u8]) -> Result<(), Stop> {
        let Some(expected) = sequence(headers, header::EXPECTED_LAST_SEQUENCE) else {
            return Ok(());
        };
        let last = self.foreseen_last()?;
        match last == expected {
            true => Ok(()),
            false => Err(ApiError::wrong_last_sequence(last).into()),
        }
    }

    pub(super) fn check_expected_id(&self, headers: &[u8]) -> Result<(), ApiError> {
        let Some(expected) = header::said(headers, header::EXPECTED_LAST_MESSAGE_ID) else {
            return Ok(());
        };
        let last: &[u8] = self.ahead.last_id().unwrap_or(&self.last_id);
        match last == expected {
            true => Ok(()),
            false => {
                let last: Cow<'_, str> = String::from_utf8_lossy(last);
                Err(ApiError::wrong_last_message_id(last))
            }
        }
    }
}

/// Who names subjects has to say which sequence he expects of them.
pub(super) fn check_has_sequence(headers: &[u8]) -> Result<(), ApiError> {
    match header::said(headers, header::EXPECTED_LAST_SUBJECT_SEQUENCE_SUBJECT) {
        Some(_) => Err(ApiError::EXPECTED_SUBJECT_SEQUENCE_MISSING),
        None => Ok(()),
    }
}

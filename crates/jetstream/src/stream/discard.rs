//! New messages that are refused because a limit is reached: `discard: new`.

use super::{Stop, Stream};
use crate::config::Discard;
use crate::error::ApiError;
use crate::held::Messages;

/// What is to be stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) subject: &'a [u8],
    /// For how many bytes it counts.
    pub(super) size: u64,
    /// Whether it has others of its subject go, so that it may be one too many.
    pub(super) has_others_go: bool,
}

/// Messages that will be there, beside those that are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// Of the subject.
    pub(super) of_subject: u64,
}

fn too_many() -> ApiError {
    ApiError::store_failed("maximum messages exceeded")
}

fn too_large() -> ApiError {
    ApiError::store_failed("maximum bytes exceeded")
}

fn too_many_of_subject() -> ApiError {
    ApiError::store_failed("maximum messages per subject exceeded")
}

fn reached(limit: i64, there_are: u64) -> bool {
    limit > 0 && there_are >= limit.unsigned_abs()
}

fn exceeded(limit: i64, there_are: u64) -> bool {
    limit > 0 && there_are > limit.unsigned_abs()
}

impl<M: Messages> Stream<M> {
    /// Refuses what is too much. What is ahead counts as if nothing went with it: if that is too much, it has to be waited
    /// for.
    pub(super) fn check_limits(&self, wanted: Wanted<'_>) -> Result<(), Stop> {
        if self.config.discard != Discard::New {
            return Ok(());
        }
        let config = &self.config;
        let refused = |error| match self.ahead.is_empty() {
            true => Err(Stop::Refused(error)),
            false => Err(Stop::Unsettled),
        };
        let held = self
            .held
            .of_subject(wanted.subject)
            .map_or(0, |of_it| of_it.messages);
        let ahead = self
            .ahead
            .subject(wanted.subject)
            .map_or(0, |upcoming| upcoming.messages);
        // A subject that has as many as it may gives one up for the new one.
        let replaces = reached(config.max_per_subject, held + ahead);
        if replaces && config.discard_new_per_subject && !wanted.has_others_go {
            return refused(too_many_of_subject());
        }
        let is_full = reached(config.max_messages, self.held.count() + self.ahead.messages);
        let bytes = self.held.bytes() + self.ahead.bytes + wanted.size;
        let is_too_large = exceeded(config.max_bytes, bytes);
        if (is_full || is_too_large) && !self.ahead.is_empty() {
            return Err(Stop::Unsettled);
        }
        if is_full && !replaces {
            return refused(too_many());
        }
        if is_too_large {
            if !replaces {
                return refused(too_large());
            }
            let first = self
                .held
                .of_subject(wanted.subject)
                .map_or(0, |of_it| of_it.first);
            let first = self.held.get(first)?;
            if first.is_none_or(|first| first.size(config.storage) < wanted.size) {
                return refused(too_large());
            }
        }
        Ok(())
    }

    /// The same for messages that are stored together, of which none may let others go. `beside` counts all of them up to
    /// this one.
    pub(super) fn check_limits_together(&self, wanted: Wanted<'_>, beside: Beside) -> Result<(), Stop> {
        if self.config.discard != Discard::New {
            return Ok(());
        }
        let config = &self.config;
        let held = self
            .held
            .of_subject(wanted.subject)
            .map_or(0, |of_it| of_it.messages);
        let ahead = self
            .ahead
            .subject(wanted.subject)
            .map_or(0, |upcoming| upcoming.messages);
        let messages = self.held.count() + self.ahead.messages + beside.messages;
        let bytes = self.held.bytes() + self.ahead.bytes + beside.bytes;
        let error = if exceeded(config.max_messages, messages) {
            too_many()
        } else if exceeded(config.max_bytes, bytes) {
            too_large()
        } else if config.discard_new_per_subject
            && !wanted.has_others_go
            && exceeded(config.max_per_subject, held + ahead + beside.of_subject)
        {
            too_many_of_subject()
        } else {
            return Ok(());
        };
        match self.ahead.is_empty() {
            true => Err(error.into()),
            false => Err(Stop::Unsettled),
        }
    }
}

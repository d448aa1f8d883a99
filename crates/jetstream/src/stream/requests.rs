//! What the API asks of a stream: to let messages go, to be configured anew, and to show one.

use super::Stream;
use super::entry::{Entry, Purge};
use crate::api::{DeleteMessageRequest, GetRequest, PurgeRequest, StoredMessage};
use crate::config::StreamConfig;
use crate::error::ApiError;
use crate::held::{Cold, Messages};

impl<M: Messages> Stream<M> {
    /// Has messages go. When that is done, it says so under `request`.
    ///
    /// # Errors
    /// If that cannot be.
    pub fn request_purge(&mut self, wanted: &PurgeRequest, request: u64) -> Result<(), ApiError> {
        if wanted.sequence > 0 && wanted.keep > 0 {
            return Err(ApiError::BAD_REQUEST);
        }
        if self.config.sealed {
            return Err(ApiError::STREAM_SEALED);
        }
        if self.config.deny_purge {
            return Err(ApiError::purge_failed("stream purge not permitted"));
        }
        let purge = Purge {
            filter: wanted.filter.clone().into(),
            sequence: wanted.sequence,
            keep: wanted.keep,
            request: Some(request),
        };
        self.decide(Entry::Purge(purge), Vec::new());
        Ok(())
    }

    /// Has one message go. When that is done, it says so under `request`.
    ///
    /// # Errors
    /// If that cannot be.
    pub fn request_delete(&mut self, wanted: &DeleteMessageRequest, request: u64) -> Result<(), ApiError> {
        if self.config.sealed {
            return Err(ApiError::STREAM_SEALED);
        }
        if self.config.deny_delete {
            return Err(ApiError::message_delete_failed("message delete not permitted"));
        }
        let entry = Entry::Delete {
            sequence: wanted.sequence,
            erased: !wanted.no_erase,
            request: Some(request),
        };
        self.decide(entry, Vec::new());
        Ok(())
    }

    /// Has the stream be configured anew, as its account has [found](crate::account::Account::update) that it can. When
    /// that is done, or refused because there are consumers that could not be any more, it says so under `request`.
    pub fn request_update(&mut self, config: StreamConfig, request: u64) {
        if let Err(error) = self.consumers.check_limits(&self.config, &config) {
            self.done(Some(request), Err(error));
            return;
        }
        let entry = Entry::Configure {
            config: Box::new(config),
            request: Some(request),
        };
        self.decide(entry, Vec::new());
    }

    /// A message, as it is shown.
    ///
    /// # Errors
    /// If it has to be read first.
    pub fn get(&self, wanted: &GetRequest) -> Result<Result<StoredMessage, ApiError>, Cold> {
        if let Err(error) = wanted.check_single() {
            return Ok(Err(error));
        }
        let from = match &wanted.start_time {
            Some(time) => self.at_time(time.time()),
            None => wanted.sequence,
        };
        let found = if !wanted.next_for.is_empty() {
            self.held.next(wanted.next_for.as_bytes(), from)
        } else if from > 0 {
            Some(from)
        } else {
            self.held.last(wanted.last_for.as_bytes(), u64::MAX)
        };
        let message = match found {
            Some(sequence) => self.held.get(sequence)?,
            None => None,
        };
        Ok(match message {
            Some(message) => Ok(StoredMessage::new(&message, wanted.no_headers)),
            None => Err(ApiError::NO_MESSAGE_FOUND),
        })
    }

    /// The sequence of the first message that was stored at a time or later; that of the next if there is none.
    pub(super) fn at_time(&self, time: crate::time::Time) -> u64 {
        self.held.at_or_after(time).unwrap_or(self.last + 1)
    }
}

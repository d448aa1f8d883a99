//! What is asked of consumers, in nats-server's JSON.

mod create;
mod pull;

pub use create::{ConsumerForm, CreateConsumerRequest};
pub(crate) use pull::PullRequest;

use crate::consumer::config::is_group;
use crate::error::ApiError;
use crate::json::reading::{self, read_object};
use crate::time::WrittenTime;

/// Until when a consumer is to deliver nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PauseRequest {
    /// Until then; None or the time that there is not: no longer.
    pub until: Option<WrittenTime>,
}

read_object!(PauseRequest as "server.JSApiConsumerPauseRequest":
    "pause_until" => until,
);

/// Whose client is no longer to be the only one that is served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnpinRequest {
    /// That of this group.
    pub group: String,
}

read_object!(UnpinRequest as "server.JSApiConsumerUnpinRequest":
    "group" => group,
);

impl UnpinRequest {
    /// Whether it names a group.
    ///
    /// # Errors
    /// If it does not.
    pub fn check(&self) -> Result<(), ApiError> {
        if self.group.is_empty() {
            return Err(ApiError::invalid_json("consumer group not specified"));
        }
        match is_group(&self.group) {
            true => Ok(()),
            false => Err(ApiError::CONSUMER_GROUP_INVALID),
        }
    }
}

/// From where on a consumer is to begin anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResetRequest {
    /// From this sequence; 0: behind what is acknowledged.
    pub sequence: u64,
}

read_object!(ResetRequest as "server.JSApiConsumerResetRequest":
    "seq" => sequence,
);

/// Which consumers are to be listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsumersRequest {
    /// From which of them on.
    pub offset: isize,
}

read_object!(ConsumersRequest as "server.JSApiConsumersRequest":
    "offset" => offset,
);

/// How long a message that was not acknowledged is to be left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NakOptions {
    /// In nanoseconds.
    pub(crate) delay: i64,
}

read_object!(NakOptions as "server.ConsumerNakOptions":
    "delay" => delay,
);

impl NakOptions {
    pub(crate) fn from_json(text: &[u8]) -> Result<Self, ApiError> {
        reading::read(text, false)
    }
}

/// Requests that say how they are read from JSON.
macro_rules! requests {
    ($($name:ty),* $(,)?) => {
        $(impl $name {
            /// Reads it. Strictly: no field may be unknown.
            ///
            /// # Errors
            /// If it is none, in nats-server's words.
            pub fn from_json(text: &[u8], is_strict: bool) -> Result<Self, ApiError> {
                reading::read(text, is_strict)
            }
        })*
    };
}

requests!(
    CreateConsumerRequest,
    PauseRequest,
    UnpinRequest,
    ResetRequest,
    ConsumersRequest,
);

//! What the API is asked and answers, in nats-server's JSON: its keys, and no others.

mod backup;
mod get;
mod info;
mod paging;

pub use backup::{RestoreRequest, SnapshotRequest};
pub use get::{GetRequest, StoredMessage};
pub use info::{ClusterInfo, SourceInfo, StreamInfo, StreamState};
pub use paging::{LIST_LIMIT, NAMES_LIMIT, Page, Paged, SUBJECTS_LIMIT};

use crate::account::AccountInfo;
use crate::config::{API_LEVEL, StreamConfig, StreamConfigRequest, is_default};
use crate::error::ApiError;
use crate::header;
use crate::json::reading::{self, read_object};
use crate::json::{Value, parse};
use serde::Serialize;
use std::collections::BTreeMap;

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
    StreamConfigRequest,
    StreamInfoRequest,
    StreamsRequest,
    PurgeRequest,
    DeleteMessageRequest,
    GetRequest,
);

/// What is wanted of the information on a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamInfoRequest {
    /// From which of the subjects on.
    pub offset: isize,
    /// Whether all sequences are wanted that were deleted.
    pub deleted_details: bool,
    /// Which subjects are wanted; empty: none.
    pub subjects_filter: String,
}

read_object!(StreamInfoRequest as "server.JSApiStreamInfoRequest":
    "offset" => offset,
    "deleted_details" => deleted_details,
    "subjects_filter" => subjects_filter,
);

/// Which streams are to be listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamsRequest {
    /// From which of them on.
    pub offset: isize,
    /// Those that take in a subject that this matches; empty: all.
    pub subject: String,
}

read_object!(StreamsRequest as "server.JSApiStreamNamesRequest":
    "offset" => offset,
    "subject" => subject,
);

/// Which messages are to go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurgeRequest {
    /// Those before this sequence; 0: all.
    pub sequence: u64,
    /// Those of these subjects; empty: of all.
    pub filter: String,
    /// All but so many.
    pub keep: u64,
}

read_object!(PurgeRequest as "server.JSApiStreamPurgeRequest":
    "seq" => sequence,
    "filter" => filter,
    "keep" => keep,
);

/// Which message is to be deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeleteMessageRequest {
    /// Its sequence.
    pub sequence: u64,
    /// Whether its bytes need not be overwritten.
    pub no_erase: bool,
}

read_object!(DeleteMessageRequest as "server.JSApiMsgDeleteRequest":
    "seq" => sequence,
    "no_erase" => no_erase,
);

/// Whether a request says something: where one may say nothing, what is neither object nor list counts as nothing.
#[must_use]
pub fn says_something(request: &[u8]) -> bool {
    let first = request
        .iter()
        .find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    matches!(first, Some(b'{' | b'['))
}

/// Whether a request is empty: no bytes, or an object without fields.
#[must_use]
pub fn is_empty(request: &[u8]) -> bool {
    let is_empty_object = |value: &Value<'_>| matches!(value, Value::Object(fields) if fields.is_empty());
    request.is_empty() || matches!(parse(request).as_deref(), Ok([only]) if is_empty_object(only))
}

/// Whether this server does not know enough for who asks, by what he says in the headers.
#[must_use]
pub fn requires_other_level(headers: &[u8]) -> bool {
    requires_more_than(headers, API_LEVEL)
}

/// Whether who asks says in the headers that a server of this level does not know enough.
#[must_use]
pub fn requires_more_than(headers: &[u8], known_level: u32) -> bool {
    let level = header::get(headers, header::REQUIRED_API_LEVEL).unwrap_or_default();
    let known = str::from_utf8(level)
        .ok()
        .and_then(|level| level.parse::<i64>().ok());
    !level.is_empty() && known.is_none_or(|level| level > i64::from(known_level))
}

/// What is answered to one kind of request.
pub trait Answer: Serialize + Default {
    /// Its type.
    const TYPE: &'static str;
}

/// How an answer reads, or the error that is there instead.
#[must_use]
pub fn answer<T: Answer>(outcome: Result<T, ApiError>) -> Vec<u8> {
    let (body, error) = match outcome {
        Ok(body) => (body, None),
        Err(error) => (T::default(), Some(error)),
    };
    json(&Envelope {
        kind: T::TYPE,
        error,
        body,
    })
}

/// A value as JSON that reads as nats-server's.
#[must_use]
pub fn json(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    vagus_protocol::html_safe_json::append(&mut out, value);
    out
}

#[derive(Serialize)]
struct Envelope<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ApiError>,
    #[serde(flatten)]
    body: T,
}

/// Answers, each with its type.
macro_rules! answers {
    ($($(#[$about:meta])* $name:ident as $type:literal {
        $($(#[$what:meta])* $field:ident: $of:ty),* $(,)?
    })*) => {
        $(
            $(#[$about])*
            #[derive(Debug, Clone, Default, Serialize)]
            pub struct $name {
                $($(#[$what])* pub $field: $of),*
            }

            impl Answer for $name {
                const TYPE: &'static str = concat!("io.nats.jetstream.api.v1.", $type, "_response");
            }
        )*
    };
}

answers! {
    /// What an account is told of itself.
    AccountAnswer as "account_info" {
        /// All of it.
        #[serde(flatten)]
        info: Option<AccountInfo>,
    }
    /// That a stream was made.
    CreateAnswer as "stream_create" {
        /// What it is.
        #[serde(flatten)]
        info: Option<StreamInfo>,
        /// Always.
        #[serde(skip_serializing_if = "is_default")]
        did_create: bool,
    }
    /// That a stream was changed.
    UpdateAnswer as "stream_update" {
        /// What it is.
        #[serde(flatten)]
        info: Option<StreamInfo>,
    }
    /// What a stream is.
    InfoAnswer as "stream_info" {
        /// Which of its subjects are shown.
        #[serde(flatten)]
        page: Page,
        /// All of it.
        #[serde(flatten)]
        info: Option<StreamInfo>,
    }
    /// That a stream was deleted.
    DeleteAnswer as "stream_delete" {
        /// Always.
        #[serde(skip_serializing_if = "is_default")]
        success: bool,
    }
    /// Which streams there are.
    NamesAnswer as "stream_names" {
        /// Which of them are shown.
        #[serde(flatten)]
        page: Page,
        /// Their names; None: none.
        streams: Option<Vec<String>>,
    }
    /// What streams there are.
    ListAnswer as "stream_list" {
        /// Which of them are shown.
        #[serde(flatten)]
        page: Page,
        /// They.
        streams: Vec<StreamInfo>,
        /// Those of which nothing is known.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        missing: Vec<String>,
        /// Those that cannot be reached, and why.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        offline: BTreeMap<String, String>,
    }
    /// That a stream is backed up.
    SnapshotAnswer as "stream_snapshot" {
        /// What it is configured to be.
        #[serde(skip_serializing_if = "Option::is_none")]
        config: Option<StreamConfig>,
        /// What it has.
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<StreamState>,
    }
    /// That a stream is made again.
    RestoreAnswer as "stream_restore" {
        /// Where pieces of its backup are to come.
        deliver_subject: String,
    }
    /// How many messages have gone.
    PurgeAnswer as "stream_purge" {
        /// Whether all has gone well.
        #[serde(skip_serializing_if = "is_default")]
        success: bool,
        /// How many.
        purged: u64,
    }
    /// That a message was deleted.
    DeleteMessageAnswer as "stream_msg_delete" {
        /// Always.
        #[serde(skip_serializing_if = "is_default")]
        success: bool,
    }
    /// A message.
    GetAnswer as "stream_msg_get" {
        /// It.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<StoredMessage>,
    }
}

#[cfg(test)]
mod tests;

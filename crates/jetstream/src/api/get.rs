//! Which messages are wanted, and how one is answered in JSON.

use crate::error::ApiError;
use crate::json::reading::read_object;
use crate::message::Message;
use crate::time::{Time, WrittenTime};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// Which messages are wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GetRequest {
    /// The one of this sequence, or from it on.
    pub sequence: u64,
    /// The last one of these subjects.
    pub last_for: String,
    /// The next one of these subjects.
    pub next_for: String,
    /// So many; 0: one, and no end of a batch.
    pub batch: isize,
    /// So many bytes at most; 0: as many as a connection may have waiting.
    pub max_bytes: isize,
    /// The one of this time, or from it on.
    pub start_time: Option<WrittenTime>,
    /// The last one of each subject that one of these matches.
    pub multi_last: Vec<String>,
    /// None after this sequence; 0: the last.
    pub up_to_sequence: u64,
    /// None after this time.
    pub up_to_time: Option<WrittenTime>,
    /// Whether headers are to be left out.
    pub no_headers: bool,
}

read_object!(GetRequest as "server.JSApiMsgGetRequest":
    "seq" => sequence,
    "last_by_subj" => last_for,
    "next_by_subj" => next_for,
    "batch" => batch,
    "max_bytes" => max_bytes,
    "start_time" => start_time,
    "multi_last" => multi_last,
    "up_to_seq" => up_to_sequence,
    "up_to_time" => up_to_time,
    "no_hdr" => no_headers,
);

impl GetRequest {
    /// Checks what may be asked for one message in JSON.
    ///
    /// # Errors
    /// If it asks for several, for none, or for one in two ways.
    pub fn check_single(&self) -> Result<(), ApiError> {
        let (last, next) = (!self.last_for.is_empty(), !self.next_for.is_empty());
        let (by_sequence, by_time) = (self.sequence > 0, self.start_time.is_some());
        let is_bad = self.batch > 0
            || self.max_bytes > 0
            || (by_sequence && (last || by_time))
            || (last && (by_time || next))
            || !(by_sequence || by_time || last || next);
        match is_bad {
            true => Err(ApiError::BAD_REQUEST),
            false => Ok(()),
        }
    }
}

/// A message in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredMessage {
    subject: String,
    seq: u64,
    #[serde(rename = "hdrs", skip_serializing_if = "String::is_empty")]
    headers: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    data: String,
    time: Time,
}

impl StoredMessage {
    /// Shows a message, perhaps without its headers.
    pub fn new(message: &Message, no_headers: bool) -> Self {
        let headers = if no_headers { &[] } else { &*message.headers };
        Self {
            subject: String::from_utf8_lossy(&message.subject).into_owned(),
            seq: message.sequence,
            headers: STANDARD.encode(headers),
            data: STANDARD.encode(&message.payload),
            time: message.time,
        }
    }
}

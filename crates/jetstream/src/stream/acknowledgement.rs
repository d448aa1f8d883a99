//! What publishers are answered.

use super::entry::Answer;
use crate::error::ApiError;
use bytes::Bytes;
use serde::Serialize;
use std::io::Write as _;
use vagus_protocol::quote::Quoted;

/// How answers of a stream begin.
#[derive(Debug)]
pub(super) struct Acknowledgements {
    beginning: Box<[u8]>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    error: &'a ApiError,
    stream: &'a str,
    seq: u64,
}

impl Acknowledgements {
    pub(super) fn new(stream: &str, domain: &str) -> Self {
        let stream = Quoted(stream.as_bytes());
        let beginning = match domain {
            "" => format!(r#"{{"stream":{stream},"seq":"#),
            domain => {
                let domain = Quoted(domain.as_bytes());
                format!(r#"{{"stream":{stream},"domain":{domain},"seq":"#)
            }
        };
        Self {
            beginning: beginning.into_bytes().into(),
        }
    }

    fn begin(&self, sequence: u64) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.beginning.len() + 24);
        text.extend_from_slice(&self.beginning);
        // Writing to memory cannot fail.
        let _ = write!(text, "{sequence}");
        text
    }

    /// That a message has been stored.
    pub(super) fn stored(&self, sequence: u64, answer: &Answer) -> Bytes {
        if let Some((id, count)) = &answer.batch {
            return self.batch(sequence, id, *count);
        }
        let mut text = self.begin(sequence);
        if let Some(value) = &answer.value {
            text.extend_from_slice(format!(r#","val":"{value}""#).as_bytes());
        }
        text.push(b'}');
        text.into()
    }

    /// That a batch has been, of so many messages, the last of which has this sequence.
    pub(super) fn batch(&self, sequence: u64, id: &[u8], count: u64) -> Bytes {
        let mut text = self.begin(sequence);
        text.extend_from_slice(format!(r#","batch":{},"count":{count}}}"#, Quoted(id)).as_bytes());
        text.into()
    }

    /// That a message has been stored before.
    pub(super) fn duplicate(&self, sequence: u64) -> Bytes {
        let mut text = self.begin(sequence);
        text.extend_from_slice(br#","duplicate": true}"#);
        text.into()
    }

    /// That the first message of a batch has been.
    pub(super) fn duplicate_in_batch(&self, sequence: u64, id: &[u8], count: u64) -> Bytes {
        let mut text = self.begin(sequence);
        let batch = format!(r#","duplicate": true,"batch":{},"count":{count}}}"#, Quoted(id));
        text.extend_from_slice(batch.as_bytes());
        text.into()
    }

    /// That a message is not stored.
    pub(super) fn refusal(&self, stream: &str, error: &ApiError) -> Bytes {
        let refusal = Refusal {
            error,
            stream,
            seq: 0,
        };
        crate::api::json(&refusal).into()
    }
}

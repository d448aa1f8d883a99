//! A message that is kept.

use crate::config::Storage;
use crate::time::Time;
use bytes::Bytes;

/// The highest sequence there may be: those that follow one can still be counted.
pub const SEQUENCE_AT_MOST: u64 = 1 << 62;

/// A message that is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Its place in the stream.
    pub sequence: u64,
    /// When it was stored.
    pub time: Time,
    /// What it is about.
    pub subject: Bytes,
    /// Its headers, from the first line to the empty one; empty if it has none.
    pub headers: Bytes,
    /// What it says.
    pub payload: Bytes,
}

impl Message {
    /// For how many bytes it counts: as nats-server counts, which clients compare.
    pub fn size(&self, storage: Storage) -> u64 {
        size(storage, &self.subject, &self.headers, &self.payload)
    }
}

/// For how many bytes such a message counts.
#[must_use]
pub fn size(storage: Storage, subject: &[u8], headers: &[u8], payload: &[u8]) -> u64 {
    let bytes = subject.len() + headers.len() + payload.len();
    let added = match (storage, headers.is_empty()) {
        (Storage::Memory, _) => 16,
        (Storage::File, true) => 22 + 8,
        (Storage::File, false) => 22 + 4 + 8,
    };
    (bytes + added) as u64
}

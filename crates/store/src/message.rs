//! A message as a stream keeps it.

use bytes::Bytes;

/// What nats-server counts for a message besides subject, headers and payload: what its own records are longer by.
const ACCOUNTED: u64 = 30;
/// The same for what is in memory alone.
const ACCOUNTED_IN_MEMORY: u64 = 16;
/// What it counts for headers besides their bytes.
const ACCOUNTED_FOR_HEADERS: u64 = 4;

/// A message of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its place in the stream, from 1 on.
    pub sequence: u64,
    /// When it was stored, in nanoseconds since 1970.
    pub timestamp: u64,
    /// On what it was published.
    pub subject: Bytes,
    /// Its headers as they are on the wire; empty if it has none.
    pub headers: Bytes,
    /// What it says.
    pub payload: Bytes,
}

impl Message {
    /// By how much it counts against the limits of a stream on disk, as nats-server reckons.
    #[must_use]
    pub fn size_on_disk(&self) -> u64 {
        let headers = match self.headers.len() as u64 {
            0 => 0,
            length => length + ACCOUNTED_FOR_HEADERS,
        };
        ACCOUNTED + self.subject.len() as u64 + headers + self.payload.len() as u64
    }

    /// By how much it counts against the limits of a stream in memory.
    #[must_use]
    pub fn size_in_memory(&self) -> u64 {
        let bytes = self.subject.len() + self.headers.len() + self.payload.len();
        bytes as u64 + ACCOUNTED_IN_MEMORY
    }
}

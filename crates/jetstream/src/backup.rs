//! Streams as they are backed up, and made again from that: nats-server's two forms, both compressed with S2.
//!
//! The older one is a tar of the files that nats-server keeps of a stream: its configuration, blocks of messages, and of each
//! consumer configuration and state. The newer one ([`Form::Archive`]) is a list of entries, of which it can be told
//! whether all of them are there. What is written comes out in pieces, what is read is given in pieces; nothing is held
//! beside one of them, and what one may be is bounded.

mod archive;
mod blocks;
mod consumer_state;
mod reading;
mod tar;
mod writing;

pub use consumer_state::{ConsumerState, PendingMessage, Place};
pub use reading::{Part, Reader};
pub use writing::Writer;

use crate::api::StreamState;
use crate::config::StreamConfig;
use crate::consumer::config::ConsumerConfig;
use crate::time::Time;
use thiserror::Error;

/// How long the name of an entry may be: a subject, or that of a consumer.
const NAME_AT_MOST: usize = 64 * 1024;

/// In which form a stream is backed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// A tar of files, which all versions of nats-server read.
    #[default]
    Tar,
    /// A list of entries, which nats-server reads from 2.15 on.
    Archive,
}

/// What there is of a stream, beside its messages, at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// What it is configured to be.
    pub config: StreamConfig,
    /// Since when there is it.
    pub created: Time,
    /// What it has.
    pub state: StreamState,
    /// Its consumers.
    pub consumers: Vec<ConsumerSnapshot>,
}

/// What there is of a consumer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConsumerSnapshot {
    /// Its name.
    pub name: String,
    /// Since when there is it; None: that is not said.
    pub created: Option<Time>,
    /// What it is configured to be.
    pub config: ConsumerConfig,
    /// How far it is.
    pub state: ConsumerState,
}

/// Why a stream cannot be made of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// It is not compressed as it should be.
    #[error("{0}")]
    Compression(#[from] vagus_compression::s2::StreamError),
    /// A part of it cannot be read.
    #[error("{0} cannot be read")]
    Malformed(&'static str),
    /// A part of it is longer than such a part can be.
    #[error("a part of the backup is too large")]
    TooLarge,
    /// A message is not what it was.
    #[error("message {0} is damaged")]
    Damaged(u64),
    /// It ends too early.
    #[error("the backup is not complete")]
    Incomplete,
}

#[cfg(test)]
mod tests;

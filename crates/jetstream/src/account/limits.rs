//! What accounts and servers may have.

use crate::config::{Storage, StreamConfig};
use crate::error::ApiError;
use serde::Serialize;
use std::collections::BTreeMap;

/// What an account may have, or one that is replicated so often. What is -1 is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AccountLimits {
    /// Bytes in memory.
    pub max_memory: i64,
    /// Bytes in files.
    pub max_storage: i64,
    /// Streams.
    pub max_streams: isize,
    /// Consumers a stream.
    pub max_consumers: isize,
    /// Unacknowledged messages a consumer.
    pub max_ack_pending: isize,
    /// Bytes of one stream in memory.
    pub memory_max_stream_bytes: i64,
    /// Bytes of one stream in files.
    pub storage_max_stream_bytes: i64,
    /// Whether each stream has to say how many bytes it may have.
    pub max_bytes_required: bool,
}

impl Default for AccountLimits {
    fn default() -> Self {
        Self {
            max_memory: -1,
            max_storage: -1,
            max_streams: -1,
            max_consumers: -1,
            max_ack_pending: -1,
            memory_max_stream_bytes: -1,
            storage_max_stream_bytes: -1,
            max_bytes_required: false,
        }
    }
}

/// What is asked of the limit of bytes of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamBytes {
    /// Whether there must be one.
    pub is_required: bool,
    /// How large it may be in files, if that is more than 0.
    pub max_in_files: i64,
    /// How large in memory.
    pub max_in_memory: i64,
}

/// What is kept for streams that say how many bytes they may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reserved {
    /// In memory.
    pub memory: i64,
    /// In files.
    pub storage: i64,
}

/// What a server may have, and what of that is kept for streams of all accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerRoom {
    /// Bytes in memory.
    pub max_memory: i64,
    /// Bytes in files.
    pub max_storage: i64,
    /// What is kept.
    pub reserved: Reserved,
}

/// The limits of an account: one for all of its streams, under the empty name, or one for each number of replicas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tiers(pub BTreeMap<String, AccountLimits>);

impl Tiers {
    /// One for all.
    pub fn flat(limits: AccountLimits) -> Self {
        Self(BTreeMap::from([(String::new(), limits)]))
    }

    /// The limits for streams with so many replicas, and the name of the tier.
    pub fn select(&self, replicas: isize) -> Option<(&str, &AccountLimits)> {
        let found = self
            .0
            .get_key_value("")
            .or_else(|| self.0.get_key_value(&*name(replicas)));
        found.map(|(name, limits)| (&**name, limits))
    }

    /// The one for all, if there is.
    pub fn flat_limits(&self) -> Option<&AccountLimits> {
        self.0.get("")
    }
}

/// The name of the tier of streams with so many replicas.
pub(super) fn name(replicas: isize) -> String {
    format!("R{}", replicas.max(1))
}

/// Whether streams with so many replicas, and with so many, count for one tier.
pub(super) fn is_same_tier(tier: &str, one: isize, other: isize) -> bool {
    tier.is_empty() || one.max(1) == other.max(1)
}

/// What an account is charged for a stream that may have so many bytes: where all replicas count for one limit, all of
/// them.
pub(super) fn reservation(tier: &str, replicas: isize, bytes: i64) -> i64 {
    match (tier, replicas) {
        ("", 2..) => bytes.max(0).saturating_mul(replicas as i64),
        _ => bytes.max(0),
    }
}

impl AccountLimits {
    /// What it asks of the limit of bytes of a stream.
    pub fn stream_bytes(&self) -> StreamBytes {
        StreamBytes {
            is_required: self.max_bytes_required,
            max_in_files: self.storage_max_stream_bytes,
            max_in_memory: self.memory_max_stream_bytes,
        }
    }

    /// Whether there is room for a stream that gets so many bytes, beside what the account and the server have reserved.
    pub(super) fn check(
        &self,
        tier: &str,
        config: &StreamConfig,
        bytes: i64,
        reserved: i64,
        room: &ServerRoom,
    ) -> Result<(), ApiError> {
        let is_limited = config.max_consumers > 0 && self.max_consumers > 0;
        if is_limited && config.max_consumers > self.max_consumers {
            return Err(ApiError::MAXIMUM_CONSUMERS);
        }
        // A stream without a limit needs room for something.
        let bytes = if bytes < 0 { 1 } else { bytes };
        let charged = reservation(tier, config.replicas, bytes);
        let (most, server, server_reserved, error) = match config.storage {
            Storage::Memory => (
                self.max_memory,
                room.max_memory,
                room.reserved.memory,
                ApiError::MEMORY_RESOURCES_EXCEEDED,
            ),
            Storage::File => (
                self.max_storage,
                room.max_storage,
                room.reserved.storage,
                ApiError::STORAGE_RESOURCES_EXCEEDED,
            ),
        };
        let fits = |most: i64, reserved: i64, bytes: i64| reserved <= most && bytes <= most - reserved;
        if (most >= 0 && !fits(most, reserved, charged)) || !fits(server, server_reserved, bytes) {
            return Err(error);
        }
        Ok(())
    }
}

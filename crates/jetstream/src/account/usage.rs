//! What an account uses, and what it is told of that.

use super::limits::{self, AccountLimits};
use super::{Account, Registered};
use crate::config::{API_LEVEL, Storage, is_default};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many bytes the messages of a tier have, all replicas counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Used {
    memory: i64,
    storage: i64,
}

/// How often the API was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ApiCounters {
    /// In all.
    pub total: u64,
    /// How often the answer was an error.
    pub errors: u64,
}

/// How much more may be stored in a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// How many bytes; None: as many as one likes.
    pub bytes: Option<i64>,
    /// Whether the server has no room at all.
    pub is_server_full: bool,
    /// Whether the account has no limits for such streams, and so may have none.
    pub is_forbidden: bool,
}

/// What an account is told of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountInfo {
    #[serde(flatten)]
    all: TierInfo,
    #[serde(skip_serializing_if = "String::is_empty")]
    domain: String,
    api: ApiInfo,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tiers: BTreeMap<String, TierInfo>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct TierInfo {
    memory: i64,
    storage: i64,
    reserved_memory: i64,
    reserved_storage: i64,
    streams: usize,
    consumers: usize,
    limits: ShownLimits,
}

/// Limits; where there are several tiers, none for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
struct ShownLimits(AccountLimits);

impl Default for ShownLimits {
    fn default() -> Self {
        Self(AccountLimits {
            max_memory: 0,
            max_storage: 0,
            max_streams: 0,
            max_consumers: 0,
            max_ack_pending: 0,
            memory_max_stream_bytes: 0,
            storage_max_stream_bytes: 0,
            max_bytes_required: false,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct ApiInfo {
    level: u32,
    #[serde(flatten)]
    counters: ApiCounters,
    #[serde(skip_serializing_if = "is_default")]
    inflight: u64,
}

impl Account {
    /// A request was answered.
    pub fn count_request(&mut self, was_error: bool) {
        self.api.total += 1;
        self.api.errors += u64::from(was_error);
    }

    /// How often the API was asked.
    pub fn api(&self) -> ApiCounters {
        self.api
    }

    /// How many bytes its messages have in memory, and in files, all replicas counted.
    pub fn used(&self) -> (i64, i64) {
        let used = self.used.values();
        used.fold((0, 0), |(memory, storage), used| {
            (memory + used.memory, storage + used.storage)
        })
    }

    /// A stream has that many bytes more or, below 0, less: on one server.
    pub fn use_bytes(&mut self, name: &str, bytes: i64) {
        let Some(Registered { config, .. }) = self.streams.get(name) else {
            return;
        };
        let tier = self.tiers.select(config.replicas).map_or("", |(tier, _)| tier);
        let used = self.used.entry(tier.to_owned()).or_default();
        let bytes = bytes.saturating_mul(config.replicas.max(1) as i64);
        match config.storage {
            Storage::Memory => used.memory = (used.memory + bytes).max(0),
            Storage::File => used.storage = (used.storage + bytes).max(0),
        }
    }

    /// How much more may be stored in a stream like that of this name.
    pub fn room(&self, name: &str, is_server_full: bool) -> Room {
        let Some(Registered { config, .. }) = self.streams.get(name) else {
            return Room::default();
        };
        let Some((tier, limits)) = self.tiers.select(config.replicas) else {
            return Room {
                is_forbidden: true,
                is_server_full,
                ..Room::default()
            };
        };
        let used = self.used.get(tier).copied().unwrap_or_default();
        let (most, used) = match config.storage {
            Storage::Memory => (limits.max_memory, used.memory),
            Storage::File => (limits.max_storage, used.storage),
        };
        let replicas = config.replicas.max(1) as i64;
        let most = if tier.is_empty() {
            most
        } else {
            most.saturating_mul(replicas)
        };
        Room {
            bytes: (most >= 0).then(|| most.saturating_sub(used) / replicas),
            is_server_full,
            is_forbidden: false,
        }
    }

    /// What it is told of itself.
    pub fn info(&self, domain: &str) -> AccountInfo {
        let mut all = self.tier_info("", |_| true);
        (all.memory, all.storage) = self.used();
        let mut tiers = BTreeMap::new();
        match self.tiers.flat_limits() {
            Some(limits) => all.limits = ShownLimits(*limits),
            None => {
                for (name, limits) in &self.tiers.0 {
                    let mut tier = self.tier_info(name, |replicas| limits::name(replicas) == *name);
                    tier.limits = ShownLimits(*limits);
                    tiers.insert(name.clone(), tier);
                }
            }
        }
        AccountInfo {
            all,
            domain: domain.to_owned(),
            api: ApiInfo {
                level: API_LEVEL,
                counters: self.api,
                inflight: 0,
            },
            tiers,
        }
    }

    fn tier_info(&self, tier: &str, is_of_it: impl Fn(isize) -> bool) -> TierInfo {
        let used = self.used.get(tier).copied().unwrap_or_default();
        TierInfo {
            memory: used.memory,
            storage: used.storage,
            reserved_memory: self.reserved(tier, Storage::Memory, &is_of_it),
            reserved_storage: self.reserved(tier, Storage::File, &is_of_it),
            streams: self.totals.streams(&is_of_it),
            consumers: self.totals.consumers(&is_of_it),
            limits: ShownLimits::default(),
        }
    }
}

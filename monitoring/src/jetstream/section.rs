//! What a server says of its store as a whole.

use crate::units::Nanoseconds;
use serde::Serialize;
use std::time::Duration;
use vagus_actors::jetstream::JetStream;
use vagus_configs::{Config, SyncInterval};
use vagus_jetstream::config::API_LEVEL;

/// What `/varz` and the server's figures have of what is stored; nothing where nothing is.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Section {
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<StoreConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Stats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<Limits>,
}

impl Section {
    /// With the folder, where it is the operator who asks.
    pub(crate) fn of(config: &Config, jetstream: &JetStream, with_folder: bool) -> Self {
        Self {
            config: Some(StoreConfig::of(config, jetstream, with_folder)),
            stats: Some(Stats::of(jetstream)),
            limits: Some(Limits::of(config)),
        }
    }
}

/// How the store is set.
#[derive(Debug, Default, Serialize)]
pub(super) struct StoreConfig {
    max_memory: i64,
    max_storage: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    store_dir: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync_interval: Option<Nanoseconds>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    sync_always: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    domain: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    compress_ok: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    unique_tag: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

impl StoreConfig {
    pub(super) fn of(config: &Config, jetstream: &JetStream, with_folder: bool) -> Self {
        let said = config.jetstream.clone().unwrap_or_default();
        let room = jetstream.room();
        let folder = jetstream.folder();
        Self {
            max_memory: room.max_memory,
            max_storage: room.max_storage,
            store_dir: match with_folder {
                true => folder.to_string_lossy().into_owned(),
                false => String::new(),
            },
            sync_interval: Some(Nanoseconds(said.sync_interval.duration())),
            sync_always: said.sync_interval == SyncInterval::Always,
            domain: jetstream.domain().to_owned(),
            compress_ok: true,
            unique_tag: said.unique_tag,
            strict: said.strict,
        }
    }
}

/// What it uses, and how often it was asked.
#[derive(Debug, Default, Serialize)]
pub(super) struct Stats {
    pub(super) memory: u64,
    pub(super) storage: u64,
    pub(super) reserved_memory: u64,
    pub(super) reserved_storage: u64,
    pub(super) accounts: usize,
    /// Of what is on several servers, which nothing is.
    pub(super) ha_assets: u64,
    pub(super) api: Api,
}

impl Stats {
    pub(super) fn of(jetstream: &JetStream) -> Self {
        let (memory, storage) = jetstream.used();
        let reserved = jetstream.room().reserved;
        let api = jetstream.api();
        Self {
            memory: natural(memory),
            storage: natural(storage),
            reserved_memory: natural(reserved.memory),
            reserved_storage: natural(reserved.storage),
            accounts: jetstream.accounts().len(),
            ha_assets: 0,
            api: Api {
                level: API_LEVEL,
                total: api.total,
                errors: api.errors,
            },
        }
    }
}

pub(super) fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// How often it was asked.
#[derive(Debug, Default, Serialize)]
pub(super) struct Api {
    pub(super) level: u32,
    pub(super) total: u64,
    pub(super) errors: u64,
}

/// What streams and consumers may have, where that is said.
#[derive(Debug, Default, Serialize)]
pub(super) struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_request_batch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_ack_pending: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_ha_assets: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_duplicate_window: Option<Nanoseconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_batch_inflight_per_stream: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_batch_inflight_total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_batch_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_batch_timeout: Option<Nanoseconds>,
}

impl Limits {
    pub(super) fn of(config: &Config) -> Self {
        let said = config.jetstream.as_ref().map(|jetstream| jetstream.limits);
        let said = said.unwrap_or_default();
        let some = |limit: Option<u64>| limit.filter(|limit| *limit > 0);
        let time = |time: Option<Duration>| time.filter(|time| !time.is_zero()).map(Nanoseconds);
        Self {
            max_request_batch: some(said.max_request_batch),
            max_ack_pending: some(said.max_ack_pending),
            max_ha_assets: some(said.max_ha_assets),
            max_duplicate_window: time(said.duplicate_window),
            max_batch_inflight_per_stream: some(said.batch.max_inflight_per_stream),
            max_batch_inflight_total: some(said.batch.max_inflight_total),
            max_batch_size: some(said.batch.max_messages),
            max_batch_timeout: time(said.batch.timeout),
        }
    }
}

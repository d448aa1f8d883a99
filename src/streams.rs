//! The streams of a server, as it starts with them and ends.

mod banner;
mod running;
mod serving;

pub(crate) use running::{Place, Streams};

use crate::server::StartError;
use actix::{Actor, Addr};
use jiff::tz;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::jetstream::{OpenedStreams, Settings, Starter};
use vagus_configs::{Config, StreamLimits};
use vagus_delivery::arbiter::LocalArbiter;
use vagus_jetstream::config::ServerLimits;
use vagus_protocol::duration;

/// Of what there is, streams may have three quarters.
const SHARE: (u64, u64) = (3, 4);

/// Opens the streams that are configured, if they are. Takes as long as there is something to read.
pub(crate) fn open(config: &Config, name: &str) -> Result<Option<OpenedStreams>, StartError> {
    let Some(jetstream) = &config.jetstream else {
        return Ok(None);
    };
    let folder = match &config.store_dir {
        Some(folder) => folder.clone(),
        None => default_folder(),
    };
    let settings = Settings {
        max_memory: jetstream.max_memory.unwrap_or_else(share_of_memory),
        max_storage: jetstream.max_file.unwrap_or_else(|| share_of_disk(&folder)),
        folder,
        domain: jetstream.domain.clone(),
        encryption: jetstream.encryption.clone(),
        strict: jetstream.strict,
        max_batches: limit(jetstream.limits.batch.max_inflight_total, BATCHES_AT_MOST),
        limits: limits(config, &jetstream.limits),
        name: name.to_owned(),
        version: crate::NATS_VERSION.to_owned(),
        max_ack_pending: limit_of_consumers(jetstream.limits.max_ack_pending),
        max_request_batch: limit_of_consumers(jetstream.limits.max_request_batch),
        default_max_consumers: limit_of_consumers(jetstream.limits.default_max_consumers),
        zones: Arc::new(|name| tz::db().get(name).ok()),
    };
    let began = Instant::now();
    log::info!("Starting JetStream");
    if config.store_dir.is_none() {
        log::warn!("Temporary storage directory used, data could be lost on system reboot");
    }
    banner::tell(jetstream, &settings);
    let opened = OpenedStreams::open(settings)?;
    banner::tell_restored(opened.restored());
    log::info!("Took {} to start JetStream", duration::shown(began.elapsed()));
    Ok(Some(opened))
}

/// How many batches may be under way, of all streams, unless something else is said.
const BATCHES_AT_MOST: usize = 1000;

fn limit(said: Option<u64>, otherwise: usize) -> usize {
    said.map_or(otherwise, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// What consumers may have, where nothing said is no limit.
fn limit_of_consumers(said: Option<u64>) -> isize {
    said.map_or(0, |limit| isize::try_from(limit).unwrap_or(isize::MAX))
}

/// What streams may be configured to be.
fn limits(config: &Config, said: &StreamLimits) -> ServerLimits {
    let nanoseconds = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
    let usual = ServerLimits::default();
    let batch = &said.batch;
    ServerLimits {
        max_payload: config.limits.max_payload,
        max_duplicate_window: said
            .duplicate_window
            .map_or(usual.max_duplicate_window, nanoseconds),
        max_batch_size: batch.max_messages.unwrap_or(usual.max_batch_size),
        max_atomic_batches: limit(batch.max_inflight_per_stream, usual.max_atomic_batches),
        max_fast_batches: limit(batch.max_inflight_per_stream, usual.max_fast_batches),
        batch_timeout: batch.timeout.map_or(usual.batch_timeout, nanoseconds),
    }
}

/// As in nats-server.
fn default_folder() -> PathBuf {
    std::env::temp_dir().join("nats")
}

fn share_of(bytes: u64) -> i64 {
    let (share, of) = SHARE;
    i64::try_from(bytes / of * share).unwrap_or(i64::MAX)
}

fn share_of_memory() -> i64 {
    let info = rustix::system::sysinfo();
    #[allow(clippy::useless_conversion)] // The width of the numbers is the machine's.
    share_of(u64::from(info.totalram).saturating_mul(info.mem_unit.into()))
}

fn share_of_disk(folder: &std::path::Path) -> i64 {
    let there = folder
        .ancestors()
        .find_map(|folder| rustix::fs::statvfs(folder).ok());
    there.map_or(i64::MAX, |disk| {
        share_of(disk.f_bavail.saturating_mul(disk.f_frsize))
    })
}

/// Has streams run on this arbiter, on the thread of which it is to be called.
fn starter(arbiter: LocalArbiter) -> Addr<Starter> {
    Starter::new(arbiter).start()
}

//! The streams of a server, as it starts with them and ends.

mod banner;

use crate::bootstrap::runtime;
use crate::server::StartError;
use actix::{Actor, Addr, Arbiter};
use jiff::tz;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use vagus_actors::in_process::InProcess;
use vagus_actors::jetstream::{JetStream, OpenedStreams, Settings, Starter};
use vagus_actors::{Accounts, RoutedAccount};
use vagus_configs::{Config, StreamLimits};
use vagus_delivery::arbiter::LocalArbiter;
use vagus_jetstream::account::Tiers;
use vagus_jetstream::config::ServerLimits;
use vagus_jetstream_api::Desk;
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
pub(crate) fn starter(arbiter: LocalArbiter) -> Addr<Starter> {
    Starter::new(arbiter).start()
}

/// Has the streams of all accounts that may have some run, and what is asked of them answered; what comes back is ready
/// when that is so. Call it on the thread of this arbiter, which publishes the answers.
pub(crate) fn serve(
    opened: OpenedStreams,
    starters: Vec<Addr<Starter>>,
    (config, accounts): (&Config, &Accounts),
    arbiter: &LocalArbiter,
) -> (Arc<JetStream>, oneshot::Receiver<()>) {
    let jetstream = Arc::new(opened.run(starters));
    let enabled: Vec<_> = enabled(config, accounts)
        .into_iter()
        .map(|(account, tiers)| {
            let in_process = InProcess::start(arbiter.clone(), account.clone());
            (account, tiers, in_process)
        })
        .collect();
    let (ready, is_ready) = oneshot::channel();
    let served = jetstream.clone();
    Arbiter::with_tokio_rt(runtime).spawn_fn(move || {
        actix::spawn(async move {
            for (account, tiers, in_process) in enabled {
                let account = served.enable(account, tiers).await;
                let (answers, is_answered) = oneshot::channel();
                actix::spawn(Desk { account, in_process }.serve(answers));
                // One that does not is at the end of the server.
                let _ = is_answered.await;
            }
            // Nobody need wait for it.
            let _ = ready.send(());
        });
    });
    (jetstream, is_ready)
}

/// The accounts that may have streams, and how much of them.
fn enabled(config: &Config, accounts: &Accounts) -> Vec<(RoutedAccount, Tiers)> {
    let all = accounts.directory().all();
    let enabled = all.iter().filter_map(|account| {
        let tiers = config.streams_of(account.name(), account.definition().as_deref())?;
        Some((accounts.get(account.id())?, tiers))
    });
    enabled.collect()
}

/// Gives streams the room, and accounts what they may keep, that a new configuration says.
pub(crate) fn adopt(jetstream: &JetStream, config: &Config) {
    let Some(said) = &config.jetstream else { return };
    let room = jetstream.room();
    jetstream.set_room(
        said.max_memory.unwrap_or(room.max_memory),
        said.max_file.unwrap_or(room.max_storage),
    );
    for account in jetstream.accounts() {
        let definition = account.routed().account.definition();
        let name = account.routed().account.name();
        if let Some(tiers) = config.streams_of(name, definition.as_deref()) {
            account.set_tiers(tiers);
        }
    }
}

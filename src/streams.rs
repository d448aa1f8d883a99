//! The streams of a server, as it starts with them and ends.

use crate::bootstrap::runtime;
use crate::server::StartError;
use actix::{Actor, Addr, Arbiter};
use jiff::tz;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::oneshot;
use vagus_actors::in_process::InProcess;
use vagus_actors::jetstream::{JetStream, OpenedStreams, Settings, Starter};
use vagus_actors::{Accounts, RoutedAccount};
use vagus_configs::Config;
use vagus_delivery::arbiter::LocalArbiter;
use vagus_jetstream::account::{AccountLimits, Tiers};
use vagus_jetstream::config::ServerLimits;
use vagus_jetstream_api::Desk;

/// Of what there is, streams may have three quarters.
const SHARE: (u64, u64) = (3, 4);

/// Opens the streams that are configured, if they are. Takes as long as there is something to read.
pub(crate) fn open(config: &Config) -> Result<Option<OpenedStreams>, StartError> {
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
        limits: ServerLimits {
            max_payload: config.limits.max_payload,
            ..ServerLimits::default()
        },
        zones: Arc::new(|name| tz::db().get(name).ok()),
    };
    Ok(Some(OpenedStreams::open(settings)?))
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
    accounts: &Accounts,
    arbiter: &LocalArbiter,
) -> (Arc<JetStream>, oneshot::Receiver<()>) {
    let jetstream = Arc::new(opened.run(starters));
    let enabled: Vec<_> = enabled(accounts)
        .into_iter()
        .map(|account| {
            let in_process = InProcess::start(arbiter.clone(), account.clone());
            (account, in_process)
        })
        .collect();
    let (ready, is_ready) = oneshot::channel();
    let served = jetstream.clone();
    Arbiter::with_tokio_rt(runtime).spawn_fn(move || {
        actix::spawn(async move {
            for (account, in_process) in enabled {
                let account = served.enable(account, unlimited()).await;
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

/// The accounts that may have streams: the one of everybody, if there is none but that and the system account.
fn enabled(accounts: &Accounts) -> Vec<RoutedAccount> {
    let directory = accounts.directory();
    let global = accounts.global();
    let all = directory.all();
    let is_global = |account: &Arc<vagus_delivery::Account>| account.id() == global.account.id();
    let mut others = all.iter().filter(|account| !is_global(account));
    match others.all(|account| directory.is_system(account)) {
        true => vec![global.clone()],
        false => Vec::new(),
    }
}

fn unlimited() -> Tiers {
    Tiers::flat(AccountLimits::default())
}

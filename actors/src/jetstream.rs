//! Streams: what is published to them is kept.
//!
//! One [`JetStream`] a server has the store open, the [`Log`](log) that all streams write to, and the streams of each
//! account that may have some ([`AccountStreams`]). What is asked of them by messages is read elsewhere; here one asks by
//! calls.

mod account;
mod backup;
mod clock;
mod figures;
mod log;
mod opening;
mod server;
mod shown;
mod sizes;
mod starter;
mod stored;
mod stream;
#[cfg(test)]
mod tests;
mod workers;

pub use account::AccountStreams;
pub use backup::{Backup, Restoration, RestoreError};
pub use figures::{StreamCounts, StreamFigures, StreamTotals};
pub use log::{Distribution, LogState};
pub use opening::OpenError;
pub use server::Zones;
pub use shown::{AilingStream, FOLDER};
pub use starter::Starter;
pub use stream::{Shown, ShownConsumer, StreamActorState, StreamAddress};

use crate::accounts::RoutedAccount;
use actix::Addr;
use futures_util::future::join_all;
use log::{LogAddress, LogThread};
use opening::Opened;
use parking_lot::{Mutex, RwLock};
use server::{Asking, Server};
use sizes::Sizes;
use starter::Starters;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use stream::Found;
use vagus_configs::Encryption;
use vagus_jetstream::account::{Reserved, ServerRoom, Tiers};
use vagus_jetstream::config::ServerLimits;
use vagus_jetstream::error::ApiError;
use vagus_store::{Disk, RealDisk};
use workers::Workers;

/// How the streams of a server are kept.
pub struct Settings {
    /// In which folder there is one for them.
    pub folder: PathBuf,
    /// What the server is called.
    pub name: String,
    /// What they are told from those of other servers by; empty: nothing.
    pub domain: String,
    /// How files are encrypted, if they are.
    pub encryption: Option<Encryption>,
    /// Whether requests may have no fields but those that are known.
    pub strict: bool,
    /// How many batches may be under way, of all streams.
    pub max_batches: usize,
    /// The version of nats-server that this one is like.
    pub version: String,
    /// How many messages consumers may have unacknowledged; 0: as many as one likes.
    pub max_ack_pending: isize,
    /// For how many messages one request may ask; 0: as many as one likes.
    pub max_request_batch: isize,
    /// How many consumers a stream may have where neither it nor its account says how many; 0: as many as one likes.
    pub default_max_consumers: isize,
    /// How many bytes of messages may be in memory, and in files.
    pub max_memory: i64,
    /// See `max_memory`.
    pub max_storage: i64,
    /// What streams may be configured to be.
    pub limits: ServerLimits,
    /// The time zones that there are.
    pub zones: Zones,
}

/// The streams of a server.
#[derive(Debug)]
pub struct JetStream {
    server: Arc<Server>,
    starters: Arc<Starters>,
    accounts: RwLock<BTreeMap<Box<str>, Arc<AccountStreams>>>,
    /// Streams that were found, of accounts that there are not.
    unplaced: Mutex<Vec<Found>>,
    /// Streams that were found, and could not be opened.
    unusable: Vec<AilingStream>,
    log: Mutex<Option<LogThread>>,
}

/// Streams that were opened, before there is where they can run.
pub struct OpenedStreams {
    server: Arc<Server>,
    streams: Vec<Found>,
    unusable: Vec<AilingStream>,
    log: LogThread,
}

impl OpenedStreams {
    /// Opens the folder of a server's streams, and reads what its log says. Takes as long as there is something to read.
    ///
    /// # Errors
    /// If another process has the folder, or the disk or the system fails.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealDisk), settings, Sizes::default())
    }

    /// The same on any disk, in pieces of any size.
    fn open_on(disk: Arc<dyn Disk>, settings: Settings, sizes: Sizes) -> Result<Self, OpenError> {
        let Settings {
            folder,
            name,
            domain,
            max_ack_pending,
            max_request_batch,
            default_max_consumers,
            encryption,
            strict,
            max_batches,
            version,
            max_memory,
            max_storage,
            limits,
            zones,
        } = settings;
        let keys = encryption.as_ref().map(opening::keys).transpose()?;
        let Opened {
            store,
            recovered,
            streams,
            unusable,
        } = opening::open((&disk, &folder), keys, &domain, &zones, sizes)?;
        let workers = Workers::start()?;
        let unwritten = Arc::default();
        let of_disk = log::Room::new(store.reserve(), Arc::clone(&unwritten))?;
        let (address, log) = LogAddress::start(recovered, workers.clone(), of_disk)?;
        let room = ServerRoom {
            max_memory,
            max_storage,
            reserved: Reserved::default(),
        };
        let shared = (address, workers, unwritten);
        let asking = Asking {
            folder,
            name,
            domain,
            version,
            max_ack_pending,
            max_request_batch,
            default_max_consumers,
            strict,
            max_batches,
        };
        let server = Server::new((disk, store, sizes), shared, zones, asking, limits, room);
        Ok(Self {
            server: Arc::new(server),
            streams,
            unusable,
            log,
        })
    }

    /// Has them run where these start them.
    pub fn run(self, starters: Vec<Addr<Starter>>) -> JetStream {
        JetStream {
            starters: Arc::new(Starters::new(self.server.clone(), starters)),
            server: self.server,
            accounts: RwLock::default(),
            unplaced: Mutex::new(self.streams),
            unusable: self.unusable,
            log: Mutex::new(Some(self.log)),
        }
    }
}

impl JetStream {
    /// An account may have streams; those that it had are there when this is over.
    pub async fn enable(&self, routed: RoutedAccount, tiers: Tiers) -> Arc<AccountStreams> {
        let name = routed.account.name().to_owned();
        let account = AccountStreams::new(routed, self.server.clone(), self.starters.clone(), tiers);
        let account = Arc::new(account);
        let mine: Vec<Found> = self
            .unplaced
            .lock()
            .extract_if(.., |found| found.identity.account == name)
            .collect();
        join_all(mine.into_iter().map(|found| account.restore(found))).await;
        let domain = account.domain();
        account.routed().account.set_domain_of_streams(Some(domain));
        self.accounts.write().insert(name.into(), account.clone());
        account
    }

    /// An account may have no streams any more. Those that it had rest on disk, and are there again when it may; what was in
    /// memory goes.
    pub async fn disable(&self, name: &str) {
        let Some(account) = self.accounts.write().remove(name) else {
            return;
        };
        account.routed().account.set_domain_of_streams(None);
        let retired = account.retire().await;
        self.unplaced.lock().extend(retired);
    }

    /// What the subjects begin with that requests are asked on.
    pub fn api_prefixes(&self) -> &[String] {
        self.server.api_prefixes()
    }

    /// Deletes all streams of an account, also of one that may have none any more, or is no more.
    ///
    /// # Errors
    /// If one cannot be deleted; those before it are.
    pub async fn purge(&self, name: &str) -> Result<(), ApiError> {
        let account = self.account(name);
        let is_of_it = |found: &Found| found.identity.account == name;
        let unplaced = self
            .unplaced
            .lock()
            .iter()
            .filter(|found| is_of_it(found))
            .count();
        let streams = account
            .as_ref()
            .map_or_else(Vec::new, |account| account.names(""));
        ::log::info!(
            "Purge request for account {name} (streams: {}, hasAccount: {})",
            streams.len() + unplaced,
            account.is_some()
        );
        if let Some(account) = account {
            for stream in streams {
                match account.delete(&stream).await {
                    // Somebody else was faster.
                    Ok(()) | Err(ApiError { err_code: 10059, .. }) => {}
                    Err(error) => return Err(ApiError::stream_delete(error)),
                }
            }
        }
        let unplaced: Vec<Found> = self
            .unplaced
            .lock()
            .extract_if(.., |found| is_of_it(found))
            .collect();
        for found in unplaced {
            self.server.forget(found.identity).await;
        }
        Ok(())
    }

    /// The streams of the account of this name; None: it may have none.
    pub fn account(&self, name: &str) -> Option<Arc<AccountStreams>> {
        self.accounts.read().get(name).cloned()
    }

    /// The accounts that may have streams, by name.
    pub fn accounts(&self) -> Vec<Arc<AccountStreams>> {
        self.accounts.read().values().cloned().collect()
    }

    /// What the Log shows of itself.
    pub fn log(&self) -> LogState {
        self.server.log.state()
    }

    /// Bytes of messages in memory, and in files.
    pub fn used(&self) -> (i64, i64) {
        self.server.used()
    }

    /// How many bytes there may be of both, and how many are reserved.
    pub fn room(&self) -> ServerRoom {
        self.server.room()
    }

    /// From now on there may be so many bytes in memory, and in files.
    pub fn set_room(&self, max_memory: i64, max_storage: i64) {
        self.server.set_room(max_memory, max_storage);
    }

    /// From now on a stream may get so many consumers where nothing else says how many; 0: as many as one likes.
    pub fn set_default_max_consumers(&self, most: isize) {
        self.server.set_default_max_consumers(most);
    }

    /// The domain; empty: none.
    pub fn domain(&self) -> &str {
        &self.server.domain
    }

    /// Has all streams make what they hold durable where a start finds it soonest, and ends the Log. Nothing is taken in
    /// from here on.
    pub async fn close(&self) {
        self.close_streams().await;
        self.end_log();
    }

    /// Closes the streams of all accounts at once.
    async fn close_streams(&self) {
        let streams = self.accounts().into_iter().flat_map(|account| account.streams());
        let closing: Vec<StreamAddress> = streams.collect();
        join_all(closing.iter().map(StreamAddress::close)).await;
    }

    fn end_log(&self) {
        self.server.log.end();
        if let Some(log) = self.log.lock().take() {
            log.join();
        }
    }

    /// The same while the server goes on: no account has streams any more, no thread is left that writes, and the folder may
    /// be opened anew when this is over. It waits for threads, so it is not to be called where connections are carried.
    pub async fn leave(&self) {
        // Accounts are disabled one by one, which takes no time for closed streams.
        self.close_streams().await;
        for account in self.accounts() {
            self.disable(account.routed().account.name()).await;
        }
        self.unplaced.lock().clear();
        self.end_log();
        self.server.workers.end();
        self.server.store.lock().leave();
    }
}

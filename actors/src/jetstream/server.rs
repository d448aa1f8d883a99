//! What the streams of a server share.

use super::log::LogAddress;
use super::sizes::Sizes;
use super::workers::Workers;
use jiff::tz::TimeZone;
use parking_lot::{Mutex, RwLock};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicIsize, AtomicU64, AtomicUsize, Ordering};
use tokio::sync::oneshot;
use vagus_jetstream::account::{Reserved, ServerRoom};
use vagus_jetstream::config::{ServerLimits, Storage, StreamConfig};
use vagus_store::{Disk, Store, StoreError, StreamIdentity};

/// So much may be left to the log by all streams together when the server ends, in bytes: a start reads it in some tens of
/// milliseconds.
const LEFT_TO_LOG_AT_MOST: u64 = 8 << 20;

/// As so many bytes an entry counts that is left.
const LEFT_ENTRY: u64 = 256;

/// The prefix of what is asked.
const PREFIX: &str = "$JS.API.";

/// The time zones that there are.
pub type Zones = Arc<dyn Fn(&str) -> Option<TimeZone> + Send + Sync>;

/// How streams are asked.
pub(super) struct Asking {
    /// Where they are kept.
    pub(super) folder: PathBuf,
    /// What the server is called.
    pub(super) name: String,
    /// The version of nats-server that it is like.
    pub(super) version: String,
    /// How many messages consumers may have unacknowledged, and how many one request may ask for; 0: as many as one likes.
    pub(super) max_ack_pending: isize,
    pub(super) max_request_batch: isize,
    /// How many consumers a stream may have where nothing else says it; 0: as many as one likes.
    pub(super) default_max_consumers: isize,
    /// The domain that is asked; empty: none.
    pub(super) domain: String,
    /// See [`Server::strict`].
    pub(super) strict: bool,
    /// How many batches may be under way, of all streams.
    pub(super) max_batches: usize,
}

/// What the streams of a server share.
pub(super) struct Server {
    /// Where streams are kept.
    pub(super) folder: PathBuf,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) sizes: Sizes,
    pub(super) log: LogAddress,
    pub(super) workers: Workers,
    pub(super) store: Arc<Mutex<Store>>,
    pub(super) zones: Zones,
    pub(super) domain: String,
    /// Whether requests may have no fields but those that are known.
    pub(super) strict: bool,
    max_batches: usize,
    /// What it is called.
    pub(super) name: String,
    /// The version of nats-server that this one is like.
    pub(super) version: String,
    /// How many messages consumers may have unacknowledged, and how many one request may ask for; 0: as many as one likes.
    pub(super) max_ack_pending: isize,
    pub(super) max_request_batch: isize,
    default_max_consumers: AtomicIsize,
    prefixes: Vec<String>,
    limits: RwLock<Arc<ServerLimits>>,
    batches: AtomicUsize,
    room: Mutex<ServerRoom>,
    memory: AtomicI64,
    storage: AtomicI64,
    /// See [`Self::count_unwritten`].
    unwritten: Arc<AtomicU64>,
    /// See [`Self::leave_to_log`].
    left_to_log: AtomicU64,
}

impl Server {
    pub(super) fn new(
        (disk, store, sizes): (Arc<dyn Disk>, Store, Sizes),
        (log, workers, unwritten): (LogAddress, Workers, Arc<AtomicU64>),
        zones: Zones,
        asking: Asking,
        limits: ServerLimits,
        room: ServerRoom,
    ) -> Self {
        let Asking {
            folder,
            name,
            version,
            max_ack_pending,
            max_request_batch,
            default_max_consumers,
            domain,
            strict,
            max_batches,
        } = asking;
        let mut prefixes = vec![PREFIX.to_owned()];
        if !domain.is_empty() {
            prefixes.push(format!("$JS.{domain}.API."));
        }
        Self {
            folder,
            disk,
            sizes,
            log,
            workers,
            store: Arc::new(Mutex::new(store)),
            zones,
            domain,
            strict,
            max_batches,
            version,
            name,
            max_ack_pending,
            max_request_batch,
            default_max_consumers: AtomicIsize::new(default_max_consumers),
            prefixes,
            limits: RwLock::new(Arc::new(limits)),
            batches: AtomicUsize::new(0),
            room: Mutex::new(room),
            memory: AtomicI64::new(0),
            storage: AtomicI64::new(0),
            unwritten,
            left_to_log: AtomicU64::new(0),
        }
    }

    /// What the subjects begin with that requests are asked on.
    pub(super) fn api_prefixes(&self) -> &[String] {
        &self.prefixes
    }

    pub(super) fn limits(&self) -> Arc<ServerLimits> {
        self.limits.read().clone()
    }

    /// How many more batches may be under way.
    pub(super) fn batches_left(&self) -> usize {
        self.max_batches
            .saturating_sub(self.batches.load(Ordering::Relaxed))
    }

    /// A stream had so many batches under way, and has so many now.
    pub(super) fn count_batches(&self, before: usize, now: usize) {
        if now > before {
            self.batches.fetch_add(now - before, Ordering::Relaxed);
        } else if now < before {
            self.batches.fetch_sub(before - now, Ordering::Relaxed);
        }
    }

    /// A stream had so many bytes that are in the log alone, and has so many now.
    pub(super) fn count_unwritten(&self, before: u64, now: u64) {
        if now > before {
            self.unwritten.fetch_add(now - before, Ordering::Relaxed);
        } else if now < before {
            self.unwritten.fetch_sub(before - now, Ordering::Relaxed);
        }
    }

    /// A stream would leave so many entries to the log when the server ends, with so many bytes. Whether it may.
    pub(super) fn leave_to_log(&self, entries: u64, bytes: u64) -> bool {
        let size = entries * LEFT_ENTRY + bytes;
        let left = self.left_to_log.fetch_add(size, Ordering::Relaxed);
        left.saturating_add(size) <= LEFT_TO_LOG_AT_MOST
    }

    /// Streams in such a storage have so many bytes more or, below 0, less.
    pub(super) fn use_bytes(&self, storage: Storage, bytes: i64) {
        let used = match storage {
            Storage::Memory => &self.memory,
            Storage::File => &self.storage,
        };
        used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes of messages in memory, and in files.
    pub(super) fn used(&self) -> (i64, i64) {
        let get = |used: &AtomicI64| used.load(Ordering::Relaxed);
        (get(&self.memory), get(&self.storage))
    }

    /// Whether there is no room for anything of such a storage.
    pub(super) fn is_full(&self, storage: Storage) -> bool {
        let room = *self.room.lock();
        let (memory, files) = self.used();
        match storage {
            Storage::Memory => memory >= room.max_memory,
            Storage::File => files >= room.max_storage,
        }
    }

    pub(super) fn room(&self) -> ServerRoom {
        *self.room.lock()
    }

    pub(super) fn set_room(&self, max_memory: i64, max_storage: i64) {
        let mut room = self.room.lock();
        (room.max_memory, room.max_storage) = (max_memory, max_storage);
    }

    pub(super) fn default_max_consumers(&self) -> isize {
        self.default_max_consumers.load(Ordering::Relaxed)
    }

    pub(super) fn set_default_max_consumers(&self, most: isize) {
        self.default_max_consumers.store(most, Ordering::Relaxed);
    }

    /// What is kept for a stream changes.
    pub(super) fn reserve(&self, before: Option<&StreamConfig>, now: Option<&StreamConfig>) {
        let mut room = self.room.lock();
        let Reserved { memory, storage } = &mut room.reserved;
        for (config, sign) in [(before, -1), (now, 1)] {
            let Some(config) = config else { continue };
            let bytes = sign * config.max_bytes.max(0);
            match config.storage {
                Storage::Memory => *memory = memory.saturating_add(bytes),
                Storage::File => *storage = storage.saturating_add(bytes),
            }
        }
    }

    /// Nothing of a stream stays on disk.
    pub(super) async fn forget(&self, identity: StreamIdentity) {
        let name = identity.name.clone();
        if !self.log.forget(identity.group).await {
            log::error!("JetStream: that stream '{name}' is deleted could not be written down");
        }
        if let Err(error) = self.on_disk(move |store| store.remove(&identity)).await {
            log::error!("JetStream: stream '{name}' is deleted, but not its folder: {error}");
        }
    }

    /// Does something with the store, which takes as long as the disk does. What it complains of, as text.
    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, String> {
        let (told, is_told) = oneshot::channel();
        let store = self.store.clone();
        self.workers.write(move || {
            let done = work(&mut store.lock());
            // Who waits may have gone.
            let _ = told.send(done.map_err(|error| error.to_string()));
        });
        is_told
            .await
            .unwrap_or_else(|_| Err("the server is about to stop".to_owned()))
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Server")
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

//! The streams that a server keeps.

use std::fmt;
use std::time::Duration;

/// The streams that a server keeps: in [`Config::store_dir`](crate::Config::store_dir), or in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JetStream {
    /// How many bytes of messages may be in memory; None: three quarters of what the machine has.
    pub max_memory: Option<i64>,
    /// How many bytes of messages may be in files; None: three quarters of what the disk has left.
    pub max_file: Option<i64>,
    /// What the streams of this server are told from those of others by; empty: nothing.
    pub domain: String,
    /// How files are encrypted, if they are.
    pub encryption: Option<Encryption>,
    /// The beginning of a server tag of which two servers with the same do not keep the same stream, in lower case; empty:
    /// none. It is shown; there are no streams on several servers yet.
    pub unique_tag: String,
    /// Whether requests may have no fields but those that are known.
    pub strict: bool,
    /// How often nats-server would have files written through to the disk. It is shown: an acknowledged message is on
    /// disk, whatever it says.
    pub sync_interval: SyncInterval,
    /// What streams and consumers may be configured to.
    pub limits: StreamLimits,
    /// How many requests of an account may wait.
    pub request_queue_limit: usize,
    /// How many of those that ask for information only.
    pub info_queue_limit: usize,
    /// What may wait for one stream.
    pub inbox: Inbox,
}

/// Encryption at rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Encryption {
    /// By which cipher.
    pub cipher: Cipher,
    /// The secret that keys of files are made from.
    pub key: String,
    /// What it was before, if files may still be encrypted with that.
    pub previous_key: Option<String>,
}

/// Keys are not shown.
impl fmt::Debug for Encryption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Encryption")
            .field("cipher", &self.cipher)
            .finish_non_exhaustive()
    }
}

/// A cipher for files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cipher {
    /// ChaCha20-Poly1305.
    #[default]
    ChaCha,
    /// AES-256-GCM.
    Aes,
}

impl Cipher {
    /// What nats-server calls it in its log.
    pub fn text(self) -> &'static str {
        match self {
            Self::ChaCha => "ChaCha20-Poly1305",
            Self::Aes => "AES-GCM",
        }
    }
}

/// How often files are written through to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncInterval {
    /// With each message.
    Always,
    /// So often.
    Every(Duration),
}

impl SyncInterval {
    /// As a duration: that of nats-server's default where it is always.
    pub fn duration(self) -> Duration {
        match self {
            Self::Always => SYNC_INTERVAL,
            Self::Every(interval) => interval,
        }
    }
}

/// What streams and consumers of all accounts may be configured to; None: as they like, or nats-server's default where it
/// has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamLimits {
    /// Messages that wait for an acknowledgement, a consumer.
    pub max_ack_pending: Option<u64>,
    /// Streams and consumers that are replicated. It is shown; there are none yet.
    pub max_ha_assets: Option<u64>,
    /// Messages that are asked for at once.
    pub max_request_batch: Option<u64>,
    /// Consumers of a stream where neither it nor its account says how many.
    pub default_max_consumers: Option<u64>,
    /// How long windows for duplicates may be.
    pub duplicate_window: Option<Duration>,
    /// Messages that are stored together.
    pub batch: BatchLimits,
}

/// What batches may have that are stored together; None: nats-server's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchLimits {
    /// Batches that are under way, a stream.
    pub max_inflight_per_stream: Option<u64>,
    /// Batches that are under way in all.
    pub max_inflight_total: Option<u64>,
    /// Messages of one.
    pub max_messages: Option<u64>,
    /// After how long one is given up of which nothing more comes.
    pub timeout: Option<Duration>,
}

/// How much may wait for a stream before publishers are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inbox {
    /// Messages.
    pub messages: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// Those of nats-server.
impl Default for Inbox {
    fn default() -> Self {
        Self {
            messages: 100_000,
            bytes: 128 << 20,
        }
    }
}

/// That of nats-server.
const REQUEST_QUEUE_LIMIT: usize = 10_000;

/// That of nats-server.
const SYNC_INTERVAL: Duration = Duration::from_secs(120);

impl Default for JetStream {
    fn default() -> Self {
        Self {
            max_memory: None,
            max_file: None,
            domain: String::new(),
            encryption: None,
            unique_tag: String::new(),
            strict: true,
            sync_interval: SyncInterval::Every(SYNC_INTERVAL),
            limits: StreamLimits::default(),
            request_queue_limit: REQUEST_QUEUE_LIMIT,
            info_queue_limit: REQUEST_QUEUE_LIMIT,
            inbox: Inbox::default(),
        }
    }
}

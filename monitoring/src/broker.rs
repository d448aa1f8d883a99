//! Whom handlers ask about a server.

use crate::page::PageCounts;
use crate::process::Usage;
use jiff::Timestamp;
use openssl::ssl::SslContext;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::sync::{Semaphore, SemaphorePermit};
use vagus_actors::Observatory;
use vagus_actors::claimed_accounts::ClaimedAccounts;
use vagus_actors::connectors::{ConnectorState, ConnectorsHandle};
use vagus_actors::jetstream::JetStream;
use vagus_actors::reload::Configurator;
use vagus_configs::{Config, split_advertised};
use vagus_delivery::{AccountDirectory, Live};
use vagus_protocol::info::Info;
use vagus_tls::ocsp::CacheStatistics;

/// What a server is set to, as operators are shown it. Replaced as a whole when the configuration is reloaded.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The configuration that holds.
    pub config: Config,
    /// What INFO says to clients.
    pub info: Info,
    /// When the configuration was loaded.
    pub loaded: Timestamp,
    /// Where monitoring over HTTP listens, if it does.
    pub http: Option<SocketAddr>,
    /// Where monitoring over HTTPS listens, if it does.
    pub https: Option<SocketAddr>,
    /// The TLS of clients, if there is any.
    pub tls: Option<TlsSettings>,
    /// `host:port` of the servers of the cluster, for clients that speak WebSocket.
    pub websocket_urls: Vec<String>,
    /// When the certificate ends that clients are shown who speak WebSocket by TLS.
    pub websocket_not_after: Option<Timestamp>,
    /// How the admin service speaks TLS, if it does.
    pub admin_tls: Option<SslContext>,
}

impl Settings {
    /// Where clients are told to connect: the address that is advertised, else that of the listener.
    pub(crate) fn advertised(&self) -> (&str, u16) {
        let (host, port) = match &self.config.clients.advertise {
            Some(address) => split_advertised(address),
            None => (&*self.info.host, None),
        };
        (host, port.unwrap_or(self.info.port))
    }
}

/// What is remembered of answers about certificates of clients, whenever it is asked; none if nothing is to be.
#[derive(Clone)]
pub struct Remembered(pub Arc<dyn Fn() -> Option<CacheStatistics> + Send + Sync>);

impl std::fmt::Debug for Remembered {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Remembered")
    }
}

/// What is shown of the TLS of clients, and what HTTPS makes of it.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// Whether clients must speak it.
    pub required: bool,
    /// Whether clients must have a certificate.
    pub verify: bool,
    /// How long a client may take for the handshake, in seconds.
    pub timeout: f64,
    /// When the server's certificate ends.
    pub not_after: Option<Timestamp>,
    /// Whether certificates of clients are checked with their authority.
    pub checks_peers: bool,
    /// What is remembered of that.
    pub remembered: Remembered,
    /// How HTTPS speaks it.
    pub https: SslContext,
}

/// What is stored, for as long as a server stores something.
#[derive(Debug)]
pub struct Stored(Live<Option<Arc<JetStream>>>);

impl Stored {
    /// None where nothing is stored.
    pub fn get(&self) -> Option<Arc<JetStream>> {
        Option::clone(&self.0.current().0)
    }

    /// From now on it is this, or nothing.
    pub fn set(&self, jetstream: Option<Arc<JetStream>>) {
        self.0.replace(Arc::new(jetstream));
    }
}

/// A server, as it is asked from outside: whom to ask, who it is and what it is set to.
#[derive(Debug)]
pub struct Broker {
    /// Asks the actors.
    pub observatory: Observatory,
    /// The accounts by name.
    pub accounts: Arc<AccountDirectory>,
    /// What the server is set to now.
    pub settings: Arc<Live<Settings>>,
    /// When it was started, by the clock of the machine.
    pub started: Timestamp,
    /// The same, by a clock that nobody sets.
    pub since: Instant,
    /// What the process uses.
    pub usage: Usage,
    /// Who decides how the server is set; empty until it has started.
    pub configurator: OnceLock<Configurator>,
    /// The accounts that operators have signed; empty where accounts are configured.
    pub claimed_accounts: OnceLock<Arc<ClaimedAccounts>>,
    /// What other systems bring and are brought; empty until the server has started.
    pub connectors: OnceLock<ConnectorsHandle>,
    /// What is stored; nothing until the server has started.
    pub jetstream: Stored,
    /// How many subscriptions the server itself has in the system account: they are in force with the first, and not
    /// shown.
    pub own_subscriptions: AtomicUsize,
    /// How often pages were asked for over HTTP.
    pub pages: PageCounts,
    /// Who holds one of these may make an answer of monitoring.
    pub(crate) turns: Semaphore,
    /// Who holds one of these may ask all connections.
    pub(crate) surveys: Semaphore,
}

/// How many answers of monitoring are made at one time: what is being made takes memory, and others wait behind it.
const ANSWERS_AT_ONCE: usize = 4;

/// How many questions to all connections are asked at one time: more would only keep arbiters from messages.
const SURVEYS_AT_ONCE: usize = 2;

impl Broker {
    /// A server that starts now.
    pub fn new(
        observatory: Observatory,
        accounts: Arc<AccountDirectory>,
        settings: Arc<Live<Settings>>,
    ) -> Self {
        Self {
            observatory,
            accounts,
            settings,
            started: Timestamp::now(),
            since: Instant::now(),
            usage: Usage::default(),
            configurator: OnceLock::new(),
            claimed_accounts: OnceLock::new(),
            connectors: OnceLock::new(),
            jetstream: Stored(Live::new(None)),
            own_subscriptions: AtomicUsize::new(0),
            pages: PageCounts::default(),
            turns: Semaphore::new(ANSWERS_AT_ONCE),
            surveys: Semaphore::new(SURVEYS_AT_ONCE),
        }
    }

    /// What each connector shows of itself, by id.
    pub async fn connectors(&self) -> Vec<ConnectorState> {
        match self.connectors.get() {
            Some(connectors) => connectors.states().await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// Waits until one more answer may be made; it may be as long as what this gives is held.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.turns.acquire().await.ok()
    }
}

//! How the server is set: the typed, always valid configuration.
//!
//! Every field has its final value: nothing below this crate sees an `Option` that means "default".
//! The defaults are those of nats-server 2.14. [`load`](load()) makes one of a NATS configuration file, the
//! grammar of which is in [`grammar`].

mod accounts;
mod admin;
mod auth_callout;
mod beside_tls;
mod cluster;
mod connectors;
mod diff;
pub mod document;
mod files;
mod format;
mod gateway;
pub mod grammar;
mod jetstream;
mod lame_duck;
mod leafnodes;
mod limits;
mod listen;
mod listener;
mod load;
mod lockout;
mod logging;
mod metrics;
mod monitoring;
mod operators;
mod server_url;
mod stream_owners;
mod websocket;

pub use accounts::{Accounts, DEFAULT_SYSTEM_ACCOUNT, GLOBAL_ACCOUNT};
pub use admin::{Admin, AdminRole, AdminToken, AdminUser};
pub use auth_callout::AuthCallout;
pub use beside_tls::BesideTls;
pub use cluster::{Cluster, LARGEST_POOL, LONGEST_ROUTE_PING_INTERVAL, RouteUrl};
pub use connectors::{
    ConnectorLanguage, ConnectorSettings, ConnectorWay, ConsumerName, HttpSettings, InwardSettings,
    OutwardSettings, ServerAddress, SubjectOfTag,
};
pub use diff::{Change, MASK, Refusal, Setting, Shown, diff, settings};
pub use files::NamedFiles;
pub use format::NatsFormat;
pub use gateway::{Gateway, GatewayRemote};
pub use jetstream::{BatchLimits, Cipher, Encryption, Inbox, JetStream, StreamLimits, SyncInterval};
pub use lame_duck::LameDuck;
pub use leafnodes::{HttpProxy, LeafListener, LeafNodes, LeafRemote, UserKey};
pub use limits::{Bytes, Limits, UNLIMITED, WriteTimeout};
pub use listen::{Listen, Port, is_advertisable, split_advertised};
pub use listener::ListenerSettings;
pub use load::{ConfigError, Disk, Loaded, Obstacle, Problem, Warning, load, parse, skim, understand};
pub use logging::{BadSyslogAddress, LogFormat, LogTime, Logging, SyslogAddress, UnknownLogFormat};
pub use metrics::Metrics;
pub use monitoring::Monitoring;
pub use operators::{DEFAULT_FETCH_TIMEOUT, Deletion, DirectoryKind, DirectoryResolver, Operators, Resolver};
pub use server_url::ServerUrl;
pub use stream_owners::StreamOwners;
pub use websocket::{WebSocket, WebSocketLogin};

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Everything that can be set about one server.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Where and how clients connect.
    pub clients: ListenerSettings,
    /// The public keys of proxies that vouch for clients (ADR-55): valid ones, of any kind.
    pub trusted_proxies: Vec<String>,
    /// Who shares subjects with whom.
    pub accounts: Accounts,
    /// Who signs the accounts, if they are not configured.
    pub operators: Option<Operators>,
    /// What INFO calls this server; its id when not set.
    pub server_name: Option<String>,
    /// Words by which operators find this server among others; in lower case, each once.
    pub tags: Vec<String>,
    /// What else operators note about it.
    pub metadata: BTreeMap<String, String>,
    /// What one peer may ask of the server, and how long it may take.
    pub limits: Limits,
    /// What was said about the TLS of clients outside of its section, whether or not there is one.
    pub beside_tls: BesideTls,
    /// What is logged, and where to.
    pub logging: Logging,
    /// How it closes its clients in lame duck mode.
    pub lame_duck: LameDuck,
    /// Where the process id is written at the start, as decimal digits without a newline.
    pub pid_file: Option<PathBuf>,
    /// The folder where is kept what outlives the process: streams, and what authorities said of the server's
    /// certificates.
    pub store_dir: Option<PathBuf>,
    /// Behaviour that nats-server has or has not by these names. Nothing here goes by any of them; they are shown.
    pub feature_flags: BTreeMap<String, bool>,
    /// The folder that gets a `<program>_<pid>.ports` file for as long as the server runs.
    pub ports_file_dir: Option<PathBuf>,
    /// What is shown over HTTP, and where.
    pub monitoring: Monitoring,
    /// What Prometheus is shown on the port of monitoring.
    pub metrics: Metrics,
    /// The admin service, if there is one.
    pub admin: Option<Admin>,
    /// The cluster that it is a part of, if it is.
    pub cluster: Option<Cluster>,
    /// The other clusters that it is connected to, and where they connect, if it is in one of several.
    pub gateway: Option<Gateway>,
    /// The leaf nodes that may connect, and the hubs that it is a leaf node of.
    pub leafnodes: LeafNodes,
    /// What other systems bring, and what they are brought; no two with one id.
    pub connectors: Vec<ConnectorSettings>,
    /// The streams that it keeps, if it does.
    pub jetstream: Option<JetStream>,
    /// Where clients connect that speak WebSocket, if they can.
    pub websocket: Option<WebSocket>,
    /// [`Loaded::digest`] of the file that a server was started with, to be shown; empty without one.
    pub digest: String,
    /// How many arbiters (threads that carry connections) there are; one a core when 0.
    pub arbiters: usize,
}

impl Config {
    /// Where any free port is asked for, and there is one already, that one is meant: the listeners of `running` stay.
    pub fn keep_free_ports(&mut self, running: &Self) {
        let keep = |port: &mut Port, current: Port| {
            if *port == Port::Free {
                *port = current;
            }
        };
        keep(&mut self.clients.listen.port, running.clients.listen.port);
        if let (Some(port), Some(current)) = (&mut self.monitoring.http, running.monitoring.http) {
            keep(port, current);
        }
        if let (Some(port), Some(current)) = (&mut self.monitoring.https, running.monitoring.https) {
            keep(port, current);
        }
        if let (Some(cluster), Some(current)) = (&mut self.cluster, &running.cluster) {
            keep(&mut cluster.listener.listen.port, current.listener.listen.port);
        }
        if let (Some(gateway), Some(current)) = (&mut self.gateway, &running.gateway) {
            keep(&mut gateway.listener.listen.port, current.listener.listen.port);
        }
        if let (Some(listener), Some(current)) = (&mut self.leafnodes.listener, &running.leafnodes.listener) {
            keep(&mut listener.settings.listen.port, current.settings.listen.port);
        }
        if let (Some(websocket), Some(current)) = (&mut self.websocket, &running.websocket) {
            keep(&mut websocket.listen.port, current.listen.port);
        }
        if let (Some(admin), Some(current)) = (&mut self.admin, &running.admin) {
            keep(&mut admin.listen.port, current.listen.port);
        }
    }

    /// Gives the TLS of clients, if they speak it, what was said about it outside of its section: see [`BesideTls`].
    pub fn complete_tls(&mut self) {
        if let Some(tls) = &mut self.clients.tls {
            self.beside_tls.lay_under(tls, self.store_dir.as_deref());
        }
    }
}

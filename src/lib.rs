//! A message broker that speaks NATS, as a value: a program can have several.
//!
//! ```no_run
//! let server = vagus::Server::start(vagus::Config::default())?;
//! println!("clients connect to {}", server.client_address());
//! server.shutdown();
//! # Ok::<(), vagus::StartError>(())
//! ```

mod admin;
mod admin_service;
mod bootstrap;
mod certificates;
mod claimed_accounts;
mod connectors;
mod identity;
mod reload;
mod server;
mod stapling;
mod streams;
mod system_account;

pub use reload::{Process, Setup};
pub use server::{Server, StartError};
pub use stapling::StaplingError;
pub use vagus_actors::cluster::ClusterState;
pub use vagus_actors::connectors::ConnectorState;
pub use vagus_actors::impact::ReloadImpact;
pub use vagus_actors::lame_duck::{LameDuckState, Phase as LameDuckPhase};
pub use vagus_actors::listener::ListenerState;
pub use vagus_actors::monitor::MonitorState;
pub use vagus_actors::observed::{ClientInfo, ConnectionState};
pub use vagus_actors::queue_group::QueueGroupState;
pub use vagus_actors::reload::{
    Content, Keep, Outcome, Prepared, Propose, Reach, ReloadError, ReloadState, Source, Verdict,
};
pub use vagus_actors::router::RouterState;
pub use vagus_actors::subject::SubjectState;
pub use vagus_admin::{LogControl, LogLevels};
pub use vagus_configs::Config;
pub use vagus_delivery::arbiter::Traffic;
pub use vagus_protocol::error::CloseReason;
pub use vagus_routing::ConnectionId;

/// The version of nats-server whose protocol and features this server has: clients decide by it what they may
/// ask for.
pub const NATS_VERSION: &str = "2.14.5";

/// Our own version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

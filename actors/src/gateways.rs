//! The actor that keeps this server connected to other clusters.
//!
//! The role of the Gateways is to have one server of each other cluster dialled: of those of the configuration for as long as
//! the server runs, of those that others tell of for as long as they are there. Which clusters and connections there are, and
//! what others are told of them, is decided where they are opened, at once: see [`Clusters`].

mod clusters;
mod remote;

pub use clusters::{Clusters, InboundCandidate, JoinedInbound, JoinedOutbound, JoinedRouteEnd, RouteEnd};
pub use remote::RemoteCluster;

use crate::dialling::{Dialling, DiallingState, StopDialling};
use crate::mailbox::{end_if_panicking, tell};
use crate::placement::Placed;
use actix::prelude::*;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use vagus_configs::GatewayRemote;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::dialer::{DialEvent, DialSettings, DialStage, DialState, Dialer};
use vagus_delivery::wire::Errand;

/// Connecting to a server of another cluster, as in nats-server: how long to wait before the next attempt, and the longest wait
/// where it grows.
const DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// How long connecting to one address may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Up to so much is added to each wait.
const JITTER: Duration = Duration::from_millis(100);

/// How other clusters are dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayDialling {
    /// How often one that others tell of is tried once more.
    pub connect_retries: u64,
    /// Whether the wait between two attempts grows.
    pub connect_backoff: bool,
    /// Of the attempts that fail, the first and each that is a multiple of this are errors in the log.
    pub connect_error_reports: u64,
    /// The same for attempts after there was a connection.
    pub reconnect_error_reports: u64,
}

/// Makes of a cluster what the language of gateways is to know of each connection to it.
pub type ErrandOfCluster = Arc<dyn Fn(&Arc<RemoteCluster>) -> Errand + Send + Sync>;

/// Keeps a server connected to other clusters.
pub struct Gateways {
    clusters: Arc<Clusters>,
    receptions: Vec<Recipient<Placed>>,
    arbiters: Arc<Arbiters>,
    errand: ErrandOfCluster,
    settings: GatewayDialling,
    dialled: Vec<DialledCluster>,
}

struct DialledCluster {
    remote: Arc<RemoteCluster>,
    dialling: Addr<Dialling>,
    state: watch::Receiver<DialState>,
}

/// A cluster as this server sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemoteClusterState {
    /// What it is called.
    pub name: String,
    /// Whether the configuration names it.
    pub is_configured: bool,
    /// Where its servers are.
    pub urls: Vec<String>,
    /// How far dialling it has come.
    pub dialling: DiallingState,
}

/// Asks [`Gateways`] for the other clusters that are known, by name.
#[derive(Debug, Message)]
#[rtype(result = "Vec<RemoteClusterState>")]
pub struct ListRemoteClusters;

/// A cluster is known that is to be dialled.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Dial(pub(super) Arc<RemoteCluster>);

/// A cluster that others have told of could not be connected to, as often as that was tried.
#[derive(Message)]
#[rtype(result = "()")]
struct GivenUp(Arc<RemoteCluster>);

/// From now on these are the clusters of the configuration.
#[derive(Message)]
#[rtype(result = "()")]
struct Adopt {
    remotes: Vec<GatewayRemote>,
    rejects_unknown: bool,
    settings: GatewayDialling,
}

impl Gateways {
    /// Of a server that knows no other cluster so far. Connections are opened by these receptions, one on each arbiter.
    pub fn new(
        clusters: Arc<Clusters>,
        receptions: Vec<Recipient<Placed>>,
        arbiters: Arc<Arbiters>,
        errand: ErrandOfCluster,
        settings: GatewayDialling,
    ) -> Self {
        Self {
            clusters,
            receptions,
            arbiters,
            errand,
            settings,
            dialled: Vec::new(),
        }
    }

    /// Has these clusters dialled, and those that others tell of unless these are rejected. Connections to others end.
    pub fn adopt(
        gateways: &Addr<Self>,
        remotes: Vec<GatewayRemote>,
        rejects_unknown: bool,
        settings: GatewayDialling,
    ) {
        let adopt = Adopt {
            remotes,
            rejects_unknown,
            settings,
        };
        tell(gateways, adopt);
    }

    fn dial(&mut self, remote: Arc<RemoteCluster>, context: &Context<Self>) {
        let settings = &self.settings;
        let settings = DialSettings {
            connect_timeout: CONNECT_TIMEOUT,
            delay: DELAY,
            longest_delay: match settings.connect_backoff {
                true => LONGEST_DELAY,
                false => Duration::ZERO,
            },
            longest_delay_unopened: Duration::ZERO,
            jitter: JITTER,
            attempts_at_most: (!remote.is_configured()).then(|| settings.connect_retries.saturating_add(1)),
            connect_error_reports: settings.connect_error_reports,
            reconnect_error_reports: settings.reconnect_error_reports,
        };
        let (resolved, logged) = (remote.clone(), Logged::new(remote.clone(), &settings));
        let dialer = Dialer::new(remote.name(), 0, settings, move |event| logged.log(&event));
        let dialer = dialer.resolving_by(Arc::new(move |_, _| resolved.resolve()));
        let state = dialer.state();
        let dialling = Dialling::new(dialer, self.receptions.clone(), self.arbiters.clone());
        let dialling = dialling.on((self.errand)(&remote)).start();
        let (mut watched, given_up) = (state.clone(), remote.clone());
        let address = context.address();
        actix_rt::spawn(async move {
            let ends = |state: &DialState| state.stage == DialStage::GivenUp;
            if watched.wait_for(ends).await.is_ok() {
                tell(&address, GivenUp(given_up));
            }
        });
        self.dialled.push(DialledCluster {
            remote,
            dialling,
            state,
        });
    }

    fn stop_dialling(&mut self, mut ends: impl FnMut(&RemoteCluster) -> bool) {
        self.dialled.retain(|dialled| {
            let ends = ends(&dialled.remote);
            if ends {
                tell(&dialled.dialling, StopDialling);
            }
            !ends
        });
    }
}

/// Says what becomes of the attempts to connect to one cluster.
struct Logged {
    remote: Arc<RemoteCluster>,
    failed: AtomicU64,
    reports: u64,
}

impl Logged {
    fn new(remote: Arc<RemoteCluster>, settings: &DialSettings) -> Self {
        Self {
            remote,
            failed: AtomicU64::new(0),
            reports: settings.connect_error_reports.max(1),
        }
    }

    fn log(&self, event: &DialEvent<'_>) {
        let (kind, name) = (self.remote.kind_in_words(), self.remote.name());
        let attempt = self.failed.load(Ordering::Relaxed) + 1;
        let level = |is_reported| match is_reported {
            true => log::Level::Error,
            false => log::Level::Debug,
        };
        match event {
            DialEvent::Trying(address) => {
                let url = self.remote.name_of(*address);
                let level = match attempt == 1 || attempt.is_multiple_of(self.reports) {
                    true => log::Level::Info,
                    false => log::Level::Debug,
                };
                log::log!(
                    level,
                    "Connecting to {kind} gateway {name:?} ({url}) at {address} (attempt {attempt})"
                );
            }
            DialEvent::Unreachable(error) => log::log!(
                level(attempt == 1),
                "Error connecting to {kind} gateway {name:?} (attempt {attempt}): {error}"
            ),
            DialEvent::Failed(failed) => {
                self.failed.store(failed.number, Ordering::Relaxed);
                log::log!(
                    level(failed.is_reported),
                    "Error connecting to {kind} gateway {name:?} (attempt {}): {}",
                    failed.number,
                    failed.error
                );
            }
        }
    }
}

impl Drop for Gateways {
    fn drop(&mut self) {
        end_if_panicking("The Gateways");
    }
}

impl Actor for Gateways {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.clusters.set_dialler(context.address());
    }
}

impl Handler<Dial> for Gateways {
    type Result = ();

    fn handle(&mut self, Dial(remote): Dial, context: &mut Context<Self>) {
        self.dial(remote, context);
    }
}

impl Handler<GivenUp> for Gateways {
    type Result = ();

    fn handle(&mut self, GivenUp(remote): GivenUp, context: &mut Context<Self>) {
        let Some(place) = (self.dialled.iter()).position(|dialled| Arc::ptr_eq(&dialled.remote, &remote))
        else {
            return;
        };
        let dialled = self.dialled.swap_remove(place);
        tell(&dialled.dialling, StopDialling);
        if !self.clusters.forget(&remote) {
            // It is connected to this server: so it is there.
            self.dial(remote, context);
        }
    }
}

impl Handler<Adopt> for Gateways {
    type Result = ();

    fn handle(&mut self, adopt: Adopt, context: &mut Context<Self>) {
        self.settings = adopt.settings;
        let changed = self.clusters.configure(adopt.remotes, adopt.rejects_unknown);
        self.stop_dialling(|remote| changed.gone.iter().any(|gone| std::ptr::eq(&**gone, remote)));
        for remote in changed.new {
            self.dial(remote, context);
        }
    }
}

impl Handler<ListRemoteClusters> for Gateways {
    type Result = MessageResult<ListRemoteClusters>;

    fn handle(&mut self, _: ListRemoteClusters, _: &mut Context<Self>) -> Self::Result {
        let mut states: Vec<_> = (self.dialled.iter())
            .map(|dialled| RemoteClusterState {
                name: dialled.remote.name().to_owned(),
                is_configured: dialled.remote.is_configured(),
                urls: dialled.remote.urls(),
                dialling: DiallingState::from(&*dialled.state.borrow()),
            })
            .collect();
        states.sort_by(|one, other| one.name.cmp(&other.name));
        MessageResult(states)
    }
}

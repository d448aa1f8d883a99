//! The actor that keeps this server connected to its hubs, and the links that there are between leaf nodes and hubs.
//!
//! The role of the LeafNodes is to have each hub of the configuration dialled, for as long as it is there. Which links there
//! are, and which of two is the one to keep, is decided where a link is opened, at once: see [`Links::join`].

mod links;
mod remote;

pub use links::{JoinedLink, LinkCandidate, Links};
pub use remote::Remote;

use crate::dialling::{Dialling, DiallingState, StopDialling};
use crate::mailbox::{end_if_panicking, tell};
use crate::placement::Placed;
use actix::prelude::*;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use vagus_configs::LeafRemote;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::dialer::{DialEvent, DialSettings, DialState, Dialer};
use vagus_delivery::wire::Errand;
use vagus_protocol::error::CloseReason;

/// A hub that is to be dialled.
pub struct WantedHub {
    /// Where it is, and what the link is to be like.
    pub remote: Arc<Remote>,
    /// What the language of leaf nodes is to know of each connection to it.
    pub errand: Errand,
}

/// How hubs are dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubDialling {
    /// How long to wait before a hub is tried again; at random, up to twice as long after an attempt that failed.
    pub reconnect: Duration,
    /// How long connecting may take, where nothing else is said of a hub.
    pub timeout: Duration,
    /// Of the attempts that fail, the first and each that is a multiple of this are errors in the log.
    pub connect_error_reports: u64,
    /// The same for attempts after there was a link.
    pub reconnect_error_reports: u64,
}

/// Keeps a server connected to its hubs.
pub struct LeafNodes {
    links: Arc<Links>,
    receptions: Vec<Recipient<Placed>>,
    arbiters: Arc<Arbiters>,
    hubs: Vec<DialledHub>,
}

struct DialledHub {
    remote: Arc<Remote>,
    /// None while it is disabled.
    dialling: Option<(Addr<Dialling>, watch::Receiver<DialState>)>,
}

impl DialledHub {
    fn stop(&self) {
        if let Some((dialling, _)) = &self.dialling {
            tell(dialling, StopDialling);
        }
    }
}

/// A hub as this server sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HubState {
    /// The account that the link is of.
    pub account: String,
    /// Where it is: each URL without user and password.
    pub urls: Vec<String>,
    /// How far dialling it has come; None while it is disabled.
    pub dialling: Option<DiallingState>,
}

/// Asks [`LeafNodes`] for the hubs of the configuration, in its order.
#[derive(Debug, Message)]
#[rtype(result = "Vec<HubState>")]
pub struct ListHubs;

/// Hubs may be dialled from now on: links are opened by these receptions, one on each arbiter.
#[derive(Message)]
#[rtype(result = "()")]
struct Begin(Vec<Recipient<Placed>>);

/// From now on these are the hubs. The links to others end, and those to the same stay.
#[derive(Message)]
#[rtype(result = "()")]
struct Adopt {
    hubs: Vec<WantedHub>,
    dialling: HubDialling,
}

impl LeafNodes {
    /// Of a server that has no hub so far.
    pub fn new(links: Arc<Links>, arbiters: Arc<Arbiters>) -> Self {
        Self {
            links,
            receptions: Vec::new(),
            arbiters,
            hubs: Vec::new(),
        }
    }

    /// Hubs may be dialled from now on: links are opened by these receptions, one on each arbiter.
    pub fn begin(leafnodes: &Addr<Self>, receptions: Vec<Recipient<Placed>>) {
        tell(leafnodes, Begin(receptions));
    }

    /// Has these hubs dialled, and no others.
    pub fn adopt(leafnodes: &Addr<Self>, hubs: Vec<WantedHub>, dialling: HubDialling) {
        tell(leafnodes, Adopt { hubs, dialling });
    }

    fn dial(&self, hub: &WantedHub, dialling: HubDialling) -> (Addr<Dialling>, watch::Receiver<DialState>) {
        let remote = hub.remote.clone();
        let settings = DialSettings {
            connect_timeout: connect_timeout(remote.settings(), dialling.timeout),
            delay: dialling.reconnect,
            longest_delay: Duration::ZERO,
            longest_delay_unopened: Duration::ZERO,
            jitter: dialling.reconnect,
            attempts_at_most: None,
            connect_error_reports: dialling.connect_error_reports,
            reconnect_error_reports: dialling.reconnect_error_reports,
        };
        let asked = remote.clone();
        let choose = move || {
            let url = asked.next_url();
            match &asked.settings().proxy {
                Some(proxy) => (Arc::from(&*proxy.host), proxy.port),
                None => (Arc::from(&*url.host), url.port.unwrap_or_default()),
            }
        };
        let dialer = Dialer::new("", 0, settings, move |event| {
            log_dialling(&remote.current_url().to_string(), &event);
        });
        let dialer = dialer.choosing_by(Box::new(choose));
        let state = dialer.state();
        let dialling = Dialling::new(dialer, self.receptions.clone(), self.arbiters.clone());
        (dialling.on(hub.errand.clone()).start(), state)
    }
}

/// How long connecting may take: to the hub, or to the proxy that connects to it.
fn connect_timeout(remote: &LeafRemote, usual: Duration) -> Duration {
    let of_proxy = remote.proxy.as_ref().and_then(|proxy| proxy.timeout);
    of_proxy.or(remote.dial_timeout).unwrap_or(usual)
}

fn log_dialling(url: &str, event: &DialEvent<'_>) {
    match event {
        DialEvent::Trying(address) if address.to_string() == url => {
            log::debug!("Trying to connect as leafnode to remote server on {url:?}");
        }
        DialEvent::Trying(address) => {
            log::debug!("Trying to connect as leafnode to remote server on {url:?} ({address})");
        }
        DialEvent::Unreachable(error) => {
            log::debug!("Error trying to connect as leafnode to remote server {url:?}: {error}");
        }
        DialEvent::Failed(failed) => {
            let level = match failed.is_reported {
                true => log::Level::Error,
                false => log::Level::Debug,
            };
            log::log!(
                level,
                "Error trying to connect as leafnode to remote server {url:?} (attempt {}): {}",
                failed.number,
                failed.error
            );
        }
    }
}

impl Drop for LeafNodes {
    fn drop(&mut self) {
        end_if_panicking("The LeafNodes");
    }
}

impl Actor for LeafNodes {
    type Context = Context<Self>;
}

impl Handler<Begin> for LeafNodes {
    type Result = ();

    fn handle(&mut self, Begin(receptions): Begin, _: &mut Context<Self>) {
        self.receptions = receptions;
    }
}

impl Handler<Adopt> for LeafNodes {
    type Result = ();

    fn handle(&mut self, Adopt { hubs, dialling }: Adopt, _: &mut Context<Self>) {
        let mut before = std::mem::take(&mut self.hubs);
        for hub in hubs {
            let is_same = |known: &DialledHub| known.remote.settings() == hub.remote.settings();
            if let Some(place) = before.iter().position(is_same) {
                self.hubs.push(before.swap_remove(place));
                continue;
            }
            let dialling = (!hub.remote.settings().is_disabled).then(|| self.dial(&hub, dialling));
            self.hubs.push(DialledHub {
                remote: hub.remote,
                dialling,
            });
        }
        for gone in &before {
            gone.stop();
            self.links.dismiss_remote(&gone.remote, CloseReason::ClientClosed);
        }
    }
}

impl Handler<ListHubs> for LeafNodes {
    type Result = MessageResult<ListHubs>;

    fn handle(&mut self, _: ListHubs, _: &mut Context<Self>) -> Self::Result {
        let hubs = self.hubs.iter().map(|hub| {
            let settings: &LeafRemote = hub.remote.settings();
            HubState {
                account: settings.account.clone(),
                urls: settings.urls.iter().map(ToString::to_string).collect(),
                dialling: hub
                    .dialling
                    .as_ref()
                    .map(|(_, state)| DiallingState::from(&*state.borrow())),
            }
        });
        MessageResult(hubs.collect())
    }
}

//! The servers that a cluster has dialled: those of the configuration, and those that others tell of.

use super::handle::ServerHeardOf;
use super::{Cluster, RouteAddress, RouteErrand, RouteKind};
use crate::dialling::{Dialling, StopDialling};
use crate::mailbox::tell;
use actix::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use vagus_delivery::dialer::{DialEvent, DialSettings, DialStage, DialState, Dialer};

/// So many servers that others told of are dialled at one time. Of more, nobody takes notice.
const HEARSAY_AT_MOST: usize = 256;

/// How long the wait between two attempts gets, where it grows.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// A server that told of itself through others is dialled so often before it is given up, unless the configuration says
/// how often. It begins anew when the route to it ends.
const HEARSAY_ATTEMPTS: u64 = 30;

/// A server that is dialled, or has been and is connected.
pub(super) struct DialledServer {
    pub(super) address: RouteAddress,
    pub(super) account: Option<Arc<str>>,
    pub(super) kind: RouteKind,
    pub(super) dialling: Addr<Dialling>,
    pub(super) state: watch::Receiver<DialState>,
}

impl Cluster {
    /// Has a server dialled on this errand.
    pub(super) fn dial(&mut self, errand: RouteErrand) {
        let kind = errand.kind;
        let backoff = self.settings.connect_backoff || !kind.is_configured;
        let settings = DialSettings {
            longest_delay: if backoff { LONGEST_DELAY } else { Duration::ZERO },
            attempts_at_most: match (kind.is_configured, self.settings.connect_retries) {
                (true, _) => None,
                (false, 0) => Some(HEARSAY_ATTEMPTS),
                (false, retries) => Some(retries + 1),
            },
            ..DialSettings::default()
        };
        let address = errand.address.clone();
        let host = format!("{address:?}");
        let dialer = Dialer::new(&address.host, address.port, settings, move |event| {
            log_dialling(&host, &event);
        });
        let account = errand.account.clone();
        let state = dialer.state();
        let dialling = Dialling::new(dialer, self.receptions.clone(), self.arbiters.clone());
        self.dialled.push(DialledServer {
            address,
            account,
            kind,
            dialling: dialling.on(Arc::new(errand)).start(),
            state,
        });
    }

    /// Has the server at this address dialled, by one connection of its pool, and by one for each account that is pinned.
    pub(super) fn dial_all(&mut self, address: &RouteAddress, kind: RouteKind) {
        let pooling = self.membership.pooling();
        let pinned = pooling.pinned.iter().map(|account| Some(Arc::from(&**account)));
        for account in [None].into_iter().chain(pinned) {
            self.dial(RouteErrand {
                address: address.clone(),
                kind,
                account,
            });
        }
    }

    /// Whether a server that others tell of is dialled, for an account or in general.
    fn is_dialled(&self, heard: &ServerHeardOf, account: Option<&str>) -> bool {
        self.dialled.iter().any(|server| {
            let address = &server.address;
            address.port == heard.address.port
                && server.account.as_deref() == account
                && (address.host.eq_ignore_ascii_case(&heard.address.host)
                    || address.host.eq_ignore_ascii_case(&heard.listens_on))
        })
    }

    /// Forgets those that were given up.
    fn forget_unreachable(&mut self) {
        self.dialled.retain(|server| {
            let is_given_up = server.state.borrow().stage == DialStage::GivenUp;
            if is_given_up {
                tell(&server.dialling, StopDialling);
            }
            !is_given_up
        });
    }
}

fn log_dialling(host: &str, event: &DialEvent<'_>) {
    match event {
        DialEvent::Trying(address) => log::debug!("Trying to connect to route on {host} ({address})"),
        DialEvent::Unreachable(error) => log::debug!("Error trying to connect to route: {error}"),
        DialEvent::Failed(failed) => {
            let level = match failed.is_reported {
                true => log::Level::Error,
                false => log::Level::Debug,
            };
            log::log!(
                level,
                "Error trying to connect to route (attempt {}): {}",
                failed.number,
                failed.error
            );
        }
    }
}

/// A route that was dialled on this errand works, and there are to be so many of its kind.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct PoolHasRoom {
    pub(super) errand: RouteErrand,
    pub(super) size: usize,
}

impl Handler<PoolHasRoom> for Cluster {
    type Result = ();

    /// A server is dialled once for each place of its pool: dials beyond its size wait until there is room.
    fn handle(&mut self, PoolHasRoom { errand, size }: PoolHasRoom, _: &mut Context<Self>) {
        self.forget_unreachable();
        let servers = self.dialled.iter();
        let dialling = servers
            .filter(|server| server.account == errand.account && server.address == errand.address)
            .count();
        // Zero if it is dialled no longer.
        if (1..size).contains(&dialling) {
            self.dial(errand);
        }
    }
}

impl Handler<ServerHeardOf> for Cluster {
    type Result = ();

    fn handle(&mut self, heard: ServerHeardOf, _: &mut Context<Self>) {
        self.forget_unreachable();
        let kind = RouteKind {
            is_dialled: true,
            is_configured: false,
            gossip: heard.gossip,
        };
        let pooling = self.membership.pooling();
        let mut accounts = vec![heard.account.as_deref().map(Arc::from)];
        if heard.is_told_without_pool && heard.account.is_none() {
            accounts.extend(pooling.pinned.iter().map(|account| Some(Arc::from(&**account))));
        }
        for account in accounts {
            let is_wanted = account
                .as_deref()
                .is_none_or(|account| pooling.is_pinned(account));
            if is_wanted
                && !self.is_dialled(&heard, account.as_deref())
                && !self.membership.knows(&heard.server_id, account.as_deref())
                && self
                    .dialled
                    .iter()
                    .filter(|server| !server.kind.is_configured)
                    .count()
                    < HEARSAY_AT_MOST
            {
                let address = heard.address.clone();
                self.dial(RouteErrand {
                    address,
                    kind,
                    account,
                });
            }
        }
    }
}

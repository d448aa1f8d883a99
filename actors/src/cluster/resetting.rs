//! The cluster is set otherwise while it runs: other servers are dialled, and routes end.
//!
//! Which connection carries which account is agreed upon where routes are opened. So where there are more or fewer of them
//! all are opened anew, but for those of accounts that keep their own. Where accounts come to have their own, or lose them, the
//! others notice nothing, as in nats-server: the sessions of the pool take back what was said of these accounts, or say it.

use super::dialling::DialledServer;
use super::pooling::{Pooling, Seat};
use super::{Cluster, ClusterSettings, RouteAddress, RouteErrand, RouteKind};
use crate::dialling::StopDialling;
use crate::mailbox::tell;
use actix::prelude::*;
use bytes::Bytes;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;
use vagus_delivery::Moment;
use vagus_protocol::error::CloseReason;
use vagus_protocol::route::{GossipMode, RouteInfo};

/// How the cluster is set from now on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Reset {
    pub(super) settings: ClusterSettings,
    pub(super) pooling: Pooling,
}

/// Another server gives an account routes of its own, and so does this one. Before, it had its routes like that.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct PinnedElsewhere {
    pub(super) before: Arc<Pooling>,
}

impl Cluster {
    /// Nobody dials this server any more, and the routes to it that were dialled end.
    fn give_up(&mut self, address: &RouteAddress) {
        self.stop_dialling(|server| server.address == *address);
        for route in self.routes.values() {
            if route.address.as_ref() == Some(address) {
                route.voice.dismiss(CloseReason::RouteRemoved);
            }
        }
        log::info!("Removed route {address:?}");
    }

    fn stop_dialling(&mut self, mut ends: impl FnMut(&DialledServer) -> bool) {
        self.dialled.retain(|server| {
            let ends = ends(server);
            if ends {
                tell(&server.dialling, StopDialling);
            }
            !ends
        });
    }

    /// Has everything carried as it is set now.
    fn form_anew(&mut self, before: &Pooling) {
        let now = self.membership.pooling();
        let is_resized = now.size != before.size;
        for account in now.pinned.iter().filter(|account| !before.is_pinned(account)) {
            self.tell_pinned(before, account);
        }
        for route in self.routes.values() {
            let stays = match &route.seat {
                Seat::Pinned(account) => now.is_pinned(account),
                Seat::Only | Seat::Pooled(_) => !is_resized,
            };
            match stays {
                true => route.voice.tell_settings_changed(),
                false => route.voice.dismiss(CloseReason::RouteRemoved),
            }
        }
        let mut servers: Vec<(RouteAddress, RouteKind)> = Vec::new();
        self.stop_dialling(|server| match &server.account {
            Some(account) => !now.is_pinned(account),
            // Of a pool that is formed anew one is enough to begin with, as for a server that is new.
            None if servers.iter().any(|(address, _)| *address == server.address) => is_resized,
            None => {
                servers.push((server.address.clone(), server.kind));
                false
            }
        });
        for (address, kind) in servers {
            for account in &now.pinned {
                let is_dialled = self
                    .dialled
                    .iter()
                    .any(|server| server.address == address && server.account.as_deref() == Some(&**account));
                if !is_dialled {
                    self.dial(RouteErrand {
                        address: address.clone(),
                        kind,
                        account: Some(Arc::from(&**account)),
                    });
                }
            }
        }
    }

    /// Tells each other server that an account has routes of its own from now on, where what is wanted in it was told.
    fn tell_pinned(&self, before: &Pooling, account: &str) {
        let info = RouteInfo {
            route_pool_size: i64::try_from(before.size).unwrap_or(i64::MAX),
            route_account: account.to_owned(),
            // The other server repeats it in its answer, which nobody waits for.
            route_acc_add_reqid: account.to_owned(),
            ..RouteInfo::default()
        };
        let mut line = Vec::new();
        info.append(&mut line);
        let (line, now) = (Bytes::from(line), Moment::of(Instant::now()));
        let mut told = HashSet::new();
        for route in self.routes.values() {
            let carries = matches!(route.seat, Seat::Pooled(_)) && before.carries(&route.seat, account);
            if carries && told.insert(&route.server_id) {
                route.voice.say(line.clone(), now);
            }
        }
    }
}

impl Handler<Reset> for Cluster {
    type Result = ();

    fn handle(&mut self, Reset { settings, pooling }: Reset, _: &mut Context<Self>) {
        let before = std::mem::replace(&mut self.settings, settings);
        // As in nats-server, one that is called nothing any more keeps its name.
        if let Some(name) = &self.settings.name {
            self.membership.rename(name);
        }
        let routes = self.settings.routes.clone();
        for address in before.routes.iter().filter(|address| !routes.contains(address)) {
            self.give_up(address);
        }
        if let Some(before) = self.membership.set_pooling(pooling) {
            self.form_anew(&before);
        }
        let kind = RouteKind {
            is_dialled: true,
            is_configured: true,
            gossip: GossipMode::Default,
        };
        for address in routes.iter().filter(|address| !before.routes.contains(address)) {
            // It may be dialled as one that others have told of: then it is not twice.
            self.stop_dialling(|server| server.address.is_at(address));
            self.dial_all(address, kind);
        }
        self.show();
    }
}

impl Handler<PinnedElsewhere> for Cluster {
    type Result = ();

    fn handle(&mut self, PinnedElsewhere { before }: PinnedElsewhere, _: &mut Context<Self>) {
        self.form_anew(&before);
    }
}

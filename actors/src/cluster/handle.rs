//! How the sessions of routes take part in the cluster.

use super::dialling::PoolHasRoom;
use super::membership::{
    self, Agreement, Candidate, ClusterName, Identity, Joined, NoRoute, Places, RouteKind,
};
use super::pooling::{Pooling, Seat};
use super::resetting::{PinnedElsewhere, Reset};
use super::{Cluster, ClusterSettings, Relocated, Renamed, RouteAddress, RouteErrand, SayToAll};
use crate::mailbox::tell;
use actix::prelude::*;
use bytes::Bytes;
use parking_lot::Mutex;
use std::sync::Arc;
use vagus_delivery::dialer::OutcomeSender;
use vagus_delivery::outbox::Outbox;
use vagus_protocol::route::GossipMode;
use vagus_routing::ConnectionId;

/// The membership, as sessions on all arbiters decide by it: a short lock for each step in the life of a route. Two servers
/// that dial each other have to be told apart at once, so nobody is asked.
#[derive(Debug)]
pub(super) struct Membership(Mutex<membership::Membership<OutcomeSender>>);

impl Membership {
    /// What the cluster is called, and where others can connect to members.
    pub(super) fn shown(&self) -> (String, Places) {
        let membership = self.0.lock();
        (membership.name().text.clone(), membership.places())
    }

    pub(super) fn members(&self) -> Vec<String> {
        self.0.lock().members()
    }

    pub(super) fn knows(&self, server_id: &str, account: Option<&str>) -> bool {
        self.0.lock().knows(server_id, account)
    }

    pub(super) fn pooling(&self) -> Arc<Pooling> {
        self.0.lock().pooling().clone()
    }

    /// The cluster has this name from now on.
    pub(super) fn rename(&self, name: &str) {
        self.0.lock().rename(name);
    }

    /// How this server would have its routes from now on; gives how it had them before, if that is something else.
    pub(super) fn set_pooling(&self, pooling: Pooling) -> Option<Arc<Pooling>> {
        self.0.lock().set_pooling(pooling)
    }
}

/// What a [`Cluster`] and its [`ClusterHandle`] have in common.
#[derive(Debug, Clone)]
pub struct ClusterHandleParts(pub(super) Arc<Membership>);

impl ClusterHandleParts {
    /// Of this server, whose cluster has this name as far as it knows.
    pub fn new(server: Identity, name: ClusterName, pooling: Pooling) -> Self {
        let membership = membership::Membership::new(server, name, pooling);
        Self(Arc::new(Membership(Mutex::new(membership))))
    }
}

/// The cluster, for the sessions of routes. Clones are of one.
#[derive(Debug, Clone)]
pub struct ClusterHandle {
    membership: Arc<Membership>,
    cluster: Addr<Cluster>,
}

/// A route that is about to be one.
#[derive(Debug)]
pub struct NewRoute {
    /// How it came to be.
    pub kind: RouteKind,
    /// Where it was dialled, if this server did that.
    pub address: Option<RouteAddress>,
    /// How others say something to the server at its other end.
    pub voice: Arc<Outbox>,
    /// What the others are told of that server, if it is new to this one, or for an account that has its own routes.
    pub told: Option<Told>,
}

/// A line that tells of a server, for each mode of gossip.
#[derive(Debug)]
pub struct Told {
    /// For [`GossipMode::Default`].
    pub default: Bytes,
    /// For [`GossipMode::Disabled`].
    pub disabled: Bytes,
    /// For [`GossipMode::Override`].
    pub overridden: Bytes,
}

impl Told {
    pub(super) fn for_mode(&self, mode: GossipMode) -> Bytes {
        match mode {
            GossipMode::Default => self.default.clone(),
            GossipMode::Disabled => self.disabled.clone(),
            GossipMode::Override => self.overridden.clone(),
        }
    }
}

/// A route to a member. Dropped, it has ended.
#[derive(Debug)]
pub struct JoinedRoute {
    cluster: ClusterHandle,
    server_id: Arc<str>,
    connection: ConnectionId,
    pooling: Arc<Pooling>,
    seat: Seat,
    wants_more: Option<usize>,
}

impl JoinedRoute {
    /// What the route is among those to the member.
    pub fn seat(&self) -> &Seat {
        &self.seat
    }

    /// The account that the route carries alone.
    pub fn account(&self) -> Option<&str> {
        match &self.seat {
            Seat::Pinned(account) => Some(account),
            Seat::Only | Seat::Pooled(_) => None,
        }
    }

    /// Whether the member is told on this route what is wanted in an account.
    pub fn carries(&self, account: &str) -> bool {
        self.pooling.carries(&self.seat, account)
    }

    /// Which accounts the routes carry.
    pub fn pooling(&self) -> &Arc<Pooling> {
        &self.pooling
    }

    /// Whether the account has routes of its own, and this is another, of a pool.
    pub fn is_pinned_elsewhere(&self, account: &str) -> bool {
        matches!(self.seat, Seat::Pooled(_)) && self.pooling.is_pinned(account)
    }

    /// Goes by how this server would have its routes now, if it would have as many as before. Gives the accounts that have
    /// routes of their own since this was asked last; None if it has not changed.
    pub fn adopt_pooling(&mut self) -> Option<Vec<Box<str>>> {
        let now = self.cluster.pooling();
        // Of others that are pooled all routes are about to be opened anew.
        if *now == *self.pooling || now.size != self.pooling.size {
            return None;
        }
        let before = std::mem::replace(&mut self.pooling, now);
        let mut pinned = self.pooling.pinned.clone();
        pinned.retain(|account| !before.is_pinned(account));
        Some(pinned)
    }

    /// Whether there are to be more routes to the member.
    pub fn wants_more(&self) -> bool {
        self.wants_more.is_some()
    }

    /// The route that was dialled on this errand works: the next may be dialled, if there are to be more.
    pub fn have_more(&mut self, errand: &RouteErrand) {
        if let Some(size) = self.wants_more.take() {
            let errand = errand.clone();
            tell(&self.cluster.cluster, PoolHasRoom { errand, size });
        }
    }

    /// The member's id.
    pub fn server_id(&self) -> &str {
        &self.server_id
    }

    /// Others are to connect to it there from now on.
    pub fn relocate(&self, places: Places) {
        let ClusterHandle { membership, cluster } = &self.cluster;
        let server = &self.server_id;
        if membership.0.lock().relocate(server, places) {
            tell(cluster, Relocated);
        }
    }
}

impl Drop for JoinedRoute {
    fn drop(&mut self) {
        let ClusterHandle { membership, cluster } = &self.cluster;
        let kept = membership.0.lock().leave(&self.server_id, self.connection);
        // Those who waited for the end dial again.
        drop(kept);
        tell(cluster, RouteClosed(self.connection));
    }
}

/// There is a route.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct RouteOpened {
    pub(super) connection: ConnectionId,
    pub(super) server_id: Arc<str>,
    pub(super) seat: Seat,
    pub(super) kind: RouteKind,
    pub(super) address: Option<RouteAddress>,
    pub(super) voice: Arc<Outbox>,
    pub(super) told: Option<Told>,
}

/// A route has ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct RouteClosed(pub(super) ConnectionId);

/// Another server tells of a server.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ServerHeardOf {
    /// Its id.
    pub server_id: String,
    /// Where it can be reached.
    pub address: RouteAddress,
    /// The host that it listens on, as it says itself.
    pub listens_on: String,
    /// Whom this server is to tell of it.
    pub gossip: GossipMode,
    /// The account that it is told of for.
    pub account: Option<Box<str>>,
    /// Who tells knows nothing of routes of accounts.
    pub is_told_without_pool: bool,
}

impl ClusterHandle {
    /// Of a cluster that has been started with these parts.
    pub fn new(parts: &ClusterHandleParts, cluster: Addr<Cluster>) -> Self {
        Self {
            membership: parts.0.clone(),
            cluster,
        }
    }

    /// Whether there is a route to a server that is called so.
    pub fn has_member_named(&self, name: &str) -> bool {
        self.membership.members().iter().any(|member| member == name)
    }

    /// What the cluster is called.
    pub fn name(&self) -> ClusterName {
        self.membership.0.lock().name().clone()
    }

    /// A server calls it so.
    pub fn agree(&self, theirs: &ClusterName, server_id: &str) -> Agreement {
        let agreement = self.membership.0.lock().agree(theirs);
        if agreement == Agreement::Adopted {
            let except = server_id.into();
            tell(&self.cluster, Renamed { except });
        }
        agreement
    }

    /// A server has said who it is: there is a route to it from now on, unless something speaks against that.
    ///
    /// # Errors
    /// What speaks against it.
    pub fn join(&self, candidate: &Candidate, route: NewRoute) -> Result<JoinedRoute, NoRoute> {
        let (joined, pooling) = {
            let mut membership = self.membership.0.lock();
            (membership.join(candidate)?, membership.pooling().clone())
        };
        let Joined {
            seat,
            is_first,
            wants_more,
        } = joined;
        let NewRoute {
            kind,
            address,
            voice,
            told,
        } = route;
        let connection = candidate.connection;
        let server_id: Arc<str> = candidate.server.id.as_str().into();
        let is_news = is_first || matches!(seat, Seat::Pinned(_));
        let opened = RouteOpened {
            connection,
            server_id: server_id.clone(),
            seat: seat.clone(),
            kind,
            address,
            voice,
            told: told.filter(|_| is_news),
        };
        tell(&self.cluster, opened);
        Ok(JoinedRoute {
            cluster: self.clone(),
            server_id,
            connection,
            pooling,
            seat,
            wants_more,
        })
    }

    /// Sets the cluster otherwise.
    pub fn reset(&self, settings: ClusterSettings, pooling: Pooling) {
        tell(&self.cluster, Reset { settings, pooling });
    }

    /// Another server gives this account routes of its own, and so does this one from now on.
    pub fn pin(&self, account: &str) {
        let mut pooling = Pooling::clone(&self.membership.pooling());
        if pooling.size > 0 && !pooling.is_pinned(account) {
            pooling.pinned.push(account.into());
            if let Some(before) = self.membership.set_pooling(pooling) {
                tell(&self.cluster, PinnedElsewhere { before });
            }
        }
    }

    /// How this server would have its routes.
    pub fn pooling(&self) -> Arc<Pooling> {
        self.membership.pooling()
    }

    /// Who has dialled a server to which there are all the routes that there are to be waits for the end of one.
    pub fn wait_for_the_end(&self, server_id: &str, outcome: OutcomeSender) {
        self.membership.0.lock().keep(server_id, outcome);
    }

    /// Says a line to all other servers.
    pub fn say(&self, line: Bytes) {
        tell(&self.cluster, SayToAll(line));
    }

    /// Where others can connect to the other servers.
    pub fn places(&self) -> Places {
        self.membership.shown().1
    }

    /// Another server tells of a server.
    pub fn heard_of(&self, heard: ServerHeardOf) {
        // Who tells without a pool says nothing of accounts, for which there may be routes yet to be dialled.
        let account = heard.account.as_deref();
        if heard.is_told_without_pool || !self.membership.knows(&heard.server_id, account) {
            tell(&self.cluster, heard);
        }
    }
}

//! How the sessions of routes take part in the cluster.

use super::membership::{self, Agreement, Candidate, ClusterName, Identity, RouteKind, Verdict};
use super::{Cluster, Relocated, Renamed, RouteAddress};
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
    /// What the cluster is called, and where clients can connect to members.
    pub(super) fn shown(&self) -> (String, Vec<String>) {
        let membership = self.0.lock();
        (membership.name().text.clone(), membership.connect_urls())
    }

    pub(super) fn members(&self) -> Vec<String> {
        self.0.lock().members()
    }

    pub(super) fn knows(&self, server_id: &str) -> bool {
        self.0.lock().knows(server_id)
    }
}

/// What a [`Cluster`] and its [`ClusterHandle`] have in common.
#[derive(Debug, Clone)]
pub struct ClusterHandleParts(pub(super) Arc<Membership>);

impl ClusterHandleParts {
    /// Of this server, whose cluster has this name as far as it knows.
    pub fn new(server: Identity, name: ClusterName) -> Self {
        Self(Arc::new(Membership(Mutex::new(membership::Membership::new(
            server, name,
        )))))
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
    /// How others say something to the server at its other end.
    pub voice: Arc<Outbox>,
    /// What the others are told of that server, if they are.
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
    server_id: String,
    connection: ConnectionId,
}

impl JoinedRoute {
    /// The member's id.
    pub fn server_id(&self) -> &str {
        &self.server_id
    }

    /// Its clients are to connect there from now on.
    pub fn relocate(&self, connect_urls: &[String]) {
        let ClusterHandle { membership, cluster } = &self.cluster;
        if membership.0.lock().relocate(&self.server_id, connect_urls) {
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
    pub(super) kind: RouteKind,
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
}

impl ClusterHandle {
    /// Of a cluster that has been started with these parts.
    pub fn new(parts: &ClusterHandleParts, cluster: Addr<Cluster>) -> Self {
        Self {
            membership: parts.0.clone(),
            cluster,
        }
    }

    /// What the cluster is called.
    pub fn name(&self) -> ClusterName {
        self.membership.0.lock().name().clone()
    }

    /// A peer calls it so.
    pub fn agree(&self, theirs: &ClusterName, connection: ConnectionId) -> Agreement {
        let agreement = self.membership.0.lock().agree(theirs);
        if agreement == Agreement::Adopted {
            tell(&self.cluster, Renamed { except: connection });
        }
        agreement
    }

    /// A server has said who it is: there is a route to it from now on, unless something speaks against that.
    ///
    /// # Errors
    /// What speaks against it, which is not [`Verdict::Joined`].
    pub fn join(&self, candidate: &Candidate, route: NewRoute) -> Result<JoinedRoute, Verdict> {
        match self.membership.0.lock().join(candidate) {
            Verdict::Joined => {}
            verdict => return Err(verdict),
        }
        let NewRoute { kind, voice, told } = route;
        let connection = candidate.connection;
        tell(
            &self.cluster,
            RouteOpened {
                connection,
                kind,
                voice,
                told,
            },
        );
        Ok(JoinedRoute {
            cluster: self.clone(),
            server_id: candidate.server.id.clone(),
            connection,
        })
    }

    /// Who has dialled a connection to a server with which there is a route already waits for the end of that.
    pub fn wait_for_the_end(&self, server_id: &str, outcome: OutcomeSender) {
        self.membership.0.lock().keep(server_id, outcome);
    }

    /// Another server tells of a server.
    pub fn heard_of(&self, heard: ServerHeardOf) {
        if !self.membership.knows(&heard.server_id) {
            tell(&self.cluster, heard);
        }
    }
}

//! What may be asked about a server from outside of its actors, from any thread.
//!
//! The role of an [`Observatory`] is to ask the actors for those that are none: it has their addresses and no state.

use crate::cluster::{Cluster, ClusterState, DialledServerState, ListDialled};
use crate::gateways::{Clusters, Gateways, ListRemoteClusters, RemoteClusterState};
use crate::leafnodes::{HubState, LeafNodes, ListHubs};
use crate::listener::{Listener, ListenerState};
use crate::mailbox::Observe;
use crate::monitor::{
    CloseConnection, FindConnection, ListClosed, ListConnections, ListThese, Listed, Monitor, MonitorState,
    Pending,
};
use crate::observed::{ClosedConnection, ConnectionState, Describe, Description, Extent};
use crate::router::{ListHotSubjects, Router, RouterState};
use crate::subject::SubjectState;
use actix::dev::ToEnvelope;
use actix::prelude::*;
use futures_util::future::join_all;
use std::sync::Arc;
use tokio::task::yield_now;
use vagus_delivery::arbiter::{Arbiters, HandOverTimes, HeldFanouts, Traffic, Workload};
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_delivery::subscriptions::SubscriptionState;
use vagus_delivery::{Interest, LOOKED_AT_ONCE};
use vagus_protocol::error::CloseReason;
use vagus_protocol::gateway::GatewayInfo;
use vagus_routing::{ConnectionId, Matches};

/// So many connections are asked at one time: an arbiter that is asked carries messages in between. It takes less than
/// a millisecond from it; and as one that is busy comes back to it only once it has served all others, fewer at a time
/// would mean to wait for many rounds.
const ASKED_AT_ONCE: usize = 512;

/// The actors of a server that answer questions about it.
#[derive(Clone)]
pub struct Observatory {
    monitor: Addr<Monitor>,
    router: Addr<Router>,
    listener: Addr<Listener>,
    arbiters: Arc<Arbiters>,
    cluster: Option<ObservedCluster>,
    leafnodes: Option<ObservedLeafNodes>,
    gateways: Option<ObservedGateways>,
}

/// The actors that are asked about other clusters.
#[derive(Clone, Debug)]
pub struct ObservedGateways {
    /// Who has them dialled.
    pub gateways: Addr<Gateways>,
    /// Who keeps the list of connections to them and from there.
    pub connections: Addr<Monitor>,
    /// The clusters.
    pub clusters: Arc<Clusters>,
}

/// The actors that are asked about leaf nodes and hubs.
#[derive(Clone)]
pub struct ObservedLeafNodes {
    /// Who keeps the list of links.
    pub links: Addr<Monitor>,
    /// Who has hubs dialled.
    pub hubs: Addr<LeafNodes>,
}

impl std::fmt::Debug for ObservedLeafNodes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ObservedLeafNodes")
            .finish_non_exhaustive()
    }
}

/// The actors that are asked about other servers.
#[derive(Clone)]
pub struct ObservedCluster {
    /// Who keeps it together.
    pub cluster: Addr<Cluster>,
    /// Who keeps the list of routes.
    pub routes: Addr<Monitor>,
}

impl std::fmt::Debug for ObservedCluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ObservedCluster").finish_non_exhaustive()
    }
}

/// What the Monitors of all kinds of connections show; None where there is none of a kind.
#[derive(Debug, Clone)]
pub struct Monitors {
    /// Of clients.
    pub clients: MonitorState,
    /// Of routes.
    pub routes: Option<MonitorState>,
    /// Of connections to other clusters, and from there.
    pub gateways: Option<MonitorState>,
    /// Of links to leaf nodes and hubs.
    pub links: Option<MonitorState>,
}

impl Observatory {
    /// Asks these.
    pub fn new(
        monitor: Addr<Monitor>,
        router: Addr<Router>,
        listener: Addr<Listener>,
        arbiters: Arc<Arbiters>,
    ) -> Self {
        Self {
            monitor,
            router,
            listener,
            arbiters,
            cluster: None,
            leafnodes: None,
            gateways: None,
        }
    }

    /// The same, of a server whose cluster is connected to others.
    #[must_use]
    pub fn with_gateways(mut self, gateways: Option<ObservedGateways>) -> Self {
        self.gateways = gateways;
        self
    }

    /// The other clusters that are known, by name, and how far dialling each has come.
    pub async fn remote_clusters(&self) -> Vec<RemoteClusterState> {
        match &self.gateways {
            Some(observed) => ask(&observed.gateways, ListRemoteClusters)
                .await
                .unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// What this server says of itself to other clusters; None if there are none.
    pub fn gateway_info(&self) -> Option<GatewayInfo> {
        Some(self.gateways.as_ref()?.clusters.info())
    }

    /// Where the servers of another cluster are, as far as that is known.
    pub fn urls_of_cluster(&self, name: &str) -> Option<Vec<String>> {
        self.gateways.as_ref()?.clusters.urls_of(name)
    }

    /// Some of the connections to other clusters and from there, in the order of their numbers.
    pub async fn gateways(&self, at_most: usize) -> Vec<ObservedConnection> {
        let Some(ObservedGateways { connections, .. }) = &self.gateways else {
            return Vec::new();
        };
        let mut observed = servers(connections, at_most).await;
        observed.retain(|connection| connection.state.client.gateway.is_some());
        observed
    }

    /// The same, of a server that is a part of a cluster.
    #[must_use]
    pub fn with_cluster(mut self, cluster: Option<ObservedCluster>) -> Self {
        self.cluster = cluster;
        self
    }

    /// The same, of a server that may have links to leaf nodes and hubs.
    #[must_use]
    pub fn with_leafnodes(mut self, leafnodes: ObservedLeafNodes) -> Self {
        self.leafnodes = Some(leafnodes);
        self
    }

    /// Some of the links to leaf nodes and hubs, in the order of their numbers.
    pub async fn links(&self, at_most: usize) -> Vec<ObservedConnection> {
        let Some(ObservedLeafNodes { links, .. }) = &self.leafnodes else {
            return Vec::new();
        };
        let mut observed = servers(links, at_most).await;
        observed.retain(|link| link.state.client.link.is_some());
        observed
    }

    /// Has a link closed; false if there is none of this number.
    pub async fn close_link(&self, id: ConnectionId, reason: CloseReason) -> bool {
        match &self.leafnodes {
            Some(observed) => ask(&observed.links, CloseConnection { id, reason })
                .await
                .unwrap_or(false),
            None => false,
        }
    }

    /// The hubs of the configuration, in its order.
    pub async fn hubs(&self) -> Vec<HubState> {
        match &self.leafnodes {
            Some(observed) => ask(&observed.hubs, ListHubs).await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// The state of the cluster; None if the server is in none, or at its end.
    pub async fn cluster(&self) -> Option<ClusterState> {
        ask(&self.cluster.as_ref()?.cluster, Observe::new()).await
    }

    /// The servers of the cluster that this one connects to, or tries to.
    pub async fn dialled_servers(&self) -> Vec<DialledServerState> {
        match &self.cluster {
            Some(observed) => ask(&observed.cluster, ListDialled).await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// Some of the routes to servers that have said who they are, in the order of their numbers.
    pub async fn routes(&self, at_most: usize) -> Vec<ObservedConnection> {
        let Some(ObservedCluster { routes, .. }) = &self.cluster else {
            return Vec::new();
        };
        let mut observed = servers(routes, at_most).await;
        observed.retain(|route| route.state.client.server.is_some());
        observed
    }

    /// The state of the Monitor; None if the server is at its end.
    pub async fn monitor(&self) -> Option<MonitorState> {
        ask(&self.monitor, Observe::new()).await
    }

    /// The state of the Monitor of each kind of connection; None if the server is at its end.
    pub async fn monitors(&self) -> Option<Monitors> {
        let routes = self.cluster.as_ref().map(|observed| &observed.routes);
        let gateways = self.gateways.as_ref().map(|observed| &observed.connections);
        let links = self.leafnodes.as_ref().map(|observed| &observed.links);
        Some(Monitors {
            clients: self.monitor().await?,
            routes: state_of(routes).await,
            gateways: state_of(gateways).await,
            links: state_of(links).await,
        })
    }

    /// The state of the Router; None if the server is at its end.
    pub async fn router(&self) -> Option<RouterState> {
        ask(&self.router, Observe::new()).await
    }

    /// The state of the Listener of clients; None if the server is at its end.
    pub async fn listener(&self) -> Option<ListenerState> {
        ask(&self.listener, Observe::new()).await
    }

    /// The state of each subject that has much traffic, of which there are 1024 at most; None if the server is at its
    /// end.
    pub async fn hot_subjects(&self) -> Option<Vec<SubjectState>> {
        let subjects = ask(&self.router, ListHotSubjects).await?;
        let mut states = Vec::with_capacity(subjects.len());
        for subject in subjects {
            // One that has cooled down meanwhile does not answer.
            states.extend(ask(&subject, Observe::new()).await);
        }
        Some(states)
    }

    /// What waits to be written to connections; None if the server is at its end.
    pub async fn pending(&self) -> Option<Pending> {
        Pending::count(&self.monitor).await
    }

    /// How long messages took from being read to being handed over. Asks nobody.
    pub fn hand_over_times(&self) -> HandOverTimes {
        self.arbiters.hand_over_times()
    }

    /// What each arbiter has to do, in the order of their numbers. Asks nobody.
    pub fn workloads(&self) -> Vec<Workload> {
        self.arbiters.workloads()
    }

    /// Some of the connections that are open or about to be, in the order of their numbers: `take` of them, after `skip` others.
    /// One that ends meanwhile is left out.
    pub async fn connections(&self, skip: usize, take: usize, extent: Extent) -> Vec<ObservedConnection> {
        let listed = ask(&self.monitor, ListConnections { skip, take }).await;
        let listed: Vec<ConnectionAddress> = listed
            .unwrap_or_default()
            .into_iter()
            .map(ConnectionAddress::from)
            .collect();
        ask_each(listed, extent).await
    }

    /// Those of these numbers that are open or about to be. One that ends meanwhile is left out.
    pub async fn connections_of(&self, ids: Vec<ConnectionId>, extent: Extent) -> Vec<ObservedConnection> {
        let mut observed = Vec::with_capacity(ids.len());
        for ids in ids.chunks(ASKED_AT_ONCE) {
            let listed = ask(&self.monitor, ListThese(ids.to_vec())).await;
            let listed = listed
                .unwrap_or_default()
                .into_iter()
                .map(ConnectionAddress::from);
            observed.extend(ask_each(listed.collect(), extent).await);
        }
        observed
    }

    /// The connection of this number, if it is open or about to be.
    pub async fn connection(&self, id: ConnectionId, extent: Extent) -> Option<ObservedConnection> {
        let found = ask(&self.monitor, FindConnection(id)).await.flatten()?;
        ConnectionAddress::from(found).ask(extent).await
    }

    /// The connections that ended and are remembered, the oldest first.
    pub async fn closed_connections(&self) -> Vec<Arc<ClosedConnection>> {
        ask(&self.monitor, ListClosed).await.unwrap_or_default()
    }

    /// What passed through the server since its start. Asks nobody.
    pub fn traffic(&self) -> Traffic {
        self.arbiters.traffic()
    }

    /// The fan-outs that publishers held a second ago. Asks nobody.
    pub fn held_fanouts(&self) -> HeldFanouts {
        self.arbiters.held_fanouts()
    }

    /// How many threads carry connections.
    pub fn arbiters(&self) -> usize {
        self.arbiters.of_connections().len()
    }
}

impl std::fmt::Debug for Observatory {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Observatory")
            .field("arbiters", &self.arbiters())
            .finish_non_exhaustive()
    }
}

/// The state of a Monitor, if there is one.
async fn state_of(monitor: Option<&Addr<Monitor>>) -> Option<MonitorState> {
    ask(monitor?, Observe::new()).await
}

/// Some of the connections that are with this Monitor, in the order of their numbers.
async fn servers(monitor: &Addr<Monitor>, at_most: usize) -> Vec<ObservedConnection> {
    let list = ListConnections {
        skip: 0,
        take: at_most,
    };
    let listed = ask(monitor, list).await.unwrap_or_default();
    let listed = listed.into_iter().map(ConnectionAddress::from).collect();
    ask_each(listed, Extent::State).await
}

/// Asks connections again that have been asked before; those that ended meanwhile are left out.
pub async fn ask_again(
    connections: impl IntoIterator<Item = ObservedConnection>,
    extent: Extent,
) -> Vec<ObservedConnection> {
    let addresses = connections.into_iter().map(|connection| connection.address);
    ask_each(addresses.collect(), extent).await
}

/// The subscriptions that match a subject.
#[derive(Debug, Default)]
pub struct Interested {
    /// In no order.
    pub subscriptions: Vec<Arc<ConnectionSubscription>>,
    /// Whether there are more than were asked for.
    pub truncated: bool,
}

impl Interested {
    /// Those that a message on `subject`, which has no wildcards, would go to, or may go to as members of queue groups: so
    /// many at most.
    ///
    /// In parts: between two of them publishers and the Router have their turn at the index, and others at this thread.
    pub async fn of(interest: &Interest, subject: &[u8], at_most: usize) -> Self {
        let mut matches = Matches::default();
        while !interest.add_matches(subject, &mut matches, LOOKED_AT_ONCE) && matches.found() <= at_most {
            yield_now().await;
        }
        let mut found = matches.subscriptions().filter(|found| !found.is_closed());
        Self {
            subscriptions: found.by_ref().take(at_most).cloned().collect(),
            truncated: found.next().is_some(),
        }
    }
}

/// A connection that was asked.
#[derive(Debug, Clone)]
pub struct ObservedConnection {
    /// What it showed.
    pub state: ConnectionState,
    /// Its subscriptions, in the order of their ids, if it was asked for them.
    pub subscriptions: Vec<SubscriptionState>,
    /// The account of each of these.
    pub accounts: Vec<Arc<str>>,
    address: ConnectionAddress,
}

/// Where a connection can be asked; one that is not open yet answers what it is by itself.
#[derive(Clone)]
enum ConnectionAddress {
    Opening(Box<ConnectionState>),
    Open(Recipient<Describe>),
}

impl From<Listed> for ConnectionAddress {
    fn from(listed: Listed) -> Self {
        match listed {
            Listed::Opening(state) => Self::Opening(state),
            Listed::Open(describe) => Self::Open(describe),
        }
    }
}

impl std::fmt::Debug for ConnectionAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("ConnectionAddress").finish_non_exhaustive()
    }
}

impl ConnectionAddress {
    async fn ask(self, extent: Extent) -> Option<ObservedConnection> {
        let describe = match &self {
            Self::Opening(state) => {
                return Some(ObservedConnection {
                    state: (**state).clone(),
                    subscriptions: Vec::new(),
                    accounts: Vec::new(),
                    address: self,
                });
            }
            Self::Open(describe) => describe,
        };
        let Description { state, subscriptions } = describe.send(Describe(extent)).await.ok()?;
        // Written down here, not by the connection: its arbiter has messages to carry.
        let described = subscriptions.iter().flat_map(|(account, subscriptions)| {
            let described =
                |it: &Arc<ConnectionSubscription>| (SubscriptionState::from(&**it), account.clone());
            subscriptions.iter().map(described)
        });
        let mut described: Vec<(SubscriptionState, Arc<str>)> = described.collect();
        // A shorter id first: most clients count.
        described
            .sort_by(|(one, _), (other, _)| (one.sid.len(), &one.sid).cmp(&(other.sid.len(), &other.sid)));
        let (subscriptions, accounts) = described.into_iter().unzip();
        Some(ObservedConnection {
            state,
            subscriptions,
            accounts,
            address: self,
        })
    }
}

async fn ask_each(addresses: Vec<ConnectionAddress>, extent: Extent) -> Vec<ObservedConnection> {
    let mut observed = Vec::with_capacity(addresses.len());
    let mut addresses = addresses.into_iter().peekable();
    while addresses.peek().is_some() {
        let batch = addresses.by_ref().take(ASKED_AT_ONCE);
        let answers = join_all(batch.map(|address| address.ask(extent))).await;
        observed.extend(answers.into_iter().flatten());
    }
    observed
}

/// Asks an actor; None if it is gone.
async fn ask<A, M>(actor: &Addr<A>, message: M) -> Option<M::Result>
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    actor.send(message).await.ok()
}

#[cfg(test)]
mod tests {
    use super::Interested;
    use std::sync::Arc;
    use vagus_delivery::arbiter::Arbiters;
    use vagus_delivery::outbox::{ConnectionSubscription, Outbox};
    use vagus_delivery::{Account, LOOKED_AT_ONCE};
    use vagus_routing::AccountId;

    /// Also where they are found in several parts.
    #[test]
    fn so_many_are_found_and_no_more() {
        let arbiters = Arbiters::new(1);
        let outbox = Arc::new(Outbox::new(arbiters.slots.take(), 1, 0, 1000, None));
        let account = Account::new(AccountId(1), "A");
        let interest = account.interest();
        let all = LOOKED_AT_ONCE;
        for number in 0..all {
            // Each pattern is a subject of its own, and the parts end between subjects.
            let pattern: String = (0..14)
                .map(|bit| if number >> bit & 1 == 0 { "*." } else { "a." })
                .collect();
            let subject = format!("{pattern}z");
            let sid = number.to_string();
            let subscription =
                ConnectionSubscription::new(subject.as_bytes(), None, sid.as_bytes(), outbox.clone());
            assert!(interest.change().insert(Arc::new(subscription)));
        }
        let subject = format!("{}z", "a.".repeat(14));
        let system = actix::System::new();
        for (at_most, expected) in [(all + 1, all), (all, all), (all - 1, all - 1), (3, 3)] {
            let found = Interested::of(interest, subject.as_bytes(), at_most);
            let Interested {
                subscriptions,
                truncated,
            } = system.block_on(found);
            assert_eq!((subscriptions.len(), truncated), (expected, expected < all));
        }
    }
}

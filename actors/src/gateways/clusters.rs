//! The clusters that a server knows and the connections to their servers, as sessions on all arbiters decide by them: a short
//! lock for each step in the life of a connection.

use super::remote::RemoteCluster;
use super::{Dial, Gateways};
use crate::cluster::{Pooling, Seat};
use crate::mailbox::tell;
use actix::prelude::*;
use bytes::Bytes;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;
use vagus_configs::GatewayRemote;
use vagus_delivery::Moment;
use vagus_delivery::outbox::Outbox;
use vagus_protocol::error::CloseReason;
use vagus_protocol::gateway::{GOSSIP, GatewayInfo, ReplyHash};
use vagus_protocol::route::RouteInfo;
use vagus_routing::ConnectionId;

/// So many clusters are known that others tell of. Of more, nobody takes notice.
const TOLD_OF_AT_MOST: usize = 256;

/// The longest name of a cluster, in bytes.
const LONGEST_NAME: usize = 256;

/// All other clusters, and the connections to their servers.
#[derive(Debug)]
pub struct Clusters {
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// What this server says of itself, but for where others of its cluster are.
    info: GatewayInfo,
    rejects_unknown: bool,
    remotes: HashMap<Box<str>, Arc<RemoteCluster>, RandomState>,
    outbound: HashMap<Box<str>, Outbound, RandomState>,
    inbound: HashMap<ConnectionId, Inbound, RandomState>,
    routes: HashMap<ConnectionId, RouteEnd, RandomState>,
    /// Where other servers of the cluster are to be connected to, and how many connections say so.
    urls: BTreeMap<String, usize>,
    dialler: Option<Addr<Gateways>>,
}

#[derive(Debug)]
struct Outbound {
    connection: ConnectionId,
    voice: Arc<Outbox>,
}

#[derive(Debug)]
struct Inbound {
    cluster: Box<str>,
    voice: Arc<Outbox>,
}

/// A server of another cluster that has connected to this one.
#[derive(Debug, Clone, Default)]
pub struct InboundCandidate {
    /// Its cluster.
    pub cluster: String,
    /// Where servers of that are: `host:port`.
    pub urls: Vec<String>,
    /// The connection.
    pub connection: ConnectionId,
}

/// A route to a server of this one's cluster.
#[derive(Debug, Clone)]
pub struct RouteEnd {
    /// By which the server is known in replies.
    pub server: ReplyHash,
    /// Where servers of other clusters are to connect to it: `host:port`; perhaps nothing.
    pub gateway_url: String,
    /// How something is said to it.
    pub voice: Arc<Outbox>,
    /// What the route carries.
    pub seat: Seat,
    /// Which accounts that are.
    pub pooling: Arc<Pooling>,
}

/// A connection to another cluster, on which messages are sent. Dropped, it has ended.
#[derive(Debug)]
pub struct JoinedOutbound {
    clusters: Arc<Clusters>,
    cluster: Box<str>,
    connection: ConnectionId,
}

/// A connection of a server of another cluster. Dropped, it has ended.
#[derive(Debug)]
pub struct JoinedInbound {
    clusters: Arc<Clusters>,
    connection: ConnectionId,
}

/// A route, as far as other clusters are concerned. Dropped, it has ended.
#[derive(Debug)]
pub struct JoinedRouteEnd {
    clusters: Arc<Clusters>,
    connection: ConnectionId,
}

/// What has become of the clusters of the configuration.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) new: Vec<Arc<RemoteCluster>>,
    pub(super) gone: Vec<Arc<RemoteCluster>>,
}

impl Clusters {
    /// Of a server that says this of itself.
    pub fn new(info: GatewayInfo) -> Self {
        Self {
            known: Mutex::new(Known {
                info,
                rejects_unknown: false,
                remotes: HashMap::default(),
                outbound: HashMap::default(),
                inbound: HashMap::default(),
                routes: HashMap::default(),
                urls: BTreeMap::new(),
                dialler: None,
            }),
        }
    }

    pub(super) fn set_dialler(&self, dialler: Addr<Gateways>) {
        self.known.lock().dialler = Some(dialler);
    }

    /// What the cluster of this server is called.
    pub fn name(&self) -> String {
        self.known.lock().info.gateway.clone()
    }

    /// What this server says of itself now.
    pub fn info(&self) -> GatewayInfo {
        self.known.lock().info()
    }

    /// What it says of itself from now on, but for where others of its cluster are.
    pub fn set_info(&self, info: GatewayInfo) {
        let mut known = self.known.lock();
        if known.info != info {
            known.info = info;
            known.tell_inbound();
        }
    }

    /// These are the clusters of the configuration from now on.
    pub(super) fn configure(&self, remotes: Vec<GatewayRemote>, rejects_unknown: bool) -> Changed {
        let mut known = self.known.lock();
        let known = &mut *known;
        known.rejects_unknown = rejects_unknown;
        let mut changed = Changed::default();
        known.remotes.retain(|name, remote| {
            let wanted = remotes.iter().find(|wanted| *wanted.name == **name);
            let stays = match (wanted, remote.settings()) {
                (Some(wanted), settings) => Some(wanted) == settings,
                (None, Some(_)) => false,
                (None, None) => !rejects_unknown,
            };
            if !stays {
                changed.gone.push(remote.clone());
            }
            stays
        });
        for gone in &changed.gone {
            if let Some(outbound) = known.outbound.get(gone.name()) {
                outbound.voice.dismiss(CloseReason::ClientClosed);
            }
        }
        for remote in remotes {
            if remote.name != known.info.gateway && !known.remotes.contains_key(&*remote.name) {
                let remote = Arc::new(RemoteCluster::configured(remote));
                known.remotes.insert(remote.name().into(), remote.clone());
                changed.new.push(remote);
            }
        }
        for inbound in known.inbound.values() {
            if !known.admits(&inbound.cluster) {
                inbound.voice.dismiss(CloseReason::WrongGateway);
            }
        }
        changed
    }

    /// A cluster that others have told of cannot be connected to: it is not known any more, unless it is connected to this
    /// one. Whether that is so.
    pub(super) fn forget(&self, remote: &Arc<RemoteCluster>) -> bool {
        let mut known = self.known.lock();
        let is_there = (known.inbound.values()).any(|inbound| *inbound.cluster == *remote.name());
        let is_known = (known.remotes.get(remote.name())).is_some_and(|it| Arc::ptr_eq(it, remote));
        if is_known && !is_there {
            known.remotes.remove(remote.name());
        }
        !is_known || !is_there
    }

    /// Whether a server of this cluster may connect.
    pub fn admits(&self, cluster: &str) -> bool {
        self.known.lock().admits(cluster)
    }

    /// Another cluster is told of, and where it is.
    pub fn hear_of(&self, cluster: &str, urls: &[String]) {
        self.known.lock().hear_of(cluster, urls);
    }

    /// A server of a cluster has been connected to. None if there is a connection to that already.
    pub fn join_outbound(
        self: &Arc<Self>,
        cluster: &str,
        urls: &[String],
        connection: ConnectionId,
        voice: Arc<Outbox>,
    ) -> Option<JoinedOutbound> {
        let mut known = self.known.lock();
        let outbound = Outbound { connection, voice };
        known.outbound.try_insert(cluster.into(), outbound).ok()?;
        known.learn(cluster, urls);
        drop(known);
        Some(JoinedOutbound {
            clusters: self.clone(),
            cluster: cluster.into(),
            connection,
        })
    }

    /// A server that is connected to tells where those of its cluster are.
    pub fn learn(&self, cluster: &str, urls: &[String]) {
        self.known.lock().learn(cluster, urls);
    }

    /// A server of another cluster is connected to this one from now on. Gives what it is told of further clusters.
    pub fn join_inbound(
        self: &Arc<Self>,
        candidate: &InboundCandidate,
        voice: Arc<Outbox>,
    ) -> (JoinedInbound, Vec<u8>) {
        let mut known = self.known.lock();
        let inbound = Inbound {
            cluster: candidate.cluster.as_str().into(),
            voice,
        };
        known.inbound.insert(candidate.connection, inbound);
        known.hear_of(&candidate.cluster, &candidate.urls);
        let mut lines = Vec::new();
        for remote in known.remotes.values() {
            let urls = remote.urls();
            if *remote.name() != *candidate.cluster && !urls.is_empty() {
                let id = known.info.server_id.clone();
                GatewayInfo::gossip(id, remote.name().to_owned(), urls).append(&mut lines);
            }
        }
        drop(known);
        let joined = JoinedInbound {
            clusters: self.clone(),
            connection: candidate.connection,
        };
        (joined, lines)
    }

    /// There is a route to a server of the cluster. Gives what that is told of other clusters.
    pub fn join_route(
        self: &Arc<Self>,
        connection: ConnectionId,
        route: RouteEnd,
    ) -> (JoinedRouteEnd, Vec<u8>) {
        let mut known = self.known.lock();
        known.add_url(&route.gateway_url);
        known.routes.insert(connection, route);
        let mut lines = Vec::new();
        for cluster in known.outbound.keys() {
            if let Some(remote) = known.remotes.get(cluster) {
                known.told(cluster, remote.urls()).append(&mut lines);
            }
        }
        drop(known);
        let joined = JoinedRouteEnd {
            clusters: self.clone(),
            connection,
        };
        (joined, lines)
    }

    /// The way to a server of the cluster, for messages of this account.
    pub fn route_to(&self, server: ReplyHash, account: &str) -> Option<Arc<Outbox>> {
        let known = self.known.lock();
        let routes = known.routes.values().filter(|route| route.server == server);
        let mut carrying = routes.filter(|route| route.pooling.carries(&route.seat, account));
        carrying.next().map(|route| route.voice.clone())
    }

    /// How many connections there are to other clusters, and from there.
    pub fn count(&self) -> (usize, usize) {
        let known = self.known.lock();
        (known.outbound.len(), known.inbound.len())
    }

    /// Where the servers of a cluster are, as far as that is known.
    pub fn urls_of(&self, cluster: &str) -> Option<Vec<String>> {
        let known = self.known.lock();
        Some(known.remotes.get(cluster)?.urls())
    }
}

impl Known {
    fn info(&self) -> GatewayInfo {
        let mut urls: Vec<String> = self.urls.keys().cloned().collect();
        if !urls.contains(&self.info.gateway_url) {
            urls.push(self.info.gateway_url.clone());
        }
        GatewayInfo {
            gateway_urls: urls,
            ..self.info.clone()
        }
    }

    fn admits(&self, cluster: &str) -> bool {
        !self.rejects_unknown || self.remotes.contains_key(cluster)
    }

    fn hear_of(&mut self, cluster: &str, urls: &[String]) {
        if cluster == self.info.gateway {
            return;
        }
        if let Some(remote) = self.remotes.get(cluster) {
            return remote.discover(urls);
        }
        let is_name = !cluster.is_empty() && cluster.len() <= LONGEST_NAME && !cluster.contains(' ');
        let told_of = self.remotes.values().filter(|remote| !remote.is_configured());
        if self.rejects_unknown || !is_name || told_of.count() >= TOLD_OF_AT_MOST {
            return;
        }
        let remote = Arc::new(RemoteCluster::told_of(cluster, urls));
        if let Some(dialler) = self.dialler.as_ref().filter(|_| remote.is_somewhere()) {
            self.remotes.insert(cluster.into(), remote.clone());
            tell(dialler, Dial(remote));
        }
    }

    /// A server of a cluster tells where all are. The others of this server's cluster are told of it.
    fn learn(&mut self, cluster: &str, urls: &[String]) {
        let Some(remote) = self.remotes.get(cluster) else {
            return;
        };
        if !urls.is_empty() {
            remote.replace(urls);
        }
        let mut line = Vec::new();
        self.told(cluster, urls.to_vec()).append(&mut line);
        self.tell_cluster(&line.into());
    }

    /// What other servers of the cluster are told of another cluster. Those of old would take the id of this server for that of
    /// another that they are to connect to.
    fn told(&self, cluster: &str, urls: Vec<String>) -> RouteInfo {
        RouteInfo {
            server_id: format!("GW{}", self.info.server_id),
            server_name: self.info.server_name.clone(),
            gateway: cluster.to_owned(),
            gateway_urls: urls,
            gateway_cmd: GOSSIP,
            ..RouteInfo::default()
        }
    }

    fn tell_cluster(&self, line: &Bytes) {
        let now = Moment::of(Instant::now());
        let mut told = HashSet::new();
        for route in self.routes.values() {
            if !matches!(route.seat, Seat::Pinned(_)) && told.insert(route.server) {
                route.voice.say(line.clone(), now);
            }
        }
    }

    fn tell_inbound(&self) {
        let mut line = Vec::new();
        self.info().append(&mut line);
        let (line, now) = (Bytes::from(line), Moment::of(Instant::now()));
        for inbound in self.inbound.values() {
            inbound.voice.say(line.clone(), now);
        }
    }

    fn add_url(&mut self, url: &str) {
        if url.is_empty() {
            return;
        }
        let count = self.urls.entry(url.to_owned()).or_default();
        *count += 1;
        if *count == 1 {
            self.tell_inbound();
        }
    }

    fn remove_url(&mut self, url: &str) {
        let Some(count) = self.urls.get_mut(url) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            self.urls.remove(url);
            self.tell_inbound();
        }
    }
}

impl Drop for JoinedOutbound {
    fn drop(&mut self) {
        let mut known = self.clusters.known.lock();
        if (known.outbound.get(&self.cluster)).is_some_and(|it| it.connection == self.connection) {
            known.outbound.remove(&self.cluster);
        }
    }
}

impl Drop for JoinedInbound {
    fn drop(&mut self) {
        self.clusters.known.lock().inbound.remove(&self.connection);
    }
}

impl Drop for JoinedRouteEnd {
    fn drop(&mut self) {
        let mut known = self.clusters.known.lock();
        if let Some(route) = known.routes.remove(&self.connection) {
            known.remove_url(&route.gateway_url);
        }
    }
}

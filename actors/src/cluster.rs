//! The actor that keeps a cluster together.
//!
//! The role of the Cluster is to see to it that this server has its routes to every other, and that clients know of all. It has
//! servers dialled, those of the configuration and those that others tell of, passes on whom it has met, and tells clients
//! where else they can connect. Who is a member is decided where a route is opened, at once: see [`ClusterHandle::join`].

mod dialled;
mod dialling;
mod handle;
mod membership;
mod pooling;
mod resetting;

pub use dialled::{DialledServerState, ListDialled};
pub use handle::{ClusterHandle, ClusterHandleParts, JoinedRoute, NewRoute, ServerHeardOf, Told};
pub use membership::{Agreement, Candidate, ClusterName, Identity, NoRoute, Places, RouteKind};
pub use pooling::{Pooling, Seat};

use crate::mailbox::{Observe, end_if_panicking, tell};
use crate::monitor::{Monitor, SettingsChanged};
use crate::placement::Placed;
use actix::prelude::*;
use bytes::Bytes;
use dialling::DialledServer;
use handle::{Membership, RouteClosed, RouteOpened};
use hashbrown::HashMap;
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;
use vagus_delivery::Moment;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::outbox::Outbox;
use vagus_protocol::error::CloseReason;
use vagus_protocol::route::GossipMode;
use vagus_routing::ConnectionId;

/// The address of a server, and the user to connect as.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RouteAddress {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port of its routes.
    pub port: u16,
    /// The user; nothing for none.
    pub user: String,
    /// The password.
    pub password: String,
}

impl RouteAddress {
    /// Whether both are of one place, and may differ in who connects there.
    fn is_at(&self, other: &Self) -> bool {
        self.port == other.port && self.host.eq_ignore_ascii_case(&other.host)
    }
}

/// Shown without the password.
impl std::fmt::Debug for RouteAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// What a session is to know of the route that it has been dialled for.
#[derive(Debug, Clone)]
pub struct RouteErrand {
    /// The server, and the user to connect as.
    pub address: RouteAddress,
    /// How it came to that.
    pub kind: RouteKind,
    /// The account that the route is to carry alone.
    pub account: Option<Arc<str>>,
}

/// How a [`Cluster`] is set.
#[derive(Debug, Clone, Default)]
pub struct ClusterSettings {
    /// What the operator calls it; None if that is for the servers to agree upon.
    pub name: Option<String>,
    /// The servers of the configuration.
    pub routes: Vec<RouteAddress>,
    /// How often others are tried; 0 if nothing is said of it.
    pub connect_retries: u64,
    /// Whether the wait between two attempts grows.
    pub connect_backoff: bool,
    /// Whether clients are told of the other servers.
    pub advertises: bool,
}

/// What clients are told of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterShown {
    /// What it is called.
    pub name: String,
    /// Where they can connect to other servers; none if they are not told. Until there has been another it is not said where
    /// they can connect to this one either.
    pub connect_urls: Option<Vec<String>>,
    /// The same, for those that speak WebSocket.
    pub websocket_urls: Option<Vec<String>>,
    /// Where leaf nodes can connect to other servers, and by WebSocket.
    pub hubs: [Vec<String>; 2],
}

/// Puts in force what clients are told of the cluster.
pub type Advertise = Box<dyn Fn(&ClusterShown) + Send>;

/// Keeps a server's cluster together.
pub struct Cluster {
    membership: Arc<Membership>,
    settings: ClusterSettings,
    receptions: Vec<Recipient<Placed>>,
    arbiters: Arc<Arbiters>,
    clients: Addr<Monitor>,
    advertise: Advertise,
    shown: ClusterShown,
    routes: HashMap<ConnectionId, Route, foldhash::fast::RandomState>,
    dialled: Vec<DialledServer>,
}

/// What a [`Cluster`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterState {
    /// What the cluster is called.
    pub name: String,
    /// The names of the servers that there are routes to, in order.
    pub members: Vec<String>,
    /// The ids of the servers that there are routes to, each with each of its routes, in order.
    pub routes: Vec<(String, Seat)>,
    /// How many servers are dialled, or have been and are connected.
    pub dialled: usize,
    /// Where clients can connect to other servers.
    pub connect_urls: Vec<String>,
}

struct Route {
    server_id: Arc<str>,
    seat: Seat,
    kind: RouteKind,
    /// Where it was dialled, if this server did that.
    address: Option<RouteAddress>,
    voice: Arc<Outbox>,
}

impl Route {
    /// How well it is suited to tell its server of another, on behalf of an account or in general; None if it is not.
    fn suits(&self, account: Option<&str>) -> Option<usize> {
        match &self.seat {
            Seat::Pinned(pinned) => (Some(&**pinned) == account).then_some(0),
            Seat::Pooled(index) => Some(1 + index),
            // There is no route of an account to be had by that server.
            Seat::Only => account.is_none().then_some(1),
        }
    }
}

/// Has the Cluster begin: from now on it can have servers dialled.
#[derive(Message)]
#[rtype(result = "()")]
struct BeginCluster {
    receptions: Vec<Recipient<Placed>>,
    advertise: Advertise,
}

impl Cluster {
    /// Of a server that is alone so far. It does nothing before it [begins](Self::begin).
    pub fn new(
        membership: &ClusterHandleParts,
        settings: ClusterSettings,
        arbiters: Arc<Arbiters>,
        clients: Addr<Monitor>,
    ) -> Self {
        Self {
            membership: membership.0.clone(),
            settings,
            receptions: Vec::new(),
            arbiters,
            clients,
            advertise: Box::new(|_| {}),
            shown: ClusterShown::default(),
            routes: HashMap::default(),
            dialled: Vec::new(),
        }
    }

    /// Has it connect to the servers of the configuration. Routes are opened by these receptions, one on each arbiter.
    pub fn begin(cluster: &Addr<Self>, receptions: Vec<Recipient<Placed>>, advertise: Advertise) {
        let begin = BeginCluster {
            receptions,
            advertise,
        };
        tell(cluster, begin);
    }

    /// One route to each server but this one: that by which it is told something, on behalf of an account or in general.
    fn one_to_each(&self, but: Option<&str>, account: Option<&str>) -> impl Iterator<Item = &Route> {
        let mut best: HashMap<&str, (usize, &Route), foldhash::fast::RandomState> = HashMap::default();
        for route in (self.routes.values()).filter(|route| Some(&*route.server_id) != but) {
            if let Some(rank) = route.suits(account) {
                let found = best.entry(&route.server_id).or_insert((rank, route));
                if rank < found.0 {
                    *found = (rank, route);
                }
            }
        }
        best.into_values().map(|(_, route)| route)
    }

    /// Tells clients what has changed for them.
    fn show(&mut self) {
        let (name, places) = self.membership.shown();
        let told = |urls: Vec<String>, before: &Option<Vec<String>>| match self.settings.advertises {
            true if !urls.is_empty() || before.is_some() => Some(urls),
            _ => None,
        };
        let shown = ClusterShown {
            name,
            connect_urls: told(places.clients, &self.shown.connect_urls),
            websocket_urls: told(places.websocket.clone(), &self.shown.websocket_urls),
            hubs: [places.leaf_nodes, places.websocket],
        };
        if shown != self.shown {
            (self.advertise)(&shown);
            self.shown = shown;
            tell(&self.clients, SettingsChanged);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        end_if_panicking("The Cluster");
    }
}

impl Actor for Cluster {
    type Context = Context<Self>;
}

impl Handler<BeginCluster> for Cluster {
    type Result = ();

    fn handle(&mut self, begin: BeginCluster, _: &mut Context<Self>) {
        (self.receptions, self.advertise) = (begin.receptions, begin.advertise);
        self.show();
        let kind = RouteKind {
            is_dialled: true,
            is_configured: true,
            gossip: GossipMode::Default,
        };
        for address in self.settings.routes.clone() {
            self.dial_all(&address, kind);
        }
    }
}

impl Handler<RouteOpened> for Cluster {
    type Result = ();

    fn handle(&mut self, opened: RouteOpened, _: &mut Context<Self>) {
        let RouteOpened {
            connection,
            server_id,
            seat,
            kind,
            address,
            voice,
            told,
        } = opened;
        if let Some(told) = told {
            let now = Moment::of(Instant::now());
            let account = match &seat {
                Seat::Pinned(account) => Some(&**account),
                Seat::Only | Seat::Pooled(_) => None,
            };
            for route in self.one_to_each(Some(&*server_id), account) {
                route.voice.say(told.for_mode(kind.told_to(&route.kind)), now);
            }
        }
        let route = Route {
            server_id,
            seat,
            kind,
            address,
            voice,
        };
        self.routes.insert(connection, route);
        self.show();
    }
}

impl Handler<RouteClosed> for Cluster {
    type Result = ();

    fn handle(&mut self, RouteClosed(connection): RouteClosed, _: &mut Context<Self>) {
        self.routes.remove(&connection);
        self.show();
    }
}

/// The cluster is called otherwise: those who call it as it was called before have to go.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Renamed {
    /// The id of the server whose name it has now.
    pub(crate) except: Box<str>,
}

impl Handler<Renamed> for Cluster {
    type Result = ();

    fn handle(&mut self, renamed: Renamed, _: &mut Context<Self>) {
        for route in self.routes.values() {
            if *route.server_id != *renamed.except {
                route.voice.dismiss(CloseReason::ClusterNameConflict);
            }
        }
        self.show();
    }
}

/// Something to say to each other server.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct SayToAll(pub(crate) Bytes);

impl Handler<SayToAll> for Cluster {
    type Result = ();

    fn handle(&mut self, SayToAll(line): SayToAll, _: &mut Context<Self>) {
        let now = Moment::of(Instant::now());
        for route in self.one_to_each(None, None) {
            route.voice.say(line.clone(), now);
        }
    }
}

/// Clients of a member are to connect elsewhere.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Relocated;

impl Handler<Relocated> for Cluster {
    type Result = ();

    fn handle(&mut self, _: Relocated, _: &mut Context<Self>) {
        self.show();
    }
}

impl Handler<Observe<ClusterState>> for Cluster {
    type Result = MessageResult<Observe<ClusterState>>;

    fn handle(&mut self, _: Observe<ClusterState>, _: &mut Context<Self>) -> Self::Result {
        let (name, places) = self.membership.shown();
        let routes = self.routes.values();
        let mut routes: Vec<_> = routes
            .map(|route| (route.server_id.to_string(), route.seat.clone()))
            .collect();
        routes.sort();
        MessageResult(ClusterState {
            name,
            routes,
            members: self.membership.members(),
            dialled: self.dialled.len(),
            connect_urls: places.clients,
        })
    }
}

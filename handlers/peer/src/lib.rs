//! What servers say to each other, as a language of connections: routes, between the servers of one cluster.
//!
//! A [`RouteSession`] decides what an operation of another server means; the turn it is given carries that out.

mod authentication;
mod authorities;
mod compressing;
mod ending;
pub mod gateway;
mod handshake;
mod interest;
pub mod leaf;
mod message_tracing;
mod opening;
mod permitting;
mod pinging;
mod pinning;
mod receiving;
mod session;
mod tls;
mod unplaced;

pub use handshake::TRACING_PROTO;
pub use permitting::RoutePermissions;
pub use session::RouteSession;
pub use tls::RouteTls;

use bytes::Bytes;
use gateway::OwnCluster;
use session::Party;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tls::Evidence;
use vagus_actors::cluster::{ClusterHandle, RouteErrand, RouteKind, Seat};
use vagus_actors::connection::ConnectionNames;
use vagus_actors::reception::{Language, Opened, Opening};
use vagus_auth::credentials::Gate;
use vagus_compression::mode::Mode;
use vagus_delivery::Live;
use vagus_delivery::arbiter::DescribesServer;
use vagus_delivery::wire::{Direction, Entrance};
use vagus_protocol::error::Complaint;
use vagus_protocol::route::{GossipMode, RouteConnect, RouteInfo};
use vagus_routing::ConnectionId;

/// What holds for all routes of a server.
#[derive(Clone)]
pub struct RouteSettings {
    /// What INFO says, but for what the cluster is called.
    pub info: RouteInfo,
    /// Who may connect.
    pub gate: Arc<Gate>,
    /// As whom to connect to servers that others tell of: user and password.
    pub login: (String, String),
    /// How TLS is spoken, if it is.
    pub tls: Option<Arc<RouteTls>>,
    /// How routes are compressed.
    pub compression: Mode,
    /// What others may have, and are asked for.
    pub permissions: RoutePermissions,
    /// How long a server that connects may take to say who it is.
    pub auth_timeout: Duration,
    /// How often a silent route is asked whether it is still there.
    pub ping_interval: Duration,
    /// How many PINGs may go unanswered.
    pub ping_max: u32,
    /// The longest line, in bytes.
    pub max_line: usize,
    /// The most bytes of a message.
    pub max_message: usize,
    /// The cluster.
    pub cluster: ClusterHandle,
    /// What events say of this server.
    pub server: Arc<dyn DescribesServer>,
    /// The other clusters, if there are any.
    pub own_cluster: Option<OwnCluster>,
}

impl fmt::Debug for RouteSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RouteSettings")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl RouteSettings {
    /// INFO as it is said now, on a route that is this one of those to a server.
    fn info(&self, gossip: GossipMode, seat: &Seat) -> RouteInfo {
        let name = self.cluster.name();
        RouteInfo {
            cluster: name.text,
            cluster_dynamic: name.is_dynamic,
            gossip_mode: gossip.number(),
            route_pool_idx: match seat {
                Seat::Pooled(index) => i64::try_from(*index).unwrap_or(0),
                Seat::Only | Seat::Pinned(_) => 0,
            },
            route_account: match seat {
                Seat::Pinned(account) => account.to_string(),
                Seat::Only | Seat::Pooled(_) => String::new(),
            },
            ..self.info.clone()
        }
    }

    /// What other servers are told when this one is about to stop.
    pub fn farewell(&self) -> Bytes {
        let mut line = Vec::new();
        let info = RouteInfo {
            ldm: true,
            ..self.info(GossipMode::Default, &Seat::Only)
        };
        info.append(&mut line);
        line.into()
    }

    fn connect(&self, errand: &RouteErrand) -> RouteConnect {
        let name = self.cluster.name();
        RouteConnect {
            echo: true,
            user: errand.address.user.clone(),
            pass: errand.address.password.clone(),
            tls_required: self.tls.is_some(),
            headers: self.info.headers,
            name: self.info.server_id.clone(),
            cluster: name.text,
            cluster_dynamic: name.is_dynamic,
            lnoc: true,
            lnocu: true,
            ln: true,
            ..RouteConnect::default()
        }
    }
}

/// The language of routes.
#[derive(Debug, Clone)]
pub struct Routes {
    live: Arc<Live<RouteSettings>>,
}

impl Routes {
    /// That of a server's routes.
    pub fn new(live: Arc<Live<RouteSettings>>) -> Self {
        Self { live }
    }
}

impl Language for Routes {
    type Session = RouteSession;

    fn names(&self) -> ConnectionNames {
        session::NAMES
    }

    fn open(&mut self, entrance: Entrance) -> Opening<RouteSession> {
        let (settings, _) = self.live.current();
        let live = self.live.clone();
        let Some(tls) = settings.tls.clone() else {
            return Opening::Done(begin(entrance, None, live));
        };
        Opening::UnderWay(Box::pin(async move {
            let (entrance, evidence) = opening::secure(entrance, &tls).await?;
            Ok(begin(entrance, Some(evidence), live).into())
        }))
    }

    fn refuse(&mut self, _: SocketAddr, _: ConnectionId) -> Vec<u8> {
        let mut last_words = Vec::new();
        Complaint::MaximumConnections.append(&mut last_words);
        last_words
    }
}

/// The session of a server, and what it is told first.
fn begin(
    entrance: Entrance,
    evidence: Option<Evidence>,
    live: Arc<Live<RouteSettings>>,
) -> Opened<RouteSession> {
    let (settings, version) = live.current();
    let mut greeting = Vec::with_capacity(1024);
    let mut errand = None;
    let kind = match (entrance.direction(), entrance.errand::<RouteErrand>()) {
        (Direction::Dialled, Some(dialled)) => {
            settings.connect(dialled).append(&mut greeting);
            errand = Some(Box::new(dialled.clone()));
            dialled.kind
        }
        _ => RouteKind {
            is_dialled: false,
            is_configured: false,
            gossip: GossipMode::Default,
        },
    };
    let party = Party {
        peer: entrance.peer(),
        id: entrance.id(),
        kind,
    };
    // What is agreed on, and which one of several routes it is, depends on what the other server says: that is heard first.
    let is_agreed_on = settings.compression.negotiates() || settings.info.route_pool_size > 0;
    let has_yet_to_introduce = kind.is_dialled && is_agreed_on;
    let mut session = RouteSession::new(live, (settings, version), party, Instant::now());
    session.errand = errand;
    session.evidence = evidence.map(Box::new);
    session.has_yet_to_introduce = has_yet_to_introduce;
    if !has_yet_to_introduce {
        greeting.append(&mut session.introduction(kind.gossip, &session.seat_wanted()));
    }
    Opened {
        entrance,
        session,
        account: None,
        greeting,
    }
}

//! What servers of different clusters say to each other, as a language of connections.
//!
//! A server sends messages to another cluster on the one connection to it that it has dialled, and is told there what is wanted;
//! on those that servers of other clusters have dialled it gets messages, and tells what is wanted in its own cluster. A
//! [`GatewaySession`] decides what an operation of the other server means; the turn it is given carries that out.

mod handshake;
mod held;
mod hoping;
mod opening;
mod replies;
mod session;
mod told;
mod wanted;

pub use opening::RemoteTls;
pub use replies::OwnCluster;
pub(crate) use replies::{From, lead_home, reply_hash};
pub use session::GatewaySession;

use crate::tls::{Evidence, RouteTls};
use session::Party;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::cluster::ClusterHandle;
use vagus_actors::connection::ConnectionNames;
use vagus_actors::gateways::RemoteCluster;
use vagus_actors::reception::{Language, Opened, Opening};
use vagus_auth::credentials::Gate;
use vagus_delivery::Live;
use vagus_delivery::arbiter::DescribesServer;
use vagus_delivery::wire::{Direction, Entrance, Errand};
use vagus_protocol::error::Complaint;
use vagus_protocol::route::RouteConnect;
use vagus_routing::ConnectionId;

/// What holds for all gateway connections of a server.
#[derive(Clone)]
pub struct GatewaySettings {
    /// The server in its cluster, and all other clusters.
    pub own: OwnCluster,
    /// Who may connect.
    pub gate: Arc<Gate>,
    /// As whom to connect where nothing else is said: user and password.
    pub login: (String, String),
    /// How TLS is spoken, if it is.
    pub tls: Option<Arc<RouteTls>>,
    /// How it is spoken with the clusters of which the configuration says that.
    pub remote_tls: HashMap<String, Arc<RemoteTls>>,
    /// How long a server that connects may take to say who it is.
    pub auth_timeout: Duration,
    /// How often a silent connection is asked whether it is still there.
    pub ping_interval: Duration,
    /// How many PINGs may go unanswered.
    pub ping_max: u32,
    /// The longest line, in bytes.
    pub max_line: usize,
    /// The most bytes of a message.
    pub max_message: usize,
    /// Whether messages may have headers.
    pub headers: bool,
    /// The cluster that this server is in, if there are others in it.
    pub cluster: Option<ClusterHandle>,
    /// What events say of this server.
    pub server: Arc<dyn DescribesServer>,
}

impl fmt::Debug for GatewaySettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("GatewaySettings")
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

impl GatewaySettings {
    /// Whether TLS is spoken with a cluster.
    fn speaks_tls_with(&self, cluster: &str) -> bool {
        self.tls.is_some() || self.remote_tls.contains_key(cluster)
    }

    fn connect(&self, remote: &RemoteCluster, peer: SocketAddr) -> RouteConnect {
        let (user, pass) = remote.login(peer).unwrap_or_else(|| self.login.clone());
        let info = self.own.clusters.info();
        RouteConnect {
            user,
            pass,
            tls_required: self.speaks_tls_with(remote.name()),
            name: info.server_id,
            gateway: info.gateway,
            ..RouteConnect::default()
        }
    }
}

/// What a session is to know of the cluster that it has been dialled for.
#[derive(Debug, Clone)]
pub struct GatewayErrand {
    /// The cluster.
    pub remote: Arc<RemoteCluster>,
}

/// The language of gateways.
#[derive(Debug, Clone)]
pub struct Gateways {
    live: Arc<Live<GatewaySettings>>,
}

impl Gateways {
    /// That of a server's gateway connections.
    pub fn new(live: Arc<Live<GatewaySettings>>) -> Self {
        Self { live }
    }
}

impl Language for Gateways {
    type Session = GatewaySession;

    fn names(&self) -> ConnectionNames {
        session::NAMES
    }

    fn remark(&self, errand: Option<&Errand>) -> String {
        match errand.and_then(|errand| errand.downcast_ref::<GatewayErrand>()) {
            Some(errand) => format!(
                "Creating outbound gateway connection to {:?}",
                errand.remote.name()
            ),
            None => "Processing inbound gateway connection".to_owned(),
        }
    }

    fn open(&mut self, entrance: Entrance) -> Opening<GatewaySession> {
        let (settings, _) = self.live.current();
        let live = self.live.clone();
        let errand = match entrance.direction() {
            Direction::Dialled => entrance.errand::<GatewayErrand>().cloned(),
            Direction::Accepted => None,
        };
        let speaks_tls = match &errand {
            Some(errand) => settings.speaks_tls_with(errand.remote.name()),
            None => settings.tls.is_some(),
        };
        if !speaks_tls {
            return Opening::Done(begin(entrance, errand, None, live));
        }
        Opening::UnderWay(Box::pin(async move {
            let (entrance, evidence) = opening::secure(entrance, errand.as_ref(), &settings).await?;
            Ok(begin(entrance, errand, Some(evidence), live).into())
        }))
    }

    fn refuse(&mut self, _: SocketAddr, _: ConnectionId) -> Vec<u8> {
        let mut last_words = Vec::new();
        Complaint::MaximumConnections.append(&mut last_words);
        last_words
    }
}

/// The session of a server, and what it is told first: who has connected hears who this is before it says anything.
fn begin(
    entrance: Entrance,
    errand: Option<GatewayErrand>,
    evidence: Option<Evidence>,
    live: Arc<Live<GatewaySettings>>,
) -> Opened<GatewaySession> {
    let (settings, version) = live.current();
    let mut greeting = Vec::new();
    if errand.is_none() {
        settings.own.clusters.info().append(&mut greeting);
    }
    let party = Party {
        peer: entrance.peer(),
        id: entrance.id(),
        errand,
    };
    let mut session = GatewaySession::new(live, (settings, version), party, Instant::now());
    session.evidence = evidence.map(Box::new);
    Opened {
        entrance,
        session,
        account: None,
        greeting,
    }
}

//! What leaf nodes and their hubs say to each other, as a language of connections.
//!
//! A link is one account of one server and one of another. Whoever connects is the leaf node, unless it says otherwise; its
//! hub tells it what it may do, and both keep to that. A [`LeafSession`] decides what an operation of the other end means; the
//! turn it is given carries that out.

mod handshake;
mod interest;
mod mapping;
mod opening;
mod operating;
mod permitting;
mod reaching;
mod session;
mod signing;
mod tls;
mod token_login;

pub use session::{LeafAnswer, LeafSession};
pub use signing::Proof;
pub use tls::{HubTls, LeafTls};
pub use token_login::TokenLogin;

use opening::Introduction;
use session::Party;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::claimed_accounts::ClaimedAccounts;
use vagus_actors::cluster::ClusterHandle;
use vagus_actors::connection::ConnectionNames;
use vagus_actors::leafnodes::{Links, Remote};
use vagus_actors::reception::{Language, Opened, Opening};
use vagus_auth::credentials::Gate;
use vagus_auth::nkey::Nonce;
use vagus_compression::mode::Mode;
use vagus_delivery::arbiter::DescribesServer;
use vagus_delivery::wire::{Direction, Entrance, Errand};
use vagus_delivery::{AccountDirectory, Live};
use vagus_protocol::error::Complaint;
use vagus_protocol::leaf::LeafInfo;
use vagus_routing::ConnectionId;
use vagus_websocket::deflate::largest_message;

/// What holds for all links of a server.
#[derive(Clone)]
pub struct LeafSettings {
    /// What INFO says of this server to leaf nodes, but for what differs from one to the other.
    pub info: LeafInfo,
    /// Who may connect as a leaf node.
    pub gate: Arc<Gate>,
    /// The account of those of whom nothing is asked.
    pub account: String,
    /// How TLS is spoken with leaf nodes, if it is.
    pub tls: Option<Arc<LeafTls>>,
    /// How links to leaf nodes are compressed.
    pub compression: Mode,
    /// The oldest version of a leaf node that is let in.
    pub min_version: Option<String>,
    /// Whether nobody is told what leaf nodes want.
    pub isolates: bool,
    /// How long a leaf node that connects may take to say who it is.
    pub auth_timeout: Duration,
    /// How often a silent link is asked whether it is still there.
    pub ping_interval: Duration,
    /// How many PINGs may go unanswered.
    pub ping_max: u32,
    /// The longest line, in bytes.
    pub max_line: usize,
    /// The most bytes of a message.
    pub max_message: usize,
    /// How much the other end may ask for at once; any number when not set.
    pub max_subscriptions: Option<usize>,
    /// The accounts that links may be of.
    pub accounts: Arc<AccountDirectory>,
    /// Those that are known by tokens that operators have signed, if accounts are.
    pub claimed_accounts: Option<Arc<ClaimedAccounts>>,
    /// All links.
    pub links: Arc<Links>,
    /// The cluster that this server is in, if it is in one.
    pub cluster: Option<ClusterHandle>,
    /// What events say of this server.
    pub server: Arc<dyn DescribesServer>,
}

impl fmt::Debug for LeafSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LeafSettings")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl LeafSettings {
    /// INFO as it is said now.
    fn info(&self) -> LeafInfo {
        let HubUrls {
            leaf_nodes,
            websocket,
        } = self.urls();
        LeafInfo {
            cluster: self.cluster_name(),
            leafnode_urls: leaf_nodes,
            ws_connect_urls: websocket,
            ..self.info.clone()
        }
    }

    /// Where leaf nodes can connect: to this server, and to others of its cluster.
    fn urls(&self) -> HubUrls {
        let with = |own: &[String], others: Vec<String>| {
            let others = others.into_iter().filter(|url| !own.contains(url));
            own.iter().cloned().chain(others).collect()
        };
        let cluster = self.cluster.as_ref();
        let others = cluster.map(ClusterHandle::places).unwrap_or_default();
        HubUrls {
            leaf_nodes: with(&self.info.leafnode_urls, others.leaf_nodes),
            websocket: with(&self.info.ws_connect_urls, others.websocket),
        }
    }

    /// What the cluster is called; nothing if there is none.
    fn cluster_name(&self) -> String {
        self.cluster
            .as_ref()
            .map_or_else(String::new, |cluster| cluster.name().text)
    }
}

/// Where leaf nodes can connect, as `host:port`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct HubUrls {
    leaf_nodes: Vec<String>,
    /// The same, by WebSocket.
    websocket: Vec<String>,
}

/// What a session is to know of the link that it has been dialled for.
#[derive(Debug, Clone)]
pub struct LeafErrand {
    /// The hub.
    pub remote: Arc<Remote>,
    /// How TLS is spoken with it, where it wants that.
    pub tls: Arc<HubTls>,
}

/// The language of leaf nodes and hubs.
#[derive(Debug, Clone)]
pub struct Leafs {
    live: Arc<Live<LeafSettings>>,
}

impl Leafs {
    /// That of a server's links.
    pub fn new(live: Arc<Live<LeafSettings>>) -> Self {
        Self { live }
    }
}

impl Language for Leafs {
    type Session = LeafSession;

    fn names(&self) -> ConnectionNames {
        session::NAMES
    }

    fn remark(&self, errand: Option<&Errand>) -> String {
        let errand = errand.and_then(|errand| errand.downcast_ref::<LeafErrand>());
        errand.map_or_else(String::new, |errand| {
            format!(" for account: {}", errand.remote.settings().account)
        })
    }

    fn open(&mut self, entrance: Entrance) -> Opening<LeafSession> {
        let live = self.live.clone();
        let (settings, _) = live.current();
        if let (Direction::Dialled, Some(errand)) = (entrance.direction(), entrance.errand::<LeafErrand>()) {
            let errand = errand.clone();
            let largest = largest_message(settings.max_message);
            return Opening::UnderWay(Box::pin(async move {
                let (entrance, introduction) = opening::hear_hub(entrance, &errand, largest).await?;
                Ok(begin(entrance, Some(errand), introduction, live).into())
            }));
        }
        let introduction = Introduction::of_hub(&settings, &entrance);
        // Below WebSocket TLS has been spoken already, if it is to be.
        if settings.tls.is_none() || entrance.speaks_websocket() {
            return Opening::Done(begin(entrance, None, introduction, live));
        }
        Opening::UnderWay(Box::pin(async move {
            let (entrance, introduction) = opening::greet(entrance, introduction, &settings).await?;
            Ok(begin(entrance, None, introduction, live).into())
        }))
    }

    fn refuse(&mut self, _: SocketAddr, _: ConnectionId) -> Vec<u8> {
        let mut last_words = Vec::new();
        Complaint::MaximumConnections.append(&mut last_words);
        last_words
    }
}

/// The session of the other end, and what it is told first.
fn begin(
    entrance: Entrance,
    errand: Option<LeafErrand>,
    introduction: Introduction,
    live: Arc<Live<LeafSettings>>,
) -> Opened<LeafSession> {
    let (settings, version) = live.current();
    let party = Party {
        peer: entrance.peer(),
        id: entrance.id(),
        speaks_websocket: entrance.speaks_websocket(),
        errand,
    };
    let session = LeafSession::new(
        live,
        (settings, version),
        party,
        introduction.known,
        Instant::now(),
    );
    Opened {
        entrance,
        session: LeafSession {
            nonce: introduction.nonce.as_ref().map(Nonce::as_bytes).map(Into::into),
            ..session
        },
        account: None,
        greeting: introduction.greeting,
    }
}

//! What connections show of themselves, to monitoring and to tests.

use actix::prelude::*;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use vagus_configs::GLOBAL_ACCOUNT;
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_delivery::subscriptions::SubscriptionState;
use vagus_delivery::wire::TlsFacts;
use vagus_protocol::error::CloseReason;
use vagus_protocol::route::SubjectRules;
use vagus_routing::ConnectionId;

/// How a peer calls itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ClientInfo {
    /// CONNECT's `name`.
    pub name: String,
    /// The client library's language.
    pub lang: String,
    /// The client library's version.
    pub version: String,
    /// The user it is; empty where there is none.
    pub user: String,
    /// The public key of the trusted proxy that it came by; empty where it came by none.
    pub proxy: String,
    /// The public key of who signed its token; empty where it has none.
    pub issuer: String,
    /// What its token says that it is called, beside its name.
    pub tags: Vec<String>,
    /// That token, unless it is a bearer token. It is shown to those who may see who is connected.
    #[serde(skip)]
    pub token: Option<Arc<str>>,
    /// The service that has refused it, if one has.
    #[serde(skip)]
    pub refused_by: Option<Arc<ServiceRefusal>>,
    /// Whether it speaks WebSocket.
    pub speaks_websocket: bool,
    /// Whether it is to be one end of a link between a leaf node and its hub.
    pub is_leaf_link: bool,
    /// Whether it can be told at any time what the server is about.
    pub hears_news: bool,
    /// What it is if it is a server that has said who it is.
    pub server: Option<ServerInfo>,
    /// What it is if it is one end of a link between a leaf node and its hub.
    pub link: Option<Box<LinkInfo>>,
    /// What it is if it is a server of another cluster that has said who it is.
    pub gateway: Option<Box<GatewayShown>>,
}

impl ClientInfo {
    /// The account in which it is told that it was refused: as in nats-server, that of the service that has refused it, or
    /// the global one.
    pub fn refused_in(&self) -> &str {
        let refused_by = self.refused_by.as_ref();
        refused_by.map_or(GLOBAL_ACCOUNT, |refusal| &refusal.account)
    }
}

/// A service that says who may come in has let somebody not in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceRefusal {
    /// The account that it is asked in.
    pub account: Box<str>,
    /// Why; empty if it has not answered.
    pub reason: Box<str>,
}

/// Another server, at the other end of a route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServerInfo {
    /// Its id.
    pub id: String,
    /// Whether this server has dialled it.
    pub is_dialled: bool,
    /// Whether the configuration asks for that.
    pub is_configured: bool,
    /// The account that the route carries alone.
    pub account: Option<String>,
    /// How the route is compressed.
    pub compression: &'static str,
    /// What it wants to have of others, where that is not everything.
    pub import: Option<Box<SubjectRules>>,
    /// What it lets others have.
    pub export: Option<Box<SubjectRules>>,
}

/// The other end of a link between a leaf node and its hub.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LinkInfo {
    /// The name of the server.
    pub server: String,
    /// The name of its cluster; perhaps nothing.
    pub cluster: String,
    /// The domain of its streams; perhaps nothing.
    pub domain: String,
    /// The account there.
    pub remote_account: String,
    /// Whether this server has dialled it.
    pub is_dialled: bool,
    /// Whether this server is the leaf node.
    pub is_spoke: bool,
    /// Whether nothing is told of what other leaf nodes want.
    pub is_isolated: bool,
    /// How the link is compressed.
    pub compression: &'static str,
}

/// A server of another cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GatewayShown {
    /// What the cluster is called.
    pub cluster: String,
    /// The name of the server.
    pub server: String,
    /// Whether this server has dialled it: then messages are sent to it, else it sends them.
    pub is_outbound: bool,
    /// Whether the configuration asks for that.
    pub is_configured: bool,
    /// What is wanted there of what is published here, or was told of what is wanted here, account by account.
    pub accounts: Vec<GatewayAccount>,
    /// How many bytes are held here for what it has said that is wanted there, as they are counted.
    pub held: usize,
}

/// What a server of another cluster wants in an account, or was told is wanted here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GatewayAccount {
    /// The account.
    pub name: String,
    /// Whether messages are sent that nobody has asked for.
    pub mode: InterestMode,
    /// How many subjects are not sent all the same.
    pub unwanted: usize,
    /// How much was asked for.
    pub subscriptions: usize,
    /// As members of queue groups.
    pub queue_subscriptions: usize,
}

/// Whether messages are sent to another cluster that nobody there has asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum InterestMode {
    /// They are, unless it has said that nobody wants them.
    #[default]
    Optimistic,
    /// It is about to tell all that is wanted.
    Transitioning,
    /// It has told all, and is sent nothing else.
    InterestOnly,
}

impl InterestMode {
    /// In nats-server's words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Optimistic => "Optimistic",
            Self::Transitioning => "Transitioning",
            Self::InterestOnly => "Interest-Only",
        }
    }
}

/// What a [`Connection`](crate::connection::Connection) shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionState {
    /// Its number.
    pub id: ConnectionId,
    /// Who it is connected to.
    pub peer: SocketAddr,
    /// How the peer calls itself.
    pub client: ClientInfo,
    /// When it was opened, by the clock of the machine.
    pub opened: SystemTime,
    /// When it last published, was delivered to or changed its interest.
    pub active: SystemTime,
    /// How long it has been open.
    pub uptime: Duration,
    /// How long ago it was active.
    pub idle: Duration,
    /// Subscriptions it has.
    pub subscriptions: usize,
    /// Bytes that wait to be written to it.
    pub pending: usize,
    /// Messages it has published.
    pub messages_in: u64,
    /// Their headers and payloads, in bytes.
    pub payload_in: u64,
    /// Messages delivered to it.
    pub messages_out: u64,
    /// Their headers and payloads, in bytes.
    pub payload_out: u64,
    /// How often publishers paused as too much waited for this one.
    pub stalls: u32,
    /// Whether it waits for its interest to be in force.
    pub waits_for_interest: bool,
    /// The time from a PING to its answer, as last measured.
    pub round_trip: Option<Duration>,
    /// What TLS it speaks, if it does.
    pub tls: Option<Box<TlsFacts>>,
    /// The account that it is bound to; none until it is admitted.
    pub account: Option<Box<str>>,
    /// What people call that account, if that is not its name.
    pub account_tag: Option<Box<str>>,
}

impl ConnectionState {
    /// Of one that is not open yet.
    pub(crate) fn opening(id: ConnectionId, peer: SocketAddr, since: Instant) -> Self {
        let (now, uptime) = (SystemTime::now(), since.elapsed());
        let opened = now.checked_sub(uptime).unwrap_or(now);
        Self {
            id,
            peer,
            client: ClientInfo::default(),
            opened,
            active: opened,
            uptime,
            idle: uptime,
            subscriptions: 0,
            pending: 0,
            messages_in: 0,
            payload_in: 0,
            messages_out: 0,
            payload_out: 0,
            stalls: 0,
            waits_for_interest: false,
            round_trip: None,
            tls: None,
            account: None,
            account_tag: None,
        }
    }
}

/// A connection that has ended, as it was at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClosedConnection {
    /// What it showed last.
    pub state: ConnectionState,
    /// The subscriptions it had, as many as are remembered.
    pub subscriptions: Vec<SubscriptionState>,
    /// When it ended.
    pub stopped: SystemTime,
    /// Why, in nats-server's words.
    pub reason: &'static str,
}

impl ClosedConnection {
    /// One with which it came to no session.
    pub(crate) fn unopened(id: ConnectionId, peer: SocketAddr, since: Instant, reason: CloseReason) -> Self {
        let state = ConnectionState::opening(id, peer, since);
        Self {
            subscriptions: Vec::new(),
            stopped: state.opened + state.uptime,
            reason: reason.text(),
            state,
        }
    }
}

/// How much a connection is asked to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Everything but its [client](ConnectionState::client), its [TLS](ConnectionState::tls) and its
    /// [account](ConnectionState::account), which are left empty: what has to be compared.
    Figures,
    /// Everything about the connection itself.
    State,
    /// Its subscriptions, too.
    Subscriptions,
}

/// Asks a connection to describe itself.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Description")]
pub(crate) struct Describe(pub(crate) Extent);

/// A connection as it describes itself.
#[derive(Debug, MessageResponse)]
pub(crate) struct Description {
    pub(crate) state: ConnectionState,
    /// Account by account; by reference, as the asker writes them down: there may be many.
    pub(crate) subscriptions: Vec<(Arc<str>, Vec<Arc<ConnectionSubscription>>)>,
}

//! The NATS client protocol as a language of connections.
//!
//! A [`NatsSession`] decides what an operation of a client means; the turn it is given carries that out.

mod accounts;
mod admission;
mod adopting;
mod authentication;
mod callout;
mod client_hello;
mod client_options;
mod evidence;
mod mapping;
mod message_tracing;
mod opening;
mod operation_lines;
mod party;
mod publishing;
mod reading_ahead;
mod repetition;
mod reporting;
mod session;
mod subscribing;
mod throttle;
mod tls;
mod token_login;
mod user_info;
mod websocket;

pub use admission::LoginAnswer;
pub use session::NatsSession;
pub use tls::ClientTls;
pub use token_login::TokenLogin;
pub use websocket::WebSocketSettings;

use opening::Arrival;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use vagus_actors::claimed_accounts::ClaimedAccounts;
use vagus_actors::connection::ConnectionNames;
use vagus_actors::connection_events::ConnectionEvents;
use vagus_actors::logins::CalloutMeans;
use vagus_actors::reception::{Language, Opened, Opening};
use vagus_auth::credentials::{ConnectionType, Gate};
use vagus_auth::nkey::Nonce;
use vagus_auth::proxies::TrustedProxies;
use vagus_configs::{AuthCallout, Limits};
use vagus_delivery::wire::Entrance;
use vagus_delivery::{AccountDirectory, Live};
use vagus_protocol::error::Complaint;
use vagus_protocol::info::{Info, InfoClient};
use vagus_protocol::server_shown::ServerShown;
use vagus_routing::ConnectionId;
use vagus_websocket::upgrade;

/// What holds for all NATS clients of one listener.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// What INFO says to each.
    pub info: Info,
    /// What each may ask for.
    pub limits: Limits,
    /// Who may come in.
    pub gate: Arc<Gate>,
    /// Which proxies vouch for those who come by them.
    pub trusted_proxies: TrustedProxies,
    /// How those who come in connect, which some users may not.
    pub connection: ConnectionType,
    /// How long each may take to say who it is, where that is asked for.
    pub auth_timeout: Duration,
    /// The accounts that they can belong to.
    pub accounts: Arc<AccountDirectory>,
    /// Those of them that operators have signed, where accounts are not configured.
    pub claimed_accounts: Option<Arc<ClaimedAccounts>>,
    /// The service that decides about clients, if one is configured.
    pub auth_callout: Option<AuthCallout>,
    /// What is needed to ask services.
    pub callout_means: Option<CalloutMeans>,
    /// What TLS they speak, if any.
    pub tls: Option<Arc<ClientTls>>,
    /// How they speak WebSocket, if they do.
    pub websocket: Option<Arc<WebSocketSettings>>,
    /// Whether a proxy may say for whom it connects.
    pub proxy_protocol: bool,
    /// How much of a payload a TRC line shows, in bytes; 0 for all of it.
    pub max_traced_payload: usize,
    /// Whether a TRC line shows the headers of a message instead of all of it.
    pub trace_headers: bool,
    /// What the operator calls the server, beside its name.
    pub tags: Vec<String>,
    /// What the operator says of it.
    pub metadata: BTreeMap<String, String>,
    /// How many answers and events the server has given of itself.
    pub answered: Arc<AtomicU64>,
    /// Where it is told what becomes of those who connect.
    pub events: ConnectionEvents,
}

impl ClientSettings {
    /// How the log calls these clients.
    pub(crate) fn names(&self) -> ConnectionNames {
        match self.websocket {
            Some(_) => websocket::NAMES,
            None => ConnectionNames::CLIENTS,
        }
    }

    /// The same, of a server that is about to stop: it says so, and no longer tells clients to connect to it.
    #[must_use]
    pub fn in_lame_duck_mode(&self) -> Self {
        let mut settings = self.clone();
        settings.info.lame_duck = true;
        settings.info.connect_urls.clear();
        settings
    }

    /// What one more answer of the server says of it, at this time.
    pub fn next_server_shown<'a>(&'a self, time: &'a str) -> ServerShown<'a> {
        let sequence = self.answered.fetch_add(1, Ordering::Relaxed) + 1;
        ServerShown::of(&self.info, (&self.tags, &self.metadata), sequence, time)
    }
}

/// NATS, as clients speak it.
#[derive(Debug, Clone)]
pub struct Nats {
    live: Arc<Live<ClientSettings>>,
}

impl Nats {
    /// The language of a server's clients.
    pub fn new(live: Arc<Live<ClientSettings>>) -> Self {
        Self { live }
    }

    /// What a client may sign to prove who it is, or a proxy that it came by it; none where neither has a key.
    fn nonce(settings: &ClientSettings) -> Option<Nonce> {
        if !settings.gate.needs_nonce() && settings.trusted_proxies.is_empty() {
            return None;
        }
        // Without randomness nobody can prove anything: all who try are refused.
        Nonce::generate().inspect_err(|error| log::error!("{error}")).ok()
    }
}

/// The first INFO. Without an address it does not say who the client is.
fn greeting(
    settings: &ClientSettings,
    ip: Option<IpAddr>,
    id: ConnectionId,
    nonce: Option<&Nonce>,
    tls_first: bool,
) -> Vec<u8> {
    let mut greeting = Vec::with_capacity(512);
    let ip = ip.map(|ip| ip.to_string()).unwrap_or_default();
    let client = InfoClient {
        id,
        ip: &ip,
        nonce: nonce.map_or("", Nonce::as_str),
        bound: None,
        max_payload: None,
        tls_first,
    };
    settings.info.render(&client, &mut greeting);
    greeting
}

/// What clients of all listeners would go by, to see what becomes of each.
#[derive(Debug)]
pub struct ProposedSettings {
    /// Those of clients that speak NATS right away.
    pub clients: ClientSettings,
    /// Those of clients that speak WebSocket.
    pub websocket: Option<ClientSettings>,
}

impl ProposedSettings {
    /// Those of clients that connect in this way.
    pub(crate) fn of(&self, connection: ConnectionType) -> Option<&ClientSettings> {
        match connection {
            ConnectionType::WebSocket => self.websocket.as_ref(),
            _ => Some(&self.clients),
        }
    }
}

impl Language for Nats {
    type Session = NatsSession;

    fn names(&self) -> ConnectionNames {
        self.live.current().0.names()
    }

    fn open(&mut self, entrance: Entrance) -> Opening<NatsSession> {
        let (settings, _) = self.live.current();
        let nonce = Self::nonce(&settings);
        if settings.tls.is_some() || settings.proxy_protocol || settings.websocket.is_some() {
            let arrival = Arrival::new(self.live.clone(), settings, nonce);
            return Opening::UnderWay(Box::pin(arrival.open(entrance)));
        }
        let (peer, id) = (entrance.peer(), entrance.id());
        let greeting = greeting(&settings, Some(peer.ip()), id, nonce.as_ref(), false);
        let session = NatsSession::new(self.live.clone(), peer, id, nonce, Instant::now());
        Opening::Done(Opened {
            entrance,
            account: session.account().cloned(),
            session,
            greeting,
        })
    }

    fn refuse(&mut self, peer: SocketAddr, id: ConnectionId) -> Vec<u8> {
        let (settings, _) = self.live.current();
        if settings.websocket.is_some() {
            return match settings.tls {
                // There is nobody to say it to before the handshake.
                Some(_) => Vec::new(),
                None => upgrade::NO_ROOM.to_vec(),
            };
        }
        let tls_first = settings.tls.as_ref().is_some_and(|tls| tls.comes_first());
        let ip = (!settings.proxy_protocol).then(|| peer.ip());
        let mut last_words = if tls_first {
            Vec::new()
        } else {
            greeting(&settings, ip, id, None, false)
        };
        Complaint::MaximumConnections.append(&mut last_words);
        last_words
    }
}

//! The NATS client protocol as a language of connections.
//!
//! A [`NatsSession`] decides what an operation of a client means; the turn it is given carries that out.

mod adopting;
mod authentication;
mod heartbeat;
pub mod ocsp;
mod publishing;
mod session;
mod subscribing;
mod trace;

pub use session::NatsSession;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use vagus_actors::reception::Language;
use vagus_actors::{ConnectionId, Live};
use vagus_auth::credentials::Gate;
use vagus_auth::nkey::Nonce;
use vagus_configs::Limits;
use vagus_protocol::error::Complaint;
use vagus_protocol::info::{Info, InfoClient};

/// What a server is to all of its NATS clients.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What INFO says to each.
    pub info: Info,
    /// What each may ask for.
    pub limits: Limits,
    /// Who may come in.
    pub gate: Arc<Gate>,
    /// How much of a payload a TRC line shows, in bytes; 0 for all of it.
    pub max_traced_payload: usize,
}

impl Facts {
    /// The same, of a server that is about to stop: it says so, and no longer tells clients to connect to it.
    #[must_use]
    pub fn in_lame_duck_mode(&self) -> Self {
        let mut facts = self.clone();
        facts.info.lame_duck = true;
        facts.info.connect_urls.clear();
        facts
    }
}

/// NATS, as clients speak it.
#[derive(Debug, Clone)]
pub struct Nats {
    live: Arc<Live<Facts>>,
}

impl Nats {
    /// The language of a server's clients.
    pub fn new(live: Arc<Live<Facts>>) -> Self {
        Self { live }
    }

    /// What a client may sign to prove who it is; none where no user has a key.
    fn nonce(facts: &Facts) -> Option<Nonce> {
        if !facts.gate.needs_nonce() {
            return None;
        }
        // Without randomness nobody can prove anything: whoever tries is refused.
        Nonce::generate().inspect_err(|error| log::error!("{error}")).ok()
    }

    fn greeting(facts: &Facts, peer: SocketAddr, id: ConnectionId, nonce: Option<&Nonce>) -> Vec<u8> {
        let mut greeting = Vec::with_capacity(512);
        let ip = peer.ip().to_string();
        facts.info.render(
            &InfoClient {
                id,
                ip: &ip,
                nonce: nonce.map_or("", Nonce::as_str),
                bound: None,
            },
            &mut greeting,
        );
        greeting
    }
}

impl Language for Nats {
    type Session = NatsSession;

    fn open(&mut self, peer: SocketAddr, id: ConnectionId, now: Instant) -> (NatsSession, Vec<u8>) {
        let (facts, _) = self.live.current();
        let nonce = Self::nonce(&facts);
        let greeting = Self::greeting(&facts, peer, id, nonce.as_ref());
        (
            NatsSession::new(self.live.clone(), peer, id, nonce, now),
            greeting,
        )
    }

    fn refuse(&mut self, peer: SocketAddr, id: ConnectionId) -> Vec<u8> {
        let (facts, _) = self.live.current();
        let mut last_words = Self::greeting(&facts, peer, id, None);
        Complaint::MaximumConnections.append(&mut last_words);
        last_words
    }
}

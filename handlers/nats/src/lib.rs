//! The NATS client protocol as a language of connections.
//!
//! A [`NatsSession`] decides what an operation of a client means; the turn it is given carries that out.

mod authentication;
mod heartbeat;
mod publishing;
mod session;
mod subscribing;
mod trace;

pub use session::NatsSession;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use vagus_actors::ConnectionId;
use vagus_actors::reception::Language;
use vagus_auth::credentials::Credentials;
use vagus_configs::Limits;
use vagus_protocol::error::Complaint;
use vagus_protocol::info::{Info, InfoClient};

/// What a server is to all of its NATS clients.
#[derive(Debug)]
pub struct Facts {
    /// What INFO says to each.
    pub info: Info,
    /// What each may ask for.
    pub limits: Limits,
    /// What each has to present first.
    pub credentials: Credentials,
    /// How much of a payload a TRC line shows, in bytes; 0 for all of it.
    pub max_traced_payload: usize,
}

/// NATS, as clients speak it.
#[derive(Debug, Clone)]
pub struct Nats {
    facts: Arc<Facts>,
}

impl Nats {
    /// The language of a server's clients.
    pub fn new(facts: Arc<Facts>) -> Self {
        Self { facts }
    }

    fn greeting(&self, peer: SocketAddr, id: ConnectionId) -> Vec<u8> {
        let mut greeting = Vec::with_capacity(512);
        let ip = peer.ip().to_string();
        self.facts.info.render(
            &InfoClient {
                id,
                ip: &ip,
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
        (
            NatsSession::new(self.facts.clone(), peer, id, now),
            self.greeting(peer, id),
        )
    }

    fn refuse(&mut self, peer: SocketAddr, id: ConnectionId) -> Vec<u8> {
        let mut last_words = self.greeting(peer, id);
        Complaint::MaximumConnections.append(&mut last_words);
        last_words
    }
}

//! Where connections that were placed on an arbiter become actors.
//!
//! The role of a Reception is to open connections of one language on one arbiter: it turns sockets into
//! sessions. There is one for each listener and arbiter.

use crate::arbiter::LocalArbiter;
use crate::connection::{Connection, Session, Surroundings};
use crate::listener::Accepted;
use crate::mailbox::Observe;
use crate::outbox::ConnectionId;
use actix::prelude::*;
use serde::Serialize;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// A language that peers of a listener speak.
pub trait Language: Send + Unpin + 'static {
    /// The state machine of one peer.
    type Session: Session;

    /// The session of a new peer, and what is said to it first.
    fn open(&mut self, peer: SocketAddr, id: ConnectionId, now: Instant) -> (Self::Session, Vec<u8>);

    /// What is said, instead, to a peer for which there is no room.
    fn refuse(&mut self, peer: SocketAddr, id: ConnectionId) -> Vec<u8>;
}

/// Opens the connections of one language on one arbiter.
pub struct Reception<L: Language> {
    language: L,
    arbiter: LocalArbiter,
    surroundings: Arc<Surroundings>,
    opened: u64,
    refused: u64,
}

/// What a [`Reception`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceptionState {
    /// Connections opened since the start.
    pub opened: u64,
    /// Connections for which there was no room.
    pub refused: u64,
}

impl<L: Language> Reception<L> {
    /// Opens connections on this arbiter.
    pub fn new(language: L, arbiter: LocalArbiter, surroundings: Arc<Surroundings>) -> Self {
        Self {
            language,
            arbiter,
            surroundings,
            opened: 0,
            refused: 0,
        }
    }

    fn open(&mut self, Accepted { socket, peer }: Accepted) {
        // Messages are handed over in batches already; waiting for more would only add latency.
        if let Err(error) = socket.set_nodelay(true) {
            log::debug!("{peer} - {error}");
            return;
        }
        let shared = self.arbiter.borrow().shared.clone();
        let id = shared.next_connection_id();
        let (bounds, _) = self.surroundings.bounds.current();
        if !shared.admit(bounds.max_connections) {
            self.refused += 1;
            self.refuse(socket, peer, id);
            return;
        }
        self.opened += 1;
        let (session, greeting) = self.language.open(peer, id, Instant::now());
        let (arbiter, surroundings) = (self.arbiter.clone(), self.surroundings.clone());
        match Connection::open(socket, peer, id, arbiter, surroundings, session, &greeting) {
            Ok(_) => log::debug!("{peer} - cid:{id} - Client connection created"),
            Err(error) => {
                shared.dismiss();
                log::error!("{peer} - cid:{id} - {error}");
            }
        }
    }

    fn refuse(&mut self, mut socket: std::net::TcpStream, peer: SocketAddr, id: ConnectionId) {
        log::error!("{peer} - cid:{id} - maximum connections exceeded");
        // A fresh socket takes a few hundred bytes at once, or its peer is gone.
        let _ = socket.write_all(&self.language.refuse(peer, id));
        let _ = socket.shutdown(std::net::Shutdown::Write);
    }
}

impl<L: Language> Actor for Reception<L> {
    type Context = Context<Self>;
}

impl<L: Language> Handler<Accepted> for Reception<L> {
    type Result = ();

    fn handle(&mut self, accepted: Accepted, _: &mut Context<Self>) {
        self.open(accepted);
    }
}

impl<L: Language> Handler<Observe<ReceptionState>> for Reception<L> {
    type Result = MessageResult<Observe<ReceptionState>>;

    fn handle(&mut self, _: Observe<ReceptionState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(ReceptionState {
            opened: self.opened,
            refused: self.refused,
        })
    }
}

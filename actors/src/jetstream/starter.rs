//! Where streams become actors: on arbiters that carry no connections.

use super::account::AccountStreams;
use super::server::Server;
use super::stream::{Found, Stream, StreamAddress};
use crate::mailbox::end_if_panicking;
use actix::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::oneshot;
use vagus_delivery::arbiter::LocalArbiter;

/// Starts the streams of one arbiter.
pub struct Starter {
    arbiter: LocalArbiter,
}

/// A stream is to be an actor.
#[derive(Message)]
#[rtype(result = "StreamAddress")]
struct Start {
    server: Arc<Server>,
    account: Arc<AccountStreams>,
    found: Found,
    in_force: oneshot::Sender<()>,
}

impl Starter {
    /// For this arbiter, on the thread of which it is to be started.
    pub fn new(arbiter: LocalArbiter) -> Self {
        Self { arbiter }
    }
}

impl Actor for Starter {
    type Context = Context<Self>;
}

impl Drop for Starter {
    fn drop(&mut self) {
        end_if_panicking("A Starter of streams");
    }
}

impl Handler<Start> for Starter {
    type Result = MessageResult<Start>;

    fn handle(&mut self, start: Start, _: &mut Context<Self>) -> Self::Result {
        let Start {
            server,
            account,
            found,
            in_force,
        } = start;
        MessageResult(Stream::start(
            server,
            account,
            self.arbiter.clone(),
            found,
            in_force,
        ))
    }
}

/// The arbiters that carry streams: each next stream is the next one's.
#[derive(Debug)]
pub(super) struct Starters {
    server: Arc<Server>,
    all: Vec<Addr<Starter>>,
    next: AtomicUsize,
}

impl Starters {
    pub(super) fn new(server: Arc<Server>, all: Vec<Addr<Starter>>) -> Self {
        Self {
            server,
            all,
            next: AtomicUsize::new(0),
        }
    }

    /// Has a stream be an actor; `in_force` is told when it takes in what is published. None: the server is at its end.
    pub(super) async fn start(
        &self,
        account: Arc<AccountStreams>,
        found: Found,
        in_force: oneshot::Sender<()>,
    ) -> Option<StreamAddress> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let starter = self.all.get(next.checked_rem(self.all.len())?)?;
        let start = Start {
            server: self.server.clone(),
            account,
            found,
            in_force,
        };
        starter.send(start).await.ok()
    }
}

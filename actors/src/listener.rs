//! Accepting connections, and placing them on arbiters.
//!
//! The role of the Listener is to decide which arbiter carries a connection: pack, then spread. Two
//! connections that talk to each other cost half as much on one arbiter as on two, so new ones go to the
//! first as long as it has time and few connections; after that to the one with the least to do.

use crate::arbiter::{ArbiterCounters, Arbiters};
use crate::mailbox::{Observe, tell_recipient};
use crate::supervision::end_if_panicking;
use actix::prelude::*;
use rustix::io::Errno;
use serde::Serialize;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Sleep, sleep};

/// The first arbiter is busy from this many thousandths of its time.
const BUSY: u64 = 600;

/// The first arbiter gets no more than this many connections before the others get some.
const PACKED: u64 = 64;

/// How many connections are accepted before other actors get their turn.
const ACCEPTED_PER_TURN: usize = 64;

/// How long the listener rests when the system has no descriptors or memory left.
const REST: Duration = Duration::from_millis(50);

/// A connection that has been accepted, on its way to the arbiter that will carry it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Accepted {
    /// The socket, which does not block.
    pub socket: TcpStream,
    /// Its other end; an IPv4 address is given as such even on a listener for both families.
    pub peer: SocketAddr,
}

/// Has a Listener close its socket: nobody can connect from the answer on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopAccepting;

/// The acceptor of one port.
pub struct Listener {
    /// None once nobody is accepted any more.
    socket: Option<TcpListener>,
    receptions: Vec<Recipient<Accepted>>,
    arbiters: Arc<Arbiters>,
    accepted: u64,
}

/// What a [`Listener`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListenerState {
    /// Whether anybody can connect.
    pub accepting: bool,
    /// Connections accepted since the start.
    pub accepted: u64,
    /// Connections that each arbiter carries now.
    pub connections: Vec<u64>,
}

impl Listener {
    /// Accepts from a socket that does not block, for the receptions of all arbiters in order. Call it inside
    /// the runtime that is to watch the socket.
    ///
    /// # Errors
    /// When the socket cannot be watched.
    pub fn new(
        socket: std::net::TcpListener,
        receptions: Vec<Recipient<Accepted>>,
        arbiters: Arc<Arbiters>,
    ) -> io::Result<Self> {
        Ok(Self {
            socket: Some(TcpListener::from_std(socket)?),
            receptions,
            arbiters,
            accepted: 0,
        })
    }

    fn place(&mut self, accepted: Accepted) {
        self.accepted += 1;
        let arbiter = place(&self.arbiters.counters);
        if let Some(reception) = self.receptions.get(arbiter) {
            // One message an accepted connection; the system's limit on descriptors bounds them.
            tell_recipient(reception, accepted);
        }
    }
}

/// Which arbiter carries the next connection.
fn place(arbiters: &[ArbiterCounters]) -> usize {
    let Some(first) = arbiters.first() else {
        return 0;
    };
    if first.load() < BUSY && first.connections() < PACKED {
        return 0;
    }
    let by_load = |arbiter: &ArbiterCounters| (arbiter.load() / 100, arbiter.connections());
    (0..arbiters.len())
        .min_by_key(|number| by_load(&arbiters[*number]))
        .unwrap_or(0)
}

impl Drop for Listener {
    fn drop(&mut self) {
        end_if_panicking("The Listener");
    }
}

impl Actor for Listener {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.spawn(Accepting { rest: None });
    }
}

/// Accepts for as long as the listener has a socket.
struct Accepting {
    rest: Option<Pin<Box<Sleep>>>,
}

impl ActorFuture<Listener> for Accepting {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        listener: &mut Listener,
        _: &mut Context<Listener>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        let accepting = &mut *self;
        for _ in 0..ACCEPTED_PER_TURN {
            if let Some(rest) = &mut accepting.rest {
                ready!(rest.as_mut().poll(task));
                accepting.rest = None;
            }
            let Some(socket) = &listener.socket else {
                return Poll::Ready(());
            };
            match ready!(socket.poll_accept(task)).and_then(accepted) {
                Ok(accepted) => listener.place(accepted),
                // Whoever it was is gone already; the next may be there.
                Err(error) if concerns_one_peer(&error) => {}
                Err(error) => {
                    log::error!("Error accepting a connection: {error}");
                    accepting.rest = Some(Box::pin(sleep(REST)));
                }
            }
        }
        task.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Takes the socket from this arbiter's runtime: another may carry it.
fn accepted((socket, mut peer): (tokio::net::TcpStream, SocketAddr)) -> io::Result<Accepted> {
    peer.set_ip(peer.ip().to_canonical());
    Ok(Accepted {
        socket: socket.into_std()?,
        peer,
    })
}

fn concerns_one_peer(error: &io::Error) -> bool {
    let peers = [
        Errno::CONNABORTED,
        Errno::CONNRESET,
        Errno::NOTCONN,
        Errno::INTR,
        Errno::PROTO,
    ];
    error
        .raw_os_error()
        .is_some_and(|code| peers.iter().any(|errno| errno.raw_os_error() == code))
}

impl Handler<StopAccepting> for Listener {
    type Result = ();

    fn handle(&mut self, _: StopAccepting, _: &mut Context<Self>) {
        self.socket = None;
    }
}

impl Handler<Observe<ListenerState>> for Listener {
    type Result = MessageResult<Observe<ListenerState>>;

    fn handle(&mut self, _: Observe<ListenerState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(ListenerState {
            accepting: self.socket.is_some(),
            accepted: self.accepted,
            connections: self
                .arbiters
                .counters
                .iter()
                .map(ArbiterCounters::connections)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{ArbiterCounters, BUSY, PACKED, place};

    fn arbiters(state: &[(u64, u64)]) -> Vec<ArbiterCounters> {
        let arbiter = |&(load, connections): &(u64, u64)| {
            let counters = ArbiterCounters::default();
            counters.set_load(load);
            (0..connections).for_each(|_| counters.connection_placed());
            counters
        };
        state.iter().map(arbiter).collect()
    }

    #[track_caller]
    fn check(state: &[(u64, u64)], expected: usize) {
        assert_eq!(place(&arbiters(state)), expected, "{state:?}");
    }

    #[test]
    fn packs_then_spreads() {
        check(&[(0, 0), (0, 0)], 0);
        check(&[(BUSY - 1, PACKED - 1), (0, 0)], 0);
        check(&[(BUSY, 1), (0, 0)], 1);
        check(&[(0, PACKED), (0, 0)], 1);
        check(&[(0, PACKED), (0, PACKED)], 0);
        check(&[(900, 2), (950, 1), (100, 30)], 2);
        check(&[], 0);
    }
}

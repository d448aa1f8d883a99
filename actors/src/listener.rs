//! Accepting connections.
//!
//! The role of the Listener is to have each connection placed on an arbiter, and to hold out where the system gives no
//! more of them.

use crate::mailbox::{Observe, end_if_panicking, tell_recipient};
use crate::placement::{Placed, Placement};
use actix::prelude::*;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use rustix::io::Errno;
use serde::Serialize;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::time::{Sleep, sleep};
use vagus_delivery::arbiter::{ArbiterCounters, Arbiters};

/// How many connections are accepted before other actors get their turn.
const ACCEPTED_PER_TURN: usize = 64;

/// How long the listener rests when the system has no descriptors or memory left: twice as long each time, from the first
/// to the second, as nats-server does.
const REST: Duration = Duration::from_millis(10);
const LONGEST_REST: Duration = Duration::from_secs(1);

/// How long it says nothing more of such a time.
const SILENCE: Duration = Duration::from_secs(10);

/// Has a Listener close its socket: nobody can connect from the answer on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopAccepting;

/// The acceptor of one port.
pub struct Listener {
    /// None once nobody is accepted any more.
    socket: Option<TcpListener>,
    receptions: Vec<Recipient<Placed>>,
    arbiters: Arc<Arbiters>,
    expects_handshakes: Box<dyn Fn() -> bool + Send>,
    /// What nobody is accepted before.
    opening: Option<LocalBoxFuture<'static, ()>>,
    accepted: u64,
}

/// What a [`Listener`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListenerState {
    /// Whether anybody can connect.
    pub accepting: bool,
    /// Connections accepted since the start.
    pub accepted: u64,
    /// Connections that are placed on each arbiter now.
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
        receptions: Vec<Recipient<Placed>>,
        arbiters: Arc<Arbiters>,
    ) -> io::Result<Self> {
        Ok(Self {
            socket: Some(TcpListener::from_std(socket)?),
            receptions,
            arbiters,
            expects_handshakes: Box::new(|| false),
            opening: None,
            accepted: 0,
        })
    }

    /// Has this asked whether connections begin with a handshake now, which costs more than most do later.
    #[must_use]
    pub fn expecting_handshakes(mut self, expected: impl Fn() -> bool + Send + 'static) -> Self {
        self.expects_handshakes = Box::new(expected);
        self
    }

    /// Has it accept nobody before this is done. Who connects meanwhile waits in the system's queue.
    #[must_use]
    pub fn opening_after(mut self, done: impl Future<Output = ()> + 'static) -> Self {
        self.opening = Some(done.boxed_local());
        self
    }

    fn place(&mut self, socket: TcpStream, peer: SocketAddr) {
        self.accepted += 1;
        let place = Placement::choose(&self.arbiters, (self.expects_handshakes)());
        if let Some(reception) = self.receptions.get(place.arbiter()) {
            // One message an accepted connection; the system's limit on descriptors bounds them.
            let placed = Placed {
                socket,
                peer,
                place,
                outcome: None,
                errand: None,
            };
            tell_recipient(reception, placed);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        end_if_panicking("The Listener");
    }
}

impl Actor for Listener {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.spawn(Accepting::default());
    }
}

/// Accepts for as long as the listener has a socket.
#[derive(Default)]
struct Accepting {
    rest: Option<Pin<Box<Sleep>>>,
    hardship: Hardship,
}

/// What there is to say and to do while the system gives no connections.
#[derive(Debug, Default)]
struct Hardship {
    rest: Duration,
    said: Option<Instant>,
    unsaid: u64,
}

impl Hardship {
    /// One more failure: how long to rest, and of how many more there is to be told than of this one, if it is time to
    /// tell of any.
    fn failed(&mut self, now: Instant) -> (Duration, Option<u64>) {
        self.rest = (self.rest * 2).clamp(REST, LONGEST_REST);
        let is_quiet = self.said.is_some_and(|said| now.duration_since(said) < SILENCE);
        if is_quiet {
            self.unsaid += 1;
            return (self.rest, None);
        }
        self.said = Some(now);
        (self.rest, Some(std::mem::take(&mut self.unsaid)))
    }

    fn is_over(&mut self) {
        self.rest = Duration::ZERO;
    }
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
        if let Some(opening) = &mut listener.opening {
            ready!(opening.as_mut().poll(task));
            listener.opening = None;
        }
        for _ in 0..ACCEPTED_PER_TURN {
            if let Some(rest) = &mut accepting.rest {
                ready!(rest.as_mut().poll(task));
                accepting.rest = None;
            }
            let Some(socket) = &listener.socket else {
                return Poll::Ready(());
            };
            match ready!(socket.poll_accept(task)).and_then(accepted) {
                Ok((socket, peer)) => {
                    accepting.hardship.is_over();
                    listener.place(socket, peer);
                }
                // That one is gone already; the next may be there.
                Err(error) if concerns_one_peer(&error) => {}
                Err(error) => {
                    let (rest, unsaid) = accepting.hardship.failed(Instant::now());
                    if let Some(unsaid) = unsaid {
                        tell_of_failure(&error, rest, unsaid);
                    }
                    accepting.rest = Some(Box::pin(sleep(rest)));
                }
            }
        }
        task.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Takes the socket from this arbiter's runtime: another may carry it.
fn accepted((socket, mut peer): (tokio::net::TcpStream, SocketAddr)) -> io::Result<(TcpStream, SocketAddr)> {
    peer.set_ip(peer.ip().to_canonical());
    Ok((socket.into_std()?, peer))
}

fn tell_of_failure(error: &io::Error, rest: Duration, unsaid: u64) {
    let rest = rest.as_millis();
    match unsaid {
        0 => log::error!("Temporary Client Accept Error({error}), sleeping {rest}ms"),
        _ => log::error!(
            "Temporary Client Accept Error({error}), sleeping {rest}ms; {unsaid} more were not told"
        ),
    }
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
                .of_connections()
                .iter()
                .map(ArbiterCounters::connections)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Hardship, LONGEST_REST, REST, SILENCE};
    use std::time::{Duration, Instant};

    #[test]
    fn rests_longer_and_longer_and_says_it_once() {
        let (mut hardship, mut now) = (Hardship::default(), Instant::now());
        assert_eq!(hardship.failed(now), (REST, Some(0)));
        assert_eq!(hardship.failed(now), (REST * 2, None));
        let mut failures = 2;
        let end = now + Duration::from_secs(5);
        while now < end {
            let (rest, told) = hardship.failed(now);
            assert_eq!(told, None);
            assert!(rest <= LONGEST_REST);
            failures += 1;
            now += rest;
        }
        assert!(failures < 15, "{failures}");
        assert_eq!(hardship.failed(now + SILENCE), (LONGEST_REST, Some(failures - 1)));
    }

    /// One that could be accepted in between does not have it all told anew.
    #[test]
    fn goes_on_when_one_gets_through() {
        let (mut hardship, now) = (Hardship::default(), Instant::now());
        hardship.failed(now);
        hardship.failed(now);
        hardship.is_over();
        assert_eq!(hardship.failed(now), (REST, None));
    }
}

//! Where connections that were placed on an arbiter become actors.
//!
//! The role of a Reception is to open connections of one language on one arbiter: it turns sockets into
//! sessions. There is one for each listener and arbiter. A language may want to talk to a peer first; that is a task
//! of its own, so that nobody waits for a peer that is slow, and what it holds is freed with it.

use crate::connection::{Connection, ConnectionNames, Session, Surroundings};
use crate::flood::REFUSED_CONNECTIONS;
use crate::mailbox::{Observe, tell};
use crate::monitor::{ConnectionClosed, ConnectionLeft, ConnectionOpening};
use crate::observed::ClosedConnection;
use crate::placement::{Placed, Placement};
use actix::prelude::*;
use futures_util::future::abortable;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use vagus_delivery::Account;
use vagus_delivery::arbiter::LocalArbiter;
use vagus_delivery::dialer::OutcomeSender;
use vagus_delivery::wire::{Direction, Entrance, Errand, Handshakes, LastWords};
use vagus_protocol::error::CloseReason;
use vagus_routing::ConnectionId;

/// How many that were refused are given the time to hear it. Of more, some may not.
const LINGERING_AT_MOST: usize = 256;

/// A language that peers of a listener speak.
pub trait Language: Send + Unpin + 'static {
    /// The state machine of one peer.
    type Session: Session;

    /// How the log calls connections of this language.
    fn names(&self) -> ConnectionNames {
        ConnectionNames::CLIENTS
    }

    /// What follows that a connection was created in the log, for one that was dialled on this errand.
    fn remark(&self, errand: Option<&Errand>) -> String {
        let _ = errand;
        String::new()
    }

    /// The session of a new peer, and what is said to it first; or how to get there.
    fn open(&mut self, entrance: Entrance) -> Opening<Self::Session>;

    /// What is said, instead, to a peer for which there is no room.
    fn refuse(&mut self, peer: SocketAddr, id: ConnectionId) -> Vec<u8>;
}

/// How a connection begins.
pub enum Opening<S> {
    /// At once.
    Done(Opened<S>),
    /// Something has to be agreed upon with the peer, for which there is a time limit.
    UnderWay(OpeningTask<S>),
}

/// What is done before there is a session. It ends in bounded time.
pub type OpeningTask<S> = Pin<Box<dyn Future<Output = Result<Arrived<S>, Unopened>>>>;

/// What talking to a peer first came to.
pub enum Arrived<S> {
    /// There is a session.
    Here(Opened<S>),
    /// It speaks the language that is spoken [elsewhere](Reception::sending_on_to).
    Elsewhere(Entrance),
}

impl<S> From<Opened<S>> for Arrived<S> {
    fn from(opened: Opened<S>) -> Self {
        Self::Here(opened)
    }
}

/// A peer and the session that is going to be talked to.
pub struct Opened<S> {
    /// The peer.
    pub entrance: Entrance,
    /// The state machine of the connection.
    pub session: S,
    /// The account of one that is admitted without a login. Others are bound to theirs by the session.
    pub account: Option<Arc<Account>>,
    /// What is said first.
    pub greeting: Vec<u8>,
}

/// A peer with which it came to no session. It has been told so, and logged, as far as that is due.
#[derive(Debug)]
pub struct Unopened {
    /// Who it was.
    pub peer: SocketAddr,
    /// Why.
    pub reason: CloseReason,
    /// Its socket, if it has been told something that it should hear.
    pub last_words: Option<LastWords>,
}

/// Opens the connections of one language on one arbiter.
pub struct Reception<L: Language> {
    language: L,
    arbiter: LocalArbiter,
    surroundings: Arc<Surroundings>,
    counts: Counts,
    refused: u64,
    lingering: Rc<Cell<usize>>,
    handshakes: Rc<Handshakes>,
    elsewhere: Option<Door>,
}

/// How many connections a Reception opens, has opened, and has not.
#[derive(Debug, Clone, Default)]
struct Counts {
    opened: Rc<Cell<u64>>,
    opening: Rc<Cell<usize>>,
    unopened: Rc<Cell<u64>>,
}

/// By this a Reception lets in those who came to another one, on the same arbiter.
#[derive(Clone)]
pub struct Door(Rc<dyn Fn(Entrance, Placement)>);

impl fmt::Debug for Door {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Door").finish_non_exhaustive()
    }
}

/// What a [`Reception`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceptionState {
    /// Connections opened since the start.
    pub opened: u64,
    /// Connections that are being opened.
    pub opening: usize,
    /// Peers with which it came to no session.
    pub unopened: u64,
    /// Connections for which there was no room.
    pub refused: u64,
}

/// One more of those that are being opened or that linger, for as long as it is.
struct Counted(Rc<Cell<usize>>);

impl Counted {
    fn new(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl<L: Language> Reception<L> {
    /// Opens connections on this arbiter.
    pub fn new(language: L, arbiter: LocalArbiter, surroundings: Arc<Surroundings>) -> Self {
        Self {
            language,
            arbiter,
            surroundings,
            counts: Counts::default(),
            refused: 0,
            lingering: Rc::default(),
            handshakes: Rc::default(),
            elsewhere: None,
        }
    }

    /// The same; those who turn out to speak another language are let in there.
    #[must_use]
    pub fn sending_on_to(mut self, door: Door) -> Self {
        self.elsewhere = Some(door);
        self
    }

    fn open(
        &mut self,
        Placed {
            socket,
            peer,
            mut place,
            outcome,
            errand,
        }: Placed,
    ) {
        // Messages are handed over in batches already; waiting for more would only add latency.
        if let Err(error) = socket.set_nodelay(true) {
            log::debug!("{peer} - {error}");
            return;
        }
        let id = self.arbiter.borrow().shared.next_connection_id();
        let names = self.language.names();
        let number = names.number;
        let remark = self.language.remark(errand.as_ref());
        log::log!(names.level, "{peer} - {number}:{id} - {}{remark}", names.created);
        let (bounds, _) = self.surroundings.bounds.current();
        if self.surroundings.are_counted && !place.admit(bounds.max_connections) {
            drop(place);
            self.refused += 1;
            match outcome {
                Some(outcome) => outcome.failed(CloseReason::MaximumConnectionsExceeded.text()),
                None => self.refuse(socket, peer, id),
            }
            return;
        }
        let direction = match outcome {
            Some(_) => Direction::Dialled,
            None => Direction::Accepted,
        };
        let entrance = match Entrance::new(socket, peer, direction, id, self.handshakes.clone()) {
            Ok(entrance) => entrance,
            Err(error) => {
                log::error!("{peer} - {number}:{id} - {error}");
                return;
            }
        };
        let opening = self.language.open(entrance.on(errand));
        let on_its_way = OnItsWay {
            names,
            place,
            outcome,
            arbiter: self.arbiter.clone(),
            surroundings: self.surroundings.clone(),
            counts: self.counts.clone(),
            elsewhere: self.elsewhere.clone(),
        };
        on_its_way.go(opening, (id, peer));
    }

    fn refuse(&mut self, mut socket: TcpStream, peer: SocketAddr, id: ConnectionId) {
        let names = self.language.names();
        let number = names.number;
        REFUSED_CONNECTIONS.say(format_args!(
            "{peer} - {number}:{id} - maximum connections exceeded"
        ));
        // A fresh socket takes a few hundred bytes at once, or its peer is gone.
        let told = socket.write_all(&self.language.refuse(peer, id));
        let reason = CloseReason::MaximumConnectionsExceeded;
        tell_closed(&self.surroundings, names, id, (peer, Instant::now()), reason);
        if told.is_err() || self.lingering.get() >= LINGERING_AT_MOST {
            return;
        }
        let lingering = Counted::new(&self.lingering);
        if let Ok(last_words) = LastWords::on_socket(socket) {
            actix_rt::spawn(async move {
                last_words.linger().await;
                drop(lingering);
            });
        }
    }
}

impl<L: Language + Clone> Reception<L> {
    /// By this it lets in those who came to another one.
    pub fn door(&self) -> Door {
        let language = RefCell::new(self.language.clone());
        let (arbiter, surroundings) = (self.arbiter.clone(), self.surroundings.clone());
        let counts = self.counts.clone();
        Door(Rc::new(move |entrance, place| {
            let (id, peer) = (entrance.id(), entrance.peer());
            let names = language.borrow().names();
            log::log!(names.level, "{peer} - {}:{id} - {}", names.number, names.created);
            let opening = language.borrow_mut().open(entrance);
            let on_its_way = OnItsWay {
                names,
                place,
                outcome: None,
                arbiter: arbiter.clone(),
                surroundings: surroundings.clone(),
                counts: counts.clone(),
                elsewhere: None,
            };
            on_its_way.go(opening, (id, peer));
        }))
    }
}

/// A connection before it is one.
struct OnItsWay {
    names: ConnectionNames,
    place: Placement,
    outcome: Option<OutcomeSender>,
    arbiter: LocalArbiter,
    surroundings: Arc<Surroundings>,
    counts: Counts,
    elsewhere: Option<Door>,
}

impl OnItsWay {
    fn go<S: Session>(self, opening: Opening<S>, (id, peer): (ConnectionId, SocketAddr)) {
        let task = match opening {
            Opening::Done(opened) => return self.arrive(opened),
            Opening::UnderWay(task) => task,
        };
        let (opening, since) = (Counted::new(&self.counts.opening), Instant::now());
        let (task, end) = abortable(task);
        tell(
            &self.surroundings.monitor,
            ConnectionOpening { id, peer, since, end },
        );
        actix_rt::spawn(async move {
            let result = task.await.unwrap_or(Err(Unopened {
                peer,
                reason: CloseReason::Kicked,
                last_words: None,
            }));
            drop(opening);
            match result {
                Ok(Arrived::Here(opened)) => self.arrive(opened),
                Ok(Arrived::Elsewhere(entrance)) => self.leave(entrance),
                Err(unopened) => self.come_to_nothing(id, since, unopened).await,
            }
        });
    }

    fn arrive<S: Session>(self, opened: Opened<S>) {
        self.counts.opened.set(self.counts.opened.get() + 1);
        begin(opened, self.place, self.outcome, self.arbiter, self.surroundings);
    }

    /// It is not among those here any more. Where nobody is who speaks its language, it is gone.
    fn leave(mut self, entrance: Entrance) {
        tell(&self.surroundings.monitor, ConnectionLeft(entrance.id()));
        self.place.dismiss();
        if let Some(Door(let_in)) = self.elsewhere {
            let_in(entrance, self.place);
        }
    }

    async fn come_to_nothing(self, id: ConnectionId, since: Instant, unopened: Unopened) {
        let Unopened {
            peer,
            reason,
            last_words,
        } = unopened;
        self.counts.unopened.set(self.counts.unopened.get() + 1);
        tell_closed(&self.surroundings, self.names, id, (peer, since), reason);
        if let Some(outcome) = self.outcome {
            outcome.failed(reason.text());
        }
        if let Some(last_words) = last_words {
            // It has its place for as long as it has a socket.
            last_words.linger().await;
        }
        drop(self.place);
    }
}

/// The Monitor is told of those, too, that never were open.
fn tell_closed(
    surroundings: &Surroundings,
    names: ConnectionNames,
    id: ConnectionId,
    (peer, since): (SocketAddr, Instant),
    reason: CloseReason,
) {
    let text = reason.text();
    log::log!(
        names.level,
        "{peer} - {}:{id} - {}: {text}",
        names.number,
        names.closed
    );
    let connection = Arc::new(ClosedConnection::unopened(id, peer, since, reason));
    tell(&surroundings.monitor, ConnectionClosed { reason, connection });
}

/// From here on the Connection has the place.
fn begin<S: Session>(
    opened: Opened<S>,
    place: Placement,
    outcome: Option<OutcomeSender>,
    arbiter: LocalArbiter,
    surroundings: Arc<Surroundings>,
) {
    let Opened {
        entrance,
        session,
        account,
        greeting,
    } = opened;
    place.hand_on();
    let account = account.and_then(|account| surroundings.accounts.get(account.id()));
    Connection::open(
        entrance,
        outcome,
        arbiter,
        surroundings,
        session,
        account,
        &greeting,
    );
}

impl<L: Language> Actor for Reception<L> {
    type Context = Context<Self>;
}

impl<L: Language> Handler<Placed> for Reception<L> {
    type Result = ();

    fn handle(&mut self, placed: Placed, _: &mut Context<Self>) {
        self.open(placed);
    }
}

impl<L: Language> Handler<Observe<ReceptionState>> for Reception<L> {
    type Result = MessageResult<Observe<ReceptionState>>;

    fn handle(&mut self, _: Observe<ReceptionState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(ReceptionState {
            opened: self.counts.opened.get(),
            opening: self.counts.opening.get(),
            unopened: self.counts.unopened.get(),
            refused: self.refused,
        })
    }
}

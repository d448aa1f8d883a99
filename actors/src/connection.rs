//! The actor of one socket.
//!
//! The role of a Connection is to carry a session: it polls its socket itself, inside its actor, gives the
//! session what has come, and carries out what the session decides. It owns no buffer while idle. A panic in
//! its session costs this connection and no other.

mod carrier;
mod describing;
mod session;
mod turn;

pub use session::{ANTICIPATED, Progress, Session, SlowTask, Turn};

use crate::impact::{AssessImpact, ConnectionImpact};
use crate::mailbox::tell;
use crate::monitor::{ConnectionClosed, ConnectionOpened, Monitor};
use crate::router::{Announce, Depart, Router, Settled};
use crate::slow_work::SlowWork;
use actix::prelude::*;
use carrier::Carrier;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use turn::InboundTraffic;
use vagus_delivery::arbiter::{LocalArbiter, Timer, Unfinished};
use vagus_delivery::bounds::{Blocked, Bounds};
use vagus_delivery::dialer::OutcomeSender;
use vagus_delivery::input::Input;
use vagus_delivery::outbox::{Notices, Outbox};
use vagus_delivery::subscriptions::{Change, Subscriptions};
use vagus_delivery::wire::{Entrance, Wire};
use vagus_delivery::{Interest, Live, Moment, TimeOfDay};
use vagus_protocol::error::CloseReason;
use vagus_routing::{ConnectionId, Destination};

/// What the connections of one listener have in common.
#[derive(Debug)]
pub struct Surroundings {
    /// The account's interest.
    pub interest: Arc<Interest>,
    /// The account's router.
    pub router: Addr<Router>,
    /// Who keeps the list of connections.
    pub monitor: Addr<Monitor>,
    /// What each connection is held to now.
    pub bounds: Arc<Live<Bounds>>,
    /// Where what takes long is done.
    pub slow_work: SlowWork,
}

/// The actor of one socket, in the language of its session.
pub struct Connection<S: Session> {
    /// When it was opened, and when it last was active by its own doing.
    since: Moment,
    active: Moment,
    opened: TimeOfDay,
    wire: Wire,
    /// Where it was dialled: tells the one who did, when it is dropped, that the connection is over.
    outcome: Option<OutcomeSender>,
    outbox: Arc<Outbox>,
    arbiter: LocalArbiter,
    surroundings: Arc<Surroundings>,
    bounds: Arc<Bounds>,
    session: S,
    input: Input,
    subscriptions: Subscriptions,
    inbound: InboundTraffic,
    /// An announcement is with the Router. Nothing is read until it is settled, so there is one at most.
    announced: bool,
    /// Slow work of the session is under way. Nothing is read until it is done, so there is one piece at most.
    working: bool,
    /// What it came to, until the carrier gives it to the session.
    answer: Option<Option<S::Answer>>,
    /// What is said once it is settled, and what was published is delivered; bounded by what one read can ask for.
    deferred: Vec<u8>,
    /// What is not done to its end: more than one turn may do. Nothing is read meanwhile.
    unfinished: Option<Box<Unfinished>>,
    /// Boxed: few announcements have any of it, and all connections would pay for the room.
    following: Option<Box<Following>>,
    closing: Option<CloseReason>,
    timer: Option<(Timer, Instant)>,
    /// The socket has been full for a while.
    blocked: Option<Blocked>,
}

/// What follows an announcement once it is settled.
#[derive(Default)]
struct Following {
    /// Subscriptions of that announcement which end after a number of deliveries.
    limited: Vec<Change>,
    /// What could not be announced because an announcement was under way.
    unannounced: Vec<Change>,
}

impl<S: Session> Connection<S> {
    /// Begins a connection of which the opening is done; call it on the arbiter's own thread, inside its runtime. Its
    /// place counts already. `outcome` is dropped with it.
    pub(crate) fn open(
        entrance: Entrance,
        outcome: Option<OutcomeSender>,
        arbiter: LocalArbiter,
        surroundings: Arc<Surroundings>,
        session: S,
        greeting: &[u8],
    ) -> Addr<Self> {
        let id = entrance.id();
        let (wire, early) = entrance.into_parts();
        let now = Moment::of(Instant::now());
        let (bounds, _) = surroundings.bounds.current();
        let outbox = {
            let mut arbiter = arbiter.borrow_mut();
            arbiter.make_room(bounds.longest_line);
            let slot = arbiter.shared.slots.take();
            let number = arbiter.number;
            Outbox::new(slot, id, number, bounds.max_pending, wire.shared_socket())
        };
        if !greeting.is_empty() {
            outbox.push(&mut vec![bytes::Bytes::copy_from_slice(greeting)], 0, 0, now);
        }
        let mut input = Input::default();
        input.wait_with(&early);
        let connection = Self {
            since: now,
            active: now,
            opened: TimeOfDay::now(),
            wire,
            outcome,
            outbox: Arc::new(outbox),
            arbiter,
            surroundings,
            bounds,
            session,
            input,
            subscriptions: Subscriptions::default(),
            inbound: InboundTraffic::default(),
            announced: false,
            working: false,
            answer: None,
            deferred: Vec::new(),
            unfinished: None,
            following: None,
            closing: None,
            timer: None,
            blocked: None,
        };
        connection.start()
    }

    fn id(&self) -> ConnectionId {
        self.outbox.connection_id()
    }

    /// How the log calls it: the peer's address, the connection's number, and what the session adds.
    fn log_name(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|out| {
            write!(out, "{} - cid:{}", self.session.peer(), self.id())?;
            self.session.write_names(out)
        })
    }

    /// Tells the Router what changed. One announcement is under way at most; the rest follows it.
    fn announce(&mut self, mut changes: Vec<Change>, context: &Context<Self>) {
        if changes.is_empty() {
            return;
        }
        if self.announced {
            let following = self.following.get_or_insert_default();
            following.unannounced.append(&mut changes);
            return;
        }
        for change in &changes {
            if let Change::Limit(..) = change {
                let following = self.following.get_or_insert_default();
                following.limited.push(change.clone());
            }
        }
        self.announced = tell(
            &self.surroundings.router,
            Announce {
                changes,
                settled: Some(context.address().recipient()),
            },
        );
    }

    /// Sets the arbiter's timer for what comes first: the session's deadline or the socket's.
    fn set_timer(&mut self) {
        let write_deadline = self.blocked.map(|blocked| blocked.deadline(&self.bounds));
        let wanted = match (self.session.deadline(), write_deadline) {
            (Some(session), Some(write)) => session.min(write),
            (Some(deadline), None) | (None, Some(deadline)) => deadline,
            (None, None) => return,
        };
        // A timer that is set too early costs one look; moving it with every message would cost more.
        if self.timer.is_some_and(|(_, set)| set <= wanted) {
            return;
        }
        let mut arbiter = self.arbiter.borrow_mut();
        if let Some((timer, _)) = self.timer.take() {
            arbiter.timers.clear(timer, self.id());
        }
        let (timer, first) = arbiter.timers.set(wanted, self.id(), self.outbox.clone());
        self.timer = Some((timer, wanted));
        if first {
            arbiter.timers_changed.notify_one();
        }
    }
}

impl<S: Session> Actor for Connection<S> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        if let Some(outcome) = &self.outcome {
            outcome.opened();
        }
        let opened = ConnectionOpened {
            id: self.id(),
            outbox: self.outbox.clone(),
            describe: context.address().downgrade().recipient(),
            assess_impact: context.address().downgrade().recipient(),
        };
        tell(&self.surroundings.monitor, opened);
        // The Monitor wakes those it knows. Whatever was set before it knew this one is noticed by the first turn.
        self.outbox.notify(Notices::SETTINGS);
        self.set_timer();
        context.spawn(Carrier::new(self.input.is_waiting()));
    }
}

impl<S: Session> Drop for Connection<S> {
    /// Nothing that was held for the peer outlives the actor, however it ended.
    fn drop(&mut self) {
        let reason = self.closing.unwrap_or(CloseReason::ServerShutdown);
        let remembered = self.closed(reason);
        self.outbox.retire();
        if let Ok(mut arbiter) = self.arbiter.try_borrow_mut() {
            if let Some((timer, _)) = self.timer.take() {
                arbiter.timers.clear(timer, self.id());
            }
            arbiter.shared.counters[arbiter.number].connection_gone();
            arbiter.shared.dismiss();
        }
        let following = self.following.take();
        let changes = following.map_or_else(Vec::new, |following| following.unannounced);
        if !changes.is_empty() || !self.subscriptions.is_empty() {
            tell(
                &self.surroundings.router,
                Depart {
                    connection: self.id(),
                    changes,
                    subscriptions: self.subscriptions.depart(),
                },
            );
        }
        log::debug!(
            "{} - Client connection closed: {}",
            self.log_name(),
            reason.text()
        );
        let closed = ConnectionClosed {
            reason,
            connection: Arc::new(remembered),
        };
        tell(&self.surroundings.monitor, closed);
    }
}

impl<S: Session> Handler<Settled> for Connection<S> {
    type Result = ();

    fn handle(&mut self, _: Settled, context: &mut Context<Self>) {
        self.announced = false;
        let Some(following) = self.following.take() else {
            return;
        };
        let Following {
            limited,
            unannounced: mut changes,
        } = *following;
        for change in limited {
            // The maximum may have been reached before it was set.
            self.subscriptions
                .remove_exhausted(change.subscription(), &mut changes);
        }
        self.announce(changes, context);
        // The carrier goes on with what had to wait when it is polled, after this message.
    }
}

/// What slow work came to; nothing if there was no place for it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Answered<A: Send + 'static>(Option<A>);

impl<S: Session> Handler<Answered<S::Answer>> for Connection<S> {
    type Result = ();

    fn handle(&mut self, Answered(answer): Answered<S::Answer>, _: &mut Context<Self>) {
        self.working = false;
        self.answer = Some(answer);
    }
}

impl<S: Session> Connection<S> {
    /// Has the session's slow work done elsewhere, if it has some.
    ///
    /// Nobody keeps a connection's address, and the last that is dropped wakes it: one is made where there is use for
    /// it, not in every turn.
    fn hand_in_slow_work(&mut self, context: &Context<Self>) {
        let Some(work) = self.session.slow_work() else {
            return;
        };
        let (connection, outbox) = (context.address(), self.outbox.clone());
        let source = self.session.peer().ip();
        let handed_in = self.surroundings.slow_work.hand_in(source, move || {
            // Whoever asked may have gone while this waited.
            if outbox.is_closed() {
                return;
            }
            // One that panicked has no answer, which is as good as no place for it.
            let answer = catch_unwind(AssertUnwindSafe(work)).ok();
            tell(&connection, Answered(answer));
        });
        self.working = handed_in;
        if !handed_in {
            self.answer = Some(None);
        }
    }
}

impl<S: Session> Handler<AssessImpact> for Connection<S> {
    type Result = ConnectionImpact;

    fn handle(&mut self, AssessImpact(settings): AssessImpact, _: &mut Context<Self>) -> ConnectionImpact {
        self.session.impact_of(&*settings, &self.subscriptions.list())
    }
}

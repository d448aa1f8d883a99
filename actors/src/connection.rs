//! The actor of one socket.
//!
//! The role of a Connection is to carry a session: it polls its socket itself, inside its actor, gives the
//! session what has come, and carries out what the session decides. It owns no buffer while idle. A panic in
//! its session costs this connection and no other.

mod carrier;
mod describing;
mod repeated;
mod session;
mod several_accounts;
mod turn;
mod unannounced;
mod watching;
mod writing;

pub use repeated::RepeatedMessage;
pub use session::{ANTICIPATED, Awaited, ConnectionNames, Progress, Session, SlowTask, Turn, write_number};

use crate::accounts::{Accounts, RoutedAccount};
use crate::connection_events::ConnectionEvents;
use crate::impact::{AssessImpact, ConnectionImpact};
use crate::mailbox::tell;
use crate::monitor::{ConnectionClosed, ConnectionOpened, Monitor};
use crate::router::{Announce, Announcer, Depart, Settled};
use crate::slow_work::SlowWork;
use actix::prelude::*;
use carrier::Carrier;
use several_accounts::SeveralAccounts;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use turn::InboundTraffic;
use unannounced::Unannounced;
use vagus_delivery::arbiter::{LocalArbiter, Timer, Unfinished};
use vagus_delivery::bounds::{Blocked, Bounds};
use vagus_delivery::dialer::OutcomeSender;
use vagus_delivery::input::Input;
use vagus_delivery::outbox::{Notices, Outbox};
use vagus_delivery::subscriptions::{Change, DepartingSubscriptions, Subscriptions};
use vagus_delivery::wire::{Entrance, NewLayer, Wire};
use vagus_delivery::{Live, Membership, Moment, Passed, TimeOfDay};
use vagus_protocol::error::CloseReason;
use vagus_routing::{ConnectionId, Destination};

/// What the connections of one listener have in common.
#[derive(Debug)]
pub struct Surroundings {
    /// Those that connections may be bound to.
    pub accounts: Arc<Accounts>,
    /// Who keeps the list of connections.
    pub monitor: Addr<Monitor>,
    /// What each connection is held to now.
    pub bounds: Arc<Live<Bounds>>,
    /// Where what takes long is done.
    pub slow_work: SlowWork,
    /// Where it is told what becomes of connections.
    pub events: ConnectionEvents,
    /// Whether they are among those of which there may be only so many.
    pub are_counted: bool,
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
    /// The account in which it publishes and subscribes, once the session has admitted it.
    account: Option<RoutedAccount>,
    /// Its place there.
    membership: Option<Membership>,
    /// Announcements that are with Routers: one for each account in which something has changed at once. Nothing is read
    /// until they are settled.
    announcements: usize,
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
    /// What is put on the wire once everything that was said is written. Nothing is read meanwhile. Boxed once more, so that
    /// it is a word.
    new_layer: Option<Box<NewLayer>>,
    closing: Option<CloseReason>,
    timer: Option<(Timer, Instant)>,
    /// The socket has been full for a while.
    blocked: Option<Blocked>,
    /// What only the connection of a server has.
    several: Option<Box<SeveralAccounts>>,
}

/// What follows announcements once they are settled.
#[derive(Default)]
struct Following {
    /// Subscriptions of those announcements which end after a number of deliveries.
    limited: Vec<Change>,
    /// What could not be announced because announcements were under way.
    unannounced: Unannounced,
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
        account: Option<RoutedAccount>,
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
            let outbox = Outbox::new(slot, id, number, bounds.max_pending, wire.shared_socket());
            match session.server() {
                Some((kind, line)) => outbox.for_peer(kind, line),
                None => outbox,
            }
        };
        if !greeting.is_empty() {
            outbox.push(&mut vec![bytes::Bytes::copy_from_slice(greeting)], 0, 0, now);
        }
        let mut input = Input::default();
        input.wait_with(&early);
        let outbox = Arc::new(outbox);
        let join = |bound: &RoutedAccount| Membership::join(&bound.account, &outbox, Passed::default());
        let membership = account.as_ref().and_then(join);
        let connection = Self {
            since: now,
            active: now,
            opened: TimeOfDay::now(),
            wire,
            outcome,
            outbox,
            arbiter,
            surroundings,
            bounds,
            session,
            input,
            subscriptions: Subscriptions::default(),
            inbound: InboundTraffic::default(),
            account,
            membership,
            announcements: 0,
            working: false,
            answer: None,
            deferred: Vec::new(),
            unfinished: None,
            following: None,
            new_layer: None,
            closing: None,
            timer: None,
            blocked: None,
            several: None,
        };
        connection.start()
    }

    fn id(&self) -> ConnectionId {
        self.outbox.connection_id()
    }

    /// How the log calls it: the peer's address, the connection's number, and what the session adds.
    fn log_name(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|out| {
            write_number(&self.session, self.id(), out)?;
            self.session.write_names(out)
        })
    }

    /// Tells the Router of each account what changed there. All of it is under way at once; the rest follows that.
    fn announce(&mut self, unannounced: Unannounced, context: &Context<Self>) {
        if unannounced.is_empty() {
            return;
        }
        if self.announcements > 0 {
            let following = self.following.get_or_insert_default();
            following.unannounced.append(unannounced);
            return;
        }
        for (RoutedAccount { account, router }, changes) in unannounced {
            for change in &changes {
                if let Change::Limit(..) = change {
                    let following = self.following.get_or_insert_default();
                    following.limited.push(change.clone());
                }
            }
            let announce = Announce {
                account: account.id(),
                changes,
                announcer: Some(Announcer::Subscriber(context.address().recipient())),
            };
            self.announcements += usize::from(tell(&router, announce));
        }
    }

    /// The last word to the Routers: what was not announced, and that all subscriptions end.
    fn depart(&mut self) {
        let following = self.following.take();
        let mut unannounced = following.map_or_else(Unannounced::default, |following| following.unannounced);
        if let Some(account) = &self.account {
            // The last of them is that of the subscriptions there are.
            unannounced.of(account);
        }
        let mut subscriptions = self.subscriptions.depart();
        let mut unannounced = unannounced.into_iter().peekable();
        while let Some((account, changes)) = unannounced.next() {
            let subscriptions = match unannounced.peek() {
                Some(_) => DepartingSubscriptions::default(),
                None => std::mem::take(&mut subscriptions),
            };
            self.depart_from(&account, changes, subscriptions);
        }
        let several = self.several.take();
        for (account, mut subscriptions) in several.into_iter().flat_map(|several| several.into_others()) {
            self.depart_from(&account, Vec::new(), subscriptions.depart());
        }
    }

    fn depart_from(
        &self,
        account: &RoutedAccount,
        changes: Vec<Change>,
        subscriptions: DepartingSubscriptions,
    ) {
        if !changes.is_empty() || subscriptions.len() > 0 {
            let depart = Depart {
                connection: self.id(),
                changes,
                subscriptions,
            };
            tell(&account.router, depart);
        }
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
        if let Some(outcome) = &self.outcome
            && S::ESTABLISHED_AT_ONCE
        {
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
        if self.closing.is_none() {
            // Nobody has hung up: through layers the peer is told why. What it does not take is lost.
            self.wire.end(reason);
        }
        if let Some(outcome) = &self.outcome {
            outcome.explain(reason.text());
        }
        let remembered = self.closed(reason);
        if let Some(mut membership) = self.membership.take()
            && reason.is_slow_consumer()
        {
            membership.is_too_slow();
        }
        self.outbox.retire();
        if let Ok(mut arbiter) = self.arbiter.try_borrow_mut() {
            if let Some((timer, _)) = self.timer.take() {
                arbiter.timers.clear(timer, self.id());
            }
            arbiter.shared.counters[arbiter.number].connection_gone();
            if self.surroundings.are_counted {
                arbiter.shared.dismiss();
            }
        }
        self.depart();
        let names = self.session.names();
        log::log!(
            names.level,
            "{} - {}: {}",
            self.log_name(),
            names.closed,
            reason.text()
        );
        let connection = Arc::new(remembered);
        self.surroundings.events.ended(&connection, reason);
        let closed = ConnectionClosed { reason, connection };
        tell(&self.surroundings.monitor, closed);
    }
}

impl<S: Session> Handler<Settled> for Connection<S> {
    type Result = ();

    fn handle(&mut self, _: Settled, context: &mut Context<Self>) {
        self.announcements = self.announcements.saturating_sub(1);
        let Some(following) = self.following.take_if(|_| self.announcements == 0) else {
            return;
        };
        let Following {
            limited,
            mut unannounced,
        } = *following;
        if let Some(account) = &self.account {
            for change in limited {
                // The maximum may have been reached before it was set.
                self.subscriptions
                    .remove_exhausted(change.subscription(), unannounced.of(account));
            }
        }
        self.announce(unannounced, context);
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
            return self.wait_for_answer(context);
        };
        let (connection, outbox) = (context.address(), self.outbox.clone());
        let source = self.session.peer().ip();
        let handed_in = self.surroundings.slow_work.hand_in(source, move || {
            // The asker may have gone while this waited.
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

    /// Waits for what the session awaits, if it does.
    fn wait_for_answer(&mut self, context: &Context<Self>) {
        let Some(awaited) = self.session.awaited() else {
            return;
        };
        let connection = context.address();
        actix_rt::spawn(async move {
            let answer = awaited.await;
            tell(&connection, Answered(Some(answer)));
        });
        self.working = true;
    }
}

impl<S: Session> Handler<AssessImpact> for Connection<S> {
    type Result = ConnectionImpact;

    fn handle(&mut self, AssessImpact(settings): AssessImpact, _: &mut Context<Self>) -> ConnectionImpact {
        self.session.impact_of(&*settings, &self.subscriptions.list())
    }
}

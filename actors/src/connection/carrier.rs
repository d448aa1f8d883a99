//! The future inside a Connection that carries its bytes: polled in the actor's own task, so that no message
//! stands between the socket and the actor.

use super::Connection;
use super::session::{Progress, Session};
use super::turn::ConnectionTurn;
use super::unannounced::Unannounced;
use crate::accounts::RoutedAccount;
use crate::flood::VIOLATIONS;
use crate::observed::Extent;
use actix::prelude::*;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};
use tokio::time::{Sleep, sleep};
use vagus_delivery::Moment;
use vagus_delivery::arbiter::{
    ArbiterState, CARRIED_OVER, Delivery, Resolving, RunningTurn, Unfinished, hand_over,
};
use vagus_delivery::input::Read;
use vagus_delivery::outbox::{Attention, Flushed, Notices};
use vagus_protocol::error::CloseReason;
use vagus_routing::Destination;

/// How long a connection that is closed may take to be told why.
const FAREWELL: Duration = Duration::from_secs(1);

/// After a read of this much, in bytes, those whom the system has news for come before the next.
const LONG_READ: usize = 16 * 1024;

/// Carries the bytes of one connection.
#[derive(Default)]
pub(super) struct Carrier {
    /// Input has to wait until interest is in force, or until others had their turn.
    waiting: bool,
    /// There is more to do than one turn may.
    spent: bool,
    pause: Option<Pin<Box<Sleep>>>,
    farewell: Option<Pin<Box<Sleep>>>,
    /// The connection is over; what still waits for it is being freed.
    over: bool,
}

impl<S: Session> ActorFuture<Connection<S>> for Carrier {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        connection: &mut Connection<S>,
        context: &mut Context<Connection<S>>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        self.over = self.over || self.carry(connection, context, task).is_ready();
        if !self.over {
            return Poll::Pending;
        }
        if connection.outbox.give_up() {
            // Others get their turn meanwhile: it may be a great deal.
            come_back(task);
            return Poll::Pending;
        }
        context.stop();
        Poll::Ready(())
    }
}

impl Carrier {
    /// For a connection whose input holds what came before there was a session, if anything did.
    pub(super) fn new(early: bool) -> Self {
        Self {
            waiting: early,
            ..Self::default()
        }
    }

    fn carry<S: Session>(
        &mut self,
        connection: &mut Connection<S>,
        context: &mut Context<Connection<S>>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        let attention = connection.outbox.attend(task.waker());
        if let Some(reason) = attention.closed {
            connection.cut_off(reason);
            return Poll::Ready(());
        }
        let now = Instant::now();
        let mut unannounced = Unannounced::default();
        if let Some(account) = &connection.account {
            for subscription in &attention.exhausted {
                connection
                    .subscriptions
                    .remove_exhausted(subscription, unannounced.of(account));
            }
        }
        // What it has published is delivered to its end, though it ends.
        if connection.closing.is_none() || connection.unfinished.is_some() {
            self.take_turn(connection, &attention, now, &mut unannounced, task);
        }
        connection.announce(unannounced, context);
        connection.watch(context);
        if connection.closing.is_none() && !connection.working {
            connection.hand_in_slow_work(context);
            if connection.answer.is_some() {
                // There was no place for it: the session is told at once.
                task.waker().wake_by_ref();
            }
        }
        if self.write(connection, now, task).is_ready() {
            return Poll::Ready(());
        }
        connection.set_timer();
        Poll::Pending
    }

    /// Gives the session time and input, and hands over what it published.
    fn take_turn<S: Session>(
        &mut self,
        connection: &mut Connection<S>,
        attention: &Attention,
        now: Instant,
        unannounced: &mut Unannounced,
        task: &mut TaskContext<'_>,
    ) {
        if self
            .pause
            .as_mut()
            .is_some_and(|pause| pause.as_mut().poll(task).is_ready())
        {
            self.pause = None;
        }
        let notices = attention.notices;
        if notices.hold(Notices::TIMER) {
            connection.timer = None;
        }
        let arbiter = connection.arbiter.clone();
        let mut arbiter = arbiter.borrow_mut();
        let arbiter = &mut *arbiter;
        let running = RunningTurn::begin(&arbiter.shared, arbiter.number);
        let moment = Moment::of(now);
        arbiter.delivery.staging.begin_turn(moment);
        self.spent = false;
        let published_before = connection.inbound.messages;
        let to_look_at = Notices::SETTINGS.and(Notices::NO_ROOM).and(Notices::LAME_DUCK);
        if connection.closing.is_none() && notices.hold(to_look_at) {
            connection.look_at(notices, arbiter, now, unannounced);
        }
        if notices.hold(Notices::TIMER)
            && connection.closing.is_none()
            && connection
                .session
                .deadline()
                .is_some_and(|deadline| deadline <= now)
        {
            connection.with_turn(&mut arbiter.delivery, now, unannounced, |session, turn| {
                session.time(turn)
            });
        }
        if let Some(answer) = connection.answer.take() {
            connection.with_turn(&mut arbiter.delivery, now, unannounced, |session, turn| {
                session.answered(answer, turn);
            });
        }
        if let Some(reason) = attention.dismissed {
            connection.closing.get_or_insert(reason);
        }
        if self.pause.is_none() {
            connection.go_on_delivering(&mut arbiter.delivery, now);
        }
        if connection.closing.is_none() {
            connection.tell_of_interest(&mut arbiter.delivery, now, unannounced);
        }
        let hears_more = connection.closing.is_none()
            && connection.hear_of_accounts(&mut arbiter.delivery, now, unannounced);
        self.spent |= hears_more;
        let may_go_on = !hears_more
            && connection.announcements == 0
            && !connection.working
            && connection.new_layer.is_none()
            && connection.closing.is_none();
        if may_go_on && !connection.is_delivering() && unannounced.is_empty() {
            // First what was to be said about the input before, then the input that waited for the same.
            connection.say_deferred(&mut arbiter.delivery);
            if self.pause.is_none() {
                self.take_input(connection, arbiter, now, unannounced, task);
            }
        }
        if connection.closing.is_some() && !connection.is_delivering() {
            // A message that is being resolved has not been taken.
            connection.unfinished = None;
            connection.say_deferred(&mut arbiter.delivery);
        }
        if connection.inbound.messages != published_before || !unannounced.is_empty() {
            connection.active = moment;
            if let Some(membership) = &connection.membership {
                membership.set_published(connection.inbound.passed());
            }
            if let Some(several) = &mut connection.several {
                let (account, kind) = (connection.account.as_ref(), connection.outbox.kind());
                several.count_received(account, kind, connection.inbound.passed());
            }
        }
        let pause = hand_over(arbiter, running, now);
        if let Some(several) = &mut connection.several {
            several.let_go();
        }
        if let Some(unfinished) = arbiter.delivery.take_unfinished() {
            connection.unfinished = Some(unfinished);
        }
        let waits_for_others = connection
            .unfinished
            .as_mut()
            .is_some_and(|unfinished| arbiter.leave_to_others(unfinished, &connection.outbox));
        self.spent |= connection.is_delivering();
        if let Some(pause) = pause.filter(|pause| pause.required || connection.bounds.stalls_publishers) {
            let mut pause = Box::pin(sleep(pause.length));
            if pause.as_mut().poll(task).is_pending() {
                arbiter.shared.counters[arbiter.number].count_stall();
                self.pause = Some(pause);
            }
        }
        if self.spent && self.pause.is_none() && !waits_for_others {
            come_back(task);
        }
    }

    /// What waits, then one read, as far as the turn allows.
    fn take_input<S: Session>(
        &mut self,
        connection: &mut Connection<S>,
        arbiter: &mut ArbiterState,
        now: Instant,
        unannounced: &mut Unannounced,
        task: &mut TaskContext<'_>,
    ) {
        if !arbiter.delivery.is_spent() {
            self.resume(connection, arbiter, now, unannounced);
        }
        // What is read now may have been sent after somebody subscribed: it goes by a fan-out of its own.
        arbiter.delivery.close_run();
        if arbiter.delivery.is_spent() {
            self.spent = true;
        } else if !self.waiting {
            self.read(connection, arbiter, now, unannounced, task);
        }
    }

    /// Goes on with input that had to wait.
    fn resume<S: Session>(
        &mut self,
        connection: &mut Connection<S>,
        arbiter: &mut ArbiterState,
        now: Instant,
        unannounced: &mut Unannounced,
    ) {
        if !self.waiting {
            return;
        }
        self.waiting = false;
        let waiting = connection.input.take_waiting();
        // What is read later is resolved anew, even on the same subject.
        arbiter.delivery.resume(connection.take_resolving());
        self.feed(connection, &waiting, arbiter, now, unannounced);
        arbiter.delivery.resume(None);
    }

    /// One read. The connection comes back for more after others had their turn.
    fn read<S: Session>(
        &mut self,
        connection: &mut Connection<S>,
        arbiter: &mut ArbiterState,
        now: Instant,
        unannounced: &mut Unannounced,
        task: &mut TaskContext<'_>,
    ) {
        match connection.wire.poll_read_ready(task) {
            Poll::Pending => return,
            Poll::Ready(Err(_)) => {
                connection.closing.get_or_insert(CloseReason::ReadError);
                return;
            }
            Poll::Ready(Ok(())) => {}
        }
        let mut lets_others_in = true;
        let drained = match connection.input.read(&mut connection.wire, arbiter) {
            Read::Bytes { length, drained } => {
                lets_others_in = length >= LONG_READ;
                arbiter.spin_window.turn(now, length);
                self.feed_input(connection, length, arbiter, now, unannounced);
                drained
            }
            Read::LargeFrame {
                frame,
                frame_length,
                length,
                drained,
            } => {
                lets_others_in = arbiter.lets_others_in(frame_length + length);
                self.feed(connection, &frame[..frame_length], arbiter, now, unannounced);
                arbiter.spare_buffers.give_back(frame);
                if self.waiting {
                    connection.input.wait_with(&arbiter.input[..length]);
                } else if connection.closing.is_none() {
                    self.feed_input(connection, length, arbiter, now, unannounced);
                }
                drained
            }
            Read::Incomplete { drained } => {
                // Its answer to our PING may be stuck behind what it sends.
                connection.session.heard(now);
                drained
            }
            // The read has cleared the readiness: below we ask to be told of the next bytes.
            Read::Empty => true,
            Read::End => {
                connection.closing.get_or_insert(CloseReason::ClientClosed);
                return;
            }
            Read::Failed(error) => {
                if error.kind() == io::ErrorKind::InvalidData {
                    // A layer says what the peer has done wrong.
                    VIOLATIONS.say(format_args!("{} - read error: {error}", connection.log_name()));
                }
                connection.closing.get_or_insert(CloseReason::ReadError);
                return;
            }
        };
        if !drained || connection.wire.poll_read_ready(task).is_ready() {
            match lets_others_in {
                true => come_back(task),
                false => task.waker().wake_by_ref(),
            }
        }
    }

    /// Gives the session what the arbiter's input buffer holds.
    fn feed_input<S: Session>(
        &mut self,
        connection: &mut Connection<S>,
        length: usize,
        arbiter: &mut ArbiterState,
        now: Instant,
        unannounced: &mut Unannounced,
    ) {
        // The buffer is lent for the turn; nothing else of this arbiter reads meanwhile.
        let input = std::mem::take(&mut arbiter.input);
        self.feed(connection, &input[..length], arbiter, now, unannounced);
        arbiter.input = input;
    }

    fn feed<S: Session>(
        &mut self,
        connection: &mut Connection<S>,
        bytes: &[u8],
        arbiter: &mut ArbiterState,
        now: Instant,
        unannounced: &mut Unannounced,
    ) {
        if bytes.is_empty() {
            return;
        }
        let delivery = &mut arbiter.delivery;
        let progress = connection.with_turn(delivery, now, unannounced, |session, turn| {
            session.receive(bytes, turn)
        });
        if connection.closing.is_some() {
            return;
        }
        match progress {
            Some(Progress::Taken {
                consumed,
                frame_length,
            }) if frame_length <= CARRIED_OVER && bytes.len() - consumed > arbiter.carried_at_most => {
                log::error!("{} - A line is longer than it may be", connection.log_name());
                connection.closing = Some(CloseReason::ProtocolViolation);
            }
            Some(Progress::Taken {
                consumed,
                frame_length,
            }) if consumed < bytes.len() => {
                connection
                    .input
                    .carry_over(&bytes[consumed..], frame_length, &mut arbiter.spare_buffers);
            }
            Some(progress @ (Progress::Waiting { consumed } | Progress::Yielded { consumed })) => {
                self.waiting = true;
                self.spent |= matches!(progress, Progress::Yielded { .. });
                connection.input.wait_with(&bytes[consumed..]);
            }
            Some(Progress::Taken { .. }) | None => {}
        }
    }

    /// Writes what waits. Ready when the connection is over.
    fn write<S: Session>(
        &mut self,
        connection: &mut Connection<S>,
        now: Instant,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        let written = connection.flush(task);
        match written {
            Flushed::Closed => {
                let reason = connection.outbox.close_reason();
                connection.cut_off(reason.unwrap_or(CloseReason::WriteError));
                return Poll::Ready(());
            }
            Flushed::Done => connection.blocked = None,
            Flushed::Interrupted => come_back(task),
            Flushed::Blocked | Flushed::LeftToOwner => {
                if connection.is_past_write_deadline(now) {
                    connection.cut_off(CloseReason::SlowConsumerWriteDeadline);
                    return Poll::Ready(());
                }
            }
        }
        let Some(reason) = connection.closing.filter(|_| connection.unfinished.is_none()) else {
            return Poll::Pending;
        };
        // A peer that has ended its stream may still read what it asked for.
        if reason == CloseReason::ReadError || connection.outbox.traffic().pending == 0 {
            connection.hang_up(reason);
            return Poll::Ready(());
        }
        self.farewell
            .get_or_insert_with(|| Box::pin(sleep(FAREWELL)))
            .as_mut()
            .poll(task)
    }
}

impl<S: Session> Connection<S> {
    /// Runs a session's method with its world. A panic in it closes this connection alone.
    pub(super) fn with_turn<R>(
        &mut self,
        delivery: &mut Delivery,
        now: Instant,
        unannounced: &mut Unannounced,
        method: impl FnOnce(&mut S, &mut ConnectionTurn<'_>) -> R,
    ) -> Option<R> {
        let mut introduced = false;
        let mut turn = ConnectionTurn {
            now,
            delivery,
            accounts: &self.surroundings.accounts,
            account: &mut self.account,
            membership: &mut self.membership,
            outbox: &self.outbox,
            subscriptions: &mut self.subscriptions,
            inbound: &mut self.inbound,
            unannounced,
            announced: self.announcements > 0,
            deferred: &mut self.deferred,
            new_layer: &mut self.new_layer,
            closing: &mut self.closing,
            introduced: &mut introduced,
            several: &mut self.several,
            outcome: &mut self.outcome,
        };
        let session = &mut self.session;
        let result = catch_unwind(AssertUnwindSafe(|| method(session, &mut turn)));
        if introduced {
            self.tell_admitted(now);
        }
        match result {
            Ok(result) => Some(result),
            Err(_) => {
                self.panicked(delivery);
                None
            }
        }
    }

    /// Tells those who want to know that the peer is in.
    #[cold]
    fn tell_admitted(&self, now: Instant) {
        if let Some(RoutedAccount { account, .. }) = &self.account {
            let state = || self.state(now, Extent::State);
            self.surroundings.events.admitted(account.name(), state);
        }
    }

    /// The session has panicked: that closes this connection alone.
    #[cold]
    fn panicked(&mut self, delivery: &mut Delivery) {
        let (peer, id, number) = (self.session.peer(), self.id(), self.session.names().number);
        log::error!("{peer} - {number}:{id} - Internal error, closing the connection");
        delivery.discard();
        self.closing.get_or_insert(CloseReason::ProtocolViolation);
    }

    /// Whether something that it published is not delivered to its end.
    fn is_delivering(&self) -> bool {
        self.unfinished
            .as_deref()
            .is_some_and(Unfinished::goes_on_by_itself)
    }

    /// How far earlier turns came with the subject of its next message.
    fn take_resolving(&mut self) -> Option<Resolving> {
        match *self.unfinished.take()? {
            Unfinished::Resolving(resolving) => Some(resolving),
            _ => None,
        }
    }

    /// Goes on delivering what it published in an earlier turn.
    fn go_on_delivering(&mut self, delivery: &mut Delivery, now: Instant) {
        if self.is_delivering()
            && let Some(unfinished) = self.unfinished.take()
        {
            // What it sends now waits behind that.
            self.session.heard(now);
            // A trace is the session's.
            match catch_unwind(AssertUnwindSafe(|| delivery.proceed(unfinished))) {
                Ok(unfinished) => self.unfinished = unfinished,
                Err(_) => self.panicked(delivery),
            }
        }
    }

    /// Goes by what the server is set to now, or leaves where there is no room any more.
    #[cold]
    fn look_at(
        &mut self,
        notices: Notices,
        arbiter: &mut ArbiterState,
        now: Instant,
        unannounced: &mut Unannounced,
    ) {
        if notices.hold(Notices::SETTINGS) {
            (self.bounds, _) = self.surroundings.bounds.current();
            self.outbox.set_max_pending(self.bounds.max_pending);
            arbiter.make_room(self.bounds.longest_line);
            self.with_turn(&mut arbiter.delivery, now, unannounced, |session, turn| {
                session.settings_changed(turn);
            });
        }
        if notices.hold(Notices::NO_ROOM) && self.closing.is_none() {
            self.with_turn(&mut arbiter.delivery, now, unannounced, |session, turn| {
                session.no_room(turn);
            });
        }
        if notices.hold(Notices::LAME_DUCK) && self.closing.is_none() {
            self.with_turn(&mut arbiter.delivery, now, unannounced, |session, turn| {
                session.lame_duck(turn);
            });
        }
    }

    /// Says what had to wait until interest was in force.
    fn say_deferred(&mut self, delivery: &mut Delivery) {
        if !self.deferred.is_empty() {
            delivery.close_run();
            delivery
                .staging
                .reply(&self.outbox, &std::mem::take(&mut self.deferred));
        }
    }
}

/// Has the task polled again once all others that are ready were, and those that the system has news for.
///
/// A task that wakes itself would be polled again at once, dozens of times, if no other is ready.
fn come_back(task: &mut TaskContext<'_>) {
    let yielded = std::pin::pin!(tokio::task::yield_now()).as_mut().poll(task);
    if yielded.is_ready() {
        task.waker().wake_by_ref();
    }
}

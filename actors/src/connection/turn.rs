//! What a session does to the world, carried out.

use super::session::Turn;
use std::sync::Arc;
use std::time::Instant;
use vagus_auth::permission::{Filter, ResponsePermission};
use vagus_delivery::arbiter::{Delivery, OwnMessage, Repeats, Trace};
use vagus_delivery::outbox::{Outbox, ShownDeliveries};
use vagus_delivery::subscriptions::{Change, Subscribed, Subscriptions};
use vagus_delivery::{Interest, LOOKED_AT_ONCE};
use vagus_protocol::error::CloseReason;
use vagus_protocol::operation::Publish;
use vagus_routing::Destination;

/// One turn of a connection: its own state beside that of its arbiter.
pub(super) struct ConnectionTurn<'a> {
    pub(super) now: Instant,
    pub(super) delivery: &'a mut Delivery,
    pub(super) interest: &'a Interest,
    pub(super) outbox: &'a Arc<Outbox>,
    pub(super) subscriptions: &'a mut Subscriptions,
    pub(super) inbound: &'a mut InboundTraffic,
    /// Changes of interest that the Router has not been told of.
    pub(super) changes: &'a mut Vec<Change>,
    /// The Router has been told of changes and has not answered.
    pub(super) announced: bool,
    /// What is to be said once it has.
    pub(super) deferred: &'a mut Vec<u8>,
    pub(super) closing: &'a mut Option<CloseReason>,
}

/// Counters of what one connection has published.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InboundTraffic {
    pub(super) messages: u64,
    pub(super) payload: u64,
}

impl InboundTraffic {
    #[inline]
    fn count(&mut self, payload: usize) {
        self.count_several(1, payload);
    }

    #[inline]
    fn count_several(&mut self, messages: usize, payload: usize) {
        self.messages += messages as u64;
        self.payload += (messages * payload) as u64;
    }
}

impl Turn for ConnectionTurn<'_> {
    fn now(&self) -> Instant {
        self.now
    }

    #[inline]
    fn goes_on(&mut self, message: Option<&Publish<'_>>, echo: bool) -> bool {
        let except = (!echo).then(|| self.outbox.connection_id());
        self.delivery.goes_on(self.interest, message, except) && !self.outbox.is_closed()
    }

    #[inline]
    fn publish(&mut self, message: &Publish<'_>, echo: bool) -> bool {
        debug_assert!(
            !self.interest_pending(),
            "a connection's own interest comes before what it publishes"
        );
        self.inbound.count(message.body.len());
        let except = (!echo).then(|| self.outbox.connection_id());
        self.delivery.publish(self.interest, message, except)
    }

    #[cold]
    fn publish_traced(&mut self, message: &Publish<'_>, echo: bool, trace: Box<dyn Trace>) -> bool {
        self.inbound.count(message.body.len());
        let except = (!echo).then(|| self.outbox.connection_id());
        self.delivery
            .publish_traced(self.interest, message, except, trace)
    }

    #[cold]
    fn publish_event(&mut self, trace: Box<dyn Trace>) {
        self.delivery.publish_event(self.interest, trace);
    }

    fn answer(&mut self, message: OwnMessage) {
        self.delivery.answer(self.interest, message);
    }

    #[cold]
    fn withhold(&mut self, payload: usize) {
        self.inbound.count(payload);
        self.delivery.withhold(payload);
    }

    fn anticipate(&mut self, subjects: &[&[u8]]) {
        self.delivery.anticipate(subjects);
    }

    #[inline]
    fn may_publish_again(&self, tail: usize) -> usize {
        self.delivery.may_publish_again(tail)
    }

    #[inline]
    fn publish_again(&mut self, repeats: &Repeats<'_>) {
        self.inbound.count_several(repeats.count(), repeats.payload());
        self.delivery.publish_again(repeats);
    }

    fn subscribe(&mut self, subject: &[u8], queue: Option<&[u8]>, sid: &[u8], except: Option<Filter>) {
        self.subscriptions
            .add(subject, queue, sid, except, self.outbox, self.changes);
    }

    fn is_subscribed(&self, sid: &[u8]) -> bool {
        self.subscriptions.contains(sid)
    }

    fn unsubscribe(&mut self, sid: &[u8], max: Option<u64>) {
        // What this turn has delivered to the subscription counts.
        self.delivery.pause_run();
        self.subscriptions.end(sid, max, self.changes);
    }

    fn unsubscribe_all(&mut self) {
        if !self.subscriptions.is_empty() {
            // What this turn has delivered to them counts.
            self.delivery.pause_run();
            self.changes
                .extend(self.subscriptions.depart().map(Change::Remove));
        }
    }

    fn all_interest(&self) -> Vec<Subscribed> {
        self.subscriptions.list()
    }

    fn except(&mut self, sid: &[u8], except: Option<Filter>) {
        // What this turn has delivered to the subscription counts.
        self.delivery.pause_run();
        self.subscriptions.except(sid, except, self.changes);
    }

    fn subscriptions(&self) -> usize {
        self.subscriptions.len()
    }

    fn interest_pending(&self) -> bool {
        self.announced || !self.changes.is_empty()
    }

    fn own_plain_sid(&mut self, subject: &[u8]) -> Option<Box<[u8]>> {
        let own = self.outbox.connection_id();
        let (subscription, work) = self.interest.find_plain(subject, |subscription| {
            subscription.destination().connection_id() == own
        });
        self.delivery.charge(work);
        if subscription.is_none() && work >= LOOKED_AT_ONCE {
            // Those of others may hide it.
            let (sid, work) = self.subscriptions.find_plain(subject, LOOKED_AT_ONCE);
            self.delivery.charge(work);
            return sid;
        }
        Some(subscription?.sid().into())
    }

    fn reply(&mut self, bytes: &[u8]) {
        if self.interest_pending() {
            self.deferred.extend_from_slice(bytes);
            return;
        }
        // What was delivered before goes out before.
        self.delivery.pause_run();
        if self.delivery.is_unfinished() {
            self.deferred.extend_from_slice(bytes);
            return;
        }
        self.delivery.staging.reply(self.outbox, bytes);
    }

    fn may_answer_requests(&mut self, permission: Option<ResponsePermission>) {
        if self.outbox.set_response_permission(permission) && !self.subscriptions.is_empty() {
            self.interest.versions().bump_all();
        }
    }

    fn answers_request(&mut self, subject: &[u8]) -> bool {
        self.outbox.answers_request(subject, self.now)
    }

    fn accept_headers(&mut self, accept: bool) {
        if self.outbox.accepts_headers() == accept {
            return;
        }
        self.outbox.set_accepts_headers(accept);
        if !self.subscriptions.is_empty() {
            // Routes that are held say how this connection took headers before.
            self.interest.versions().bump_all();
        }
    }

    fn set_name(&mut self, name: &str) {
        self.outbox.set_name(name);
    }

    fn show_deliveries(&mut self, shown: ShownDeliveries) {
        self.outbox.show_deliveries(shown);
    }

    fn close(&mut self, reason: CloseReason) {
        self.closing.get_or_insert(reason);
    }
}

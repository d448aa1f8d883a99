//! What a session does to the world, carried out.

use super::session::Turn;
use super::several_accounts::SeveralAccounts;
use super::unannounced::Unannounced;
use crate::accounts::{Accounts, RoutedAccount};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_accounts::TraceDefinition;
use vagus_auth::permission::{Filter, ResponsePermission};
use vagus_delivery::arbiter::{Delivery, OwnMessage, Repeats, Trace};
use vagus_delivery::dialer::OutcomeSender;
use vagus_delivery::outbox::{Outbox, Party, ShownDeliveries};
use vagus_delivery::subscriptions::{Change, Subscribed, Subscriptions};
use vagus_delivery::wire::NewLayer;
use vagus_delivery::{Account, Interest, LOOKED_AT_ONCE, Membership, Passed};
use vagus_protocol::error::CloseReason;
use vagus_protocol::operation::Publish;
use vagus_routing::{ConnectionKind, Destination, Origin, ToldOfLeafNodes};

/// One turn of a connection: its own state beside that of its arbiter.
pub(super) struct ConnectionTurn<'a> {
    pub(super) now: Instant,
    pub(super) delivery: &'a mut Delivery,
    pub(super) accounts: &'a Accounts,
    /// None until the session has admitted the connection.
    pub(super) account: &'a mut Option<RoutedAccount>,
    pub(super) membership: &'a mut Option<Membership>,
    pub(super) outbox: &'a Arc<Outbox>,
    pub(super) subscriptions: &'a mut Subscriptions,
    pub(super) inbound: &'a mut InboundTraffic,
    /// Changes of interest in this turn.
    pub(super) unannounced: &'a mut Unannounced,
    /// Routers have been told of changes, and one has not answered.
    pub(super) announced: bool,
    /// What is to be said once all have.
    pub(super) deferred: &'a mut Vec<u8>,
    /// What is to be put on the wire once everything that was said is written.
    pub(super) new_layer: &'a mut Option<Box<NewLayer>>,
    pub(super) closing: &'a mut Option<CloseReason>,
    /// Set when it is to be told that the connection is in.
    pub(super) introduced: &'a mut bool,
    /// What only a server has.
    pub(super) several: &'a mut Option<Box<SeveralAccounts>>,
    pub(super) outcome: &'a mut Option<OutcomeSender>,
}

/// Counters of what one connection has published.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InboundTraffic {
    pub(super) messages: u64,
    pub(super) payload: u64,
}

impl InboundTraffic {
    /// The same, as accounts count it.
    pub(super) fn passed(self) -> Passed {
        Passed::new(self.messages, self.payload)
    }

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

impl ConnectionTurn<'_> {
    /// The interest that the connection's own is a part of.
    fn interest(&self) -> Option<&Interest> {
        Some(self.account.as_ref()?.account.interest())
    }

    /// All subscriptions of the connection take messages in another way than before.
    fn all_have_changed(&self) {
        if let Some(RoutedAccount { account, .. }) = &*self.account {
            account.all_may_have_changed();
        }
    }
}

/// Who publishes in an account, on this connection.
#[inline]
fn origin(
    outbox: &Outbox,
    several: Option<&SeveralAccounts>,
    delivery: &mut Delivery,
    (account, echo): (&Account, bool),
) -> Origin {
    let (connection, kind) = (outbox.connection_id(), outbox.kind());
    if !kind.is_server() {
        return Origin::client(connection, account.id(), echo);
    }
    let origin = Origin::without_echo(connection, account.id(), kind);
    let origin = match several.is_some_and(SeveralAccounts::comes_home) {
        true => origin.coming_home(),
        false => origin,
    };
    match several.and_then(SeveralAccounts::leaf_cluster) {
        None => origin,
        Some((cluster, name)) => {
            delivery.set_leaf_cluster(name);
            origin.from_cluster(cluster)
        }
    }
}

impl ConnectionTurn<'_> {
    /// Enters an account that the session is not in.
    fn change_account(&mut self, name: &[u8]) -> bool {
        let several = self.several.get_or_insert_default();
        let Some((entered, subscriptions)) = several.enter(name, self.accounts) else {
            return false;
        };
        several.count_received(self.account.as_ref(), self.outbox.kind(), self.inbound.passed());
        let left = self.account.replace(entered);
        let subscriptions = std::mem::replace(self.subscriptions, subscriptions);
        if let Some(left) = left {
            several.leave(left, subscriptions);
        }
        true
    }
}

impl ConnectionTurn<'_> {
    /// The subject on which an answer goes back through gateways, if it does.
    #[inline]
    fn way_back(&self, message: &Publish<'_>) -> Option<Vec<u8>> {
        match self.outbox.has_ways_back() {
            true => self.outbox.way_back(message.subject, self.now),
            false => None,
        }
    }

    #[inline]
    fn goes_on_with(&mut self, message: Option<&Publish<'_>>, echo: bool) -> bool {
        let Some(RoutedAccount { account, .. }) = &*self.account else {
            return !self.delivery.is_spent();
        };
        let origin = origin(
            self.outbox,
            self.several.as_deref(),
            self.delivery,
            (account, echo),
        );
        self.delivery.goes_on(account, message, origin) && !self.outbox.is_closed()
    }

    /// Publishes a message on the subject that it has.
    #[inline]
    fn publish_there(&mut self, message: &Publish<'_>, echo: bool) -> bool {
        debug_assert!(
            !self.interest_pending(),
            "a connection's own interest comes before what it publishes"
        );
        self.inbound.count(message.body.len());
        let Some(RoutedAccount { account, .. }) = &*self.account else {
            return false;
        };
        let origin = origin(
            self.outbox,
            self.several.as_deref(),
            self.delivery,
            (account, echo),
        );
        if account.tells_of_clients() {
            self.delivery.set_publisher(self.outbox);
            self.delivery.measure_for_others(account, message, origin.kind());
        }
        self.delivery.publish(account, message, origin)
    }

    #[inline]
    fn publish_next_there(&mut self, message: &Publish<'_>, echo: bool) -> Option<bool> {
        let Some(RoutedAccount { account, .. }) = &*self.account else {
            return self.goes_on(None, echo).then(|| self.publish(message, echo));
        };
        let origin = origin(
            self.outbox,
            self.several.as_deref(),
            self.delivery,
            (account, echo),
        );
        if account.tells_of_clients() {
            self.delivery.set_publisher(self.outbox);
            self.delivery.measure_for_others(account, message, origin.kind());
        }
        if self.outbox.is_closed() {
            return None;
        }
        let taken = self.delivery.publish_next(account, message, origin)?;
        self.inbound.count(message.body.len());
        Some(taken)
    }
}

impl Turn for ConnectionTurn<'_> {
    fn now(&self) -> Instant {
        self.now
    }

    fn bind(&mut self, account: &Arc<Account>) -> bool {
        let bound = self.account.as_ref().map(|bound| bound.account.id());
        if bound == Some(account.id()) {
            return !self.membership.as_ref().is_some_and(Membership::is_surplus);
        }
        // It has none of its own in there yet.
        self.unsubscribe_all();
        *self.account = None;
        // What it does there does not count here.
        *self.membership = None;
        let published = self.inbound.passed();
        let Some(membership) = Membership::join(account, self.outbox, published) else {
            return false;
        };
        *self.membership = Some(membership);
        *self.account = self.accounts.get(account.id());
        true
    }

    #[inline]
    fn goes_on(&mut self, message: Option<&Publish<'_>>, echo: bool) -> bool {
        if let Some(message) = message
            && let Some(subject) = self.way_back(message)
        {
            return self.goes_on_with(
                Some(&Publish {
                    subject: &subject,
                    ..*message
                }),
                echo,
            );
        }
        self.goes_on_with(message, echo)
    }

    #[inline]
    fn publish(&mut self, message: &Publish<'_>, echo: bool) -> bool {
        if let Some(subject) = self.way_back(message)
            && self.publish_there(
                &Publish {
                    subject: &subject,
                    ..*message
                },
                echo,
            )
        {
            return true;
        }
        self.publish_there(message, echo)
    }

    #[inline]
    fn publish_next(&mut self, message: &Publish<'_>, echo: bool) -> Option<bool> {
        if self.outbox.has_ways_back() {
            return self
                .goes_on(Some(message), echo)
                .then(|| self.publish(message, echo));
        }
        self.publish_next_there(message, echo)
    }

    #[cold]
    fn publish_next_under_another_subject(&mut self, to: &[u8], message: &Publish<'_>) -> Option<bool> {
        let Some(RoutedAccount { account, .. }) = &*self.account else {
            return self.goes_on(None, false).then_some(false);
        };
        let origin = origin(
            self.outbox,
            self.several.as_deref(),
            self.delivery,
            (account, false),
        );
        if self.outbox.is_closed() {
            return None;
        }
        let taken = self
            .delivery
            .publish_next_under_another_subject(account, to, message, origin)?;
        self.inbound.count(message.body.len());
        Some(taken)
    }

    #[cold]
    fn publish_traced(&mut self, message: &Publish<'_>, echo: bool, trace: Box<dyn Trace>) -> bool {
        self.inbound.count(message.body.len());
        let Some(RoutedAccount { account, .. }) = &*self.account else {
            return false;
        };
        let origin = origin(
            self.outbox,
            self.several.as_deref(),
            self.delivery,
            (account, echo),
        );
        self.delivery.publish_traced(account, message, origin, trace)
    }

    #[cold]
    fn publish_event(&mut self, trace: Box<dyn Trace>) {
        if let Some(RoutedAccount { account, .. }) = &*self.account {
            self.delivery.publish_event(account, trace);
        }
    }

    fn answer(&mut self, message: OwnMessage) {
        if let Some(RoutedAccount { account, .. }) = &*self.account {
            self.delivery.answer(account, message);
        }
    }

    #[cold]
    fn withhold(&mut self, payload: usize) {
        self.inbound.count(payload);
        self.delivery.withhold(payload);
    }

    fn charge(&mut self, work: usize) {
        self.delivery.charge(work);
    }

    fn anticipate(&mut self, subjects: &[&[u8]]) {
        if let Some(RoutedAccount { account, .. }) = &*self.account {
            self.delivery.anticipate(account.id(), subjects);
        }
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
        if let Some(account) = &*self.account {
            let changes = self.unannounced.of(account);
            self.subscriptions
                .add(subject, queue, sid, except, self.outbox, changes);
        }
    }

    fn is_subscribed(&self, sid: &[u8]) -> bool {
        self.subscriptions.contains(sid)
    }

    fn unsubscribe(&mut self, sid: &[u8], max: Option<u64>) {
        // What this turn has delivered to the subscription counts.
        self.delivery.pause_run();
        if let Some(account) = &*self.account {
            self.subscriptions.end(sid, max, self.unannounced.of(account));
        }
    }

    fn unsubscribe_all(&mut self) {
        if !self.subscriptions.is_empty() {
            // What this turn has delivered to them counts.
            self.delivery.pause_run();
            if let Some(account) = &*self.account {
                let departing = self.subscriptions.depart().map(Change::Remove);
                self.unannounced.of(account).extend(departing);
            }
        }
    }

    fn all_interest(&self) -> Vec<Subscribed> {
        self.subscriptions.list()
    }

    fn except(&mut self, sid: &[u8], except: Option<Filter>) {
        // What this turn has delivered to the subscription counts.
        self.delivery.pause_run();
        if let Some(account) = &*self.account {
            self.subscriptions
                .except(sid, except, self.unannounced.of(account));
        }
    }

    fn subscriptions(&self) -> usize {
        self.subscriptions.len()
    }

    fn interest_pending(&self) -> bool {
        self.announced || !self.unannounced.is_empty()
    }

    fn own_plain_sid(&mut self, subject: &[u8]) -> Option<Box<[u8]>> {
        let own = self.outbox.connection_id();
        let (subscription, work) = self.interest()?.find_plain(subject, |subscription| {
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
        if self.interest_pending() || self.new_layer.is_some() {
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
            self.all_have_changed();
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
            // Fan-outs that are held say how this connection took headers before.
            self.all_have_changed();
        }
    }

    fn introduce(&mut self) {
        *self.introduced = true;
    }

    fn set_name(&mut self, name: &str) {
        self.outbox.set_name(name);
    }

    fn set_party(&mut self, party: Party) {
        self.outbox.set_party(party);
    }

    fn set_round_trip(&mut self, round_trip: Duration) {
        self.outbox.set_round_trip(round_trip);
    }

    fn show_deliveries(&mut self, shown: ShownDeliveries) {
        self.outbox.show_deliveries(shown);
    }

    fn put_layer(&mut self, layer: NewLayer) {
        debug_assert!(!self.interest_pending() && self.deferred.is_empty());
        *self.new_layer = Some(Box::new(layer));
    }

    #[inline]
    fn enter(&mut self, account: &[u8]) -> bool {
        let is_there = self
            .account
            .as_ref()
            .is_some_and(|entered| entered.account.name().as_bytes() == account);
        is_there || self.change_account(account)
    }

    fn entered(&self) -> Vec<Box<[u8]>> {
        let current = self
            .account
            .iter()
            .map(|entered| entered.account.name().as_bytes());
        let others = self.several.iter().flat_map(|several| several.names());
        current.chain(others).map(Into::into).collect()
    }

    fn weigh(&mut self, sid: &[u8], weight: u32) {
        if let Some(account) = &*self.account {
            self.subscriptions
                .weigh(sid, weight, self.unannounced.of(account));
        }
    }

    fn watch_interest(&mut self) {
        self.several.get_or_insert_default().watch();
    }

    fn take_role(&mut self, kind: ConnectionKind, cluster: &[u8], isolated: bool) {
        self.outbox.take_role(kind, cluster);
        let several = self.several.get_or_insert_default();
        several.tell_of_leaf_nodes(match isolated {
            true => ToldOfLeafNodes::Nothing,
            false => ToldOfLeafNodes::AsOwn,
        });
        several.comes_from(cluster);
    }

    fn tell_of_leaf_nodes(&mut self, told: ToldOfLeafNodes) {
        self.several.get_or_insert_default().tell_of_leaf_nodes(told);
    }

    #[inline]
    fn comes_from(&mut self, cluster: &[u8]) {
        match self.several {
            Some(several) => several.comes_from(cluster),
            None if cluster.is_empty() => {}
            None => self.several.get_or_insert_default().comes_from(cluster),
        }
    }

    fn comes_home(&mut self, comes_home: bool) {
        self.several.get_or_insert_default().set_coming_home(comes_home);
    }

    fn pass_to(&mut self, server: &Arc<Outbox>, account: &[u8], message: &Publish<'_>) {
        self.inbound.count(message.body.len());
        self.delivery.pass_to(server, account, message);
    }

    fn carry_one_account(&mut self) {
        self.outbox.carry_one_account();
    }

    fn pass_traces_on(&mut self) {
        self.outbox.set_traces();
    }

    fn context_tracing(&self) -> Option<Arc<TraceDefinition>> {
        let RoutedAccount { account, .. } = self.account.as_ref()?;
        account.publishing().context_tracing
    }

    fn tell_interest(&mut self, bytes: &[u8]) {
        self.delivery.pause_run();
        self.delivery.staging.reply(self.outbox, bytes);
    }

    fn voice(&self) -> Option<Arc<Outbox>> {
        Some(self.outbox.clone())
    }

    fn establish(&mut self) {
        if let Some(outcome) = &*self.outcome {
            outcome.opened();
        }
    }

    fn take_outcome(&mut self) -> Option<OutcomeSender> {
        self.outcome.take()
    }

    fn close(&mut self, reason: CloseReason) {
        self.closing.get_or_insert(reason);
    }
}

//! From a published message to staged bytes: the path that every message takes.

use super::counters::Traffic;
use super::staging::Staging;
use super::tail::Tail;
use crate::interest::Interest;
use crate::outbox::{ConnectionId, ConnectionSubscription, Outbox};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Instant;
use vagus_protocol::message;
use vagus_protocol::operation::Publish;
use vagus_routing::{Claim, Destination, Fanout, Prefix, RouteCache, Slot};

/// Encoded messages for a group of connections are copied to each below this size, and shared above it.
const SHARED_FROM: usize = 1024;

/// How much of a control line is shown in the log.
const SHOWN: usize = 512;

type ConnectionFanout = Fanout<Arc<Outbox>>;

/// What the connections of one arbiter need to deliver; used by one turn at a time.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(super) routes: RouteCache<Arc<Outbox>>,
    pub(crate) staging: Staging,
    run: Option<Run>,
    /// The subject of the run.
    subject: Vec<u8>,
    /// Encoded once for each group of equal sids of the run's route.
    encoded: Vec<Tail>,
    scratch: Vec<u8>,
    random: u64,
    traffic: Traffic,
}

/// Messages that follow each other on one subject.
#[derive(Debug)]
struct Run {
    route: Route,
    /// Whether every target takes the message as it came: nothing to strip, to leave out or to count down.
    straight: bool,
    with_headers: bool,
    /// The publisher, when it does not want its own messages.
    except: Option<ConnectionId>,
    /// Since the run was opened or last closed.
    messages: u64,
    payload: u64,
}

/// Where a run has its route.
#[derive(Debug)]
enum Route {
    /// In the cache: nothing is put there without ending the run first.
    Kept(Slot),
    /// Resolved for this run alone.
    Own(Arc<ConnectionFanout>),
}

impl Route {
    #[inline]
    fn fanout<'a>(&'a self, routes: &'a RouteCache<Arc<Outbox>>) -> Option<&'a Arc<ConnectionFanout>> {
        match self {
            Self::Kept(slot) => routes.fanout(*slot),
            Self::Own(route) => Some(route),
        }
    }
}

impl Delivery {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            routes: RouteCache::default(),
            staging: Staging::default(),
            run: None,
            subject: Vec::new(),
            encoded: Vec::new(),
            scratch: Vec::new(),
            random: seed | 1,
            traffic: Traffic::default(),
        }
    }

    /// Prepares for messages on these subjects.
    pub(crate) fn anticipate(&self, subjects: &[&[u8]]) {
        self.routes.anticipate(subjects);
    }

    /// Delivers a message; false if nobody took it. `except` is the publisher if it wants no echo.
    #[inline]
    pub(crate) fn publish(
        &mut self,
        interest: &Interest,
        message: &Publish<'_>,
        except: Option<ConnectionId>,
    ) -> bool {
        let with_headers = message.header_size.is_some();
        let same = self.run.as_ref().is_some_and(|run| {
            run.with_headers == with_headers && run.except == except && self.subject == message.subject
        });
        if !same {
            self.open_run(interest, message.subject, with_headers, except);
        }
        match message.tail {
            Some(tail) if self.run.as_ref().is_some_and(|run| run.straight) => {
                self.publish_again(tail, message.body.len())
            }
            _ => self.deliver_with_care(message),
        }
    }

    /// Delivers a message that nobody has published.
    pub(crate) fn answer(&mut self, interest: &Interest, subject: &[u8], payload: &[u8]) {
        let size = payload.len().to_string();
        let message = Publish {
            subject,
            reply: None,
            header_size: None,
            header_size_text: b"",
            size_text: size.as_bytes(),
            tail: None,
            body: payload,
            line_len: 0,
        };
        self.publish(interest, &message, None);
        self.close_run();
        self.traffic.messages_in = self.traffic.messages_in.saturating_sub(1);
        self.traffic.payload_in = self.traffic.payload_in.saturating_sub(payload.len() as u64);
    }

    /// Counts a message that is not delivered to anybody.
    pub(crate) fn withhold(&mut self, payload: usize) {
        self.traffic.messages_in += 1;
        self.traffic.payload_in += payload as u64;
    }

    /// Delivers one more message of the same control line as the last; false if nobody took it.
    #[inline]
    pub(crate) fn publish_again(&mut self, tail: &[u8], payload: usize) -> bool {
        let Some(run) = &mut self.run else {
            return false;
        };
        run.messages += 1;
        run.payload += payload as u64;
        let Some(route) = run.route.fanout(&self.routes) else {
            return false;
        };
        let with_headers = run.with_headers;
        let start = |prefix: Prefix| {
            if with_headers {
                route.hmsg_prefix(prefix)
            } else {
                route.msg_prefix(prefix)
            }
        };
        let (singles, shared) = (route.singles(), route.shared());
        let mut taken = !singles.is_empty() || !shared.is_empty();
        for target in singles {
            let pieces = [start(target.prefix()), tail, &[]];
            self.staging
                .message(target.subscription.destination(), pieces, payload);
        }
        for (group, encoded) in shared.iter().zip(&mut self.encoded) {
            encoded.append(start(group.prefix()));
            encoded.append(tail);
        }
        for queue in route.queues() {
            let mut candidates = queue.candidates(next_random(&mut self.random));
            let Some(member) = candidates.find(|member| takes_one(member, &self.subject)) else {
                continue;
            };
            if member.destination().records_requests()
                && let Some(reply) = message::reply_in_tail(tail, with_headers)
            {
                member.destination().record_request(reply, Instant::now());
            }
            let pieces = [start(queue.prefix()), member.sid_field(), tail];
            self.staging.message(member.destination(), pieces, payload);
            taken = true;
        }
        if self.staging.is_full() {
            self.hand_over_midway();
        }
        taken
    }

    /// Whether more messages of the same control line may go through [`Delivery::publish_again`].
    pub(crate) fn is_straight(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.straight)
    }

    fn open_run(
        &mut self,
        interest: &Interest,
        subject: &[u8],
        with_headers: bool,
        except: Option<ConnectionId>,
    ) {
        self.close_run();
        let version = interest.version(subject);
        let route = match self.routes.get(subject, version) {
            Ok(slot) => {
                self.traffic.routes_cached += 1;
                Route::Kept(slot)
            }
            Err(missing) => {
                self.traffic.routes_resolved += 1;
                let resolved = Arc::new(interest.resolve(subject));
                self.routes
                    .insert(missing, &resolved, version)
                    .map_or(Route::Own(resolved), Route::Kept)
            }
        };
        self.subject.clear();
        self.subject.extend_from_slice(subject);
        let Some(fanout) = route.fanout(&self.routes) else {
            return;
        };
        if self.encoded.len() < fanout.shared().len() {
            self.encoded.resize_with(fanout.shared().len(), Tail::default);
        }
        let leaves_out = except.is_some_and(|publisher| fanout.contains(publisher));
        // One look a run: who traces has messages one by one.
        let straight = !leaves_out && takes_as_it_comes(fanout, with_headers) && !is_traced();
        self.run = Some(Run {
            route,
            straight,
            with_headers,
            except,
            messages: 0,
            payload: 0,
        });
    }

    /// Ends the run: what is encoded for groups goes to their connections, and deliveries are counted.
    pub(crate) fn close_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.settle_run(&run);
        }
    }

    /// Like [`Delivery::close_run`], but the run goes on.
    pub(crate) fn pause_run(&mut self) {
        if let Some(mut run) = self.run.take() {
            self.settle_run(&run);
            run.messages = 0;
            run.payload = 0;
            self.run = Some(run);
        }
    }

    fn settle_run(&mut self, run: &Run) {
        self.traffic.messages_in += run.messages;
        self.traffic.payload_in += run.payload;
        if run.messages == 0 {
            return;
        }
        if let Route::Kept(slot) = run.route {
            self.routes.count(slot, run.messages, run.payload);
        }
        let Some(route) = run.route.fanout(&self.routes) else {
            return;
        };
        for target in route.singles() {
            count(&target.subscription, run.messages);
        }
        for (group, encoded) in route.shared().iter().zip(&mut self.encoded) {
            for subscription in &group.subscriptions {
                count(subscription, run.messages);
            }
            let destinations = group
                .subscriptions
                .iter()
                .map(|subscription| subscription.destination());
            if encoded.len() < SHARED_FROM {
                encoded.copy_and_clear(|bytes| {
                    for destination in destinations {
                        self.staging.copied(destination, bytes, run.messages, run.payload);
                    }
                });
            } else if let Some(chunk) = encoded.take() {
                for destination in destinations {
                    self.staging
                        .shared(destination, &chunk, run.messages, run.payload);
                }
            }
        }
    }

    /// The path of the few: a target that is counted down, strips headers or is the publisher itself, a message with
    /// odd spacing, or any while deliveries are traced.
    #[cold]
    fn deliver_with_care(&mut self, message: &Publish<'_>) -> bool {
        self.pause_run();
        let Some(run) = &mut self.run else {
            return false;
        };
        self.traffic.messages_in += 1;
        self.traffic.payload_in += message.body.len() as u64;
        if let Route::Kept(slot) = run.route {
            self.routes.count(slot, 1, message.body.len() as u64);
        }
        let Some(route) = run.route.fanout(&self.routes).cloned() else {
            return false;
        };
        let except = run.except;
        let subject = message.subject;
        let both = |prefix: Prefix| [route.msg_prefix(prefix), route.hmsg_prefix(prefix)];
        let mut taken = false;
        for target in route.singles() {
            let prefixes = both(target.prefix());
            taken |= self.deliver_one(prefixes, &target.subscription, message, except);
        }
        for group in route.shared() {
            for subscription in &group.subscriptions {
                let prefixes = both(group.prefix());
                taken |= self.deliver_one(prefixes, subscription, message, except);
            }
        }
        for queue in route.queues() {
            let random = next_random(&mut self.random);
            taken |= queue
                .candidates(random)
                .filter(|member| can_take(member, subject))
                .any(|member| {
                    let prefixes = both(queue.prefix()).map(|prefix| {
                        let mut line = prefix.to_vec();
                        line.extend_from_slice(member.sid_field());
                        line
                    });
                    self.deliver_one([&prefixes[0], &prefixes[1]], member, message, except)
                });
        }
        if self.staging.is_full() {
            self.hand_over_midway();
        }
        taken
    }

    fn deliver_one(
        &mut self,
        [msg, hmsg]: [&[u8]; 2],
        subscription: &Arc<ConnectionSubscription>,
        message: &Publish<'_>,
        except: Option<ConnectionId>,
    ) -> bool {
        let destination = subscription.destination();
        if except == Some(destination.connection_id()) || !claims_one(subscription) {
            return false;
        }
        self.scratch.clear();
        let payload = if message.header_size.is_some() && destination.accepts_headers() {
            message::append(&mut self.scratch, hmsg, message);
            message.body.len()
        } else {
            message::append_stripped(&mut self.scratch, msg, message);
            message.payload().len()
        };
        if is_traced() {
            let line = message::control_line(&self.scratch);
            let shown = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
            log::trace!("cid:{} - ->> [{shown}]", destination.connection_id());
        }
        self.staging
            .message(destination, [&self.scratch, &[], &[]], payload);
        if let Some(reply) = message.reply.filter(|_| destination.records_requests()) {
            destination.record_request(reply, Instant::now());
        }
        true
    }

    /// Much has piled up in the middle of a turn: wide fan-outs of long reads stay bounded.
    #[cold]
    fn hand_over_midway(&mut self) {
        self.pause_run();
        self.staging.hand_over();
    }

    /// The counts since the last call. `messages_out` counts what was handed over.
    pub(crate) fn take_traffic(&mut self) -> Traffic {
        let (messages, payload) = self.staging.take_handed_over();
        self.traffic.messages_out = messages;
        self.traffic.payload_out = payload;
        std::mem::take(&mut self.traffic)
    }

    /// The subjects with most messages since the last call, with how many and how many bytes, in no order.
    pub(crate) fn busiest_subjects(&mut self, at_most: usize) -> Vec<(Box<[u8]>, u64, u64)> {
        let mut busiest: BinaryHeap<Reverse<(u64, u64, Box<_>)>> = BinaryHeap::new();
        self.routes.drain_traffic(|subject, messages, payload| {
            if busiest.len() == at_most {
                if busiest
                    .peek()
                    .is_none_or(|Reverse((least, ..))| *least >= messages)
                {
                    return;
                }
                busiest.pop();
            }
            busiest.push(Reverse((messages, payload, Box::from(subject))));
        });
        busiest
            .into_iter()
            .map(|Reverse((messages, payload, subject))| (subject, messages, payload))
            .collect()
    }

    /// Between turns, now and then: frees what turns of late have not used.
    pub(crate) fn tidy(&mut self) {
        self.encoded = Vec::new();
        self.scratch = Vec::new();
        self.staging.tidy();
    }

    /// Forgets what a turn that panicked left behind.
    pub(crate) fn discard(&mut self) {
        self.run = None;
        self.encoded.clear();
        self.staging.discard();
    }
}

/// Whether the log has a line for each delivery.
fn is_traced() -> bool {
    log::log_enabled!(log::Level::Trace)
}

/// Whether every target takes messages byte for byte as they were published. A member of a queue group that is
/// counted down does: only whoever is picked has to claim its message.
fn takes_as_it_comes(route: &ConnectionFanout, with_headers: bool) -> bool {
    if route.has_limited() {
        return false;
    }
    let members = || route.queues().iter().flat_map(|queue| queue.members());
    !with_headers
        || (route.all_accept_headers() && members().all(|member| member.destination().accepts_headers()))
}

/// Whether this member of a queue group takes the next message; otherwise it is for another.
#[inline]
fn takes_one(member: &Arc<ConnectionSubscription>, subject: &[u8]) -> bool {
    can_take(member, subject) && claims_one(member)
}

#[inline]
fn can_take(member: &Arc<ConnectionSubscription>, subject: &[u8]) -> bool {
    !member.destination().is_closed() && !member.denies(subject)
}

/// Counts one delivery, unless the subscription has had its last.
#[inline]
fn claims_one(subscription: &Arc<ConnectionSubscription>) -> bool {
    match subscription.claim() {
        Claim::Granted => true,
        Claim::Last => {
            subscription.destination().report_exhausted(subscription.clone());
            true
        }
        Claim::Exhausted => false,
    }
}

/// Counts the deliveries of a run, which may turn out to have been the last.
#[inline]
fn count(subscription: &Arc<ConnectionSubscription>, messages: u64) {
    if subscription.count(messages) {
        subscription.destination().report_exhausted(subscription.clone());
    }
}

/// xorshift64: a queue group's pick needs to be even, not secret.
#[inline]
fn next_random(state: &mut u64) -> u64 {
    let mut next = *state;
    next ^= next << 13;
    next ^= next >> 7;
    next ^= next << 17;
    *state = next;
    next
}

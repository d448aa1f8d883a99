//! From a published message to staged bytes: the path that every message takes.
//!
//! What one turn does is counted, not timed: copies, destinations, what resolving a subject came by, bytes. A message
//! whose fan-out alone is more than a turn may do becomes a [`Spread`]; one whose subject takes more to resolve waits.

mod carefully;
mod crossing;
mod latency;
mod others;
mod passing;
mod traced_crossing;
mod under_another_subject;
mod unfinished;
mod upkeep;

pub use upkeep::BusySubject;

use super::building::UnderWay;
use super::counters::Traffic;
use super::peers::Peers;
use super::repeats::Repeats;
use super::resolving::{Resolved, Resolving, Unfinished};
use super::served::Served;
use super::spread::Spread;
use super::staging::{STAGED_AT_MOST, Staging, WORK_OF_A_DESTINATION, WORK_OF_A_TURN};
use super::tail::Tail;
use super::with_care::{
    ConnectionFanout, Content, count, deliver_to_picked, has_room, logs_each, pick, takes_as_it_comes,
};
use crate::account::Account;
use crate::outbox::{ConnectionSubscription, Outbox, Traits};
use fastrand::Rng;
use std::mem;
use std::sync::Arc;
use vagus_protocol::gateway::is_mapped;
use vagus_protocol::message::MORE_WITH_HEADERS;
use vagus_protocol::operation::Publish;
use vagus_routing::{AccountId, FanoutCache, Kept, LeafCluster, Origin, Outlet, Target};

/// Encoded messages for a group of connections are copied to each below this size, and shared above it.
const SHARED_FROM: usize = 1024;

/// What the connections of one arbiter need to deliver; used by one turn at a time.
#[derive(Debug)]
pub struct Delivery {
    pub(super) fanouts: FanoutCache<Arc<Outbox>>,
    /// What the turn has encoded for each destination.
    pub staging: Staging,
    run: Option<Run>,
    /// The subject of the run.
    subject: Vec<u8>,
    /// The queue groups of the run.
    served: Served,
    /// Encoded once for each group of equal sids of the run's fan-out.
    encoded: Vec<Tail>,
    /// Messages of the run, if they are more than a turn may do: delivered when the run ends.
    gathered: Option<Box<Spread>>,
    /// What the turn could not do to its end; nothing is published before.
    unfinished: Option<Box<Unfinished>>,
    /// How far earlier turns of the publisher came with the subject of its next message.
    resumed: Option<Resolving>,
    /// Fan-outs that another thread makes.
    pub(super) under_way: UnderWay,
    /// A message with odd spacing as it is delivered.
    composed: Vec<u8>,
    /// The start of a message that shows another subject than that of its fan-out.
    shown: Vec<u8>,
    /// A pick among a queue group has to be even, not secret.
    random: Rng,
    traffic: Traffic,
    peers: Peers,
    /// The ways into other accounts that the last message takes.
    crossings: Vec<Arc<ConnectionSubscription>>,
    /// Whether this is the only turn there is: nothing waits for room.
    is_last_turn: bool,
    /// Who publishes, where other accounts are told of it.
    publisher: Option<Arc<Outbox>>,
    /// The name of the cluster of leaf nodes that messages are from whose origin says that they are from one.
    leaf_cluster: Vec<u8>,
}

/// Messages that follow each other on one subject.
#[derive(Debug)]
struct Run {
    fanout: RunFanout,
    /// Whether every target takes the message as it came: nothing to strip, to leave out or to count down.
    straight: bool,
    /// Whether one message is more than a turn may do.
    wide: bool,
    /// What each message is counted as, and how many copies are made of it.
    work: usize,
    copies: usize,
    /// Longer messages than this, by what is behind the subject, are not for clients alone, or too many bytes for a turn.
    longest: usize,
    with_headers: bool,
    /// Whether a server passes the messages on: their replies may lead back through gateways.
    by_server: bool,
    /// That of the last message.
    header_size: Option<usize>,
    origin: Origin,
    /// Since the run was opened or last closed.
    messages: u64,
    payload: u64,
}

/// How much of a subject is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parts {
    /// As much as one turn may.
    One,
    /// All: for those who have no further turn.
    All,
}

/// Where a run has its fan-out.
#[derive(Debug)]
enum RunFanout {
    /// In the cache: nothing is put there without ending the run first.
    Kept(Kept),
    /// Resolved for this run alone.
    Own(Arc<ConnectionFanout>),
}

impl RunFanout {
    #[inline]
    fn get<'a>(&'a self, fanouts: &'a FanoutCache<Arc<Outbox>>) -> Option<&'a Arc<ConnectionFanout>> {
        match self {
            Self::Kept(kept) => fanouts.fanout(*kept),
            Self::Own(fanout) => Some(fanout),
        }
    }
}

/// Whether the reply of a message leads back through gateways: not all get it as it came.
#[inline]
fn leads_back(message: &Publish<'_>) -> bool {
    message.reply.is_some_and(is_mapped)
}

impl Delivery {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            fanouts: FanoutCache::default(),
            staging: Staging::default(),
            run: None,
            subject: Vec::new(),
            served: Served::default(),
            encoded: Vec::new(),
            gathered: None,
            unfinished: None,
            resumed: None,
            under_way: UnderWay::default(),
            composed: Vec::new(),
            shown: Vec::new(),
            random: Rng::with_seed(seed),
            traffic: Traffic::default(),
            peers: Peers::default(),
            crossings: Vec::new(),
            is_last_turn: false,
            publisher: None,
            leaf_cluster: Vec::new(),
        }
    }

    /// Prepares for messages on these subjects.
    pub fn anticipate(&self, account: AccountId, subjects: &[&[u8]]) {
        self.fanouts.anticipate(account, subjects);
    }

    /// Whether the turn has done as much as it may: nothing more is to be published in it.
    #[inline]
    pub fn is_spent(&self) -> bool {
        self.staging.is_spent()
    }

    /// Counts work of the turn that was done elsewhere.
    pub fn charge(&mut self, work: usize) {
        self.staging.charge(work);
    }

    /// Whether the turn goes on with this message, or with something else. What was published on another subject is
    /// delivered before, if that is much; and then it may be the turn's last work. Messages that are only gathered may
    /// be as many as one read brings. A message waits if an owner that it reaches has no room. Its subject is resolved, as
    /// far as one part brings it: if that is not all, the turn ends, and a later one goes on from there when it is asked
    /// about the same message.
    #[inline]
    pub fn goes_on(&mut self, account: &Account, message: Option<&Publish<'_>>, origin: Origin) -> bool {
        if self.run.as_ref().is_some_and(|run| run.wide) {
            if message.is_some_and(|message| self.is_of_run(message, origin)) {
                return self.unfinished.is_none();
            }
            self.close_run();
        }
        if self.is_spent() || self.unfinished.is_some() {
            return false;
        }
        match message {
            Some(message) if !self.is_of_run(message, origin) => {
                self.close_run();
                !self.is_spent()
                    && self.unfinished.is_none()
                    && self.open_run(account, message, origin, Parts::One)
                    && self.has_room()
            }
            _ => true,
        }
    }

    /// Whether every owner that the run reaches, and that publishers wait for, has room for more. If not, the
    /// message that has begun the run waits for a later turn.
    fn has_room(&mut self) -> bool {
        let fanout = self.run.as_ref().and_then(|run| run.fanout.get(&self.fanouts));
        let Some(fanout) = fanout.filter(|fanout| !fanout.is_for_clients_alone()) else {
            return true;
        };
        let singles = fanout.singles().iter().map(|target| &target.subscription);
        let shared = fanout.shared().iter().flat_map(|targets| &targets.subscriptions);
        let has_room = !singles
            .chain(shared)
            .any(|subscription| subscription.destination().has_publishers_wait());
        if !has_room {
            self.run = None;
            self.staging.wait_for_room();
        }
        has_room
    }

    #[inline]
    fn is_of_run(&self, message: &Publish<'_>, origin: Origin) -> bool {
        self.run.as_ref().is_some_and(|run| {
            run.with_headers == message.header_size.is_some()
                && run.origin == origin
                && self.subject == message.subject
                && self.served.are(message.groups)
        })
    }

    /// Delivers a message; false if nobody took it, as far as it is delivered in this turn.
    #[inline]
    pub fn publish(&mut self, account: &Account, message: &Publish<'_>, origin: Origin) -> bool {
        if !self.is_of_run(message, origin) {
            self.close_run();
            self.finish();
            self.open_run(account, message, origin, Parts::All);
        }
        self.publish_in_run(account, message)
    }

    /// Delivers a message if the turn [goes on](Self::goes_on) with it, as [`Delivery::publish`] does; None if it does not.
    #[inline]
    pub fn publish_next(&mut self, account: &Account, message: &Publish<'_>, origin: Origin) -> Option<bool> {
        if !self.goes_on(account, Some(message), origin) {
            return None;
        }
        debug_assert!(self.run.is_none() || self.is_of_run(message, origin));
        Some(self.publish_in_run(account, message))
    }

    #[inline]
    fn publish_in_run(&mut self, account: &Account, message: &Publish<'_>) -> bool {
        match (&mut self.run, message.tail) {
            (Some(run), Some(tail)) if run.straight && !(run.by_server && leads_back(message)) => {
                run.header_size = message.header_size;
                self.publish_again(&Repeats::one(tail, message.body.len()))
            }
            _ => self.deliver_with_care(account, message),
        }
    }

    /// Counts a message that is not delivered to anybody.
    pub fn withhold(&mut self, payload: usize) {
        self.traffic.messages_in += 1;
        self.traffic.payload_in += payload as u64;
    }

    /// How many messages of the same control line as the last may go through [`Delivery::publish_again`] in this turn,
    /// with so many bytes behind the subject: none where each has to be looked at.
    #[inline]
    pub fn may_publish_again(&self, tail: usize) -> usize {
        match &self.run {
            Some(run) if run.straight => self.staging.room(run.work, run.copies.saturating_mul(tail)),
            _ => 0,
        }
    }

    /// Delivers messages of the same control line as the last; false if nobody took the last of them.
    #[inline]
    pub fn publish_again(&mut self, repeats: &Repeats<'_>) -> bool {
        let Some(run) = &mut self.run else {
            return false;
        };
        let Some(fanout) = run.fanout.get(&self.fanouts) else {
            return false;
        };
        let payload = repeats.payload();
        if repeats.tail() > run.longest {
            return self.publish_otherwise(repeats);
        }
        let messages = repeats.count();
        run.messages += messages as u64;
        run.payload += (messages * payload) as u64;
        self.staging.charge(run.work.saturating_mul(messages));
        let with_headers = run.with_headers;
        let skipped = if with_headers { 0 } else { MORE_WITH_HEADERS };
        let start = |prefix| fanout.start(prefix, skipped);
        let (singles, shared, queues) = (fanout.singles(), fanout.shared(), fanout.queues());
        if shared.is_empty() && queues.is_empty() {
            // Most subjects reach one: its place is looked for once.
            match singles {
                [] => return false,
                [target] => {
                    let destination = target.subscription.destination();
                    self.staging
                        .messages(destination, start(target.prefix()), repeats);
                    return true;
                }
                _ => {}
            }
        }
        // What has to be looked at of a member that takes a message.
        let unusual = match with_headers {
            true => Traits::NO_CLIENT | Traits::RECORDS_REQUESTS | Traits::NO_HEADERS,
            false => Traits::NO_CLIENT | Traits::RECORDS_REQUESTS,
        };
        let mut taken = false;
        for tail in repeats.tails() {
            taken = !singles.is_empty() || !shared.is_empty();
            for target in singles {
                let pieces = [start(target.prefix()), tail];
                self.staging
                    .message(target.subscription.destination(), pieces, payload);
            }
            for (group, encoded) in shared.iter().zip(&mut self.encoded) {
                encoded.append(start(group.prefix()));
                encoded.append(tail);
            }
            for queue in queues {
                if !self.served.include(queue.name()) {
                    continue;
                }
                let random = self.random.u64(..);
                let Some(member) = pick(queue, random, &self.subject, run.origin, &mut self.staging) else {
                    continue;
                };
                taken = true;
                let destination = member.destination();
                if destination.traits().have(unusual) || member.is_shadow() {
                    let content = Content::again(tail, payload, run.header_size);
                    let (staging, peers) = (&mut self.staging, &mut self.peers);
                    deliver_to_picked(staging, peers, fanout, queue, member, &content);
                    continue;
                }
                let pieces = [start(queue.prefix()), member.sid_field(), tail];
                self.staging.message(destination, pieces, payload);
            }
            if !queues.is_empty() && self.peers.has_picked() {
                let content = Content::again(tail, payload, run.header_size);
                self.peers
                    .deliver(&mut self.staging, fanout, &content, run.origin);
            }
        }
        taken
    }

    /// Begins a run with this message, while there is none; false if its subject is not resolved to the end, as it takes
    /// more parts.
    fn open_run(&mut self, account: &Account, message: &Publish<'_>, origin: Origin, parts: Parts) -> bool {
        let (subject, with_headers) = (message.subject, message.header_size.is_some());
        debug_assert_eq!(origin.account(), account.id());
        let (id, interest) = (account.id(), account.interest());
        let version = interest.version(subject);
        let mut made_elsewhere = false;
        let held = match self.fanouts.get(id, subject, version) {
            Ok(kept) => {
                self.traffic.fanouts_cached += 1;
                RunFanout::Kept(kept)
            }
            Err(missing) => {
                let may_wait = parts == Parts::One;
                let resumed = self.resumed.take();
                let resumed = resumed.filter(|it| it.is_for(id, subject) && (may_wait || !it.is_elsewhere()));
                let mut resolving = resumed.unwrap_or_else(|| {
                    let begun = self.under_way.find(id, subject, version).filter(|_| may_wait);
                    begun.map_or_else(|| Resolving::new(id, version), Resolving::begun)
                });
                let fanout = loop {
                    match resolving.proceed(interest, subject, &mut self.staging, may_wait) {
                        Resolved::Entirely { fanout, elsewhere } => {
                            made_elsewhere = elsewhere;
                            break fanout;
                        }
                        Resolved::InPart if may_wait => {
                            let unfinished = Unfinished::Resolving(resolving.keep_for(subject));
                            self.unfinished = Some(Box::new(unfinished));
                            return false;
                        }
                        Resolved::InPart => {}
                    }
                };
                self.traffic.fanouts_resolved += 1;
                self.fanouts
                    .insert(missing, &fanout, resolving.version())
                    .map_or(RunFanout::Own(fanout), RunFanout::Kept)
            }
        };
        self.subject.clear();
        self.subject.extend_from_slice(subject);
        self.served.set(message.groups);
        let Some(fanout) = held.get(&self.fanouts) else {
            return true;
        };
        if self.encoded.len() < fanout.shared().len() {
            self.encoded.resize_with(fanout.shared().len(), Tail::default);
        }
        // Another server is asked for each message anyway.
        let leaves_out = !origin.kind().is_server()
            && origin
                .left_out()
                .is_some_and(|publisher| fanout.contains(publisher));
        let weight = fanout.deliveries() + fanout.destinations() * WORK_OF_A_DESTINATION;
        let wide = weight > WORK_OF_A_TURN || made_elsewhere;
        // One look a run: who logs them has messages one by one.
        let straight = !wide
            && !leaves_out
            && takes_as_it_comes(fanout, with_headers)
            && fanout.accounts().is_empty()
            && !origin.has_crossed()
            && !logs_each();
        let copies = fanout.singles().len() + fanout.queues().len() + fanout.peers().len();
        if !fanout.is_for_clients_alone() || !fanout.queues().is_empty() {
            let is_from_leaf = origin.leaf_cluster() != LeafCluster::NONE;
            let cluster = if is_from_leaf { &self.leaf_cluster[..] } else { &[] };
            self.peers.begin(account, cluster, self.staging.now());
        }
        self.run = Some(Run {
            straight,
            wide,
            work: 1 + copies + fanout.shared().len(),
            copies,
            longest: match (fanout.is_for_clients_alone(), copies) {
                (false, _) => 0,
                // Most subjects reach one, and to divide takes long.
                (true, 0 | 1) => STAGED_AT_MOST,
                (true, copies) => STAGED_AT_MOST / copies,
            },
            fanout: held,
            with_headers,
            by_server: origin.kind().is_server(),
            header_size: None,
            origin,
            messages: 0,
            payload: 0,
        });
        true
    }

    /// Ends the run: what is encoded for groups goes to their connections, and deliveries are counted.
    #[inline]
    pub fn close_run(&mut self) {
        if self.run.is_some() {
            self.settle_run();
            self.run = None;
            self.spread_gathered();
        }
    }

    /// Like [`Delivery::close_run`], but the run goes on.
    pub fn pause_run(&mut self) {
        if self.run.is_some() {
            self.settle_run();
            // What is gathered is delivered without a run.
            let run = self.run.take();
            self.spread_gathered();
            self.run = run;
        }
    }

    fn settle_run(&mut self) {
        let Some(run) = &mut self.run else {
            return;
        };
        let (messages, payload) = (mem::take(&mut run.messages), mem::take(&mut run.payload));
        self.traffic.messages_in += messages;
        self.traffic.payload_in += payload;
        if messages == 0 {
            return;
        }
        if let RunFanout::Kept(kept) = run.fanout {
            self.fanouts.count(kept, messages, payload);
        }
        let Some(fanout) = run.fanout.get(&self.fanouts) else {
            return;
        };
        // Owners of mailboxes may have refused some.
        let of_clients = |target: &&Target<_>| target.outlet == Outlet::Client;
        for target in fanout.singles().iter().filter(of_clients) {
            count(&target.subscription, messages);
        }
        for (group, encoded) in fanout.shared().iter().zip(&mut self.encoded) {
            self.staging.charge(group.subscriptions.len());
            let have_room = |it: &&Arc<ConnectionSubscription>| has_room(it.destination(), messages);
            let taking = group.subscriptions.iter().filter(have_room);
            let destinations = taking.map(|subscription| {
                count(subscription, messages);
                subscription.destination()
            });
            if encoded.len() < SHARED_FROM {
                encoded.copy_and_clear(|bytes| {
                    for destination in destinations {
                        self.staging.copied(destination, bytes, messages, payload);
                    }
                });
            } else if let Some(chunk) = encoded.take() {
                for destination in destinations {
                    self.staging.shared(destination, &chunk, messages, payload);
                }
            }
        }
    }

    /// Forgets what a turn that panicked left behind.
    pub fn discard(&mut self) {
        self.run = None;
        self.gathered = None;
        self.unfinished = None;
        self.resumed = None;
        self.encoded.clear();
        self.peers.clear();
        self.crossings.clear();
        self.publisher = None;
        self.staging.discard();
    }
}

#[cfg(test)]
mod tests;

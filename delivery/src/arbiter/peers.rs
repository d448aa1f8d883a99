//! What other servers get of a message: one line each, however many of their subscriptions match.
//!
//! The line names the queue groups of which the peer is to serve a member. So first all queue groups pick, then each peer
//! that has a plain subscription or was picked gets its line, in the order of connections.

use super::repeats::Repeats;
use super::staging::Staging;
use super::with_care::{ConnectionFanout, Content, claims_one, count, reaches};
use crate::account::{Account, SentToServers};
use crate::interest::FreshReplies;
use crate::moment::Moment;
use crate::outbox::{ConnectionSubscription, Outbox};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;
use vagus_protocol::message;
use vagus_protocol::routed::{self, PeerLine};
use vagus_routing::{ConnectionKind, Destination, Origin, PeerTargets};

/// The peers of messages on one subject, one message after the other.
#[derive(Debug, Default)]
pub(super) struct Peers {
    /// Members of queue groups, those that were picked for the message and are peers.
    picked: Vec<Picked>,
    /// So many of the peers with plain subscriptions, and of those that were picked, have had the message.
    done: (usize, usize),
    taken: bool,
    /// The subscriptions of the last moment, if there are any: replies to them lead back by themselves.
    fresh: Option<Arc<FreshReplies>>,
    start: LineStart,
    /// The reply, and the queue groups to be served.
    queues: Vec<u8>,
    /// What follows the subject where headers are left out.
    stripped: Vec<u8>,
    sent: SentToServers,
}

/// What the lines of all messages on the subject begin with.
#[derive(Debug, Default)]
struct LineStart {
    /// Whose subject it is; lines say it.
    account: Vec<u8>,
    /// The cluster of leaf nodes that the messages are from, if they are from one: routes are told.
    leaf_cluster: Vec<u8>,
    /// As it was last made, and for what.
    bytes: Vec<u8>,
    made_for: Option<(PeerLine, bool)>,
}

impl LineStart {
    /// In the language of a peer, with or without headers.
    #[inline]
    fn of(&mut self, line: PeerLine, with_headers: bool, subject: &[u8]) -> &[u8] {
        if self.made_for != Some((line, with_headers)) {
            self.bytes.clear();
            match self.tells_of_leaf(line) {
                true => {
                    let (cluster, account) = (&self.leaf_cluster, &self.account);
                    routed::append_start_of_leaf(&mut self.bytes, line, cluster, account, subject);
                }
                false => routed::append_start(&mut self.bytes, line, with_headers, &self.account, subject),
            }
            self.made_for = Some((line, with_headers));
        }
        &self.bytes
    }

    /// The same, for a peer that calls the subject so.
    fn renamed(&mut self, line: PeerLine, with_headers: bool, subject: &[u8]) -> &[u8] {
        self.made_for = None;
        self.of(line, with_headers, subject);
        self.made_for = None;
        &self.bytes
    }
}

impl LineStart {
    /// Whether a peer is told which cluster of leaf nodes the messages are from.
    #[inline]
    fn tells_of_leaf(&self, line: PeerLine) -> bool {
        matches!(line, PeerLine::WithAccount | PeerLine::OfOneAccount) && !self.leaf_cluster.is_empty()
    }
}

/// A member of a queue group that was picked, and what it calls the subject, if that is something else.
#[derive(Debug)]
struct Picked {
    member: Arc<ConnectionSubscription>,
    renamed: Option<Vec<u8>>,
}

impl Picked {
    /// Who gets the copy, and under which name.
    fn key(&self) -> (u64, Option<&[u8]>) {
        (self.member.destination().connection_id(), self.renamed.as_deref())
    }
}

/// Who comes next.
pub(super) struct NextPeer<'a> {
    plain: Option<&'a PeerTargets<Arc<Outbox>>>,
    picked: Range<usize>,
}

impl Peers {
    /// For messages on another subject, which are from this cluster of leaf nodes if they are from one.
    pub(super) fn begin(&mut self, account: &Account, leaf_cluster: &[u8], now: Moment) {
        let fresh = account.interest().fresh();
        self.fresh = fresh.filter(|fresh| fresh.are_there(now)).cloned();
        self.start.leaf_cluster.clear();
        self.start.leaf_cluster.extend_from_slice(leaf_cluster);
        self.start.account.clear();
        self.start.account.extend_from_slice(account.name().as_bytes());
        self.start.made_for = None;
        self.sent.begin(account);
    }

    /// The turn ends: what it has sent counts.
    pub(super) fn settle(&mut self) {
        self.sent.settle();
    }

    /// For other messages on the same subject.
    pub(super) fn others(&self) -> Self {
        Self {
            fresh: self.fresh.clone(),
            start: LineStart {
                account: self.start.account.clone(),
                leaf_cluster: self.start.leaf_cluster.clone(),
                ..LineStart::default()
            },
            sent: self.sent.other(),
            ..Self::default()
        }
    }

    /// A member of a queue group, which is a peer's, takes the message on this subject.
    pub(super) fn pick(&mut self, member: &Arc<ConnectionSubscription>, subject: &[u8]) {
        self.picked.push(Picked {
            member: member.clone(),
            renamed: member.renamed(subject),
        });
    }

    /// Whether somebody was picked for the message.
    pub(super) fn has_picked(&self) -> bool {
        !self.picked.is_empty()
    }

    /// All are picked: those of one peer come side by side.
    pub(super) fn sort(&mut self) {
        self.picked.sort_by(|one, other| one.key().cmp(&other.key()));
    }

    /// Delivers a message to the peers of its fan-out and to those that were picked; true if one takes it.
    pub(super) fn deliver(
        &mut self,
        staging: &mut Staging,
        fanout: &ConnectionFanout,
        content: &Content<'_>,
        origin: Origin,
    ) -> bool {
        self.sort();
        while let Some(next) = self.next(fanout) {
            self.deliver_to(staging, &next, fanout, content, origin);
        }
        self.end()
    }

    /// The same, as far as the turn allows; None if not all have it yet.
    pub(super) fn proceed(
        &mut self,
        staging: &mut Staging,
        fanout: &ConnectionFanout,
        content: &Content<'_>,
        origin: Origin,
    ) -> Option<bool> {
        self.sort();
        while let Some(next) = self.next(fanout) {
            if staging.is_spent() {
                return None;
            }
            self.deliver_to(staging, &next, fanout, content, origin);
        }
        Some(self.end())
    }

    /// All have the message: the next may come.
    fn end(&mut self) -> bool {
        self.picked.clear();
        self.done = (0, 0);
        std::mem::take(&mut self.taken)
    }

    /// The next one of all who may get the message; who is picked was [sorted](Self::sort) before.
    pub(super) fn next<'a>(&self, fanout: &'a ConnectionFanout) -> Option<NextPeer<'a>> {
        let (plain_done, picked_done) = self.done;
        let plain = fanout.peers().get(plain_done);
        let picked = self.picked.get(picked_done..).unwrap_or_default();
        let plain_key = plain.map(|peer| (peer.destination().connection_id(), peer.renamed()));
        let picked_key = picked.first().map(Picked::key);
        let key = match (plain_key, picked_key) {
            (None, None) => return None,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(one), Some(other)) => one.min(other),
        };
        let of_it = |picked: &&Picked| picked.key() == key;
        Some(NextPeer {
            plain: plain.filter(|_| plain_key == Some(key)),
            picked: picked_done..picked_done + picked.iter().take_while(of_it).count(),
        })
    }

    fn deliver_to(
        &mut self,
        staging: &mut Staging,
        next: &NextPeer<'_>,
        fanout: &ConnectionFanout,
        content: &Content<'_>,
        origin: Origin,
    ) {
        staging.charge(1 + next.picked.len());
        self.pass(next);
        let destination = self.destination(next, fanout, origin);
        if let Some(destination) = destination.filter(|destination| !destination.is_closed()) {
            self.taken = true;
            self.stage(staging, &destination, next, fanout, content);
        }
    }

    /// It has had the message, or is not going to.
    pub(super) fn pass(&mut self, next: &NextPeer<'_>) {
        self.done.0 += usize::from(next.plain.is_some());
        self.done.1 = next.picked.end;
    }

    /// Where the message goes, if it may go there and is wanted: one of its plain subscriptions counts it.
    pub(super) fn destination(
        &self,
        next: &NextPeer<'_>,
        fanout: &ConnectionFanout,
        origin: Origin,
    ) -> Option<Arc<Outbox>> {
        let takes_plain = |peer: &&PeerTargets<Arc<Outbox>>| takes(peer, fanout.subject(), origin);
        let plain = next.plain.filter(takes_plain);
        match self.picked.get(next.picked.start) {
            Some(picked) if !next.picked.is_empty() => Some(picked.member.destination().clone()),
            _ => plain.map(|peer| peer.destination().clone()),
        }
    }

    /// Delivers the message there, which says for which queue groups it is.
    pub(super) fn stage(
        &mut self,
        staging: &mut Staging,
        destination: &Arc<Outbox>,
        next: &NextPeer<'_>,
        fanout: &ConnectionFanout,
        content: &Content<'_>,
    ) {
        let Some(line) = destination.peer_line() else {
            return;
        };
        let picked = self.picked.get(next.picked.clone()).unwrap_or_default();
        let with_headers = content.header_size.is_some() && destination.accepts_headers();
        let (mut tail, mut payload) = (content.tail, content.body.len());
        if content.header_size.is_some() && !with_headers {
            self.stripped.clear();
            message::append_parts(&mut self.stripped, b"", content.reply, None, content.payload());
            (tail, payload) = (&self.stripped, content.payload().len());
        }
        self.sent.count(destination.kind(), 1, payload);
        let says_no_headers = !with_headers && self.start.tells_of_leaf(line);
        let prefix = prefix_for(self.fresh.as_deref(), destination, content.reply, staging.now());
        let renamed = match next.plain {
            Some(peer) => peer.renamed(),
            None => picked.first().and_then(|picked| picked.renamed.as_deref()),
        };
        let start = match renamed {
            None => self.start.of(line, with_headers, fanout.subject()),
            Some(subject) => self.start.renamed(line, with_headers, subject),
        };
        self.queues.clear();
        if picked.is_empty() {
            self.queues.extend_from_slice(prefix);
        } else {
            let names = picked.iter().filter_map(|picked| picked.member.queue());
            let mapped = match content.reply {
                Some(reply) if !prefix.is_empty() => Some([prefix, reply].concat()),
                _ => None,
            };
            routed::append_queues(&mut self.queues, mapped.as_deref().or(content.reply), names);
            // The reply, which is the first word, is said with the queue groups.
            let reply = content.reply.map_or(0, |reply| reply.len() + 1);
            tail = tail.get(reply..).unwrap_or_default();
        }
        if let Some(reply) = content.reply.filter(|_| destination.records_requests()) {
            destination.record_request(reply, Instant::now());
        }
        if !says_no_headers {
            return staging.message(destination, [start, &*self.queues, tail], payload);
        }
        let reply = match (picked.is_empty(), content.reply) {
            (true, Some(reply)) => reply.len() + 1,
            _ => 0,
        };
        let (reply, tail) = tail.split_at_checked(reply).unwrap_or_default();
        let pieces = [start, &*self.queues, reply, routed::NO_HEADERS, tail];
        staging.message(destination, pieces, payload);
    }

    /// Delivers messages of one control line, none of which has to be looked at or is for a queue group, to the peers of
    /// their fan-out; true if one takes them.
    pub(super) fn deliver_alike(
        &mut self,
        staging: &mut Staging,
        fanout: &ConnectionFanout,
        repeats: &Repeats<'_>,
        with_headers: bool,
        origin: Origin,
    ) -> bool {
        let mut taken = false;
        for peer in fanout.peers().iter().filter(|peer| is_reached(peer, origin)) {
            let counts = |subscription: &&Arc<ConnectionSubscription>| {
                !subscription.denies(fanout.subject()) && reaches(origin, subscription)
            };
            let counting = peer.subscriptions().find(counts);
            let (Some(subscription), Some(line)) = (counting, peer.destination().peer_line()) else {
                continue;
            };
            count(subscription, repeats.count() as u64);
            let says_no_headers = !with_headers && self.start.tells_of_leaf(line);
            taken = true;
            let kind = peer.destination().kind();
            self.sent.count(kind, repeats.count(), repeats.payload());
            if peer.destination().records_requests() {
                let replies = repeats
                    .tails()
                    .filter_map(|tail| message::reply_in_tail(tail, with_headers));
                replies.for_each(|reply| peer.destination().record_request(reply, Instant::now()));
            }
            // All have the reply of the first.
            let first = self.fresh.as_ref().and_then(|_| repeats.tails().next());
            let reply = first.and_then(|tail| message::reply_in_tail(tail, with_headers));
            let prefix = prefix_for(self.fresh.as_deref(), peer.destination(), reply, staging.now());
            let start = match peer.renamed() {
                None => self.start.of(line, with_headers, fanout.subject()),
                Some(subject) => self.start.renamed(line, with_headers, subject),
            };
            if !prefix.is_empty() {
                self.queues.clear();
                self.queues.extend_from_slice(start);
                self.queues.extend_from_slice(prefix);
                staging.messages(peer.destination(), &self.queues, repeats);
                continue;
            }
            if !says_no_headers {
                staging.messages(peer.destination(), start, repeats);
                continue;
            }
            for tail in repeats.tails() {
                let reply = message::reply_in_tail(tail, false).map_or(0, |reply| reply.len() + 1);
                let (reply, tail) = tail.split_at_checked(reply).unwrap_or_default();
                let pieces = [start, reply, routed::NO_HEADERS, tail];
                staging.message(peer.destination(), pieces, repeats.payload());
            }
        }
        taken
    }

    /// Between turns, now and then, and after one that panicked: keeps nothing.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What is put before the reply of a message that leaves for a peer: something where it leaves for another cluster, which may
/// not know yet that the reply is waited for here.
#[inline]
fn prefix_for<'f>(
    fresh: Option<&'f FreshReplies>,
    peer: &Outbox,
    reply: Option<&[u8]>,
    now: Moment,
) -> &'f [u8] {
    match (fresh, reply) {
        (Some(fresh), Some(reply)) if peer.kind() == ConnectionKind::Gateway && fresh.have(reply, now) => {
            fresh.prefix()
        }
        _ => b"",
    }
}

/// Whether a peer gets a message for one of its plain subscriptions, of which one counts it.
fn takes(peer: &PeerTargets<Arc<Outbox>>, subject: &[u8], origin: Origin) -> bool {
    origin.reaches(peer.destination())
        && peer.subscriptions().any(|subscription| {
            !subscription.denies(subject) && reaches(origin, subscription) && claims_one(subscription)
        })
}

fn is_reached(peer: &PeerTargets<Arc<Outbox>>, origin: Origin) -> bool {
    let destination = peer.destination();
    !destination.is_closed() && origin.reaches(destination)
}

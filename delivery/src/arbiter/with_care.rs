//! One message for one subscription, with a look at everything: what is counted down, strips headers, leaves out the
//! publisher or is logged.

use super::peers::Peers;
use super::staging::Staging;
use crate::outbox::{ConnectionSubscription, Outbox, Traits};
use fastrand::Rng;
use std::sync::Arc;
use std::time::Instant;
use vagus_protocol::gateway::{self, ReplyPrefix};
use vagus_protocol::message::{self, MORE_WITH_HEADERS};
use vagus_protocol::neutral;
use vagus_protocol::operation::Publish;
use vagus_routing::{Claim, ConnectionKind, Destination, Fanout, Origin, Outlet, Prefix, QueueTargets};

/// Of a queue group of more than this, by weight, not all members are compared by how far off they are.
const COMPARED_AT_MOST: usize = 512;

pub(super) type ConnectionFanout = Fanout<Arc<Outbox>>;

/// A message apart from its subject.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content<'a> {
    /// Everything behind the sid of a delivery.
    pub(super) tail: &'a [u8],
    pub(super) reply: Option<&'a [u8]>,
    pub(super) header_size: Option<usize>,
    /// Headers and payload.
    pub(super) body: &'a [u8],
}

impl<'a> Content<'a> {
    /// `composed` is lent for a message with odd spacing.
    pub(super) fn of(message: &Publish<'a>, composed: &'a mut Vec<u8>) -> Self {
        let tail = match message.tail {
            Some(tail) => tail,
            None => {
                composed.clear();
                message::append_tail(composed, message);
                composed
            }
        };
        Self {
            tail,
            reply: message.reply,
            header_size: message.header_size,
            body: message.body,
        }
    }

    /// The same with another reply, where it has one. `composed` is lent for what follows the subject.
    pub(super) fn replied_to(self, reply: &'a [u8], composed: &'a mut Vec<u8>) -> Self {
        let Some(before) = self.reply else {
            return self;
        };
        composed.clear();
        composed.extend_from_slice(reply);
        composed.extend_from_slice(self.tail.get(before.len()..).unwrap_or_default());
        Self {
            tail: composed,
            reply: Some(reply),
            ..self
        }
    }

    /// What is published again has the control line of what was published before. `payload` is the size of headers and
    /// payload.
    pub(super) fn again(tail: &'a [u8], payload: usize, header_size: Option<usize>) -> Self {
        let end = tail.len().saturating_sub(2);
        Self {
            tail,
            reply: message::reply_in_tail(tail, header_size.is_some()),
            header_size,
            body: tail.get(end.saturating_sub(payload)..end).unwrap_or_default(),
        }
    }

    /// What follows the subject where the message is in no peer's language.
    pub(super) fn neutral_sizes(&self) -> [u8; neutral::SIZES] {
        let header = self.body.len() - self.payload().len();
        neutral::sizes(
            self.reply.map_or(0, <[u8]>::len),
            header,
            self.body.len() - header,
        )
    }

    /// The reply, if it leads back by itself, and what it does that by.
    #[inline]
    pub(super) fn mapped_reply(&self) -> Option<(&'a [u8], ReplyPrefix)> {
        let reply = self.reply.filter(|reply| gateway::is_mapped(reply))?;
        Some((reply, ReplyPrefix::of(reply)?))
    }

    /// The body without headers.
    pub(super) fn payload(&self) -> &'a [u8] {
        self.body.get(self.header_size.unwrap_or(0)..).unwrap_or_default()
    }
}

/// The start of a delivery to a client, in both of its forms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start<'a> {
    /// What was published on.
    subject: &'a [u8],
    msg: &'a [u8],
    hmsg: &'a [u8],
    /// Empty where the others have it.
    sid: &'a [u8],
}

impl<'a> Start<'a> {
    /// That of a member of a queue group, also of one that calls the subject something else: then it is written to
    /// `renamed`.
    pub(super) fn of_any_member(
        fanout: &'a ConnectionFanout,
        prefix: Prefix,
        member: &'a ConnectionSubscription,
        renamed: &'a mut Vec<u8>,
    ) -> Self {
        let Some(subject) = member.renamed(fanout.subject()) else {
            return Self::of_member(fanout, prefix, member);
        };
        message::write_prefix(&subject, member.sid_field(), &mut |piece| {
            renamed.extend_from_slice(piece)
        });
        Self {
            subject: fanout.subject(),
            msg: renamed.get(MORE_WITH_HEADERS..).unwrap_or_default(),
            hmsg: renamed,
            sid: b"",
        }
    }

    /// One that shows a subject that the fan-out is not of: it is written to `start`.
    pub(super) fn showing(subject: &'a [u8], sid_field: &[u8], start: &'a mut Vec<u8>) -> Self {
        start.clear();
        message::write_prefix(subject, sid_field, &mut |piece| start.extend_from_slice(piece));
        Self {
            subject,
            msg: start.get(MORE_WITH_HEADERS..).unwrap_or_default(),
            hmsg: start,
            sid: b"",
        }
    }

    pub(super) fn of(fanout: &'a ConnectionFanout, prefix: Prefix) -> Self {
        Self {
            subject: fanout.subject(),
            msg: fanout.start(prefix, MORE_WITH_HEADERS),
            hmsg: fanout.start(prefix, 0),
            sid: b"",
        }
    }

    fn of_member(fanout: &'a ConnectionFanout, prefix: Prefix, member: &'a ConnectionSubscription) -> Self {
        Self {
            sid: member.sid_field(),
            ..Self::of(fanout, prefix)
        }
    }
}

/// Whether the log has a line for each delivery.
pub(super) fn logs_each() -> bool {
    log::log_enabled!(log::Level::Trace)
}

/// Delivers a message to one subscription; false if it is not for this one.
pub(super) fn deliver(
    staging: &mut Staging,
    start: Start<'_>,
    subscription: &Arc<ConnectionSubscription>,
    content: &Content<'_>,
    origin: Origin,
) -> bool {
    let destination = subscription.destination();
    if !reaches(origin, subscription) || !has_room(destination, 1) || !claims_one(subscription) {
        return false;
    }
    deliver_claimed(staging, start, subscription, content);
    true
}

/// Delivers a message for which there is a place, to a client or to the owner of a mailbox.
pub(super) fn deliver_claimed(
    staging: &mut Staging,
    start: Start<'_>,
    subscription: &ConnectionSubscription,
    content: &Content<'_>,
) {
    let destination = subscription.destination();
    if destination.outlet() == Outlet::Mailbox {
        return stage_neutral(staging, start.subject, subscription, content);
    }
    if let Some((mapped, prefix)) = content.mapped_reply() {
        return deliver_unmapped(staging, start, subscription, content, (mapped, prefix));
    }
    let stripped;
    let (prefix, tail, body) = match content.header_size {
        None => (start.msg, content.tail, content.body),
        Some(_) if destination.accepts_headers() => (start.hmsg, content.tail, content.body),
        Some(_) => {
            let mut tail = Vec::new();
            message::append_parts(&mut tail, b"", content.reply, None, content.payload());
            stripped = tail;
            (start.msg, &*stripped, content.payload())
        }
    };
    if logs_each() {
        let with_headers = content.header_size.filter(|_| body.len() == content.body.len());
        destination.log_delivery([prefix, start.sid, tail], body, with_headers);
    }
    staging.message(destination, [prefix, start.sid, tail], body.len());
    if let Some(reply) = content.reply.filter(|_| destination.records_requests()) {
        destination.record_request(reply, Instant::now());
    }
}

/// Delivers a request to a client whose reply leads back by itself: the client is shown the reply as it is called where was
/// asked, and its answer leads back.
#[cold]
fn deliver_unmapped(
    staging: &mut Staging,
    start: Start<'_>,
    subscription: &ConnectionSubscription,
    content: &Content<'_>,
    (mapped, prefix): (&[u8], ReplyPrefix),
) {
    let reply = gateway::unmapped(mapped).unwrap_or_default();
    let destination = subscription.destination();
    destination.record_way_back(reply, prefix, staging.now());
    // The reply is the first word of the tail.
    let tail = content.tail.get(prefix.as_bytes().len()..).unwrap_or_default();
    let content = Content {
        tail,
        reply: Some(reply),
        ..*content
    };
    deliver_claimed(staging, start, subscription, &content);
}

/// Delivers a message to one member of a queue group. False if none takes it; a peer gets it later.
pub(super) fn deliver_to_one(
    staging: &mut Staging,
    peers: &mut Peers,
    fanout: &ConnectionFanout,
    queue: &QueueTargets<Arc<Outbox>>,
    random: u64,
    content: &Content<'_>,
    origin: Origin,
) -> bool {
    match pick_another(queue, random, fanout.subject(), origin, staging) {
        Some(member) => {
            deliver_to_picked(staging, peers, fanout, queue, member, content);
            true
        }
        None => false,
    }
}

/// The same for a message that shows another subject than that of the fan-out.
pub(super) fn deliver_to_one_showing(
    staging: &mut Staging,
    peers: &mut Peers,
    (fanout, queue, random): (&ConnectionFanout, &QueueTargets<Arc<Outbox>>, u64),
    (shown, start): (&[u8], &mut Vec<u8>),
    content: &Content<'_>,
    origin: Origin,
) -> bool {
    let Some(member) = pick_another(queue, random, fanout.subject(), origin, staging) else {
        return false;
    };
    if member.destination().outlet() == Outlet::Peer {
        peers.pick(member, fanout.subject());
    } else {
        let start = Start::showing(shown, member.sid_field(), start);
        deliver_claimed(staging, start, member, content);
    }
    true
}

/// Delivers a message to the member of a queue group that was picked for it; a peer gets it later.
pub(super) fn deliver_to_picked(
    staging: &mut Staging,
    peers: &mut Peers,
    fanout: &ConnectionFanout,
    queue: &QueueTargets<Arc<Outbox>>,
    member: &Arc<ConnectionSubscription>,
    content: &Content<'_>,
) {
    if member.destination().outlet() == Outlet::Peer {
        peers.pick(member, fanout.subject());
    } else {
        let mut renamed = Vec::new();
        let start = Start::of_any_member(fanout, queue.prefix(), member, &mut renamed);
        deliver_claimed(staging, start, member, content);
    }
}

/// Appends a message in no peer's language, for the owner of a mailbox.
fn stage_neutral(
    staging: &mut Staging,
    subject: &[u8],
    subscription: &ConnectionSubscription,
    content: &Content<'_>,
) {
    let renamed = subscription.renamed(subject);
    let subject = renamed.as_deref().unwrap_or(subject);
    let number = neutral::subscription_number(subscription.sid());
    let pieces: [&[u8]; 5] = [
        &neutral::before_subject(number, subject.len()),
        subject,
        &content.neutral_sizes(),
        content.reply.unwrap_or_default(),
        content.body,
    ];
    staging.message(subscription.destination(), pieces, content.body.len());
}

/// Whether so many messages are not refused; counts them if they are.
#[inline]
pub(super) fn has_room(destination: &Outbox, messages: u64) -> bool {
    let refuses = destination.refuses();
    if refuses {
        destination.count_refused(messages);
    }
    !refuses
}

/// Whether every plain target takes messages byte for byte as they were published. Of a queue group only the one that is
/// picked has to be asked, and to claim its message.
pub(super) fn takes_as_it_comes(fanout: &ConnectionFanout, with_headers: bool) -> bool {
    !fanout.has_limited() && (!with_headers || fanout.all_accept_headers())
}

/// The member of a queue group that takes the next message.
#[inline]
pub(super) fn pick<'a>(
    queue: &'a QueueTargets<Arc<Outbox>>,
    random: u64,
    subject: &[u8],
    origin: Origin,
    staging: &mut Staging,
) -> Option<&'a Arc<ConnectionSubscription>> {
    match queue.first(random) {
        Some(first) if takes_one(first, subject, origin) => Some(first),
        _ => pick_another(queue, random, subject, origin, staging),
    }
}

/// The one that takes a message where not every member is a client that does, and the first that is asked therefore not
/// enough. One that is further off takes it only if none that is nearer does.
#[cold]
fn pick_another<'a>(
    queue: &'a QueueTargets<Arc<Outbox>>,
    random: u64,
    subject: &[u8],
    origin: Origin,
    staging: &mut Staging,
) -> Option<&'a Arc<ConnectionSubscription>> {
    let takes = |member: &Arc<ConnectionSubscription>| can_take(member, subject) && reaches(origin, member);
    if origin.kind().is_server() {
        let member = pick_evenly(queue, random, takes, staging);
        return member.or_else(|| pick_elsewhere(queue, random, subject, origin, staging));
    }
    for member in queue.candidates(random) {
        staging.charge(1);
        if takes(member) {
            if distance(member) > 0 {
                return pick_nearest(queue, random, takes, staging);
            }
            if claims_one(member) {
                return Some(member);
            }
        }
    }
    None
}

/// The member at another server of the cluster that takes a message which one of them has passed on for the group: none is
/// left here, as it has gone while the message was under way. The server that the message has come from is asked last.
///
/// It cannot go round for long: each of those servers hears that there is nobody at the others.
pub(super) fn pick_elsewhere<'a>(
    queue: &'a QueueTargets<Arc<Outbox>>,
    random: u64,
    subject: &[u8],
    origin: Origin,
    staging: &mut Staging,
) -> Option<&'a Arc<ConnectionSubscription>> {
    if origin.kind() != ConnectionKind::Route {
        return None;
    }
    let mut behind = None;
    for member in queue.candidates(random) {
        staging.charge(1);
        let destination = member.destination();
        let is_elsewhere = destination.kind() == ConnectionKind::Route;
        if !is_elsewhere || origin.is_from_cluster_of(member) || !can_take(member, subject) {
            continue;
        }
        if origin.left_out() != Some(destination.connection_id()) {
            return claims_one(member).then_some(member);
        }
        behind = Some(member);
    }
    behind.filter(|member| claims_one(member))
}

/// So often a member is drawn where many may be out of reach, before all of them are compared.
const DRAWN_AT_MOST: usize = 8;

/// One of the nearest members that take a message which another server has passed on: most of those that are out of its reach
/// stand side by side, so who is next to one of them must not be the one that takes its share.
fn pick_evenly<'a>(
    queue: &'a QueueTargets<Arc<Outbox>>,
    random: u64,
    takes: impl Fn(&Arc<ConnectionSubscription>) -> bool,
    staging: &mut Staging,
) -> Option<&'a Arc<ConnectionSubscription>> {
    let mut random = Rng::with_seed(random);
    for _ in 0..DRAWN_AT_MOST {
        staging.charge(1);
        let drawn = queue.first(random.u64(..))?;
        if distance(drawn) == 0 && takes(drawn) && claims_one(drawn) {
            return Some(drawn);
        }
    }
    pick_nearest(queue, random.u64(..), takes, staging)
}

/// One of the nearest members that take a message. They are as likely as they weigh, whatever is further off beside them:
/// in a small group exactly so, in a large one as far as members are drawn.
fn pick_nearest<'a>(
    queue: &'a QueueTargets<Arc<Outbox>>,
    random: u64,
    takes: impl Fn(&Arc<ConnectionSubscription>) -> bool,
    staging: &mut Staging,
) -> Option<&'a Arc<ConnectionSubscription>> {
    let is_small = queue.weight() <= COMPARED_AT_MOST;
    let mut random = Rng::with_seed(random);
    let mut nearest: Option<(u64, &Arc<ConnectionSubscription>)> = None;
    let mut alike = 0;
    let all = is_small.then(|| queue.members());
    let drawn = (!is_small).then(|| queue.candidates(random.u64(..)));
    for member in all.into_iter().flatten().chain(drawn.into_iter().flatten()) {
        staging.charge(1);
        let distance = distance(member);
        if nearest.is_some_and(|(nearest, _)| distance > nearest) || !takes(member) {
            continue;
        }
        if nearest.is_none_or(|(nearest, _)| distance < nearest) {
            alike = 0;
        }
        alike += 1;
        if random.u32(..alike) == 0 {
            nearest = Some((distance, member));
        }
        if distance == 0 && !is_small {
            break;
        }
    }
    let (_, member) = nearest?;
    if claims_one(member) {
        return Some(member);
    }
    // It has just had its last.
    let others = queue.candidates(random.u64(..));
    others
        .filter(|other| takes(other))
        .find(|other| claims_one(other))
}

/// How far off a member of a queue group is: of other clusters, that with the shortest round trip is the nearest; leaf nodes are
/// as far wherever in the cluster they are linked. One that has no room and has publishers wait for it is the last to be asked.
pub(super) fn distance(member: &ConnectionSubscription) -> u64 {
    let destination = member.destination();
    if destination.traits().have(Traits::FULL) {
        return u64::MAX;
    }
    let kind = match destination.kind() {
        ConnectionKind::Route if member.of_leaf_nodes().is_some() => ConnectionKind::LeafNode,
        kind => kind,
    };
    let round_trip = match kind {
        ConnectionKind::Gateway => destination.round_trip(),
        _ => 0,
    };
    u64::from(kind.distance()) << u32::BITS | u64::from(round_trip)
}

pub(super) fn can_take(member: &Arc<ConnectionSubscription>, subject: &[u8]) -> bool {
    let destination = member.destination();
    !destination.is_closed() && !destination.refuses() && !member.denies(subject)
}

/// Whether a member, which is a client, takes one message, which is counted.
#[inline(always)]
fn takes_one(member: &Arc<ConnectionSubscription>, subject: &[u8], origin: Origin) -> bool {
    let destination = member.destination();
    !destination.traits().have(Traits::CLOSED | Traits::NO_CLIENT)
        && !member.denies(subject)
        && reaches(origin, member)
        && claims_one(member)
}

/// Whether a message may come to a subscription for who published it.
#[inline]
pub(super) fn reaches(origin: Origin, subscription: &ConnectionSubscription) -> bool {
    origin.reaches(subscription.destination())
        && !(origin.has_crossed() && subscription.is_shadow())
        && !origin.is_from_cluster_of(subscription)
}

/// Counts one delivery, unless the subscription has had its last.
#[inline]
pub(super) fn claims_one(subscription: &Arc<ConnectionSubscription>) -> bool {
    if subscription.is_shadow() && subscription.is_closed() {
        return false;
    }
    let original = subscription.original();
    match original.claim() {
        Claim::Granted => true,
        Claim::Last => {
            original.destination().report_exhausted(original.clone());
            true
        }
        Claim::Exhausted => false,
    }
}

/// Counts the deliveries of a run, which may turn out to have been the last.
#[inline]
pub(super) fn count(subscription: &Arc<ConnectionSubscription>, messages: u64) {
    let original = subscription.original();
    if original.count(messages) {
        original.destination().report_exhausted(original.clone());
    }
}

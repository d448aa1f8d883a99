//! One message for one subscription, with a look at everything: what is counted down, strips headers, leaves out the
//! publisher or is logged.

use super::staging::Staging;
use crate::outbox::{ConnectionSubscription, Outbox};
use std::sync::Arc;
use std::time::Instant;
use vagus_protocol::message::{self, MORE_WITH_HEADERS};
use vagus_protocol::operation::Publish;
use vagus_routing::{Claim, Destination, Fanout, Origin, Prefix, QueueTargets};

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

    /// The body without headers.
    pub(super) fn payload(&self) -> &'a [u8] {
        self.body.get(self.header_size.unwrap_or(0)..).unwrap_or_default()
    }
}

/// The start of a delivery, in both of its forms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start<'a> {
    msg: &'a [u8],
    hmsg: &'a [u8],
    /// Empty where the others have it.
    sid: &'a [u8],
}

impl<'a> Start<'a> {
    pub(super) fn of(fanout: &'a ConnectionFanout, prefix: Prefix) -> Self {
        Self {
            msg: fanout.start(prefix, MORE_WITH_HEADERS),
            hmsg: fanout.start(prefix, 0),
            sid: b"",
        }
    }

    /// That of a member of a queue group.
    pub(super) fn of_member(
        fanout: &'a ConnectionFanout,
        prefix: Prefix,
        member: &'a ConnectionSubscription,
    ) -> Self {
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
    if !origin.reaches(destination) || !claims_one(subscription) {
        return false;
    }
    deliver_claimed(staging, start, destination, content);
    true
}

/// Delivers a message for which there is a place.
pub(super) fn deliver_claimed(
    staging: &mut Staging,
    start: Start<'_>,
    destination: &Arc<Outbox>,
    content: &Content<'_>,
) {
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

/// Delivers a message to one member of a queue group: the first from a random one on that takes it. False if none does.
pub(super) fn deliver_to_one(
    staging: &mut Staging,
    fanout: &ConnectionFanout,
    queue: &QueueTargets<Arc<Outbox>>,
    random: u64,
    content: &Content<'_>,
    origin: Origin,
) -> bool {
    let mut asked = 0;
    let taken = queue
        .candidates(random)
        .inspect(|_| asked += 1)
        .filter(|member| can_take(member, fanout.subject()))
        .any(|member| {
            let start = Start::of_member(fanout, queue.prefix(), member);
            deliver(staging, start, member, content, origin)
        });
    staging.charge(asked);
    taken
}

/// Whether every plain target takes messages byte for byte as they were published. Of a queue group only whoever is
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

/// The one that takes a message where the first that was asked does not.
#[cold]
fn pick_another<'a>(
    queue: &'a QueueTargets<Arc<Outbox>>,
    random: u64,
    subject: &[u8],
    origin: Origin,
    staging: &mut Staging,
) -> Option<&'a Arc<ConnectionSubscription>> {
    for member in queue.candidates(random).skip(1) {
        staging.charge(1);
        if takes_one(member, subject, origin) {
            return Some(member);
        }
    }
    None
}

/// Whether a member takes one message, which is counted.
#[inline(always)]
fn takes_one(member: &Arc<ConnectionSubscription>, subject: &[u8], origin: Origin) -> bool {
    can_take(member, subject) && origin.reaches(member.destination()) && claims_one(member)
}

#[inline]
pub(super) fn can_take(member: &Arc<ConnectionSubscription>, subject: &[u8]) -> bool {
    !member.destination().is_closed() && !member.denies(subject)
}

/// Counts one delivery, unless the subscription has had its last.
#[inline]
pub(super) fn claims_one(subscription: &Arc<ConnectionSubscription>) -> bool {
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
pub(super) fn count(subscription: &Arc<ConnectionSubscription>, messages: u64) {
    if subscription.count(messages) {
        subscription.destination().report_exhausted(subscription.clone());
    }
}

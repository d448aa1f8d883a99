//! Telling of a traced message where it comes to, while it is delivered there.

use super::Trace;
use crate::arbiter::staging::Staging;
use crate::arbiter::with_care::{
    ConnectionFanout, Content, Start, claims_one, deliver_claimed, distance, has_room, pick_elsewhere,
};
use crate::outbox::{ConnectionSubscription, Outbox};
use std::sync::Arc;
use vagus_protocol::message_trace::{Egress, EgressError, ShownKind, StreamExport};
use vagus_routing::{ConnectionKind, Destination, Origin, Outlet, QueueTargets};

/// What telling of a subscription is, beside the copy.
pub(super) const WORK_OF_TELLING: usize = 32;

/// What a message comes to subscriptions with.
pub(super) struct Telling<'a> {
    pub(super) trace: &'a mut dyn Trace,
    pub(super) origin: Origin,
    /// The account that it is delivered in, if that is another than it was published in.
    pub(super) account: &'a str,
    pub(super) staging: &'a mut Staging,
}

impl Telling<'_> {
    /// Whether the turn has done as much as it may.
    pub(super) fn is_spent(&self) -> bool {
        self.staging.is_spent()
    }

    /// Tells of a subscription, to which the message is delivered if it is delivered at all; false if that one does not
    /// take it; None for the copy if it is known not to. Those of other servers are only asked: each server is told of once, and gets the message, when it
    /// [leaves](Self::leave_for).
    pub(super) fn come_to(
        &mut self,
        subject: &[u8],
        subscription: &Arc<ConnectionSubscription>,
        copy: Option<(Start<'_>, &Content<'_>)>,
    ) -> bool {
        let destination = subscription.destination();
        let is_publisher = self.origin.left_out() == Some(destination.connection_id());
        let is_kept_off = !self.origin.reaches(destination) || self.origin.is_from_cluster_of(subscription);
        if !is_publisher && is_kept_off {
            // It is another server that has the message without us.
            return false;
        }
        let is_peer = destination.outlet() == Outlet::Peer;
        if let Some(account) = subscription.importer() {
            let renamed = subscription.renamed(subject);
            let to = renamed.as_deref().unwrap_or(subject);
            self.trace.add_stream_export(&StreamExport { account, to });
            self.staging.charge(WORK_OF_TELLING);
        }
        let is_delivered = is_peer || !self.trace.is_without_delivery();
        let error = if is_publisher {
            Some(EgressError::NoEcho)
        } else if subscription.denies(subject) {
            Some(EgressError::SubjectDenied)
        } else if subscription.is_closed() {
            Some(EgressError::SubscriptionEnded)
        } else if !is_delivered {
            None
        } else if destination.is_closed() {
            Some(EgressError::ConnectionEnded)
        } else if !has_room(destination, 1) {
            Some(EgressError::NoRoom)
        } else if !claims_one(subscription) {
            Some(EgressError::MaximumReached)
        } else {
            None
        };
        if is_peer {
            self.staging.charge(1);
            return error.is_none();
        }
        if let Some((start, content)) = copy.filter(|_| is_delivered && error.is_none()) {
            deliver_claimed(self.staging, start, subscription, content);
            self.staging.charge(1);
        }
        if subscription.allows_trace() {
            let account = subscription.importer().unwrap_or(self.account);
            self.tell(&Egress {
                account,
                subscription: subscription.subject(),
                queue: subscription.queue().unwrap_or_default(),
                error,
                ..of(destination, &name(destination))
            });
        }
        error.is_none()
    }

    /// Tells of those members of a queue group who are asked; gives the one that takes the message.
    pub(super) fn come_to_one<'a>(
        &mut self,
        fanout: &'a ConnectionFanout,
        queue: &'a QueueTargets<Arc<Outbox>>,
        random: u64,
        content: &Content<'_>,
    ) -> Option<&'a Arc<ConnectionSubscription>> {
        let mut comes_to = |member: &'a Arc<ConnectionSubscription>| {
            self.staging.charge(1);
            let mut renamed = Vec::new();
            let start = Start::of_any_member(fanout, queue.prefix(), member, &mut renamed);
            // Those who have left may still be drawn.
            !member.is_closed() && self.come_to(fanout.subject(), member, Some((start, content)))
        };
        // Those further off are asked only if none that is nearer takes it.
        let mut further = Vec::new();
        for member in queue.candidates(random) {
            match distance(member) {
                0 if comes_to(member) => return Some(member),
                0 => {}
                distance => further.push((distance, member)),
            }
        }
        further.sort_by_key(|(distance, _)| *distance);
        let mut further = further.into_iter().map(|(_, member)| member);
        let taken_by = further.find(|member| comes_to(member));
        taken_by.or_else(|| pick_elsewhere(queue, random, fanout.subject(), self.origin, self.staging))
    }

    /// Tells of another server, which stands for all of its subscriptions that match; gives the hop by which the message
    /// leaves for it, if it does.
    pub(super) fn leave_for(&mut self, destination: &Outbox) -> Option<String> {
        let hop = self.trace.next_hop();
        let error = if destination.is_closed() {
            Some(EgressError::ConnectionEnded)
        } else if destination.traces() {
            None
        } else if self.trace.is_without_delivery() {
            Some(EgressError::WouldBeDelivered)
        } else {
            Some(EgressError::NotTracedThere)
        };
        self.tell(&Egress {
            hop: &hop,
            error,
            ..of(destination, &name(destination))
        });
        matches!(error, None | Some(EgressError::NotTracedThere)).then_some(hop)
    }

    fn tell(&mut self, egress: &Egress<'_>) {
        self.trace.add_egress(egress);
        self.staging.charge(WORK_OF_TELLING);
    }
}

fn name(destination: &Outbox) -> Arc<str> {
    destination.name().unwrap_or_default()
}

/// What is said of each place that a message leaves for.
fn of<'a>(destination: &Outbox, name: &'a str) -> Egress<'a> {
    Egress {
        kind: shown(destination.kind()),
        connection: destination.connection_id(),
        name,
        hop: "",
        account: "",
        subscription: b"",
        queue: b"",
        error: None,
    }
}

fn shown(kind: ConnectionKind) -> ShownKind {
    match kind {
        ConnectionKind::Client => ShownKind::Client,
        ConnectionKind::Service => ShownKind::System,
        ConnectionKind::Stream => ShownKind::JetStream,
        ConnectionKind::Route => ShownKind::Router,
        ConnectionKind::Gateway => ShownKind::Gateway,
        ConnectionKind::LeafNode | ConnectionKind::Hub => ShownKind::LeafNode,
    }
}

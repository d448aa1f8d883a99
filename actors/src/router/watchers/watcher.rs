//! One who watches, and what it is told: what has changed, and all there is.

use super::batch::Changes;
use super::untold::{Topic, Untold};
use super::{Groups, InterestChanged};
use crate::router::groups::looks_of_group;
use actix::prelude::*;
use std::ops::ControlFlow;
use std::sync::Arc;
use vagus_accounts::RESPONSE_PREFIX;
use vagus_delivery::outbox::{ConnectionSubscription, Outbox};
use vagus_protocol::leaf::LOOP_DETECTION_PREFIX;
use vagus_routing::table::Cursor;
use vagus_routing::{Destination, Index, Listing, Origin, Outlet, Tally};

#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) peer: Origin,
    pub(super) recipient: Recipient<InterestChanged>,
    pub(super) untold: Untold,
    /// None when everything there was is told.
    pub(super) snapshot: Option<Snapshot>,
    pub(super) state: State,
    /// Everything that was noted before this has been told, and taken.
    pub(super) knows: u64,
    /// It has not taken its batch for a while, and is not waited for.
    pub(super) is_behind: bool,
    /// Whatever there is, it is told that it is there no more.
    pub(super) is_ending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There is nothing to tell.
    Idle,
    /// Among those that are ready.
    Ready,
    /// A batch is with it.
    Taking,
}

/// How far telling what is there has come.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    subjects: Listing,
    are_subjects_told: bool,
    groups: Cursor,
}

impl Watcher {
    pub(super) fn has_more(&self) -> bool {
        self.snapshot.is_some() || !self.untold.is_empty()
    }

    /// What has changed, as it is now. While there is a snapshot to tell, half of a batch is for that.
    pub(super) fn tell_changes(
        &mut self,
        changes: &mut Changes,
        looks: &mut usize,
        index: &Index<Arc<Outbox>>,
        groups: &Groups,
    ) {
        let is_full = match self.snapshot {
            Some(_) => Changes::is_half_full,
            None => Changes::is_full,
        };
        while *looks > 0
            && !is_full(changes)
            && let Some(topic) = self.untold.pop()
        {
            *looks -= 1;
            let weight = match &topic {
                _ if self.is_ending => 0,
                Topic::Subject(subject) => weight_of_plain(&self.peer, index.subscribers(subject)),
                Topic::Group(name) => groups.members(name).map_or(0, |members| {
                    *looks = looks.saturating_sub(looks_of_group(members));
                    weight_of_group(&self.peer, &members.tally())
                }),
            };
            changes.push(topic.subject(), topic.queue(), weight);
        }
    }

    /// More of what is there. True if that was all.
    pub(super) fn tell_snapshot(
        &mut self,
        changes: &mut Changes,
        looks: &mut usize,
        index: &Index<Arc<Outbox>>,
        groups: &Groups,
    ) -> bool {
        let Self {
            peer,
            untold,
            snapshot: unfinished,
            is_ending,
            ..
        } = self;
        let Some(snapshot) = unfinished.as_mut().filter(|_| *looks > 0 && !changes.is_full()) else {
            return false;
        };
        let mut tell = |subject: &[u8], queue: Option<&[u8]>, weight: u32| {
            if weight > 0 {
                changes.push(subject, queue, if *is_ending { 0 } else { weight });
                untold.told(subject, queue);
            }
            if changes.is_full() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        if !snapshot.are_subjects_told {
            let listing = &mut snapshot.subjects;
            snapshot.are_subjects_told = index.list(listing, looks, |subject, subscribers| {
                tell(subject, None, weight_of_plain(peer, subscribers))
            });
        }
        let is_told = snapshot.are_subjects_told
            && groups.list(&mut snapshot.groups, looks, |name, members| {
                tell(
                    &name.subject,
                    Some(&name.queue),
                    weight_of_group(peer, &members.tally()),
                )
            });
        if is_told {
            *unfinished = None;
        }
        is_told
    }
}

/// 1 if somebody counts, else 0.
fn weight_of_plain(peer: &Origin, subscribers: &[Arc<ConnectionSubscription>]) -> u32 {
    // Those that do not count are other servers, of which each has one subscription to a subject: this does not go far.
    subscribers
        .iter()
        .any(|subscription| counts(peer, subscription))
        .into()
}

/// Whether a peer is told of a subscription. Requests go into other accounts where they come into the cluster, so what stands
/// for that concerns no peer; answers come from anywhere.
pub(super) fn counts(peer: &Origin, subscription: &ConnectionSubscription) -> bool {
    let destination = subscription.destination();
    let is_of_requests =
        destination.outlet() == Outlet::Account && !subscription.subject().starts_with(RESPONSE_PREFIX);
    if peer.kind().is_leaf_link() {
        return counts_for_leaf(peer, subscription);
    }
    !is_of_requests && peer.reaches(destination)
}

/// The same, for one end of a link between a leaf node and its hub. It is told of what is asked in other accounts, too: its
/// messages come into the account here alone. What servers find loops by is told to all.
fn counts_for_leaf(peer: &Origin, subscription: &ConnectionSubscription) -> bool {
    let destination = subscription.destination();
    if subscription
        .subject()
        .starts_with(LOOP_DETECTION_PREFIX.as_bytes())
    {
        let is_itself = peer.left_out() == Some(destination.connection_id());
        return !is_itself && !peer.is_of_cluster_of(destination);
    }
    peer.reaches(destination) && !(peer.is_isolated() && destination.kind().is_leaf_link())
}

pub(super) fn weight_of_group(peer: &Origin, members: &Tally<'_, Arc<Outbox>>) -> u32 {
    let weight = members.weight(|server| peer.reaches(server));
    u32::try_from(weight).unwrap_or(u32::MAX)
}

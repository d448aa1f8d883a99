//! One who watches, and what it is told: what has changed, and all there is.

use super::batch::{Changes, InterestChange};
use super::of_leaf_nodes::{OfLeafNodes, is_of_leaf_node};
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
use vagus_routing::{Destination, Index, LeafCluster, Listing, Origin, Outlet, Tally, ToldOfLeafNodes};

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
    are_groups_told: bool,
    of_leaf_nodes: Cursor,
}

/// Where it is read what there is.
pub(super) struct Sources<'a> {
    pub(super) index: &'a Index<Arc<Outbox>>,
    pub(super) groups: &'a Groups,
    pub(super) of_leaf_nodes: &'a OfLeafNodes,
}

impl Watcher {
    pub(super) fn has_more(&self) -> bool {
        self.snapshot.is_some() || !self.untold.is_empty()
    }

    /// What has changed, as it is now. While there is a snapshot to tell, half of a batch is for that.
    pub(super) fn tell_changes(&mut self, changes: &mut Changes, looks: &mut usize, sources: &Sources<'_>) {
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
                Topic::Subject(subject) => weight_of_plain(&self.peer, sources.index.subscribers(subject)),
                Topic::Group(name) => sources.groups.members(name).map_or(0, |members| {
                    *looks = looks.saturating_sub(looks_of_group(members));
                    weight_of_group(&self.peer, &members.tally())
                }),
                Topic::OfLeafNodes(topic) => sources.of_leaf_nodes.weight(topic),
            };
            let of_leaf_nodes = match &topic {
                Topic::OfLeafNodes(topic) => Some(&*topic.cluster_name),
                Topic::Subject(_) | Topic::Group(_) => None,
            };
            let (_, subject, queue) = topic.words();
            changes.push(InterestChange {
                subject,
                queue,
                of_leaf_nodes,
                weight,
            });
        }
    }

    /// More of what is there. True if that was all.
    pub(super) fn tell_snapshot(
        &mut self,
        changes: &mut Changes,
        looks: &mut usize,
        sources: &Sources<'_>,
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
        let mut tell = |cluster: Option<LeafCluster>, change: InterestChange<'_>| {
            if change.weight > 0 {
                changes.push(InterestChange {
                    weight: if *is_ending { 0 } else { change.weight },
                    ..change
                });
                untold.told((cluster, change.subject, change.queue));
            }
            if changes.is_full() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        if !snapshot.are_subjects_told {
            let listing = &mut snapshot.subjects;
            snapshot.are_subjects_told = sources.index.list(listing, looks, |subject, subscribers| {
                let change = InterestChange {
                    subject,
                    queue: None,
                    of_leaf_nodes: None,
                    weight: weight_of_plain(peer, subscribers),
                };
                tell(None, change)
            });
        }
        if snapshot.are_subjects_told && !snapshot.are_groups_told {
            let cursor = &mut snapshot.groups;
            snapshot.are_groups_told = sources.groups.list(cursor, looks, |name, members| {
                let change = InterestChange {
                    subject: &name.subject,
                    queue: Some(&name.queue),
                    of_leaf_nodes: None,
                    weight: weight_of_group(peer, &members.tally()),
                };
                tell(None, change)
            });
        }
        let cursor = &mut snapshot.of_leaf_nodes;
        let is_told = snapshot.are_groups_told
            && (is_told_of_all(peer)
                || sources.of_leaf_nodes.list(cursor, looks, |cluster, change| {
                    match peer.tells_apart(cluster) {
                        true => tell(Some(cluster), change),
                        false => ControlFlow::Continue(()),
                    }
                }));
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

/// Whether nothing is told to a peer apart.
fn is_told_of_all(peer: &Origin) -> bool {
    matches!(
        peer.is_told_of_leaf_nodes(),
        ToldOfLeafNodes::AsOwn | ToldOfLeafNodes::Nothing
    )
}

/// Whether a peer is told of a subscription as the account's own. Requests go into other accounts where they come into the
/// cluster, so what stands for that concerns no peer; answers come from anywhere. But one end of a link is told of what is asked
/// in other accounts, too: its messages come into the account here alone.
pub(super) fn counts(peer: &Origin, subscription: &ConnectionSubscription) -> bool {
    let destination = subscription.destination();
    if peer.kind().is_leaf_link() {
        return counts_for_leaf(peer, subscription);
    }
    let is_of_requests =
        destination.outlet() == Outlet::Account && !subscription.subject().starts_with(RESPONSE_PREFIX);
    !is_of_requests && peer.reaches(destination) && !is_told_apart(peer, subscription)
}

/// The same, for one end of a link between a leaf node and its hub. What servers find loops by is told to all.
fn counts_for_leaf(peer: &Origin, subscription: &ConnectionSubscription) -> bool {
    let destination = subscription.destination();
    let is_its_own = peer.is_of_cluster_of(destination) || peer.is_from_cluster_of(subscription);
    if subscription
        .subject()
        .starts_with(LOOP_DETECTION_PREFIX.as_bytes())
    {
        return peer.left_out() != Some(destination.connection_id()) && !is_its_own;
    }
    peer.reaches(destination) && !is_its_own && !is_isolated_from(peer, subscription)
}

/// What leaf nodes want, which is told to it apart.
fn is_told_apart(peer: &Origin, subscription: &ConnectionSubscription) -> bool {
    !is_told_of_all(peer)
        && is_of_leaf_node(subscription)
        && peer.tells_apart(subscription.destination().leaf_cluster())
}

/// What leaf nodes want, at whatever server of the cluster, or a hub, which an isolated link is told nothing of.
fn is_isolated_from(peer: &Origin, subscription: &ConnectionSubscription) -> bool {
    peer.is_told_of_leaf_nodes() == ToldOfLeafNodes::Nothing
        && (subscription.destination().kind().is_leaf_link() || subscription.of_leaf_nodes().is_some())
}

pub(super) fn weight_of_group(peer: &Origin, members: &Tally<'_, Arc<Outbox>>) -> u32 {
    let weight = members.weight(|member| {
        let is_kept_off = peer.is_from_cluster_of(member) || is_isolated_from(peer, member);
        peer.reaches(member.destination()) && !is_kept_off && !is_told_apart(peer, member)
    });
    u32::try_from(weight).unwrap_or(u32::MAX)
}

//! Which watchers a change of interest concerns, found without a look at each.
//!
//! Watchers of one class are told of the same, but for what each has asked for itself and what others of its cluster of leaf
//! nodes have: its side. So a subject that somebody else is subscribed to, who counts for the class, is news for nobody but
//! watchers of the side of that somebody.

use super::counts;
use std::collections::BTreeSet;
use std::sync::Arc;
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_routing::{Destination, LeafCluster, Origin};

/// All who watch, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Audience {
    /// There are as many as kinds of servers, or a few times as many.
    classes: Vec<Class>,
}

#[derive(Debug)]
struct Class {
    /// A peer of this class that has no side.
    of_no_side: Origin,
    members: BTreeSet<(Side, u64)>,
}

/// What is left out for a watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Connection(u64),
    Cluster(LeafCluster),
}

impl Side {
    fn of(connection: u64, cluster: LeafCluster) -> Self {
        match cluster {
            LeafCluster::NONE => Self::Connection(connection),
            cluster => Self::Cluster(cluster),
        }
    }

    fn of_peer(peer: &Origin) -> Self {
        Self::of(peer.left_out().unwrap_or_default(), peer.leaf_cluster())
    }

    fn of_subscription(subscription: &ConnectionSubscription) -> Self {
        let destination = subscription.destination();
        let cluster = match destination.kind().is_leaf_link() {
            true => destination.leaf_cluster(),
            // Leaf nodes that are linked to another server of this one's cluster.
            false => subscription.of_leaf_nodes().unwrap_or_default(),
        };
        Self::of(destination.connection_id(), cluster)
    }
}

impl Class {
    fn has(&self, peer: &Origin) -> bool {
        let of_it = &self.of_no_side;
        let class = |of: &Origin| (of.kind(), of.is_told_of_leaf_nodes());
        class(of_it) == class(peer)
    }

    fn of_side(&self, side: Side) -> impl Iterator<Item = u64> {
        let members = self.members.range((side, 0)..=(side, u64::MAX));
        members.map(|(_, number)| *number)
    }
}

impl Audience {
    pub(super) fn add(&mut self, peer: &Origin, number: u64) {
        let place = self.classes.iter().position(|class| class.has(peer));
        let place = place.unwrap_or_else(|| {
            self.classes.push(Class {
                of_no_side: peer.of_no_side(),
                members: BTreeSet::new(),
            });
            self.classes.len() - 1
        });
        if let Some(class) = self.classes.get_mut(place) {
            class.members.insert((Side::of_peer(peer), number));
        }
    }

    pub(super) fn remove(&mut self, peer: &Origin, number: u64) {
        for class in self.classes.iter_mut().filter(|class| class.has(peer)) {
            class.members.remove(&(Side::of_peer(peer), number));
        }
        self.classes.retain(|class| !class.members.is_empty());
    }

    /// Those that are of the side of a peer, itself among them.
    pub(super) fn beside(&self, peer: &Origin) -> impl Iterator<Item = u64> {
        let classes = self.classes.iter().filter(|class| class.has(peer));
        classes.flat_map(|class| class.of_side(Side::of_peer(peer)))
    }

    /// Adds those that may have something to be told as this subscription has come or gone, where `now` are those to its
    /// subject.
    pub(super) fn concerned_by(
        &self,
        changed: &Arc<ConnectionSubscription>,
        now: &[Arc<ConnectionSubscription>],
        concerned: &mut Vec<u64>,
    ) {
        for class in &self.classes {
            if !counts(&class.of_no_side, changed) {
                continue;
            }
            let counts = |other: &&Arc<ConnectionSubscription>| {
                !Arc::ptr_eq(other, changed) && counts(&class.of_no_side, other)
            };
            match now.iter().find(counts) {
                None => concerned.extend(class.members.iter().map(|(_, number)| *number)),
                Some(other) => concerned.extend(class.of_side(Side::of_subscription(other))),
            }
        }
    }

    /// The same, as a queue group has other members. `weight` is what the group weighs for a peer that has no side, before and
    /// now: what there is none of, nobody is told of.
    pub(super) fn concerned_by_group(&self, weighs: impl Fn(&Origin) -> bool, concerned: &mut Vec<u64>) {
        for class in self.classes.iter().filter(|class| weighs(&class.of_no_side)) {
            concerned.extend(class.members.iter().map(|(_, number)| *number));
        }
    }

    /// The same, as leaf nodes of this cluster want something else.
    pub(super) fn told_apart_of(&self, cluster: LeafCluster, concerned: &mut Vec<u64>) {
        let told = |class: &&Class| class.of_no_side.tells_apart(cluster);
        for class in self.classes.iter().filter(told) {
            concerned.extend(class.members.iter().map(|(_, number)| *number));
        }
    }
}

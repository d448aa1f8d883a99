//! What leaf nodes want that are linked to this server, by the clusters that they are of: other servers of its own cluster are
//! told that apart.

use super::batch::InterestChange;
use crate::queue_group::GroupName;
use foldhash::fast::RandomState;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::ControlFlow;
use std::sync::Arc;
use vagus_delivery::outbox::{ConnectionSubscription, Outbox};
use vagus_routing::table::{Cursor, Hashed, Table};
use vagus_routing::{ConnectionKind, Destination, LeafCluster, Tally};

/// What leaf nodes of a cluster may be interested in.
#[derive(Debug)]
pub(in crate::router) struct LeafTopic {
    pub(super) cluster: LeafCluster,
    /// Empty for leaf nodes of no cluster.
    pub(super) cluster_name: Arc<[u8]>,
    pub(super) subject: Box<[u8]>,
    pub(super) queue: Option<Box<[u8]>>,
}

impl LeafTopic {
    fn of(subscription: &ConnectionSubscription) -> Self {
        Self {
            cluster: subscription.destination().leaf_cluster(),
            cluster_name: subscription.destination().leaf_cluster_name(),
            subject: subscription.subject().into(),
            queue: subscription.queue().map(Into::into),
        }
    }
}

/// Plain subscriptions by their number, members of queue groups by what they weigh. Of each cluster, subject and queue group one
/// is kept that stands for all: it has their names.
#[derive(Debug, Default)]
pub(super) struct OfLeafNodes {
    entries: Table<Entry>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    example: Arc<ConnectionSubscription>,
    weight: u32,
}

impl Hashed for Entry {
    fn hash(&self) -> u64 {
        self.hash
    }
}

type Words<'a> = (LeafCluster, &'a [u8], Option<&'a [u8]>);

fn words_of(subscription: &ConnectionSubscription) -> Words<'_> {
    let cluster = subscription.destination().leaf_cluster();
    (cluster, subscription.subject(), subscription.queue())
}

impl Entry {
    fn is(&self, words: Words<'_>) -> bool {
        words_of(&self.example) == words
    }

    fn change(&self) -> (Arc<[u8]>, u32) {
        let weight = match self.example.queue() {
            None => self.weight.min(1),
            Some(_) => self.weight,
        };
        (self.example.destination().leaf_cluster_name(), weight)
    }
}

impl OfLeafNodes {
    fn find(&self, words: Words<'_>) -> Option<&Entry> {
        let hash = self.hasher.hash_one(words);
        self.entries.find(hash, |entry| entry.is(words))
    }

    /// A plain subscription of a leaf node has come; what it is to if it is the first of its cluster.
    pub(super) fn come(&mut self, subscription: &Arc<ConnectionSubscription>) -> Option<LeafTopic> {
        let words = words_of(subscription);
        let hash = self.hasher.hash_one(words);
        let make = || Entry {
            hash,
            example: subscription.clone(),
            weight: 0,
        };
        let entry = self
            .entries
            .find_or_insert_with(hash, |entry| entry.is(words), make);
        entry.weight += 1;
        (entry.weight == 1).then(|| LeafTopic::of(subscription))
    }

    /// A plain subscription of a leaf node has gone, where `left` are those to its subject; what it was to if it was the last of
    /// its cluster.
    pub(super) fn go(
        &mut self,
        subscription: &Arc<ConnectionSubscription>,
        left: &[Arc<ConnectionSubscription>],
    ) -> Option<LeafTopic> {
        let words = words_of(subscription);
        let hash = self.hasher.hash_one(words);
        let entry = self.entries.find_mut(hash, |entry| entry.is(words))?;
        entry.weight = entry.weight.saturating_sub(1);
        if entry.weight == 0 {
            self.entries.remove(hash, |entry| entry.is(words));
            return Some(LeafTopic::of(subscription));
        }
        if Arc::ptr_eq(&entry.example, subscription)
            && let Some(other) = left
                .iter()
                .find(|other| is_of_leaf_node(other) && words_of(other) == words)
        {
            entry.example = other.clone();
        }
        None
    }

    /// A queue group has other members; what has changed by that.
    pub(super) fn group_changed(
        &mut self,
        name: &GroupName,
        before: &Tally<'_, Arc<Outbox>>,
        now: &Tally<'_, Arc<Outbox>>,
    ) -> Vec<(LeafTopic, u32, u32)> {
        let mut weights: BTreeMap<LeafCluster, Weights<'_>> = BTreeMap::new();
        for (member, weight) in before.servers().filter(|(member, _)| is_of_leaf_node(member)) {
            let weights = weights.entry(member.destination().leaf_cluster());
            weights.or_insert_with(|| Weights::of(member)).before += weight;
        }
        for (member, weight) in now.servers().filter(|(member, _)| is_of_leaf_node(member)) {
            let weights = weights.entry(member.destination().leaf_cluster());
            let weights = weights.or_insert_with(|| Weights::of(member));
            // Those of before may be gone.
            weights.example = member;
            weights.now += weight;
        }
        let mut changed = Vec::new();
        for (cluster, Weights { example, before, now }) in weights {
            let words = (cluster, &*name.subject, Some(&*name.queue));
            let hash = self.hasher.hash_one(words);
            let [before, now] = [before, now].map(|weight| u32::try_from(weight).unwrap_or(u32::MAX));
            if now == 0 {
                self.entries.remove(hash, |entry| entry.is(words));
            } else {
                let make = || Entry {
                    hash,
                    example: example.clone(),
                    weight: 0,
                };
                let entry = self
                    .entries
                    .find_or_insert_with(hash, |entry| entry.is(words), make);
                (entry.example, entry.weight) = (example.clone(), now);
            }
            if before != now {
                changed.push((LeafTopic::of(example), before, now));
            }
        }
        changed
    }

    /// How much interest there is: 0 if there is none any more.
    pub(super) fn weight(&self, topic: &LeafTopic) -> u32 {
        let words = (topic.cluster, &*topic.subject, topic.queue.as_deref());
        self.find(words).map_or(0, |entry| entry.change().1)
    }

    /// Calls `each` with what there is, see [`Table::visit`]; the cluster as it is numbered, too.
    pub(super) fn list(
        &self,
        cursor: &mut Cursor,
        looks: &mut usize,
        mut each: impl FnMut(LeafCluster, InterestChange<'_>) -> ControlFlow<()>,
    ) -> bool {
        self.entries.visit(cursor, looks, |entry| {
            let (cluster_name, weight) = entry.change();
            let (cluster, subject, queue) = words_of(&entry.example);
            each(
                cluster,
                InterestChange {
                    subject,
                    queue,
                    of_leaf_nodes: Some(&cluster_name),
                    weight,
                },
            )
        })
    }

    /// All there is.
    pub(super) fn topics(&self) -> impl Iterator<Item = LeafTopic> {
        self.entries.iter().map(|entry| LeafTopic::of(&entry.example))
    }
}

/// What the members of one cluster weigh.
struct Weights<'a> {
    example: &'a Arc<ConnectionSubscription>,
    before: u64,
    now: u64,
}

impl<'a> Weights<'a> {
    fn of(example: &'a Arc<ConnectionSubscription>) -> Self {
        Self {
            example,
            before: 0,
            now: 0,
        }
    }
}

/// Whether it is of a leaf node that is linked to this server.
pub(super) fn is_of_leaf_node(subscription: &ConnectionSubscription) -> bool {
    subscription.destination().kind() == ConnectionKind::LeafNode
}

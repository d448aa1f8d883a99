//! What has changed and has not been told.

use super::of_leaf_nodes::LeafTopic;
use crate::queue_group::GroupName;
use foldhash::fast::RandomState;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;
use vagus_routing::LeafCluster;
use vagus_routing::table::{Hashed, Table};

/// What there may be interest in.
#[derive(Clone, Debug)]
pub(in crate::router) enum Topic {
    /// Each message of a subject.
    Subject(Arc<[u8]>),
    /// The messages of a queue group.
    Group(Arc<GroupName>),
    /// Either, of leaf nodes, for those who are told that apart.
    OfLeafNodes(Arc<LeafTopic>),
}

/// What it is that there may be interest in: the cluster of leaf nodes that is interested, the subject, the queue group.
pub(super) type Words<'a> = (Option<LeafCluster>, &'a [u8], Option<&'a [u8]>);

impl Topic {
    pub(super) fn words(&self) -> Words<'_> {
        match self {
            Self::Subject(subject) => (None, subject, None),
            Self::Group(name) => (None, &name.subject, Some(&name.queue)),
            Self::OfLeafNodes(topic) => (Some(topic.cluster), &topic.subject, topic.queue.as_deref()),
        }
    }
}

/// The topics of which a watcher does not know the latest, each once, in the order in which they came.
///
/// One that began and ended meanwhile is not kept. So there are never more than topics with interest that the watcher has
/// not been told of, and topics without that it may know: those it was told of, and those of when it began to watch. How
/// many others come and go while it takes nothing makes no difference.
///
/// No call takes long, however many there are; without any they take no memory.
#[derive(Debug, Default)]
pub(super) struct Untold {
    entries: Table<Entry>,
    /// The hash of each, by its number.
    order: BTreeMap<u64, u64>,
    hasher: RandomState,
    numbered: u64,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    number: u64,
    topic: Topic,
    /// There was no interest before, and the watcher knows of none.
    is_new: bool,
}

impl Hashed for Entry {
    fn hash(&self) -> u64 {
        self.hash
    }
}

impl Entry {
    fn is(&self, words: Words<'_>) -> bool {
        self.topic.words() == words
    }
}

impl Untold {
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The number of the topic that comes first; what has a lower one has been taken out.
    pub(super) fn first(&self) -> u64 {
        self.order.keys().next().copied().unwrap_or(self.numbered)
    }

    /// The number that the next topic gets. Those that are here have lower ones.
    pub(super) fn next(&self) -> u64 {
        self.numbered
    }

    fn hash(&self, words: Words<'_>) -> u64 {
        self.hasher.hash_one(words)
    }

    /// Interest in a topic has changed: whether there was some, and whether there is. One that waits keeps its place.
    pub(super) fn note(&mut self, topic: &Topic, was: bool, is: bool) {
        let words = topic.words();
        let (hash, number) = (self.hash(words), self.numbered);
        let make = || Entry {
            hash,
            number,
            topic: topic.clone(),
            is_new: !was,
        };
        let entry = self
            .entries
            .find_or_insert_with(hash, |entry| entry.is(words), make);
        if entry.number == number {
            self.order.insert(number, hash);
            self.numbered += 1;
        } else if entry.is_new && !is {
            self.told(words);
        }
    }

    /// The watcher is being told of a topic otherwise.
    pub(super) fn told(&mut self, words: Words<'_>) {
        if self.is_empty() {
            return;
        }
        let hash = self.hash(words);
        if let Some(entry) = self.entries.remove(hash, |entry| entry.is(words)) {
            self.order.remove(&entry.number);
        }
    }

    /// The topic that came first.
    pub(super) fn pop(&mut self) -> Option<Topic> {
        let (number, hash) = self.order.pop_first()?;
        let entry = self.entries.remove(hash, |entry| entry.number == number)?;
        Some(entry.topic)
    }
}

#[cfg(test)]
mod tests {
    use super::{GroupName, LeafCluster, LeafTopic, Topic, Untold};
    use std::sync::Arc;

    fn topic(subject: &str, queue: Option<&str>) -> Topic {
        match queue {
            None => Topic::Subject(subject.as_bytes().into()),
            Some(queue) => Topic::Group(Arc::new(GroupName {
                subject: subject.as_bytes().into(),
                queue: queue.as_bytes().into(),
            })),
        }
    }

    fn of_leaf_nodes(cluster: &str, subject: &str, queue: Option<&str>) -> Topic {
        Topic::OfLeafNodes(Arc::new(LeafTopic {
            cluster: LeafCluster::named(cluster.as_bytes()),
            cluster_name: cluster.as_bytes().into(),
            subject: subject.as_bytes().into(),
            queue: queue.map(|queue| queue.as_bytes().into()),
        }))
    }

    #[test]
    fn each_comes_once_in_the_order_in_which_it_came() {
        let topics = [
            topic("a", None),
            topic("a", Some("b")),
            topic("ab", None),
            topic("a", Some("")),
            topic("b", None),
            of_leaf_nodes("edge", "a", None),
            of_leaf_nodes("", "a", None),
            of_leaf_nodes("", "a", Some("b")),
        ];
        let mut untold = Untold::default();
        for round in 0..3 {
            for it in &topics {
                untold.note(it, false, true);
                untold.note(&topics[0], true, true);
            }
            assert_eq!(untold.len(), topics.len());
            assert_eq!(untold.pop().unwrap().words(), topics[0].words());
            // It comes again, behind the others.
            untold.note(&topic("a", None), true, false);
            for it in topics[1..].iter().chain(&topics[..1]) {
                assert_eq!(untold.pop().unwrap().words(), it.words(), "round {round}");
            }
            assert!(untold.is_empty() && untold.pop().is_none());
        }
    }

    #[test]
    fn what_began_and_ended_meanwhile_is_not_told() {
        let (mut untold, a, b) = (Untold::default(), topic("a", None), topic("a", Some("b")));
        untold.note(&a, false, true);
        untold.note(&b, false, true);
        untold.note(&b, true, true);
        untold.note(&a, true, false);
        assert_eq!(untold.len(), 1);
        untold.note(&b, true, false);
        assert!(untold.is_empty() && untold.entries.is_empty());
        // One that is known is told of, whatever has become of it.
        untold.note(&a, true, false);
        untold.note(&a, false, true);
        untold.note(&a, true, false);
        assert_eq!(untold.len(), 1);
        // And one that was told of meanwhile is known.
        untold.note(&b, false, true);
        untold.told(b.words());
        untold.note(&b, true, false);
        assert_eq!(untold.len(), 2);
    }
}

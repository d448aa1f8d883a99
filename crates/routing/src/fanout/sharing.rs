//! Which plain subscriptions get the same bytes.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::queue_group::Members;
use crate::subscription::{Destination, Outlet, Subscription};

/// A plain subscription that matches, with what was asked of it once, so that every decision rests on one answer.
pub(super) struct Candidate<D> {
    pub(super) subscription: Arc<Subscription<D>>,
    /// What it calls the subject, if that is something else.
    pub(super) renamed: Option<Vec<u8>>,
    pub(super) connection: u64,
    pub(super) outlet: Outlet,
    /// Of its [`sid_field`](Subscription::sid_field): to look for it again, half a million times, takes long.
    pub(super) sid_length: usize,
    pub(super) headers: bool,
    pub(super) limited: bool,
    /// Its place in [`Sorted::classes`]; none if it gets bytes of its own.
    pub(super) class: Option<usize>,
}

/// Most fan-outs have one.
pub(super) type Candidates<D> = SmallVec<[Candidate<D>; 1]>;

impl<D: Destination> Candidate<D> {
    pub(super) fn new(subscription: Arc<Subscription<D>>, subject: &[u8]) -> Self {
        let destination = subscription.destination();
        Self {
            connection: destination.connection_id(),
            outlet: destination.outlet(),
            sid_length: subscription.sid_field().len(),
            headers: destination.accepts_headers(),
            limited: subscription.needs_claims(),
            class: None,
            renamed: subscription.renamed(subject),
            subscription,
        }
    }

    fn gets_the_same_as(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.subscription.sid_field() == other.subscription.sid_field()
    }

    /// What beside the sid makes a difference to the bytes.
    fn kind(&self) -> (Outlet, bool, Option<&[u8]>) {
        (self.outlet, self.headers, self.renamed.as_deref())
    }
}

/// Subscriptions whose messages have equal bytes.
pub(super) struct Class {
    /// Index of one of them.
    pub(super) example: usize,
    pub(super) size: usize,
}

pub(super) struct Sorted {
    /// Each of at least two.
    pub(super) classes: Vec<Class>,
    /// The connections of all candidates, sorted, each once.
    pub(super) connections: Box<[u64]>,
}

impl Sorted {
    /// Adds connections that are not among the candidates.
    pub(super) fn add_connections(&mut self, others: impl Iterator<Item = u64>) {
        let mut connections = std::mem::take(&mut self.connections).into_vec();
        connections.extend(others);
        connections.sort_unstable();
        connections.dedup();
        self.connections = connections.into_boxed_slice();
    }
}

/// Going through the members of queue groups is worth so many of them for each plain subscription, and [`GOOD_FOR`] more.
/// With more, nobody shares.
pub(super) const GOOD_FOR_EACH: usize = 16;
pub(super) const GOOD_FOR: usize = 4096;

/// Sorts the `plain` subscriptions by connection, and puts into classes those that may share. `queues` are all queue
/// groups of the same fan-out.
pub(super) fn sort_out<D: Destination>(plain: &mut [Candidate<D>], queues: &[Members<D>]) -> Sorted {
    if let [only] = plain {
        return Sorted {
            classes: Vec::new(),
            connections: [only.connection].into(),
        };
    }
    plain.sort_by_key(|candidate| candidate.connection);
    let mut connections = Vec::with_capacity(plain.len());
    let mut may_share = vec![false; plain.len()];
    let mut at = 0;
    for same in plain.chunk_by(|one, other| one.connection == other.connection) {
        connections.push(same[0].connection);
        may_share[at] = same.len() == 1 && !same[0].limited;
        at += same.len();
    }

    let members: usize = queues.iter().map(Members::len).sum();
    if members > plain.len() * GOOD_FOR_EACH + GOOD_FOR {
        may_share.fill(false);
    }
    let mut classes = classify(plain, &may_share);
    if classes.iter().any(|class| class.size >= 2) {
        for member in queues.iter().flat_map(Members::iter) {
            let id = member.destination().connection_id();
            if let Ok(at) = plain.binary_search_by_key(&id, |candidate| candidate.connection)
                && let Some(class) = plain[at].class.take()
            {
                classes[class].size -= 1;
            }
        }
    }
    Sorted {
        classes: keep_pairs(plain, &classes),
        connections: connections.into_boxed_slice(),
    }
}

/// One class for each sid and kind of message.
fn classify<D: Destination>(plain: &mut [Candidate<D>], may_share: &[bool]) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::new();
    let mut by_sid: HashTable<usize> = HashTable::new();
    let hasher = RandomState::default();
    let mut last = None;
    for index in (0..plain.len()).filter(|index| may_share[*index]) {
        let candidate = &plain[index];
        let same = |class: &usize| candidate.gets_the_same_as(&plain[classes[*class].example]);
        // Often all have the same sid: clients number theirs from 1.
        let class = match last.filter(same) {
            Some(class) => class,
            None => {
                let hash = hasher.hash_one((candidate.subscription.sid_field(), candidate.kind()));
                let rehash = |class: &usize| {
                    let example = &plain[classes[*class].example];
                    hasher.hash_one((example.subscription.sid_field(), example.kind()))
                };
                let next = classes.len();
                let class = *by_sid.entry(hash, same, rehash).or_insert(next).get();
                if class == next {
                    classes.push(Class {
                        example: index,
                        size: 0,
                    });
                }
                class
            }
        };
        last = Some(class);
        classes[class].size += 1;
        plain[index].class = Some(class);
    }
    classes
}

/// Forgets the classes of fewer than two and numbers the others anew.
fn keep_pairs<D>(plain: &mut [Candidate<D>], classes: &[Class]) -> Vec<Class> {
    let mut kept: Vec<Class> = Vec::new();
    let mut renumbered: Vec<Option<usize>> = vec![None; classes.len()];
    for (index, candidate) in plain.iter_mut().enumerate() {
        let Some(class) = candidate.class.filter(|class| classes[*class].size >= 2) else {
            candidate.class = None;
            continue;
        };
        let number = *renumbered[class].get_or_insert_with(|| {
            kept.push(Class {
                example: index,
                size: classes[class].size,
            });
            kept.len() - 1
        });
        candidate.class = Some(number);
    }
    kept
}

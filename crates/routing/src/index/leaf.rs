//! The subscriptions to one subject, as it was subscribed to.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::{mem, slice};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::queue_group::Members;
use crate::subscription::Subscription;
use crate::table::is_sparse;

/// Most subjects have one plain subscription (an inbox, a request's subject): that costs one pointer here.
pub(super) enum Leaf<D> {
    One(Arc<Subscription<D>>),
    Many(Box<Many<D>>),
}

pub(super) struct Many<D> {
    subject: Box<[u8]>,
    /// Each knows its position.
    plain: Vec<Arc<Subscription<D>>>,
    /// By name: how many groups one subject has, clients decide.
    groups: HashTable<Group<D>>,
}

pub(super) struct Group<D> {
    hash: u64,
    pub(super) queue: Box<[u8]>,
    /// Never empty.
    pub(super) members: Members<D>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    /// It was not here.
    Missing,
    Removed,
    /// It was the last one: the leaf must go.
    Emptied,
}

impl<D> Leaf<D> {
    pub(super) fn one(subscription: Arc<Subscription<D>>) -> Self {
        subscription.set_position(Some(0));
        Self::One(subscription)
    }

    /// Nobody yet: the caller puts a group in.
    pub(super) fn none(subject: &[u8]) -> Self {
        Self::many(subject.into(), Vec::new())
    }

    fn many(subject: Box<[u8]>, plain: Vec<Arc<Subscription<D>>>) -> Self {
        Self::Many(Box::new(Many {
            subject,
            plain,
            groups: HashTable::new(),
        }))
    }

    pub(super) fn subject(&self) -> &[u8] {
        match self {
            Self::One(subscription) => subscription.subject(),
            Self::Many(many) => &many.subject,
        }
    }

    pub(super) fn plain(&self) -> &[Arc<Subscription<D>>] {
        match self {
            Self::One(subscription) => slice::from_ref(subscription),
            Self::Many(many) => &many.plain,
        }
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &Group<D>> {
        let many = match self {
            Self::One(_) => None,
            Self::Many(many) => Some(many),
        };
        many.into_iter().flat_map(|many| many.groups.iter())
    }

    fn is_empty(&self) -> bool {
        self.plain().is_empty() && self.groups().next().is_none()
    }

    /// Goes back to the small form.
    fn settle(&mut self) {
        if let Self::Many(many) = self
            && many.groups.is_empty()
            && let [only] = &*many.plain
        {
            *self = Self::One(Arc::clone(only));
        }
    }

    /// False if there are too many to count.
    pub(super) fn insert(&mut self, subscription: Arc<Subscription<D>>) -> bool {
        let counted = subscription.set_position(Some(self.plain().len()));
        if counted {
            match self {
                Self::One(first) => {
                    let plain = vec![Arc::clone(first), subscription];
                    *self = Self::many(first.subject().into(), plain);
                }
                Self::Many(many) => many.plain.push(subscription),
            }
        }
        counted
    }

    pub(super) fn remove(&mut self, subscription: &Arc<Subscription<D>>) -> Removal {
        let found = subscription.position().filter(|at| {
            self.plain()
                .get(*at)
                .is_some_and(|there| Arc::ptr_eq(there, subscription))
        });
        let Some(at) = found else { return Removal::Missing };
        subscription.set_position(None);
        match self {
            Self::One(_) => Removal::Emptied,
            Self::Many(many) => {
                many.plain.swap_remove(at);
                if let Some(moved) = many.plain.get(at) {
                    moved.set_position(Some(at));
                }
                if is_sparse(many.plain.len(), many.plain.capacity()) {
                    many.plain.shrink_to(many.plain.len() * 2);
                }
                self.settle();
                if self.is_empty() {
                    Removal::Emptied
                } else {
                    Removal::Removed
                }
            }
        }
    }

    /// Makes `members`, which are not empty, a group; returns those it had before.
    pub(super) fn set_group(
        &mut self,
        hasher: &RandomState,
        queue: &[u8],
        members: Members<D>,
    ) -> Option<Members<D>> {
        if let Self::One(first) = self {
            *self = Self::many(first.subject().into(), vec![Arc::clone(first)]);
        }
        let Self::Many(many) = self else { return None };
        let hash = hasher.hash_one(queue);
        match many
            .groups
            .entry(hash, |group| &*group.queue == queue, |group| group.hash)
        {
            Entry::Occupied(mut entry) => Some(mem::replace(&mut entry.get_mut().members, members)),
            Entry::Vacant(entry) => {
                entry.insert(Group {
                    hash,
                    queue: queue.into(),
                    members,
                });
                None
            }
        }
    }

    /// The members the group had; and whether it was the last of the leaf, which must go then.
    pub(super) fn remove_group(&mut self, hasher: &RandomState, queue: &[u8]) -> (Option<Members<D>>, bool) {
        let Self::Many(many) = self else {
            return (None, false);
        };
        let found = many
            .groups
            .find_entry(hasher.hash_one(queue), |group| &*group.queue == queue);
        let Ok(entry) = found else { return (None, false) };
        let (removed, _) = entry.remove();
        let (length, capacity) = (many.groups.len(), many.groups.capacity());
        if is_sparse(length, capacity) {
            many.groups.shrink_to(length * 2, |group| group.hash);
        }
        self.settle();
        (Some(removed.members), self.is_empty())
    }
}

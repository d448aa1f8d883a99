//! The subscriptions to one subject, as it was subscribed to.

use std::slice;
use std::sync::Arc;

use crate::subscription::Subscription;

/// Most subjects have one plain subscription (an inbox, a request's subject): that costs one pointer here.
pub(super) enum Leaf<D> {
    One(Arc<Subscription<D>>),
    Many(Box<Many<D>>),
}

pub(super) struct Many<D> {
    subject: Box<[u8]>,
    /// Each knows its position.
    plain: Vec<Arc<Subscription<D>>>,
    groups: Vec<Group<D>>,
}

pub(super) struct Group<D> {
    pub(super) queue: Box<[u8]>,
    /// Never empty.
    pub(super) members: Arc<[Arc<Subscription<D>>]>,
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

    /// One group and no plain subscription. `members` is not empty.
    pub(super) fn group(subject: &[u8], queue: &[u8], members: Arc<[Arc<Subscription<D>>]>) -> Self {
        Self::many(
            subject.into(),
            Vec::new(),
            vec![Group {
                queue: queue.into(),
                members,
            }],
        )
    }

    fn many(subject: Box<[u8]>, plain: Vec<Arc<Subscription<D>>>, groups: Vec<Group<D>>) -> Self {
        Self::Many(Box::new(Many {
            subject,
            plain,
            groups,
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

    pub(super) fn groups(&self) -> &[Group<D>] {
        match self {
            Self::One(_) => &[],
            Self::Many(many) => &many.groups,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.plain().is_empty() && self.groups().is_empty()
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
                    *self = Self::many(first.subject().into(), plain, Vec::new());
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
                if super::is_sparse(many.plain.len(), many.plain.capacity()) {
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

    /// How many members the group had before.
    pub(super) fn set_group(&mut self, queue: &[u8], members: Arc<[Arc<Subscription<D>>]>) -> usize {
        let group = |members| Group {
            queue: queue.into(),
            members,
        };
        match self {
            Self::One(first) => {
                let plain = vec![Arc::clone(first)];
                *self = Self::many(first.subject().into(), plain, vec![group(members)]);
                0
            }
            Self::Many(many) => match many.groups.iter_mut().find(|group| &*group.queue == queue) {
                Some(group) => std::mem::replace(&mut group.members, members).len(),
                None => {
                    many.groups.push(group(members));
                    0
                }
            },
        }
    }

    /// How many members the group had.
    pub(super) fn remove_group(&mut self, queue: &[u8]) -> usize {
        let Self::Many(many) = self else { return 0 };
        let Some(at) = many.groups.iter().position(|group| &*group.queue == queue) else {
            return 0;
        };
        let removed = many.groups.swap_remove(at);
        self.settle();
        removed.members.len()
    }
}

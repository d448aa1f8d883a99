//! Who is in a queue group: the decisions of the actor that owns one.

use std::fmt;
use std::sync::Arc;

use crate::subscription::Subscription;

/// The members of the queue group of one subject and one name. Its owner joins and leaves members and hands
/// [`members`](Self::members) to [`Index::set_group`](crate::Index::set_group).
pub struct QueueGroup<D> {
    members: Vec<Member<D>>,
    /// What `members` returned last; none since the membership changed.
    published: Option<Arc<[Arc<Subscription<D>>]>>,
}

struct Member<D> {
    subscription: Arc<Subscription<D>>,
    weight: u32,
}

impl<D> Default for QueueGroup<D> {
    fn default() -> Self {
        Self {
            members: Vec::new(),
            published: None,
        }
    }
}

impl<D> QueueGroup<D> {
    /// A group without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member that takes an equal share. False if it is in a group or an index already.
    pub fn join(&mut self, subscription: Arc<Subscription<D>>) -> bool {
        self.join_weighted(subscription, 1)
    }

    /// Adds a member that stands for `weight` members, as a connection to another server does. With a weight of 0 it
    /// is a member that gets no message. False if it is in a group or an index already.
    pub fn join_weighted(&mut self, subscription: Arc<Subscription<D>>, weight: u32) -> bool {
        if subscription.position().is_some() || !subscription.set_position(Some(self.members.len())) {
            return false;
        }
        self.members.push(Member { subscription, weight });
        self.published = None;
        true
    }

    /// Changes what share a member takes. False if it is not a member.
    pub fn set_weight(&mut self, subscription: &Arc<Subscription<D>>, weight: u32) -> bool {
        let Some(at) = self.find(subscription) else {
            return false;
        };
        self.members[at].weight = weight;
        self.published = None;
        true
    }

    /// Takes a member out, without a search. False if it is not one.
    pub fn leave(&mut self, subscription: &Arc<Subscription<D>>) -> bool {
        let Some(at) = self.find(subscription) else {
            return false;
        };
        self.members.swap_remove(at);
        if let Some(moved) = self.members.get(at) {
            moved.subscription.set_position(Some(at));
        }
        subscription.set_position(None);
        self.published = None;
        true
    }

    /// The members as publishers pick from them, each as often as its weight. Rebuilt here, in time linear in the
    /// members, if the membership has changed: apply all changes at hand before asking.
    pub fn members(&mut self) -> Arc<[Arc<Subscription<D>>]> {
        let members = &self.members;
        let published = self.published.get_or_insert_with(|| {
            members
                .iter()
                .flat_map(|member| (0..member.weight).map(|_| Arc::clone(&member.subscription)))
                .collect()
        });
        Arc::clone(published)
    }

    /// How many members there are, whatever their weight.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether the last member has left: then the group's owner may stop.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn find(&self, subscription: &Arc<Subscription<D>>) -> Option<usize> {
        let at = subscription.position()?;
        self.members
            .get(at)
            .filter(|member| Arc::ptr_eq(&member.subscription, subscription))
            .map(|_| at)
    }
}

impl<D> fmt::Debug for QueueGroup<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("QueueGroup")
            .field("members", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "queue_group_tests.rs"]
mod tests;

//! Who is in a queue group: the decisions of the actor that owns one.

mod members;
mod pages;

use std::fmt;
use std::mem;
use std::sync::Arc;

pub use self::members::{Candidates, Members, Tally};

use self::members::FEW;
use self::pages::Pages;
use crate::subscription::{Destination, Subscription};

/// A large group that has shrunk to this many members is one array again.
const FEW_AGAIN: usize = FEW / 2;

/// The position of those that do not count once and of servers, which are few: they are found by a search.
const WEIGHTED: usize = u32::MAX as usize - 1;

/// The members of the queue group of one subject and one name. Its owner joins and leaves members and hands
/// [`members`](Self::members) to [`Index::set_group`](crate::Index::set_group).
///
/// Joining and leaving cost their own number, and publishing costs little more than what has changed: of a large group
/// all moments share what they have in common.
pub struct QueueGroup<D> {
    roll: Roll<D>,
    /// The sum of all weights.
    weight: u64,
    /// What `members` returned last; none since the membership changed.
    published: Option<Members<D>>,
    copied: u64,
}

enum Roll<D> {
    Few(Vec<Member<D>>),
    Many {
        pages: Pages<D>,
        /// Those that do not count once, and servers: which of those count, depends on who asks.
        weighted: Vec<Member<D>>,
        /// As [`Members`] has them; none since they have changed.
        sums: Option<Sums<D>>,
    },
}

/// Members, each with the sum of its weight and of those before it.
type Sums<D> = Arc<[(u64, Arc<Subscription<D>>)]>;

struct Member<D> {
    subscription: Arc<Subscription<D>>,
    weight: u32,
}

impl<D> Default for QueueGroup<D> {
    fn default() -> Self {
        Self {
            roll: Roll::Few(Vec::new()),
            weight: 0,
            published: None,
            copied: 0,
        }
    }
}

impl<D: Destination> QueueGroup<D> {
    /// A group without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A group of the members that another had published and that have not left, each with the weight it had. That other
    /// one is given up: what it is asked from now on means nothing.
    #[must_use]
    pub fn restored(members: &Members<D>) -> Self {
        let mut group = Self::new();
        let weighed = members.weighed();
        for (member, _) in &weighed {
            member.set_position(None);
        }
        for (member, weight) in weighed {
            group.join_weighted(Arc::clone(member), weight);
        }
        group
    }

    /// Adds a member that takes an equal share. False if it is in a group or an index already, or closed.
    pub fn join(&mut self, subscription: Arc<Subscription<D>>) -> bool {
        self.join_weighted(subscription, 1)
    }

    /// Adds a member that stands for `weight` members, as a connection to another server does. With a weight of 0 it
    /// is a member that gets no message. False if it is in a group or an index already, or closed.
    pub fn join_weighted(&mut self, subscription: Arc<Subscription<D>>, weight: u32) -> bool {
        if subscription.position().is_some() || subscription.is_closed() || !self.add(subscription, weight) {
            return false;
        }
        self.changed(u64::from(weight), 0);
        true
    }

    fn add(&mut self, subscription: Arc<Subscription<D>>, weight: u32) -> bool {
        match &mut self.roll {
            Roll::Few(members) => {
                let placed = subscription.set_position(Some(members.len()));
                if placed {
                    members.push(Member { subscription, weight });
                }
                placed
            }
            Roll::Many { pages, .. } if weight == 1 && !subscription.destination().kind().is_server() => {
                pages.join(subscription)
            }
            Roll::Many { weighted, sums, .. } => {
                subscription.set_position(Some(WEIGHTED));
                weighted.push(Member { subscription, weight });
                *sums = None;
                true
            }
        }
    }

    /// Changes what share a member takes. False if it is not a member.
    pub fn set_weight(&mut self, subscription: &Arc<Subscription<D>>, weight: u32) -> bool {
        let Some(before) = self.take_out(subscription) else {
            return false;
        };
        let added = self.add(Arc::clone(subscription), weight);
        self.changed(u64::from(weight), u64::from(before));
        added
    }

    /// Takes a member out, without a search, and closes it: it does not come back. False if it is not one.
    pub fn leave(&mut self, subscription: &Arc<Subscription<D>>) -> bool {
        let Some(weight) = self.take_out(subscription) else {
            return false;
        };
        // It may keep its place in what publishers pick from.
        subscription.close();
        self.changed(0, u64::from(weight));
        true
    }

    /// The weight it had, if it was a member.
    fn take_out(&mut self, subscription: &Arc<Subscription<D>>) -> Option<u32> {
        let at = subscription.position()?;
        match &mut self.roll {
            Roll::Few(members) => {
                let found = members.get(at).filter(|member| member.is(subscription));
                let weight = found?.weight;
                members.swap_remove(at);
                if let Some(moved) = members.get(at) {
                    moved.subscription.set_position(Some(at));
                }
                subscription.set_position(None);
                Some(weight)
            }
            Roll::Many { weighted, sums, .. } if at == WEIGHTED => {
                let at = weighted.iter().position(|member| member.is(subscription))?;
                *sums = None;
                subscription.set_position(None);
                Some(weighted.swap_remove(at).weight)
            }
            Roll::Many { pages, .. } => pages.leave(subscription).then_some(1),
        }
    }

    /// The membership has: what was published is old, and another form may suit it better.
    fn changed(&mut self, more: u64, less: u64) {
        self.published = None;
        self.weight = self.weight + more - less;
        match &mut self.roll {
            Roll::Few(members) if self.weight > FEW as u64 => {
                self.copied += members.len() as u64;
                let members = mem::take(members);
                self.roll = Roll::Many {
                    pages: Pages::new(),
                    weighted: Vec::new(),
                    sums: None,
                };
                self.add_all(members);
            }
            Roll::Many { pages, weighted, .. } if self.weight <= FEW_AGAIN as u64 => {
                let once = pages.take().into_iter().map(|subscription| Member {
                    subscription,
                    weight: 1,
                });
                let members = once.chain(mem::take(weighted)).collect();
                self.copied += pages.copied();
                self.roll = Roll::Few(Vec::new());
                self.add_all(members);
            }
            Roll::Few(_) | Roll::Many { .. } => {}
        }
    }

    fn add_all(&mut self, members: Vec<Member<D>>) {
        for member in members {
            self.add(member.subscription, member.weight);
        }
    }

    /// The members as publishers pick from them. Made here if the membership has changed: apply all changes at hand
    /// before asking.
    pub fn members(&mut self) -> Members<D> {
        let (roll, copied) = (&mut self.roll, &mut self.copied);
        let published = self.published.get_or_insert_with(|| match roll {
            Roll::Few(members) => {
                *copied += members.len() as u64;
                members
                    .iter()
                    .flat_map(|member| (0..member.weight).map(|_| Arc::clone(&member.subscription)))
                    .collect()
            }
            Roll::Many {
                pages,
                weighted,
                sums,
            } => {
                let sums = sums.get_or_insert_with(|| sum_up(weighted));
                Members::many(pages.publish(Arc::clone(sums)))
            }
        });
        published.clone()
    }

    /// How many pointers have been copied for what was published: what all changes together have cost beyond
    /// themselves.
    pub fn copied(&self) -> u64 {
        match &self.roll {
            Roll::Few(_) => self.copied,
            Roll::Many { pages, .. } => self.copied + pages.copied(),
        }
    }
}

impl<D> QueueGroup<D> {
    /// How many members there are, whatever their weight.
    pub fn len(&self) -> usize {
        match &self.roll {
            Roll::Few(members) => members.len(),
            Roll::Many { pages, weighted, .. } => pages.len() + weighted.len(),
        }
    }

    /// Whether the last member has left: then the group's owner may stop.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<D> Member<D> {
    fn is(&self, subscription: &Arc<Subscription<D>>) -> bool {
        Arc::ptr_eq(&self.subscription, subscription)
    }
}

fn sum_up<D>(weighted: &[Member<D>]) -> Sums<D> {
    let mut sum = 0;
    let add = |member: &Member<D>| {
        sum += u64::from(member.weight);
        (sum, Arc::clone(&member.subscription))
    };
    weighted.iter().map(add).collect()
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
mod tests;

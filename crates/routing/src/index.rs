//! The subscriptions of one account, by subject.

mod leaf;
mod listing;
mod trie;

use std::fmt;
use std::hash::BuildHasher;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;

use self::leaf::{Leaf, Removal};
pub use self::listing::Listing;
use self::trie::Trie;
pub(crate) use self::trie::Walk;
use self::trie::Walked;
use crate::fanout::{Matches, WORK_OF_A_MATCH};
use crate::queue_group::Members;
use crate::subject::{has_empty_token, has_wildcards};
use crate::subscription::{Destination, Subscription};
use crate::table::{Hashed, Table};

/// Who is subscribed to what. Subscriptions without wildcards are in one hash table, only those with wildcards in a
/// trie of tokens: a published subject costs one look-up and a walk of the wildcards.
///
/// No change takes long: what grows and shrinks does so in parts.
///
/// One writer at a time (behind a lock); it bumps [`Versions`](crate::Versions) after each change.
pub struct Index<D> {
    literals: Table<Literal<D>>,
    hasher: RandomState,
    wildcards: Trie<D>,
    counts: Counts,
    resolves: AtomicU64,
}

struct Literal<D> {
    /// Kept so that growing the table does not visit every subscription.
    hash: u64,
    leaf: Leaf<D>,
}

impl<D> Hashed for Literal<D> {
    fn hash(&self) -> u64 {
        self.hash
    }
}

#[derive(Default)]
struct Counts {
    plain: usize,
    groups: usize,
    group_members: usize,
    inserts: u64,
    removes: u64,
}

/// What an [`Index`] holds and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexStats {
    /// Plain subscriptions.
    pub plain: usize,
    /// Queue groups, by subject and name.
    pub groups: usize,
    /// Members of all groups; one with a weight counts that often.
    pub group_members: usize,
    /// Distinct subjects without wildcards.
    pub literal_subjects: usize,
    /// Nodes of the trie of subjects with wildcards, its root not counted: two a subject at most.
    pub wildcard_nodes: usize,
    /// Bytes that these nodes take, and what is kept for more of them.
    pub wildcard_memory: usize,
    /// Subscriptions added since the start.
    pub inserts: u64,
    /// Subscriptions removed since the start.
    pub removes: u64,
    /// Subjects resolved since the start.
    pub resolves: u64,
}

impl<D> Default for Index<D> {
    fn default() -> Self {
        Self {
            literals: Table::default(),
            hasher: RandomState::default(),
            wildcards: Trie::default(),
            counts: Counts::default(),
            resolves: AtomicU64::new(0),
        }
    }
}

impl<D> Index<D> {
    /// An index without subscriptions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a subscription that gets every message of its subject: one without a queue, as members of queue groups
    /// come by [`set_group`](Self::set_group). False, and nothing changes, if it is in an index or a group already.
    pub fn insert(&mut self, subscription: Arc<Subscription<D>>) -> bool {
        if subscription.position().is_some() {
            return false;
        }
        let inserted = if has_wildcards(subscription.subject()) {
            let path = Arc::clone(&subscription);
            self.wildcards
                .slot(path.subject())
                .is_some_and(|slot| match slot {
                    Some(leaf) => leaf.insert(subscription),
                    None => {
                        *slot = Some(Leaf::one(subscription));
                        true
                    }
                })
        } else {
            let hash = self.hasher.hash_one(subscription.subject());
            match self
                .literals
                .find_mut(hash, |literal| literal.leaf.subject() == subscription.subject())
            {
                Some(literal) => literal.leaf.insert(subscription),
                None => {
                    let leaf = Leaf::one(subscription);
                    self.literals.insert(Literal { hash, leaf });
                    true
                }
            }
        };
        self.counts.plain += usize::from(inserted);
        self.counts.inserts += u64::from(inserted);
        inserted
    }

    /// Takes a plain subscription out, in constant time however many have the same subject. False if it is not in
    /// this index.
    pub fn remove(&mut self, subscription: &Arc<Subscription<D>>) -> bool {
        let subject = subscription.subject();
        let mut removal = Removal::Missing;
        self.change(subject, |leaf| {
            removal = leaf.remove(subscription);
            removal == Removal::Emptied
        });
        let removed = removal != Removal::Missing;
        self.counts.plain -= usize::from(removed);
        self.counts.removes += u64::from(removed);
        removed
    }

    /// Makes `members` the queue group `queue` of `subject`, in place of what it was; without members the group is
    /// gone. Each of them has this subject and this queue.
    ///
    /// Returns the members it had. Letting go of a large array takes time: do it when the lock is released.
    pub fn set_group(&mut self, subject: &[u8], queue: &[u8], members: Members<D>) -> Option<Members<D>> {
        let now = members.len();
        let hasher = self.hasher.clone();
        let before = if members.is_empty() {
            let mut before = None;
            self.change(subject, |leaf| {
                let emptied;
                (before, emptied) = leaf.remove_group(&hasher, queue);
                emptied
            });
            before
        } else if has_wildcards(subject) {
            let slot = self.wildcards.slot(subject)?;
            slot.get_or_insert_with(|| Leaf::none(subject))
                .set_group(&hasher, queue, members)
        } else {
            let hash = hasher.hash_one(subject);
            let is_it = |literal: &Literal<D>| literal.leaf.subject() == subject;
            let make = || Literal {
                hash,
                leaf: Leaf::none(subject),
            };
            let literal = self.literals.find_or_insert_with(hash, is_it, make);
            literal.leaf.set_group(&hasher, queue, members)
        };
        let had = before.as_ref().map_or(0, Members::len);
        let counts = &mut self.counts;
        counts.groups = counts.groups + usize::from(now > 0) - usize::from(had > 0);
        counts.group_members = counts.group_members + now - had;
        counts.inserts += now.saturating_sub(had) as u64;
        counts.removes += had.saturating_sub(now) as u64;
        before
    }

    /// Applies `change` to the leaf of exactly `subject`, if there is one; removes the leaf if `change` returns true.
    fn change(&mut self, subject: &[u8], change: impl FnOnce(&mut Leaf<D>) -> bool) {
        if has_wildcards(subject) {
            self.wildcards.change(subject, change);
            return;
        }
        let hash = self.hasher.hash_one(subject);
        let found = self
            .literals
            .find_mut(hash, |literal| literal.leaf.subject() == subject);
        if found.is_some_and(|literal| change(&mut literal.leaf)) {
            self.literals
                .remove(hash, |literal| literal.leaf.subject() == subject);
        }
    }

    /// Visits the leaves of subscription subjects that match, from where the walk is on, until nodes and what the visits
    /// say they were worth come to `at_most`.
    fn visit<'a>(
        &'a self,
        subject: &[u8],
        walk: &mut Walk,
        at_most: usize,
        mut visit: impl FnMut(&'a Leaf<D>) -> ControlFlow<(), usize>,
    ) -> Walked {
        if walk.has_begun() {
            return self.wildcards.visit(subject, walk, at_most, visit);
        }
        if has_empty_token(subject) {
            return Walked::ToTheEnd;
        }
        let hash = self.hasher.hash_one(subject);
        let found = self
            .literals
            .find(hash, |literal| literal.leaf.subject() == subject);
        if let Some(literal) = found
            && visit(&literal.leaf).is_break()
        {
            return Walked::AsFarAsWanted;
        }
        self.wildcards.visit(subject, walk, at_most, visit)
    }

    /// Whether a message on `subject` would reach anybody.
    pub fn has_interest(&self, subject: &[u8]) -> bool {
        // A leaf with nobody in it does not stay.
        let walked = self.visit(subject, &mut Walk::default(), usize::MAX, |_| {
            ControlFlow::Break(())
        });
        walked == Walked::AsFarAsWanted
    }

    /// Calls `each` with every plain subscription that a message on `subject` reaches; gives how many nodes it came by.
    pub fn for_each_match<'a>(
        &'a self,
        subject: &[u8],
        each: &mut impl FnMut(&'a Arc<Subscription<D>>),
    ) -> usize {
        let mut walk = Walk::default();
        self.visit(subject, &mut walk, usize::MAX, |leaf| {
            leaf.plain().iter().for_each(&mut *each);
            ControlFlow::Continue(0)
        });
        walk.steps
    }

    /// The first plain subscription that a message on `subject` reaches and that is `wanted`, and how much was looked at
    /// for it, in nodes and subscriptions. It is not found if more than `at_most` nodes come before it.
    pub fn find_match(
        &self,
        subject: &[u8],
        at_most: usize,
        wanted: impl Fn(&Subscription<D>) -> bool,
    ) -> (Option<Arc<Subscription<D>>>, usize) {
        let (mut found, mut asked) = (None, 0);
        let mut walk = Walk::default();
        self.visit(subject, &mut walk, at_most, |leaf| {
            for subscription in leaf.plain() {
                asked += 1;
                if wanted(subscription) {
                    found = Some(Arc::clone(subscription));
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(0)
        });
        (found, walk.steps + asked)
    }

    /// Calls `each` with every subscription, those of queue groups included (as often as they weigh), in no order.
    pub fn for_each(&self, each: &mut impl FnMut(&Arc<Subscription<D>>)) {
        let literals = self.literals.iter().map(|literal| &literal.leaf);
        for leaf in literals.chain(self.wildcards.leaves()) {
            leaf.plain().iter().for_each(&mut *each);
            for group in leaf.groups() {
                group.members.iter().for_each(&mut *each);
            }
        }
    }

    /// How many subscriptions there are, members of queue groups included (as often as they weigh).
    pub fn len(&self) -> usize {
        self.counts.plain + self.counts.group_members
    }

    /// Whether there is no subscription.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it holds and has done.
    pub fn stats(&self) -> IndexStats {
        let Counts {
            plain,
            groups,
            group_members,
            inserts,
            removes,
        } = self.counts;
        IndexStats {
            plain,
            groups,
            group_members,
            literal_subjects: self.literals.len(),
            wildcard_nodes: self.wildcards.len(),
            wildcard_memory: self.wildcards.memory(),
            inserts,
            removes,
            resolves: self.resolves.load(Ordering::Relaxed),
        }
    }
}

impl<D> fmt::Debug for Index<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Index").field(&self.stats()).finish()
    }
}

impl<D: Destination> Index<D> {
    /// What a message published on `subject` reaches, as a list from which a [`Fanout`](crate::Fanout) is made, in time
    /// linear in what it finds.
    ///
    /// To keep that, load [`Versions::current`](crate::Versions::current) before taking the read lock.
    pub fn matches(&self, subject: &[u8]) -> Matches<D> {
        let mut matches = Matches::default();
        self.add_matches(subject, &mut matches, usize::MAX);
        matches
    }

    /// Adds to `matches`, which begins empty, what else a message published on `subject` reaches, until that was this much
    /// work as [`Matches::work`] counts it; beyond it only what is left of one subscription subject. True when nothing
    /// is missing.
    ///
    /// The index may change between two calls for one list. It then has what was there from the first to the last, and of
    /// what came or went in between it may have some.
    pub fn add_matches(&self, subject: &[u8], matches: &mut Matches<D>, at_most: usize) -> bool {
        if !matches.walk.has_begun() {
            self.resolves.fetch_add(1, Ordering::Relaxed);
        }
        let Matches { plain, groups, walk } = matches;
        let walked = self.visit(subject, walk, at_most, |leaf| {
            let before = groups.len();
            plain.extend(leaf.plain().iter().map(Arc::clone));
            groups.extend(leaf.groups().map(|group| group.members.clone()));
            ControlFlow::Continue(leaf.plain().len() * WORK_OF_A_MATCH + groups.len() - before)
        });
        walked != Walked::InPart
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod model_tests;

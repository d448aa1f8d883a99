//! How many messages there are with each subject, and which is the first and the last: a tree over tokens, which sums up
//! what is below each of its nodes.

use bytes::Bytes;
use std::ops::ControlFlow;

mod branch;
mod children;
mod cursor;
#[cfg(test)]
mod tests;
mod union;

use branch::{Branch, Node, Walk};
pub use cursor::SubjectCursor;

/// Tokens beyond are one key together, so that no subject makes a deep tree.
const DEPTH: usize = 24;

/// What is known of the messages with one subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubjectState {
    /// The first of them, or one before it.
    pub first: u64,
    /// The last of them, or one behind it.
    pub last: u64,
    /// How many there are.
    pub count: u32,
    /// Whether `first` and `last` have to be looked for, as what they say was deleted.
    pub(crate) is_first_stale: bool,
    pub(crate) is_last_stale: bool,
}

/// How much there is of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages.
    pub messages: u64,
    /// Subjects that they have.
    pub subjects: u64,
}

/// The subjects of a stream's messages. A clone costs next to nothing: what neither changes afterwards is shared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subjects {
    root: Branch,
}

/// The first token, and what follows it.
fn split(rest: &[u8], depth: usize) -> (&[u8], Option<&[u8]>) {
    if depth >= DEPTH {
        return (rest, None);
    }
    match rest.iter().position(|byte| *byte == b'.') {
        Some(dot) => (&rest[..dot], Some(&rest[dot + 1..])),
        None => (rest, None),
    }
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.subjects += other.subjects;
    }

    fn subtract(&mut self, other: Self) {
        self.messages -= other.messages;
        self.subjects -= other.subjects;
    }
}

impl SubjectState {
    /// Whether `first` and `last` are those of messages that there are.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.is_first_stale && !self.is_last_stale
    }

    /// The last message, if it need not be looked for.
    #[must_use]
    pub fn known_last(&self) -> Option<u64> {
        (!self.is_last_stale).then_some(self.last)
    }

    fn totals(&self) -> Totals {
        Totals {
            messages: u64::from(self.count),
            subjects: 1,
        }
    }
}

impl Subjects {
    pub(crate) fn totals(&self) -> Totals {
        self.root.below()
    }

    #[cfg(test)]
    pub(crate) fn clear(&mut self) {
        self.root = Branch::default();
    }

    /// There is a message more, which comes behind all others.
    pub(crate) fn add(&mut self, name: &[u8], sequence: u64) {
        self.merge(
            name,
            SubjectState {
                first: sequence,
                last: sequence,
                count: 1,
                ..SubjectState::default()
            },
        );
    }

    /// There are messages more, which come behind all others.
    pub(crate) fn merge(&mut self, name: &[u8], more: SubjectState) {
        self.root.merge(name, 0, more);
    }

    /// A message is gone. Returns whether there is none with this subject any more.
    pub(crate) fn remove(&mut self, name: &[u8], sequence: u64) -> bool {
        let removed = self.root.remove(name, 0, 1, &mut |state| {
            state.is_first_stale |= sequence == state.first;
            state.is_last_stale |= sequence == state.last;
        });
        removed.subjects > 0
    }

    /// So many messages are gone, before all others.
    pub(crate) fn remove_first(&mut self, name: &[u8], count: u32) {
        self.root
            .remove(name, 0, count, &mut |state| state.is_first_stale = true);
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&SubjectState> {
        let (mut branch, mut rest, mut depth) = (&self.root, name, 0);
        loop {
            let (token, next) = split(rest, depth);
            match (next, &branch.child(token)?.node) {
                (None, node) => return node.own(),
                (Some(next), Node::Branch(below)) => (branch, rest, depth) = (below, next, depth + 1),
                (Some(_), Node::Leaf(_)) => return None,
            }
        }
    }

    /// Says anew what is first and last of a subject.
    pub(crate) fn update(&mut self, name: &[u8], change: impl FnOnce(&mut SubjectState)) {
        if self.get(name).is_some() {
            self.root.update(name, 0, change);
        }
    }

    /// How much a filter matches. It costs the nodes at which the filter has wildcards, not the messages.
    pub(crate) fn count(&self, filter: &[u8]) -> Totals {
        self.root.count(filter, 0)
    }

    /// How much at least one of some filters matches. It costs the nodes at which they have wildcards, not the messages.
    pub(crate) fn count_union(&self, filters: &[Bytes]) -> Totals {
        let filters: Vec<&[u8]> = filters.iter().map(|filter| &filter[..]).collect();
        self.root.count_union(&filters, 0)
    }

    /// Tells `visit` the subjects that a filter matches, in order of their tokens, without the first `skip`.
    pub(crate) fn walk(
        &self,
        filter: &[u8],
        mut skip: u64,
        visit: &mut dyn FnMut(&[u8], &SubjectState) -> ControlFlow<()>,
    ) {
        let _ = self.root.walk(filter, 0, &mut Walk::new(&mut skip, visit));
    }

    /// Tells `visit` the next subjects that a filter matches, behind where the cursor is, until `work` is used up: one for each
    /// place of the tree that is looked at.
    pub(crate) fn walk_on(
        &self,
        filter: &[u8],
        cursor: &mut SubjectCursor,
        work: &mut usize,
        visit: &mut dyn FnMut(&[u8], &SubjectState) -> ControlFlow<()>,
    ) {
        cursor.walk_on(&self.root, filter, work, visit);
    }
}

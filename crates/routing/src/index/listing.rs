//! Going through an index by subject, in parts, while it changes.

use std::hash::BuildHasher;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::leaf::Leaf;
use super::{Index, Literal};
use crate::subject::has_wildcards;
use crate::subscription::Subscription;
use crate::table::Cursor;

/// How far listing an index has come; see [`Index::list`].
#[derive(Clone, Debug, Default)]
pub struct Listing {
    literals: Cursor,
    /// The number of the node of the trie that comes next, when nothing is left of the literals.
    node: usize,
}

impl<D> Index<D> {
    /// The plain subscriptions to exactly this subject, of which wildcards are ordinary parts.
    pub fn subscribers(&self, subject: &[u8]) -> &[Arc<Subscription<D>>] {
        let leaf = if has_wildcards(subject) {
            self.wildcards.find(subject)
        } else {
            let is_it = |literal: &Literal<D>| literal.leaf.subject() == subject;
            let hash = self.hasher.hash_one(subject);
            self.literals.find(hash, is_it).map(|literal| &literal.leaf)
        };
        leaf.map_or(&[], |leaf| leaf.plain())
    }

    /// Calls `each` with subjects as they were subscribed to, and the plain subscriptions of each, from where `listing` is
    /// on, until a call breaks (that subject counts as listed), `looks` are used up, or nothing is left: then it is true.
    /// Subjects and nodes take a look each.
    ///
    /// The index may change between the calls for a listing: a subject that has plain subscriptions from the first to the
    /// last is listed, and once.
    pub fn list<'a>(
        &'a self,
        listing: &mut Listing,
        looks: &mut usize,
        mut each: impl FnMut(&'a [u8], &'a [Arc<Subscription<D>>]) -> ControlFlow<()>,
    ) -> bool {
        let mut list = |leaf: &'a Leaf<D>| match leaf.plain() {
            [] => ControlFlow::Continue(()),
            plain => each(leaf.subject(), plain),
        };
        self.literals
            .visit(&mut listing.literals, looks, |literal| list(&literal.leaf))
            && self.wildcards.list(&mut listing.node, looks, list)
    }
}

#[cfg(test)]
mod tests;

//! The subscriptions with wildcards, by token.

mod label;
mod nodes;
mod walk;

use std::hash::{BuildHasher, Hasher};
use std::ops::ControlFlow;

use foldhash::fast::RandomState;

use self::label::Label;
use self::nodes::{NodeId, Nodes};
pub(crate) use self::walk::Walk;
pub(super) use self::walk::Walked;
use super::leaf::Leaf;
use crate::subject::split_token;
use crate::table::{Hashed, Table};

const ROOT: NodeId = 0;
/// The root is nobody's child.
const NONE: NodeId = 0;

/// A tree of patterns in which every node but the root has subscriptions or several children: what leads nowhere else is
/// one label. So a pattern costs two nodes at most, and its own length, however many tokens it has.
///
/// All edges are in one table: a table per node would cost some 300 bytes for a single child.
pub(super) struct Trie<D> {
    nodes: Nodes<D>,
    edges: Table<Edge>,
    hasher: RandomState,
}

/// Leads to a child whose label begins with an ordinary token.
struct Edge {
    hash: u64,
    parent: NodeId,
    child: NodeId,
}

impl Hashed for Edge {
    fn hash(&self) -> u64 {
        self.hash
    }
}

impl<D> Default for Trie<D> {
    fn default() -> Self {
        Self {
            nodes: Nodes::default(),
            edges: Table::default(),
            hasher: RandomState::default(),
        }
    }
}

impl<D> Trie<D> {
    /// Nodes in use, the root not counted.
    pub(super) fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Bytes of memory for nodes and labels, what is kept for later included.
    pub(super) fn memory(&self) -> usize {
        self.nodes.memory()
    }

    pub(super) fn leaves(&self) -> impl Iterator<Item = &Leaf<D>> {
        self.nodes.iter().filter_map(|node| node.leaf.as_ref())
    }

    /// Visits leaves in the order of their nodes, from the one with number `next` on, until a visit breaks (that leaf counts
    /// as visited), `looks` are used up, of which a node takes one, or nothing is left: then it is true.
    ///
    /// A leaf stays at its node as long as it is there, and so is visited once if that is from the first call to the last.
    pub(super) fn list<'a>(
        &'a self,
        next: &mut usize,
        looks: &mut usize,
        mut visit: impl FnMut(&'a Leaf<D>) -> ControlFlow<()>,
    ) -> bool {
        while *looks > 0 {
            *looks -= 1;
            let Some(node) = self.nodes.next(next) else {
                return true;
            };
            if let Some(leaf) = &node.leaf
                && visit(leaf).is_break()
            {
                return false;
            }
        }
        false
    }

    fn hash(&self, parent: NodeId, token: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u32(parent);
        hasher.write(token);
        hasher.finish()
    }

    /// The child that an ordinary token leads to.
    #[inline]
    fn ordinary_child(&self, parent: NodeId, token: &[u8]) -> Option<NodeId> {
        self.edges
            .find(self.hash(parent, token), |edge| {
                edge.parent == parent && self.nodes[edge.child].label.begins_with(token)
            })
            .map(|edge| edge.child)
    }

    /// The child whose label begins with this token of a pattern.
    fn child(&self, parent: NodeId, token: &[u8]) -> Option<NodeId> {
        match token {
            b"*" => Some(self.nodes[parent].star).filter(|child| *child != NONE),
            b">" => Some(self.nodes[parent].rest).filter(|child| *child != NONE),
            _ => self.ordinary_child(parent, token),
        }
    }

    /// Makes `child`, whose label begins with `token`, a child.
    fn attach(&mut self, parent: NodeId, token: &[u8], child: NodeId) {
        match token {
            b"*" => self.nodes[parent].star = child,
            b">" => self.nodes[parent].rest = child,
            _ => {
                let hash = self.hash(parent, token);
                self.edges.insert(Edge { hash, parent, child });
                self.nodes[parent].ordinary += 1;
                self.nodes[parent].ordinary_sum ^= child;
            }
        }
    }

    /// Puts `next`, whose label begins with the same token, in the place of a child.
    fn replace(&mut self, parent: NodeId, token: &[u8], child: NodeId, next: NodeId) {
        match token {
            b"*" => self.nodes[parent].star = next,
            b">" => self.nodes[parent].rest = next,
            _ => {
                let hash = self.hash(parent, token);
                let edge = self
                    .edges
                    .find_mut(hash, |edge| edge.parent == parent && edge.child == child);
                if let Some(edge) = edge {
                    edge.child = next;
                    self.nodes[parent].ordinary_sum ^= child ^ next;
                }
            }
        }
    }

    fn detach(&mut self, parent: NodeId, token: &[u8], child: NodeId) {
        match token {
            b"*" => self.nodes[parent].star = NONE,
            b">" => self.nodes[parent].rest = NONE,
            _ => {
                let hash = self.hash(parent, token);
                self.edges
                    .remove(hash, |edge| edge.parent == parent && edge.child == child);
                self.nodes[parent].ordinary -= 1;
                self.nodes[parent].ordinary_sum ^= child;
            }
        }
    }

    /// The place for the subscriptions to `pattern`, made if need be; the caller puts a leaf there. None if there can
    /// be no further node.
    pub(super) fn slot(&mut self, pattern: &[u8]) -> Option<&mut Option<Leaf<D>>> {
        let mut at = ROOT;
        let mut left = pattern;
        loop {
            let (token, _) = split_token(left);
            let Some(child) = self.child(at, token) else {
                let child = self.nodes.allocate(Label::new(left))?;
                self.attach(at, token, child);
                return Some(&mut self.nodes[child].leaf);
            };
            let common = self.nodes[child].label.common(left);
            at = if common == self.nodes[child].label.as_slice().len() {
                child
            } else {
                self.split(at, token, child, common)?
            };
            match left.get(common + 1..) {
                Some(rest) => left = rest,
                None => return Some(&mut self.nodes[at].leaf),
            }
        }
    }

    /// Makes a node of the first `common` bytes of a child's label, between it and its parent.
    fn split(&mut self, parent: NodeId, token: &[u8], child: NodeId, common: usize) -> Option<NodeId> {
        let label = self.nodes[child].label.as_slice();
        let (start, end) = (Label::new(&label[..common]), Label::new(&label[common + 1..]));
        let middle = self.nodes.allocate(start)?;
        self.replace(parent, token, child, middle);
        self.nodes.relabel(child, end.clone());
        self.attach(middle, end.first_token(), child);
        Some(middle)
    }

    /// The leaf of exactly `pattern`.
    pub(super) fn find(&self, pattern: &[u8]) -> Option<&Leaf<D>> {
        let [_, _, at] = self.locate(pattern)?;
        self.nodes[at].leaf.as_ref()
    }

    /// The node to which exactly `pattern` leads, behind its grandparent and its parent.
    fn locate(&self, pattern: &[u8]) -> Option<[NodeId; 3]> {
        let (mut grandparent, mut parent, mut at) = (ROOT, ROOT, ROOT);
        let mut left = Some(pattern);
        while let Some(rest) = left {
            let (token, _) = split_token(rest);
            let child = self.child(at, token)?;
            left = match rest.strip_prefix(self.nodes[child].label.as_slice())? {
                [] => None,
                [b'.', rest @ ..] => Some(rest),
                _ => return None,
            };
            (grandparent, parent, at) = (parent, at, child);
        }
        Some([grandparent, parent, at])
    }

    /// Applies `change` to the leaf of exactly `pattern`, if there is one; removes the leaf, and the nodes that were
    /// there for its sake, if `change` returns true.
    pub(super) fn change(&mut self, pattern: &[u8], change: impl FnOnce(&mut Leaf<D>) -> bool) {
        let Some([grandparent, parent, at]) = self.locate(pattern) else {
            return;
        };
        if self.nodes[at].leaf.as_mut().is_some_and(change) {
            self.nodes[at].leaf = None;
            if self.nodes[at].has_children() {
                self.unite(parent, at);
            } else {
                let label = self.nodes.give_back(at);
                self.detach(parent, label.first_token(), at);
                self.unite(grandparent, parent);
            }
        }
    }

    /// Makes one node of `at` and its child, if there is nothing else to it.
    fn unite(&mut self, parent: NodeId, at: NodeId) {
        let node = &self.nodes[at];
        if at == ROOT || node.leaf.is_some() {
            return;
        }
        let children = [
            (node.star, node.star != NONE),
            (node.rest, node.rest != NONE),
            (node.ordinary_sum, node.ordinary == 1),
        ];
        let several = node.ordinary > 1;
        let mut present = children.into_iter().filter(|(_, is_there)| *is_there);
        let (Some((child, _)), None, false) = (present.next(), present.next(), several) else {
            return;
        };
        let (start, end) = (node.label.clone(), self.nodes[child].label.clone());
        self.detach(at, end.first_token(), child);
        self.nodes.relabel(child, start.joined(&end));
        self.replace(parent, start.first_token(), at, child);
        self.nodes.give_back(at);
    }
}

#[cfg(test)]
mod tests;

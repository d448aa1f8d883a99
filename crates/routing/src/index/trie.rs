//! The subscriptions with wildcards, by token.

use std::hash::{BuildHasher, Hasher};
use std::ops::ControlFlow;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::is_sparse;
use super::leaf::Leaf;
use crate::subject::split_token;

/// Number of a node. The root, 0, is nobody's child, so that 0 also says "no child".
type NodeId = u32;

const ROOT: NodeId = 0;
const NONE: NodeId = 0;

/// All nodes are in one vector and all edges in one table: a table per node would cost some 300 bytes for a single
/// child, and most nodes have one.
pub(super) struct Trie<D> {
    nodes: Vec<Node<D>>,
    /// Nodes to be used again.
    free: Vec<NodeId>,
    edges: HashTable<Edge>,
    hasher: RandomState,
}

/// 64 bytes: one line of the cache.
struct Node<D> {
    token: Token,
    /// Subscriptions that end here.
    here: Option<Leaf<D>>,
    /// Subscriptions that end in `>` below here.
    full: Option<Leaf<D>>,
    /// The child for `*`.
    star: NodeId,
    /// How many children there are in the table of edges.
    children: u32,
}

struct Edge {
    hash: u64,
    parent: NodeId,
    child: NodeId,
}

/// The token that leads to a node. Those of clients' inboxes have 22 bytes.
enum Token {
    Short { length: u8, bytes: [u8; 22] },
    Long(Box<[u8]>),
}

impl Token {
    const EMPTY: Self = Self::Short {
        length: 0,
        bytes: [0; 22],
    };

    fn new(token: &[u8]) -> Self {
        let mut bytes = [0; 22];
        match bytes.get_mut(..token.len()) {
            Some(start) => {
                start.copy_from_slice(token);
                Self::Short {
                    length: token.len() as u8,
                    bytes,
                }
            }
            None => Self::Long(token.into()),
        }
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => &bytes[..usize::from(*length)],
            Self::Long(token) => token,
        }
    }
}

impl<D> Node<D> {
    fn new(token: Token) -> Self {
        Self {
            token,
            here: None,
            full: None,
            star: NONE,
            children: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.here.is_none() && self.full.is_none() && self.star == NONE && self.children == 0
    }
}

impl<D> Default for Trie<D> {
    fn default() -> Self {
        Self {
            nodes: vec![Node::new(Token::EMPTY)],
            free: Vec::new(),
            edges: HashTable::new(),
            hasher: RandomState::default(),
        }
    }
}

impl<D> Trie<D> {
    /// Nodes in use, the root not counted.
    pub(super) fn len(&self) -> usize {
        self.nodes.len() - self.free.len() - 1
    }

    pub(super) fn leaves(&self) -> impl Iterator<Item = &Leaf<D>> {
        self.nodes
            .iter()
            .flat_map(|node| node.here.iter().chain(&node.full))
    }

    fn hash(&self, parent: NodeId, token: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u32(parent);
        hasher.write(token);
        hasher.finish()
    }

    /// The child that an ordinary token leads to.
    fn child(&self, parent: NodeId, token: &[u8]) -> Option<NodeId> {
        let hash = self.hash(parent, token);
        self.edges
            .find(hash, |edge| {
                edge.hash == hash
                    && edge.parent == parent
                    && self.nodes[edge.child as usize].token.as_slice() == token
            })
            .map(|edge| edge.child)
    }

    /// None if there can be no further node: 4 thousand million of them.
    fn allocate(&mut self, token: Token) -> Option<NodeId> {
        if let Some(id) = self.free.pop() {
            self.nodes[id as usize].token = token;
            return Some(id);
        }
        let id = NodeId::try_from(self.nodes.len()).ok()?;
        self.nodes.push(Node::new(token));
        Some(id)
    }

    /// The place for the subscriptions to `pattern`, made if need be; the caller puts a leaf there. None if there can
    /// be no further node.
    pub(super) fn slot(&mut self, pattern: &[u8]) -> Option<&mut Option<Leaf<D>>> {
        let mut at = ROOT;
        let mut rest = Some(pattern);
        while let Some(left) = rest {
            let (token, tail) = split_token(left);
            rest = tail;
            at = match token {
                b">" if tail.is_none() => return Some(&mut self.nodes[at as usize].full),
                b"*" => match self.nodes[at as usize].star {
                    NONE => {
                        let child = self.allocate(Token::EMPTY)?;
                        self.nodes[at as usize].star = child;
                        child
                    }
                    child => child,
                },
                _ => match self.child(at, token) {
                    Some(child) => child,
                    None => {
                        let child = self.allocate(Token::new(token))?;
                        let hash = self.hash(at, token);
                        self.edges.insert_unique(
                            hash,
                            Edge {
                                hash,
                                parent: at,
                                child,
                            },
                            |edge| edge.hash,
                        );
                        self.nodes[at as usize].children += 1;
                        child
                    }
                },
            };
        }
        Some(&mut self.nodes[at as usize].here)
    }

    /// Applies `change` to the leaf of exactly `pattern`, if there is one; removes the leaf, and the nodes that led
    /// only there, if `change` returns true.
    pub(super) fn change(&mut self, pattern: &[u8], change: impl FnOnce(&mut Leaf<D>) -> bool) {
        let mut path: Vec<(NodeId, &[u8])> = Vec::new();
        let mut at = ROOT;
        let mut rest = Some(pattern);
        let mut full = false;
        while let Some(left) = rest {
            let (token, tail) = split_token(left);
            rest = tail;
            if token == b">" && tail.is_none() {
                full = true;
                break;
            }
            path.push((at, token));
            at = match token {
                b"*" => match self.nodes[at as usize].star {
                    NONE => return,
                    child => child,
                },
                _ => match self.child(at, token) {
                    Some(child) => child,
                    None => return,
                },
            };
        }
        let node = &mut self.nodes[at as usize];
        let slot = if full { &mut node.full } else { &mut node.here };
        if slot.as_mut().is_some_and(change) {
            *slot = None;
            self.prune(at, path);
        }
    }

    /// Gives back the nodes at the end of `path` that lead nowhere.
    fn prune(&mut self, mut at: NodeId, mut path: Vec<(NodeId, &[u8])>) {
        while self.nodes[at as usize].is_empty()
            && let Some((parent, token)) = path.pop()
        {
            if token == b"*" {
                self.nodes[parent as usize].star = NONE;
            } else {
                let hash = self.hash(parent, token);
                if let Ok(entry) = self.edges.find_entry(hash, |edge| edge.child == at) {
                    entry.remove();
                    self.nodes[parent as usize].children -= 1;
                }
            }
            self.nodes[at as usize].token = Token::EMPTY;
            self.free.push(at);
            at = parent;
        }
        let (length, capacity) = (self.edges.len(), self.edges.capacity());
        if is_sparse(length, capacity) {
            self.edges.shrink_to(length * 2, |edge| edge.hash);
        }
        if self.len() == 0 {
            self.nodes.truncate(1);
            self.nodes.shrink_to_fit();
            self.free = Vec::new();
        }
    }

    /// Visits every leaf whose pattern matches `subject`, which has no empty token. No recursion: how deep the trie
    /// is, clients decide.
    pub(super) fn visit<'a>(
        &'a self,
        subject: &[u8],
        mut visit: impl FnMut(&'a Leaf<D>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // Where the walk split in two. Does not allocate before it first happens.
        let mut branches = Vec::new();
        let mut next = Some((ROOT, Some(subject)));
        while let Some((at, rest)) = next {
            let node = &self.nodes[at as usize];
            next = None;
            match rest {
                None => {
                    if let Some(leaf) = &node.here {
                        visit(leaf)?;
                    }
                }
                Some(rest) => {
                    if let Some(leaf) = &node.full {
                        visit(leaf)?;
                    }
                    if node.children > 0 || node.star != NONE {
                        let (token, tail) = split_token(rest);
                        if node.star != NONE {
                            next = Some((node.star, tail));
                        }
                        if node.children > 0
                            && let Some(child) = self.child(at, token)
                            && let Some(star) = next.replace((child, tail))
                        {
                            branches.push(star);
                        }
                    }
                }
            }
            if next.is_none() {
                next = branches.pop();
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_one_line_of_the_cache() {
        assert_eq!(size_of::<Node<Box<u8>>>(), 64);
    }

    #[test]
    fn tokens_of_any_length_are_kept_whole() {
        for length in [0, 1, 21, 22, 23, 300] {
            let token = vec![b'x'; length];
            assert_eq!(Token::new(&token).as_slice(), token);
        }
    }
}

//! Where the nodes of a trie are.

use std::ops::{Index, IndexMut};

use super::super::leaf::Leaf;
use super::Label;

/// Number of a node.
pub(super) type NodeId = u32;

/// 64 bytes: one line of the cache.
pub(super) struct Node<D> {
    /// The tokens that lead here from the parent; changed by [`Nodes::relabel`].
    pub(super) label: Label,
    /// Subscriptions whose pattern ends here.
    pub(super) leaf: Option<Leaf<D>>,
    /// The child whose label begins with `*`; 0 if there is none.
    pub(super) star: NodeId,
    /// The child whose label is `>`; 0 if there is none.
    pub(super) rest: NodeId,
    /// How many other children there are, in the table of edges.
    pub(super) ordinary: u32,
    /// Their numbers, added up without carry: if there is one, its number.
    pub(super) ordinary_sum: NodeId,
}

impl<D> Node<D> {
    fn new(label: Label) -> Self {
        Self {
            label,
            leaf: None,
            star: 0,
            rest: 0,
            ordinary: 0,
            ordinary_sum: 0,
        }
    }

    pub(super) fn has_children(&self) -> bool {
        self.star != 0 || self.rest != 0 || self.ordinary > 0
    }
}

/// Nodes of a page: 16 KiB.
const PAGE: usize = 256;

/// Nodes by number, in pages: there is never one large piece of memory to be moved, and what many have left is given back
/// though a few stay.
pub(super) struct Nodes<D> {
    pages: Vec<Page<D>>,
    /// Pages with room, the one that was last found to have some at the end.
    roomy: Vec<u32>,
    length: usize,
    labels: usize,
}

struct Page<D> {
    /// Empty if none is in use.
    nodes: Vec<Node<D>>,
    /// Nodes to be used again.
    free: Vec<u8>,
    /// It is among the roomy.
    is_roomy: bool,
}

impl<D> Default for Nodes<D> {
    /// With a root.
    fn default() -> Self {
        let mut nodes = Self {
            pages: Vec::new(),
            roomy: Vec::new(),
            length: 0,
            labels: 0,
        };
        nodes.allocate(Label::EMPTY);
        nodes
    }
}

impl<D> Nodes<D> {
    /// How many are in use.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Bytes of memory for nodes and labels, free nodes included.
    pub(super) fn memory(&self) -> usize {
        let of_page = |page: &Page<D>| page.nodes.capacity() * size_of::<Node<D>>() + page.free.capacity();
        let pages: usize = self.pages.iter().map(of_page).sum();
        pages + self.pages.capacity() * size_of::<Page<D>>() + self.labels
    }

    /// None if there can be no further node: 4 thousand million of them.
    pub(super) fn allocate(&mut self, label: Label) -> Option<NodeId> {
        let number = match self.roomy.last() {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.pages.len()).ok()?;
                if number > NodeId::MAX / PAGE as u32 {
                    return None;
                }
                self.pages.push(Page {
                    nodes: Vec::new(),
                    free: Vec::new(),
                    is_roomy: true,
                });
                self.roomy.push(number);
                number
            }
        };
        let page = &mut self.pages[number as usize];
        self.labels += label.memory();
        let place = match page.free.pop() {
            Some(place) => {
                page.nodes[usize::from(place)] = Node::new(label);
                u32::from(place)
            }
            None => {
                page.nodes.push(Node::new(label));
                page.nodes.len() as u32 - 1
            }
        };
        if page.free.is_empty() && page.nodes.len() == PAGE {
            page.is_roomy = false;
            self.roomy.pop();
        }
        self.length += 1;
        Some(number * PAGE as u32 + place)
    }

    /// It has no leaf and no children; gives its label.
    pub(super) fn give_back(&mut self, id: NodeId) -> Label {
        let number = id / PAGE as u32;
        let page = &mut self.pages[number as usize];
        let place = id as usize % PAGE;
        let label = std::mem::replace(&mut page.nodes[place].label, Label::EMPTY);
        self.labels -= label.memory();
        self.length -= 1;
        page.free.push(place as u8);
        if page.free.len() == page.nodes.len() {
            page.nodes = Vec::new();
            page.free = Vec::new();
        }
        if !page.is_roomy {
            page.is_roomy = true;
            self.roomy.push(number);
        }
        if self.length == 1 {
            // The root is in the first.
            self.pages.truncate(1);
            self.pages.shrink_to_fit();
            self.roomy = vec![0];
            self.pages[0].is_roomy = true;
        }
        label
    }

    pub(super) fn relabel(&mut self, id: NodeId, label: Label) {
        self.labels += label.memory();
        let before = std::mem::replace(&mut self[id].label, label);
        self.labels -= before.memory();
    }

    /// The next node, free ones included, from number `next` on, which then is behind it. None if there are no more.
    pub(super) fn next(&self, next: &mut usize) -> Option<&Node<D>> {
        loop {
            let page = self.pages.get(*next / PAGE)?;
            if let Some(node) = page.nodes.get(*next % PAGE) {
                *next += 1;
                return Some(node);
            }
            *next = (*next / PAGE + 1) * PAGE;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Node<D>> {
        self.pages.iter().flat_map(|page| page.nodes.iter())
    }
}

impl<D> Index<NodeId> for Nodes<D> {
    type Output = Node<D>;

    #[inline]
    fn index(&self, id: NodeId) -> &Node<D> {
        &self.pages[id as usize / PAGE].nodes[id as usize % PAGE]
    }
}

impl<D> IndexMut<NodeId> for Nodes<D> {
    #[inline]
    fn index_mut(&mut self, id: NodeId) -> &mut Node<D> {
        &mut self.pages[id as usize / PAGE].nodes[id as usize % PAGE]
    }
}

//! The children of a branch, in order of their tokens. They are in chunks, which copies of the index share until one of them
//! changes: so a copy costs nothing that anybody waits for, and a change costs one chunk.

use std::sync::Arc;

use smallvec::SmallVec;

use super::Totals;
use super::branch::Node;

/// How many children a chunk has at most.
const CHUNK: usize = 64;

/// Most tokens are short, and where their child is.
type Token = SmallVec<[u8; 16]>;

/// Some children, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Children {
    /// None is empty.
    chunks: Vec<Arc<Chunk>>,
}

/// Children that follow each other, and what is at and below them.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) children: Vec<Child>,
    pub(super) totals: Totals,
}

#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) token: Token,
    pub(super) node: Node,
}

/// Where a child is, or would be: in which chunk, and where in that.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    chunk: usize,
    place: usize,
}

impl Children {
    pub(super) fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.chunks.iter().map(|chunk| &**chunk)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Child> {
        self.chunks().flat_map(|chunk| &chunk.children)
    }

    /// The children from a token on, some at a time, with what there is of all that are near the first of them.
    pub(super) fn from(&self, token: &[u8]) -> impl Iterator<Item = (Totals, &[Child])> {
        let (Ok(at) | Err(at)) = self.find(token);
        let chunks = self.chunks.get(at.chunk..).unwrap_or_default();
        chunks.iter().enumerate().map(move |(number, chunk)| {
            let start = if number == 0 { at.place } else { 0 };
            (chunk.totals, chunk.children.get(start..).unwrap_or_default())
        })
    }

    /// Where the child with a token is, or else where it would be.
    pub(super) fn find(&self, token: &[u8]) -> Result<At, At> {
        let behind = self
            .chunks
            .partition_point(|chunk| chunk.children[0].token.as_slice() <= token);
        let chunk = behind.saturating_sub(1);
        let Some(children) = self.chunks.get(chunk).map(|chunk| &chunk.children) else {
            return Err(At { chunk, place: 0 });
        };
        let found = children.binary_search_by(|child| child.token.as_slice().cmp(token));
        found
            .map(|place| At { chunk, place })
            .map_err(|place| At { chunk, place })
    }

    pub(super) fn get(&self, token: &[u8]) -> Option<&Child> {
        let At { chunk, place } = self.find(token).ok()?;
        Some(&self.chunks[chunk].children[place])
    }

    /// A child, to be changed. Who changes what is below it says so, by [`Children::more`] and [`Children::less`].
    pub(super) fn node_mut(&mut self, at: At) -> &mut Node {
        &mut self.chunk_mut(at).children[at.place].node
    }

    fn chunk_mut(&mut self, at: At) -> &mut Chunk {
        Arc::make_mut(&mut self.chunks[at.chunk])
    }

    pub(super) fn more(&mut self, at: At, more: Totals) {
        self.chunk_mut(at).totals.add(more);
    }

    pub(super) fn less(&mut self, at: At, less: Totals) {
        self.chunk_mut(at).totals.subtract(less);
    }

    /// Puts a child where [`Children::find`] did not find it.
    pub(super) fn insert(&mut self, mut at: At, token: &[u8], node: Node) {
        let totals = node.all();
        let child = Child {
            token: Token::from_slice(token),
            node,
        };
        let Some(chunk) = self.chunks.get(at.chunk) else {
            let children = vec![child];
            self.chunks.push(Arc::new(Chunk { children, totals }));
            return;
        };
        if chunk.children.len() >= CHUNK {
            at = self.split(at);
        }
        let chunk = self.chunk_mut(at);
        chunk.children.insert(at.place, child);
        chunk.totals.add(totals);
    }

    /// Makes room at a place of a full chunk. Returns where it is now.
    fn split(&mut self, at: At) -> At {
        // Who adds in order leaves full chunks behind.
        let middle = match at.place {
            CHUNK.. => CHUNK - 1,
            _ => CHUNK / 2,
        };
        let chunk = self.chunk_mut(at);
        let children = chunk.children.split_off(middle);
        let mut totals = Totals::default();
        children.iter().for_each(|child| totals.add(child.node.all()));
        chunk.totals.subtract(totals);
        self.chunks
            .insert(at.chunk + 1, Arc::new(Chunk { children, totals }));
        match at.place.checked_sub(middle) {
            Some(place) => At {
                chunk: at.chunk + 1,
                place,
            },
            None => at,
        }
    }

    /// Removes a child at and below which there is nothing any more.
    pub(super) fn remove(&mut self, at: At) {
        let chunk = self.chunk_mut(at);
        chunk.children.remove(at.place);
        let length = chunk.children.len();
        if length == 0 {
            self.chunks.remove(at.chunk);
            return;
        }
        let next = self.chunks.get(at.chunk + 1);
        if next.is_some_and(|next| next.children.len() + length <= CHUNK / 2) {
            let next = Arc::unwrap_or_clone(self.chunks.remove(at.chunk + 1));
            let chunk = self.chunk_mut(at);
            chunk.children.extend(next.children);
            chunk.totals.add(next.totals);
        }
    }
}

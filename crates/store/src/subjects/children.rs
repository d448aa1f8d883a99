//! The children of a branch, in order of their tokens. They are in chunks, which copies of the index share until one of them
//! changes: so a copy costs nothing that anybody waits for, and a change costs one chunk.

use std::sync::Arc;

use smallvec::SmallVec;

use super::Totals;
use super::branch::Node;

/// How many children a chunk has at most.
const CHUNK: usize = 64;

/// Of so many children the one with a token is found fast enough by their order.
const FEW: usize = 4;

/// Most tokens are short, and where their child is.
type Token = SmallVec<[u8; 16]>;

/// Some children, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Children {
    /// None is empty.
    chunks: Vec<Arc<Chunk>>,
    /// What begins each chunk but the first: all tokens of those before are less. Who looks for a token comes to one chunk alone,
    /// as each would have to be fetched from far away.
    beginnings: Box<[Token]>,
}

/// Children that follow each other, and what is at and below them.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) children: Vec<Child>,
    pub(super) totals: Totals,
    /// A byte of each child that depends on all of its token, unless they are few: to go by these costs one look at memory, where
    /// going by the order of tokens costs one for each that is compared.
    prints: Option<Box<[u8; CHUNK]>>,
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

    /// In which chunk a token is, or would be.
    fn chunk_of(&self, token: &[u8]) -> usize {
        self.beginnings.partition_point(|first| first.as_slice() <= token)
    }

    /// Where the child with a token is, or else where it would be.
    pub(super) fn find(&self, token: &[u8]) -> Result<At, At> {
        let chunk = self.chunk_of(token);
        let place = match self.chunks.get(chunk) {
            Some(chunk) => chunk.find(token),
            None => Err(0),
        };
        place
            .map(|place| At { chunk, place })
            .map_err(|place| At { chunk, place })
    }

    pub(super) fn get(&self, token: &[u8]) -> Option<&Child> {
        let chunk = self.chunks.get(self.chunk_of(token))?;
        chunk.children.get(chunk.place_of(token)?)
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
        let child = Child {
            token: Token::from_slice(token),
            node,
        };
        let Some(chunk) = self.chunks.get(at.chunk) else {
            self.chunks.push(Arc::new(Chunk::new(vec![child])));
            return;
        };
        if chunk.children.len() >= CHUNK {
            at = self.split(at);
        }
        self.chunk_mut(at).insert(at.place, child);
    }

    /// Makes room at a place of a full chunk. Returns where it is now.
    fn split(&mut self, at: At) -> At {
        // Who adds in order leaves full chunks behind.
        let middle = match at.place {
            CHUNK.. => CHUNK - 1,
            _ => CHUNK / 2,
        };
        let chunk = self.chunk_mut(at);
        let behind = Chunk::new(chunk.children.split_off(middle));
        chunk.totals.subtract(behind.totals);
        chunk.print();
        let beginning = behind.children[0].token.clone();
        self.chunks.insert(at.chunk + 1, Arc::new(behind));
        self.change_beginnings(|beginnings| beginnings.insert(at.chunk, beginning));
        match at.place.checked_sub(middle) {
            // What comes before the beginning of the new one is still in the one before.
            None | Some(0) => at,
            Some(place) => At {
                chunk: at.chunk + 1,
                place,
            },
        }
    }

    /// Removes a child at and below which there is nothing any more.
    pub(super) fn remove(&mut self, at: At) {
        let chunk = self.chunk_mut(at);
        chunk.remove(at.place);
        let length = chunk.children.len();
        if length == 0 {
            self.chunks.remove(at.chunk);
            // The next one takes its place: what is less than all in that is there, too.
            self.forget_beginning(at.chunk);
            return;
        }
        let next = self.chunks.get(at.chunk + 1);
        if next.is_some_and(|next| next.children.len() + length <= CHUNK / 2) {
            let next = Arc::unwrap_or_clone(self.chunks.remove(at.chunk + 1));
            self.forget_beginning(at.chunk + 1);
            let chunk = self.chunk_mut(at);
            chunk.children.extend(next.children);
            chunk.totals.add(next.totals);
            chunk.print();
        }
    }

    /// A chunk is no more.
    fn forget_beginning(&mut self, chunk: usize) {
        self.change_beginnings(|beginnings| {
            let place = chunk.saturating_sub(1);
            if place < beginnings.len() {
                beginnings.remove(place);
            }
        });
    }

    fn change_beginnings(&mut self, change: impl FnOnce(&mut Vec<Token>)) {
        let mut beginnings = std::mem::take(&mut self.beginnings).into_vec();
        change(&mut beginnings);
        self.beginnings = beginnings.into();
    }
}

impl Chunk {
    fn new(children: Vec<Child>) -> Self {
        let mut totals = Totals::default();
        children.iter().for_each(|child| totals.add(child.node.all()));
        let mut chunk = Self {
            children,
            totals,
            prints: None,
        };
        chunk.print();
        chunk
    }

    fn insert(&mut self, place: usize, child: Child) {
        self.totals.add(child.node.all());
        let length = self.children.len();
        match &mut self.prints {
            Some(prints) => {
                prints.copy_within(place..length, place + 1);
                prints[place] = print(&child.token);
                self.children.insert(place, child);
            }
            None => {
                self.children.insert(place, child);
                self.print();
            }
        }
    }

    /// Removes a child at and below which there is nothing any more.
    fn remove(&mut self, place: usize) {
        let length = self.children.len();
        self.children.remove(place);
        if let Some(prints) = &mut self.prints {
            prints.copy_within(place + 1..length, place);
        }
    }

    /// Its children are others than before.
    fn print(&mut self) {
        if self.children.len() <= FEW {
            self.prints = None;
            return;
        }
        let prints = self.prints.get_or_insert_with(|| Box::new([0; CHUNK]));
        for (place, child) in prints.iter_mut().zip(&self.children) {
            *place = print(&child.token);
        }
    }

    fn place_of(&self, token: &[u8]) -> Option<usize> {
        let Some(prints) = &self.prints else {
            return self.find(token).ok();
        };
        let wanted = print(token);
        let mut places = (0..self.children.len()).filter(|place| prints[*place] == wanted);
        places.find(|place| self.children[*place].token.as_slice() == token)
    }

    /// Where the child with a token is, or else where it would be.
    fn find(&self, token: &[u8]) -> Result<usize, usize> {
        let known = self.prints.as_ref().and_then(|_| self.place_of(token));
        let by_order = || {
            let children = &self.children;
            children.binary_search_by(|child| child.token.as_slice().cmp(token))
        };
        known.map_or_else(by_order, Ok)
    }
}

/// A byte that depends on the length of a token and its first and last eight bytes: most tokens that are alike end differently.
fn print(token: &[u8]) -> u8 {
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    let eight = token.len().min(8);
    let (first, last) = (word(&token[..eight]), word(&token[token.len() - eight..]));
    let mixed = first ^ last.rotate_left(29) ^ token.len() as u64;
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

//! How many messages there are with each subject, and which is the first and the last: a tree over tokens, which sums up
//! what is below each of its nodes.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use vagus_routing::subject;

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

/// The subjects of a stream's messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subjects {
    root: Branch,
}

/// A beginning of subjects.
#[derive(Clone, Debug, Default)]
struct Branch {
    /// Messages whose subject it is.
    own: Option<SubjectState>,
    children: BTreeMap<Box<[u8]>, Node>,
    /// Of all that is below, but not its own.
    below: Totals,
}

#[derive(Clone, Debug)]
enum Node {
    Leaf(SubjectState),
    Branch(Box<Branch>),
}

/// Is told of a child: its token, itself, and what is left of the filter.
type Visit<'a> = dyn FnMut(&[u8], &Node, Option<&[u8]>) -> ControlFlow<()> + 'a;

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
}

impl SubjectState {
    fn totals(&self) -> Totals {
        Totals {
            messages: u64::from(self.count),
            subjects: 1,
        }
    }
}

impl Node {
    fn own(&self) -> Option<&SubjectState> {
        match self {
            Self::Leaf(state) => Some(state),
            Self::Branch(branch) => branch.own.as_ref(),
        }
    }

    fn own_mut(&mut self) -> Option<&mut SubjectState> {
        match self {
            Self::Leaf(state) => Some(state),
            Self::Branch(branch) => branch.own.as_mut(),
        }
    }

    fn own_totals(&self) -> Totals {
        self.own().map(SubjectState::totals).unwrap_or_default()
    }

    fn all(&self) -> Totals {
        let mut totals = self.own_totals();
        if let Self::Branch(branch) = self {
            totals.add(branch.below);
        }
        totals
    }
}

impl Subjects {
    pub(crate) fn totals(&self) -> Totals {
        self.root.below
    }

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
            let node = branch.children.get(token)?;
            match (next, node) {
                (None, node) => return node.own(),
                (Some(next), Node::Branch(below)) => (branch, rest, depth) = (below, next, depth + 1),
                (Some(_), Node::Leaf(_)) => return None,
            }
        }
    }

    pub(crate) fn get_mut(&mut self, name: &[u8]) -> Option<&mut SubjectState> {
        let (mut branch, mut rest, mut depth) = (&mut self.root, name, 0);
        loop {
            let (token, next) = split(rest, depth);
            let node = branch.children.get_mut(token)?;
            match (next, node) {
                (None, node) => return node.own_mut(),
                (Some(next), Node::Branch(below)) => (branch, rest, depth) = (below, next, depth + 1),
                (Some(_), Node::Leaf(_)) => return None,
            }
        }
    }

    /// How much a filter matches. It costs the nodes at which the filter has wildcards, not the messages.
    pub(crate) fn count(&self, filter: &[u8]) -> Totals {
        self.root.count(filter, 0)
    }

    /// Tells `visit` the subjects that a filter matches, in order of their tokens, without the first `skip`.
    pub(crate) fn walk(
        &self,
        filter: &[u8],
        mut skip: u64,
        visit: &mut dyn FnMut(&[u8], &SubjectState) -> ControlFlow<()>,
    ) {
        let mut walk = Walk {
            name: Vec::new(),
            skip: &mut skip,
            visit,
        };
        let _ = self.root.walk(filter, 0, &mut walk);
    }
}

struct Walk<'a> {
    name: Vec<u8>,
    skip: &'a mut u64,
    visit: &'a mut dyn FnMut(&[u8], &SubjectState) -> ControlFlow<()>,
}

impl Walk<'_> {
    /// Whether all of it may be skipped at once.
    fn skips(&mut self, totals: Totals) -> bool {
        let is_skipped = totals.subjects <= *self.skip;
        if is_skipped {
            *self.skip -= totals.subjects;
        }
        is_skipped
    }

    fn own(&mut self, node: &Node) -> ControlFlow<()> {
        match node.own() {
            Some(state) if !self.skips(state.totals()) => (self.visit)(&self.name, state),
            _ => ControlFlow::Continue(()),
        }
    }

    /// With a token more in the name.
    fn below(&mut self, token: &[u8], walk: impl FnOnce(&mut Self) -> ControlFlow<()>) -> ControlFlow<()> {
        let length = self.name.len();
        if length > 0 {
            self.name.push(b'.');
        }
        self.name.extend_from_slice(token);
        let flow = walk(self);
        self.name.truncate(length);
        flow
    }
}

impl Branch {
    fn merge(&mut self, rest: &[u8], depth: usize, more: SubjectState) -> Totals {
        let (token, next) = split(rest, depth);
        let added = match (self.children.get_mut(token), next) {
            (None, None) => {
                self.children.insert(token.into(), Node::Leaf(more));
                more.totals()
            }
            (Some(node), None) => match node.own_mut() {
                Some(state) => {
                    state.last = more.last;
                    state.is_last_stale = more.is_last_stale;
                    state.count += more.count;
                    Totals {
                        messages: u64::from(more.count),
                        subjects: 0,
                    }
                }
                None => {
                    if let Node::Branch(branch) = node {
                        branch.own = Some(more);
                    }
                    more.totals()
                }
            },
            (None, Some(next)) => {
                let mut branch = Box::<Self>::default();
                let added = branch.merge(next, depth + 1, more);
                self.children.insert(token.into(), Node::Branch(branch));
                added
            }
            (Some(node), Some(next)) => {
                if let Node::Leaf(state) = node {
                    *node = Node::Branch(Box::new(Self {
                        own: Some(*state),
                        ..Self::default()
                    }));
                }
                match node {
                    Node::Branch(branch) => branch.merge(next, depth + 1, more),
                    Node::Leaf(_) => Totals::default(),
                }
            }
        };
        self.below.add(added);
        added
    }

    /// Returns what there is less of; `outlived` is told what is left of the subject, if something is.
    fn remove(
        &mut self,
        rest: &[u8],
        depth: usize,
        count: u32,
        outlived: &mut dyn FnMut(&mut SubjectState),
    ) -> Totals {
        let (token, next) = split(rest, depth);
        let Some(node) = self.children.get_mut(token) else {
            return Totals::default();
        };
        let removed = match (next, &mut *node) {
            (None, node) => remove_own(node, count, outlived),
            (Some(next), Node::Branch(branch)) => branch.remove(next, depth + 1, count, outlived),
            (Some(_), Node::Leaf(_)) => Totals::default(),
        };
        if removed.subjects > 0 && node.all().subjects == 0 {
            self.children.remove(token);
        }
        self.below.messages -= removed.messages;
        self.below.subjects -= removed.subjects;
        removed
    }

    fn count(&self, filter: &[u8], depth: usize) -> Totals {
        if filter == b">" {
            return self.below;
        }
        let mut totals = Totals::default();
        let _ = self.matching(filter, depth, &mut |_, node, next| {
            match (node, next) {
                (node, None) => totals.add(node.own_totals()),
                (Node::Branch(branch), Some(next)) => totals.add(branch.count(next, depth + 1)),
                (Node::Leaf(_), Some(_)) => {}
            }
            ControlFlow::Continue(())
        });
        totals
    }

    fn walk(&self, filter: &[u8], depth: usize, walk: &mut Walk<'_>) -> ControlFlow<()> {
        let is_all = filter == b">";
        if is_all && walk.skips(self.below) {
            return ControlFlow::Continue(());
        }
        let mut visit = |token: &[u8], node: &Node, next: Option<&[u8]>| {
            walk.below(token, |walk| {
                if next.is_none() || is_all {
                    walk.own(node)?;
                }
                match (node, if is_all { Some(filter) } else { next }) {
                    (Node::Branch(branch), Some(next)) => branch.walk(next, depth + 1, walk),
                    _ => ControlFlow::Continue(()),
                }
            })
        };
        if is_all {
            self.children
                .iter()
                .try_for_each(|(token, node)| visit(token, node, None))
        } else {
            self.matching(filter, depth, &mut visit)
        }
    }

    /// The children that the first token of a filter matches, with the rest of the filter.
    fn matching(&self, filter: &[u8], depth: usize, visit: &mut Visit<'_>) -> ControlFlow<()> {
        let (token, next) = split(filter, depth);
        if depth >= DEPTH && subject::has_wildcards(filter) {
            let mut deep = self
                .children
                .iter()
                .filter(|(key, _)| subject::matches(filter, key));
            return deep.try_for_each(|(key, node)| visit(key, node, None));
        }
        if token == b"*" {
            return self
                .children
                .iter()
                .try_for_each(|(key, node)| visit(key, node, next));
        }
        match self.children.get_key_value(token) {
            Some((key, node)) => visit(key, node, next),
            None => ControlFlow::Continue(()),
        }
    }
}

fn remove_own(node: &mut Node, count: u32, outlived: &mut dyn FnMut(&mut SubjectState)) -> Totals {
    let Some(state) = node.own_mut() else {
        return Totals::default();
    };
    let count = count.min(state.count);
    let mut removed = Totals {
        messages: u64::from(count),
        subjects: 0,
    };
    state.count -= count;
    if state.count > 0 {
        outlived(state);
        return removed;
    }
    removed.subjects = 1;
    match node {
        Node::Branch(branch) => branch.own = None,
        Node::Leaf(_) => *node = Node::Branch(Box::default()),
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 12] = [
        "a", "a.b", "a.b.c", "a.c", "b", "b.b", "b.c.d", "c.a.a.a", "a-b", "a-b.c", "d.d.d.d", "d",
    ];
    const FILTERS: [&str; 14] = [
        ">", "a.>", "a.*", "*", "*.b", "*.*", "*.>", "b.c.d", "x", "a.b.c.d", "*.*.*.*", "d.*.d.>", "a-b",
        "*.b.*",
    ];

    fn deep(last: &str) -> String {
        format!("{}{last}", "x.".repeat(40))
    }

    /// Against a plain list of messages.
    #[test]
    fn answers_as_a_list_would() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut names: Vec<String> = NAMES.map(str::to_owned).to_vec();
        names.extend(["a", "b.c", "b"].map(deep));
        let mut filters: Vec<String> = FILTERS.map(str::to_owned).to_vec();
        filters.extend(["*", ">", "b.*", "b", "c"].map(deep));
        let (mut subjects, mut list) = (Subjects::default(), Vec::<(u64, &str)>::new());
        for sequence in 1..2500 {
            if random.u16(..500) == 0 {
                list.clear();
                subjects.clear();
            }
            if random.u8(..5) < 2 && !list.is_empty() {
                let (sequence, name) = list.remove(random.usize(..list.len()));
                let is_last = !list.iter().any(|other| other.1 == name);
                assert_eq!(subjects.remove(name.as_bytes(), sequence), is_last);
            } else {
                let name = &names[random.usize(..names.len())];
                subjects.add(name.as_bytes(), sequence);
                list.push((sequence, name));
            }
            if sequence % 16 != 0 {
                continue;
            }
            for name in &names {
                let of_name = list.iter().filter(|other| other.1 == name).map(|other| other.0);
                let state = subjects.get(name.as_bytes());
                assert_eq!(
                    state.map_or(0, |state| state.count as usize),
                    of_name.clone().count()
                );
                if let Some(state) = state {
                    let (first, last) = (of_name.clone().min().unwrap(), of_name.max().unwrap());
                    assert!(if state.is_first_stale {
                        state.first < first
                    } else {
                        state.first == first
                    });
                    assert!(if state.is_last_stale {
                        state.last > last
                    } else {
                        state.last == last
                    });
                }
            }
            for filter in &filters {
                check(&subjects, &list, filter, random.u64(..5));
            }
        }
    }

    fn check(subjects: &Subjects, list: &[(u64, &str)], filter: &str, skip: u64) {
        let matching: Vec<&str> = list
            .iter()
            .map(|other| other.1)
            .filter(|name| subject::matches(filter.as_bytes(), name.as_bytes()))
            .collect();
        let mut names = matching.clone();
        names.sort_by_key(|name| name.split('.').map(str::to_owned).collect::<Vec<_>>());
        names.dedup();
        let expected = Totals {
            messages: matching.len() as u64,
            subjects: names.len() as u64,
        };
        assert_eq!(subjects.count(filter.as_bytes()), expected, "{filter}");
        let mut walked = Vec::new();
        subjects.walk(filter.as_bytes(), skip, &mut |name, state| {
            assert!(state.count > 0);
            walked.push(String::from_utf8(name.to_vec()).unwrap());
            ControlFlow::Continue(())
        });
        assert_eq!(
            walked,
            names.into_iter().skip(skip as usize).collect::<Vec<_>>(),
            "{filter}"
        );
    }
}

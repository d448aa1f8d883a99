//! A part of the tree of subjects: what they begin with, and what follows.

use std::ops::ControlFlow;
use std::sync::Arc;

use vagus_routing::subject;

use super::children::{Child, Children};
use super::{DEPTH, SubjectState, Totals, split};

/// A beginning of subjects.
#[derive(Clone, Debug, Default)]
pub(super) struct Branch {
    /// Messages whose subject it is.
    own: Option<SubjectState>,
    children: Children,
    /// Of all that is below, but not its own.
    below: Totals,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Leaf(SubjectState),
    Branch(Arc<Branch>),
}

/// Is told of a child, and of what is left of the filter.
type Visit<'a> = dyn FnMut(&Child, Option<&[u8]>) -> ControlFlow<()> + 'a;

impl Node {
    /// What is below it, which may be nothing yet.
    fn branch_mut(&mut self) -> &mut Branch {
        if let Self::Leaf(state) = self {
            *self = Self::Branch(Arc::new(Branch::with_own(*state)));
        }
        match self {
            Self::Branch(branch) => Arc::make_mut(branch),
            Self::Leaf(_) => unreachable!("it has become a branch"),
        }
    }

    fn merge_own(&mut self, more: SubjectState) -> Totals {
        match self {
            Self::Branch(branch) if branch.own.is_none() => {
                Arc::make_mut(branch).own = Some(more);
                return more.totals();
            }
            node => node.own_mut().into_iter().for_each(|state| {
                state.last = more.last;
                state.is_last_stale = more.is_last_stale;
                state.count += more.count;
            }),
        }
        Totals {
            messages: u64::from(more.count),
            subjects: 0,
        }
    }

    fn remove_own(&mut self, count: u32, outlived: &mut dyn FnMut(&mut SubjectState)) -> Totals {
        let Some(state) = self.own_mut() else {
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
        match self {
            Self::Branch(branch) => Arc::make_mut(branch).own = None,
            Self::Leaf(_) => *self = Self::Branch(Arc::default()),
        }
        removed
    }

    pub(super) fn own(&self) -> Option<&SubjectState> {
        match self {
            Self::Leaf(state) => Some(state),
            Self::Branch(branch) => branch.own.as_ref(),
        }
    }

    fn own_mut(&mut self) -> Option<&mut SubjectState> {
        match self {
            Self::Leaf(state) => Some(state),
            Self::Branch(branch) => Arc::make_mut(branch).own.as_mut(),
        }
    }

    pub(super) fn own_totals(&self) -> Totals {
        self.own().map(SubjectState::totals).unwrap_or_default()
    }

    /// Of its own, and of all that is below.
    pub(super) fn all(&self) -> Totals {
        let mut totals = self.own_totals();
        if let Self::Branch(branch) = self {
            totals.add(branch.below);
        }
        totals
    }
}

/// A walk through subjects, on its way.
pub(super) struct Walk<'a> {
    name: Vec<u8>,
    skip: &'a mut u64,
    visit: &'a mut dyn FnMut(&[u8], &SubjectState) -> ControlFlow<()>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        skip: &'a mut u64,
        visit: &'a mut dyn FnMut(&[u8], &SubjectState) -> ControlFlow<()>,
    ) -> Self {
        Self {
            name: Vec::new(),
            skip,
            visit,
        }
    }

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

    /// A child that a filter matches so far, with the rest of the filter.
    fn child(&mut self, child: &Child, next: Option<&[u8]>, depth: usize) -> ControlFlow<()> {
        self.below(&child.token, |walk| match (&child.node, next) {
            (node, None) => walk.own(node),
            (Node::Branch(branch), Some(next)) => branch.walk(next, depth + 1, walk),
            (Node::Leaf(_), Some(_)) => ControlFlow::Continue(()),
        })
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
    /// With a subject that is its own.
    fn with_own(own: SubjectState) -> Self {
        Self {
            own: Some(own),
            ..Self::default()
        }
    }

    /// Of all that is below.
    pub(super) fn below(&self) -> Totals {
        self.below
    }

    pub(super) fn child(&self, token: &[u8]) -> Option<&Child> {
        self.children.get(token)
    }

    pub(super) fn children(&self) -> impl Iterator<Item = &Child> {
        self.children.iter()
    }

    /// The children from a token on, some at a time, with what there is of all that are near the first of them.
    pub(super) fn children_from(&self, token: &[u8]) -> impl Iterator<Item = (Totals, &[Child])> {
        self.children.from(token)
    }

    pub(super) fn merge(&mut self, rest: &[u8], depth: usize, more: SubjectState) -> Totals {
        let (token, next) = split(rest, depth);
        let added = match self.children.find(token) {
            Err(at) => {
                let node = match next {
                    None => Node::Leaf(more),
                    Some(next) => {
                        let mut branch = Self::default();
                        branch.merge(next, depth + 1, more);
                        Node::Branch(Arc::new(branch))
                    }
                };
                self.children.insert(at, token, node);
                more.totals()
            }
            Ok(at) => {
                let node = self.children.node_mut(at);
                let added = match next {
                    None => node.merge_own(more),
                    Some(next) => node.branch_mut().merge(next, depth + 1, more),
                };
                self.children.more(at, added);
                added
            }
        };
        self.below.add(added);
        added
    }

    /// Changes what is first and last of a subject that is there.
    pub(super) fn update(&mut self, rest: &[u8], depth: usize, change: impl FnOnce(&mut SubjectState)) {
        let (token, next) = split(rest, depth);
        let Ok(at) = self.children.find(token) else {
            return;
        };
        match (self.children.node_mut(at), next) {
            (node, None) => {
                if let Some(own) = node.own_mut() {
                    change(own);
                }
            }
            (Node::Branch(branch), Some(next)) => Arc::make_mut(branch).update(next, depth + 1, change),
            (Node::Leaf(_), Some(_)) => {}
        }
    }

    /// Returns what there is less of; `outlived` is told what is left of the subject, if something is.
    pub(super) fn remove(
        &mut self,
        rest: &[u8],
        depth: usize,
        count: u32,
        outlived: &mut dyn FnMut(&mut SubjectState),
    ) -> Totals {
        let (token, next) = split(rest, depth);
        let Ok(at) = self.children.find(token) else {
            return Totals::default();
        };
        let node = self.children.node_mut(at);
        let removed = match (next, &mut *node) {
            (None, node) => node.remove_own(count, outlived),
            (Some(next), Node::Branch(branch)) => {
                Arc::make_mut(branch).remove(next, depth + 1, count, outlived)
            }
            (Some(_), Node::Leaf(_)) => Totals::default(),
        };
        let is_empty = removed.subjects > 0 && node.all().subjects == 0;
        self.children.less(at, removed);
        if is_empty {
            self.children.remove(at);
        }
        self.below.subtract(removed);
        removed
    }

    pub(super) fn count(&self, filter: &[u8], depth: usize) -> Totals {
        if filter == b">" {
            return self.below;
        }
        let mut totals = Totals::default();
        let _ = self.matching(filter, depth, &mut |child, next| {
            match (&child.node, next) {
                (node, None) => totals.add(node.own_totals()),
                (Node::Branch(branch), Some(next)) => totals.add(branch.count(next, depth + 1)),
                (Node::Leaf(_), Some(_)) => {}
            }
            ControlFlow::Continue(())
        });
        totals
    }

    pub(super) fn walk(&self, filter: &[u8], depth: usize, walk: &mut Walk<'_>) -> ControlFlow<()> {
        let is_all = filter == b">";
        if is_all && walk.skips(self.below) {
            return ControlFlow::Continue(());
        }
        if !is_all {
            return self.matching(filter, depth, &mut |child, next| walk.child(child, next, depth));
        }
        for chunk in self.children.chunks() {
            if !walk.skips(chunk.totals) {
                let mut children = chunk.children.iter();
                children.try_for_each(|child| {
                    walk.below(&child.token, |walk| {
                        walk.own(&child.node)?;
                        match &child.node {
                            Node::Branch(branch) => branch.walk(filter, depth + 1, walk),
                            Node::Leaf(_) => ControlFlow::Continue(()),
                        }
                    })
                })?;
            }
        }
        ControlFlow::Continue(())
    }

    /// The children that the first token of a filter matches, with the rest of the filter.
    fn matching(&self, filter: &[u8], depth: usize, visit: &mut Visit<'_>) -> ControlFlow<()> {
        let (token, next) = split(filter, depth);
        if depth >= DEPTH && subject::has_wildcards(filter) {
            let mut deep = self
                .children
                .iter()
                .filter(|child| subject::matches(filter, &child.token));
            return deep.try_for_each(|child| visit(child, None));
        }
        if token == b"*" {
            return self.children.iter().try_for_each(|child| visit(child, next));
        }
        match self.children.get(token) {
            Some(child) => visit(child, next),
            None => ControlFlow::Continue(()),
        }
    }
}

//! Walks through subjects in parts, between which the subjects may change.

use std::ops::ControlFlow;

use vagus_routing::subject;

use super::branch::{Branch, Node};
use super::children::Child;
use super::{DEPTH, SubjectState, split};

/// Where a walk through subjects has come to. What comes and goes meanwhile is met if it is behind that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubjectCursor {
    /// The subject, or the beginning of some, that was looked at last; empty: none.
    pub after: Vec<u8>,
    /// So many subjects that match are passed over first.
    pub skip: u64,
    /// Whether there are no more.
    pub is_at_end: bool,
}

/// A part of a walk.
struct Part<'a> {
    name: Vec<u8>,
    skip: &'a mut u64,
    work: &'a mut usize,
    visit: &'a mut dyn FnMut(&[u8], &SubjectState) -> ControlFlow<()>,
}

impl SubjectCursor {
    pub(super) fn walk_on(
        &mut self,
        root: &Branch,
        filter: &[u8],
        work: &mut usize,
        visit: &mut dyn FnMut(&[u8], &SubjectState) -> ControlFlow<()>,
    ) {
        let mut part = Part {
            name: Vec::new(),
            skip: &mut self.skip,
            work,
            visit,
        };
        let after = (!self.after.is_empty()).then_some(&*self.after);
        match part.branch(root, filter, 0, after) {
            ControlFlow::Break(after) => self.after = after,
            ControlFlow::Continue(()) => self.is_at_end = true,
        }
    }
}

impl Part<'_> {
    /// What of a branch comes behind `after`. Where the walk is interrupted it says what was looked at last.
    fn branch(
        &mut self,
        branch: &Branch,
        filter: &[u8],
        depth: usize,
        after: Option<&[u8]>,
    ) -> ControlFlow<Vec<u8>> {
        let (from, _) = after.map_or((&b""[..], None), |after| split(after, depth));
        let (first, _) = split(filter, depth);
        if depth < DEPTH && first != b"*" && filter != b">" {
            // No other child matches.
            let child = branch.child(first).filter(|_| first >= from);
            return match child {
                Some(child) => self.child(child, filter, depth, after),
                None => ControlFlow::Continue(()),
            };
        }
        let is_from_start = after.is_none() && filter == b">";
        for (totals, children) in branch.children_from(from) {
            // A branch may have any number of children: those that are passed over are so many at once.
            if !(is_from_start && self.skips(totals.subjects)) {
                let mut children = children.iter();
                children.try_for_each(|child| self.child(child, filter, depth, after))?;
            }
        }
        ControlFlow::Continue(())
    }

    fn child(
        &mut self,
        child: &Child,
        filter: &[u8],
        depth: usize,
        after: Option<&[u8]>,
    ) -> ControlFlow<Vec<u8>> {
        let length = self.name.len();
        if length > 0 {
            self.name.push(b'.');
        }
        self.name.extend_from_slice(&child.token);
        let walked = self.named(child, filter, depth, after);
        self.name.truncate(length);
        walked
    }

    fn named(
        &mut self,
        child: &Child,
        filter: &[u8],
        depth: usize,
        after: Option<&[u8]>,
    ) -> ControlFlow<Vec<u8>> {
        let is_all = filter == b">";
        let next = match is_all {
            true => Some(Some(filter)),
            false => continued(filter, depth, &child.token),
        };
        // It was looked at before, but not all that is below.
        let behind = after.map(|after| split(after, depth));
        let behind = behind.filter(|(token, _)| *token == child.token.as_slice());
        let is_skipped = behind.is_none() && is_all && self.skips(child.node.all().subjects);
        if behind.is_none() {
            if let Some(next) = next
                && !is_skipped
                && (is_all || next.is_none())
                && let Some(state) = child.node.own()
                && !self.skips(1)
                && (self.visit)(&self.name, state).is_break()
            {
                return ControlFlow::Break(self.name.clone());
            }
            *self.work = self.work.saturating_sub(1);
            if *self.work == 0 && !is_skipped {
                return ControlFlow::Break(self.name.clone());
            }
        }
        match (&child.node, next) {
            (Node::Branch(branch), Some(Some(next))) if !is_skipped => {
                let rest = behind.and_then(|(_, rest)| rest);
                self.branch(branch, next, depth + 1, rest)
            }
            _ => ControlFlow::Continue(()),
        }
    }

    /// Whether so many subjects are among those that are passed over.
    fn skips(&mut self, subjects: u64) -> bool {
        let is_skipped = subjects <= *self.skip;
        if is_skipped {
            *self.skip -= subjects;
        }
        is_skipped
    }
}

/// What is left of a filter behind a token; None: it does not match that.
fn continued<'a>(filter: &'a [u8], depth: usize, token: &[u8]) -> Option<Option<&'a [u8]>> {
    let (first, next) = split(filter, depth);
    if depth >= DEPTH && subject::has_wildcards(filter) {
        return subject::matches(filter, token).then_some(None);
    }
    (first == b"*" || first == token).then_some(next)
}

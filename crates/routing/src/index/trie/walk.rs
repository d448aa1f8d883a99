//! Which patterns match a subject, found in as many parts as wanted.
//!
//! Patterns that match have an order: at their first difference `>` comes first, then the subject's own token, then `*`.
//! A walk follows it, and where it stops it notes the tokens that lead to what comes next, not nodes. So the trie may be
//! changed between two parts: the next one begins with whatever is there from that point on, and a pattern that was there
//! all the time is visited once, as its place in the order does not depend on the others.

use std::ops::ControlFlow;

use smallvec::SmallVec;

use super::nodes::{Node, NodeId};
use super::{Label, Leaf, NONE, ROOT, Trie};
use crate::subject::split_token;

/// A token of a pattern that matches, in the order of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Choice {
    /// It is that of the subject.
    Same,
    /// It is `*`.
    Star,
}

/// How far a walk has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk {
    /// What comes before this is visited, what begins with it comes next. Empty before the first part.
    path: SmallVec<[Choice; 24]>,
    /// Nodes that were come by.
    pub(crate) steps: usize,
}

impl Walk {
    pub(crate) fn has_begun(&self) -> bool {
        !self.path.is_empty()
    }
}

/// How a part of a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Walked {
    /// Nothing is left to visit.
    ToTheEnd,
    /// There is more to visit than it was to do.
    InPart,
    /// The caller was shown a leaf and wants no more.
    AsFarAsWanted,
}

/// What is left of the subject where a label leads.
#[derive(Clone, Copy)]
enum Left<'s> {
    /// This is left to match; None if nothing is.
    Tokens(Option<&'s [u8]>),
    /// The label ends in `>`, which matches what is left.
    Everything,
}

/// A node that is reached. How long the trail is there, its label not counted.
struct Reached<'s> {
    node: NodeId,
    left: Left<'s>,
    depth: usize,
}

impl<D> Trie<D> {
    /// Visits leaves whose pattern matches `subject`, which has no empty token, from where the walk is on: at least one
    /// node, and then until nodes and what the visits say they were worth come to `at_most`. No recursion: how deep
    /// the trie is, clients decide.
    pub(in super::super) fn visit<'a>(
        &'a self,
        subject: &[u8],
        walk: &mut Walk,
        at_most: usize,
        mut visit: impl FnMut(&'a Leaf<D>) -> ControlFlow<(), usize>,
    ) -> Walked {
        // Where the walk split in two; and the nodes that led to where it is.
        let mut branches = SmallVec::new();
        let mut trail = SmallVec::new();
        let mut next = if walk.has_begun() {
            self.return_to(subject, walk, &mut branches, &mut trail)
        } else {
            Some(Reached {
                node: ROOT,
                left: Left::Tokens(Some(subject)),
                depth: 0,
            })
        };
        let mut done = 0;
        while let Some(reached) = next.or_else(|| branches.pop()) {
            if done >= at_most && done > 0 {
                walk.path.clear();
                trail.truncate(reached.depth);
                trail.push(reached.node);
                for node in &trail {
                    self.nodes[*node].label.append_choices(&mut walk.path);
                }
                return Walked::InPart;
            }
            next = None;
            let node = &self.nodes[reached.node];
            let left = match reached.left {
                Left::Tokens(Some(left)) => left,
                Left::Tokens(None) | Left::Everything => {
                    if let Some(leaf) = &node.leaf {
                        match visit(leaf) {
                            ControlFlow::Continue(worth) => done += worth,
                            ControlFlow::Break(()) => return Walked::AsFarAsWanted,
                        }
                    }
                    continue;
                }
            };
            if node.rest != NONE
                && let Some(leaf) = &self.nodes[node.rest].leaf
            {
                match visit(leaf) {
                    ControlFlow::Continue(worth) => done += worth,
                    ControlFlow::Break(()) => return Walked::AsFarAsWanted,
                }
            }
            if node.ordinary == 0 && node.star == NONE {
                continue;
            }
            let (token, tail) = split_token(left);
            let star = (node.star != NONE).then_some(node.star);
            let same = if node.ordinary > 0 {
                self.ordinary_child(reached.node, token)
            } else {
                None
            };
            trail.truncate(reached.depth);
            if reached.node != ROOT {
                trail.push(reached.node);
            }
            for child in [star, same].into_iter().flatten() {
                walk.steps += 1;
                done += 1;
                if let Some(left) = self.nodes[child].label.follow(tail) {
                    let child = Reached {
                        node: child,
                        left,
                        depth: trail.len(),
                    };
                    if let Some(star) = next.replace(child) {
                        branches.push(star);
                    }
                }
            }
        }
        Walked::ToTheEnd
    }

    /// Goes down to where the walk stopped, or to what comes next if that is not there any more.
    #[cold]
    fn return_to<'s>(
        &self,
        subject: &'s [u8],
        walk: &Walk,
        branches: &mut SmallVec<[Reached<'s>; 8]>,
        trail: &mut SmallVec<[NodeId; 16]>,
    ) -> Option<Reached<'s>> {
        let mut path = &*walk.path;
        let mut at = Reached {
            node: ROOT,
            left: Left::Tokens(Some(subject)),
            depth: 0,
        };
        while let Some((choice, behind)) = path.split_first() {
            // What `>` matches here came before.
            let Left::Tokens(Some(left)) = at.left else {
                return None;
            };
            let node: &Node<D> = &self.nodes[at.node];
            if at.node != ROOT {
                trail.push(at.node);
            }
            let (token, tail) = split_token(left);
            let star = (node.star != NONE).then_some(node.star);
            let child = match choice {
                Choice::Star => star?,
                Choice::Same => {
                    if let Some(star) = star
                        && let Some(left) = self.nodes[star].label.follow(tail)
                    {
                        branches.push(Reached {
                            node: star,
                            left,
                            depth: trail.len(),
                        });
                    }
                    self.ordinary_child(at.node, token)?
                }
            };
            let left;
            (left, path) = self.nodes[child].label.follow_from(tail, behind)?;
            at = Reached {
                node: child,
                left,
                depth: trail.len(),
            };
        }
        Some(at)
    }
}

impl Label {
    /// Follows what comes behind the first token: `left` is what comes behind the first of the subject. None if it leads
    /// nowhere.
    #[inline]
    fn follow<'s>(&self, left: Option<&'s [u8]>) -> Option<Left<'s>> {
        match self.behind_first() {
            None => Some(Left::Tokens(left)),
            Some(label) => follow(label, left),
        }
    }

    /// Like [`Label::follow`], to nothing that comes before `path`, of which the first token is left out too. What is left
    /// of the path then; nothing if all that is below the label comes after it.
    fn follow_from<'s, 'p>(
        &self,
        mut left: Option<&'s [u8]>,
        mut path: &'p [Choice],
    ) -> Option<(Left<'s>, &'p [Choice])> {
        let mut wanted = self.behind_first();
        while let Some(label) = wanted {
            let (want, behind) = split_token(label);
            let (given, tail) = split_token(left?);
            if want == b">" && behind.is_none() {
                // It comes before each other way to go on.
                return path.is_empty().then_some((Left::Everything, path));
            }
            let choice = match want {
                b"*" => Choice::Star,
                _ if want == given => Choice::Same,
                _ => return None,
            };
            if let Some((wanted, behind)) = path.split_first() {
                path = match choice.cmp(wanted) {
                    std::cmp::Ordering::Less => return None,
                    std::cmp::Ordering::Equal => behind,
                    std::cmp::Ordering::Greater => &[],
                };
            }
            (wanted, left) = (behind, tail);
        }
        Some((Left::Tokens(left), path))
    }

    /// How its tokens match.
    fn append_choices(&self, path: &mut SmallVec<[Choice; 24]>) {
        let mut left = Some(self.as_slice());
        while let Some(label) = left {
            let (token, behind) = split_token(label);
            match token {
                b"*" => path.push(Choice::Star),
                b">" if behind.is_none() => {}
                _ => path.push(Choice::Same),
            }
            left = behind;
        }
    }
}

fn follow<'s>(label: &[u8], mut left: Option<&'s [u8]>) -> Option<Left<'s>> {
    let mut wanted = Some(label);
    while let Some(label) = wanted {
        let subject = left?;
        let (want, behind) = split_token(label);
        if want == b">" && behind.is_none() {
            return Some(Left::Everything);
        }
        let (given, tail) = split_token(subject);
        if want != b"*" && want != given {
            return None;
        }
        (wanted, left) = (behind, tail);
    }
    Some(Left::Tokens(left))
}

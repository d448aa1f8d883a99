//! Whose patterns match a subject: found by the tokens of the subject, however many patterns there are that do not.

use bytes::Bytes;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use vagus_routing::subject::{has_wildcards, matches, token_count, tokens};

type Numbers = BTreeSet<u64>;

/// Patterns with wildcards and more tokens than this are compared one by one: there is no end to how long one may be, but
/// hardly any is.
const DEPTH: usize = 64;

/// Patterns, and the numbers of those who have them.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// Patterns without wildcards.
    subjects: HashMap<Bytes, Numbers, RandomState>,
    wild: Node,
    long: BTreeMap<Bytes, Numbers>,
    /// How many patterns there are, each for each who has it.
    count: usize,
}

/// The beginning of patterns with wildcards.
#[derive(Debug, Default)]
struct Node {
    tokens: HashMap<Bytes, Node, RandomState>,
    any: Option<Box<Node>>,
    /// Who has the pattern that ends here.
    ends: Numbers,
    /// Who has the pattern that goes on with `>`.
    rest: Numbers,
}

impl Node {
    fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.any.is_none() && self.ends.is_empty() && self.rest.is_empty()
    }
}

impl Patterns {
    /// Somebody has a pattern.
    pub(super) fn insert(&mut self, pattern: &[u8], number: u64) {
        self.count += usize::from(self.numbers_of(pattern).insert(number));
    }

    fn numbers_of(&mut self, pattern: &[u8]) -> &mut Numbers {
        if !has_wildcards(pattern) {
            return match self.subjects.contains_key(pattern) {
                true => self.subjects.get_mut(pattern).unwrap_or(&mut self.wild.ends),
                false => self.subjects.entry(Bytes::copy_from_slice(pattern)).or_default(),
            };
        }
        if token_count(pattern) > DEPTH {
            return self.long.entry(Bytes::copy_from_slice(pattern)).or_default();
        }
        let mut node = &mut self.wild;
        for token in tokens(pattern) {
            node = match token {
                b">" => return &mut node.rest,
                b"*" => node.any.get_or_insert_default(),
                token => node.tokens.entry(Bytes::copy_from_slice(token)).or_default(),
            };
        }
        &mut node.ends
    }

    /// Somebody no longer has a pattern.
    pub(super) fn remove(&mut self, pattern: &[u8], number: u64) {
        if has_wildcards(pattern) {
            if let Some(numbers) = self.long.get_mut(pattern) {
                self.count -= usize::from(numbers.remove(&number));
                if numbers.is_empty() {
                    self.long.remove(pattern);
                }
                return;
            }
            let mut tokens = tokens(pattern);
            self.count -= usize::from(remove(&mut self.wild, &mut tokens, number));
        } else if let Some(numbers) = self.subjects.get_mut(pattern) {
            self.count -= usize::from(numbers.remove(&number));
            if numbers.is_empty() {
                self.subjects.remove(pattern);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Those who have a pattern that matches, by pattern.
    fn matching(&self, subject: &[u8]) -> Vec<&Numbers> {
        let mut found: Vec<&Numbers> = self.subjects.get(subject).into_iter().collect();
        let long = self.long.iter().filter(|(pattern, _)| matches(pattern, subject));
        found.extend(long.map(|(_, numbers)| numbers));
        if self.wild.is_empty() {
            return found;
        }
        let mut nodes = vec![&self.wild];
        for token in tokens(subject) {
            let mut next = Vec::with_capacity(nodes.len());
            for node in nodes {
                if !node.rest.is_empty() {
                    found.push(&node.rest);
                }
                next.extend(node.tokens.get(token));
                next.extend(node.any.as_deref());
            }
            if next.is_empty() {
                return found;
            }
            nodes = next;
        }
        found.extend(
            nodes
                .into_iter()
                .map(|node| &node.ends)
                .filter(|ends| !ends.is_empty()),
        );
        found
    }

    /// Visits those who have a subject as their pattern.
    pub(super) fn for_each_of(&self, subject: &[u8], mut visit: impl FnMut(u64)) {
        let numbers = self.subjects.get(subject).into_iter().flatten();
        numbers.for_each(|number| visit(*number));
    }

    /// Visits those who have a pattern that matches; who has several, as often.
    pub(super) fn for_each(&self, subject: &[u8], mut visit: impl FnMut(u64)) {
        if self.is_empty() {
            return;
        }
        let numbers = self.matching(subject).into_iter().flatten();
        numbers.for_each(|number| visit(*number));
    }

    /// A consumer with a pattern that matches, of which `is_true` holds: with a higher number than `behind`, if there is one.
    pub(super) fn find(&self, subject: &[u8], behind: u64, is_true: impl Fn(u64) -> bool) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let found = self.matching(subject);
        let after = |numbers: &&'_ Numbers| {
            let after = (Bound::Excluded(behind), Bound::Unbounded);
            numbers.range(after).copied().find(|number| is_true(*number))
        };
        let up_to = |numbers: &&'_ Numbers| numbers.range(..=behind).copied().find(|number| is_true(*number));
        found
            .iter()
            .find_map(after)
            .or_else(|| found.iter().find_map(up_to))
    }
}

/// Removes a number where the tokens of a pattern lead, and what then leads nowhere.
fn remove<'a>(node: &mut Node, rest: &mut impl Iterator<Item = &'a [u8]>, number: u64) -> bool {
    match rest.next() {
        None => node.ends.remove(&number),
        Some(b">") => node.rest.remove(&number),
        Some(b"*") => {
            let Some(next) = node.any.as_deref_mut() else {
                return false;
            };
            let is_removed = remove(next, rest, number);
            if next.is_empty() {
                node.any = None;
            }
            is_removed
        }
        Some(token) => {
            let Some(next) = node.tokens.get_mut(token) else {
                return false;
            };
            let is_removed = remove(next, rest, number);
            if next.is_empty() {
                node.tokens.remove(token);
            }
            is_removed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Patterns;
    use fastrand::Rng;
    use vagus_routing::subject::matches;

    fn matching(patterns: &Patterns, subject: &str) -> Vec<u64> {
        let mut found = Vec::new();
        patterns.for_each(subject.as_bytes(), |number| found.push(number));
        found.sort_unstable();
        found
    }

    #[test]
    fn finds_what_matching_each_would() {
        let long = format!("a.{}>", "x.".repeat(100));
        let all = [
            &*long, "a", "a.b", "a.*", "*.b", ">", "a.>", "*.*.c", "*", "a.b.c", "b.*.c",
        ];
        let deep = format!("a.{}y", "x.".repeat(100));
        let subjects = [
            &*deep, "a", "b", "a.b", "a.c", "a.b.c", "b.x.c", "b.x.d", "a.b.c.d",
        ];
        let mut random = Rng::with_seed(1);
        let mut patterns = Patterns::default();
        let mut plain: Vec<(&str, u64)> = Vec::new();
        for _ in 0..2000 {
            let (pattern, number) = (all[random.usize(..all.len())], random.u64(..4));
            let at = plain.iter().position(|one| *one == (pattern, number));
            match (random.bool(), at) {
                (true, None) => {
                    patterns.insert(pattern.as_bytes(), number);
                    plain.push((pattern, number));
                }
                (false, at) => {
                    patterns.remove(pattern.as_bytes(), number);
                    at.map(|at| plain.swap_remove(at));
                }
                (true, Some(_)) => patterns.insert(pattern.as_bytes(), number),
            }
            for subject in subjects {
                let is_match = |(pattern, _): &&(&str, u64)| matches(pattern.as_bytes(), subject.as_bytes());
                let mut expected: Vec<u64> =
                    plain.iter().filter(is_match).map(|(_, number)| *number).collect();
                expected.sort_unstable();
                assert_eq!(matching(&patterns, subject), expected, "{subject} {plain:?}");
                let behind = random.u64(..4);
                let first = patterns.find(subject.as_bytes(), behind, |number| number != 2);
                assert_eq!(first.is_some(), expected.iter().any(|number| *number != 2));
            }
            assert_eq!(patterns.is_empty(), plain.is_empty());
        }
        for (pattern, number) in plain {
            patterns.remove(pattern.as_bytes(), number);
        }
        assert!(patterns.is_empty() && patterns.wild.is_empty() && patterns.subjects.is_empty());
    }
}

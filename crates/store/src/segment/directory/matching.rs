//! Which subjects of a directory a filter matches. Where they are in order what a filter does not match is skipped at once, up to
//! what it could match next: so it costs what it matches, and the tokens at its wildcards.

use std::ops::Range;

use vagus_routing::subject;

use super::Directory;
use super::names::{Names, Sorted};

/// A search for the subjects that a filter matches, on its way through them. It may be kept for as long as one likes, as long as
/// no subject is added.
#[derive(Clone, Debug)]
pub(crate) struct Matching {
    /// What is still to be looked at.
    left: Range<u32>,
}

impl Directory {
    /// The search for the subjects that a filter matches.
    pub(crate) fn search(&self, filter: &[u8]) -> Matching {
        let left = match subject::has_wildcards(filter) {
            true => 0..self.names.len() as u32,
            false => self.number(filter).map_or(0..0, |number| number..number + 1),
        };
        Matching { left }
    }

    /// The numbers of the subjects that a filter matches.
    pub(crate) fn matching(&self, filter: &[u8]) -> Vec<u32> {
        let mut matching = Vec::new();
        self.search(filter)
            .advance(self, filter, usize::MAX, |number| matching.push(number));
        matching
    }
}

impl Matching {
    /// For subjects that have been added since, and are in no order.
    pub(crate) fn of(added: Range<u32>) -> Self {
        Self { left: added }
    }

    /// Goes on through so many steps at most, and tells of subjects that match. How many steps are left; some are if it has come to
    /// its end.
    pub(crate) fn advance(
        &mut self,
        directory: &Directory,
        filter: &[u8],
        steps: usize,
        mut found: impl FnMut(u32),
    ) -> usize {
        match &directory.names {
            Names::Sorted(sorted) => self.advance_in(sorted, filter, steps, found),
            Names::Growing(growing) => {
                let end = self.left.end.min(self.left.start.saturating_add(steps as u32));
                let looked_at = self.left.start..end;
                self.left.start = looked_at.end;
                let left = steps - looked_at.len();
                looked_at
                    .filter(|number| subject::matches(filter, growing.name(*number)))
                    .for_each(&mut found);
                left
            }
        }
    }

    fn advance_in(
        &mut self,
        sorted: &Sorted,
        filter: &[u8],
        steps: usize,
        mut found: impl FnMut(u32),
    ) -> usize {
        let mut left = steps;
        if left == 0 || self.left.is_empty() {
            return left;
        }
        let mut walk = sorted.walk(self.left.start);
        let mut target = Vec::new();
        while left > 0 && walk.number() < self.left.end {
            left -= 1;
            match fit(filter, walk.name()) {
                Fit::Matches => {
                    found(walk.number());
                    walk.advance();
                }
                Fit::Not => walk.advance(),
                Fit::NoneWith(length) => {
                    target.clear();
                    target.extend_from_slice(&walk.name()[..length]);
                    walk.seek(self.left.end, |name| name.starts_with(&target));
                }
                Fit::NoneBefore(length, token, end) => {
                    target.clear();
                    target.extend_from_slice(&walk.name()[..length]);
                    target.extend_from_slice(token);
                    target.extend_from_slice(end);
                    walk.seek(self.left.end, |name| name < &target[..]);
                }
            }
        }
        self.left.start = walk.number().min(self.left.end);
        left
    }

    pub(crate) fn is_over(&self) -> bool {
        self.left.is_empty()
    }
}

/// Whether a filter matches a subject, and if not, which of those behind it could be the next, in order of their bytes.
#[derive(Debug, PartialEq, Eq)]
enum Fit<'a> {
    Matches,
    /// The one behind it.
    Not,
    /// None that begins with so many bytes of it.
    NoneWith(usize),
    /// None before the one that has so many bytes of it, this token behind them, and this.
    NoneBefore(usize, &'a [u8], &'static [u8]),
}

fn fit<'a>(filter: &'a [u8], name: &[u8]) -> Fit<'a> {
    let mut start = 0;
    let mut wanted = filter.split(|byte| *byte == b'.');
    loop {
        let end = name[start..].iter().position(|byte| *byte == b'.');
        let end = end.map(|length| start + length);
        let token = &name[start..end.unwrap_or(name.len())];
        match wanted.next() {
            Some(b">") => return Fit::Matches,
            Some(b"*") => {}
            Some(wanted) if wanted == token => {}
            Some(wanted) => return instead_of(&name[start..], start, wanted),
            // It has more tokens, and so have all that begin with those before.
            None => return Fit::NoneWith(start),
        }
        match end {
            Some(end) => start = end + 1,
            None => break,
        }
    }
    match wanted.next() {
        None => Fit::Matches,
        Some(_) => Fit::Not,
    }
}

/// What comes next, of those with the tokens before `start`, that has a token where a subject goes on otherwise: as `rest`. Behind
/// the token there is nothing, or a dot, which bytes are less than that tokens may have.
fn instead_of<'a>(rest: &[u8], start: usize, wanted: &'a [u8]) -> Fit<'a> {
    if rest < wanted {
        return Fit::NoneBefore(start, wanted, b"");
    }
    match rest.strip_prefix(wanted) {
        Some(behind) if behind < &b"."[..] => Fit::NoneBefore(start, wanted, b"."),
        _ => Fit::NoneWith(start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_matching_each_would() {
        let mut random = fastrand::Rng::with_seed(1);
        let tokens = ["a", "b", "a-", "a!", "ab", "1", "c"];
        for _ in 0..300 {
            let mut directory = Directory::growing();
            let mut all = Vec::new();
            for sequence in 0..random.u32(1..200) {
                let name: Vec<&str> = (0..random.usize(1..5))
                    .map(|_| tokens[random.usize(..tokens.len())])
                    .collect();
                let name = name.join(".");
                directory.add(sequence, name.as_bytes());
                directory.place(10);
                all.push(name);
            }
            all.sort();
            all.dedup();
            let filter: Vec<&str> = (0..random.usize(1..5))
                .map(|_| match random.bool() {
                    true => "*",
                    false => tokens[random.usize(..tokens.len())],
                })
                .collect();
            let mut filter = filter.join(".");
            if random.bool() {
                filter += ".>";
            }
            let expected: Vec<&String> = all
                .iter()
                .filter(|name| subject::matches(filter.as_bytes(), name.as_bytes()))
                .collect();
            for directory in [directory.clone(), directory.into_sealed()] {
                let mut found: Vec<String> = Vec::new();
                let mut search = directory.search(filter.as_bytes());
                while !search.is_over() {
                    search.advance(&directory, filter.as_bytes(), 3, |number| {
                        found.push(String::from_utf8(directory.names.name(number).into_owned()).unwrap());
                    });
                }
                found.sort();
                assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter} of {all:?}");
            }
        }
    }

    #[test]
    fn what_does_not_match_is_skipped_at_once() {
        let mut directory = Directory::growing();
        for sequence in 0..10_000_u32 {
            let name = format!("ev.{}.{}.{}", sequence % 10, sequence / 10 % 10, sequence / 100);
            directory.add(sequence, name.as_bytes());
            directory.place(10);
        }
        let directory = directory.into_sealed();
        for (filter, matching, at_most) in [
            ("ev.*.4.*", 1000, 1200),
            ("ev.*.*.7", 100, 10_000),
            ("ev.*.4", 0, 200),
            ("ev.3.>", 1000, 1003),
            ("*.*.4.7", 10, 1200),
            ("od.*.4.7", 0, 1),
        ] {
            let mut found = 0;
            let mut search = directory.search(filter.as_bytes());
            let left = search.advance(&directory, filter.as_bytes(), at_most, |_| found += 1);
            assert!(
                search.is_over() && left < at_most || matching == 0,
                "{filter}: {left}"
            );
            assert_eq!(found, matching, "{filter}");
        }
    }
}

//! Which subjects of a directory a filter matches. Where they are in order those that begin alike follow each other: what a filter
//! does not match is skipped at once, so that it costs what it matches, and the tokens at its wildcards.

use std::ops::Range;

use vagus_routing::subject;

use super::Directory;

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
        Matching {
            left: self.candidates(filter),
        }
    }

    /// The numbers of subjects that a filter may match, and outside of which it matches none.
    fn candidates(&self, filter: &[u8]) -> Range<u32> {
        if !subject::has_wildcards(filter) {
            return self.number(filter).map_or(0..0, |number| number..number + 1);
        }
        if self.numbers.is_some() {
            return 0..self.name_ends.len() as u32;
        }
        // What comes before the first wildcard is what all of them begin with, and they are in order.
        let wildcard = filter.iter().position(|byte| matches!(byte, b'*' | b'>'));
        let prefix = &filter[..wildcard.unwrap_or(filter.len())];
        let end = self.first_for_which(|name| name > prefix && !name.starts_with(prefix));
        self.lower_bound(prefix)..end
    }

    /// The numbers of the subjects that a filter matches.
    pub(crate) fn matching(&self, filter: &[u8]) -> Vec<u32> {
        let mut matching = Vec::new();
        self.search(filter)
            .advance(self, filter, usize::MAX, |number| matching.push(number));
        matching
    }

    /// The first subject from one up to another that does not begin as is said; that is found by steps that grow, as it is often
    /// near.
    fn behind_those_with(&self, prefix: &[u8], range: Range<u32>) -> u32 {
        let (mut low, mut step) = (range.start, 1);
        while low + step < range.end && self.name(low + step).starts_with(prefix) {
            low += step;
            step *= 2;
        }
        let (mut low, mut high) = (low + 1, (low + step).min(range.end));
        while low < high {
            let middle = low + (high - low) / 2;
            match self.name(middle).starts_with(prefix) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
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
        let is_sorted = directory.numbers.is_none();
        let mut left = steps;
        while left > 0 && !self.left.is_empty() {
            left -= 1;
            let number = self.left.start;
            let name = directory.name(number);
            self.left.start += 1;
            match fit(filter, name) {
                Fit::Matches => found(number),
                Fit::NoneWith(length) if is_sorted => {
                    self.left.start = directory.behind_those_with(&name[..length], number..self.left.end);
                }
                Fit::NoneWith(_) | Fit::Not => {}
            }
        }
        left
    }

    pub(crate) fn is_over(&self) -> bool {
        self.left.is_empty()
    }
}

/// Whether a filter matches a subject.
enum Fit {
    Matches,
    /// It does not; others that begin like it may.
    Not,
    /// No subject does that begins with so many bytes of it.
    NoneWith(usize),
}

fn fit(filter: &[u8], name: &[u8]) -> Fit {
    let mut start = 0;
    let mut wanted = filter.split(|byte| *byte == b'.');
    loop {
        let end = name[start..].iter().position(|byte| *byte == b'.');
        let end = end.map(|length| start + length);
        let token = &name[start..end.unwrap_or(name.len())];
        match (wanted.next(), end) {
            (Some(b">"), _) => return Fit::Matches,
            (Some(b"*"), _) => {}
            (Some(wanted), _) if wanted == token => {}
            // All behind this token, dot and all, have it.
            (Some(_), Some(end)) => return Fit::NoneWith(end + 1),
            (Some(_), None) => return Fit::Not,
            // It has more tokens, and so have all that begin with those before.
            (None, _) => return Fit::NoneWith(start),
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
                        found.push(String::from_utf8(directory.name(number).to_vec()).unwrap());
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
            ("ev.3.>", 1000, 1001),
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

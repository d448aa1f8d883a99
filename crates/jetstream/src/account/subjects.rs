//! Whose subjects match what a pattern matches, too: found by the tokens of the pattern, however many there are that do not.

use crate::config::check_work;
use crate::error::ApiError;
use std::collections::BTreeMap;
use std::ops::Bound;
use vagus_routing::subject::split_token;

/// What the streams of an account take in.
///
/// They are in their order, in which those that begin with the same tokens stand together: these are a node of a tree that
/// has no memory of its own, and no depth.
#[derive(Debug, Default)]
pub(super) struct Subjects(BTreeMap<Box<[u8]>, Vec<Box<str>>>);

/// What is to be looked at: subjects that begin so, and go on as this pattern does.
struct Place<'p> {
    beginning: Vec<u8>,
    rest: &'p [u8],
}

impl Subjects {
    /// A stream takes these in.
    pub(super) fn insert(&mut self, stream: &str, subjects: &[String]) {
        for subject in subjects {
            match self.0.get_mut(subject.as_bytes()) {
                Some(streams) => streams.push(stream.into()),
                None => drop(self.0.insert(subject.as_bytes().into(), vec![stream.into()])),
            }
        }
    }

    /// A stream takes these in no longer.
    pub(super) fn remove(&mut self, stream: &str, subjects: &[String]) {
        for subject in subjects {
            let Some(streams) = self.0.get_mut(subject.as_bytes()) else {
                continue;
            };
            if let Some(at) = streams.iter().position(|taking| **taking == *stream) {
                streams.swap_remove(at);
            }
            if streams.is_empty() {
                self.0.remove(subject.as_bytes());
            }
        }
    }

    /// Whether some stream but this one takes in what one of these matches.
    ///
    /// # Errors
    /// If that cannot be found out with little work.
    pub(super) fn meet(&self, stream: &str, patterns: &[String]) -> Result<bool, ApiError> {
        let mut steps = 0;
        for pattern in patterns {
            let mut meets = false;
            self.visit(pattern.as_bytes(), &mut steps, &mut |streams| {
                meets = streams.iter().any(|taking| **taking != *stream);
                !meets
            });
            if meets {
                return Ok(true);
            }
            check_work(steps, 1)?;
        }
        Ok(false)
    }

    /// The streams that take in what it matches; those that take in several subjects of it several times.
    pub(super) fn streams<'a>(&'a self, pattern: &[u8]) -> Vec<&'a str> {
        let mut found = Vec::new();
        self.visit(pattern, &mut 0, &mut |streams| {
            found.extend(streams.iter().map(|stream| &**stream));
            true
        });
        found
    }

    /// Shows the streams of each subject that matches what the pattern matches, for as long as they are wanted. Counts what it
    /// has looked at.
    fn visit<'a>(
        &'a self,
        pattern: &[u8],
        steps: &mut usize,
        is_more_wanted: &mut impl FnMut(&'a [Box<str>]) -> bool,
    ) {
        let mut places = vec![Place {
            beginning: Vec::new(),
            rest: pattern,
        }];
        while let Some(Place { beginning, rest }) = places.pop() {
            let (token, rest) = split_token(rest);
            let goes_on = match (token, rest) {
                (b">", _) => self.all(&beginning, steps, is_more_wanted),
                (b"*", rest) => self.each(&beginning, rest, steps, &mut places, is_more_wanted),
                (token, rest) => self.one(&beginning, (token, rest), steps, &mut places, is_more_wanted),
            };
            if !goes_on {
                return;
            }
        }
    }

    /// All that begin so.
    fn all<'a>(
        &'a self,
        beginning: &[u8],
        steps: &mut usize,
        is_more_wanted: &mut impl FnMut(&'a [Box<str>]) -> bool,
    ) -> bool {
        self.from(beginning)
            .take_while(|(subject, _)| subject.starts_with(beginning))
            .all(|(_, streams)| {
                *steps += 1;
                is_more_wanted(streams)
            })
    }

    /// Those that begin so and go on with any token.
    fn each<'a, 'p>(
        &'a self,
        beginning: &[u8],
        rest: Option<&'p [u8]>,
        steps: &mut usize,
        places: &mut Vec<Place<'p>>,
        is_more_wanted: &mut impl FnMut(&'a [Box<str>]) -> bool,
    ) -> bool {
        let mut bound = Bound::Included(beginning.to_vec());
        loop {
            *steps += 1;
            let from = bound.as_ref().map(Vec::as_slice);
            let next = self.0.range::<[u8], _>((from, Bound::Unbounded)).next();
            let Some((subject, streams)) = next.filter(|(subject, _)| subject.starts_with(beginning)) else {
                return true;
            };
            let (token, goes_on) = split_token(subject.get(beginning.len()..).unwrap_or_default());
            if goes_on.is_none() {
                let is_match = token == b">" || rest.is_none();
                if is_match && !is_more_wanted(streams) {
                    return false;
                }
                bound = Bound::Excluded(subject.to_vec());
                continue;
            }
            let beginning = [beginning, token, b"."].concat();
            // All that begin so stand before what has the next sign in place of the separator.
            bound = Bound::Included([&beginning[..beginning.len() - 1], &[b'.' + 1]].concat());
            if let Some(rest) = rest {
                places.push(Place { beginning, rest });
            }
        }
    }

    /// Those that begin so and go on with this token, or one that matches it.
    fn one<'a, 'p>(
        &'a self,
        beginning: &[u8],
        (token, rest): (&[u8], Option<&'p [u8]>),
        steps: &mut usize,
        places: &mut Vec<Place<'p>>,
        is_more_wanted: &mut impl FnMut(&'a [Box<str>]) -> bool,
    ) -> bool {
        *steps += 1;
        let to_the_end = [beginning, b">"].concat();
        if self
            .0
            .get(&*to_the_end)
            .is_some_and(|streams| !is_more_wanted(streams))
        {
            return false;
        }
        for token in [token, b"*"] {
            let mut beginning = [beginning, token].concat();
            match rest {
                None => {
                    if self
                        .0
                        .get(&*beginning)
                        .is_some_and(|streams| !is_more_wanted(streams))
                    {
                        return false;
                    }
                }
                Some(rest) => {
                    beginning.push(b'.');
                    let next = self.from(&beginning).next();
                    if next.is_some_and(|(subject, _)| subject.starts_with(&beginning)) {
                        places.push(Place { beginning, rest });
                    }
                }
            }
        }
        true
    }

    fn from<'a>(&'a self, beginning: &[u8]) -> impl Iterator<Item = (&'a Box<[u8]>, &'a Vec<Box<str>>)> {
        self.0
            .range::<[u8], _>((Bound::Included(beginning), Bound::Unbounded))
    }
}

#[cfg(test)]
mod tests {
    use super::Subjects;
    use crate::config::collide;
    use fastrand::Rng;

    fn pattern(random: &mut Rng) -> String {
        let tokens = ["a", "a-b", "a/b", "b", "*", "c"];
        let mut parts: Vec<&str> = Vec::new();
        for _ in 0..random.usize(1..5) {
            parts.push(tokens[random.usize(..tokens.len())]);
        }
        if random.u8(..4) == 0 {
            parts.push(">");
        }
        parts.join(".")
    }

    #[test]
    fn finds_what_comparing_each_would() {
        let mut random = Rng::with_seed(7);
        for _ in 0..300 {
            let mut subjects = Subjects::default();
            let mut plain: Vec<(String, Vec<String>)> = Vec::new();
            for number in 0..random.usize(..12) {
                let (name, taken) = (
                    format!("S{number}"),
                    vec![pattern(&mut random), pattern(&mut random)],
                );
                subjects.insert(&name, &taken);
                plain.push((name, taken));
            }
            if !plain.is_empty() && random.bool() {
                let (name, taken) = plain.swap_remove(random.usize(..plain.len()));
                subjects.remove(&name, &taken);
            }
            for _ in 0..20 {
                let mut asked = pattern(&mut random);
                if random.u8(..8) == 0 {
                    // What is asked for need not be a subject.
                    asked.insert_str(random.usize(..=asked.len()), [".", "..", ">."][random.usize(..3)]);
                }
                let meets = |taken: &[String]| taken.iter().any(|subject| collide(&asked, subject));
                let mut expected: Vec<&str> = plain
                    .iter()
                    .filter(|(_, taken)| meets(taken))
                    .map(|(name, _)| &**name)
                    .collect();
                let mut found = subjects.streams(asked.as_bytes());
                expected.sort_unstable();
                found.sort_unstable();
                found.dedup();
                assert_eq!(found, expected, "{asked} {plain:?}");
                let expected = expected.iter().any(|name| *name != "S0");
                assert_eq!(subjects.meet("S0", &[asked]).unwrap(), expected);
            }
            for (name, taken) in plain {
                subjects.remove(&name, &taken);
            }
            assert!(subjects.0.is_empty());
        }
    }

    /// What does not meet is not looked at.
    #[test]
    fn the_work_is_that_of_what_may_meet() {
        let mut subjects = Subjects::default();
        for number in 0..10_000 {
            subjects.insert(&format!("S{number}"), &[format!("s.{number}.>")]);
        }
        subjects.insert("ALL", &["all.*.x".to_owned()]);
        for (pattern, at_most) in [
            ("s.5.x", 3),
            ("t.>", 1),
            ("all.1.x", 4),
            ("s.77.*.y", 5),
            ("*.1.z", 30_010),
        ] {
            let mut steps = 0;
            subjects.visit(pattern.as_bytes(), &mut steps, &mut |_| true);
            assert!(steps <= at_most, "{pattern}: {steps}");
        }
    }
}

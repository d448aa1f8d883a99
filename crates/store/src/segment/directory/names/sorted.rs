//! Subjects in order, of which each says only how it differs from the one before, but for the first of each group: by these what
//! is looked for is found, without the others being made whole.

use std::borrow::Cow;

use bytes::Bytes;

use super::super::column::Column;
use crate::fields::{Fields, PutFields};

/// How many subjects are a group: so many are made whole at most, for one.
const GROUP: usize = 16;

/// Subjects in order.
#[derive(Clone, Debug)]
pub(in crate::segment::directory) struct Sorted {
    count: usize,
    /// Where each group begins.
    groups: Column,
    bytes: Bytes,
}

/// A way through subjects, from one to the next or to a later one.
#[derive(Debug)]
pub(in crate::segment::directory) struct Walk<'a> {
    sorted: &'a Sorted,
    number: usize,
    name: Vec<u8>,
    /// What comes behind it.
    rest: Fields<'a>,
}

impl Sorted {
    /// Of subjects that come in order.
    pub(in crate::segment::directory) fn new<'a>(names: impl Iterator<Item = &'a [u8]>) -> Self {
        let (mut bytes, mut groups, mut count) = (Vec::new(), Vec::new(), 0);
        let mut before: &[u8] = b"";
        for name in names {
            let is_first = count % GROUP == 0;
            if is_first {
                groups.push(bytes.len() as u32);
                bytes.put_sized(name);
            } else {
                let alike = before.iter().zip(name).take_while(|(one, other)| one == other);
                let shared = alike.count();
                bytes.put_count(shared);
                bytes.put_sized(&name[shared..]);
            }
            before = name;
            count += 1;
        }
        Self {
            count,
            groups: Column::packed(groups.into_iter()),
            bytes: bytes.into(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn memory(&self) -> usize {
        self.groups.memory() + self.bytes.len()
    }

    /// The way through them from one on.
    pub(in crate::segment::directory) fn walk(&self, number: u32) -> Walk<'_> {
        let number = number as usize;
        let mut walk = self.walk_group(number / GROUP, Vec::new());
        while walk.number < number && !walk.is_at_end() {
            walk.advance();
        }
        walk
    }

    /// `name`: whose room is used.
    fn walk_group(&self, group: usize, name: Vec<u8>) -> Walk<'_> {
        let mut walk = Walk {
            sorted: self,
            number: group * GROUP,
            name,
            rest: self.group(group),
        };
        walk.read();
        walk
    }

    fn group(&self, group: usize) -> Fields<'_> {
        let start = self.groups.get(group).map_or(usize::MAX, |start| start as usize);
        Fields::new(self.bytes.get(start..).unwrap_or_default())
    }

    /// The first of a group.
    fn first_of(&self, group: usize) -> &[u8] {
        self.group(group).sized().unwrap_or_default()
    }

    pub(super) fn name(&self, number: u32) -> Cow<'_, [u8]> {
        match number as usize % GROUP {
            0 => Cow::Borrowed(self.first_of(number as usize / GROUP)),
            _ => Cow::Owned(self.walk(number).name),
        }
    }

    pub(super) fn number(&self, name: &[u8]) -> Option<u32> {
        let mut walk = self.walk(0);
        walk.seek(self.count as u32, |other| other < name);
        (!walk.is_at_end() && walk.name == name).then_some(walk.number())
    }

    pub(in crate::segment::directory) fn put(&self, out: &mut Vec<u8>) {
        out.put_count(self.count);
        self.groups.put(out);
        out.put_sized(&self.bytes);
    }

    /// Takes them off the front of what is read.
    pub(in crate::segment::directory) fn take(fields: &mut Fields<'_>, all: &Bytes) -> Option<Self> {
        let (count, groups) = (fields.count()?, Column::take(fields, all)?);
        let bytes = all.slice_ref(fields.sized()?);
        let is_whole = groups.len() == count.div_ceil(GROUP) && u32::try_from(count).is_ok();
        is_whole.then_some(Self { count, groups, bytes })
    }
}

impl Walk<'_> {
    pub(in crate::segment::directory) fn is_at_end(&self) -> bool {
        self.number >= self.sorted.count
    }

    /// Which subject it has come to.
    pub(in crate::segment::directory) fn number(&self) -> u32 {
        self.number.min(self.sorted.count) as u32
    }

    pub(in crate::segment::directory) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Goes to the next.
    pub(in crate::segment::directory) fn advance(&mut self) {
        self.number += 1;
        self.read();
    }

    /// Makes the subject whole that comes next. What is not there is an empty one.
    fn read(&mut self) {
        let shared = match self.number % GROUP {
            0 => Some(0),
            _ => self.rest.count(),
        };
        self.name.truncate(shared.unwrap_or_default());
        self.name.extend_from_slice(self.rest.sized().unwrap_or_default());
    }

    /// Goes on to the first of which something does not hold that holds of none behind it, or to `end`. It is found by steps that
    /// grow, as it is often near.
    pub(in crate::segment::directory) fn seek(&mut self, end: u32, is_before: impl Fn(&[u8]) -> bool) {
        let end = (end as usize).min(self.sorted.count);
        let groups = end.div_ceil(GROUP);
        let is_group_before = |group: usize| group < groups && is_before(self.sorted.first_of(group));
        let (mut low, mut step) = (self.number / GROUP, 1);
        let here = low;
        while is_group_before(low + step) {
            low += step;
            step *= 2;
        }
        let mut high = (low + step).min(groups);
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            match is_group_before(middle) {
                true => low = middle,
                false => high = middle,
            }
        }
        if low > here {
            *self = self.sorted.walk_group(low, std::mem::take(&mut self.name));
        }
        while self.number < end && is_before(&self.name) {
            self.advance();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: u32) -> Vec<String> {
        let mut names: Vec<String> = (0..count).map(|number| format!("a.{}.b", number * 7)).collect();
        names.sort();
        names
    }

    #[test]
    fn each_is_found_and_nothing_else() {
        for count in [0, 1, 15, 16, 17, 100] {
            let names = names(count);
            let sorted = Sorted::new(names.iter().map(|name| name.as_bytes()));
            for (number, name) in names.iter().enumerate() {
                let number = number as u32;
                assert_eq!(&*sorted.name(number), name.as_bytes());
                assert_eq!(sorted.number(name.as_bytes()), Some(number));
                assert_eq!(sorted.walk(number).name(), name.as_bytes());
            }
            for absent in ["", "a", "a.1.b", "a.35.b.", "b"] {
                assert_eq!(sorted.number(absent.as_bytes()), None, "{absent} of {count}");
            }
        }
    }

    #[test]
    fn a_way_goes_on_to_what_is_sought_from_wherever_it_is() {
        let names = names(200);
        let sorted = Sorted::new(names.iter().map(|name| name.as_bytes()));
        for start in 0..200 {
            for target in start..=200 {
                let mut walk = sorted.walk(start);
                let sought = names.get(target as usize).map_or("b", |name| name);
                walk.seek(200, |name| name < sought.as_bytes());
                assert_eq!(walk.number(), target);
                assert_eq!(walk.is_at_end(), target == 200);
                assert!(walk.is_at_end() || walk.name() == sought.as_bytes());
            }
            let mut walk = sorted.walk(start);
            walk.seek(150, |_| true);
            assert_eq!(walk.number(), start.max(150), "no further than said");
        }
    }

    #[test]
    fn bytes_that_say_nothing_are_subjects_all_the_same() {
        let sorted = Sorted::new(names(40).iter().map(|name| name.as_bytes()));
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..2_000 {
            let mut bytes = sorted.bytes.to_vec();
            for _ in 0..random.usize(1..9) {
                let place = random.usize(..bytes.len());
                bytes[place] = random.u8(..);
            }
            let damaged = Sorted {
                bytes: bytes.into(),
                ..sorted.clone()
            };
            for number in 0..40 {
                damaged.name(number);
            }
            damaged.number(b"a.35.b");
        }
    }
}

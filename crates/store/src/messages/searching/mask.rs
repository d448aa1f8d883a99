//! Which subjects of a segment some filters match. They may be a hundred thousand, so this is found out piece by piece.

use bytes::Bytes;

use super::super::{Part, Stage};
use crate::segment::{Directory, Matching};

/// Where no more than one of so many messages matches, their positions are kept.
const FEW: u64 = 8;

/// So many subjects are held against a filter before others have their turn: about a millisecond.
const PIECE: usize = 16_384;

#[derive(Clone, Debug)]
pub(in crate::messages) struct Mask {
    segment: u64,
    /// Its subjects have other numbers once it is.
    is_sealed: bool,
    subjects: Vec<bool>,
    /// How many messages there were with those that match, when these were found.
    messages: u64,
    /// How many match, and one of them.
    matching: usize,
    some: u32,
    /// The positions of the messages with those, if they are few and no more are added; deleted ones are among them.
    positions: Option<Vec<u32>>,
    /// What is still to be looked for, for which filter.
    pending: Vec<(usize, Matching)>,
}

impl Mask {
    /// That of no subject, before any is asked about.
    pub(super) fn new(part: &Part, filters: &[Bytes]) -> Self {
        let mut mask = Self::empty(part);
        if let Some(directory) = &part.directory {
            mask.subjects = vec![false; directory.subject_count()];
            let searches = filters.iter().map(|filter| directory.search(filter));
            mask.pending = searches.enumerate().collect();
        }
        mask
    }

    /// That of filters that match every message.
    pub(super) fn of_all(part: &Part) -> Self {
        let count = part
            .directory
            .as_ref()
            .map_or(0, |directory| directory.subject_count());
        Self {
            subjects: vec![true; count],
            matching: count,
            messages: u64::from(part.live),
            ..Self::empty(part)
        }
    }

    fn empty(part: &Part) -> Self {
        Self {
            segment: part.number,
            is_sealed: part.stage == Stage::Sealed,
            subjects: Vec::new(),
            messages: 0,
            matching: 0,
            some: 0,
            positions: None,
            pending: Vec::new(),
        }
    }

    /// Whether it is that of a part. One that was found to be damaged has not the subjects that it had.
    pub(in crate::messages) fn is_of(&self, part: &Part) -> bool {
        let count = part.directory.as_ref().map(|directory| directory.subject_count());
        let is_sealed = part.stage == Stage::Sealed;
        let has_its_subjects = count
            .is_none_or(|count| self.subjects.len() == count || !is_sealed && self.subjects.len() < count);
        self.segment == part.number && self.is_sealed == is_sealed && has_its_subjects
    }

    /// Goes on holding subjects against the filters, those included that have come to a segment that grows. Returns whether
    /// that is all.
    pub(super) fn advance(&mut self, part: &Part, filters: &[Bytes]) -> bool {
        let Some(directory) = &part.directory else {
            return true;
        };
        let (known, count) = (self.subjects.len(), directory.subject_count());
        if known < count {
            self.subjects.resize(count, false);
            let added = Matching::of(known as u32..count as u32);
            self.pending
                .extend((0..filters.len()).map(|filter| (filter, added.clone())));
        }
        let mut left = PIECE;
        while let Some((filter, search)) = self.pending.last_mut().filter(|_| left > 0) {
            let (subjects, matching, some) = (&mut self.subjects, &mut self.matching, &mut self.some);
            let messages = &mut self.messages;
            left = search.advance(directory, &filters[*filter], left, |number| {
                if !std::mem::replace(&mut subjects[number as usize], true) {
                    *matching += 1;
                    *messages += directory.live_of(number);
                    *some = number;
                }
            });
            if search.is_over() {
                self.pending.pop();
            }
        }
        if !self.pending.is_empty() {
            return false;
        }
        let is_few = self.messages * FEW <= u64::from(part.records);
        if self.positions.is_none() && self.is_sealed && is_few {
            self.positions = Some(self.find_positions(directory));
        }
        true
    }

    fn find_positions(&self, directory: &Directory) -> Vec<u32> {
        match self.matching {
            0 => Vec::new(),
            1 => {
                let positions = directory.positions_of(self.some, 0);
                positions.map(|position| position as u32).collect()
            }
            _ => {
                let mut positions = Vec::new();
                directory.for_each_subject(0, |position, number| {
                    if self.has(number) {
                        positions.push(position as u32);
                    }
                });
                positions
            }
        }
    }

    /// The positions from one on of what matches, deleted or not; None if they are too many to be kept.
    pub(in crate::messages) fn positions_from(&self, start: usize) -> Option<&[u32]> {
        let positions = self.positions.as_ref()?;
        let place = positions.partition_point(|position| (*position as usize) < start);
        positions.get(place..)
    }

    pub(in crate::messages) fn has(&self, number: u32) -> bool {
        self.subjects.get(number as usize).is_some_and(|matches| *matches)
    }

    /// How many messages there were with subjects that match, when these were found.
    pub(in crate::messages) fn messages(&self) -> u64 {
        self.messages
    }

    pub(super) fn is_empty(&self) -> bool {
        self.matching == 0
    }

    /// The subject that matches, if there is just one.
    pub(super) fn only(&self) -> Option<u32> {
        (self.matching == 1).then_some(self.some)
    }

    /// The subjects that match.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        let all = self.subjects.iter().enumerate();
        all.filter(|(_, matches)| **matches)
            .map(|(number, _)| number as u32)
    }
}

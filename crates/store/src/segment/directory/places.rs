//! Where records are in a segment, if none are in blocks.

use bytes::Bytes;

use super::column::Column;
use crate::fields::Fields;

/// So many records have their lengths added up for where one begins.
const GROUP: usize = 64;

/// Where the records of a segment are, by their positions.
#[derive(Clone, Debug)]
pub(super) struct Places {
    kind: Kind,
    /// How many bytes before some records are damaged, by their positions.
    gaps: Vec<(u32, u32)>,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Where each ends.
    Growing(Vec<u32>),
    /// How long each is, and where the first of each group begins.
    Sealed { lengths: Column, starts: Column },
}

impl Places {
    pub(super) fn growing() -> Self {
        Self {
            kind: Kind::Growing(Vec::new()),
            gaps: Vec::new(),
        }
    }

    /// The same, for none to be added.
    pub(super) fn into_sealed(self) -> Self {
        if matches!(self.kind, Kind::Sealed { .. }) {
            return self;
        }
        let ranges = (0..self.len()).filter_map(|position| self.range(position));
        let lengths = Column::packed(ranges.clone().map(|(_, length)| length));
        let starts = Column::packed(ranges.step_by(GROUP).map(|(start, _)| start));
        Self {
            kind: Kind::Sealed { lengths, starts },
            gaps: self.gaps,
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.kind {
            Kind::Growing(ends) => ends.len(),
            Kind::Sealed { lengths, .. } => lengths.len(),
        }
    }

    pub(super) fn memory(&self) -> usize {
        match &self.kind {
            Kind::Growing(ends) => 4 * ends.len(),
            Kind::Sealed { lengths, starts } => lengths.memory() + starts.memory(),
        }
    }

    /// Adds one that is so long.
    pub(super) fn add(&mut self, length: u32) {
        let end = self.end() + length;
        if let Kind::Growing(ends) = &mut self.kind {
            ends.push(end);
        }
    }

    /// Where the next record will be.
    pub(super) fn end(&self) -> u32 {
        let last = match &self.kind {
            Kind::Growing(ends) => ends.last().copied(),
            Kind::Sealed { lengths, .. } => lengths
                .len()
                .checked_sub(1)
                .and_then(|last| self.range(last))
                .map(|(start, length)| start + length),
        };
        last.unwrap_or_default() + self.gap_before(self.len())
    }

    /// The bytes where the next record would be are damaged.
    pub(super) fn leave_out(&mut self, bytes: u32) {
        if bytes == 0 {
            return;
        }
        let position = self.len() as u32;
        match self.gaps.last_mut() {
            Some((gap, length)) if *gap == position => *length += bytes,
            _ => self.gaps.push((position, bytes)),
        }
    }

    fn gap_before(&self, position: usize) -> u32 {
        let found = self
            .gaps
            .binary_search_by_key(&(position as u32), |(position, _)| *position);
        found.map_or(0, |gap| self.gaps[gap].1)
    }

    /// Where a record is, and how long; None if it has no place.
    pub(super) fn range(&self, position: usize) -> Option<(u32, u32)> {
        match &self.kind {
            Kind::Growing(ends) => {
                let end = *ends.get(position)?;
                let start = match position {
                    0 => 0,
                    _ => ends[position - 1],
                };
                let start = start + self.gap_before(position);
                Some((start, end - start))
            }
            Kind::Sealed { lengths, starts } => {
                let length = lengths.get(position)?;
                let first = position - position % GROUP;
                let start = starts.get(position / GROUP)? + lengths.sum(first..position) as u32;
                let gaps = self.gaps.iter().filter(|(gap, _)| {
                    let gap = *gap as usize;
                    first < gap && gap <= position
                });
                Some((start + gaps.map(|(_, bytes)| bytes).sum::<u32>(), length))
            }
        }
    }

    /// That of the record behind one that ends there: what is read in order need not be added up.
    pub(super) fn range_behind(&self, end: u32, position: usize) -> Option<(u32, u32)> {
        match &self.kind {
            Kind::Growing(_) => self.range(position),
            Kind::Sealed { lengths, .. } => Some((end + self.gap_before(position), lengths.get(position)?)),
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        if let Kind::Sealed { lengths, starts } = &self.clone().into_sealed().kind {
            lengths.put(out);
            starts.put(out);
        }
    }

    /// Takes it off the front of what is read; None if starts and lengths do not agree.
    pub(super) fn take(fields: &mut Fields<'_>, all: &Bytes) -> Option<Self> {
        let (lengths, starts) = (Column::take(fields, all)?, Column::take(fields, all)?);
        let groups = lengths.len().div_ceil(GROUP);
        let mut end = 0;
        for group in 0..groups {
            if starts.get(group).map(u64::from) != Some(end) {
                return None;
            }
            end += lengths.sum(group * GROUP..(group + 1) * GROUP);
        }
        let is_whole = starts.len() == groups && u32::try_from(end).is_ok();
        is_whole.then(|| Self {
            kind: Kind::Sealed { lengths, starts },
            gaps: Vec::new(),
        })
    }
}

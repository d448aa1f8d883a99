//! What is where in a segment: derived from its records, and kept in its footer.

mod column;
mod matching;
mod names;
mod places;

use std::borrow::Cow;

use bytes::Bytes;
use roaring::RoaringBitmap;

use crate::fields::{Fields, PutFields};

use column::Column;
pub(crate) use matching::Matching;
use names::{Names, Sorted};
use places::Places;

/// Where each record of a segment is, and which subject it has. Records are counted from 0 on: their *positions*.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    /// How far the sequence of each record is from the segment's base; empty if that is its position.
    sequences: Column,
    places: Places,
    /// Which of the subjects each record has.
    subjects: Column,
    names: Names,
    /// How many records with each subject are not deleted.
    live: Column,
    /// Where blocks begin: without blocks, and in the file.
    blocks: Vec<(u32, u64)>,
}

/// Where some records that follow each other are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extract {
    /// The block that they are in, if they are in one: where it begins, without blocks and in the file.
    pub(crate) block: Option<(u32, u64)>,
    pub(crate) places: Vec<Place>,
}

/// Where a record is, if none are in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// How far its sequence is from the segment's base.
    pub(crate) sequence: u32,
    pub(crate) start: u32,
    pub(crate) length: u32,
}

/// No extract is of more records.
const EXTRACTED_AT_MOST: usize = 4096;
/// No extract takes more reads.
const READS_AT_MOST: u32 = 128;
/// What lies between two records is read with them if it is no more than so many bytes: that costs less than another read.
pub(crate) const NEAR: u32 = 4 << 10;

impl Directory {
    /// That of a segment to which records are added.
    pub(crate) fn growing() -> Self {
        Self {
            sequences: Column::default(),
            places: Places::growing(),
            subjects: Column::default(),
            names: Names::default(),
            live: Column::default(),
            blocks: Vec::new(),
        }
    }

    /// Of subjects that are in order. All records have a length, and a subject that there is; they have sequences if these do
    /// not follow each other.
    pub(super) fn from_parts(
        sequences: Vec<u32>,
        lengths: &[u32],
        subjects: Vec<u32>,
        names: &[Vec<u8>],
        blocks: Vec<(u32, u64)>,
    ) -> Self {
        let mut places = Places::growing();
        lengths.iter().for_each(|length| places.add(*length));
        let mut live = vec![0; names.len()];
        subjects.iter().for_each(|number| live[*number as usize] += 1);
        Self {
            sequences: Column::Growing(sequences).into_packed(),
            places: places.into_sealed(),
            subjects: Column::Growing(subjects).into_packed(),
            names: Names::Sorted(Sorted::new(names.iter().map(|name| &name[..]))),
            live: Column::Growing(live).into_packed(),
            blocks,
        }
    }

    /// How many records there are, deleted ones included.
    pub(crate) fn len(&self) -> usize {
        self.subjects.len()
    }

    /// About how many bytes of memory it takes; the same, whatever is deleted.
    pub(crate) fn memory(&self) -> usize {
        let of_records = self.sequences.memory() + self.subjects.memory() + self.places.memory();
        of_records + self.names.memory() + 4 * self.live.len()
    }

    /// Adds a record that is not written yet. It is at the next position.
    pub(crate) fn add(&mut self, sequence: u32, name: &[u8]) {
        let position = self.len() as u32;
        if sequence != position && self.sequences.is_empty() {
            *self.sequences.grown() = (0..position).collect();
        }
        if sequence != position || !self.sequences.is_empty() {
            self.sequences.grown().push(sequence);
        }
        let number = self.names.grown().number_for(name);
        self.subjects.grown().push(number);
        let live = self.live.grown();
        live.resize(live.len().max(number as usize + 1), 0);
        live[number as usize] += 1;
    }

    /// The next record that was added has been given its place: it is so long there.
    pub(crate) fn place(&mut self, length: u32) {
        self.places.add(length);
    }

    /// How many records have a place.
    pub(crate) fn placed(&self) -> usize {
        self.places.len()
    }

    /// Where the next record will be, if none are in blocks.
    pub(crate) fn written(&self) -> u32 {
        self.places.end()
    }

    /// The bytes where the next record would be are damaged.
    pub(crate) fn leave_out(&mut self, bytes: u32) {
        self.places.leave_out(bytes);
    }

    /// Records from here on are in a block that is there in the file.
    pub(crate) fn add_block(&mut self, start: u32, offset: u64) {
        self.blocks.push((start, offset));
    }

    pub(crate) fn blocks(&self) -> &[(u32, u64)] {
        &self.blocks
    }

    /// How far the sequence of a record is from the base.
    pub(crate) fn sequence(&self, position: usize) -> u32 {
        self.sequences.get(position).unwrap_or(position as u32)
    }

    /// The position of a sequence, or else the one where it would be.
    pub(crate) fn find(&self, sequence: u32) -> Result<usize, usize> {
        if !self.sequences.is_empty() {
            return self.sequences.find(sequence);
        }
        match sequence as usize {
            position if position < self.len() => Ok(position),
            _ => Err(self.len()),
        }
    }

    /// Where a record is, if none are in blocks, and how long; None if it has no place yet.
    pub(crate) fn range(&self, position: usize) -> Option<(u32, u32)> {
        self.places.range(position)
    }

    /// Where the records of some positions are: just one, or so many that no more than this many bytes have to be read for
    /// them, in few reads, and in one block if they are in blocks. None if the first was never written.
    pub(crate) fn extract(
        &self,
        positions: impl Iterator<Item = usize> + Clone,
        at_most: u32,
    ) -> Option<Extract> {
        let position = positions.clone().next()?;
        let (start, _) = self.range(position).filter(|(_, length)| *length > 0)?;
        let block = self.blocks.partition_point(|(first, _)| *first <= start);
        let block_end = self.blocks.get(block).map_or(u32::MAX, |(next, _)| *next);
        let block = block.checked_sub(1).map(|block| self.blocks[block]);
        let is_in_block = block.is_some();
        let (mut places, mut last_end, mut read, mut reads) = (Vec::<Place>::new(), start, 0, 1);
        let mut before = None;
        for position in positions.take(EXTRACTED_AT_MOST) {
            let range = match before {
                Some(before) if before + 1 == position => self.places.range_behind(last_end, position),
                _ => self.range(position),
            };
            let Some((start, length)) = range else {
                break;
            };
            before = Some(position);
            let end = start + length;
            let is_near = is_in_block || start - last_end <= NEAR;
            reads += u32::from(!is_near);
            read += if is_near { end - last_end } else { length };
            let fits = read <= at_most && reads <= READS_AT_MOST && end <= block_end;
            if !fits && !places.is_empty() {
                break;
            }
            places.push(Place {
                sequence: self.sequence(position),
                start,
                length,
            });
            last_end = end;
        }
        Some(Extract { block, places })
    }

    pub(crate) fn subject(&self, position: usize) -> Cow<'_, [u8]> {
        self.names.name(self.subject_number(position))
    }

    pub(crate) fn subject_number(&self, position: usize) -> u32 {
        self.subjects.get(position).unwrap_or_default()
    }

    /// Tells of each record which subject it has, from a position on.
    pub(crate) fn for_each_subject(&self, start: usize, visit: impl FnMut(usize, u32)) {
        self.subjects.for_each(start, visit);
    }

    /// The positions of records with a subject, from one on.
    pub(crate) fn positions_of(&self, number: u32, start: usize) -> impl Iterator<Item = usize> {
        self.subjects.places_of(number, start)
    }

    /// The number of a subject, if there is a record with it.
    pub(crate) fn number(&self, name: &[u8]) -> Option<u32> {
        self.names.number(name)
    }

    /// How many records that are not deleted have a subject.
    pub(crate) fn live_of(&self, number: u32) -> u64 {
        self.live.get(number as usize).map_or(0, u64::from)
    }

    /// Tells of all subjects, in the order of their numbers.
    pub(crate) fn for_each_name(&self, visit: impl FnMut(u32, &[u8])) {
        self.names.for_each(visit);
    }

    /// A record is deleted.
    pub(crate) fn delete(&mut self, position: usize) {
        let number = self.subject_number(position) as usize;
        if let Some(live) = self.live.grown().get_mut(number) {
            *live = live.saturating_sub(1);
        }
    }

    /// Records are deleted, as a set of distances of sequences says.
    pub(crate) fn delete_all(&mut self, deleted: &RoaringBitmap) {
        for sequence in deleted {
            if let Ok(position) = self.find(sequence) {
                self.delete(position);
            }
        }
    }

    pub(crate) fn subject_count(&self) -> usize {
        self.names.len()
    }

    /// What it says now, to be put in order elsewhere.
    pub(crate) fn frozen(&self) -> Self {
        Self {
            sequences: self.sequences.clone(),
            places: self.places.clone(),
            subjects: self.subjects.clone(),
            names: self.names.frozen(),
            live: self.live.clone(),
            blocks: self.blocks.clone(),
        }
    }

    /// Has its subjects in order, and nothing is added to it: as it would be read from a footer.
    pub(crate) fn into_sealed(self) -> Self {
        self.sort().0
    }

    /// The same, with the number that each subject had before.
    pub(crate) fn sort(self) -> (Self, Vec<u32>) {
        let (names, order) = self.names.sort();
        let mut new_numbers = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            new_numbers[*old as usize] = new as u32;
        }
        let subjects = (0..self.len()).map(|position| new_numbers[self.subject_number(position) as usize]);
        let sorted = Self {
            subjects: Column::packed(subjects),
            names: Names::Sorted(names),
            live: self.live_in(&order),
            sequences: self.sequences.into_packed(),
            places: self.places.into_sealed(),
            blocks: self.blocks,
        };
        (sorted, order)
    }

    fn live_in(&self, order: &[u32]) -> Column {
        Column::packed(order.iter().map(|old| self.live_of(*old) as u32))
    }

    /// Becomes what was made of it elsewhere, with what was deleted meanwhile.
    pub(crate) fn replace_by_sorted(&mut self, sorted: &Self, order: &[u32]) {
        let live = self.live_in(order);
        *self = Self {
            live,
            ..sorted.frozen()
        };
    }

    /// Puts it behind `out`; its subjects have to be in order. Deleted records are as the others.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let mut counts = vec![0; self.subject_count()];
        self.for_each_subject(0, |_, number| counts[number as usize] += 1);
        self.sequences.put(out);
        self.places.put(out);
        self.subjects.put(out);
        if let Names::Sorted(names) = &self.names {
            names.put(out);
        }
        Column::packed(counts.into_iter()).put(out);
        out.put_count(self.blocks.len());
        for (start, offset) in &self.blocks {
            out.put_u32(*start);
            out.put_u64(*offset);
        }
    }

    /// That which was put there, and nothing else.
    pub(super) fn read(bytes: &Bytes) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let directory = Self {
            sequences: Column::take(&mut fields, bytes)?,
            places: Places::take(&mut fields, bytes)?,
            subjects: Column::take(&mut fields, bytes)?,
            names: Names::Sorted(Sorted::take(&mut fields, bytes)?),
            live: Column::take(&mut fields, bytes)?,
            blocks: {
                let blocks = fields.count()?;
                let blocks = (0..blocks).map(|_| Some((fields.u32()?, fields.u64()?)));
                blocks.collect::<Option<_>>()?
            },
        };
        (fields.is_at_end() && directory.is_whole()).then_some(directory)
    }

    /// Whether what it has of each record is there for all, and no other subjects than there are.
    fn is_whole(&self) -> bool {
        let (records, subjects) = (self.len(), self.subject_count());
        let mut is_whole = (self.sequences.is_empty() || self.sequences.len() == records)
            && self.places.len() == records
            && self.live.len() == subjects;
        self.for_each_subject(0, |_, number| is_whole &= (number as usize) < subjects);
        let mut next = 0;
        self.sequences.for_each(0, |_, sequence| {
            is_whole &= u64::from(sequence) >= next;
            next = u64::from(sequence) + 1;
        });
        is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> Directory {
        let mut directory = Directory::growing();
        for (sequence, name) in [(0, "b.1"), (1, "a"), (4, "b.2"), (5, "b.1"), (9, "c")] {
            directory.add(sequence, name.as_bytes());
            directory.place(10 + sequence);
        }
        directory
    }

    fn live_of(directory: &Directory, filter: &[u8]) -> u64 {
        let matching = directory.matching(filter).into_iter();
        matching.map(|number| directory.live_of(number)).sum()
    }

    #[test]
    fn sealing_changes_no_answer() {
        for directory in [directory(), directory().into_sealed()] {
            assert_eq!(directory.len(), 5);
            assert_eq!(directory.find(4), Ok(2));
            assert_eq!(directory.find(6), Err(4));
            assert_eq!(directory.range(2), Some((21, 14)));
            assert_eq!(directory.range(5), None);
            assert_eq!(&*directory.subject(3), b"b.1");
            for (filter, count) in [
                ("b.1", 2),
                ("b.*", 3),
                (">", 5),
                ("*", 2),
                ("c", 1),
                ("d", 0),
                ("b.>", 3),
            ] {
                assert_eq!(live_of(&directory, filter.as_bytes()), count, "{filter}");
            }
        }
    }

    #[test]
    fn what_lies_between_far_records_is_not_read() {
        let mut directory = Directory::growing();
        for sequence in 0..1_000 {
            directory.add(sequence, b"a");
            directory.place(1_000);
        }
        let count = |step, at_most| {
            let extract = directory.extract((0..1_000).step_by(step), at_most);
            extract.map_or(0, |extract| extract.places.len())
        };
        assert_eq!(count(1, 100_000), 100);
        assert_eq!(
            count(5, 100_000),
            20,
            "what is near is read with what lies between"
        );
        assert_eq!(count(6, 100_000), 100);
        assert_eq!(count(6, u32::MAX), READS_AT_MOST as usize);
        assert_eq!(count(1, 10), 1, "however long it is");
    }

    #[test]
    fn damage_moves_what_is_behind_it() {
        let mut directory = Directory::growing();
        directory.add(0, b"a");
        directory.place(10);
        directory.leave_out(5);
        directory.leave_out(2);
        directory.add(3, b"a");
        directory.place(20);
        directory.leave_out(4);
        assert_eq!(directory.range(0), Some((0, 10)));
        assert_eq!(directory.range(1), Some((17, 20)));
        assert_eq!(directory.written(), 41);
    }

    #[test]
    fn what_is_deleted_is_not_counted() {
        let mut directory = directory().into_sealed();
        directory.delete_all(&[0, 4, 6].into_iter().collect());
        assert_eq!(live_of(&directory, b"b.*"), 1);
    }
}

//! What is where in a segment: derived from its records, and kept in its footer.

mod matching;

pub(crate) use matching::Matching;

use roaring::RoaringBitmap;

use super::numbers::Numbers;

/// Where each record of a segment is, and which subject it has. Records are counted from 0 on: their *positions*.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    /// How far the sequence of each record is from the segment's base; empty if that is its position.
    sequences: Vec<u32>,
    /// Where each record ends, if none were in blocks. One that was deleted before it was written has no length.
    ends: Vec<u32>,
    /// Which of the subjects each record has.
    subjects: Vec<u32>,
    /// The subjects, one behind the other.
    names: Vec<u8>,
    name_ends: Vec<u32>,
    /// How many records with each subject are not deleted.
    live: Vec<u32>,
    /// Which subject has which number, while records are added; afterwards they are in order.
    numbers: Option<Numbers>,
    /// Where blocks begin: without blocks, and in the file.
    blocks: Vec<(u32, u64)>,
    /// How many bytes before some records are damaged, by their positions.
    gaps: Vec<(u32, u32)>,
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
            numbers: Some(Numbers::default()),
            ..Self::default()
        }
    }

    pub(super) fn from_parts(
        sequences: Vec<u32>,
        ends: Vec<u32>,
        subjects: Vec<u32>,
        names: (Vec<u8>, Vec<u32>),
        blocks: Vec<(u32, u64)>,
    ) -> Self {
        let (names, name_ends) = names;
        let mut live = vec![0; name_ends.len()];
        for subject in &subjects {
            live[*subject as usize] += 1;
        }
        Self {
            sequences,
            ends,
            subjects,
            names,
            name_ends,
            live,
            numbers: None,
            blocks,
            gaps: Vec::new(),
        }
    }

    /// How many records there are, deleted ones included.
    pub(crate) fn len(&self) -> usize {
        self.subjects.len()
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn memory(&self) -> usize {
        let names = self.names.len() + self.numbers.as_ref().map_or(0, Numbers::memory);
        4 * (self.sequences.len() + self.ends.len() + self.subjects.len()) + names + 8 * self.live.len()
    }

    /// Adds a record that is not written yet. It is at the next position.
    pub(crate) fn add(&mut self, sequence: u32, name: &[u8]) {
        let position = self.len() as u32;
        if sequence != position && self.sequences.is_empty() {
            self.sequences = (0..position).collect();
        }
        if sequence != position || !self.sequences.is_empty() {
            self.sequences.push(sequence);
        }
        let number = self.number_for(name);
        self.subjects.push(number);
        self.live[number as usize] += 1;
    }

    fn number_for(&mut self, name: &[u8]) -> u32 {
        let numbers = self.numbers.get_or_insert_default();
        let (names, ends) = (&mut self.names, &mut self.name_ends);
        if let Some(number) = numbers.find(name, |number| name_in(names, ends, number)) {
            return number;
        }
        let number = ends.len() as u32;
        names.extend_from_slice(name);
        ends.push(names.len() as u32);
        numbers.insert(number, name, |number| name_in(names, ends, number));
        self.live.push(0);
        number
    }

    /// The next record that was added has been given its place: it is so long there.
    pub(crate) fn place(&mut self, length: u32) {
        let end = self.written();
        self.ends.push(end + length);
    }

    /// How many records have a place.
    pub(crate) fn placed(&self) -> usize {
        self.ends.len()
    }

    /// Where the next record will be, if none are in blocks.
    pub(crate) fn written(&self) -> u32 {
        self.ends.last().copied().unwrap_or_default() + self.gap_before(self.ends.len())
    }

    /// The bytes where the next record would be are damaged.
    pub(crate) fn leave_out(&mut self, bytes: u32) {
        if bytes == 0 {
            return;
        }
        let position = self.ends.len() as u32;
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

    /// Records from here on are in a block that is there in the file.
    pub(crate) fn add_block(&mut self, start: u32, offset: u64) {
        self.blocks.push((start, offset));
    }

    pub(crate) fn blocks(&self) -> &[(u32, u64)] {
        &self.blocks
    }

    /// How far the sequence of a record is from the base.
    pub(crate) fn sequence(&self, position: usize) -> u32 {
        self.sequences.get(position).copied().unwrap_or(position as u32)
    }

    /// The position of a sequence, or else the one where it would be.
    pub(crate) fn find(&self, sequence: u32) -> Result<usize, usize> {
        if !self.sequences.is_empty() {
            return self.sequences.binary_search(&sequence);
        }
        match sequence as usize {
            position if position < self.len() => Ok(position),
            _ => Err(self.len()),
        }
    }

    /// Where a record is, if none are in blocks, and how long; None if it has no place yet.
    pub(crate) fn range(&self, position: usize) -> Option<(u32, u32)> {
        let end = *self.ends.get(position)?;
        let start = match position {
            0 => 0,
            _ => self.ends[position - 1],
        };
        let start = start + self.gap_before(position);
        Some((start, end - start))
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
        for position in positions.take(EXTRACTED_AT_MOST) {
            let Some((start, length)) = self.range(position) else {
                break;
            };
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

    pub(crate) fn subject(&self, position: usize) -> &[u8] {
        self.name(self.subjects[position])
    }

    pub(crate) fn subject_number(&self, position: usize) -> u32 {
        self.subjects[position]
    }

    /// The positions of records with a subject, from one on.
    pub(crate) fn positions_of(&self, number: u32, start: usize) -> impl Iterator<Item = usize> {
        let rest = self.subjects.get(start..).unwrap_or_default();
        let found = rest
            .iter()
            .enumerate()
            .filter(move |(_, other)| **other == number);
        found.map(move |(position, _)| start + position)
    }

    /// The positions of records with a subject before one, the last first.
    pub(crate) fn positions_of_backwards(&self, number: u32, end: usize) -> impl Iterator<Item = usize> {
        let rest = self.subjects.get(..end).unwrap_or_default();
        let found = rest
            .iter()
            .enumerate()
            .rev()
            .filter(move |(_, other)| **other == number);
        found.map(|(position, _)| position)
    }

    pub(crate) fn name(&self, number: u32) -> &[u8] {
        name_in(&self.names, &self.name_ends, number)
    }

    /// The number of a subject, if there is a record with it.
    pub(crate) fn number(&self, name: &[u8]) -> Option<u32> {
        if let Some(numbers) = &self.numbers {
            return numbers.find(name, |number| self.name(number));
        }
        let place = self.lower_bound(name);
        (place < self.name_ends.len() as u32 && self.name(place) == name).then_some(place)
    }

    /// The first of the ordered subjects that is not less.
    fn lower_bound(&self, name: &[u8]) -> u32 {
        self.first_for_which(|other| other >= name)
    }

    /// The first of the ordered subjects of which something holds that holds of all behind it.
    fn first_for_which(&self, holds: impl Fn(&[u8]) -> bool) -> u32 {
        let (mut low, mut high) = (0, self.name_ends.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(self.name(middle)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// How many records that are not deleted have a subject.
    pub(crate) fn live_of(&self, number: u32) -> u64 {
        u64::from(self.live[number as usize])
    }

    /// The subjects of records that are not deleted, and how many they have.
    pub(crate) fn live_subjects(&self) -> impl Iterator<Item = (&[u8], u32)> {
        let live = self.live.iter().enumerate().filter(|(_, live)| **live > 0);
        live.map(|(number, live)| (self.name(number as u32), *live))
    }

    /// A record is deleted.
    pub(crate) fn delete(&mut self, position: usize) {
        self.live[self.subjects[position] as usize] -= 1;
    }

    /// Records are deleted, as a set of distances of sequences says.
    pub(crate) fn delete_all(&mut self, deleted: &RoaringBitmap) {
        for sequence in deleted {
            if let Ok(position) = self.find(sequence) {
                self.delete(position);
            }
        }
    }

    /// Whether the sequences follow each other.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.sequences.is_empty()
    }

    pub(crate) fn subject_count(&self) -> usize {
        self.name_ends.len()
    }

    /// What it says now, to be put in order elsewhere.
    pub(crate) fn frozen(&self) -> Self {
        Self {
            sequences: self.sequences.clone(),
            ends: self.ends.clone(),
            subjects: self.subjects.clone(),
            names: self.names.clone(),
            name_ends: self.name_ends.clone(),
            live: self.live.clone(),
            // Nothing is added to it, and these are many.
            numbers: None,
            blocks: self.blocks.clone(),
            gaps: self.gaps.clone(),
        }
    }

    /// Has its subjects in order, and no means to add to it: as it would be read from a footer.
    pub(crate) fn into_sealed(self) -> Self {
        self.sort().0
    }

    /// The same, with the number that each subject had before.
    pub(crate) fn sort(mut self) -> (Self, Vec<u32>) {
        let mut order: Vec<u32> = (0..self.name_ends.len() as u32).collect();
        order.sort_unstable_by(|one, other| self.name(*one).cmp(self.name(*other)));
        let mut new_numbers = vec![0; order.len()];
        let (mut names, mut name_ends) = (
            Vec::with_capacity(self.names.len()),
            Vec::with_capacity(order.len()),
        );
        for (new, old) in order.iter().enumerate() {
            new_numbers[*old as usize] = new as u32;
            names.extend_from_slice(self.name(*old));
            name_ends.push(names.len() as u32);
        }
        let live = order.iter().map(|old| self.live[*old as usize]).collect();
        for number in &mut self.subjects {
            *number = new_numbers[*number as usize];
        }
        let sorted = Self {
            names,
            name_ends,
            live,
            numbers: None,
            ..self
        };
        (sorted, order)
    }

    /// Becomes what was made of it elsewhere, with what was deleted meanwhile.
    pub(crate) fn replace_by_sorted(&mut self, sorted: &Self, order: &[u32]) {
        let live = order.iter().map(|old| self.live[*old as usize]).collect();
        *self = Self {
            live,
            ..sorted.frozen()
        };
    }
}

/// A name of many that are one behind the other.
fn name_in<'a>(names: &'a [u8], ends: &[u32], number: u32) -> &'a [u8] {
    let start = match number {
        0 => 0,
        _ => ends[number as usize - 1],
    };
    &names[start as usize..ends[number as usize] as usize]
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
            assert_eq!(directory.subject(3), b"b.1");
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

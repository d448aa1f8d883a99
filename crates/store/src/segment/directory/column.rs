//! Many numbers, one behind the other. Once none are added each takes as many bytes as the largest needs, in memory as in the
//! file: so nothing has to be made of what was read, and any of them is found without those before.

use std::iter::successors;
use std::ops::Range;

use bytes::Bytes;

use crate::fields::{Fields, PutFields};

#[derive(Clone, Debug)]
pub(crate) enum Column {
    Growing(Vec<u32>),
    Packed(Packed),
}

#[derive(Clone, Debug)]
pub(crate) struct Packed {
    length: usize,
    /// The least of them; what is kept of each is by how much it is more.
    least: u32,
    /// How many bytes that takes: 4 at most, and none if all are alike.
    width: usize,
    bytes: Bytes,
}

impl Default for Column {
    fn default() -> Self {
        Self::Growing(Vec::new())
    }
}

impl Column {
    pub(super) fn packed(numbers: impl Iterator<Item = u32> + Clone) -> Self {
        let (mut length, mut least, mut most) = (0, u32::MAX, 0);
        for number in numbers.clone() {
            (length, least, most) = (length + 1, least.min(number), most.max(number));
        }
        least = least.min(most);
        let width = (u32::BITS - (most - least).leading_zeros()).div_ceil(8) as usize;
        let mut bytes = Vec::with_capacity(length * width);
        if width > 0 {
            numbers.for_each(|number| bytes.extend_from_slice(&(number - least).to_le_bytes()[..width]));
        }
        Self::Packed(Packed {
            length,
            least,
            width,
            bytes: bytes.into(),
        })
    }

    pub(super) fn into_packed(self) -> Self {
        match self {
            Self::Growing(numbers) => Self::packed(numbers.into_iter()),
            packed @ Self::Packed(_) => packed,
        }
    }

    /// To be changed: each takes as much as any number could.
    pub(super) fn grown(&mut self) -> &mut Vec<u32> {
        if let Self::Packed(packed) = self {
            let mut numbers = Vec::with_capacity(packed.length);
            packed.for_each(0, |_, number| numbers.push(number));
            *self = Self::Growing(numbers);
        }
        match self {
            Self::Growing(numbers) => numbers,
            Self::Packed(_) => unreachable!("it has just become one that grows"),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Growing(numbers) => numbers.len(),
            Self::Packed(packed) => packed.length,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Growing(numbers) => 4 * numbers.len(),
            Self::Packed(packed) => packed.bytes.len(),
        }
    }

    pub(super) fn get(&self, place: usize) -> Option<u32> {
        match self {
            Self::Growing(numbers) => numbers.get(place).copied(),
            Self::Packed(packed) => (place < packed.length).then(|| packed.number(place)),
        }
    }

    /// What some of them are together.
    pub(super) fn sum(&self, range: Range<usize>) -> u64 {
        match self {
            Self::Growing(numbers) => numbers
                .get(range)
                .unwrap_or_default()
                .iter()
                .map(|number| u64::from(*number))
                .sum(),
            Self::Packed(packed) => packed.sum(range),
        }
    }

    /// Where a number is of those that are in order, or else where it would be.
    pub(super) fn find(&self, number: u32) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle) {
                Some(found) if found < number => low = middle + 1,
                Some(found) if found == number => return Ok(middle),
                _ => high = middle,
            }
        }
        Err(low)
    }

    /// Tells of each from a place on.
    pub(super) fn for_each(&self, start: usize, mut visit: impl FnMut(usize, u32)) {
        match self {
            Self::Growing(numbers) => {
                let rest = numbers.iter().enumerate().skip(start);
                rest.for_each(|(place, number)| visit(place, *number));
            }
            Self::Packed(packed) => packed.for_each(start, visit),
        }
    }

    /// The places of a number, from one on.
    pub(super) fn places_of(&self, number: u32, start: usize) -> impl Iterator<Item = usize> {
        successors(self.next_place_of(number, start), move |place| {
            self.next_place_of(number, place + 1)
        })
    }

    fn next_place_of(&self, number: u32, start: usize) -> Option<usize> {
        match self {
            Self::Growing(numbers) => {
                let mut rest = numbers.get(start..)?.iter();
                rest.position(|other| *other == number).map(|place| start + place)
            }
            Self::Packed(packed) => packed.next_place_of(number, start),
        }
    }

    /// Puts it behind others.
    pub(in crate::segment) fn put(&self, out: &mut Vec<u8>) {
        let packed = match self.clone().into_packed() {
            Self::Packed(packed) => packed,
            Self::Growing(_) => unreachable!("it has just been packed"),
        };
        out.put_count(packed.length);
        out.put_u32(packed.least);
        out.put_u8(packed.width as u8);
        out.put(&packed.bytes);
    }

    /// Takes it off the front; it goes on using the bytes, which are a part of `all`.
    pub(in crate::segment) fn take(fields: &mut Fields<'_>, all: &Bytes) -> Option<Self> {
        let (length, least, width) = (fields.count()?, fields.u32()?, usize::from(fields.u8()?));
        if width > 4 || u32::try_from(length).is_err() {
            return None;
        }
        let bytes = fields.bytes(length.checked_mul(width)?)?;
        let packed = Packed {
            length,
            least,
            width,
            bytes: all.slice_ref(bytes),
        };
        Some(Self::Packed(packed))
    }
}

impl Packed {
    fn number(&self, place: usize) -> u32 {
        let at = place * self.width;
        let more = match (self.width, &self.bytes[at..at + self.width]) {
            (1, &[one]) => u32::from(one),
            (2, &[one, two]) => u32::from_le_bytes([one, two, 0, 0]),
            (3, &[one, two, three]) => u32::from_le_bytes([one, two, three, 0]),
            (4, &[one, two, three, four]) => u32::from_le_bytes([one, two, three, four]),
            _ => 0,
        };
        self.least.wrapping_add(more)
    }

    fn sum(&self, range: Range<usize>) -> u64 {
        let end = range.end.min(self.length);
        let start = range.start.min(end);
        let least = u64::from(self.least) * (end - start) as u64;
        match self.width {
            0 => least,
            1 => {
                let bytes = &self.bytes[start..end];
                least + bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>()
            }
            _ => (start..end).map(|place| u64::from(self.number(place))).sum(),
        }
    }

    fn for_each(&self, start: usize, mut visit: impl FnMut(usize, u32)) {
        match self.width {
            0 => (start..self.length).for_each(|place| visit(place, self.least)),
            1 => self.for_each_of::<1>(start, visit),
            2 => self.for_each_of::<2>(start, visit),
            3 => self.for_each_of::<3>(start, visit),
            _ => self.for_each_of::<4>(start, visit),
        }
    }

    fn for_each_of<const WIDTH: usize>(&self, start: usize, mut visit: impl FnMut(usize, u32)) {
        let numbers = self.bytes.as_chunks::<WIDTH>().0.iter().enumerate();
        for (place, bytes) in numbers.skip(start) {
            let mut more = [0; 4];
            more[..WIDTH].copy_from_slice(bytes);
            visit(place, self.least.wrapping_add(u32::from_le_bytes(more)));
        }
    }

    fn next_place_of(&self, number: u32, start: usize) -> Option<usize> {
        let more = number.checked_sub(self.least)?.to_le_bytes();
        if more[self.width..].iter().any(|byte| *byte > 0) {
            return None;
        }
        match self.width {
            0 => (start < self.length).then_some(start),
            1 => self.next_of::<1>(&more, start),
            2 => self.next_of::<2>(&more, start),
            3 => self.next_of::<3>(&more, start),
            _ => self.next_of::<4>(&more, start),
        }
    }

    fn next_of<const WIDTH: usize>(&self, more: &[u8; 4], start: usize) -> Option<usize> {
        let mut rest = self.bytes.as_chunks::<WIDTH>().0.get(start..)?.iter();
        let found = rest.position(|bytes| bytes[..] == more[..WIDTH]);
        found.map(|place| start + place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_packed_and_found() {
        let of_each_width = [
            vec![],
            vec![7; 5],
            vec![3, 0, 255, 3],
            vec![1_000_000, 1_000_300, 1_000_000],
            vec![70_000, 0, 1 << 23, 70_000],
            vec![u32::MAX, 0, 5, u32::MAX],
        ];
        for (number, numbers) in of_each_width.into_iter().enumerate() {
            let mut bytes = vec![9];
            Column::Growing(numbers.clone()).put(&mut bytes);
            let bytes = Bytes::from(bytes);
            let mut fields = Fields::new(&bytes[1..]);
            let packed = Column::take(&mut fields, &bytes).unwrap();
            assert!(fields.is_at_end());
            assert_eq!(
                packed.memory(),
                numbers.len() * number.saturating_sub(1),
                "{numbers:?}"
            );
            for mut column in [Column::Growing(numbers.clone()), packed] {
                assert_eq!(column.len(), numbers.len());
                let got: Vec<u32> = (0..numbers.len()).filter_map(|place| column.get(place)).collect();
                assert_eq!((got, column.get(numbers.len())), (numbers.clone(), None));
                let mut told = Vec::new();
                column.for_each(1, |place, number| told.push((place, number)));
                let expected = numbers.iter().copied().enumerate().skip(1);
                assert_eq!(told, expected.collect::<Vec<_>>());
                for wanted in numbers.iter().copied().chain([1, 2_000_000_000]) {
                    let places = (0..numbers.len()).filter(|place| numbers[*place] == wanted);
                    assert_eq!(
                        column.places_of(wanted, 0).collect::<Vec<_>>(),
                        places.collect::<Vec<_>>()
                    );
                }
                let sum = numbers.iter().skip(1).map(|number| u64::from(*number)).sum();
                assert_eq!(column.sum(1.min(numbers.len())..numbers.len()), sum);
                assert_eq!(column.grown(), &numbers);
            }
        }
    }

    #[test]
    fn what_is_in_order_is_found_by_halving() {
        let numbers = [3, 4, 8, 300, 70_000];
        for column in [
            Column::Growing(numbers.to_vec()),
            Column::packed(numbers.into_iter()),
        ] {
            for wanted in 0..400 {
                assert_eq!(column.find(wanted), numbers.binary_search(&wanted));
            }
        }
    }
}

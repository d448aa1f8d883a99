//! Footers as they were first, of numbers that take as many bytes as they need: they are read, and written no more.

use crate::fields::Fields;
use crate::segment::Directory;

/// What files with such a footer end with.
pub(super) const MAGIC: &[u8; 8] = b"VagusEND";

pub(super) fn decode(bytes: &[u8]) -> Option<Directory> {
    let mut fields = Fields::new(bytes);
    let records = fields.count()?;
    let count = fields.count()?;
    // Each takes a byte at least: so much is said, or the numbers are wrong.
    if records > bytes.len() || count > bytes.len() {
        return None;
    }
    let mut names: Vec<Vec<u8>> = Vec::new();
    let mut length = 0;
    for _ in 0..count {
        let shared = fields.count()?;
        let mut name = match names.last() {
            Some(before) => before.get(..shared)?.to_vec(),
            None if shared == 0 => Vec::new(),
            None => return None,
        };
        name.extend_from_slice(fields.sized()?);
        length += name.len() as u64;
        u32::try_from(length).ok()?;
        names.push(name);
    }
    let is_contiguous = fields.u8()? != 0;
    let mut sequences = Vec::new();
    let (mut lengths, mut subjects) = (Vec::with_capacity(records), Vec::with_capacity(records));
    let (mut next, mut end) = (0_u32, 0_u32);
    for _ in 0..records {
        if !is_contiguous {
            let sequence = next.checked_add(u32::try_from(fields.variable()?).ok()?)?;
            sequences.push(sequence);
            next = sequence.checked_add(1)?;
        }
        let length = u32::try_from(fields.variable()?).ok()?;
        end = end.checked_add(length)?;
        lengths.push(length);
        let subject = if count > 1 { fields.variable()? } else { 0 };
        if subject >= count as u64 {
            return None;
        }
        subjects.push(subject as u32);
    }
    let blocks = fields.count()?;
    let blocks = (0..blocks)
        .map(|_| Some((fields.u32()?, fields.u64()?)))
        .collect::<Option<_>>()?;
    fields
        .is_at_end()
        .then(|| Directory::from_parts(sequences, &lengths, subjects, &names, blocks))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four records of the subjects `b.x` and `b.xy`, in one block, as they were written.
    const WRITTEN: &[u8] = &[
        4, 2, 0, 3, b'b', b'.', b'x', 3, 1, b'y', 0, 2, 32, 0, 0, 33, 1, 5, 39, 0, 0xe6, 0xa2, 4, 0x8e, 0xa3,
        4, 1, 1, 0, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0, 0,
    ];

    #[test]
    fn what_was_written_earlier_is_read() {
        let directory = decode(WRITTEN).unwrap();
        let sequences: Vec<u32> = (0..4).map(|position| directory.sequence(position)).collect();
        assert_eq!(sequences, [2, 3, 9, 70_000]);
        let lengths = (0..4).map(|position| directory.range(position).unwrap().1);
        assert_eq!(lengths.collect::<Vec<_>>(), [32, 33, 39, 70_030]);
        let subjects = (0..4).map(|position| directory.subject(position).into_owned());
        assert_eq!(
            subjects.collect::<Vec<_>>(),
            [&b"b.x"[..], b"b.xy", b"b.x", b"b.xy"]
        );
        assert_eq!((directory.live_of(0), directory.live_of(1)), (2, 2));
        assert_eq!(directory.blocks(), [(0, 128)]);
    }

    #[test]
    fn any_bytes_are_a_directory_or_none() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let mut bytes = WRITTEN.to_vec();
            for _ in 0..random.usize(1..4) {
                let place = random.usize(..bytes.len());
                bytes[place] = random.u8(..);
            }
            bytes.truncate(random.usize(..=bytes.len()));
            decode(&bytes);
        }
    }
}

//! The end of a segment to which nothing is added any more: its directory, so that its records need not be read.

use crate::fields::{Fields, PutFields};

use super::block::{Packing, put_block, read_block};
use super::{Directory, SegmentError};

/// The last bytes of the file, which say where the footer is.
pub(crate) const TRAILER: usize = 24;

const MAGIC: &[u8; 8] = b"VagusEND";

/// What footers give as the place of their block.
const NOWHERE: u32 = u32::MAX;

/// Puts a footer behind `out`; it is at `offset` of the file.
pub(crate) fn put_footer(
    out: &mut Vec<u8>,
    seed: u32,
    offset: u64,
    directory: &Directory,
    packing: &Packing,
) -> Result<(), SegmentError> {
    let start = out.len();
    put_block(out, seed, NOWHERE, &encode(directory), packing)?;
    let length = (out.len() - start) as u32;
    let trailer = out.len();
    out.put_u64(offset);
    out.put_u32(length);
    let checksum = crc32c::crc32c_append(seed, &out[trailer..]);
    out.put_u32(checksum);
    out.put(MAGIC);
    Ok(())
}

/// Where the footer is, by the last bytes of the file, and how long it is.
pub(super) fn place(trailer: &[u8], seed: u32) -> Option<(u64, usize)> {
    let (said, rest) = trailer.split_at_checked(12)?;
    let is_whole =
        rest.starts_with(&crc32c::crc32c_append(seed, said).to_le_bytes()) && rest.ends_with(MAGIC);
    let mut fields = Fields::new(said);
    is_whole.then_some((fields.u64()?, fields.u32()? as usize))
}

/// The directory that a footer holds.
pub(super) fn read(bytes: &[u8], seed: u32, packing: &Packing) -> Result<Directory, SegmentError> {
    let plain = read_block(bytes, seed, packing.key.as_ref())?;
    decode(&plain).ok_or(SegmentError::Damaged)
}

fn encode(directory: &Directory) -> Vec<u8> {
    let mut out = Vec::new();
    let records = directory.len();
    out.put_count(records);
    out.put_count(directory.subject_count());
    let mut before: &[u8] = b"";
    for number in 0..directory.subject_count() as u32 {
        let name = directory.name(number);
        let shared = before
            .iter()
            .zip(name)
            .take_while(|(one, other)| one == other)
            .count();
        out.put_count(shared);
        out.put_sized(&name[shared..]);
        before = name;
    }
    out.put_u8(u8::from(directory.is_contiguous()));
    let mut next = 0;
    for position in 0..records {
        if !directory.is_contiguous() {
            let sequence = directory.sequence(position);
            out.put_variable(u64::from(sequence - next));
            next = sequence + 1;
        }
        let length = directory.range(position).map_or(0, |(_, length)| length);
        out.put_variable(u64::from(length));
        if directory.subject_count() > 1 {
            out.put_variable(u64::from(directory.subject_number(position)));
        }
    }
    out.put_count(directory.blocks().len());
    for (start, offset) in directory.blocks() {
        out.put_u32(*start);
        out.put_u64(*offset);
    }
    out
}

fn decode(bytes: &[u8]) -> Option<Directory> {
    let mut fields = Fields::new(bytes);
    let records = fields.count()?;
    let names = fields.count()?;
    // Each takes a byte at least: so much is said, or the numbers are wrong.
    if records > bytes.len() || names > bytes.len() {
        return None;
    }
    // Exactly as much as they take: they are kept, and to make room for them anew takes as long as to read them.
    let mut all = Vec::with_capacity(length_of_names(fields.clone(), names)?);
    let mut ends = Vec::with_capacity(names);
    let mut before = 0..0;
    for _ in 0..names {
        let shared = fields.count()?;
        let start = all.len();
        if shared > before.len() {
            return None;
        }
        all.extend_from_within(before.start..before.start + shared);
        all.extend_from_slice(fields.sized()?);
        before = start..all.len();
        ends.push(u32::try_from(all.len()).ok()?);
    }
    let is_contiguous = fields.u8()? != 0;
    let mut sequences = Vec::with_capacity(if is_contiguous { 0 } else { records });
    let (mut places, mut subjects) = (Vec::with_capacity(records), Vec::with_capacity(records));
    let (mut next, mut end) = (0_u32, 0_u32);
    for _ in 0..records {
        if !is_contiguous {
            let sequence = next.checked_add(u32::try_from(fields.variable()?).ok()?)?;
            sequences.push(sequence);
            next = sequence.checked_add(1)?;
        }
        end = end.checked_add(u32::try_from(fields.variable()?).ok()?)?;
        places.push(end);
        let subject = if names > 1 { fields.variable()? } else { 0 };
        if subject >= names as u64 {
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
        .then(|| Directory::from_parts(sequences, places, subjects, (all, ends), blocks))
}

/// How long all names are together.
fn length_of_names(mut fields: Fields<'_>, names: usize) -> Option<usize> {
    let (mut length, mut before) = (0_usize, 0);
    for _ in 0..names {
        let shared = fields.count()?;
        if shared > before {
            return None;
        }
        before = shared + fields.sized()?.len();
        length = length.checked_add(before)?;
    }
    // The ends of names are told in 32 bits.
    u32::try_from(length).ok().map(|length| length as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKING: Packing = Packing {
        is_compressed: false,
        key: None,
    };

    fn directory(sequences: &[u32], names: &[&str]) -> Directory {
        let mut directory = Directory::growing();
        for (number, sequence) in sequences.iter().enumerate() {
            directory.add(*sequence, names[number % names.len()].as_bytes());
            directory.place(30 + *sequence);
        }
        directory.add_block(0, 128);
        directory.into_sealed()
    }

    #[test]
    fn a_directory_is_read_as_it_was_put() {
        for (sequences, names) in [
            (&[0, 1, 2, 3, 4][..], &["one"][..]),
            (&[0, 1, 2, 3], &["b.x", "b.a", "c"]),
            (&[2, 3, 9, 70_000], &["b.x", "b.xy"]),
        ] {
            let put = directory(sequences, names);
            let mut bytes = b"records".to_vec();
            put_footer(&mut bytes, 5, 7, &put, &PACKING).unwrap();
            let (offset, length) = place(&bytes[bytes.len() - TRAILER..], 5).unwrap();
            assert_eq!((offset, length), (7, bytes.len() - TRAILER - 7));
            let found = read(&bytes[7..7 + length], 5, &PACKING).unwrap();
            assert_eq!(format!("{found:?}"), format!("{put:?}"));
        }
    }

    #[test]
    fn any_bytes_are_a_directory_or_none() {
        let put = encode(&directory(&[2, 3, 9, 70_000], &["b.x", "b.xy"]));
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let mut bytes = put.clone();
            for _ in 0..random.usize(1..4) {
                let place = random.usize(..bytes.len());
                bytes[place] = random.u8(..);
            }
            bytes.truncate(random.usize(..=bytes.len()));
            decode(&bytes);
        }
    }
}

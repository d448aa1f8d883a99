//! The end of a segment to which nothing is added any more: its directory, so that its records need not be read.

mod earlier;

use bytes::Bytes;

use crate::fields::{Fields, PutFields};

use super::block::{Packing, put_block, read_block};
use super::{Directory, SegmentError};

/// The last bytes of the file, which say where the footer is.
pub(crate) const TRAILER: usize = 24;

const MAGIC: &[u8; 8] = b"VagusEN2";

/// Which form the directory in a footer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Earlier,
    Current,
}

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
    let mut encoded = Vec::new();
    directory.put(&mut encoded);
    put_block(out, seed, NOWHERE, &encoded, packing)?;
    let length = (out.len() - start) as u32;
    let trailer = out.len();
    out.put_u64(offset);
    out.put_u32(length);
    let checksum = crc32c::crc32c_append(seed, &out[trailer..]);
    out.put_u32(checksum);
    out.put(MAGIC);
    Ok(())
}

/// Where the footer is, by the last bytes of the file, how long it is, and in which form.
pub(super) fn place(trailer: &[u8], seed: u32) -> Option<(u64, usize, Form)> {
    let (said, rest) = trailer.split_at_checked(12)?;
    let magic = rest.strip_prefix(&crc32c::crc32c_append(seed, said).to_le_bytes())?;
    let form = match magic {
        magic if magic == MAGIC => Form::Current,
        magic if magic == earlier::MAGIC => Form::Earlier,
        _ => return None,
    };
    let mut fields = Fields::new(said);
    Some((fields.u64()?, fields.u32()? as usize, form))
}

/// The directory that a footer holds.
pub(super) fn read(
    bytes: &Bytes,
    form: Form,
    seed: u32,
    packing: &Packing,
) -> Result<Directory, SegmentError> {
    let plain = read_block(bytes, seed, packing.key.as_ref())?;
    let directory = match form {
        Form::Earlier => earlier::decode(&plain),
        Form::Current => Directory::read(&plain),
    };
    directory.ok_or(SegmentError::Damaged)
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
            let (offset, length, form) = place(&bytes[bytes.len() - TRAILER..], 5).unwrap();
            assert_eq!((offset, length), (7, bytes.len() - TRAILER - 7));
            let footer = Bytes::from(bytes).slice(7..7 + length);
            let found = read(&footer, form, 5, &PACKING).unwrap();
            assert_eq!(format!("{found:?}"), format!("{put:?}"));
        }
    }

    #[test]
    fn any_bytes_are_a_directory_or_none() {
        let mut put = Vec::new();
        directory(&[2, 3, 9, 70_000], &["b.x", "b.xy"]).put(&mut put);
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let mut bytes = put.clone();
            for _ in 0..random.usize(1..4) {
                let place = random.usize(..bytes.len());
                bytes[place] = random.u8(..);
            }
            bytes.truncate(random.usize(..=bytes.len()));
            let Some(mut read) = Directory::read(&bytes.into()) else {
                continue;
            };
            // Whatever it says, it can be asked, and changed.
            read.delete_all(&(0..5).collect());
            for position in 0..read.len() {
                read.subject(position);
                let place = read.range(position).map_or(0, |(start, _)| start);
                assert!(place <= read.written());
            }
            assert!(read.matching(b"b.*").len() <= read.subject_count());
            read.extract(0..9, 100);
        }
    }
}

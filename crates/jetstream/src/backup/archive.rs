//! The archive that streams are backed up in since nats-server 2.15 (ADR-63 of NATS).
//!
//! It begins with `NATSARC1`. Each entry has the length of its name, a time, a sequence, and how long its headers and payload
//! are, as numbers of variable length; then its name, headers and payload. An entry without anything is the last.

use super::{BackupError, NAME_AT_MOST};
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// How it begins.
pub(super) const MAGIC: &[u8; 8] = b"NATSARC1";

/// What the numbers in front of an entry take at most.
const HEAD_AT_MOST: usize = 5 * 10;

/// An entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Bytes,
    pub(super) time: i64,
    pub(super) sequence: u64,
    pub(super) headers: Bytes,
    pub(super) payload: Bytes,
}

impl Entry {
    /// Whether it is the one that says that all of it is there.
    pub(super) fn is_end(&self) -> bool {
        *self == Self::default()
    }
}

/// Appends an entry.
pub(super) fn append(entry: &Entry, out: &mut Vec<u8>) {
    put_unsigned(out, entry.name.len() as u64);
    put_signed(out, entry.time);
    put_unsigned(out, entry.sequence);
    put_unsigned(out, entry.headers.len() as u64);
    put_unsigned(out, entry.payload.len() as u64);
    out.put_slice(&entry.name);
    out.put_slice(&entry.headers);
    out.put_slice(&entry.payload);
}

/// Takes an entry off what has come behind the beginning; None if it is not whole yet.
///
/// # Errors
/// If it is none, or longer than `at_most`.
pub(super) fn take(from: &mut BytesMut, at_most: usize) -> Result<Option<Entry>, BackupError> {
    let mut rest: &[u8] = from;
    let is_whole = rest.len() >= HEAD_AT_MOST;
    let head = [(); 5].map(|()| get_unsigned(&mut rest));
    let [
        Some(name),
        Some(time),
        Some(sequence),
        Some(headers),
        Some(payload),
    ] = head
    else {
        return match is_whole {
            true => Err(BackupError::Malformed("an entry of the archive")),
            false => Ok(None),
        };
    };
    let length = |length: u64, at_most: usize| {
        let length = usize::try_from(length).ok().filter(|length| *length <= at_most);
        length.ok_or(BackupError::TooLarge)
    };
    let (name, headers) = (length(name, NAME_AT_MOST)?, length(headers, at_most)?);
    let payload = length(payload, at_most)?;
    if rest.len() < name + headers + payload {
        return Ok(None);
    }
    let head = from.len() - rest.len();
    from.advance(head);
    let mut part = |length| from.split_to(length).freeze();
    Ok(Some(Entry {
        name: part(name),
        time: unfold(time),
        sequence,
        headers: part(headers),
        payload: part(payload),
    }))
}

pub(super) fn put_unsigned(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.put_u8(number as u8 | 0x80);
        number >>= 7;
    }
    out.put_u8(number as u8);
}

pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_unsigned(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// A number of variable length; None if it is not whole, or too long.
pub(super) fn get_unsigned(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The number with a sign that was folded into one without.
pub(super) fn unfold(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::{Entry, append, get_unsigned, put_signed, take, unfold};
    use crate::backup::BackupError;
    use bytes::{Bytes, BytesMut};

    #[test]
    fn entries_are_the_same_again_however_they_come() {
        let entries = [
            Entry {
                name: Bytes::from_static(b"o.a"),
                time: -5,
                sequence: u64::MAX,
                headers: Bytes::from_static(b"NATS/1.0\r\n\r\n"),
                payload: Bytes::from_static(b"payload"),
            },
            Entry::default(),
        ];
        let mut out = Vec::new();
        entries.iter().for_each(|entry| append(entry, &mut out));
        assert!(entries[1].is_end() && !entries[0].is_end());
        for step in 1..out.len() {
            let (mut come, mut read) = (BytesMut::new(), Vec::new());
            for part in out.chunks(step) {
                come.extend_from_slice(part);
                while let Some(entry) = take(&mut come, 100).unwrap() {
                    read.push(entry);
                }
            }
            assert_eq!(read, entries);
        }
    }

    #[test]
    fn what_is_none_is_refused_before_it_is_held() {
        let refused = |bytes: &[u8]| take(&mut BytesMut::from(bytes), 100);
        assert!(matches!(refused(&[0xff; 60]), Err(BackupError::Malformed(_))));
        let mut out = Vec::new();
        let entry = Entry {
            payload: Bytes::from_static(&[0; 101]),
            ..Entry::default()
        };
        append(&entry, &mut out);
        assert_eq!(refused(&out[..10]), Err(BackupError::TooLarge));
        assert_eq!(refused(&[1, 0]), Ok(None));
    }

    #[test]
    fn numbers_are_as_go_writes_them() {
        for (number, bytes) in [
            (0, &[0_u8][..]),
            (-1, &[1]),
            (1, &[2]),
            (-65, &[0x81, 1]),
            (i64::MIN, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        ] {
            let mut out = Vec::new();
            put_signed(&mut out, number);
            assert_eq!(out, bytes, "{number}");
            assert_eq!(get_unsigned(&mut &*out).map(unfold), Some(number));
        }
    }
}

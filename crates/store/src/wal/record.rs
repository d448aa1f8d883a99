//! Records of the write-ahead log: what each byte of them says, and whether it is what was written.

use crate::encryption::{EncryptionError, FileKey, OVERHEAD};
use crate::fields::{Fields, PutFields};

use super::WalError;

/// How long a record is without its body.
pub(crate) const HEAD: usize = 80;
/// Records begin at multiples of it, so that whoever looks for the next one knows where it may be.
pub(crate) const ALIGNMENT: usize = 8;

const BEFORE_CHECKSUM: usize = 4;
const BEHIND_CHECKSUM: usize = 8;

/// The log of one stream, and of whatever else keeps a log of its own. Never used for anything else again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u64);

impl GroupId {
    /// The log of the store itself.
    pub(crate) const STORE: Self = Self(0);
}

/// A place in the log: how many bytes of records were written before it, ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lsn(pub u64);

/// An entry of a group's log. What its body says is the group's own matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Whose log it is in.
    pub group: GroupId,
    /// Which life of what the group is for: names are labels and may be given again.
    pub incarnation: u64,
    /// The term in which it was proposed; 1 where there is one voter.
    pub term: u64,
    /// Its place in the group's log, from 1 on.
    pub index: u64,
    /// When it was proposed, in nanoseconds since 1970.
    pub timestamp: u64,
    /// What kind of entry the group says it is. 255 is the store's own.
    pub kind: u8,
    /// What it says.
    pub body: &'a [u8],
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The use of the file that it is written in.
    pub(crate) generation: u64,
    pub(crate) lsn: Lsn,
    /// Everything before this was durable when the record was written.
    pub(crate) settled: Lsn,
}

/// A record that is what was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) place: Place,
    /// With its body as it is in the file: sealed, if the file is.
    pub(crate) entry: Entry<'a>,
    /// With what it is padded by.
    pub(crate) length: usize,
    /// Whether its body has to be opened.
    pub(crate) is_sealed: bool,
    head: &'a [u8],
}

/// How long a record is in the file.
pub(crate) fn length_of(body: usize, is_sealed: bool) -> usize {
    (HEAD + body + if is_sealed { OVERHEAD } else { 0 }).next_multiple_of(ALIGNMENT)
}

/// Puts a record behind `out`.
pub(crate) fn put(
    out: &mut Vec<u8>,
    place: Place,
    entry: &Entry<'_>,
    key: Option<&FileKey>,
) -> Result<(), WalError> {
    let start = out.len();
    let body = entry.body.len() + if key.is_some() { OVERHEAD } else { 0 };
    let length = u32::try_from(HEAD + body).map_err(|_| WalError::TooLarge)?;
    out.put_u32(length);
    out.put_u32(0);
    out.put_u64(place.generation);
    out.put_u64(place.lsn.0);
    out.put_u64(place.settled.0);
    out.put_u64(entry.group.0);
    out.put_u64(entry.incarnation);
    out.put_u64(entry.term);
    out.put_u64(entry.index);
    out.put_u64(entry.timestamp);
    out.put_u8(entry.kind);
    out.put_u8(u8::from(key.is_some()));
    out.put(&[0; 6]);
    match key {
        None => out.put(entry.body),
        Some(key) => {
            let head = out[start + BEHIND_CHECKSUM..].to_vec();
            key.seal(&head, entry.body, out)?;
        }
    }
    let checksum = checksum_of(&out[start..]);
    out[start + BEFORE_CHECKSUM..start + BEHIND_CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
    out.resize(start + length_of(entry.body.len(), key.is_some()), 0);
    Ok(())
}

/// Over all of a record but the checksum itself.
fn checksum_of(record: &[u8]) -> u32 {
    let checksum = crc32c::crc32c(&record[..BEFORE_CHECKSUM]);
    crc32c::crc32c_append(checksum, &record[BEHIND_CHECKSUM..])
}

/// The record that `bytes` begin with, if it is one, at a place that `is_expected`: that is asked before anything costs
/// more than a look.
pub(crate) fn read<'a>(bytes: &'a [u8], is_expected: impl Fn(&Place) -> bool) -> Option<Record<'a>> {
    let mut fields = Fields::new(bytes);
    let length = fields.u32()? as usize;
    let checksum = fields.u32()?;
    let place = Place {
        generation: fields.u64()?,
        lsn: Lsn(fields.u64()?),
        settled: Lsn(fields.u64()?),
    };
    if length < HEAD || !is_expected(&place) {
        return None;
    }
    let whole = bytes.get(..length)?;
    if checksum_of(whole) != checksum {
        return None;
    }
    let entry = Entry {
        group: GroupId(fields.u64()?),
        incarnation: fields.u64()?,
        term: fields.u64()?,
        index: fields.u64()?,
        timestamp: fields.u64()?,
        kind: fields.u8()?,
        body: &whole[HEAD..],
    };
    let is_sealed = fields.u8()? != 0;
    Some(Record {
        place,
        entry,
        is_sealed,
        length: length.next_multiple_of(ALIGNMENT),
        head: &whole[BEHIND_CHECKSUM..HEAD],
    })
}

impl Record<'_> {
    /// The body as it was before it was sealed, unless it never was.
    pub(crate) fn unsealed(&self, key: Option<&FileKey>) -> Result<Option<Vec<u8>>, EncryptionError> {
        if !self.is_sealed {
            return Ok(None);
        }
        let key = key.ok_or(EncryptionError::Damaged)?;
        key.open(self.head, self.entry.body).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        generation: 3,
        lsn: Lsn(4096),
        settled: Lsn(4000),
    };

    fn entry(body: &[u8]) -> Entry<'_> {
        Entry {
            group: GroupId(7),
            incarnation: 8,
            term: 1,
            index: 9,
            timestamp: 10,
            kind: 2,
            body,
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_put() {
        for body in [&b""[..], b"b", b"body of a record"] {
            let mut bytes = Vec::new();
            put(&mut bytes, PLACE, &entry(body), None).unwrap();
            assert_eq!(bytes.len(), length_of(body.len(), false));
            let record = read(&bytes, |place| *place == PLACE).unwrap();
            assert_eq!((record.entry, record.length), (entry(body), bytes.len()));
            assert!(read(&bytes, |place| place.generation == 4).is_none());
        }
    }

    #[test]
    fn a_changed_record_is_none() {
        let mut bytes = Vec::new();
        put(&mut bytes, PLACE, &entry(b"body"), None).unwrap();
        for bit in 0..(HEAD + 4) * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&changed, |_| true).is_none(), "bit {bit}");
        }
        for length in 0..HEAD + 4 {
            assert!(read(&bytes[..length], |_| true).is_none());
        }
    }
}

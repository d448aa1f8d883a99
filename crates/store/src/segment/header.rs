//! What a segment begins with: whose it is, and how it is to be read.

use crate::encryption::{EncryptionError, FileKey, KeyId, Keys, SALT, file_key};
use crate::fields::{Fields, PutFields};

use super::SegmentError;

/// Where the first record or block of a segment is.
pub(crate) const HEADER: usize = 128;

const MAGIC: &[u8; 8] = b"VagusSEG";
const VERSION: u16 = 1;
const LENGTH: usize = 8 + 2 + 2 + 8 + 8 + 8 + 8 + SALT;

const IS_PACKED: u16 = 1;

/// Which segment it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SegmentId {
    /// The life of the stream that it is part of.
    pub(crate) incarnation: u64,
    pub(crate) number: u64,
    /// Sequences are counted from here on.
    pub(crate) base: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// The life of the stream that it is part of.
    pub(crate) incarnation: u64,
    pub(crate) number: u64,
    /// Sequences are counted from here on.
    pub(crate) base: u64,
    /// Whether records are in blocks, compressed or sealed, and not as they are.
    pub(crate) is_packed: bool,
    pub(crate) key: KeyId,
    pub(crate) salt: [u8; SALT],
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.put(MAGIC);
        bytes.put_u16(VERSION);
        bytes.put_u16(if self.is_packed { IS_PACKED } else { 0 });
        bytes.put_u64(self.incarnation);
        bytes.put_u64(self.number);
        bytes.put_u64(self.base);
        bytes.put(&self.key);
        bytes.put(&self.salt);
        let checksum = crc32c::crc32c(&bytes);
        bytes.put_u32(checksum);
        bytes.resize(HEADER, 0);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, SegmentError> {
        let (fields, rest) = bytes.split_at_checked(LENGTH).ok_or(SegmentError::Damaged)?;
        let is_whole = rest.starts_with(&crc32c::crc32c(fields).to_le_bytes()) && fields.starts_with(MAGIC);
        if !is_whole {
            return Err(SegmentError::Damaged);
        }
        let mut fields = Fields::new(&fields[MAGIC.len()..]);
        if fields.u16() != Some(VERSION) {
            return Err(SegmentError::Unknown);
        }
        (|| {
            Some(Self {
                is_packed: fields.u16()? & IS_PACKED != 0,
                incarnation: fields.u64()?,
                number: fields.u64()?,
                base: fields.u64()?,
                key: fields.bytes(8)?.try_into().ok()?,
                salt: fields.bytes(SALT)?.try_into().ok()?,
            })
        })()
        .ok_or(SegmentError::Damaged)
    }

    pub(crate) fn id(&self) -> SegmentId {
        SegmentId {
            incarnation: self.incarnation,
            number: self.number,
            base: self.base,
        }
    }

    /// What checksums of records begin with.
    pub(crate) fn seed(&self) -> u32 {
        crc32c::crc32c(&self.encode())
    }

    pub(crate) fn file_key(&self, keys: Option<&Keys>) -> Result<Option<FileKey>, EncryptionError> {
        file_key(keys, self.key, &self.salt)
    }
}

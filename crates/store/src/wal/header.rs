//! What a file of the log begins with: which use of it this is, and where in the log it begins.

use crate::encryption::{EncryptionError, FileKey, KeyId, Keys, SALT, file_key};
use crate::fields::{Fields, PutFields};

use super::{Lsn, WalError};

/// Where the first record of a file is.
pub(crate) const FIRST_RECORD: usize = 4096;

const MAGIC: &[u8; 8] = b"VagusWAL";
const VERSION: u16 = 1;
/// It is there twice, so that the salt survives what hits one of them.
const COPIES: [usize; 2] = [0, FIRST_RECORD / 2];
const LENGTH: usize = 8 + 2 + 8 + 8 + 8 + 8 + SALT + 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The how-manieth use of any file this is. A file is used again when nothing in it is needed.
    pub(crate) generation: u64,
    /// Where in the log its first record is. Whatever is before was durable when this was written.
    pub(crate) base: Lsn,
    /// Files of generations below are not needed any more.
    pub(crate) low_water: u64,
    pub(crate) key: KeyId,
    pub(crate) salt: [u8; SALT],
}

impl Header {
    /// Everything that stands before the first record.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut copy = Vec::with_capacity(LENGTH);
        copy.put(MAGIC);
        copy.put_u16(VERSION);
        copy.put_u64(self.generation);
        copy.put_u64(self.base.0);
        copy.put_u64(self.low_water);
        copy.put(&self.key);
        copy.put(&self.salt);
        copy.put_u32(crc32c::crc32c(&copy));
        let mut bytes = vec![0; FIRST_RECORD];
        for place in COPIES {
            bytes[place..place + LENGTH].copy_from_slice(&copy);
        }
        bytes
    }

    /// The header of a file, if one of its copies is whole.
    ///
    /// # Errors
    ///
    /// `Unknown`, if it was written by a version that came later.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Self>, WalError> {
        for place in COPIES {
            let copy = bytes.get(place..place + LENGTH).unwrap_or_default();
            if let Some(header) = Self::decode_copy(copy)? {
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    fn decode_copy(copy: &[u8]) -> Result<Option<Self>, WalError> {
        let Some((fields, checksum)) = copy.split_last_chunk::<4>() else {
            return Ok(None);
        };
        let is_whole = crc32c::crc32c(fields).to_le_bytes() == *checksum && fields.starts_with(MAGIC);
        if !is_whole {
            return Ok(None);
        }
        let mut fields = Fields::new(&fields[MAGIC.len()..]);
        if fields.u16() != Some(VERSION) {
            return Err(WalError::Unknown);
        }
        Ok((|| {
            Some(Self {
                generation: fields.u64()?,
                base: Lsn(fields.u64()?),
                low_water: fields.u64()?,
                key: fields.bytes(8)?.try_into().ok()?,
                salt: fields.bytes(SALT)?.try_into().ok()?,
            })
        })())
    }

    /// The key that bodies of this file are sealed by.
    pub(crate) fn file_key(&self, keys: Option<&Keys>) -> Result<Option<FileKey>, EncryptionError> {
        file_key(keys, self.key, &self.salt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_two_copies_is_enough() {
        let header = Header {
            generation: 5,
            base: Lsn(1000),
            low_water: 3,
            key: [1; 8],
            salt: [2; SALT],
        };
        let mut bytes = header.encode();
        assert_eq!(Header::decode(&bytes).unwrap(), Some(header));
        bytes[20] ^= 1;
        assert_eq!(Header::decode(&bytes).unwrap(), Some(header));
        bytes[COPIES[1] + 20] ^= 1;
        assert_eq!(Header::decode(&bytes).unwrap(), None);
        assert_eq!(Header::decode(&[0; 10]).unwrap(), None);
    }

    #[test]
    fn a_later_version_is_refused() {
        let header = Header {
            generation: 5,
            base: Lsn(1000),
            low_water: 3,
            key: [0; 8],
            salt: [0; SALT],
        };
        let mut bytes = header.encode();
        bytes[8] += 1;
        let checksum = crc32c::crc32c(&bytes[..LENGTH - 4]);
        bytes[LENGTH - 4..LENGTH].copy_from_slice(&checksum.to_le_bytes());
        assert!(matches!(Header::decode(&bytes), Err(WalError::Unknown)));
    }
}

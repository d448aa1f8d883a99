//! Small files that are written whole: what they are, by which key they are sealed, and one block.

use std::io;
use std::path::Path;

use bytes::Bytes;

use crate::disk::{Disk, Opening, read_all, replace};
use crate::encryption::{KeyId, Keys, SALT, file_key, new_file_key};
use crate::fields::{Fields, PutFields};
use crate::segment::{Packing, SegmentError, put_block, read_block};

const VERSION: u16 = 1;
const LENGTH: usize = 8 + 2 + 8 + SALT;

/// What a file is, by its first bytes.
pub(crate) type Magic = [u8; 8];

/// All bytes of the file that holds `plain`.
pub(crate) fn encode(magic: &Magic, keys: Option<&Keys>, plain: &[u8]) -> Result<Vec<u8>, SegmentError> {
    let (key, id, salt) = new_file_key(keys)?;
    let mut bytes = Vec::new();
    bytes.put(magic);
    bytes.put_u16(VERSION);
    bytes.put(&id);
    bytes.put(&salt);
    let seed = crc32c::crc32c(&bytes);
    let packing = Packing {
        is_compressed: true,
        key,
    };
    put_block(&mut bytes, seed, 0, plain, &packing)?;
    Ok(bytes)
}

/// What the file holds, and by which key it was sealed.
pub(crate) fn decode(
    magic: &Magic,
    keys: Option<&Keys>,
    bytes: &[u8],
) -> Result<(Bytes, KeyId), SegmentError> {
    let (head, block) = bytes.split_at_checked(LENGTH).ok_or(SegmentError::Damaged)?;
    let seed = crc32c::crc32c(head);
    let mut fields = Fields::new(head);
    if fields.bytes(magic.len()) != Some(magic) {
        return Err(SegmentError::Damaged);
    }
    if fields.u16() != Some(VERSION) {
        return Err(SegmentError::Unknown);
    }
    let read = || {
        Some((
            fields.bytes(8)?.try_into().ok()?,
            fields.bytes(SALT)?.try_into().ok()?,
        ))
    };
    let (id, salt): (KeyId, [u8; SALT]) = { read }().ok_or(SegmentError::Damaged)?;
    // A damaged key id looks like a wrong key: the checksum is asked first.
    let key = match file_key(keys, id, &salt) {
        Ok(key) => key,
        Err(error) if crate::segment::is_whole(block, seed) => return Err(error.into()),
        Err(_) => return Err(SegmentError::Damaged),
    };
    Ok((
        read_block(&Bytes::copy_from_slice(block), seed, key.as_ref())?,
        id,
    ))
}

/// Reads such a file; None if there is none.
pub(crate) fn read(
    disk: &dyn Disk,
    path: &Path,
    magic: &Magic,
    keys: Option<&Keys>,
) -> Result<Option<(Bytes, KeyId)>, SegmentError> {
    let file = match disk.open(path, Opening::Existing) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    decode(magic, keys, &read_all(&*file)?).map(Some)
}

/// Puts such a file in place of what is there.
pub(crate) fn write(
    disk: &dyn Disk,
    path: &Path,
    magic: &Magic,
    keys: Option<&Keys>,
    plain: &[u8],
) -> Result<(), SegmentError> {
    Ok(replace(disk, path, &encode(magic, keys, plain)?)?)
}

/// Writes such a file where there is none; it is not durable before the system has it be.
pub(crate) fn write_soon(
    disk: &dyn Disk,
    path: &Path,
    magic: &Magic,
    keys: Option<&Keys>,
    plain: &[u8],
) -> Result<(), SegmentError> {
    let file = disk.open(path, Opening::Emptied)?;
    Ok(file.write_at(0, &encode(magic, keys, plain)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encryption::{Cipher, EncryptionError};

    const MAGIC: &Magic = b"VagusTST";

    #[test]
    fn what_is_put_in_comes_out() {
        let keys = Keys::new(Cipher::Aes, b"key", None).unwrap();
        let other = Keys::new(Cipher::Aes, b"other", None).unwrap();
        for keys in [None, Some(&keys)] {
            let bytes = encode(MAGIC, keys, b"what it holds").unwrap();
            assert_eq!(decode(MAGIC, keys, &bytes).unwrap().0, &b"what it holds"[..]);
            for byte in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[byte] ^= 1;
                let error = decode(MAGIC, keys, &changed).unwrap_err();
                let is_expected = matches!(error, SegmentError::Damaged)
                    || (8..10).contains(&byte) && matches!(error, SegmentError::Unknown);
                assert!(is_expected, "{byte}: {error}");
            }
        }
        let bytes = encode(MAGIC, Some(&keys), b"what it holds").unwrap();
        assert!(matches!(
            decode(MAGIC, Some(&other), &bytes),
            Err(SegmentError::Encryption(EncryptionError::WrongKey))
        ));
    }
}

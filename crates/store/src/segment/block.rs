//! Blocks: records that are compressed, sealed or both, and so are read together.

use bytes::Bytes;

use crate::encryption::FileKey;
use crate::fields::{Fields, PutFields};

use super::SegmentError;

/// How long a block is without what is in it.
pub(crate) const BLOCK_HEAD: usize = 17;

const BEHIND_CHECKSUM: usize = 8;
const IS_COMPRESSED: u8 = 1;
const IS_SEALED: u8 = 2;

/// How records become blocks.
#[derive(Clone, Debug)]
pub(crate) struct Packing {
    pub(crate) is_compressed: bool,
    pub(crate) key: Option<FileKey>,
}

/// A block, as its head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockHead {
    /// With the head.
    pub(crate) length: usize,
    /// Where in the segment its records are, if they were not in blocks.
    pub(crate) start: u32,
    /// How long they are.
    pub(crate) plain: u32,
}

/// Puts records behind `out`, as a block. `start` is where they are if none before them were in blocks.
pub(crate) fn put_block(
    out: &mut Vec<u8>,
    seed: u32,
    start: u32,
    records: &[u8],
    packing: &Packing,
) -> Result<(), SegmentError> {
    let compressed = packing.is_compressed.then(|| minlz::encode(records));
    // What does not get shorter stays as it is.
    let compressed = compressed.filter(|compressed| compressed.len() < records.len());
    let body = compressed.as_deref().unwrap_or(records);
    let flags = if compressed.is_some() { IS_COMPRESSED } else { 0 }
        | if packing.key.is_some() { IS_SEALED } else { 0 };
    let at = out.len();
    out.put_u32(0);
    out.put_u32(0);
    out.put_u32(start);
    out.put_u32(records.len() as u32);
    out.put_u8(flags);
    match &packing.key {
        None => out.put(body),
        Some(key) => {
            let head = out[at + BEHIND_CHECKSUM..].to_vec();
            key.seal(&head, body, out)?;
        }
    }
    let length = (out.len() - at) as u32;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum_of(&out[at..], seed);
    out[at + 4..at + BEHIND_CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
    Ok(())
}

fn checksum_of(block: &[u8], seed: u32) -> u32 {
    let checksum = crc32c::crc32c_append(seed, &block[..4]);
    crc32c::crc32c_append(checksum, &block[BEHIND_CHECKSUM..])
}

/// What the block that `bytes` begin with says of itself, whole or not.
pub(crate) fn read_head(bytes: &[u8]) -> Option<BlockHead> {
    let mut fields = Fields::new(bytes);
    let length = fields.u32()? as usize;
    fields.u32()?;
    let (start, plain) = (fields.u32()?, fields.u32()?);
    (length >= BLOCK_HEAD).then_some(BlockHead { length, start, plain })
}

/// Whether a block, which `bytes` begin with, is what was written.
pub(crate) fn is_whole(bytes: &[u8], seed: u32) -> bool {
    let block = read_head(bytes).and_then(|head| bytes.get(..head.length));
    block.is_some_and(|block| checksum_of(block, seed).to_le_bytes() == block[4..BEHIND_CHECKSUM])
}

/// The records of a block, which `bytes` begin with.
pub(crate) fn read_block(bytes: &Bytes, seed: u32, key: Option<&FileKey>) -> Result<Bytes, SegmentError> {
    let head = read_head(bytes).ok_or(SegmentError::Damaged)?;
    if !is_whole(bytes, seed) {
        return Err(SegmentError::Damaged);
    }
    let block = &bytes[..head.length];
    let (flags, mut body) = (block[BLOCK_HEAD - 1], bytes.slice(BLOCK_HEAD..head.length));
    if flags & IS_SEALED != 0 {
        let key = key.ok_or(SegmentError::Damaged)?;
        body = key.open(&block[BEHIND_CHECKSUM..BLOCK_HEAD], &body)?.into();
    }
    if flags & IS_COMPRESSED != 0 {
        // The length is looked at before room for it is made.
        let (length, _) = minlz::decode_len(&body).map_err(|_| SegmentError::Damaged)?;
        if length != head.plain as usize {
            return Err(SegmentError::Damaged);
        }
        body = minlz::decode(&body).map_err(|_| SegmentError::Damaged)?.into();
    }
    if body.len() != head.plain as usize {
        return Err(SegmentError::Damaged);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encryption::{Cipher, Keys, new_file_key};

    #[test]
    fn records_come_out_of_blocks() {
        let keys = Keys::new(Cipher::ChaCha, b"key", None).unwrap();
        let (key, _, _) = new_file_key(Some(&keys)).unwrap();
        let long = b"some text ".repeat(100);
        for (is_compressed, key) in [(true, None), (false, key.clone()), (true, key)] {
            for records in [&long[..], b"short"] {
                let packing = Packing {
                    is_compressed,
                    key: key.clone(),
                };
                let mut bytes = Vec::new();
                put_block(&mut bytes, 3, 77, records, &packing).unwrap();
                let bytes = Bytes::from(bytes);
                let head = read_head(&bytes).unwrap();
                assert_eq!(
                    (head.length, head.start, head.plain as usize),
                    (bytes.len(), 77, records.len())
                );
                assert_eq!(read_block(&bytes, 3, key.as_ref()).unwrap(), records);
                assert!(matches!(
                    read_block(&bytes, 4, key.as_ref()),
                    Err(SegmentError::Damaged)
                ));
                for byte in 0..bytes.len() {
                    let mut changed = bytes.to_vec();
                    changed[byte] ^= 8;
                    assert!(read_block(&changed.into(), 3, key.as_ref()).is_err());
                }
                if is_compressed && records.len() > 100 {
                    assert!(bytes.len() < records.len() / 2);
                }
            }
        }
    }
}

//! Out: bytes become chunks.

use super::{CHECKSUM, COMPRESSED, HEADER, S2, STREAM_IDENTIFIER, UNCOMPRESSED, checksum};
use crate::mode::Level;
use std::fmt;

/// The data of one chunk at most, in bytes.
pub const BLOCK: usize = 64 * 1024;

/// Fewer bytes are not worth a try.
const LEAST: usize = 32;

/// What compressing needs while it does: tables of up to some megabytes, which streams on one thread share.
#[derive(Default)]
pub struct Compressor(minlz::Encoder);

impl fmt::Debug for Compressor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Compressor").finish_non_exhaustive()
    }
}

impl Compressor {
    /// A block, smaller than it was; or none.
    fn compress(&mut self, block: &[u8], level: Level) -> Option<Vec<u8>> {
        if block.len() < LEAST {
            return None;
        }
        let compressed = match level {
            Level::Uncompressed => return None,
            Level::Fast => self.0.encode(block),
            Level::Better => self.0.encode_better(block),
            Level::Best => self.0.encode_best(block),
        };
        (compressed.len() < block.len()).then_some(compressed)
    }
}

/// One stream on its way out.
#[derive(Debug, Default)]
pub struct Writer {
    has_begun: bool,
}

impl Writer {
    /// Appends the chunks that these bytes are in. Whoever has read them needs nothing more to have all of the bytes.
    pub fn append(&mut self, bytes: &[u8], level: Level, compressor: &mut Compressor, out: &mut Vec<u8>) {
        if !self.has_begun {
            append_header(STREAM_IDENTIFIER, S2.len(), out);
            out.extend_from_slice(S2);
            self.has_begun = true;
        }
        for block in bytes.chunks(BLOCK) {
            let compressed = compressor.compress(block, level);
            let (kind, data) = match &compressed {
                Some(compressed) => (COMPRESSED, &**compressed),
                None => (UNCOMPRESSED, block),
            };
            append_header(kind, CHECKSUM + data.len(), out);
            out.extend_from_slice(&checksum(block).to_le_bytes());
            out.extend_from_slice(data);
        }
    }
}

fn append_header(kind: u8, length: usize, out: &mut Vec<u8>) {
    debug_assert!(length < 1 << 24, "a length has three bytes");
    let mut header = (length as u32).to_le_bytes();
    header.rotate_right(1);
    header[0] = kind;
    let header: [u8; HEADER] = header;
    out.extend_from_slice(&header);
}

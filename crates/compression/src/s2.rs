//! Streams of S2: chunks with a type, a length and, where they hold data, a checksum. What is not compressed may be a chunk as
//! well. Streams of Snappy can be read, too.

mod reader;
mod writer;

pub use reader::{Reader, StreamError};
pub use writer::{BLOCK, Compressor, Writer};

/// Of a chunk: a byte for the type, three for the length of what follows, the lowest first.
const HEADER: usize = 4;

const CHECKSUM: usize = 4;

const COMPRESSED: u8 = 0x00;
const UNCOMPRESSED: u8 = 0x01;
const STREAM_IDENTIFIER: u8 = 0xff;

const S2: &[u8; 6] = b"S2sTwO";
const SNAPPY: &[u8; 6] = b"sNaPpY";

/// As both formats mask the CRC-32C of what is in a chunk, so that a checksum of data that holds checksums is none.
fn checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests;

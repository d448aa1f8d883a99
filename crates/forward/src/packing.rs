//! Events on their way out, in PackedForward mode: the receiver gets them as one piece.

use crate::entries::EventTime;
use crate::msgpack::{write_array, write_bin, write_map, write_str, write_u64};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// How events go out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Packing {
    /// As they are.
    #[default]
    Plain,
    /// Compressed.
    Gzip,
}

/// Appends an event: what `record` appends is a map of MessagePack.
pub fn append_entry(time: EventTime, record: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
    write_array(out, 2);
    time.append(out);
    record(out);
}

/// The message of `count` events that [`append_entry`] has appended; with a `chunk`, the peer is asked to say that it has
/// arrived.
pub fn pack(tag: &[u8], entries: &[u8], count: u64, chunk: Option<&[u8]>, packing: Packing) -> Vec<u8> {
    let compressed = match packing {
        Packing::Plain => None,
        Packing::Gzip => gzip(entries),
    };
    let content = compressed.as_deref().unwrap_or(entries);
    let mut out = Vec::with_capacity(content.len() + tag.len() + 96);
    write_array(&mut out, 3);
    write_str(&mut out, tag);
    write_bin(&mut out, content);
    let pairs = [chunk.is_some(), compressed.is_some()];
    write_map(&mut out, 1 + u32::from(pairs[0]) + u32::from(pairs[1]));
    write_str(&mut out, b"size");
    write_u64(&mut out, count);
    if let Some(chunk) = chunk {
        write_str(&mut out, b"chunk");
        write_str(&mut out, chunk);
    }
    if compressed.is_some() {
        write_str(&mut out, b"compressed");
        write_str(&mut out, b"gzip");
    }
    out
}

/// Writing into a vector does not fail; if it did, events would go out as they are.
fn gzip(entries: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(entries.len() / 4), Compression::fast());
    encoder.write_all(entries).ok()?;
    encoder.finish().ok()
}

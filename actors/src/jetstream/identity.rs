//! How the store is told what a stream is.

use vagus_jetstream::config::{Compression, StreamConfig};
use vagus_store::messages::MessagesOptions;

/// How many bytes of messages a segment has, where a stream is not small.
const SEGMENT: u32 = 16 << 20;

/// How few, and how many segments a stream has at least that says how large it may be.
const SMALLEST_SEGMENT: u32 = 256 << 10;
const SEGMENTS_AT_LEAST: i64 = 8;

/// How the messages of a stream that is configured so are kept.
pub(super) fn options(config: &StreamConfig) -> MessagesOptions {
    let share = u32::try_from(config.max_bytes / SEGMENTS_AT_LEAST).unwrap_or(u32::MAX);
    MessagesOptions {
        segment_size: match config.max_bytes {
            ..=0 => SEGMENT,
            _ => share.clamp(SMALLEST_SEGMENT, SEGMENT),
        },
        // What was read once stays: what streams ask of their index is not waited for.
        directories_at_most: usize::MAX,
        is_compressed: config.compression == Compression::S2,
        ..MessagesOptions::default()
    }
}

//! How large the pieces are in which streams are kept: tests have small ones, so that few messages are many of them.

use vagus_jetstream::config::{Compression, StreamConfig};
use vagus_store::messages::MessagesOptions;

/// How many segments a stream has at least that says how large it may be.
const SEGMENTS_AT_LEAST: i64 = 8;

/// How large the pieces are, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// A file of the log has this share of what the disk has left, and no less and no more than so much.
    pub(super) log_file: (u64, u64, u64),
    /// How many files the log has at most.
    pub(super) log_files: usize,
    /// How much a segment has, where a stream says how large it may be, at least; and where it does not.
    pub(super) segment: (u32, u32),
    /// How much of messages that are written stays in memory.
    pub(super) held_at_most: u64,
    /// So much is written at once, and is in memory until then.
    pub(super) unwritten_at_most: u64,
    /// The same while the log is read.
    pub(super) unread_at_most: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            log_file: (128, 1 << 20, 16 << 20),
            // Many, so that few streams have to be checkpointed for the next.
            log_files: 32,
            segment: (256 << 10, 16 << 20),
            held_at_most: MessagesOptions::default().held_at_most,
            unwritten_at_most: 1 << 20,
            unread_at_most: 4 << 20,
        }
    }
}

impl Sizes {
    /// How the messages of a stream that is configured so are kept.
    pub(super) fn options(&self, config: &StreamConfig) -> MessagesOptions {
        let share = u32::try_from(config.max_bytes / SEGMENTS_AT_LEAST).unwrap_or(u32::MAX);
        let (least, most) = self.segment;
        MessagesOptions {
            segment_size: match config.max_bytes {
                ..=0 => most,
                _ => share.clamp(least, most),
            },
            held_at_most: self.held_at_most,
            // What was read once stays: what streams ask of their index is not waited for.
            directories_at_most: usize::MAX,
            is_compressed: config.compression == Compression::S2,
        }
    }
}

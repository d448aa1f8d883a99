//! The content of compressed messages (RFC 7692). Each is compressed by itself: neither side refers to what it sent before,
//! so nothing is kept from one message to the next.

use crate::Violation;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::fmt;

/// Messages that are not larger than this are not compressed, in bytes; as in nats-server.
pub const NOT_COMPRESSED: usize = 64;

/// How a compressed message ends, which is left out (section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// An empty last block, behind which there is nothing: a message that was cut has no place for it.
const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];

/// A message holds no more than so many times the largest payload of NATS, compressed or not; as in nats-server.
const PAYLOADS: usize = 8;

/// Nor more than this, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// How much of a compressed message may have come before what it takes to decompress it is held, in bytes: less than that
/// takes.
const HELD_FIRST: usize = 16 * 1024;

/// The most that a compressed message may hold, where messages of NATS have at most this payload.
pub fn largest_message(max_payload: usize) -> usize {
    max_payload.saturating_mul(PAYLOADS).min(LARGEST)
}

/// Compresses messages, one after another.
pub struct Deflater(Compress);

impl Default for Deflater {
    fn default() -> Self {
        Self(Compress::new(Compression::fast(), false))
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Deflater").finish_non_exhaustive()
    }
}

impl Deflater {
    /// Appends a message, compressed.
    pub fn append(&mut self, message: &[u8], out: &mut Vec<u8>) {
        self.0.reset();
        let mut rest = message;
        loop {
            out.reserve(rest.len() / 2 + TAIL.len() * 16);
            let before = self.0.total_in();
            let compressed = self.0.compress_vec(rest, out, FlushCompress::Sync);
            debug_assert!(
                compressed.is_ok(),
                "there is nothing to be wrong in what is compressed"
            );
            rest = &rest[(self.0.total_in() - before) as usize..];
            // It ends where there is room left over.
            if rest.is_empty() && out.len() < out.capacity() {
                break;
            }
        }
        debug_assert!(out.ends_with(&TAIL));
        out.truncate(out.len() - TAIL.len());
    }
}

/// What it takes to decompress, to be used again for another message.
pub struct Inflater(Decompress);

impl Default for Inflater {
    fn default() -> Self {
        Self(Decompress::new(false))
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Inflater").finish_non_exhaustive()
    }
}

/// A compressed message on its way in.
#[derive(Debug)]
pub struct CompressedMessage {
    /// What has come and is not decompressed yet, from `taken` on.
    compressed: Vec<u8>,
    taken: usize,
    has_all_come: bool,
    has_ended: bool,
    inflater: Option<Inflater>,
    /// Something may be left in the inflater.
    holds_more: bool,
    /// How much may yet come of it, and may yet be in it, in bytes.
    may_come: usize,
    may_hold: usize,
}

impl CompressedMessage {
    /// One that may have so many bytes, compressed or not.
    pub fn new(largest: usize) -> Self {
        Self {
            compressed: Vec::new(),
            taken: 0,
            has_all_come: false,
            has_ended: false,
            inflater: None,
            holds_more: false,
            may_come: largest,
            may_hold: largest,
        }
    }

    /// More of it has come; maybe all of it.
    ///
    /// # Errors
    /// When it is too large.
    pub fn push(&mut self, compressed: &[u8], is_last: bool) -> Result<(), Violation> {
        self.may_come = self
            .may_come
            .checked_sub(compressed.len())
            .ok_or(Violation::TooLarge)?;
        self.has_all_come = is_last;
        if self.has_ended {
            // As in nats-server, what is behind a last block counts for nothing.
            return Ok(());
        }
        self.compressed.drain(..std::mem::take(&mut self.taken));
        self.compressed.extend_from_slice(compressed);
        if is_last {
            self.compressed.extend_from_slice(&TAIL);
            self.compressed.extend_from_slice(&LAST_BLOCK);
        }
        Ok(())
    }

    /// Whether a read may bring something without more being pushed.
    pub fn is_readable(&self) -> bool {
        !self.has_ended && (self.holds_more || (self.taken < self.compressed.len() && self.may_begin()))
    }

    /// Whether everything has come, and was read.
    pub fn is_over(&self) -> bool {
        self.has_all_come && self.has_ended
    }

    fn may_begin(&self) -> bool {
        self.has_all_come || self.inflater.is_some() || self.compressed.len() >= HELD_FIRST
    }

    /// Decompresses what has come, as far as there is space. What it takes for that is taken from `spare`, and given back at
    /// the end of the message.
    ///
    /// # Errors
    /// When it is not compressed, or holds too much.
    pub fn read(&mut self, space: &mut [u8], spare: &mut Option<Inflater>) -> Result<usize, Violation> {
        if space.is_empty() || !self.is_readable() {
            return Ok(0);
        }
        let Inflater(inflater) = self
            .inflater
            .get_or_insert_with(|| spare.take().unwrap_or_default());
        let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
        let rest = &self.compressed[self.taken..];
        let status = inflater.decompress(rest, space, FlushDecompress::None);
        let status = status.map_err(|_| Violation::NotDeflated)?;
        let taken = (inflater.total_in() - before_in) as usize;
        let count = (inflater.total_out() - before_out) as usize;
        self.taken += taken;
        self.may_hold = self.may_hold.checked_sub(count).ok_or(Violation::TooLarge)?;
        self.holds_more = count == space.len();
        self.has_ended = status == Status::StreamEnd;
        let is_stuck = taken == 0 && count == 0 && self.taken < self.compressed.len();
        let is_cut = self.has_all_come && !self.has_ended && !self.is_readable();
        if is_stuck || is_cut {
            return Err(Violation::NotDeflated);
        }
        if self.has_ended
            && let Some(Inflater(mut inflater)) = self.inflater.take()
        {
            inflater.reset(false);
            *spare = Some(Inflater(inflater));
            self.compressed = Vec::new();
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;

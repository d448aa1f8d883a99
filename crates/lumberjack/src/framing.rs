//! Frames, one after the other, those of compressed frames included.

use crate::frame::{Frame, FrameError, Raw, read};
use bytes::buf::Reader;
use bytes::{Buf, Bytes, BytesMut};
use flate2::bufread::ZlibDecoder;
use std::io::Read;

/// What is unpacked at a time, in bytes.
const UNPACKED_AT_ONCE: usize = 64 * 1024;

/// How large what peers send may be, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// What an event says, and what is compressed in one frame.
    pub frame: usize,
    /// What one compressed frame unpacks to.
    pub unpacked: u64,
}

/// Finds the frames of one peer.
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    /// The compressed frame that is being unpacked.
    compressed: Option<Compressed>,
    /// So many bytes of a compressed frame are to come as a whole.
    awaited: Option<usize>,
}

#[derive(Debug)]
struct Compressed {
    decoder: ZlibDecoder<Reader<Bytes>>,
    unpacked: BytesMut,
    /// Bytes that may still be unpacked.
    left: u64,
    is_at_end: bool,
}

impl Framer {
    /// Of a peer that is held to these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            compressed: None,
            awaited: None,
        }
    }

    /// Takes the next frame of those that `input` begins with. None: more has to come.
    ///
    /// # Errors
    /// When there is none, and nothing behind it can be read.
    pub fn take(&mut self, input: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        loop {
            if let Some(compressed) = &mut self.compressed {
                if let Some(frame) = compressed.take(self.limits)? {
                    return Ok(Some(frame));
                }
                self.compressed = None;
            }
            if let Some(length) = self.awaited {
                if input.len() < length {
                    return Ok(None);
                }
                self.awaited = None;
                self.compressed = Some(Compressed::new(input.split_to(length).freeze(), self.limits));
                continue;
            }
            match first(input, self.limits)? {
                None => return Ok(None),
                Some(First::Frame(frame)) => return Ok(Some(frame)),
                Some(First::Compressed(length)) => self.awaited = Some(length),
            }
        }
    }
}

/// What `input` begins with, which is taken.
enum First {
    Frame(Frame),
    /// So many bytes follow, which are compressed.
    Compressed(usize),
}

fn first(input: &mut BytesMut, limits: Limits) -> Result<Option<First>, FrameError> {
    let Some((length, raw)) = read(input, limits.frame)? else {
        return Ok(None);
    };
    let taken = input.split_to(length);
    Ok(Some(match raw {
        Raw::Frame(frame) => First::Frame(frame),
        Raw::Compressed(length) => First::Compressed(length),
        Raw::Json {
            version,
            sequence,
            begin,
        } => First::Frame(Frame::Event {
            version,
            sequence,
            json: taken.freeze().slice(begin..),
        }),
    }))
}

impl Compressed {
    fn new(bytes: Bytes, limits: Limits) -> Self {
        Self {
            decoder: ZlibDecoder::new(bytes.reader()),
            unpacked: BytesMut::new(),
            left: limits.unpacked,
            is_at_end: false,
        }
    }

    /// The next frame in it; None at its end.
    fn take(&mut self, limits: Limits) -> Result<Option<Frame>, FrameError> {
        loop {
            match first(&mut self.unpacked, limits)? {
                Some(First::Frame(frame)) => return Ok(Some(frame)),
                Some(First::Compressed(_)) => return Err(FrameError::Nested),
                None if self.is_at_end && self.unpacked.is_empty() => return Ok(None),
                None if self.is_at_end => return Err(FrameError::Cut),
                None => self.unpack(limits)?,
            }
        }
    }

    fn unpack(&mut self, limits: Limits) -> Result<(), FrameError> {
        let before = self.unpacked.len();
        self.unpacked.resize(before + UNPACKED_AT_ONCE, 0);
        let read = self.decoder.read(&mut self.unpacked[before..]);
        self.unpacked
            .truncate(before + read.as_ref().copied().unwrap_or_default());
        let read = read.map_err(|_| FrameError::Zlib)?;
        self.is_at_end = read == 0;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or(FrameError::Unpacked(limits.unpacked))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

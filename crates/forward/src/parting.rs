//! Messages that are larger than frames may be: their packed events are taken apart as they come.
//!
//! What Fluentd has kept in files it sends as one message, of up to 256 MB as it is set. What is held of it is what has come and
//! is no whole event yet. What the sender says of the events stands behind them: whether they are compressed is seen by their
//! first byte, and by what name it sends them again is known only when all have come.

use crate::entries::{Entries, Limits};
use crate::error::{BadMessage, FrameError};
use crate::message::Options;
use crate::msgpack::{Head, Reader, Scan, head};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use std::fmt;
use std::io::Write;

/// Bytes of the packed events of a message, at most.
pub const LARGEST: u64 = 1 << 30;

/// What they may unpack to, as a multiple of what has come, beside what those of a frame may.
const UNPACKS_TO: u64 = 64;

/// Events of about this many bytes are given at a time.
const PART: usize = 256 * 1024;

/// Bytes of what the sender says of its events.
const OPTIONS_AT_MOST: usize = 64 * 1024;

/// The bytes with which no event begins, but what is compressed.
const GZIP: u8 = 0x1f;
const ZSTD: u8 = 0x28;

/// A message that is taken apart as it comes.
#[derive(Debug)]
pub struct Parting {
    /// The tag of its events: any bytes.
    pub tag: Bytes,
    has_options: bool,
    /// Packed bytes that have not come.
    left: u64,
    packing: Packing,
    scan: Scan,
    limits: Limits,
}

enum Packing {
    /// Nothing has come yet.
    Unknown,
    Plain,
    Gzip(Box<Gzip>),
}

impl fmt::Debug for Packing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unknown => "Unknown",
            Self::Plain => "Plain",
            Self::Gzip(_) => "Gzip",
        })
    }
}

struct Gzip {
    decoder: MultiGzDecoder<bytes::buf::Writer<BytesMut>>,
    unpacked: BytesMut,
    /// How much of it is whole events.
    whole: usize,
    /// Bytes that may still be unpacked.
    budget: u64,
}

/// What has come of a message.
#[derive(Debug)]
pub enum Part {
    /// Nothing that is whole.
    Nothing,
    /// Events.
    Events(Entries),
    /// The end, with the number by which the peer wants to be told that all has arrived, if it does.
    End(Option<Bytes>),
}

impl Parting {
    /// Begins, if that is what `input` begins with, and takes what comes before the events. None: it is no such message, or a
    /// larger one than any may be.
    pub fn begin(input: &mut BytesMut, limits: Limits) -> Option<Self> {
        let mut reader = Reader::new(input);
        let parts = reader.array().filter(|parts| (2..=3).contains(parts))?;
        let tag = reader.text()?;
        let (Head::Text(left) | Head::Binary(left), length) = head(reader.rest()).ok()?? else {
            return None;
        };
        let left = Some(u64::from(left)).filter(|left| *left <= LARGEST)?;
        let (tag, taken) = (
            Bytes::copy_from_slice(tag),
            input.len() - reader.rest().len() + length,
        );
        input.advance(taken);
        Some(Self {
            tag,
            has_options: parts == 3,
            left,
            packing: Packing::Unknown,
            scan: Scan::default(),
            limits,
        })
    }

    /// Goes on with what has come. Nothing comes behind the end, or an error.
    ///
    /// # Errors
    /// When it is no message of the protocol.
    pub fn go_on(&mut self, input: &mut BytesMut) -> Result<Part, BadMessage> {
        if let (Packing::Unknown, Some(first)) = (&self.packing, input.first()) {
            self.packing = match *first {
                GZIP => Packing::Gzip(Box::new(Gzip::new(self.limits))),
                ZSTD => return Err(BadMessage::Compression),
                _ => Packing::Plain,
            };
        }
        let here = input.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let (scan, limits) = (&mut self.scan, self.limits);
        let (events, rest) = match &mut self.packing {
            Packing::Unknown if self.left > 0 => return Ok(Part::Nothing),
            Packing::Unknown => (BytesMut::new(), 0),
            Packing::Plain => {
                let mut end = 0;
                whole(scan, input.get(..here).unwrap_or_default(), &mut end, limits)?;
                self.left -= end as u64;
                (input.split_to(end), here - end)
            }
            Packing::Gzip(gzip) => {
                let before = input.len();
                let events = gzip.go_on(input, (here, self.left == here as u64), scan, limits)?;
                self.left -= (before - input.len()) as u64;
                (events, gzip.unpacked.len())
            }
        };
        if !events.is_empty() {
            return Ok(Part::Events(Entries::plain(events.freeze())));
        }
        let has_come = match &self.packing {
            Packing::Plain => self.left == here as u64,
            Packing::Unknown | Packing::Gzip(_) => self.left == 0,
        };
        match has_come {
            false => Ok(Part::Nothing),
            // There is no whole event in what is left.
            true if rest > 0 => Err(BadMessage::Event),
            true => self.end(input),
        }
    }

    /// What is held of what has come, in bytes, beside what is left of the input.
    pub fn held(&self) -> usize {
        match &self.packing {
            Packing::Gzip(gzip) => gzip.unpacked.len(),
            Packing::Unknown | Packing::Plain => 0,
        }
    }

    /// What the sender says behind the events.
    fn end(&mut self, input: &mut BytesMut) -> Result<Part, BadMessage> {
        if !self.has_options {
            return Ok(Part::End(None));
        }
        let Some(end) = self.scan.go_on(input, OPTIONS_AT_MOST)? else {
            return Ok(Part::Nothing);
        };
        let bytes = input.split_to(end).freeze();
        let mut reader = Reader::new(&bytes);
        let options = Options::read(&bytes, &mut reader).ok_or(BadMessage::Options)??;
        match options.is_gzip == matches!(self.packing, Packing::Gzip(_)) {
            true => Ok(Part::End(options.chunk)),
            false => Err(BadMessage::Options),
        }
    }
}

/// Finds the end of the whole events in `bytes`, from `end` on, of a part at most.
fn whole(scan: &mut Scan, bytes: &[u8], end: &mut usize, limits: Limits) -> Result<(), FrameError> {
    while *end < PART
        && let Some(rest) = bytes.get(*end..)
        && let Some(length) = scan.go_on(rest, limits.frame)?
    {
        *end += length;
    }
    Ok(())
}

impl Gzip {
    fn new(limits: Limits) -> Self {
        Self {
            decoder: MultiGzDecoder::new(BytesMut::new().writer()),
            unpacked: BytesMut::new(),
            whole: 0,
            budget: limits.unpacked,
        }
    }

    /// Unpacks what is `here` of `input`, until there are whole events for a part; gives those.
    fn go_on(
        &mut self,
        input: &mut BytesMut,
        (mut here, is_last): (usize, bool),
        scan: &mut Scan,
        limits: Limits,
    ) -> Result<BytesMut, BadMessage> {
        loop {
            whole(scan, &self.unpacked, &mut self.whole, limits)?;
            if self.whole >= PART || here == 0 {
                let whole = std::mem::take(&mut self.whole);
                return Ok(self.unpacked.split_to(whole));
            }
            let packed = input.get(..here).unwrap_or_default();
            let taken = self.decoder.write(packed).map_err(|_| BadMessage::Gzip)?;
            if taken == 0 {
                return Err(BadMessage::Gzip);
            }
            input.advance(taken);
            here -= taken;
            if is_last && here == 0 {
                self.decoder.try_finish().map_err(|_| BadMessage::Gzip)?;
            }
            self.budget = self.budget.saturating_add(UNPACKS_TO * taken as u64);
            self.take_unpacked(limits)?;
        }
    }

    fn take_unpacked(&mut self, limits: Limits) -> Result<(), BadMessage> {
        let out = self.decoder.get_mut().get_mut();
        let unpacked = out.len() as u64;
        self.unpacked.extend_from_slice(out);
        out.clear();
        self.budget = self
            .budget
            .checked_sub(unpacked)
            .ok_or(BadMessage::Unpacked(limits.unpacked))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Events: a time and a record each.

use crate::error::{BadMessage, FrameError};
use crate::msgpack::{Reader, Scan, Value};
use bytes::{Buf, Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use std::io::Read;

/// What is unpacked at a time, in bytes.
const UNPACKED_AT_ONCE: usize = 64 * 1024;

/// When an event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventTime {
    /// Seconds since 1970.
    pub seconds: u64,
    /// Nanoseconds of the second, below a billion.
    pub nanoseconds: u32,
}

impl EventTime {
    /// Its type among the extensions of MessagePack.
    const EXTENSION: i8 = 0;

    /// What an extension stands for, if it is a time.
    pub(crate) fn of_extension(kind: i8, bytes: &[u8]) -> Option<Self> {
        let (seconds, nanoseconds) = bytes.split_first_chunk::<4>()?;
        let time = Self {
            seconds: u32::from_be_bytes(*seconds).into(),
            nanoseconds: u32::from_be_bytes(nanoseconds.try_into().ok()?),
        };
        (kind == Self::EXTENSION && time.nanoseconds < 1_000_000_000).then_some(time)
    }

    /// What stands in the place of a time: an extension, or seconds with or without a fraction.
    pub(crate) fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Extension(kind, bytes) => Self::of_extension(kind, bytes),
            Value::Unsigned(seconds) => Some(Self {
                seconds,
                nanoseconds: 0,
            }),
            Value::Float(seconds) if (0.0..=u32::MAX.into()).contains(&seconds) => Some(Self {
                seconds: seconds as u64,
                nanoseconds: (seconds.fract() * 1e9) as u32,
            }),
            _ => None,
        }
    }

    /// Appends it as an extension, or as a number where seconds have more than 32 bits.
    pub fn append(self, out: &mut Vec<u8>) {
        match u32::try_from(self.seconds) {
            Ok(seconds) => {
                out.extend_from_slice(&[0xd7, Self::EXTENSION.cast_unsigned()]);
                out.extend_from_slice(&seconds.to_be_bytes());
                out.extend_from_slice(&self.nanoseconds.to_be_bytes());
            }
            Err(_) => crate::msgpack::write_u64(out, self.seconds),
        }
    }

    /// Seconds, with nine digits behind the point.
    pub fn to_decimal(self) -> String {
        format!("{}.{:09}", self.seconds, self.nanoseconds)
    }

    /// The time of such a text; also of one with fewer digits or none behind the point.
    pub fn of_decimal(text: &str) -> Option<Self> {
        let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(seconds) || !is_digits(fraction) || fraction.len() > 9 {
            return None;
        }
        Some(Self {
            seconds: seconds.parse().ok()?,
            nanoseconds: format!("{fraction:0<9}").parse().ok()?,
        })
    }
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it happened.
    pub time: EventTime,
    /// The record: a map of MessagePack, as it came.
    pub record: Bytes,
}

/// The events of a message, of which each is taken apart, and unpacked, when it is asked for.
#[derive(Debug)]
pub struct Entries {
    source: Source,
    is_broken: bool,
}

#[derive(Debug)]
enum Source {
    /// One, of a time and a record.
    Single(Option<Entry>),
    /// Events one after the other, to the end.
    Plain(Bytes),
    /// The same, compressed.
    Gzip(Box<Gzip>),
}

#[derive(Debug)]
struct Gzip {
    decoder: MultiGzDecoder<bytes::buf::Reader<Bytes>>,
    unpacked: BytesMut,
    scan: Scan,
    /// Bytes that may still be unpacked.
    left: u64,
    limits: Limits,
    is_at_end: bool,
}

/// How large what peers send may be, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A frame, and an event that was compressed.
    pub frame: usize,
    /// What all events of one frame unpack to.
    pub unpacked: u64,
}

impl Entries {
    pub(crate) fn single(entry: Entry) -> Self {
        Self::of(Source::Single(Some(entry)))
    }

    pub(crate) fn plain(bytes: Bytes) -> Self {
        Self::of(Source::Plain(bytes))
    }

    pub(crate) fn gzip(bytes: Bytes, limits: Limits) -> Self {
        Self::of(Source::Gzip(Box::new(Gzip {
            decoder: MultiGzDecoder::new(bytes.reader()),
            unpacked: BytesMut::new(),
            scan: Scan::default(),
            left: limits.unpacked,
            limits,
            is_at_end: false,
        })))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            is_broken: false,
        }
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, BadMessage>;

    /// The next event. Nothing comes behind an error.
    fn next(&mut self) -> Option<Self::Item> {
        if self.is_broken {
            return None;
        }
        let bytes = match &mut self.source {
            Source::Single(entry) => return entry.take().map(Ok),
            Source::Plain(rest) => next_plain(rest),
            Source::Gzip(gzip) => gzip.next_value(),
        };
        let entry = bytes?.and_then(|bytes| read(&bytes).ok_or(BadMessage::Event));
        self.is_broken = entry.is_err();
        Some(entry)
    }
}

fn next_plain(rest: &mut Bytes) -> Option<Result<Bytes, BadMessage>> {
    if rest.is_empty() {
        return None;
    }
    match Scan::default().go_on(rest, rest.len()) {
        Ok(Some(end)) => Some(Ok(rest.split_to(end))),
        Ok(None) => Some(Err(BadMessage::Event)),
        // What claims to be larger than the rest is cut.
        Err(FrameError::TooLarge(_)) => Some(Err(BadMessage::Event)),
        Err(error) => Some(Err(error.into())),
    }
}

impl Gzip {
    fn next_value(&mut self) -> Option<Result<Bytes, BadMessage>> {
        loop {
            match self.scan.go_on(&self.unpacked, self.limits.frame) {
                Ok(Some(end)) => return Some(Ok(self.unpacked.split_to(end).freeze())),
                Ok(None) if self.is_at_end && self.unpacked.is_empty() => return None,
                Ok(None) if self.is_at_end => return Some(Err(BadMessage::Event)),
                Ok(None) => {}
                Err(error) => return Some(Err(error.into())),
            }
            if let Err(error) = self.unpack() {
                return Some(Err(error));
            }
        }
    }

    fn unpack(&mut self) -> Result<(), BadMessage> {
        let before = self.unpacked.len();
        self.unpacked.resize(before + UNPACKED_AT_ONCE, 0);
        let read = self.decoder.read(&mut self.unpacked[before..]);
        let read = read.map_err(|_| BadMessage::Gzip);
        self.unpacked.truncate(before + read.unwrap_or_default());
        let read = read?;
        self.is_at_end = read == 0;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or(BadMessage::Unpacked(self.limits.unpacked))?;
        Ok(())
    }
}

/// `[time, record]`, or `[[time, metadata], record]` of Fluent Bit.
fn read(bytes: &Bytes) -> Option<Entry> {
    let mut reader = Reader::new(bytes);
    if reader.array()? != 2 {
        return None;
    }
    let time = match reader.next_value()? {
        Value::Array(2) => {
            let time = reader.next_value()?;
            reader.skip()?;
            time
        }
        time => time,
    };
    let time = EventTime::of(time)?;
    entry(bytes, time, reader.rest())
}

/// An event with the record that these are, a part of `bytes`.
pub(crate) fn entry(bytes: &Bytes, time: EventTime, record: &[u8]) -> Option<Entry> {
    Reader::new(record).map()?;
    let record = bytes.slice_ref(record);
    Some(Entry { time, record })
}

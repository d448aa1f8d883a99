//! One frame.

use bytes::Bytes;
use thiserror::Error;

/// How many keys an event of version 1 may have: what looking at one that is cut costs is bounded by it.
const KEYS_AT_MOST: u32 = 4096;

/// Bytes of what a frame begins with: its version and its kind.
const START: usize = 2;

/// Bytes of a number.
const NUMBER: usize = 4;

/// Which language of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Events are keys with text.
    One,
    /// Events are JSON.
    Two,
}

impl Version {
    /// Its digit.
    pub fn digit(self) -> u8 {
        match self {
            Self::One => b'1',
            Self::Two => b'2',
        }
    }
}

/// What a peer says, compressed frames left out: what is in them is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// So many events follow, and are to be acknowledged together.
    Window(Version, u32),
    /// An event, with its number in the window.
    Event {
        /// Its language.
        version: Version,
        /// Its number.
        sequence: u32,
        /// What it says, as JSON; of version 2 as the peer wrote it, whatever that is.
        json: Bytes,
    },
    /// Events up to this one have arrived. 0: none, but we are at it.
    Acknowledged(Version, u32),
}

/// Why there is no frame at the start of what a peer sent. It is the peer's fault; nothing behind it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// It begins with what is no version of the protocol.
    #[error("{0:#04x} is no version of Lumberjack")]
    Version(u8),
    /// It is of no kind that there is.
    #[error("{0:#04x} is no kind of frame of Lumberjack")]
    Kind(u8),
    /// It is larger than frames may be.
    #[error("a frame is larger than {0} bytes")]
    TooLarge(usize),
    /// It has more keys than events may have.
    #[error("an event has more than {KEYS_AT_MOST} keys")]
    TooManyKeys,
    /// What is said to be compressed cannot be unpacked.
    #[error("a compressed frame cannot be unpacked")]
    Zlib,
    /// It unpacks to more than it may.
    #[error("a compressed frame unpacks to more than {0} bytes")]
    Unpacked(u64),
    /// The last frame in a compressed one is cut.
    #[error("a compressed frame ends within an event")]
    Cut,
    /// There is a compressed frame in a compressed one.
    #[error("a compressed frame is in another")]
    Nested,
}

/// A frame where it lies, of which a compressed one has not been unpacked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Raw {
    /// It says all of it.
    Frame(Frame),
    /// An event whose JSON begins at this byte, and goes on to the end.
    Json {
        version: Version,
        sequence: u32,
        begin: usize,
    },
    /// So many bytes follow, which are compressed.
    Compressed(usize),
}

/// Where a frame ends, and what there is.
type Found = Option<(usize, Raw)>;

/// The frame at the start of these bytes, and its length; of a compressed one that of its start. None: it is cut.
pub(crate) fn read(bytes: &[u8], most: usize) -> Result<Found, FrameError> {
    let version = match bytes.first() {
        None => return Ok(None),
        Some(b'1') => Version::One,
        Some(b'2') => Version::Two,
        Some(other) => return Err(FrameError::Version(*other)),
    };
    let number = |at: usize| number_at(bytes, START + at);
    let whole = |frame| Some((START + NUMBER, Raw::Frame(frame)));
    match bytes.get(1) {
        None => Ok(None),
        Some(b'W') => Ok(number(0).and_then(|count| whole(Frame::Window(version, count)))),
        Some(b'A') => Ok(number(0).and_then(|sequence| whole(Frame::Acknowledged(version, sequence)))),
        Some(b'C') => match number(0) {
            None => Ok(None),
            Some(length) if length as usize > most => Err(FrameError::TooLarge(most)),
            Some(length) => Ok(Some((START + NUMBER, Raw::Compressed(length as usize)))),
        },
        Some(b'J') => json(bytes, version, most),
        Some(b'D') => pairs(bytes, version, most),
        Some(other) => Err(FrameError::Kind(*other)),
    }
}

fn number_at(bytes: &[u8], at: usize) -> Option<u32> {
    let number = bytes.get(at..)?.first_chunk::<NUMBER>()?;
    Some(u32::from_be_bytes(*number))
}

fn json(bytes: &[u8], version: Version, most: usize) -> Result<Found, FrameError> {
    let (Some(sequence), Some(length)) = (number_at(bytes, START), number_at(bytes, START + NUMBER)) else {
        return Ok(None);
    };
    if length as usize > most {
        return Err(FrameError::TooLarge(most));
    }
    let begin = START + 2 * NUMBER;
    let end = begin + length as usize;
    if bytes.len() < end {
        return Ok(None);
    }
    let json = Raw::Json {
        version,
        sequence,
        begin,
    };
    Ok(Some((end, json)))
}

/// Keys and their values, as an object of JSON.
fn pairs(bytes: &[u8], version: Version, most: usize) -> Result<Found, FrameError> {
    let (Some(sequence), Some(count)) = (number_at(bytes, START), number_at(bytes, START + NUMBER)) else {
        return Ok(None);
    };
    if count > KEYS_AT_MOST {
        return Err(FrameError::TooManyKeys);
    }
    let mut texts = Vec::new();
    let mut at = START + 2 * NUMBER;
    for _ in 0..2 * count {
        let Some(length) = number_at(bytes, at) else {
            return Ok(None);
        };
        let begin = at + NUMBER;
        at = begin + length as usize;
        if at > most {
            return Err(FrameError::TooLarge(most));
        }
        if bytes.len() < at {
            return Ok(None);
        }
        texts.push(begin..at);
    }
    let mut json = b"{".to_vec();
    for (index, text) in texts.into_iter().enumerate() {
        match index {
            0 => {}
            _ if index % 2 == 1 => json.push(b':'),
            _ => json.push(b','),
        }
        let text = String::from_utf8_lossy(bytes.get(text).unwrap_or_default());
        // Writing text into a vector does not fail.
        let _ = serde_json::to_writer(&mut json, &text);
    }
    json.push(b'}');
    let frame = Frame::Event {
        version,
        sequence,
        json: json.into(),
    };
    Ok(Some((at, Raw::Frame(frame))))
}

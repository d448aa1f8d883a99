//! Finding the operation at the start of a buffer.
//!
//! [`parse`] is a pure function of the bytes: a proper prefix of a frame is [`Parsed::Incomplete`],
//! and however the bytes were cut into reads, the answer is the same. nats-server's parser keeps
//! state between reads and in a few corners answers differently for different cuts; there the
//! stricter answer is given always:
//!
//! - an argument line that is empty but for its line end is refused, not joined with the next line;
//! - a carriage return within the arguments is kept as sent when the line ends in CRLF, and refused
//!   when it ends in a bare LF;
//! - the rest of a PING, PONG or `+OK` line, and the blanks before the arguments of any operation,
//!   are held to `max_control_line` too, so that no line can grow without bound.
//!
//! Publishing is what clients do most: PUB and HPUB in the spelling all clients use are parsed
//! inline, in one pass over the line; everything else, errors too, takes the general way of
//! `line.rs`, which must give the same answers.

pub(crate) mod line;
#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;

use crate::error::Violation;
use crate::operation::{Groups, Operation, Publish};

/// What a connection allows its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// Longest argument part of a control line, in bytes: without verb, the blanks after it, and the
    /// line end.
    pub max_control_line: usize,
    /// Most bytes of header block and payload together. `usize::MAX`: no limit but that of nine digits.
    pub max_payload: usize,
    /// Whether HPUB is allowed: the client said `headers:true` and the server supports them.
    pub headers: bool,
}

/// What the start of a buffer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// A complete frame.
    Frame {
        /// The operation.
        operation: Operation<'a>,
        /// Length of the frame in bytes, at least 1: the next frame starts there.
        consumed: usize,
    },
    /// The start of a frame; more bytes are needed to tell what it is. A control line without its end
    /// is never longer than [`longest_incomplete_line`]: what is longer is a violation.
    Incomplete {
        /// Length of the whole frame when already known (only its payload is missing), otherwise 0.
        frame_len: usize,
    },
    /// The client broke the protocol and is to be closed. What follows is of no interest.
    Violation(Violation),
}

/// How long, in bytes, a control line without its end can be and still be [`Parsed::Incomplete`].
pub fn longest_incomplete_line(max_control_line: usize) -> usize {
    max_control_line.saturating_mul(2).saturating_add(16)
}

/// Whether the first byte can begin a CONNECT: a client that must authenticate and begins with
/// anything else is refused before its bytes are looked at any further. True for no bytes.
#[inline]
pub fn may_begin_connect(input: &[u8]) -> bool {
    matches!(input.first(), None | Some(b'C' | b'c'))
}

/// Parses the frame at the start of `input`.
#[inline]
pub fn parse<'a>(input: &'a [u8], limits: &FrameLimits) -> Parsed<'a> {
    match parse_publish(input, limits) {
        Some((publish, consumed)) => Parsed::Frame {
            operation: Operation::Publish(publish),
            consumed,
        },
        None => line::parse(input, limits),
    }
}

/// An HPUB that is larger than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oversized<'a> {
    /// Where it was to be published.
    pub subject: &'a [u8],
    /// What has come of its header block.
    pub header: &'a [u8],
    /// How many bytes it was to have, headers included.
    pub size: usize,
}

/// What is known of the HPUB at the start of `input`, if it is one: [`parse`] has found it to be a
/// [`Violation::MaximumPayload`].
pub fn oversized<'a>(input: &'a [u8], limits: &FrameLimits) -> Option<Oversized<'a>> {
    line::oversized(input, limits)
}

const PUB: u32 = u32::from_le_bytes(*b"PUB ");
const HPUB: u32 = u32::from_le_bytes(*b"HPUB");
/// Clears the bit that tells lower from upper case, which two letters of one kind share with no
/// other byte.
const UPPER: u32 = 0xDFDF_DFDF;
const UPPER_BUT_LAST: u32 = 0xFFDF_DFDF;

/// A complete PUB or HPUB with single blanks and CRLF; `None` for anything else, also when it is
/// merely incomplete or against the limits: the general way says what it is.
#[inline(always)]
fn parse_publish<'a>(input: &'a [u8], limits: &FrameLimits) -> Option<(Publish<'a>, usize)> {
    let word = u32::from_le_bytes(*input.first_chunk()?);
    if word & UPPER_BUT_LAST == PUB {
        let subject = token(input, 4)?;
        let second = token(input, subject.end + 1)?;
        let (reply, size) = match second.stop {
            b'\r' => (None, second),
            _ => (Some(second.text), token(input, second.end + 1)?),
        };
        frame(input, limits, 4, subject, second.start, reply, None, size)
    } else if word & UPPER == HPUB && limits.headers && input.get(4) == Some(&b' ') {
        let subject = token(input, 5)?;
        let second = token(input, subject.end + 1)?;
        if second.stop != b' ' {
            return None;
        }
        let third = token(input, second.end + 1)?;
        let (reply, header, size) = match third.stop {
            b'\r' => (None, second, third),
            _ => (Some(second.text), third, token(input, third.end + 1)?),
        };
        frame(input, limits, 5, subject, second.start, reply, Some(header), size)
    } else {
        None
    }
}

/// A word of the control line.
#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a [u8],
    start: usize,
    end: usize,
    /// The byte that ended it: a space or a carriage return.
    stop: u8,
}

/// The token at `start`: one or more bytes up to a space or a carriage return. `None` when there is
/// something else below `!`: control characters are legal in a subject, but rare.
#[inline(always)]
fn token(input: &[u8], start: usize) -> Option<Token<'_>> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut end = start;
    // Eight bytes at a time: the lowest byte under `!` sets its high bit first. The borrow of the
    // subtraction only spoils bytes above it.
    let stop = loop {
        let rest = input.get(end..)?;
        let Some(chunk) = rest.first_chunk() else {
            let length = rest.iter().position(|&byte| byte <= b' ')?;
            end += length;
            break *input.get(end)?;
        };
        let word = u64::from_le_bytes(*chunk);
        let below = word.wrapping_sub(ONES * 0x21) & !word & (ONES * 0x80);
        if below != 0 {
            let bits = below.trailing_zeros() & !7;
            end += (bits / 8) as usize;
            break (word >> bits) as u8;
        }
        end += 8;
    };
    let text = input.get(start..end)?;
    ((stop == b' ' || stop == b'\r') && !text.is_empty()).then_some(Token {
        text,
        start,
        end,
        stop,
    })
}

#[inline(always)]
#[allow(clippy::too_many_arguments)] // Inlined into its two callers: the parts of one line.
fn frame<'a>(
    input: &'a [u8],
    limits: &FrameLimits,
    arguments_start: usize,
    subject: Token<'a>,
    tail_start: usize,
    reply: Option<&'a [u8]>,
    header: Option<Token<'a>>,
    size: Token<'a>,
) -> Option<(Publish<'a>, usize)> {
    let header_size = match header {
        None => None,
        Some(token) => Some(parse_size(token.text)?),
    };
    let body_len = parse_size(size.text)?;
    let line_len = size.end + 2;
    let body_end = line_len + body_len;
    let consumed = body_end + 2;
    let normal = subject.stop == b' '
        && size.stop == b'\r'
        && input.get(size.end + 1) == Some(&b'\n')
        && size.end - arguments_start <= limits.max_control_line
        && body_len <= limits.max_payload
        && header_size.is_none_or(|header| header > 0 && header <= body_len)
        && input.get(body_end..consumed)? == b"\r\n";
    let publish = Publish {
        subject: subject.text,
        reply,
        groups: Groups::All,
        header_size,
        header_size_text: header.map_or(&[], |token| token.text),
        size_text: size.text,
        tail: Some(input.get(tail_start..consumed)?),
        body: input.get(line_len..body_end)?,
        line_len,
    };
    normal.then_some((publish, consumed))
}

/// A size: one to nine decimal digits and nothing else.
#[inline(always)]
pub(crate) fn parse_size(text: &[u8]) -> Option<usize> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    let mut size: u32 = 0;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        size = size * 10 + u32::from(digit);
    }
    Some(size as usize)
}

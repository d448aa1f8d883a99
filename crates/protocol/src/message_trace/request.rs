//! What the headers of a message ask for.

use crate::content_encoding::{ACCEPT_ENCODING, ContentEncoding};
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};
use std::sync::LazyLock;

const FIRST_LINE: &[u8] = b"NATS/1.0\r\n";
const DESTINATION: &[u8] = b"Nats-Trace-Dest";
const ONLY: &[u8] = b"Nats-Trace-Only";
const ORIGIN_ACCOUNT: &[u8] = b"Nats-Trace-Origin-Account";
const HOP: &[u8] = b"Nats-Trace-Hop";

/// Of W3C Trace Context; its case does not matter.
const TRACE_PARENT: &[u8] = b"traceparent";

/// A destination that says that there is to be no trace.
const DISABLED: &[u8] = b"trace disabled";

/// How many headers an event shows, and how many bytes of them.
const SHOWN_AT_MOST: (usize, usize) = (1024, 64 * 1024);

/// What a header block asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceRequest<'a> {
    /// What turned the trace on.
    pub activation: Activation<'a>,
    /// The account in which the trace began, as servers before 2.14 said it: nothing is traced then.
    pub origin_account: Option<&'a [u8]>,
    /// By which hop it has come, as the server says that has passed it on.
    pub hop: Option<&'a [u8]>,
    /// How the event is to be written.
    pub encoding: Option<ContentEncoding>,
    /// What the event shows of the headers.
    pub headers: ShownHeaders<'a>,
}

/// What turns a trace on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation<'a> {
    /// The message says where the event goes.
    Named {
        /// The subject, never empty; whether it is a valid one is not decided here.
        destination: &'a [u8],
        /// Whether the message is not to be delivered.
        only: bool,
    },
    /// It belongs to a sampled trace of somebody else's: its account says where the event goes, if it is to be traced.
    Context,
}

/// The headers of a message as an event shows them: names in their spelling, empty values left out, of many only the
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownHeaders<'a> {
    /// What follows the first line.
    lines: &'a [u8],
}

impl<'a> ShownHeaders<'a> {
    /// Name and value of each that is shown, in the order in which they stand.
    pub(super) fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let (lines, bytes) = SHOWN_AT_MOST;
        let mut left = bytes;
        headers(self.lines).take(lines).take_while(move |(name, value)| {
            let fits = left.checked_sub(name.len() + value.len());
            left = fits.unwrap_or(0);
            fits.is_some()
        })
    }
}

/// Finds where a line begins as one does that asks for a trace.
static LINE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\nNats-Trace-Dest"));

/// Whether a header block may ask for a trace by name: one search through it.
#[inline]
pub fn may_ask(header: &[u8]) -> bool {
    LINE.find(header).is_some()
}

/// Whether a header block may belong to a trace of somebody else's.
pub fn may_have_context(header: &[u8]) -> bool {
    memchr_iter(b'\n', header).any(|end| {
        let line = header.get(end + 1..).unwrap_or_default();
        (line.get(..TRACE_PARENT.len())).is_some_and(|name| name.eq_ignore_ascii_case(TRACE_PARENT))
    })
}

impl<'a> TraceRequest<'a> {
    /// What a header block asks for, if for anything, read as nats-server reads it: names in exactly this spelling, and of
    /// several values the first.
    #[cold]
    pub fn read(header: &'a [u8]) -> Option<Self> {
        let lines = header.strip_prefix(FIRST_LINE)?;
        let [mut destination, mut only, mut origin, mut hop, mut accepted] = [None; 5];
        let mut sampled = false;
        for (name, value) in headers(lines) {
            let place = match name {
                DESTINATION if destination.is_none() && value == DISABLED => return None,
                DESTINATION => &mut destination,
                ONLY => &mut only,
                ORIGIN_ACCOUNT => &mut origin,
                HOP => &mut hop,
                ACCEPT_ENCODING => &mut accepted,
                _ => {
                    sampled |= name.eq_ignore_ascii_case(TRACE_PARENT) && is_sampled(value);
                    continue;
                }
            };
            place.get_or_insert(value);
        }
        let activation = match destination {
            Some(destination) => Activation::Named {
                destination,
                only: only.is_some_and(says_yes),
            },
            None if sampled => Activation::Context,
            None => return None,
        };
        Some(Self {
            activation,
            origin_account: origin,
            hop,
            encoding: accepted.and_then(ContentEncoding::for_one_who_accepts),
            headers: ShownHeaders { lines },
        })
    }
}

/// The header block of a message that says that it is not to be traced, whatever it asked for.
pub fn with_tracing_disabled(header: &[u8]) -> Vec<u8> {
    with(header, DESTINATION, DISABLED)
}

/// The header block of a message that has its event sent elsewhere.
pub fn with_destination(header: &[u8], destination: &[u8]) -> Vec<u8> {
    with(header, DESTINATION, destination)
}

/// The header block of a message that leaves by this hop.
pub fn with_hop(header: &[u8], hop: &[u8]) -> Vec<u8> {
    with(header, HOP, hop)
}

/// A header block in which a name has this value, and no other.
fn with(header: &[u8], name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(header.len() + name.len() + value.len() + 4);
    let mut rest = header.get(..header.len().saturating_sub(2)).unwrap_or_default();
    while let Some(end) = line_end(rest) {
        let (line, others) = rest.split_at(end + 2);
        let after_name = line.strip_prefix(name);
        if after_name.is_none_or(|rest| rest.first() != Some(&b':')) {
            out.extend_from_slice(line);
        }
        rest = others;
    }
    for part in [rest, name, b": ", value, b"\r\n\r\n"] {
        out.extend_from_slice(part);
    }
    out
}

fn says_yes(text: &[u8]) -> bool {
    [&b"1"[..], b"true", b"on"]
        .iter()
        .any(|yes| text.eq_ignore_ascii_case(yes))
}

/// Whether a `traceparent`, which is `version-trace-parent-flags`, says that the trace is sampled.
fn is_sampled(value: &[u8]) -> bool {
    let parts: Vec<_> = value.splitn(5, |byte| *byte == b'-').collect();
    let [_, _, _, flags] = parts[..] else {
        return false;
    };
    let flags = str::from_utf8(flags).ok().filter(|flags| flags.len() == 2);
    // As in nats-server, it is a number with a sign.
    flags.is_some_and(|flags| i8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1))
}

/// Name and value of each line that has both. A line without a colon is part of the next name, and what follows a value
/// without an end is nothing.
fn headers(lines: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let colon = memchr(b':', rest)?;
        let (name, value) = (rest.get(..colon)?, trim_start(rest.get(colon + 1..)?));
        let end = line_end(value)?;
        rest = value.get(end + 2..)?;
        Some((name, trim_end(value.get(..end)?)))
    })
    .filter(|(name, value)| !name.is_empty() && !value.is_empty())
}

/// Where the first CRLF is.
fn line_end(text: &[u8]) -> Option<usize> {
    memchr_iter(b'\r', text).find(|at| text.get(at + 1) == Some(&b'\n'))
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn trim_start(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
    text.get(blanks..).unwrap_or_default()
}

fn trim_end(text: &[u8]) -> &[u8] {
    let blanks = text.iter().rev().take_while(|byte| is_blank(**byte)).count();
    text.get(..text.len() - blanks).unwrap_or_default()
}

#[cfg(test)]
mod tests;

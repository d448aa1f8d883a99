//! The general way to parse: any operation in any spelling, and everything that is wrong.

use memchr::memchr;

use super::{FrameLimits, Oversized, Parsed, parse_size};
use crate::error::Violation;
use crate::json;
use crate::operation::{Groups, Operation, Publish};

#[derive(Clone, Copy)]
enum Verb {
    Publish,
    PublishHeaders,
    Subscribe,
    Unsubscribe,
    Ping,
    Pong,
    Connect,
    Info,
    Ok,
    Error,
}

const VERBS: [(&[u8], Verb); 10] = [
    (b"PUB", Verb::Publish),
    (b"HPUB", Verb::PublishHeaders),
    (b"SUB", Verb::Subscribe),
    (b"UNSUB", Verb::Unsubscribe),
    (b"PING", Verb::Ping),
    (b"PONG", Verb::Pong),
    (b"CONNECT", Verb::Connect),
    (b"INFO", Verb::Info),
    (b"+OK", Verb::Ok),
    (b"-ERR", Verb::Error),
];

/// Why there is no frame: `Err` of the functions below.
enum Stop {
    Incomplete { frame_len: usize },
    Violation(Violation),
}

const MORE: Stop = Stop::Incomplete { frame_len: 0 };

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Stop::Violation(violation)
    }
}

#[cold]
#[inline(never)]
pub(super) fn parse<'a>(input: &'a [u8], limits: &FrameLimits) -> Parsed<'a> {
    match parse_frame(input, limits) {
        Ok((operation, consumed)) => Parsed::Frame { operation, consumed },
        Err(Stop::Incomplete { frame_len }) => Parsed::Incomplete { frame_len },
        Err(Stop::Violation(violation)) => Parsed::Violation(violation),
    }
}

fn parse_frame<'a>(input: &'a [u8], limits: &FrameLimits) -> Result<(Operation<'a>, usize), Stop> {
    let (verb, verb_len) = match verb(input, &VERBS) {
        Begins::With(verb, length) => (verb, length),
        Begins::InPart => return Err(MORE),
        Begins::Otherwise => return Err(Violation::UnknownOperation.into()),
    };
    let line = Line::new(input, verb, verb_len, limits.max_control_line)?;
    let operation = match verb {
        Verb::Ping => Operation::Ping,
        Verb::Pong => Operation::Pong,
        Verb::Ok => Operation::Ok,
        Verb::Error => Operation::Error(line.arguments),
        Verb::Connect => Operation::Connect(json::trim(line.arguments)),
        Verb::Info => match json::check_object(line.arguments) {
            Ok(_) => Operation::Info,
            Err(_) => return Err(Violation::Arguments.into()),
        },
        Verb::Subscribe => subscribe(&line)?,
        Verb::Unsubscribe => unsubscribe(&line)?,
        Verb::Publish => return publish(input, &line, limits, false),
        Verb::PublishHeaders if limits.headers => return publish(input, &line, limits, true),
        Verb::PublishHeaders => return Err(Violation::HeadersNotSupported.into()),
    };
    Ok((operation, line.len))
}

/// What a buffer begins with, of some verbs.
pub(crate) enum Begins<V> {
    /// With this one, which has so many bytes.
    With(V, usize),
    /// With the start of one.
    InPart,
    /// With something else.
    Otherwise,
}

/// The verb at the start of `input`. Wrong at the first byte that no verb has there, so that binary junk or
/// another protocol is refused without waiting for a line end.
pub(crate) fn verb<V: Copy>(input: &[u8], verbs: &[(&[u8], V)]) -> Begins<V> {
    let mut may_follow = false;
    for (name, verb) in verbs {
        let shared = name.len().min(input.len());
        let (Some(start), Some(wanted)) = (input.get(..shared), name.get(..shared)) else {
            continue;
        };
        if start.eq_ignore_ascii_case(wanted) {
            if shared == name.len() {
                return Begins::With(*verb, shared);
            }
            may_follow = true;
        }
    }
    match may_follow {
        true => Begins::InPart,
        false => Begins::Otherwise,
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

struct Line<'a> {
    /// What stands between the blanks after the verb and the line end.
    arguments: &'a [u8],
    /// Where the arguments start in the input.
    start: usize,
    /// Length of the whole line with its end.
    len: usize,
    /// Whether it ended in CRLF rather than LF.
    carriage_return: bool,
}

impl<'a> Line<'a> {
    fn new(input: &'a [u8], verb: Verb, verb_len: usize, max: usize) -> Result<Self, Stop> {
        let rest = input.get(verb_len..).unwrap_or_default();
        // PINGS is a PING and CONNECT{} a CONNECT, but PUBfoo is nothing.
        let needs_blank = matches!(
            verb,
            Verb::Publish | Verb::PublishHeaders | Verb::Subscribe | Verb::Unsubscribe | Verb::Error
        );
        if needs_blank && !is_blank(*rest.first().ok_or(MORE)?) {
            return Err(Violation::UnknownOperation.into());
        }
        let blanks = rest.iter().take_while(|&&byte| is_blank(byte)).count();
        if blanks > max {
            return Err(Violation::MaximumControlLine.into());
        }
        let start = verb_len + blanks;
        let rest = rest.get(blanks..).unwrap_or_default();
        // Never looks further than the longest line that is allowed.
        let window = rest.get(..max.saturating_add(2)).unwrap_or(rest);
        let end = memchr(b'\n', window);
        let text = window.get(..end.unwrap_or(window.len())).unwrap_or_default();
        let arguments = text.strip_suffix(b"\r").unwrap_or(text);
        if arguments.len() > max {
            return Err(Violation::MaximumControlLine.into());
        }
        let len = match end {
            Some(end) => start + end + 1,
            None if window.len() < rest.len() => return Err(Violation::MaximumControlLine.into()),
            None => return Err(MORE),
        };
        Ok(Line {
            arguments,
            start,
            len,
            carriage_return: arguments.len() < text.len(),
        })
    }

    /// Splits the arguments into at most `N` tokens; `Err` when there are more, or fewer than `least`.
    /// Unused places are empty, used ones are not.
    fn split<const N: usize>(
        &self,
        least: usize,
        is_separator: impl Fn(u8) -> bool,
    ) -> Result<[&'a [u8]; N], Violation> {
        if !self.carriage_return && memchr(b'\r', self.arguments).is_some() {
            return Err(Violation::Arguments);
        }
        let mut tokens: [&[u8]; N] = [&[]; N];
        let mut places = tokens.iter_mut();
        for token in self.arguments.split(|&byte| is_separator(byte)) {
            if !token.is_empty() {
                *places.next().ok_or(Violation::Arguments)? = token;
            }
        }
        if N - places.len() < least {
            Err(Violation::Arguments)
        } else {
            Ok(tokens)
        }
    }
}

/// SUB and UNSUB, unlike PUB, also take a carriage return within the line for a separator.
fn is_separator(byte: u8) -> bool {
    is_blank(byte) || byte == b'\r'
}

fn subscribe<'a>(line: &Line<'a>) -> Result<Operation<'a>, Violation> {
    let [subject, second, third] = line.split(2, is_separator)?;
    let (queue, sid) = if third.is_empty() {
        (None, second)
    } else {
        (Some(second), third)
    };
    Ok(Operation::Subscribe { subject, queue, sid })
}

fn unsubscribe<'a>(line: &Line<'a>) -> Result<Operation<'a>, Violation> {
    let [sid, max] = line.split(1, is_separator)?;
    let max = parse_size(max).filter(|&max| max > 0).map(|max| max as u64);
    Ok(Operation::Unsubscribe { sid, max })
}

fn publish<'a>(
    input: &'a [u8],
    line: &Line<'a>,
    limits: &FrameLimits,
    headers: bool,
) -> Result<(Operation<'a>, usize), Stop> {
    let (subject, reply, header_size_text, size_text): (_, _, &[u8], _) = if headers {
        match line.split(3, is_blank)? {
            [subject, header, size, b""] => (subject, None, header, size),
            [subject, reply, header, size] => (subject, Some(reply), header, size),
        }
    } else {
        match line.split(2, is_blank)? {
            [subject, size, b""] => (subject, None, b"", size),
            [subject, reply, size] => (subject, Some(reply), b"", size),
        }
    };
    let header_size = if headers {
        parse_size(header_size_text).ok_or(Violation::Arguments)?
    } else {
        0
    };
    let body_len = parse_size(size_text).ok_or(Violation::Arguments)?;
    if header_size > body_len {
        return Err(Violation::Arguments.into());
    }
    if body_len > limits.max_payload {
        return Err(Violation::MaximumPayload.into());
    }

    // The body must be followed by CRLF; what has arrived of it is checked at once.
    let body_end = line.len + body_len;
    let consumed = body_end + 2;
    match input.get(body_end..).unwrap_or_default() {
        [b'\r', b'\n', ..] => {}
        [] | [b'\r'] => return Err(Stop::Incomplete { frame_len: consumed }),
        _ => return Err(Violation::UnknownOperation.into()),
    }

    // A header block of no bytes is none: subscribers get a MSG, without its size.
    let header_size = Some(header_size).filter(|&size| size > 0);
    let header_size_text = if header_size.is_some() {
        header_size_text
    } else {
        &[]
    };
    let tail = if header_size.is_some() || !headers {
        tail_start(
            line,
            subject,
            [reply.unwrap_or_default(), header_size_text, size_text],
        )
        .and_then(|start| input.get(start..consumed))
    } else {
        None
    };
    let publish = Publish {
        subject,
        reply,
        groups: Groups::All,
        header_size,
        header_size_text,
        size_text,
        tail,
        body: input.get(line.len..body_end).unwrap_or_default(),
        line_len: line.len,
    };
    Ok((Operation::Publish(publish), consumed))
}

/// As [`super::oversized`].
#[cold]
pub(super) fn oversized<'a>(input: &'a [u8], limits: &FrameLimits) -> Option<Oversized<'a>> {
    let Begins::With(Verb::PublishHeaders, verb_len) = verb(input, &VERBS) else {
        return None;
    };
    let line = Line::new(input, Verb::PublishHeaders, verb_len, limits.max_control_line).ok()?;
    let [subject, second, third, fourth] = line.split(3, is_blank).ok()?;
    let sizes = if fourth.is_empty() {
        (second, third)
    } else {
        (third, fourth)
    };
    let (header_size, size) = (parse_size(sizes.0)?, parse_size(sizes.1)?);
    let come = input.get(line.len..)?;
    Some(Oversized {
        subject,
        header: come.get(..header_size).unwrap_or(come),
        size,
    })
}

/// Where in the input the tokens after the subject start, if they stand there as in a delivery:
/// one space between two, nothing after the last, CRLF.
fn tail_start(line: &Line<'_>, subject: &[u8], tokens: [&[u8]; 3]) -> Option<usize> {
    let after_subject = line.arguments.get(subject.len()..)?;
    let blanks = after_subject.iter().take_while(|&&byte| is_blank(byte)).count();
    let mut text = after_subject.get(blanks..)?;
    let mut is_first = true;
    for token in tokens.into_iter().filter(|token| !token.is_empty()) {
        if !is_first {
            text = text.strip_prefix(b" ")?;
        }
        text = text.strip_prefix(token)?;
        is_first = false;
    }
    (text.is_empty() && line.carriage_return).then_some(line.start + subject.len() + blanks)
}

//! Finding the operation of another server at the start of a buffer.
//!
//! As in [`crate::parser`], the answer is a function of the bytes, however they were cut. Servers write their lines in one
//! spelling; others are taken too, as nats-server takes them.

#[cfg(test)]
mod tests;

use super::{RouteOperation, RoutedInterest, RoutedMessage};
use crate::error::Violation;
use crate::operation::{Groups, Publish};
use crate::parser::line::{Begins, verb};
use crate::parser::parse_size;
use memchr::memchr;

/// What a route allows the server at its other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteLimits {
    /// The longest line, in bytes, with its end.
    pub max_line: usize,
    /// Most bytes of header block and payload together.
    pub max_message: usize,
    /// Whether the route carries one account alone, which is then not said.
    pub one_account: bool,
    /// Whether LS- says the cluster of the leaf nodes.
    pub origin_in_unsubscribe: bool,
}

/// What the start of a buffer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteParsed<'a> {
    /// A complete frame.
    Frame {
        /// The operation.
        operation: RouteOperation<'a>,
        /// Length of the frame in bytes, at least 1: the next frame starts there.
        consumed: usize,
    },
    /// The start of a frame. A line without its end is never longer than [`RouteLimits::max_line`].
    Incomplete {
        /// Length of the whole frame when already known (only its message is missing), otherwise 0.
        frame_len: usize,
    },
    /// The other server broke the protocol.
    Violation(Violation),
}

/// Why there is no frame.
enum Stop {
    Incomplete { frame_len: usize },
    Violation(Violation),
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Info,
    Connect,
    Ping,
    Pong,
    Ok,
    Error,
    Subscribe,
    Unsubscribe,
    LeafSubscribe,
    LeafUnsubscribe,
    Message,
    HeaderMessage,
    LeafMessage,
    AccountBegins,
    AccountEnds,
}

/// Those that come most often first.
const VERBS: [(&[u8], Verb); 15] = [
    (b"RMSG", Verb::Message),
    (b"HMSG", Verb::HeaderMessage),
    (b"RS+", Verb::Subscribe),
    (b"RS-", Verb::Unsubscribe),
    (b"LMSG", Verb::LeafMessage),
    (b"LS+", Verb::LeafSubscribe),
    (b"LS-", Verb::LeafUnsubscribe),
    (b"PING", Verb::Ping),
    (b"PONG", Verb::Pong),
    (b"INFO", Verb::Info),
    (b"CONNECT", Verb::Connect),
    (b"+OK", Verb::Ok),
    (b"-ERR", Verb::Error),
    (b"A+", Verb::AccountBegins),
    (b"A-", Verb::AccountEnds),
];

/// What leaf nodes and their hubs say: what is said on a route of one account, with verbs of its own. Those that come most
/// often first.
const LEAF_VERBS: [(&[u8], Verb); 10] = [
    (b"LMSG", Verb::Message),
    (b"HMSG", Verb::HeaderMessage),
    (b"LS+", Verb::Subscribe),
    (b"LS-", Verb::Unsubscribe),
    (b"PING", Verb::Ping),
    (b"PONG", Verb::Pong),
    (b"INFO", Verb::Info),
    (b"CONNECT", Verb::Connect),
    (b"+OK", Verb::Ok),
    (b"-ERR", Verb::Error),
];

/// Parses the frame at the start of `input`, as servers of a cluster say it.
pub fn parse<'a>(input: &'a [u8], limits: &RouteLimits) -> RouteParsed<'a> {
    parse_with(&VERBS, input, limits)
}

/// The same, as leaf nodes and their hubs say it, who have one account.
pub fn parse_leaf<'a>(input: &'a [u8], limits: &RouteLimits) -> RouteParsed<'a> {
    debug_assert!(limits.one_account);
    parse_with(&LEAF_VERBS, input, limits)
}

fn parse_with<'a>(verbs: &[(&[u8], Verb)], input: &'a [u8], limits: &RouteLimits) -> RouteParsed<'a> {
    match parse_frame(verbs, input, limits) {
        Ok((operation, consumed)) => RouteParsed::Frame { operation, consumed },
        Err(Stop::Incomplete { frame_len }) => RouteParsed::Incomplete { frame_len },
        Err(Stop::Violation(violation)) => RouteParsed::Violation(violation),
    }
}

fn parse_frame<'a>(
    verbs: &[(&[u8], Verb)],
    input: &'a [u8],
    limits: &RouteLimits,
) -> Result<(RouteOperation<'a>, usize), Stop> {
    let (verb, verb_len) = match verb(input, verbs) {
        Begins::With(verb, length) => (verb, length),
        Begins::InPart => return Err(Stop::Incomplete { frame_len: 0 }),
        Begins::Otherwise => return Err(Violation::UnknownOperation.into()),
    };
    // Never looks further than the longest line that is allowed.
    let window = input.get(..limits.max_line).unwrap_or(input);
    let Some(end) = memchr(b'\n', window) else {
        return Err(match window.len() < input.len() {
            true => Violation::MaximumControlLine.into(),
            false => Stop::Incomplete { frame_len: 0 },
        });
    };
    let line_len = end + 1;
    let text = window.get(verb_len..end).unwrap_or_default();
    let arguments = text.strip_suffix(b"\r").unwrap_or(text);
    let operation = match verb {
        Verb::Ping => RouteOperation::Ping,
        Verb::Pong => RouteOperation::Pong,
        Verb::Ok => RouteOperation::Ok,
        Verb::Info => RouteOperation::Info(arguments.trim_ascii()),
        Verb::Connect => RouteOperation::Connect(arguments.trim_ascii()),
        _ if !arguments.first().copied().is_some_and(is_blank) => {
            return Err(Violation::UnknownOperation.into());
        }
        Verb::Error => RouteOperation::Error(arguments.trim_ascii()),
        Verb::AccountBegins => RouteOperation::AccountBegins(arguments.trim_ascii()),
        Verb::AccountEnds => RouteOperation::AccountEnds(arguments.trim_ascii()),
        Verb::Subscribe => RouteOperation::Subscribe(interest(arguments, limits, false, true)?),
        Verb::LeafSubscribe => RouteOperation::Subscribe(interest(arguments, limits, true, true)?),
        Verb::Unsubscribe => RouteOperation::Unsubscribe(interest(arguments, limits, false, false)?),
        Verb::LeafUnsubscribe => {
            let has_origin = limits.origin_in_unsubscribe;
            RouteOperation::Unsubscribe(interest(arguments, limits, has_origin, false)?)
        }
        Verb::Message | Verb::HeaderMessage | Verb::LeafMessage => {
            return message(input, verb, arguments, verb_len, line_len, limits);
        }
    };
    Ok((operation, line_len))
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The words of a line, as nats-server splits them: a carriage return in the middle separates too.
fn words(arguments: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_separator = |byte: &u8| is_blank(*byte) || *byte == b'\r';
    arguments.split(is_separator).filter(|word| !word.is_empty())
}

/// The arguments of RS+, RS-, LS+ and LS-.
fn interest<'a>(
    arguments: &'a [u8],
    limits: &RouteLimits,
    has_origin: bool,
    has_weight: bool,
) -> Result<RoutedInterest<'a>, Violation> {
    let mut words = words(arguments);
    let mut next = || words.next().ok_or(Violation::Arguments);
    let origin = has_origin.then(&mut next).transpose()?;
    let account = (!limits.one_account).then(&mut next).transpose()?;
    let subject = next()?;
    let queue = next().ok();
    let weight = match (queue, has_weight) {
        // As in nats-server, what is no number is not refused.
        (Some(_), true) => parse_size(next()?).map_or(0, |weight| weight as u32),
        _ => 1,
    };
    if words.next().is_some() {
        return Err(Violation::Arguments);
    }
    Ok(RoutedInterest {
        origin,
        account,
        subject,
        queue,
        weight,
    })
}

/// The words of a message's line up to the sizes.
struct Head<'a> {
    origin: Option<&'a [u8]>,
    account: Option<&'a [u8]>,
    subject: &'a [u8],
    reply: Option<&'a [u8]>,
    queues: &'a [u8],
}

fn message<'a>(
    input: &'a [u8],
    verb: Verb,
    arguments: &'a [u8],
    arguments_at: usize,
    line_len: usize,
    limits: &RouteLimits,
) -> Result<(RouteOperation<'a>, usize), Stop> {
    let with_headers = verb != Verb::Message;
    let (rest, size_text) = last_word(arguments).ok_or(Violation::Arguments)?;
    let (rest, header_size_text) = match with_headers {
        true => last_word(rest).ok_or(Violation::Arguments)?,
        false => (rest, &[][..]),
    };
    let head = head(rest, verb == Verb::LeafMessage, limits)?;
    let size = parse_size(size_text).ok_or(Violation::Arguments)?;
    let header_size = match with_headers {
        true => parse_size(header_size_text).ok_or(Violation::Arguments)?,
        false => 0,
    };
    if header_size > size {
        return Err(Violation::Arguments.into());
    }
    if size > limits.max_message {
        return Err(Violation::MaximumPayload.into());
    }
    let body_end = line_len + size;
    let consumed = body_end + 2;
    match input.get(body_end..).unwrap_or_default() {
        [b'\r', b'\n', ..] => {}
        [] | [b'\r'] => return Err(Stop::Incomplete { frame_len: consumed }),
        _ => return Err(Violation::UnknownOperation.into()),
    }
    // A header block of no bytes is none.
    let header_size = Some(header_size).filter(|size| *size > 0);
    let header_size_text = header_size.map_or(&[][..], |_| header_size_text);
    let tail = match header_size.is_some() == with_headers {
        true if arguments_at + arguments.len() + 2 == line_len => {
            tail_start(arguments, &head, header_size_text, size_text)
                .and_then(|start| input.get(arguments_at + start..consumed))
        }
        _ => None,
    };
    let publish = Publish {
        subject: head.subject,
        reply: head.reply,
        groups: Groups::Only(head.queues),
        header_size,
        header_size_text,
        size_text,
        tail,
        body: input.get(line_len..body_end).unwrap_or_default(),
        line_len,
    };
    let message = RoutedMessage {
        origin: head.origin,
        account: head.account,
        publish,
    };
    Ok((RouteOperation::Message(message), consumed))
}

/// What stands before the last word, and that word.
fn last_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_separator = |byte: u8| is_blank(byte) || byte == b'\r';
    let end = text.iter().rposition(|&byte| !is_separator(byte))? + 1;
    let text = text.get(..end)?;
    let start = text
        .iter()
        .rposition(|&byte| is_separator(byte))
        .map_or(0, |at| at + 1);
    Some((text.get(..start)?, text.get(start..)?))
}

/// The first word, and what stands behind it.
fn first_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_separator = |byte: u8| is_blank(byte) || byte == b'\r';
    let start = text.iter().position(|&byte| !is_separator(byte))?;
    let text = text.get(start..)?;
    let end = text
        .iter()
        .position(|&byte| is_separator(byte))
        .unwrap_or(text.len());
    Some((text.get(..end)?, text.get(end..)?))
}

fn head<'a>(mut rest: &'a [u8], has_origin: bool, limits: &RouteLimits) -> Result<Head<'a>, Violation> {
    let mut next = || {
        let (word, behind) = first_word(rest)?;
        rest = behind;
        Some(word)
    };
    let mut required = || next().ok_or(Violation::Arguments);
    let origin = has_origin.then(&mut required).transpose()?;
    let account = (!limits.one_account).then(&mut required).transpose()?;
    let subject = required()?;
    let (reply, queues) = match next() {
        None => (None, &[][..]),
        Some(third) => {
            let behind = rest.trim_ascii();
            match (third, behind.is_empty()) {
                // One word more is the reply, whatever it is.
                (reply, true) => (Some(reply), behind),
                (b"|", false) => (None, behind),
                (b"+", false) => {
                    let (reply, queues) = first_word(behind).ok_or(Violation::Arguments)?;
                    (Some(reply), queues.trim_ascii())
                }
                _ => return Err(Violation::Arguments),
            }
        }
    };
    Ok(Head {
        origin,
        account,
        subject,
        reply,
        queues,
    })
}

/// Where in the arguments the words start that stand behind the subject of a delivery, if they stand here as they do there:
/// one blank between two, nothing behind the last. With a reply and queue groups they do not.
fn tail_start(arguments: &[u8], head: &Head<'_>, header_size_text: &[u8], size_text: &[u8]) -> Option<usize> {
    if head.reply.is_some() && !head.queues.is_empty() {
        return None;
    }
    let words = [head.reply.unwrap_or_default(), header_size_text];
    let words = words.into_iter().filter(|word| !word.is_empty());
    let before_size: usize = words.clone().map(|word| word.len() + 1).sum();
    let start = arguments.len().checked_sub(before_size + size_text.len())?;
    let mut text = arguments.get(start..)?;
    for word in words {
        text = text.strip_prefix(word)?.strip_prefix(b" ")?;
    }
    (text == size_text).then_some(start)
}

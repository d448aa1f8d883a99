//! Header blocks: `NATS/1.0`, lines of a name and a value, an empty line. Names are compared as they are written, values
//! are what follows the colon and blanks, as nats-server has it.

use bytes::Bytes;
use memchr::memmem;

/// What a server has to know for who asks.
pub const REQUIRED_API_LEVEL: &str = "Nats-Required-Api-Level";
/// What is stored only once.
pub const MESSAGE_ID: &str = "Nats-Msg-Id";
/// The stream that a message is meant for.
pub const EXPECTED_STREAM: &str = "Nats-Expected-Stream";
/// The last sequence that was given before it.
pub const EXPECTED_LAST_SEQUENCE: &str = "Nats-Expected-Last-Sequence";
/// The sequence of the last message of its subject.
pub const EXPECTED_LAST_SUBJECT_SEQUENCE: &str = "Nats-Expected-Last-Subject-Sequence";
/// Or of the last of these subjects.
pub const EXPECTED_LAST_SUBJECT_SEQUENCE_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
/// The id of the message before it.
pub const EXPECTED_LAST_MESSAGE_ID: &str = "Nats-Expected-Last-Msg-Id";
/// Which messages go with it: `sub` or `all`.
pub const ROLLUP: &str = "Nats-Rollup";
/// How long it stays.
pub const TTL: &str = "Nats-TTL";
/// By how much it counts.
pub const INCREMENT: &str = "Nats-Incr";
/// What other streams have counted.
pub const COUNTER_SOURCES: &str = "Nats-Counter-Sources";
/// From which stream it was got.
pub const STREAM_SOURCE: &str = "Nats-Stream-Source";
/// By what a stream is told from others that have had its name.
pub const STREAM_IDENTITY: &str = "Nats-Stream-Identity";
/// How many messages a consumer has pushed.
pub const LAST_CONSUMER: &str = "Nats-Last-Consumer";
/// The sequence of the last of them.
pub const LAST_STREAM: &str = "Nats-Last-Stream";
/// Where an answer to flow control is waited for.
pub const CONSUMER_STALLED: &str = "Nats-Consumer-Stalled";
/// Why there is a marker.
pub const MARKER_REASON: &str = "Nats-Marker-Reason";
/// What it does to a key.
pub const KV_OPERATION: &str = "KV-Operation";
/// Of which batch it is.
pub const BATCH_ID: &str = "Nats-Batch-Id";
/// The place that it has in that.
pub const BATCH_SEQUENCE: &str = "Nats-Batch-Sequence";
/// That it is the last.
pub const BATCH_COMMIT: &str = "Nats-Batch-Commit";
/// When it is to be published.
pub const SCHEDULE: &str = "Nats-Schedule";
/// In which time zone that is.
pub const SCHEDULE_TIME_ZONE: &str = "Nats-Schedule-Time-Zone";
/// How long it stays then.
pub const SCHEDULE_TTL: &str = "Nats-Schedule-TTL";
/// Which go with it then.
pub const SCHEDULE_ROLLUP: &str = "Nats-Schedule-Rollup";
/// On which subject.
pub const SCHEDULE_TARGET: &str = "Nats-Schedule-Target";
/// The subject whose last message is published instead.
pub const SCHEDULE_SOURCE: &str = "Nats-Schedule-Source";
/// The schedule by which it was published.
pub const SCHEDULER: &str = "Nats-Scheduler";
/// When the next one is, or `purge`.
pub const SCHEDULE_NEXT: &str = "Nats-Schedule-Next";
/// The stream that a message is of.
pub const STREAM: &str = "Nats-Stream";
/// Its sequence.
pub const SEQUENCE: &str = "Nats-Sequence";
/// When it was stored.
pub const TIME_STAMP: &str = "Nats-Time-Stamp";
/// Its subject.
pub const SUBJECT: &str = "Nats-Subject";
/// The sequence of the message before it.
pub const LAST_SEQUENCE: &str = "Nats-Last-Sequence";
/// How many messages are still to come.
pub const NUM_PENDING: &str = "Nats-Num-Pending";
/// Up to which sequence they were looked for.
pub const UP_TO_SEQUENCE: &str = "Nats-UpTo-Sequence";
/// How long the payload is that was left out.
pub const MESSAGE_SIZE: &str = "Nats-Msg-Size";

const FIRST_LINE: &[u8] = b"NATS/1.0\r\n";
const LINE_END: &[u8] = b"\r\n";

/// The value of the first header of a name.
#[must_use]
pub fn get<'a>(headers: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let start = find(headers, name)?;
    let mut rest = headers.get(start + name.len() + 1..)?;
    while let [b' ', after @ ..] = rest {
        rest = after;
    }
    let end = line_ends(rest)
        .next()
        .map_or(rest.len(), |end| end - LINE_END.len());
    rest.get(..end)
}

/// The value of the first header of a name, if there is something in it.
#[must_use]
pub fn said<'a>(headers: &'a [u8], name: &str) -> Option<&'a [u8]> {
    get(headers, name).filter(|value| !value.is_empty())
}

/// Where the line of a name begins. Some twenty names are looked for in a message: that is faster line by line than with
/// a searcher made for each.
fn find(headers: &[u8], name: &str) -> Option<usize> {
    line_ends(headers).find(|&at| {
        let after = headers
            .get(at..)
            .and_then(|line| line.strip_prefix(name.as_bytes()));
        after.is_some_and(|after| after.first() == Some(&b':'))
    })
}

/// Where lines have ended.
fn line_ends(text: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr_iter(b'\n', text)
        .filter(|&at| at > 0 && text.get(at - 1) == Some(&b'\r'))
        .map(|at| at + 1)
}

/// A decimal number without sign: everything else is none, as is one that is too large.
#[must_use]
pub fn number(value: &[u8]) -> Option<u64> {
    let is_digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = is_digits.then(|| str::from_utf8(value).ok()).flatten()?;
    text.parse().ok()
}

/// The block without all headers of which `is_unwanted` says so, by name; empty if none is left.
#[must_use]
pub fn without(headers: &Bytes, mut is_unwanted: impl FnMut(&[u8]) -> bool) -> Bytes {
    let Some(lines) = headers.strip_prefix(FIRST_LINE) else {
        return headers.clone();
    };
    let mut kept: Vec<u8> = Vec::new();
    let mut has_removed = false;
    let mut rest = lines;
    while let Some(end) = memmem::find(rest, LINE_END) {
        let (line, after) = rest.split_at(end + LINE_END.len());
        rest = after;
        if line == LINE_END {
            break;
        }
        let name = memchr::memchr(b':', line).map_or(line, |at| &line[..at]);
        if is_unwanted(name) {
            has_removed = true;
        } else {
            kept.extend_from_slice(line);
        }
    }
    match (has_removed, kept.is_empty()) {
        (false, _) => headers.clone(),
        (true, true) => Bytes::new(),
        (true, false) => [FIRST_LINE, &kept, LINE_END].concat().into(),
    }
}

/// The block without the headers of one name.
#[must_use]
pub fn without_name(headers: &Bytes, name: &str) -> Bytes {
    match find(headers, name) {
        None => headers.clone(),
        Some(_) => without(headers, |other| other == name.as_bytes()),
    }
}

/// The block with more headers at its end.
#[must_use]
pub fn with(headers: &[u8], added: &[(&str, &[u8])]) -> Bytes {
    let more: usize = added
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4)
        .sum();
    let mut block = Vec::with_capacity(headers.len() + FIRST_LINE.len() + LINE_END.len() + more);
    match headers.len().checked_sub(LINE_END.len()) {
        Some(end) if end > 0 => block.extend_from_slice(&headers[..end]),
        _ => block.extend_from_slice(FIRST_LINE),
    }
    for (name, value) in added {
        block.extend_from_slice(name.as_bytes());
        block.extend_from_slice(b": ");
        block.extend_from_slice(value);
        block.extend_from_slice(LINE_END);
    }
    block.extend_from_slice(LINE_END);
    block.into()
}

/// The block with another value of the first header of a name, or with such a header at its end.
#[must_use]
pub fn replaced(headers: &[u8], name: &str, value: &[u8]) -> Bytes {
    let Some(start) = find(headers, name) else {
        return with(headers, &[(name, value)]);
    };
    let mut from = start + name.len() + 1;
    if headers.get(from) == Some(&b' ') {
        from += 1;
    }
    let old = headers.get(from..).unwrap_or_default();
    let to = from + memmem::find(old, LINE_END).unwrap_or(old.len());
    [&headers[..from], value, &headers[to..]].concat().into()
}

#[cfg(test)]
mod tests {
    use super::{get, number, replaced, with, without, without_name};
    use bytes::Bytes;

    const BLOCK: &[u8] = b"NATS/1.0\r\nA: 1\r\nX-A: 2\r\nB:3\r\nA:  4 \r\nC:\r\n\r\n";

    #[test]
    fn finds_values() {
        for (name, expect) in [
            ("A", Some("1")),
            ("X-A", Some("2")),
            ("B", Some("3")),
            ("C", Some("")),
            ("D", None),
            ("a", None),
            ("NATS/1.0", None),
        ] {
            assert_eq!(get(BLOCK, name), expect.map(str::as_bytes), "{name}");
        }
        assert_eq!(get(b"", "A"), None);
        assert_eq!(get(b"NATS/1.0\r\nA: 1", "A"), Some(&b"1"[..]));
    }

    #[test]
    fn changes_blocks() {
        let block = Bytes::from_static(BLOCK);
        assert_eq!(
            without_name(&block, "A"),
            &b"NATS/1.0\r\nX-A: 2\r\nB:3\r\nC:\r\n\r\n"[..]
        );
        assert_eq!(without_name(&block, "D"), block);
        assert_eq!(without(&block, |_| true), Bytes::new());
        assert_eq!(with(b"", &[("A", b"1")]), &b"NATS/1.0\r\nA: 1\r\n\r\n"[..]);
        assert_eq!(
            with(b"NATS/1.0\r\nA: 1\r\n\r\n", &[("B", b"2"), ("C", b"3")]),
            &b"NATS/1.0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n"[..]
        );
        assert_eq!(
            replaced(b"NATS/1.0\r\nA: 1\r\nB: 2\r\n\r\n", "A", b"long"),
            &b"NATS/1.0\r\nA: long\r\nB: 2\r\n\r\n"[..]
        );
        assert_eq!(replaced(b"", "A", b"1"), &b"NATS/1.0\r\nA: 1\r\n\r\n"[..]);
    }

    #[test]
    fn reads_numbers() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for text in ["", "-1", "+1", "1 ", "18446744073709551616", "x"] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }
}

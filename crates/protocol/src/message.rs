//! Encoding deliveries: MSG and HMSG.
//!
//! A delivery is a prefix, `MSG subject sid ` or `HMSG subject sid `, prebuilt once for a
//! subscription, and what follows of the publish. When the client published in the usual spelling
//! ([`Publish::tail`]) that is a copy of its bytes.

use crate::operation::Publish;

const CRLF: &[u8] = b"\r\n";

/// How much longer a prefix is for a message with a header block, in bytes: so much of it is left out for one without.
pub const MORE_WITH_HEADERS: usize = 1;

/// Where in a prefix for a message with a header block the subject is.
pub const SUBJECT_AT: u8 = HEADERS_VERB.len() as u8;

const HEADERS_VERB: &[u8] = b"HMSG ";

/// Length in bytes of what [`write_prefix`] writes.
#[must_use]
pub fn prefix_len(subject: usize, sid_field: usize) -> usize {
    HEADERS_VERB.len() + subject + 1 + sid_field
}

/// Writes, piece by piece, the prefix for a message with a header block. `sid_field` is the sid and its blank; without, the
/// prefix ends where they follow.
pub fn write_prefix(subject: &[u8], sid_field: &[u8], write: &mut impl FnMut(&[u8])) {
    for piece in [HEADERS_VERB, subject, b" ", sid_field] {
        write(piece);
    }
}

/// Appends the start of a delivery up to the sid and its blank. `headers`: HMSG, for a message with a
/// header block that is delivered with it; otherwise MSG. `subject` is the one published to.
pub fn append_prefix(out: &mut Vec<u8>, headers: bool, subject: &[u8], sid: &[u8]) {
    out.reserve(subject.len() + sid.len() + 7);
    out.extend_from_slice(if headers { b"HMSG " } else { b"MSG " });
    append_word(out, subject);
    append_word(out, sid);
}

/// Appends a whole delivery. The prefix must be one with `headers` exactly if
/// [`Publish::header_size`] is `Some`.
#[inline]
pub fn append(out: &mut Vec<u8>, prefix: &[u8], publish: &Publish<'_>) {
    match publish.tail {
        Some(tail) => {
            out.reserve(prefix.len() + tail.len());
            out.extend_from_slice(prefix);
            out.extend_from_slice(tail);
        }
        None => append_composed(out, prefix, publish),
    }
}

/// Appends what follows the prefix of a delivery: `[reply ][header_size ]size\r\nbody\r\n`.
#[inline]
pub fn append_tail(out: &mut Vec<u8>, publish: &Publish<'_>) {
    append(out, &[], publish);
}

#[cold]
#[inline(never)]
fn append_composed(out: &mut Vec<u8>, prefix: &[u8], publish: &Publish<'_>) {
    out.reserve(prefix.len() + tail_len(publish));
    out.extend_from_slice(prefix);
    if let Some(reply) = publish.reply {
        append_word(out, reply);
    }
    if publish.header_size.is_some() {
        append_word(out, publish.header_size_text);
    }
    out.extend_from_slice(publish.size_text);
    out.extend_from_slice(CRLF);
    out.extend_from_slice(publish.body);
    out.extend_from_slice(CRLF);
}

/// Length in bytes of what [`append`] adds to a prefix.
#[inline]
pub fn tail_len(publish: &Publish<'_>) -> usize {
    match publish.tail {
        Some(tail) => tail.len(),
        None => {
            publish.reply.map_or(0, |reply| reply.len() + 1)
                + publish
                    .header_size
                    .map_or(0, |_| publish.header_size_text.len() + 1)
                + publish.size_text.len()
                + publish.body.len()
                + 2 * CRLF.len()
        }
    }
}

/// Appends a delivery without the header block, for a client that does not understand headers. The
/// prefix must be one without `headers`.
pub fn append_stripped(out: &mut Vec<u8>, prefix: &[u8], publish: &Publish<'_>) {
    if publish.header_size.is_none() {
        return append(out, prefix, publish);
    }
    append_parts(out, prefix, publish.reply, None, publish.payload());
}

/// Appends a delivery made of its parts, for messages that no client sent as they are: by the server
/// itself, or with another reply subject. With a header block (from `NATS/1.0` to the empty line) the
/// prefix must be one with `headers`.
pub fn append_parts(
    out: &mut Vec<u8>,
    prefix: &[u8],
    reply: Option<&[u8]>,
    header: Option<&[u8]>,
    payload: &[u8],
) {
    let header_len = header.map_or(0, <[u8]>::len);
    out.reserve(prefix.len() + reply.map_or(0, <[u8]>::len) + header_len + payload.len() + 48);
    out.extend_from_slice(prefix);
    if let Some(reply) = reply {
        append_word(out, reply);
    }
    if header.is_some() {
        append_number(out, header_len);
        out.push(b' ');
    }
    append_number(out, header_len + payload.len());
    out.extend_from_slice(CRLF);
    out.extend_from_slice(header.unwrap_or_default());
    out.extend_from_slice(payload);
    out.extend_from_slice(CRLF);
}

/// Appends what a requester gets when nobody listens to its request: status 503 on its reply subject.
/// `sid` is that of its plain subscription which the reply subject matches, `subject` that of the
/// request.
pub fn append_no_responders(out: &mut Vec<u8>, reply: &[u8], sid: &[u8], subject: &[u8]) {
    const STATUS: &[u8] = b"NATS/1.0 503\r\nNats-Subject: ";
    const END: &[u8] = b"\r\n\r\n";
    append_prefix(out, true, reply, sid);
    let size = STATUS.len() + subject.len() + END.len();
    append_number(out, size);
    out.push(b' ');
    append_number(out, size);
    out.extend_from_slice(CRLF);
    out.extend_from_slice(STATUS);
    out.extend_from_slice(subject);
    out.extend_from_slice(END);
    out.extend_from_slice(CRLF);
}

/// The control line of an encoded delivery, without its end: what may be shown of a message to anybody who may know that
/// there is one.
pub fn control_line(delivery: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\r', delivery).unwrap_or(delivery.len());
    &delivery[..end]
}

/// The reply in what follows the subject of a publish, see [`Publish::tail`].
pub fn reply_in_tail(tail: &[u8], with_headers: bool) -> Option<&[u8]> {
    let line = &tail[..memchr::memchr(b'\r', tail)?];
    let sizes = if with_headers { 2 } else { 1 };
    let words = line.split(|byte| *byte == b' ').count();
    (words > sizes).then(|| line.split(|byte| *byte == b' ').next())?
}

#[inline]
fn append_word(out: &mut Vec<u8>, word: &[u8]) {
    out.extend_from_slice(word);
    out.push(b' ');
}

fn append_number(out: &mut Vec<u8>, number: usize) {
    let mut digits = [0; 20];
    let mut rest = number;
    let mut start = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        start = at;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Operation;
    use crate::parser::{FrameLimits, Parsed, parse};

    #[test]
    fn the_control_line_is_all_that_is_shown() {
        for (delivery, line) in [
            (
                "HMSG a 1 r 23 29\r\nNATS/1.0\r\nkey: hush\r\n\r\nhidden\r\n",
                "HMSG a 1 r 23 29",
            ),
            ("MSG a 1 0\r\n\r\n", "MSG a 1 0"),
            ("MSG a 1", "MSG a 1"),
        ] {
            assert_eq!(control_line(delivery.as_bytes()), line.as_bytes());
        }
    }

    fn publish(frame: &str) -> Publish<'_> {
        let limits = FrameLimits {
            max_control_line: 4096,
            max_payload: 1 << 20,
            headers: true,
        };
        match parse(frame.as_bytes(), &limits) {
            Parsed::Frame {
                operation: Operation::Publish(publish),
                ..
            } => publish,
            other => panic!("{other:?}"),
        }
    }

    /// What subscription 7 gets of a publish: with headers, and without.
    #[track_caller]
    fn check(frame: &str, expect: &str, stripped: &str) {
        let publish = publish(frame);
        let mut prefix = Vec::new();
        append_prefix(&mut prefix, publish.header_size.is_some(), publish.subject, b"7");
        let mut out = Vec::new();
        append(&mut out, &prefix, &publish);
        assert_eq!(String::from_utf8(out.clone()).unwrap(), expect);
        assert_eq!(out.len(), prefix.len() + tail_len(&publish));

        let mut composed = Vec::new();
        append(
            &mut composed,
            &prefix,
            &Publish {
                tail: None,
                ..publish
            },
        );
        assert_eq!(composed, out);
        let mut tail = prefix.clone();
        append_tail(&mut tail, &publish);
        assert_eq!(tail, out);

        prefix.clear();
        append_prefix(&mut prefix, false, publish.subject, b"7");
        out.clear();
        append_stripped(&mut out, &prefix, &publish);
        assert_eq!(String::from_utf8(out).unwrap(), stripped);
    }

    #[test]
    fn delivers() {
        let hi = "MSG foo 7 2\r\nhi\r\n";
        check("PUB foo 2\r\nhi\r\n", hi, hi);
        check("pub \t foo\t 2 \t\nhi\r\n", hi, hi);
        check(
            "PUB foo 02\r\nhi\r\n",
            "MSG foo 7 02\r\nhi\r\n",
            "MSG foo 7 02\r\nhi\r\n",
        );
        check(
            "PUB foo 00\r\n\r\n",
            "MSG foo 7 00\r\n\r\n",
            "MSG foo 7 00\r\n\r\n",
        );
        let replied = "MSG foo 7 bar 2\r\nhi\r\n";
        check("PUB foo bar 2\r\nhi\r\n", replied, replied);
        check("PUB foo  bar \t2\r\nhi\r\n", replied, replied);
        check(
            "HPUB h 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n",
            "HMSG h 7 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n",
            "MSG h 7 2\r\nhi\r\n",
        );
        check(
            "HPUB h  r\t018 18\r\nNATS/1.0\r\nA: b\r\n\r\n\r\n",
            "HMSG h 7 r 018 18\r\nNATS/1.0\r\nA: b\r\n\r\n\r\n",
            "MSG h 7 r 0\r\n\r\n",
        );
        check(
            "HPUB h 0 02\r\nhi\r\n",
            "MSG h 7 02\r\nhi\r\n",
            "MSG h 7 02\r\nhi\r\n",
        );
        check(
            "HPUB h r 0 0\r\n\r\n",
            "MSG h 7 r 0\r\n\r\n",
            "MSG h 7 r 0\r\n\r\n",
        );
    }

    #[test]
    fn a_prefix_without_headers_is_the_end_of_one_with_them() {
        let mut written = Vec::new();
        write_prefix(b"foo", b"7 ", &mut |piece| written.extend_from_slice(piece));
        assert_eq!(written.len(), prefix_len(3, 2));
        assert!(written[usize::from(SUBJECT_AT)..].starts_with(b"foo "));
        for headers in [false, true] {
            let mut prefix = Vec::new();
            append_prefix(&mut prefix, headers, b"foo", b"7");
            assert_eq!(prefix, written[if headers { 0 } else { MORE_WITH_HEADERS }..]);
        }
    }

    #[test]
    fn finds_the_reply_in_a_tail() {
        assert_eq!(reply_in_tail(b"r 2\r\nhi\r\n", false), Some(&b"r"[..]));
        assert_eq!(reply_in_tail(b"2\r\na b\r\n", false), None);
        assert_eq!(
            reply_in_tail(b"r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", true),
            Some(&b"r"[..])
        );
        assert_eq!(reply_in_tail(b"12 14\r\nNATS/1.0\r\n\r\nhi\r\n", true), None);
        assert_eq!(reply_in_tail(b"12", true), None);
    }

    #[test]
    fn composes() {
        let mut out = Vec::new();
        append_parts(&mut out, b"MSG a 1 ", None, None, b"0123456789");
        append_parts(&mut out, b"HMSG a 1 ", Some(b"r"), Some(b"NATS/1.0\r\n\r\n"), b"");
        let expect = "MSG a 1 10\r\n0123456789\r\nHMSG a 1 r 12 12\r\nNATS/1.0\r\n\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn says_that_nobody_listens() {
        let mut out = Vec::new();
        append_no_responders(&mut out, b"_INBOX.nr.1", b"1", b"nobody.is.there");
        let expect = "HMSG _INBOX.nr.1 1 47 47\r\nNATS/1.0 503\r\nNats-Subject: nobody.is.there\r\n\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn numbers() {
        for number in [0, 1, 9, 10, 99, 100, 999_999_999, usize::MAX] {
            let mut out = Vec::new();
            append_number(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}

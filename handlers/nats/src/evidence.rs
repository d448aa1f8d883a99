//! What the log says of input that broke the protocol: enough to see what it was, no more than is bounded, no secrets.

use memchr::memchr;
use std::fmt::{self, Display, Formatter};
use vagus_protocol::error::Violation;
use vagus_protocol::parser::FrameLimits;
use vagus_protocol::quote::Quoted;

/// How much of what a client says a line of the log shows, in bytes.
const SHOWN: usize = 256;

/// How much is shown from the byte on that no operation has there, as in nats-server.
const SNIPPET: usize = 32;

/// What a client said, quoted and cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a>(pub(crate) &'a [u8]);

impl Display for Said<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.0.get(..SHOWN) {
            Some(start) if self.0.len() > SHOWN => write!(out, "{}...", Quoted(start)),
            _ => Quoted(self.0).fmt(out),
        }
    }
}

/// Verbs, with the number of the state that nats-server's parser is in after each of their letters: who knows its log
/// finds here what is found there.
const VERBS: [(&[u8], &[u8]); 10] = [
    (b"PUB", &[29, 30, 31]),
    (b"HPUB", &[18, 19, 20, 21]),
    (b"SUB", &[43, 44, 45]),
    (b"UNSUB", &[59, 60, 61, 62, 63]),
    (b"PING", &[29, 34, 35, 36]),
    (b"PONG", &[29, 37, 38, 39]),
    (b"CONNECT", &[10, 11, 12, 13, 14, 15, 16]),
    (b"INFO", &[71, 72, 73, 74]),
    (b"+OK", &[1, 2, 3]),
    (b"-ERR", &[4, 5, 6, 7]),
];
const PAYLOAD_ENDS: u8 = 41;

/// How input that begins so broke the protocol; it stands at `at` of what was read.
pub(crate) fn of(violation: Violation, input: &[u8], at: usize, limits: &FrameLimits) -> String {
    match violation {
        Violation::MaximumPayload => {
            let size = String::from_utf8_lossy(words(line(input)).last().unwrap_or_default());
            format!("{violation}: {size} vs {}", limits.max_payload)
        }
        Violation::MaximumControlLine => format!("{violation}: {}", limits.max_control_line),
        Violation::UnknownOperation => unknown(input, at),
        Violation::Arguments => arguments(input).unwrap_or_else(|| violation.to_string()),
        Violation::HeadersNotSupported | Violation::Connect | Violation::ClientError => violation.to_string(),
    }
}

/// The control line without its end.
fn line(input: &[u8]) -> &[u8] {
    let line = memchr(b'\n', input)
        .and_then(|end| input.get(..end))
        .unwrap_or(input);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn words(line: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    line.split(is_blank).filter(|word| !word.is_empty())
}

/// A size as the parser reads it.
fn size(text: &[u8]) -> Option<usize> {
    let digits = (1..=9).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

fn unknown(input: &[u8], at: usize) -> String {
    let shared = |verb: &[u8]| {
        let same = |(one, other): &(&u8, &u8)| one.eq_ignore_ascii_case(other);
        verb.iter().zip(input).take_while(same).count()
    };
    let (mut offset, mut state) = (0, 0);
    for (verb, states) in VERBS {
        let count = shared(verb);
        if count > offset {
            (offset, state) = (count, states.get(count - 1).copied().unwrap_or(0));
        }
    }
    let is_publish =
        matches!(input.first(), Some(b'P' | b'p' | b'H' | b'h')) && input.get(offset).is_some_and(is_blank);
    if is_publish {
        // The line is fine: it is the payload that does not end where it says.
        let line_length = memchr(b'\n', input).map_or(input.len(), |end| end + 1);
        let payload = words(line(input)).last().and_then(size).unwrap_or(0);
        let end = line_length.saturating_add(payload);
        let is_begun = input.get(end) == Some(&b'\r');
        (offset, state) = (end + usize::from(is_begun), PAYLOAD_ENDS + u8::from(is_begun));
    }
    let rest = input.get(offset..).unwrap_or_default();
    let position = at.saturating_add(offset);
    let is_connect = matches!(input.first(), Some(b'C' | b'c'));
    let snippet: &dyn Display = if is_connect {
        &"[REDACTED]"
    } else {
        &Quoted(rest.get(..SNIPPET).unwrap_or(rest))
    };
    format!("Client parser ERROR, state={state}, i={position}: proto='{snippet}...'")
}

fn arguments(input: &[u8]) -> Option<String> {
    let line = line(input);
    let verb = words(line).next()?;
    let arguments = line.get(line.len() - line.trim_ascii_start().len() + verb.len()..)?;
    let arguments = arguments.trim_ascii_start();
    let what = match verb.to_ascii_uppercase().as_slice() {
        b"PUB" => match words(arguments).collect::<Vec<_>>()[..] {
            [_, _] | [_, _, _] => "processPub Bad or Missing Size",
            _ => "processPub Parse Error",
        },
        b"HPUB" => match words(arguments).collect::<Vec<_>>()[..] {
            [_, header, total] | [_, _, header, total] => match (size(header), size(total)) {
                (None, _) => "processHeaderPub Bad or Missing Header Size",
                (_, None) => "processHeaderPub Bad or Missing Total Size",
                _ => "processHeaderPub Header Size larger then TotalSize",
            },
            _ => "processHeaderPub Parse Error",
        },
        b"SUB" => "processSub Parse Error",
        b"UNSUB" => "processUnsub Parse Error",
        _ => return None,
    };
    Some(format!("{what}: {}", Said(arguments)))
}

#[cfg(test)]
mod tests {
    use super::{Said, of};
    use vagus_protocol::parser::{FrameLimits, Parsed, parse};

    #[track_caller]
    fn check(input: &str, expect: &str) {
        let limits = FrameLimits {
            max_control_line: 64,
            max_payload: 100,
            headers: true,
        };
        let Parsed::Violation(violation) = parse(input.as_bytes(), &limits) else {
            panic!("{input:?} is none");
        };
        assert_eq!(of(violation, input.as_bytes(), 7, &limits), expect, "{input:?}");
    }

    #[test]
    fn says_what_it_was() {
        check("PUB a 101\r\n", "maximum payload exceeded: 101 vs 100");
        check(
            "HPUB a r 12 000000101\r\n",
            "maximum payload exceeded: 000000101 vs 100",
        );
        check(
            &format!("SUB {} 1\r\n", "a".repeat(80)),
            "maximum control line exceeded: 64",
        );
        check(
            "X\r\n",
            r#"Client parser ERROR, state=0, i=7: proto='"X\r\n"...'"#,
        );
        check(
            "PUX a\r\n",
            r#"Client parser ERROR, state=30, i=9: proto='"X a\r\n"...'"#,
        );
        check("subX", r#"Client parser ERROR, state=45, i=10: proto='"X"...'"#);
        check(
            "CONNEX {\"pass\":\"hush\"}\r\n",
            "Client parser ERROR, state=14, i=12: proto='[REDACTED]...'",
        );
        check(
            "PUB a 1\r\nxyz\r\n",
            r#"Client parser ERROR, state=41, i=17: proto='"yz\r\n"...'"#,
        );
        check(
            "PUB a 1\r\nx\ryz\r\n",
            r#"Client parser ERROR, state=42, i=18: proto='"yz\r\n"...'"#,
        );
        check("PUB\t a\r\n", r#"processPub Parse Error: "a""#);
        check("PUB a b c 1\r\n", r#"processPub Parse Error: "a b c 1""#);
        check("pub a x\r\n", r#"processPub Bad or Missing Size: "a x""#);
        check("HPUB a 1\r\n", r#"processHeaderPub Parse Error: "a 1""#);
        check(
            "HPUB a x 1\r\n",
            r#"processHeaderPub Bad or Missing Header Size: "a x 1""#,
        );
        check(
            "HPUB a 1 x\r\n",
            r#"processHeaderPub Bad or Missing Total Size: "a 1 x""#,
        );
        check(
            "HPUB a 2 1\r\n",
            r#"processHeaderPub Header Size larger then TotalSize: "a 2 1""#,
        );
        check("SUB a\r\n", r#"processSub Parse Error: "a""#);
        check("UNSUB 1 2 3\r\n", r#"processUnsub Parse Error: "1 2 3""#);
        check("INFO x\r\n", "bad arguments");
    }

    #[test]
    fn is_bounded() {
        assert_eq!(Said(b"a\"").to_string(), r#""a\"""#);
        assert_eq!(Said(&[b'x'; 256]).to_string().len(), 258);
        assert_eq!(Said(&[b'x'; 1 << 20]).to_string().len(), 261);
    }
}

//! Messages that ask to be traced, by the header `Nats-Trace-Dest`.
//!
//! There is no tracing yet. What is to be traced and not delivered (`Nats-Trace-Only`) is not delivered all the same, and
//! nobody has traces sent to where it may not publish.

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};
use std::sync::LazyLock;

const FIRST_LINE: &[u8] = b"NATS/1.0\r\n";
const DESTINATION: &[u8] = b"Nats-Trace-Dest";
const ONLY: &[u8] = b"Nats-Trace-Only";
const ORIGIN_ACCOUNT: &[u8] = b"Nats-Trace-Origin-Account";

/// A destination that says that there is to be no trace.
const DISABLED: &[u8] = b"trace disabled";

/// What a header block asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    /// Where the trace goes, never empty.
    pub(crate) destination: &'a [u8],
    /// Whether the message is not to be delivered.
    pub(crate) only: bool,
    /// Whether the trace began elsewhere, which no client may say.
    pub(crate) began_elsewhere: bool,
}

/// Finds where a line begins as one does that asks for a trace.
static LINE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\nNats-Trace-Dest"));

/// Whether a header block may ask for a trace: one search through it.
#[inline]
pub(crate) fn may_ask(header: &[u8]) -> bool {
    LINE.find(header).is_some()
}

/// What a header block asks for, read as nats-server reads it: names in exactly this spelling, and of several values the
/// first.
#[cold]
pub(crate) fn asked(header: &[u8]) -> Option<Request<'_>> {
    let [mut destination, mut only, mut origin] = [None; 3];
    let mut rest = header.strip_prefix(FIRST_LINE)?;
    while let Some(colon) = memchr(b':', rest) {
        let (key, value) = (rest.get(..colon)?, rest.get(colon + 1..)?);
        let value = trim_start(value);
        let Some(end) = line_end(value) else {
            break;
        };
        let text = trim_end(value.get(..end)?);
        rest = value.get(end + 2..)?;
        if key.is_empty() || text.is_empty() {
            continue;
        }
        let place = match key {
            DESTINATION => &mut destination,
            ONLY => &mut only,
            ORIGIN_ACCOUNT => &mut origin,
            _ => continue,
        };
        if key == DESTINATION && place.is_none() && text == DISABLED {
            return None;
        }
        place.get_or_insert(text);
    }
    let says_so = |text: &[u8]| {
        [&b"1"[..], b"true", b"on"]
            .iter()
            .any(|yes| text.eq_ignore_ascii_case(yes))
    };
    Some(Request {
        destination: destination?,
        only: only.is_some_and(says_so),
        began_elsewhere: origin.is_some(),
    })
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
mod tests {
    use super::{asked, may_ask};

    /// Destination, whether there is nothing but a trace, and whether it began elsewhere.
    #[track_caller]
    fn check(lines: &str, expect: Option<(&str, bool, bool)>) {
        let header = format!("NATS/1.0\r\n{lines}\r\n");
        let request = asked(header.as_bytes());
        let found = request
            .as_ref()
            .map(|request| (request.destination, request.only, request.began_elsewhere));
        assert_eq!(
            found,
            expect.map(|(to, only, elsewhere)| (to.as_bytes(), only, elsewhere)),
            "{lines:?}"
        );
        assert!(request.is_none() || may_ask(header.as_bytes()), "{lines:?}");
    }

    #[test]
    fn is_read_as_nats_server_reads_it() {
        check("", None);
        check("A: 1\r\n", None);
        check("Nats-Trace-Only: true\r\n", None);
        check("Nats-Trace-Dest: d\r\n", Some(("d", false, false)));
        check(
            "A: 1\r\nNats-Trace-Dest:d\t \r\nNats-Trace-Only: true\r\n",
            Some(("d", true, false)),
        );
        for (value, only) in [
            ("1", true),
            ("TRUE", true),
            ("On", true),
            ("yes", false),
            ("0", false),
            ("", false),
        ] {
            check(
                &format!("Nats-Trace-Only: {value}\r\nNats-Trace-Dest: d\r\n"),
                Some(("d", only, false)),
            );
        }
        check(
            "Nats-Trace-Only: 0\r\nNats-Trace-Only: 1\r\nNats-Trace-Dest: d\r\nNats-Trace-Dest: e\r\n",
            Some(("d", false, false)),
        );
        for not_its_name in [
            "nats-trace-dest: d\r\n",
            " Nats-Trace-Dest: d\r\n",
            "Nats-Trace-Dest : d\r\n",
            "X-Nats-Trace-Dest: d\r\n",
        ] {
            check(not_its_name, None);
        }
        check("Nats-Trace-Dest: \r\n", None);
        check("Nats-Trace-Dest: trace disabled\r\nNats-Trace-Dest: d\r\n", None);
        check(
            "Nats-Trace-Dest: d\r\nNats-Trace-Dest: trace disabled\r\n",
            Some(("d", false, false)),
        );
        check(
            "Nats-Trace-Origin-Account: A\r\nNats-Trace-Dest: d\r\nNats-Trace-Only: 1\r\n",
            Some(("d", true, true)),
        );
        // A line without a colon is part of the next name.
        check("junk\r\nNats-Trace-Dest: d\r\n", None);
        assert_eq!(asked(b"Nats-Trace-Dest: d\r\n\r\n"), None);
        assert_eq!(asked(b"NATS/1.0\r\nNats-Trace-Dest: d"), None);
    }

    #[test]
    fn most_headers_do_not_ask() {
        for header in [
            "",
            "NATS/1.0\r\n\r\n",
            "NATS/1.0\r\nNats-Msg-Id: 1\r\nTrace: x\r\n\r\n",
            "\n\n\n",
        ] {
            assert!(!may_ask(header.as_bytes()), "{header:?}");
        }
        assert!(may_ask(b"NATS/1.0\r\nA: 1\r\nNats-Trace-Dest: d\r\n\r\n"));
    }
}

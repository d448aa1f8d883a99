//! What a service in another account is told of who asks: the header `Nats-Request-Info`.

use crate::html_safe_json;
use serde::Serialize;

/// The name of the header.
const NAME: &[u8] = b"Nats-Request-Info";

/// Its value.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct RequestInfo<'a> {
    /// The account in which it asks.
    #[serde(rename = "acc")]
    pub account: &'a str,
    /// The time of a round trip to the asker, in nanoseconds.
    #[serde(rename = "rtt")]
    pub round_trip: u64,
}

/// What is told of everybody: the account. The round trip is not known.
pub fn of_account(account: &str) -> Vec<u8> {
    let info = RequestInfo {
        account,
        round_trip: 0,
    };
    let mut json = Vec::new();
    html_safe_json::append(&mut json, &info);
    json
}

/// A header block with this value of the header, in place of any that was there: who asks does not say itself who it is.
/// `header` is one from `NATS/1.0` to the empty line, or nothing.
pub fn with_request_info(header: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(header.len() + NAME.len() + value.len() + 16);
    let mut lines = header.split_inclusive(|byte| *byte == b'\n');
    out.extend_from_slice(lines.next().unwrap_or(b"NATS/1.0\r\n"));
    for line in lines {
        let is_empty = line == b"\r\n";
        if !is_empty && !is_named(line) {
            out.extend_from_slice(line);
        }
    }
    for piece in [NAME, b": ", value, b"\r\n\r\n"] {
        out.extend_from_slice(piece);
    }
    out
}

/// Whether a line of a header block is this header. However it is spelled, a service may take it for that.
fn is_named(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    name.trim_ascii().eq_ignore_ascii_case(NAME)
}

#[cfg(test)]
mod tests {
    use super::with_request_info;

    #[test]
    fn what_the_asker_says_of_itself_does_not_count() {
        for (header, expected) in [
            ("", "NATS/1.0\r\nNats-Request-Info: {}\r\n\r\n"),
            (
                "NATS/1.0\r\nH: v\r\n\r\n",
                "NATS/1.0\r\nH: v\r\nNats-Request-Info: {}\r\n\r\n",
            ),
            (
                "NATS/1.0\r\nNats-Request-Info: {\"acc\":\"X\"}\r\nnats-request-info : y\r\nH: v\r\n\r\n",
                "NATS/1.0\r\nH: v\r\nNats-Request-Info: {}\r\n\r\n",
            ),
            (
                "NATS/1.0 503 No\r\n\r\n",
                "NATS/1.0 503 No\r\nNats-Request-Info: {}\r\n\r\n",
            ),
        ] {
            let header = with_request_info(header.as_bytes(), b"{}");
            assert_eq!(String::from_utf8(header).unwrap(), expected);
        }
    }
}

//! What a service in another account is told of who asks: the header `Nats-Request-Info`.

use crate::html_safe_json;
use serde::Serialize;

/// The name of the header.
const NAME: &[u8] = b"Nats-Request-Info";

/// Its value. What is empty is left out.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct RequestInfo<'a> {
    /// When the connection of the asker began, as RFC 3339 has it.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub start: &'a str,
    /// Its address.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub host: &'a str,
    /// The number of its connection.
    #[serde(skip_serializing_if = "is_zero")]
    pub id: u64,
    /// The account in which it asks.
    #[serde(rename = "acc")]
    pub account: &'a str,
    /// The account through which the request came, if that is another.
    #[serde(rename = "svc", skip_serializing_if = "str::is_empty")]
    pub service: &'a str,
    /// Who it is.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub user: &'a str,
    /// What it calls itself.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub name: &'a str,
    /// The language of its library.
    #[serde(rename = "lang", skip_serializing_if = "str::is_empty")]
    pub language: &'a str,
    /// The version of its library.
    #[serde(rename = "ver", skip_serializing_if = "str::is_empty")]
    pub version: &'a str,
    /// The time of a round trip to the asker, in nanoseconds; 0 if it was not measured.
    #[serde(rename = "rtt")]
    pub round_trip: u64,
    /// The server that it is connected to.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub server: &'a str,
    /// What it is.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub kind: &'a str,
    /// In which language it speaks to the server.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub client_type: &'a str,
}

impl RequestInfo<'_> {
    /// As JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::new();
        html_safe_json::append(&mut json, self);
        json
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
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
    use super::{RequestInfo, with_request_info};

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

    #[test]
    fn what_is_not_shared_is_left_out() {
        let little = RequestInfo {
            account: "A",
            round_trip: 5,
            ..RequestInfo::default()
        };
        assert_eq!(little.to_json(), br#"{"acc":"A","rtt":5}"#);
        let much = RequestInfo {
            start: "s",
            host: "h",
            id: 7,
            service: "B",
            user: "u<",
            kind: "Client",
            ..little
        };
        let expected =
            r#"{"start":"s","host":"h","id":7,"acc":"A","svc":"B","user":"u\u003c","rtt":5,"kind":"Client"}"#;
        assert_eq!(String::from_utf8(much.to_json()).unwrap(), expected);
    }
}

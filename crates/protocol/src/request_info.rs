//! What a service in another account is told of who asks: the header `Nats-Request-Info`.

use crate::html_safe_json;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The name of the header.
const NAME: &[u8] = b"Nats-Request-Info";

/// Its value: who asks, or who answers. What is empty is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestInfo<'a> {
    /// When its connection began, as RFC 3339 has it.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub start: Cow<'a, str>,
    /// Its address.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub host: Cow<'a, str>,
    /// The number of its connection.
    #[serde(skip_serializing_if = "is_zero")]
    pub id: u64,
    /// The account in which it asks.
    #[serde(rename = "acc", skip_serializing_if = "str::is_empty")]
    pub account: Cow<'a, str>,
    /// The account through which the request came, if that is another.
    #[serde(rename = "svc", skip_serializing_if = "str::is_empty")]
    pub service: Cow<'a, str>,
    /// Who it is.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub user: Cow<'a, str>,
    /// What it calls itself.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub name: Cow<'a, str>,
    /// The language of its library.
    #[serde(rename = "lang", skip_serializing_if = "str::is_empty")]
    pub language: Cow<'a, str>,
    /// The version of its library.
    #[serde(rename = "ver", skip_serializing_if = "str::is_empty")]
    pub version: Cow<'a, str>,
    /// The time of a round trip to it, in nanoseconds; 0 if it was not measured.
    #[serde(rename = "rtt", skip_serializing_if = "is_zero")]
    pub round_trip: u64,
    /// The server that it is connected to.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub server: Cow<'a, str>,
    /// The cluster of that server.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub cluster: Cow<'a, str>,
    /// The token by which it is in.
    #[serde(rename = "jwt", skip_serializing_if = "str::is_empty")]
    pub token: Cow<'a, str>,
    /// The public key of who signed that.
    #[serde(rename = "issuer_key", skip_serializing_if = "str::is_empty")]
    pub issuer: Cow<'a, str>,
    /// What people call it.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub name_tag: Cow<'a, str>,
    /// What its token says that it is called beside.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub tags: Cow<'a, [String]>,
    /// What it is.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub kind: Cow<'a, str>,
    /// In which language it speaks to the server.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub client_type: Cow<'a, str>,
}

impl RequestInfo<'_> {
    /// The same, of which nothing is borrowed.
    pub fn into_owned(self) -> RequestInfo<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        RequestInfo {
            start: owned(self.start),
            host: owned(self.host),
            id: self.id,
            account: owned(self.account),
            service: owned(self.service),
            user: owned(self.user),
            name: owned(self.name),
            language: owned(self.language),
            version: owned(self.version),
            round_trip: self.round_trip,
            server: owned(self.server),
            cluster: owned(self.cluster),
            token: owned(self.token),
            issuer: owned(self.issuer),
            name_tag: owned(self.name_tag),
            tags: Cow::Owned(self.tags.into_owned()),
            kind: owned(self.kind),
            client_type: owned(self.client_type),
        }
    }

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
            account: "A".into(),
            round_trip: 5,
            ..RequestInfo::default()
        };
        assert_eq!(little.to_json(), br#"{"acc":"A","rtt":5}"#);
        let much = RequestInfo {
            start: "s".into(),
            host: "h".into(),
            id: 7,
            service: "B".into(),
            user: "u<".into(),
            cluster: "c".into(),
            token: "j".into(),
            issuer: "i".into(),
            name_tag: "n".into(),
            tags: vec!["t".to_owned()].into(),
            kind: "Client".into(),
            ..little
        };
        let expected = concat!(
            r#"{"start":"s","host":"h","id":7,"acc":"A","svc":"B","user":"u\u003c","rtt":5,"cluster":"c","#,
            r#""jwt":"j","issuer_key":"i","name_tag":"n","tags":["t"],"kind":"Client"}"#
        );
        assert_eq!(String::from_utf8(much.to_json()).unwrap(), expected);
    }
}

//! The start of a response of HTTP/1: what is said before its body.

use httparse::{EMPTY_HEADER, Status};
use thiserror::Error;

/// The most, in bytes, that a response may have before its body.
pub const LONGEST_RESPONSE: usize = 8 * 1024;

/// The most headers that a response may have.
const HEADERS: usize = 64;

/// Why a response is of no use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResponseError {
    /// It is none of HTTP/1.
    #[error("malformed HTTP response")]
    NotHttp,
    /// It is longer than it may be.
    #[error("HTTP response header too large")]
    TooLong,
    /// A proxy does not connect to the server.
    #[error("proxy CONNECT failed: {0}")]
    NotConnected(String),
    /// A server does not speak WebSocket, or not in the way that was asked for.
    #[error("invalid websocket connection")]
    NotUpgraded,
    /// A server would have to keep what it has compressed before.
    #[error("compression negotiation error")]
    Compression,
}

/// What was answered.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// What stands behind the status; no more than a line.
    pub(crate) reason: String,
    /// How long it was, in bytes.
    pub(crate) length: usize,
    headers: Vec<(String, String)>,
}

impl Response {
    /// None if not all of it has come.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, ResponseError> {
        let mut headers = [EMPTY_HEADER; HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(bytes) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) if bytes.len() < LONGEST_RESPONSE => return Ok(None),
            Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => return Err(ResponseError::TooLong),
            Err(_) => return Err(ResponseError::NotHttp),
        };
        let headers = response.headers.iter().filter_map(|header| {
            let value = str::from_utf8(header.value).ok()?;
            Some((header.name.to_owned(), value.trim().to_owned()))
        });
        Ok(Some(Self {
            status: response.code.unwrap_or_default(),
            reason: response.reason.unwrap_or_default().to_owned(),
            length,
            headers: headers.collect(),
        }))
    }

    /// The values of headers of this name. What is no text counts for nothing.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let headers = self
            .headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        headers.map(|(_, value)| value.as_str())
    }

    /// Whether the first header of this name has this value, in whatever case.
    pub(crate) fn says(&self, name: &str, value: &str) -> bool {
        self.all(name)
            .next()
            .is_some_and(|said| said.eq_ignore_ascii_case(value))
    }
}

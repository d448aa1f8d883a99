//! A request of HTTP/1, without a body.

use super::Refusal;
use httparse::{Header, Status};

/// The most headers that a request may have.
const HEADERS: usize = 128;

/// What was asked for.
#[derive(Debug)]
pub(super) struct Request<'b> {
    pub(super) method: &'b str,
    pub(super) path: &'b str,
    /// How long it was, in bytes.
    pub(super) length: usize,
    headers: Vec<Header<'b>>,
}

impl<'b> Request<'b> {
    /// None if not all of it has come.
    pub(super) fn parse(bytes: &'b [u8]) -> Result<Option<Self>, Refusal> {
        let mut headers = vec![httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(bytes) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(Refusal::TooLong),
            Err(_) => return Err(Refusal::NotHttp),
        };
        let (method, path) = (
            request.method.unwrap_or_default(),
            request.path.unwrap_or_default(),
        );
        let (version, count) = (request.version, request.headers.len());
        headers.truncate(count);
        let request = Self {
            method,
            path,
            length,
            headers,
        };
        match request.all("Host").count() {
            0 if version == Some(1) => Err(Refusal::HostRequired),
            0 | 1 => Ok(Some(request)),
            _ => Err(Refusal::NotHttp),
        }
    }

    /// The values of headers of this name. What is no text counts for nothing.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'b str> {
        let headers = self
            .headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name));
        headers.filter_map(|header| str::from_utf8(header.value).ok())
    }

    /// The value of the first header of this name.
    pub(super) fn first(&self, name: &str) -> Option<&'b str> {
        self.all(name).next()
    }

    /// Whether headers of this name list this word, in whatever case.
    pub(super) fn has_token(&self, name: &str, token: &str) -> bool {
        let words = self.all(name).flat_map(|list| list.split(','));
        words.map(str::trim).any(|word| word.eq_ignore_ascii_case(token))
    }
}

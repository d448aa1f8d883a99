//! Requests as nats-server takes them, for a parser that is stricter.
//!
//! The parser of the library refuses bytes in a URL that browsers and tools send and nats-server takes: `>`, `<`, `"`,
//! letters beyond ASCII. They are percent-encoded here before it sees them, which means the same; and what is no
//! request is refused here, with the reason. Nothing but request lines is changed. Where requests end is known here, so
//! that the parser, which keeps a hundred times what it reads of them, is not given many ahead of their answers.

use std::fmt::Write as _;
use std::mem;

/// The longest request line, in bytes.
const LINE_AT_MOST: usize = 32 * 1024;

/// The most bytes of a header that are kept, which is more than those that matter have.
const HEADER_AT_MOST: usize = 64;

/// A request line is longer than any may be.
pub(super) const TOO_LONG: &str = "the request line is too long";

/// The body has no length: nobody who asks here needs that, and where it ends would have to be known twice.
pub(super) const NO_LENGTH: &str = "a body needs a Content-Length";

/// That version is not spoken.
pub(super) const UNSUPPORTED: &str = "unsupported HTTP version";

/// Where the requests of a connection are.
#[derive(Debug)]
pub(super) struct Requests {
    at: At,
    /// How many there were.
    count: u64,
    /// Why the connection is to end, once something was no request.
    refused: Option<&'static str>,
}

#[derive(Debug)]
enum At {
    /// In a request line, of which there is this.
    Line(Vec<u8>),
    /// In the headers behind one.
    Headers(Headers),
    /// In a body, of which there is this much left.
    Body(u64),
}

/// What is known of the headers of a request.
#[derive(Debug)]
struct Headers {
    /// The beginning of the line that is being read.
    line: Vec<u8>,
    /// How long it is so far.
    length: usize,
    body: Option<u64>,
    needs_host: bool,
    has_host: bool,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            at: At::Line(Vec::new()),
            count: 0,
            refused: None,
        }
    }
}

impl Requests {
    /// Whether what comes next is of a body.
    pub(super) fn is_in_body(&self) -> bool {
        matches!(self.at, At::Body(_))
    }

    /// How many requests there were, as far as their heads are there.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Why the connection is to end.
    pub(super) fn refused(&self) -> Option<&'static str> {
        self.refused
    }

    /// Takes what was read, and appends what the parser is to see of it. After a refusal that is nothing.
    pub(super) fn take(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        while !input.is_empty() && self.refused.is_none() {
            if let At::Body(left) = &mut self.at {
                let taken = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                let (piece, rest) = input.split_at(taken);
                out.extend_from_slice(piece);
                *left -= taken as u64;
                if *left == 0 {
                    self.at = At::Line(Vec::new());
                }
                input = rest;
                continue;
            }
            let end = input
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(input.len(), |at| at + 1);
            let (piece, rest) = input.split_at(end);
            match &mut self.at {
                At::Body(_) => {}
                At::Line(line) => {
                    line.extend_from_slice(piece);
                    if line.ends_with(b"\n") {
                        let line = mem::take(line);
                        self.line(&line, out);
                    } else if line.len() > LINE_AT_MOST {
                        self.refused = Some(TOO_LONG);
                    }
                }
                At::Headers(headers) => match headers.take(piece) {
                    Ok(end) => {
                        out.extend_from_slice(piece);
                        if let Some(body) = end {
                            self.count += 1;
                            self.at = match body {
                                0 => At::Line(Vec::new()),
                                left => At::Body(left),
                            };
                        }
                    }
                    // The parser never sees the end of that request, and has nothing to say to it.
                    Err(reason) => self.refused = Some(reason),
                },
            }
            input = rest;
        }
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        // Empty lines before a request mean nothing.
        if without_end(line).is_empty() {
            out.extend_from_slice(line);
            return;
        }
        match RequestLine::read(line) {
            Ok(read) => {
                read.write(out);
                self.at = At::Headers(Headers {
                    line: Vec::with_capacity(HEADER_AT_MOST),
                    length: 0,
                    body: None,
                    needs_host: read.version != b"HTTP/1.0",
                    has_host: false,
                });
            }
            Err(reason) => self.refused = Some(reason),
        }
    }
}

impl Headers {
    /// Takes a line, or a part of one. At the end of the headers: how long a body follows.
    fn take(&mut self, piece: &[u8]) -> Result<Option<u64>, &'static str> {
        let room = HEADER_AT_MOST.saturating_sub(self.line.len());
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
        self.length += piece.len();
        if !piece.ends_with(b"\n") {
            return Ok(None);
        }
        if self.length <= 2 && without_end(&self.line).is_empty() {
            return match self.needs_host && !self.has_host {
                true => Err("missing required Host header"),
                false => Ok(Some(self.body.unwrap_or(0))),
            };
        }
        let colon = self.line.iter().position(|byte| *byte == b':');
        let (name, value) = self.line.split_at(colon.unwrap_or(self.line.len()));
        let name = name.trim_ascii().to_ascii_lowercase();
        match &*name {
            // Blanks behind it are the parser's to refuse.
            b"host" => self.has_host = true,
            b"content-length" => {
                let length = value.get(1..).unwrap_or_default().trim_ascii();
                let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
                let length = std::str::from_utf8(length).ok().filter(|_| is_number);
                let length = length.and_then(|length| length.parse().ok());
                if self.length > HEADER_AT_MOST || self.body.is_some() || length.is_none() {
                    return Err("bad Content-Length");
                }
                self.body = length;
            }
            b"transfer-encoding" => return Err(NO_LENGTH),
            _ if colon.is_none() && self.length <= HEADER_AT_MOST => return Err("malformed header line"),
            _ => {}
        }
        self.line.clear();
        self.length = 0;
        Ok(None)
    }
}

/// A request line, in its parts.
struct RequestLine<'l> {
    method: &'l [u8],
    target: &'l [u8],
    version: &'l [u8],
}

impl<'l> RequestLine<'l> {
    fn read(line: &'l [u8]) -> Result<Self, &'static str> {
        const MALFORMED: &str = "malformed request line";
        let line = without_end(line);
        let mut parts = line.splitn(3, |byte| *byte == b' ');
        let (Some(method), Some(target), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(MALFORMED);
        };
        let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        if method.is_empty() || !method.iter().all(is_token) {
            return Err("invalid method");
        }
        if target.is_empty() {
            return Err(MALFORMED);
        }
        if target.iter().any(u8::is_ascii_control) {
            return Err("invalid control character in URL");
        }
        let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
        if !escapes_are_whole(path) {
            return Err("invalid URL escape");
        }
        match version {
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9'] => Ok(Self {
                method,
                target,
                version,
            }),
            [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Err(UNSUPPORTED),
            _ => Err("malformed HTTP version"),
        }
    }

    /// Writes it as the parser takes it.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.method);
        out.push(b' ');
        let query = self.target.iter().position(|byte| *byte == b'?');
        let (path, query) = self.target.split_at(query.unwrap_or(self.target.len()));
        write_path(path, out);
        write_encoded(query, out);
        // A later one of the same kind is spoken like the one that is known.
        let version: &[u8] = match self.version {
            b"HTTP/1.0" => b"HTTP/1.0",
            _ => b"HTTP/1.1",
        };
        out.push(b' ');
        out.extend_from_slice(version);
        out.extend_from_slice(b"\r\n");
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn escapes_are_whole(path: &[u8]) -> bool {
    let mut rest = path;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        if escaped(&rest[at..]).is_none() {
            return false;
        }
        rest = &rest[at + 3..];
    }
    true
}

/// The byte that an escape at the beginning of `text` stands for.
fn escaped(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// A path: what is escaped without need is written plainly, so that there is one way to write it.
fn write_path(path: &[u8], out: &mut Vec<u8>) {
    let mut rest = path;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        write_encoded(&rest[..at], out);
        match escaped(&rest[at..]) {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => out.push(byte),
            _ => out.extend_from_slice(&rest[at..(at + 3).min(rest.len())]),
        }
        rest = rest.get(at + 3..).unwrap_or_default();
    }
    write_encoded(rest, out);
}

/// What no URL may hold is escaped; what is, stays so.
fn write_encoded(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%[]".contains(byte) {
            out.push(*byte);
        } else {
            let mut escape = String::with_capacity(3);
            // Writing to a string does not fail.
            let _ = write!(escape, "%{byte:02X}");
            out.extend_from_slice(escape.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LINE_AT_MOST, NO_LENGTH, Requests, TOO_LONG};

    fn seen(text: &[u8]) -> Result<String, &'static str> {
        let mut requests = Requests::default();
        let mut out = Vec::new();
        requests.take(text, &mut out);
        match requests.refused() {
            Some(reason) => Err(reason),
            None => Ok(String::from_utf8(out).unwrap()),
        }
    }

    fn target(line: &str) -> Result<String, &'static str> {
        let seen = seen(format!("GET {line} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())?;
        let line = seen.strip_suffix(" HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        Ok(line.strip_prefix("GET ").unwrap().to_owned())
    }

    #[test]
    fn odd_bytes_are_escaped() {
        for (sent, taken) in [
            ("/varz", "/varz"),
            (
                "/subsz?test=a.>&x=<\"{}|\\^`#",
                "/subsz?test=a.%3E&x=%3C%22%7B%7D%7C%5C%5E%60%23",
            ),
            ("/é?ü", "/%C3%A9?%C3%BC"),
            ("/%76arz", "/varz"),
            ("/a%2Fb%20%c3", "/a%2Fb%20%c3"),
            ("/varz?a;b=%zz&%", "/varz?a;b=%zz&%"),
            ("http://host:1/varz", "http://host:1/varz"),
            ("*", "*"),
        ] {
            assert_eq!(target(sent).as_deref(), Ok(taken), "{sent}");
        }
        for (sent, reason) in [
            ("/%", "invalid URL escape"),
            ("/%7", "invalid URL escape"),
            ("/%zz?a", "invalid URL escape"),
            ("/\u{7f}", "invalid control character in URL"),
            ("/\0", "invalid control character in URL"),
            ("/a b", "malformed HTTP version"),
            ("", "malformed request line"),
        ] {
            assert_eq!(target(sent), Err(reason), "{sent}");
        }
    }

    #[test]
    fn what_is_no_request_is_told_why() {
        for (sent, reason) in [
            ("GET /\r\n", "malformed request line"),
            ("nonsense\n", "malformed request line"),
            ("G\"T / HTTP/1.1\r\n", "invalid method"),
            ("GET / HTTP/2.0\r\n", "unsupported HTTP version"),
            ("GET / HTTP/1.11\r\n", "malformed HTTP version"),
            ("GET / FTP\r\n", "malformed HTTP version"),
            ("GET / HTTP/1.1\r\n\r\n", "missing required Host header"),
            ("GET / HTTP/1.1\r\nnonsense\r\n", "malformed header line"),
        ] {
            assert_eq!(seen(sent.as_bytes()), Err(reason), "{sent}");
        }
        assert_eq!(seen(b"GET / HTTP/1.0\n\n").as_deref(), Ok("GET / HTTP/1.0\r\n\n"));
        assert_eq!(
            seen(b"GET / HTTP/1.7\r\nhost: a\r\n\r\n").as_deref(),
            Ok("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        );
    }

    /// However it is cut, the same is seen.
    #[test]
    fn requests_may_follow_each_other() {
        let sent = "\r\nGET /> HTTP/1.1\r\nHost: a\r\nX-Long-Name-Of-A-Header-Of-Somebody: b\r\n\r\n\
                    HEAD /%61 HTTP/1.1\r\nhost:a\r\n\r\n\
                    POST /> HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nGET /> \nPUT /> HTTP/1.1\r\nHost: a\r\n\r\n";
        let taken = sent.replacen("/%61", "/a", 1).replace("/> HTTP", "/%3E HTTP");
        assert_eq!(seen(sent.as_bytes()).as_deref(), Ok(&*taken));
        let mut requests = Requests::default();
        let mut out = Vec::new();
        for byte in sent.as_bytes() {
            requests.take(&[*byte], &mut out);
        }
        assert_eq!(String::from_utf8(out).unwrap(), taken);
        assert_eq!(requests.count(), 4);
    }

    #[test]
    fn a_body_is_never_changed() {
        for header in ["Content-Length: 18", "content-length : 18 ", "Content-Length:18"] {
            let sent = format!("GET / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\nGET /> HTTP/1.1\r\n\r\n");
            let sent = sent.strip_suffix("\r\n").unwrap();
            assert_eq!(seen(sent.as_bytes()).as_deref(), Ok(sent));
        }
        for (header, reason) in [
            ("Content-Length: x", "bad Content-Length"),
            ("Content-Length: +1", "bad Content-Length"),
            ("Content-Length:", "bad Content-Length"),
            ("Content-Length: 1\r\nContent-Length: 1", "bad Content-Length"),
            ("Transfer-Encoding: chunked", NO_LENGTH),
        ] {
            let sent = format!("POST / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n");
            assert_eq!(seen(sent.as_bytes()), Err(reason), "{header}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut requests = Requests::default();
        let mut out = Vec::new();
        requests.take(&vec![b'>'; LINE_AT_MOST + 1], &mut out);
        assert_eq!((requests.refused(), out.len()), (Some(TOO_LONG), 0));
    }
}

//! Reads what a server sends.

use std::io::{self, Read};

/// Bytes that are read at once.
const BUFFER: usize = 64 * 1024;

/// One thing a server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inbound<'a> {
    Message(Message<'a>),
    Ping,
    Pong,
    /// The text of -ERR, without quotes.
    Error(&'a str),
    /// INFO, with its JSON, or +OK, with nothing.
    Other(&'a [u8]),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) subject: &'a [u8],
    /// Empty when there is none.
    pub(super) reply: &'a [u8],
    /// The headers, with their first line; empty when there are none.
    pub(super) headers: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// What came is not the protocol.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Garbled(pub(super) String);

/// A buffer of whole and half things, in order.
#[derive(Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The last control line of a message, for as long as the next ones are the same.
    line: Vec<u8>,
    fields: Fields,
}

/// Where the parts of a message are: ranges in its control line, and lengths behind it.
#[derive(Debug, Clone, Default)]
struct Fields {
    subject: (usize, usize),
    reply: (usize, usize),
    headers: usize,
    total: usize,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            line: Vec::new(),
            fields: Fields::default(),
        }
    }

    /// Reads once from `source`; 0 at its end.
    pub(super) fn fill(&mut self, mut source: impl Read) -> io::Result<usize> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = source.read(&mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read)
    }

    /// The next thing that is there as a whole.
    pub(super) fn next(&mut self) -> Result<Option<Inbound<'_>>, Garbled> {
        let unread = &self.buffer[self.start..self.end];
        if self.line.is_empty() || !unread.starts_with(&self.line) {
            let Some(end) = memchr::memchr(b'\n', unread) else {
                return Ok(None);
            };
            let line = &unread[..=end];
            if !line.starts_with(b"MSG ") && !line.starts_with(b"HMSG ") {
                let length = line.len();
                let at = self.start;
                self.start += length;
                return other(&self.buffer[at..at + length]).map(Some);
            }
            self.fields = fields(line)?;
            self.line.clear();
            self.line.extend_from_slice(line);
        }
        let body = self.start + self.line.len();
        let after = body + self.fields.total + 2;
        if after > self.end {
            return Ok(None);
        }
        let line = &self.buffer[self.start..body];
        let (headers, payload) = self.buffer[body..body + self.fields.total].split_at(self.fields.headers);
        self.start = after;
        Ok(Some(Inbound::Message(Message {
            subject: &line[self.fields.subject.0..self.fields.subject.1],
            reply: &line[self.fields.reply.0..self.fields.reply.1],
            headers,
            payload,
        })))
    }
}

fn other(line: &[u8]) -> Result<Inbound<'_>, Garbled> {
    let line = line.trim_ascii_end();
    match line {
        b"PING" => Ok(Inbound::Ping),
        b"PONG" => Ok(Inbound::Pong),
        b"+OK" => Ok(Inbound::Other(b"")),
        _ => {
            if let Some(json) = line.strip_prefix(b"INFO ") {
                return Ok(Inbound::Other(json));
            }
            let text = std::str::from_utf8(line).map_err(|_| garbled(line))?;
            let error = text.strip_prefix("-ERR").ok_or_else(|| garbled(line))?;
            Ok(Inbound::Error(error.trim().trim_matches('\'')))
        }
    }
}

/// `MSG subject sid [reply] bytes` or `HMSG subject sid [reply] header-bytes bytes`.
fn fields(line: &[u8]) -> Result<Fields, Garbled> {
    let mut ranges = Vec::with_capacity(6);
    let mut at = 0;
    for part in line.split(|byte| matches!(byte, b' ' | b'\r' | b'\n')) {
        if !part.is_empty() {
            ranges.push((at, at + part.len()));
        }
        at += part.len() + 1;
    }
    let with_headers = line.starts_with(b"HMSG ");
    let lengths = if with_headers { 2 } else { 1 };
    let none = (0, 0);
    let (subject, reply) = match ranges.len().checked_sub(lengths) {
        Some(3) => (ranges[1], none),
        Some(4) => (ranges[1], ranges[3]),
        _ => return Err(garbled(line)),
    };
    let number = |range: (usize, usize)| {
        std::str::from_utf8(&line[range.0..range.1])
            .ok()
            .and_then(|text| text.parse::<u32>().ok())
            .map(|number| number as usize)
            .ok_or_else(|| garbled(line))
    };
    let last = ranges.len() - 1;
    let total = number(ranges[last])?;
    let headers = if with_headers {
        number(ranges[last - 1])?
    } else {
        0
    };
    if headers > total {
        return Err(garbled(line));
    }
    Ok(Fields {
        subject,
        reply,
        headers,
        total,
    })
}

fn garbled(line: &[u8]) -> Garbled {
    const SHOWN: usize = 100;
    Garbled(String::from_utf8_lossy(&line[..line.len().min(SHOWN)]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything in `text`, when it comes `step` bytes at a time.
    fn read_all(text: &[u8], step: usize) -> Vec<String> {
        let mut reader = Reader::new();
        let mut seen = Vec::new();
        for piece in text.chunks(step) {
            let mut source = piece;
            while reader.fill(&mut source).unwrap() > 0 {
                loop {
                    match reader.next() {
                        Ok(Some(inbound)) => seen.push(show(&inbound)),
                        Ok(None) => break,
                        Err(garbled) => {
                            seen.push(garbled.0);
                            return seen;
                        }
                    }
                }
            }
        }
        seen
    }

    fn show(inbound: &Inbound<'_>) -> String {
        let text = String::from_utf8_lossy;
        match inbound {
            Inbound::Message(message) => format!(
                "{}|{}|{}|{}",
                text(message.subject),
                text(message.reply),
                text(message.headers),
                text(message.payload)
            ),
            Inbound::Ping => "ping".to_owned(),
            Inbound::Pong => "pong".to_owned(),
            Inbound::Error(error) => format!("error {error}"),
            Inbound::Other(other) => format!("other {}", text(other)),
        }
    }

    #[test]
    fn whatever_the_pieces() {
        let text = b"INFO {}\r\nMSG a 1 2\r\nhi\r\nMSG a 1 2\r\nho\r\nPING\r\nMSG a 1 r 0\r\n\r\n\
            HMSG a.b 1 6 8\r\nheaderpa\r\nHMSG a.b 1 r 6 6\r\nheader\r\nPONG\r\n+OK\r\n-ERR 'Slow Consumer'\r\nMSG a 1 2\r\nhu\r\n";
        let expected = [
            "other {}",
            "a|||hi",
            "a|||ho",
            "ping",
            "a|r||",
            "a.b||header|pa",
            "a.b|r|header|",
            "pong",
            "other ",
            "error Slow Consumer",
            "a|||hu",
        ];
        for step in [1, 2, 3, 7, 20, text.len()] {
            assert_eq!(read_all(text, step), expected, "{step}");
        }
    }

    #[test]
    fn messages_larger_than_the_buffer() {
        let mut text = format!("MSG a 1 {}\r\n", 3 * BUFFER).into_bytes();
        text.resize(text.len() + 3 * BUFFER, b'x');
        text.extend_from_slice(b"\r\nPONG\r\n");
        let seen = read_all(&text, 10_000);
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].len(), 3 * BUFFER + 4);
        assert_eq!(seen[1], "pong");
    }

    #[test]
    fn what_is_no_message() {
        for (bad, shown) in [
            ("HTTP/1.1 400\r\n", "HTTP/1.1 400"),
            ("MSG a 1\r\n", "MSG a 1\r\n"),
            ("MSG a 1 x\r\n", "MSG a 1 x\r\n"),
            ("HMSG a 1 9 8\r\n", "HMSG a 1 9 8\r\n"),
            ("MSG a 1 b c 2\r\n", "MSG a 1 b c 2\r\n"),
        ] {
            assert_eq!(read_all(bad.as_bytes(), 100), [shown]);
        }
    }
}

//! Reading what servers send: [`Reader`] for few messages, [`FrameCounter`] for millions.

use std::io::{ErrorKind, Read};

use crate::error::BenchError;

/// One thing the server sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Inbound<'a> {
    /// `MSG` or `HMSG`.
    Message {
        /// The control line without its line end.
        line: &'a str,
        /// Headers and payload, without the line end.
        body: &'a [u8],
    },
    /// `PING`; to be answered.
    Ping,
    /// `PONG`.
    Pong,
    /// `INFO` or `+OK`.
    Other,
}

/// Splits a stream into [`Inbound`]s.
#[derive(Debug)]
pub struct Reader {
    name: String,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Reader {
    /// A reader for the connection called `name`, with room for reads of `room` bytes.
    pub fn new(name: &str, room: usize) -> Self {
        Self {
            name: name.to_owned(),
            buffer: vec![0; room.max(16)],
            start: 0,
            end: 0,
        }
    }

    /// Whether everything read has been taken.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Reads once. A read that times out is [`BenchError::Overdue`].
    pub fn fill(&mut self, stream: &mut impl Read) -> Result<(), BenchError> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        match stream.read(&mut self.buffer[self.end..]) {
            Ok(0) => Err(BenchError::Disconnected {
                connection: self.name.clone(),
            }),
            Ok(read) => {
                self.end += read;
                Ok(())
            }
            Err(error) => Err(read_error(&self.name, error)),
        }
    }

    /// The next whole thing that was read. `-ERR` is an error.
    pub fn next_inbound(&mut self) -> Result<Option<Inbound<'_>>, BenchError> {
        let rest = &self.buffer[self.start..self.end];
        let Some(newline) = rest.iter().position(|byte| *byte == b'\n') else {
            return Ok(None);
        };
        let line = std::str::from_utf8(&rest[..newline]).map_err(|_| unexpected(&self.name, rest))?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut taken = newline + 1;
        let inbound = match line.split(' ').next() {
            Some("MSG" | "HMSG") => {
                let size = line
                    .rsplit(' ')
                    .next()
                    .and_then(|size| size.parse::<usize>().ok());
                let size = size.ok_or_else(|| unexpected(&self.name, rest))?;
                let Some(body) = rest.get(taken..taken + size + 2) else {
                    return Ok(None);
                };
                taken += size + 2;
                Inbound::Message {
                    line,
                    body: &body[..size],
                }
            }
            Some("PING") => Inbound::Ping,
            Some("PONG") => Inbound::Pong,
            Some("INFO" | "+OK") => Inbound::Other,
            Some("-ERR") => return Err(refused(&self.name, line)),
            _ => return Err(unexpected(&self.name, rest)),
        };
        self.start += taken;
        Ok(Some(inbound))
    }
}

/// What [`FrameCounter::feed`] found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Messages that are now complete.
    pub messages: u64,
    /// `PING`s to be answered.
    pub pings: u32,
    /// `PONG`s.
    pub pongs: u32,
}

/// Counts messages of one known size by counting bytes.
///
/// Every read is checked at its first and its last frame boundary: were there anything else between
/// the frames, the last boundary would be off, and the read is walked frame by frame.
#[derive(Debug)]
pub struct FrameCounter {
    name: String,
    prefix: Vec<u8>,
    frame_bytes: usize,
    remaining: usize,
    line: Vec<u8>,
}

impl FrameCounter {
    /// Every frame has `frame_bytes` bytes and starts with `prefix`, which starts with `M` or `H`.
    pub fn new(name: &str, prefix: &[u8], frame_bytes: usize) -> Self {
        Self {
            name: name.to_owned(),
            prefix: prefix.to_vec(),
            frame_bytes: frame_bytes.max(1),
            remaining: 0,
            line: Vec::new(),
        }
    }

    /// For a connection that should receive no messages at all.
    pub fn without_messages(name: &str) -> Self {
        Self::new(name, b"MSG (none expected)", 1)
    }

    /// Counts what is in `chunk`, the next bytes of the stream.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<Counted, BenchError> {
        if self.line.is_empty() {
            if chunk.len() < self.remaining {
                self.remaining -= chunk.len();
                return Ok(Counted::default());
            }
            let rest = &chunk[self.remaining..];
            let (whole, tail) = (rest.len() / self.frame_bytes, rest.len() % self.frame_bytes);
            let last = if tail > 0 { whole } else { whole.saturating_sub(1) } * self.frame_bytes;
            if self.starts_like_a_frame(rest) && self.starts_like_a_frame(&rest[last..]) {
                let finished = u64::from(self.remaining > 0);
                self.remaining = if tail > 0 { self.frame_bytes - tail } else { 0 };
                return Ok(Counted {
                    messages: whole as u64 + finished,
                    ..Counted::default()
                });
            }
        }
        self.walk(chunk)
    }

    fn starts_like_a_frame(&self, bytes: &[u8]) -> bool {
        let known = bytes.len().min(self.prefix.len());
        bytes[..known] == self.prefix[..known]
    }

    fn walk(&mut self, mut chunk: &[u8]) -> Result<Counted, BenchError> {
        let mut counted = Counted::default();
        while let Some(first) = chunk.first() {
            if self.remaining > 0 {
                let skipped = self.remaining.min(chunk.len());
                self.remaining -= skipped;
                counted.messages += u64::from(self.remaining == 0);
                chunk = &chunk[skipped..];
            } else if self.line.is_empty() && matches!(first, b'M' | b'H') {
                if !self.starts_like_a_frame(chunk) {
                    return Err(unexpected(&self.name, chunk));
                }
                self.remaining = self.frame_bytes;
            } else {
                let end = chunk
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .map_or(chunk.len(), |at| at + 1);
                self.line.extend_from_slice(&chunk[..end]);
                chunk = &chunk[end..];
                if self.line.ends_with(b"\n") {
                    self.take_line(&mut counted)?;
                }
            }
        }
        Ok(counted)
    }

    fn take_line(&mut self, counted: &mut Counted) -> Result<(), BenchError> {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        match text.trim_end() {
            "PING" => counted.pings += 1,
            "PONG" => counted.pongs += 1,
            "+OK" => {}
            info if info.starts_with("INFO") => {}
            error if error.starts_with("-ERR") => return Err(refused(&self.name, error)),
            _ => return Err(unexpected(&self.name, &line)),
        }
        Ok(())
    }
}

/// The error for a failed read of a connection.
pub fn read_error(name: &str, error: std::io::Error) -> BenchError {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
            BenchError::Disconnected {
                connection: name.to_owned(),
            }
        }
        ErrorKind::WouldBlock | ErrorKind::TimedOut => BenchError::Overdue {
            waiting_for: format!("an answer on {name}"),
            seconds: crate::connection::ANSWER_LIMIT.as_secs(),
        },
        _ => BenchError::Io {
            doing: format!("reading from {name}"),
            source: error,
        },
    }
}

fn refused(name: &str, line: &str) -> BenchError {
    BenchError::Refused {
        connection: name.to_owned(),
        text: line.to_owned(),
    }
}

/// The number that the subject of a message ends with: `MSG _INBOX.bench.<number> …`.
///
/// # Errors
/// When there is none.
pub fn number_of(line: &str, connection: &str) -> Result<u32, BenchError> {
    let subject = line.split(' ').nth(1).unwrap_or_default();
    let number = subject.rsplit('.').next().and_then(|token| token.parse().ok());
    number.ok_or_else(|| unexpected(connection, line.as_bytes()))
}

fn unexpected(name: &str, bytes: &[u8]) -> BenchError {
    let found = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
    BenchError::Unexpected {
        connection: name.to_owned(),
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames;

    /// Feeds `stream` in pieces of `step` bytes and adds up.
    fn count(stream: &[u8], step: usize) -> Result<Counted, BenchError> {
        let frame = frames::message("bench.a", "1", None, 128);
        let mut counter = FrameCounter::new("test", frames::control_line(&frame), frame.len());
        let mut sum = Counted::default();
        for chunk in stream.chunks(step) {
            let counted = counter.feed(chunk)?;
            sum.messages += counted.messages;
            sum.pings += counted.pings;
            sum.pongs += counted.pongs;
        }
        Ok(sum)
    }

    #[test]
    fn messages_are_counted_in_whatever_pieces_they_come() {
        let frame = frames::message("bench.a", "1", None, 128);
        let mut stream = frame.repeat(10);
        stream.extend_from_slice(b"PING\r\n");
        stream.extend(frame.repeat(7));
        stream.extend_from_slice(b"PONG\r\n+OK\r\n");
        stream.extend(frame.repeat(3));
        stream.extend_from_slice(&frame[..20]);
        for step in [1, 2, 5, 64, 151, 152, 153, 1_000, 10_000] {
            let expected = Counted {
                messages: 20,
                pings: 1,
                pongs: 1,
            };
            assert_eq!(count(&stream, step).unwrap(), expected, "in pieces of {step}");
        }
    }

    #[test]
    fn errors_between_frames_are_found() {
        let frame = frames::message("bench.a", "1", None, 128);
        let mut stream = frame.repeat(100);
        stream.extend_from_slice(b"-ERR 'Slow Consumer'\r\n");
        for step in [7, 4_096, 100_000] {
            assert!(
                matches!(count(&stream, step), Err(BenchError::Refused { .. })),
                "in pieces of {step}"
            );
        }
    }

    #[test]
    fn frames_of_another_subject_are_found() {
        let stream = frames::message("bench.b", "1", None, 128);
        assert!(matches!(
            count(&stream, 4_096),
            Err(BenchError::Unexpected { .. })
        ));
        let mut none = FrameCounter::without_messages("test");
        assert_eq!(none.feed(b"PONG\r\n").unwrap().pongs, 1);
        assert!(none.feed(&stream).is_err());
    }

    #[test]
    fn the_reader_splits_and_waits_for_the_rest() {
        let mut reader = Reader::new("test", 16);
        let mut stream: &[u8] = b"INFO {}\r\nPING\r\nMSG a 1 r 3\r\nabc\r\nMSG a 1 2\r\nx";
        let mut seen = Vec::new();
        while !stream.is_empty() {
            reader.fill(&mut stream).unwrap();
            while let Some(inbound) = reader.next_inbound().unwrap() {
                seen.push(format!("{inbound:?}"));
            }
        }
        assert_eq!(seen[..2], ["Other", "Ping"]);
        assert_eq!(
            seen[2..],
            ["Message { line: \"MSG a 1 r 3\", body: [97, 98, 99] }"]
        );
        assert!(!reader.is_empty());
        assert!(matches!(
            reader.fill(&mut stream),
            Err(BenchError::Disconnected { .. })
        ));
    }
}

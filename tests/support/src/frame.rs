use std::fmt::{self, Debug, Formatter};

/// What a server says, frame by frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// MSG or HMSG.
    Message(Message),
    /// INFO, its JSON.
    Info(String),
    /// PING.
    Ping,
    /// PONG.
    Pong,
    /// +OK.
    Ok,
    /// -ERR, the text between its quotes.
    Error(String),
}

/// A MSG, or an HMSG if it has headers.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What it was published on.
    pub subject: String,
    /// Which subscription it is for.
    pub sid: String,
    /// Where an answer is to go.
    pub reply: Option<String>,
    /// The whole block, with its first and its empty last line.
    pub headers: Option<String>,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Message {
    /// The payload, which is text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).expect("the payload is text")
    }

    /// The number that the payload begins with.
    #[track_caller]
    pub fn number(&self) -> u64 {
        let digits = self.payload.split(|byte| !byte.is_ascii_digit()).next();
        std::str::from_utf8(digits.unwrap_or_default())
            .ok()
            .and_then(|digits| digits.parse().ok())
            .unwrap_or_else(|| panic!("the payload of {self:?} does not begin with a number"))
    }
}

impl Debug for Message {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Message")
            .field("subject", &self.subject)
            .field("sid", &self.sid)
            .field("reply", &self.reply)
            .field("headers", &self.headers)
            .field("payload", &Shown(&self.payload))
            .finish()
    }
}

/// Bytes as they are shown to people: escaped, and cut where they are long.
pub(crate) struct Shown<'a>(pub(crate) &'a [u8]);

const SHOWN_AT_MOST: usize = 200;

impl Debug for Shown<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let cut = &self.0[..self.0.len().min(SHOWN_AT_MOST)];
        write!(formatter, "\"{}\"", cut.escape_ascii())?;
        if cut.len() < self.0.len() {
            write!(formatter, "… ({} bytes)", self.0.len())?;
        }
        Ok(())
    }
}

/// How many bytes follow a control line, if the server may say it at all.
pub(crate) fn body_length(line: &[u8]) -> Option<usize> {
    if line.starts_with(b"MSG ") || line.starts_with(b"HMSG ") {
        let size = line.trim_ascii_end().rsplit(|byte| *byte == b' ').next()?;
        let size: usize = std::str::from_utf8(size).ok()?.parse().ok()?;
        return Some(size + 2);
    }
    let known: [&[u8]; 5] = [b"INFO ", b"PING\r\n", b"PONG\r\n", b"+OK\r\n", b"-ERR '"];
    known.iter().any(|start| line.starts_with(start)).then_some(0)
}

/// Reads a whole frame; None if it is not as it has to be.
pub(crate) fn parse(frame: &[u8], line_length: usize) -> Option<Frame> {
    let (line, body) = frame.split_at(line_length);
    // Subjects and sids may be any bytes; only tests with random ones see others than text.
    let line = String::from_utf8_lossy(line);
    let line = line.strip_suffix("\r\n")?;
    match line {
        "PING" => return Some(Frame::Ping),
        "PONG" => return Some(Frame::Pong),
        "+OK" => return Some(Frame::Ok),
        _ => {}
    }
    if let Some(json) = line.strip_prefix("INFO ") {
        return Some(Frame::Info(json.trim_end().to_owned()));
    }
    if let Some(text) = line.strip_prefix("-ERR '") {
        return Some(Frame::Error(text.strip_suffix('\'')?.to_owned()));
    }
    let body = body.strip_suffix(b"\r\n")?;
    let (operation, fields) = line.split_once(' ')?;
    let fields: Vec<&str> = fields.split(' ').collect();
    if fields.iter().any(|field| field.is_empty()) {
        return None;
    }
    let (subject, sid, rest) = match *fields.as_slice() {
        [subject, sid, ref rest @ ..] => (subject, sid, rest),
        _ => return None,
    };
    let (reply, headers) = match (operation, rest) {
        ("MSG", [_]) => (None, None),
        ("MSG", [reply, _]) => (Some(*reply), None),
        ("HMSG", [headers, _]) => (None, Some(*headers)),
        ("HMSG", [reply, headers, _]) => (Some(*reply), Some(*headers)),
        _ => return None,
    };
    let (headers, payload) = match headers {
        None => (None, body),
        Some(length) => {
            let (headers, payload) = body.split_at_checked(length.parse().ok()?)?;
            (Some(String::from_utf8_lossy(headers).into_owned()), payload)
        }
    };
    Some(Frame::Message(Message {
        subject: subject.to_owned(),
        sid: sid.to_owned(),
        reply: reply.map(str::to_owned),
        headers,
        payload: payload.to_vec(),
    }))
}

#[cfg(test)]
mod tests {
    use super::{Frame, Message, body_length, parse};

    #[track_caller]
    fn check(text: &str, expected: Option<Frame>) {
        let line = text.find("\r\n").unwrap() + 2;
        let complete = body_length(&text.as_bytes()[..line]).is_some_and(|body| line + body == text.len());
        let parsed = complete.then(|| parse(text.as_bytes(), line)).flatten();
        assert_eq!(parsed, expected, "{text:?}");
    }

    fn message(reply: Option<&str>, headers: Option<&str>, payload: &str) -> Option<Frame> {
        Some(Frame::Message(Message {
            subject: "a.b".to_owned(),
            sid: "7".to_owned(),
            reply: reply.map(str::to_owned),
            headers: headers.map(str::to_owned),
            payload: payload.into(),
        }))
    }

    #[test]
    fn takes_what_a_server_says_and_nothing_else() {
        check("PING\r\n", Some(Frame::Ping));
        check("-ERR 'no'\r\n", Some(Frame::Error("no".to_owned())));
        check("MSG a.b 7 2\r\nhi\r\n", message(None, None, "hi"));
        check("MSG a.b 7 r 0\r\n\r\n", message(Some("r"), None, ""));
        check(
            "HMSG a.b 7 3 5\r\nH\r\nhi\r\n",
            message(None, Some("H\r\n"), "hi"),
        );
        check(
            "HMSG a.b 7 r 3 3\r\nH\r\n\r\n",
            message(Some("r"), Some("H\r\n"), ""),
        );
        check("MSG a.b 7 3\r\nhi\r\n", None);
        check("MSG a.b 7  2\r\nhi\r\n", None);
        check("MSG a.b 2\r\nhi\r\n", None);
        check("MSG a.b 7 r s 2\r\nhi\r\n", None);
        check("HMSG a.b 7 9 2\r\nhi\r\n", None);
        check("MSG a.b 7 2\r\nhi12", None);
        check("PONGO\r\n", None);
    }
}

//! What the tools print, in the manner of nats-pub, nats-sub and their kin.

use async_nats::HeaderMap;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::{self, Write};

/// How received messages are shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Style {
    /// Only the payload.
    pub(super) raw: bool,
    /// The zone of the time before each line; no time without one.
    pub(super) times: Option<TimeZone>,
    /// The queue group, and the process to tell members apart.
    pub(super) queue: Option<(String, u32)>,
}

pub(super) fn listening(out: &mut impl Write, subject: &str) -> io::Result<()> {
    writeln!(out, "Listening on [{subject}]")?;
    out.flush()
}

pub(super) fn published(out: &mut impl Write, subject: &str, payload: &[u8], count: u64) -> io::Result<()> {
    write!(out, "Published [{subject}] : '")?;
    out.write_all(payload)?;
    match count {
        1 => out.write_all(b"'\n"),
        count => writeln!(out, "' {count} times"),
    }
}

/// The answer to a request.
pub(super) fn answered(out: &mut impl Write, subject: &str, payload: &[u8]) -> io::Result<()> {
    write!(out, "Received  [{subject}] : '")?;
    out.write_all(payload)?;
    out.write_all(b"'\n")
}

/// One message of a subscription; `number` counts from 1.
pub(super) fn received(
    out: &mut impl Write,
    style: &Style,
    number: u64,
    subject: &str,
    payload: &[u8],
    now: Timestamp,
) -> io::Result<()> {
    if let Some(zone) = &style.times {
        let time = zone.to_datetime(now);
        write!(
            out,
            "{:04}/{:02}/{:02} {:02}:{:02}:{:02} ",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second()
        )?;
    }
    if style.raw {
        out.write_all(payload)?;
        return out.write_all(b"\n");
    }
    write!(out, "[#{number}] Received on [{subject}]")?;
    if let Some((queue, pid)) = &style.queue {
        write!(out, " Queue[{queue}] Pid[{pid}]")?;
    }
    out.write_all(b": '")?;
    out.write_all(payload)?;
    out.write_all(b"'\n")
}

/// The headers of a message, one on each line below it.
pub(super) fn headers(out: &mut impl Write, headers: &HeaderMap) -> io::Result<()> {
    for (name, values) in headers.iter() {
        for value in values {
            writeln!(out, "    {name}: {value}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(style: &Style) -> String {
        let mut out = Vec::new();
        let now = "2026-07-15T10:11:12Z".parse().unwrap();
        received(&mut out, style, 3, "a.b", b"hello", now).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn messages_as_nats_sub_shows_them() {
        let mut style = Style::default();
        assert_eq!(shown(&style), "[#3] Received on [a.b]: 'hello'\n");
        style.queue = Some(("Q1".to_owned(), 73099));
        assert_eq!(
            shown(&style),
            "[#3] Received on [a.b] Queue[Q1] Pid[73099]: 'hello'\n"
        );
        style.times = Some(TimeZone::UTC);
        assert_eq!(
            shown(&style),
            "2026/07/15 10:11:12 [#3] Received on [a.b] Queue[Q1] Pid[73099]: 'hello'\n"
        );
        style.raw = true;
        style.times = None;
        assert_eq!(shown(&style), "hello\n");
    }

    #[test]
    fn what_was_sent_and_answered() {
        let mut out = Vec::new();
        listening(&mut out, "a").unwrap();
        published(&mut out, "a", b"m", 1).unwrap();
        published(&mut out, "a", b"m", 5).unwrap();
        answered(&mut out, "_INBOX.x", b"m").unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "Listening on [a]\nPublished [a] : 'm'\nPublished [a] : 'm' 5 times\nReceived  [_INBOX.x] : 'm'\n"
        );
    }
}

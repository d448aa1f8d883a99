//! A line of the log as a JSON object.

use super::record::{Entry, Label};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::io::{self, Write};

/// The members, in this order.
#[derive(Serialize)]
struct Line<'a> {
    /// RFC 3339, with the offset of the zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    level: &'static str,
    pid: u32,
    /// The address of the client it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    /// The number of its connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<u64>,
    message: &'a str,
}

/// Writes one object, without the end of the line.
pub(super) fn write(
    out: &mut impl Write,
    pid: u32,
    zone: Option<&TimeZone>,
    entry: &Entry<'_>,
) -> io::Result<()> {
    let (client, cid, message) = match about(&entry.text) {
        Some((client, cid, message)) => (Some(client), Some(cid), message),
        None => (None, None, &*entry.text),
    };
    let time = zone.map(|zone| {
        let offset = zone.to_offset(entry.time);
        format!("{:.6}", entry.time.display_with_offset(offset))
    });
    let line = Line {
        time,
        level: level(entry.label),
        pid,
        client,
        cid,
        message,
    };
    serde_json::to_writer(out, &line).map_err(Into::into)
}

fn level(label: Label) -> &'static str {
    match label {
        Label::Info => "info",
        Label::Debug => "debug",
        Label::Warning => "warn",
        Label::Error => "error",
        Label::Fatal => "fatal",
        Label::Trace => "trace",
    }
}

/// The client, the number of its connection and the rest of `address - cid:number - message`.
pub(super) fn about(text: &str) -> Option<(&str, u64, &str)> {
    let (client, rest) = text.split_once(" - cid:")?;
    if client.contains(' ') {
        return None;
    }
    let (cid, message) = rest.split_once(" - ")?;
    Some((client, cid.parse().ok()?, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: Option<TimeZone>, text: &str, expected: &str) {
        let entry = Entry {
            label: Label::Warning,
            time: "2026-01-15T12:00:00.000042999Z".parse().unwrap(),
            text: text.into(),
        };
        let mut line = Vec::new();
        write(&mut line, 7, zone.as_ref(), &entry).unwrap();
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }

    #[test]
    fn objects() {
        check(None, "a", r#"{"level":"warn","pid":7,"message":"a"}"#);
        check(
            Some(TimeZone::UTC),
            "a \"b\"\r\n\u{1b}",
            r#"{"time":"2026-01-15T12:00:00.000042+00:00","level":"warn","pid":7,"message":"a \"b\"\r\n\u001b"}"#,
        );
        check(
            Some(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()),
            "[::1]:5000 - cid:12 - \"vX:go\" - Slow Consumer",
            r#"{"time":"2026-01-15T13:00:00.000042+01:00","level":"warn","pid":7,"client":"[::1]:5000","cid":12,"message":"\"vX:go\" - Slow Consumer"}"#,
        );
    }

    #[test]
    fn whom_a_line_is_about() {
        for text in ["a - b", "a b - cid:1 - c", "a - cid:x - c", "a - cid:1"] {
            assert_eq!(about(text), None, "{text}");
        }
    }
}

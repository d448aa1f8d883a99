//! One line of the log: `[pid] 2026/01/31 13:59:59.123456 [INF] text`, or a JSON object.

use super::json;
use super::record::{Entry, Label};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::io::{self, Write};
use vagus_configs::{LogFormat, LogTime, Logging};

impl Label {
    fn text(self) -> &'static str {
        match self {
            Self::Info => "INF",
            Self::Debug => "DBG",
            Self::Warning => "WRN",
            Self::Error => "ERR",
            Self::Fatal => "FTL",
            Self::Trace => "TRC",
        }
    }

    /// The parameters of the escape sequence that colours the label.
    fn colour(self) -> &'static str {
        match self {
            Self::Info => "32",
            Self::Debug => "36",
            Self::Warning => "0;93",
            Self::Error | Self::Fatal => "31",
            Self::Trace => "33",
        }
    }
}

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Text {
        coloured: bool,
    },
    Json,
    /// The message alone; the rest is added elsewhere.
    Bare,
}

/// What every line of this process looks like.
#[derive(Debug, Clone)]
pub(crate) struct LineFormat {
    pub(crate) pid: u32,
    /// The zone of the times; no times without one.
    pub(crate) zone: Option<TimeZone>,
    pub(crate) style: Style,
    pub(crate) clock: fn() -> Timestamp,
}

impl LineFormat {
    /// What the lines of this process look like by its settings.
    pub(crate) fn new(logging: &Logging, coloured: bool) -> Self {
        Self {
            pid: std::process::id(),
            zone: match logging.time {
                LogTime::Local => Some(TimeZone::system()),
                LogTime::Utc => Some(TimeZone::UTC),
                LogTime::None => None,
            },
            style: match logging.format {
                LogFormat::Text => Style::Text { coloured },
                LogFormat::Json => Style::Json,
            },
            clock: Timestamp::now,
        }
    }

    /// Writes one line and its end.
    pub(crate) fn write(&self, out: &mut impl Write, entry: &Entry<'_>) -> io::Result<()> {
        match self.style {
            Style::Text { coloured } => self.write_text(out, entry, coloured)?,
            Style::Json => json::write(out, self.pid, self.zone.as_ref(), entry)?,
            Style::Bare => write_on_one_line(out, &entry.text)?,
        }
        out.write_all(b"\n")
    }

    fn write_text(&self, out: &mut impl Write, entry: &Entry<'_>, coloured: bool) -> io::Result<()> {
        write!(out, "[{}] ", self.pid)?;
        if let Some(zone) = &self.zone {
            let time = zone.to_datetime(entry.time);
            write!(out, "{} ", time.strftime("%Y/%m/%d %H:%M:%S.%6f"))?;
        }
        let name = entry.label.text();
        if coloured {
            write!(out, "[\x1b[{}m{name}\x1b[0m] ", entry.label.colour())?;
        } else {
            write!(out, "[{name}] ")?;
        }
        write_on_one_line(out, &entry.text)
    }

    /// The line as text, for what is not a record of the `log` crate.
    pub(crate) fn line(&self, label: Label, text: &std::fmt::Arguments<'_>) -> Vec<u8> {
        let mut line = Vec::with_capacity(128);
        let entry = Entry {
            label,
            time: (self.clock)(),
            text: text.to_string().into(),
        };
        // Writing to memory does not fail.
        let _ = self.write(&mut line, &entry);
        line
    }
}

/// Clients choose parts of the text: a record stays one line, and commands no terminal.
pub(super) fn write_on_one_line(out: &mut impl Write, text: &str) -> io::Result<()> {
    let mut one_line = OneLine { out, error: Ok(()) };
    let _ = one_line.write_str(text);
    one_line.error
}

/// Escapes control characters.
struct OneLine<'a, W> {
    out: &'a mut W,
    error: io::Result<()>,
}

impl<W: Write> std::fmt::Write for OneLine<'_, W> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let mut rest = text;
        self.error = loop {
            // What is not ASCII counts as plain here: the control characters beyond it move no cursor.
            let Some(at) = rest
                .bytes()
                .position(|byte| byte.is_ascii_control() && byte != b'\t')
            else {
                break self.out.write_all(rest.as_bytes());
            };
            let written = self
                .out
                .write_all(&rest.as_bytes()[..at])
                .and_then(|()| write!(self.out, "{}", rest[at..=at].escape_default()));
            if written.is_err() {
                break written;
            }
            rest = &rest[at + 1..];
        };
        if self.error.is_ok() {
            Ok(())
        } else {
            Err(std::fmt::Error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon_in_winter() -> Timestamp {
        "2026-01-15T12:00:00.000042999Z".parse().unwrap()
    }

    fn summer() -> Timestamp {
        "2026-07-15T23:30:59.5Z".parse().unwrap()
    }

    fn shown(format: &LineFormat, label: Label, text: &str) -> String {
        String::from_utf8(format.line(label, &format_args!("{text}"))).unwrap()
    }

    fn plain(zone: Option<TimeZone>, clock: fn() -> Timestamp) -> LineFormat {
        LineFormat {
            pid: 4711,
            zone,
            style: Style::Text { coloured: false },
            clock,
        }
    }

    #[test]
    fn a_line_as_nats_server_writes_it() {
        let format = plain(Some(TimeZone::UTC), noon_in_winter);
        for (label, expected) in [
            (
                Label::Info,
                "[4711] 2026/01/15 12:00:00.000042 [INF] Server is ready\n",
            ),
            (
                Label::Debug,
                "[4711] 2026/01/15 12:00:00.000042 [DBG] Server is ready\n",
            ),
            (
                Label::Warning,
                "[4711] 2026/01/15 12:00:00.000042 [WRN] Server is ready\n",
            ),
            (
                Label::Error,
                "[4711] 2026/01/15 12:00:00.000042 [ERR] Server is ready\n",
            ),
            (
                Label::Fatal,
                "[4711] 2026/01/15 12:00:00.000042 [FTL] Server is ready\n",
            ),
            (
                Label::Trace,
                "[4711] 2026/01/15 12:00:00.000042 [TRC] Server is ready\n",
            ),
        ] {
            assert_eq!(shown(&format, label, "Server is ready"), expected);
        }
    }

    #[test]
    fn without_time_and_with_colour() {
        let mut format = plain(None, noon_in_winter);
        assert_eq!(shown(&format, Label::Info, "x"), "[4711] [INF] x\n");
        format.style = Style::Text { coloured: true };
        assert_eq!(
            shown(&format, Label::Warning, "x"),
            "[4711] [\x1b[0;93mWRN\x1b[0m] x\n"
        );
    }

    #[test]
    fn local_time_follows_the_clock_change() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let winter = plain(Some(berlin.clone()), noon_in_winter);
        assert_eq!(
            shown(&winter, Label::Info, "x"),
            "[4711] 2026/01/15 13:00:00.000042 [INF] x\n"
        );
        let summer = plain(Some(berlin), summer);
        assert_eq!(
            shown(&summer, Label::Info, "x"),
            "[4711] 2026/07/16 01:30:59.500000 [INF] x\n"
        );
    }

    #[test]
    fn a_record_stays_one_line() {
        let format = plain(None, noon_in_winter);
        assert_eq!(
            shown(&format, Label::Info, "a\r\n[1] [INF] b\x1b[2J\tc é\n"),
            "[4711] [INF] a\\r\\n[1] [INF] b\\u{1b}[2J\tc é\\n\n"
        );
    }
}

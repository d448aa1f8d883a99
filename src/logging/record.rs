//! Records on their way from those that log to the writer thread, which makes lines of them: only it knows what a line
//! looks like at the moment it is written.

use jiff::Timestamp;
use log::Level;
use std::borrow::Cow;
use std::io::{self, Write};

/// The kinds of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Info,
    Debug,
    Warning,
    Error,
    Fatal,
    Trace,
}

impl Label {
    const ALL: [Self; 6] = [
        Self::Info,
        Self::Debug,
        Self::Warning,
        Self::Error,
        Self::Fatal,
        Self::Trace,
    ];

    /// The label of a record; what goes to the target [`super::FATAL`] ends the process.
    pub(crate) fn of(level: Level, target: &str) -> Self {
        match level {
            Level::Error if target == super::FATAL => Self::Fatal,
            Level::Error => Self::Error,
            Level::Warn => Self::Warning,
            Level::Info => Self::Info,
            Level::Debug => Self::Debug,
            Level::Trace => Self::Trace,
        }
    }

    fn number(self) -> u8 {
        self as u8
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) label: Label,
    pub(crate) time: Timestamp,
    /// As it was logged: clients choose parts of it.
    pub(crate) text: Cow<'a, str>,
}

/// The label, the seconds and the nanoseconds, before the text.
const HEADER: usize = 1 + 8 + 4;

/// The length of all that, before it.
const LENGTH: usize = 4;

/// Writes a record, without its length.
pub(crate) fn encode(
    out: &mut impl Write,
    label: Label,
    time: Timestamp,
    text: &std::fmt::Arguments<'_>,
) -> io::Result<()> {
    out.write_all(&[label.number()])?;
    out.write_all(&time.as_second().to_le_bytes())?;
    out.write_all(&time.subsec_nanosecond().to_le_bytes())?;
    out.write_fmt(*text)
}

/// Appends an encoded record and its length to many, if that keeps them within `bound`.
pub(crate) fn append(records: &mut Vec<u8>, record: &[u8], bound: usize) -> bool {
    let Ok(length) = u32::try_from(record.len()) else {
        return false;
    };
    if records.len() + LENGTH + record.len() > bound {
        return false;
    }
    records.extend_from_slice(&length.to_le_bytes());
    records.extend_from_slice(record);
    true
}

/// The records that were appended.
pub(crate) fn entries(records: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let (length, more) = rest.split_first_chunk::<LENGTH>()?;
        let (record, more) = more.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        rest = more;
        decode(record)
    })
}

fn decode(record: &[u8]) -> Option<Entry<'_>> {
    let (header, text) = record.split_first_chunk::<HEADER>()?;
    let (number, time) = header.split_first()?;
    let (seconds, nanoseconds) = time.split_first_chunk()?;
    let time = Timestamp::new(
        i64::from_le_bytes(*seconds),
        i32::from_le_bytes(nanoseconds.try_into().ok()?),
    );
    Some(Entry {
        label: *Label::ALL.get(usize::from(*number))?,
        time: time.ok()?,
        text: String::from_utf8_lossy(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_out_as_they_went_in() {
        let mut records = Vec::new();
        let time: Timestamp = "2026-01-15T12:00:00.000042999Z".parse().unwrap();
        for (place, label) in Label::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(label.number()), place);
            let mut record = Vec::new();
            encode(&mut record, label, time, &format_args!("{place}\n{label:?}")).unwrap();
            assert!(append(&mut records, &record, 1000));
        }
        let read: Vec<Entry<'_>> = entries(&records).collect();
        let expected: Vec<Entry<'_>> = Label::ALL
            .into_iter()
            .enumerate()
            .map(|(place, label)| Entry {
                label,
                time,
                text: format!("{place}\n{label:?}").into(),
            })
            .collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn what_does_not_fit_is_not_begun() {
        let mut records = Vec::new();
        assert!(append(&mut records, b"0123456789", 14));
        assert!(!append(&mut records, b"", 14));
        assert_eq!(records.len(), 14);
    }

    #[test]
    fn labels_of_records() {
        assert_eq!(Label::of(Level::Error, crate::logging::FATAL), Label::Fatal);
        assert_eq!(Label::of(Level::Error, "vagus::run"), Label::Error);
        assert_eq!(Label::of(Level::Trace, "vagus_nats"), Label::Trace);
    }
}

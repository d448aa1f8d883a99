//! Values as the types that keys ask for. What is none is a problem, and the key is passed over.

use super::findings::Findings;
use crate::grammar::{Entry, Kind, Map, Value};
use std::time::Duration;
use vagus_protocol::duration;

/// The largest size that nats-server takes where it keeps 32 bits.
pub(super) const MAX_SIZE: i64 = i32::MAX as i64;

/// Sets what a value was read for.
pub(super) fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

impl Findings {
    pub(super) fn text<'e>(&mut self, entry: &'e Entry) -> Option<&'e str> {
        match &entry.value.kind {
            Kind::Text(text) => Some(text),
            _ => self.wrong(entry, "text"),
        }
    }

    /// Text, of which nothing at all means "not set".
    pub(super) fn optional_text(&mut self, entry: &Entry) -> Option<Option<String>> {
        let text = self.text(entry)?;
        Some((!text.is_empty()).then(|| text.to_owned()))
    }

    pub(super) fn integer(&mut self, entry: &Entry) -> Option<i64> {
        match entry.value.kind {
            Kind::Integer(number) => Some(number),
            _ => self.wrong(entry, "a whole number"),
        }
    }

    /// A whole number that 0 stands for the default of, so that it gives nothing.
    pub(super) fn size(&mut self, entry: &Entry, max: i64) -> Option<usize> {
        let number = self.integer(entry)?;
        if number > max {
            return self.refuse(entry, format!("{} is too large: at most {max}", entry.key));
        }
        let Ok(number) = usize::try_from(number) else {
            return self.refuse(entry, format!("{} must not be negative", entry.key));
        };
        (number > 0).then_some(number)
    }

    pub(super) fn boolean(&mut self, entry: &Entry) -> Option<bool> {
        match entry.value.kind {
            Kind::Boolean(set) => Some(set),
            _ => self.wrong(entry, "true or false"),
        }
    }

    pub(super) fn map<'e>(&mut self, entry: &'e Entry) -> Option<&'e Map> {
        match &entry.value.kind {
            Kind::Map(map) => Some(map),
            _ => self.wrong(entry, "a map"),
        }
    }

    pub(super) fn array<'e>(&mut self, entry: &'e Entry) -> Option<&'e [Value]> {
        match &entry.value.kind {
            Kind::Array(values) => Some(values),
            _ => self.wrong(entry, "an array"),
        }
    }

    /// Several texts.
    pub(super) fn texts(&mut self, entry: &Entry) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        for value in self.array(entry)? {
            match &value.kind {
                Kind::Text(text) => texts.push(text.clone()),
                other => {
                    let message = format!("{} must have text, not {}", entry.key, other.name());
                    return self.refuse(entry, message);
                }
            }
        }
        Some(texts)
    }

    /// A duration as text, or as a whole number of seconds as it once was. 0 stands for the default and
    /// gives nothing.
    pub(super) fn duration(&mut self, entry: &Entry) -> Option<Duration> {
        let nanoseconds = match &entry.value.kind {
            Kind::Text(text) => duration::parse(text),
            Kind::Integer(seconds) => {
                let message = format!("{} should be a duration such as \"{seconds}s\"", entry.key);
                self.doubt(Some(entry), message);
                seconds.checked_mul(1_000_000_000)
            }
            _ => None,
        };
        let Some(nanoseconds) = nanoseconds else {
            return self.wrong(entry, "a duration such as \"2m\"");
        };
        self.positive(entry, nanoseconds)
    }

    /// A duration as text and nothing else; not negative.
    pub(super) fn exact_duration(&mut self, entry: &Entry) -> Option<Duration> {
        let nanoseconds = match &entry.value.kind {
            Kind::Text(text) => duration::parse(text),
            _ => None,
        };
        let Some(nanoseconds) = nanoseconds else {
            return self.wrong(entry, "a duration such as \"2m\"");
        };
        let Ok(nanoseconds) = u64::try_from(nanoseconds) else {
            return self.refuse(entry, format!("{} must not be negative", entry.key));
        };
        Some(Duration::from_nanos(nanoseconds))
    }

    /// A duration as text, or as a number of seconds, with or without a fraction. 0 stands for the default and gives
    /// nothing.
    pub(super) fn seconds(&mut self, entry: &Entry) -> Option<Duration> {
        let nanoseconds = match &entry.value.kind {
            Kind::Integer(seconds) => seconds.checked_mul(1_000_000_000),
            Kind::Float(seconds) if seconds.abs() < 1e9 => Some((seconds * 1e9).round() as i64),
            Kind::Text(text) => duration::parse(text),
            _ => None,
        };
        let Some(nanoseconds) = nanoseconds else {
            let message = format!(
                "{} must be a number of seconds or a duration such as \"2s\"",
                entry.key
            );
            return self.refuse(entry, message);
        };
        self.positive(entry, nanoseconds)
    }

    /// A duration to wait: a negative one is an obstacle, 0 gives nothing.
    pub(super) fn positive(&mut self, entry: &Entry, nanoseconds: i64) -> Option<Duration> {
        let Ok(nanoseconds) = u64::try_from(nanoseconds) else {
            self.obstacle(entry, format!("{} must not be negative", entry.key));
            return None;
        };
        (nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds))
    }

    fn wrong<T>(&mut self, entry: &Entry, wanted: &str) -> Option<T> {
        let found = match &entry.value.kind {
            Kind::Text(_) => "this text",
            other => other.name(),
        };
        self.refuse(entry, format!("{} must be {wanted}, not {found}", entry.key))
    }

    pub(super) fn refuse<T>(&mut self, entry: &Entry, message: String) -> Option<T> {
        self.problem(entry, message);
        None
    }
}

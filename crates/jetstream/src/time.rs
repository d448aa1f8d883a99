//! Points in time, as messages and answers have them.

use crate::json::Value;
use crate::json::reading::{ReadJson, Reading};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use std::fmt;

/// A millisecond, in nanoseconds.
pub(crate) const MILLISECOND: i64 = 1_000_000;

/// A second, in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;

/// What there is for a time that there is not.
const ZERO: &str = "0001-01-01T00:00:00Z";

/// A point in time: nanoseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// So many nanoseconds later.
    #[must_use]
    pub fn after(self, nanoseconds: i64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }

    /// How many nanoseconds have passed since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The time that a text of RFC 3339 says.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // The standard has a T, a Z in capitals, and no other calendar, which the library would take.
        let bytes = text.as_bytes();
        let is_standard = bytes.get(10) == Some(&b'T')
            && text.len() >= 20
            && bytes
                .iter()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b':' | b'.' | b'+' | b'T' | b'Z'));
        if !is_standard {
            return None;
        }
        // What is farther away than can be counted is as far as can be.
        let Ok(time) = text.parse::<Timestamp>() else {
            let is_last_day =
                text.starts_with("9999-12-31T") && text.replacen("31", "30", 1).parse::<Timestamp>().is_ok();
            return is_last_day.then_some(Self(i64::MAX));
        };
        let nanoseconds = time.as_nanosecond();
        let nanoseconds = nanoseconds.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        i64::try_from(nanoseconds).ok().map(Self)
    }

    /// The time to the full second, as Go rounds it.
    pub(crate) fn rounded_to_second(self) -> Self {
        Self(self.0.saturating_add(SECOND / 2).div_euclid(SECOND) * SECOND)
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or_default()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(out)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Serialises a time, or that there is none, as Go does.
pub(crate) fn or_zero<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => time.serialize(serializer),
        None => serializer.serialize_str(ZERO),
    }
}

/// A time that somebody has written down, in his time zone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct WrittenTime {
    text: String,
    #[serde(skip)]
    time: Time,
}

impl WrittenTime {
    /// When that is.
    pub fn time(&self) -> Time {
        self.time
    }

    /// Whether it is the time that there is not.
    pub fn is_zero(&self) -> bool {
        self.text == ZERO
    }
}

impl From<Time> for WrittenTime {
    fn from(time: Time) -> Self {
        let text = time.to_string();
        Self { text, time }
    }
}

impl ReadJson for WrittenTime {
    const TYPE: &'static str = "time.Time";

    fn read_json(&mut self, value: &Value<'_>, reading: &mut Reading) {
        match value {
            Value::Null => {}
            Value::Text(text, _) => match Time::parse(text) {
                Some(time) => {
                    self.text = text.clone().into_owned();
                    self.time = time;
                }
                None => reading.give_up(|| {
                    let text = vagus_protocol::quote::Quoted(text.as_bytes());
                    format!(
                        r#"parsing time {text} as "2006-01-02T15:04:05Z07:00": cannot parse {text} as "2006""#
                    )
                }),
            },
            _ => reading.give_up(|| "Time.UnmarshalJSON: input is not a JSON string".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SECOND, Time};

    #[test]
    fn reads_and_writes_as_go() {
        for (text, shown) in [
            ("2026-11-30T07:00:00Z", "2026-11-30T07:00:00Z"),
            ("2026-11-30T07:00:00.120Z", "2026-11-30T07:00:00.12Z"),
            (
                "2026-11-30T08:00:00.000000001+01:00",
                "2026-11-30T07:00:00.000000001Z",
            ),
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            "2026-11-30",
            "2026-11-30 07:00:00Z",
            "2026-11-30T07:00:00",
            "2026-11-30T07:00:00Z[UTC]",
            "2026-11-30T07:00:00z",
            "99999-11-30T07:00:00Z",
            "2026-13-30T07:00:00Z",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_counted_is_as_far_as_can_be() {
        assert_eq!(Time::parse("0001-01-01T00:00:00Z"), Some(Time(i64::MIN)));
        assert_eq!(Time::parse("9999-12-01T00:00:00Z"), Some(Time(i64::MAX)));
        assert_eq!(Time::parse("9999-12-31T20:59:59Z"), Some(Time(i64::MAX)));
        assert_eq!(Time::parse("9999-12-32T00:00:00Z"), None);
    }

    #[test]
    fn rounds() {
        assert_eq!(Time(SECOND / 2).rounded_to_second(), Time(SECOND));
        assert_eq!(Time(SECOND / 2 - 1).rounded_to_second(), Time(0));
    }
}

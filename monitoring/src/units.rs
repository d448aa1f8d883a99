//! How nats-server writes times and numbers.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use std::fmt;
use std::time::{Duration, SystemTime};

/// A time as RFC 3339 in UTC, to the nanosecond where there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A time of the machine's clock; the first of all for one that no calendar has.
pub(super) fn time_of(time: SystemTime) -> Time {
    Time(Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// A duration as a number of nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nanoseconds(pub(super) Duration);

impl Serialize for Nanoseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// A number that is written without a point where it is whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decimal(pub(super) f64);

impl Decimal {
    /// Seconds, to a tenth.
    pub(super) fn tenths(time: Duration) -> Self {
        Self((time.as_secs_f64() * 10.0).round() / 10.0)
    }
}

/// Up to here every whole number is one of the numbers with a point.
const WHOLE_AT_MOST: f64 = (1_u64 << 53) as f64;

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() < WHOLE_AT_MOST {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

/// How long something has been there: `1y2d3h4m5s`, from the first that is not 0; `0s` for less than a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Uptime(pub(super) Duration);

impl fmt::Display for Uptime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
        let years = days / 365;
        if years > 0 {
            write!(formatter, "{years}y")?;
        }
        if days > 0 {
            write!(formatter, "{}d", days % 365)?;
        }
        if hours > 0 {
            write!(formatter, "{}h", hours % 24)?;
        }
        if minutes > 0 {
            write!(formatter, "{}m", minutes % 60)?;
        }
        write!(formatter, "{}s", seconds % 60)
    }
}

impl Serialize for Uptime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A round trip in the unit that suits it: `1.5ms`, `230µs`; below a millisecond without nanoseconds. `0s` for one
/// that was not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RoundTrip(pub(super) Duration);

impl fmt::Display for RoundTrip {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.as_nanos();
        match nanoseconds {
            0 => formatter.write_str("0s"),
            1..1_000 => write!(formatter, "{nanoseconds}ns"),
            1_000..1_000_000 => write!(formatter, "{}µs", nanoseconds / 1_000),
            1_000_000..1_000_000_000 => write!(formatter, "{}ms", Part(nanoseconds, 1_000_000)),
            _ => {
                let (seconds, minutes) = (self.0.as_secs(), self.0.as_secs() / 60);
                let hours = minutes / 60;
                if hours > 0 {
                    write!(formatter, "{hours}h")?;
                }
                if minutes > 0 {
                    write!(formatter, "{}m", minutes % 60)?;
                }
                let rest = u128::from(seconds % 60) * 1_000_000_000 + u128::from(self.0.subsec_nanos());
                write!(formatter, "{}s", Part(rest, 1_000_000_000))
            }
        }
    }
}

impl Serialize for RoundTrip {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A number of parts of a unit, which is a power of ten, with the places behind the point that it needs.
struct Part(u128, u128);

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(parts, unit) = *self;
        write!(formatter, "{}", parts / unit)?;
        let mut rest = parts % unit;
        let mut place = unit / 10;
        if rest > 0 {
            formatter.write_str(".")?;
        }
        while rest > 0 {
            write!(formatter, "{}", rest / place)?;
            rest %= place;
            place = (place / 10).max(1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Decimal, Nanoseconds, RoundTrip, Time, Uptime};
    use jiff::Timestamp;
    use serde_json::to_string;
    use std::time::Duration;

    #[test]
    fn uptimes() {
        for (seconds, shown) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m0s"),
            (3_661, "1h1m1s"),
            (86_400, "1d0h0m0s"),
            (365 * 86_400 + 2 * 86_400 + 3 * 3600 + 4 * 60 + 5, "1y2d3h4m5s"),
        ] {
            assert_eq!(Uptime(Duration::from_secs(seconds)).to_string(), shown);
        }
    }

    #[test]
    fn round_trips() {
        for (nanoseconds, shown) in [
            (0, "0s"),
            (999, "999ns"),
            (1_999, "1µs"),
            (230_777, "230µs"),
            (1_500_000, "1.5ms"),
            (1_000_001, "1.000001ms"),
            (20_000_000, "20ms"),
            (1_000_000_000, "1s"),
            (61_050_000_000, "1m1.05s"),
            (3_600_000_000_000, "1h0m0s"),
        ] {
            assert_eq!(RoundTrip(Duration::from_nanos(nanoseconds)).to_string(), shown);
        }
    }

    #[test]
    fn times() {
        for (nanoseconds, shown) in [
            (0, r#""1970-01-01T00:00:00Z""#),
            (1_000_000_001, r#""1970-01-01T00:00:01.000000001Z""#),
            (1_500_000_000, r#""1970-01-01T00:00:01.5Z""#),
        ] {
            let time = Time(Timestamp::from_nanosecond(nanoseconds).unwrap());
            assert_eq!(to_string(&time).unwrap(), shown);
        }
    }

    #[test]
    fn numbers() {
        for (number, shown) in [(2.0, "2"), (0.0, "0"), (0.5, "0.5"), (-1.0, "-1")] {
            assert_eq!(to_string(&Decimal(number)).unwrap(), shown);
        }
        assert_eq!(
            to_string(&Nanoseconds(Duration::from_millis(2))).unwrap(),
            "2000000"
        );
    }
}

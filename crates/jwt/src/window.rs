//! The times of day at which somebody may connect.

use std::time::Duration;

use jiff::Zoned;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use crate::issues::Issues;
use crate::lists::is_default;

/// From one time of day to another, perhaps that of the next day: `15:04:05`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeRange {
    /// From then on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub start: String,
    /// Until then.
    #[serde(default, skip_serializing_if = "is_default")]
    pub end: String,
}

/// Whether somebody may be connected at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// At all times.
    Always,
    /// Now, and for so long.
    For(Duration),
    /// Not now.
    Closed,
}

impl TimeRange {
    pub(crate) fn check(&self, issues: &mut Issues) {
        for (name, text) in [("start", &self.start), ("end", &self.end)] {
            if text.is_empty() {
                issues.error(format!("time ranges {name} must contain a {name}"));
            } else if time_of_day(text).is_none() {
                issues.error(format!("{name} in time range is invalid {text:?}"));
            }
        }
    }

    /// How long it still is in the range at this time.
    fn left(&self, now: &Zoned) -> Option<Duration> {
        let (start, end) = (time_of_day(&self.start)?, time_of_day(&self.end)?);
        let at =
            |day: jiff::civil::Date, time: Time| day.to_datetime(time).to_zoned(now.time_zone().clone()).ok();
        let today = now.date();
        let (begin, finish) = (at(today, start)?, at(today, end)?);
        let crosses_midnight = begin > finish;
        let finish = if !crosses_midnight {
            (begin < *now && finish > *now).then_some(finish)?
        } else if finish > *now {
            finish
        } else {
            let tomorrow = at(today.tomorrow().ok()?, end)?;
            (begin < *now && tomorrow > *now).then_some(tomorrow)?
        };
        now.duration_until(&finish).try_into().ok()
    }
}

/// Whether one of these ranges has this time, which is given in the time zone that they are in.
pub(crate) fn of(ranges: &[TimeRange], now: &Zoned) -> Window {
    if ranges.is_empty() {
        return Window::Always;
    }
    // As in nats-server, nothing holds with one that cannot be read.
    let is_wrong =
        |range: &TimeRange| time_of_day(&range.start).is_none() || time_of_day(&range.end).is_none();
    if ranges.iter().any(is_wrong) {
        return Window::Closed;
    }
    let longest = ranges.iter().filter_map(|range| range.left(now)).max();
    longest.map_or(Window::Closed, Window::For)
}

/// Hours of one or two digits, minutes and seconds of two.
fn time_of_day(text: &str) -> Option<Time> {
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        let is_number = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i8>().ok().filter(|_| is_number)
    };
    let mut parts = text.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Time::new(
        number(hour, 1..=2)?,
        number(minute, 2..=2)?,
        number(second, 2..=2)?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::{TimeRange, Window, of};
    use jiff::Zoned;
    use std::time::Duration;

    fn at(time: &str) -> Zoned {
        format!("2026-11-30T{time}[UTC]").parse().unwrap()
    }

    fn range(start: &str, end: &str) -> TimeRange {
        TimeRange {
            start: start.to_owned(),
            end: end.to_owned(),
        }
    }

    #[test]
    fn ranges_may_cross_midnight() {
        let hours = |hours: u64| Window::For(Duration::from_secs(hours * 3600));
        for (start, end, now, window) in [
            ("11:00:00", "22:00:00", "13:00:00", hours(9)),
            ("11:00:00", "22:00:00", "10:00:00", Window::Closed),
            ("11:00:00", "22:00:00", "23:00:00", Window::Closed),
            ("22:00:00", "06:00:00", "05:00:00", hours(1)),
            ("22:00:00", "6:00:00", "23:00:00", hours(7)),
            ("22:00:00", "06:00:00", "12:00:00", Window::Closed),
            ("22:00", "06:00:00", "23:00:00", Window::Closed),
        ] {
            assert_eq!(of(&[range(start, end)], &at(now)), window, "{start} {end} {now}");
        }
    }

    #[test]
    fn the_longest_counts() {
        let ranges = [range("10:00:00", "12:00:00"), range("11:00:00", "14:00:00")];
        assert_eq!(
            of(&ranges, &at("11:30:00")),
            Window::For(Duration::from_secs(9000))
        );
        assert_eq!(of(&[], &at("11:30:00")), Window::Always);
    }

    #[test]
    fn days_are_those_of_the_place() {
        let now: Zoned = "2026-11-30T23:30:00+00:00[UTC]".parse().unwrap();
        let there = now.with_time_zone(jiff::tz::TimeZone::fixed(jiff::tz::offset(2)));
        assert_eq!(
            of(&[range("01:00:00", "02:00:00")], &there),
            Window::For(Duration::from_secs(1800))
        );
        assert_eq!(of(&[range("01:00:00", "02:00:00")], &now), Window::Closed);
    }
}

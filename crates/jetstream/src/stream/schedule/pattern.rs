//! When a schedule comes next, by how that is written.

use super::cron::Cron;
use crate::time::{SECOND, Time};
use jiff::tz::TimeZone;
use vagus_protocol::duration;

/// When it comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) time: Time,
    /// Whether it comes again after that.
    pub(super) repeats: bool,
}

/// When a schedule comes next after `from`; what should have come before `now` and did not is left out.
pub(super) fn next(pattern: &str, zone: Option<TimeZone>, from: Time, now: Time) -> Option<Next> {
    if let Some(time) = pattern.strip_prefix("@at ") {
        let time = zone.is_none().then(|| Time::parse(time)).flatten()?;
        return Some(Next { time, repeats: false });
    }
    let after = |time: Time| -> Option<Time> {
        if let Some(interval) = pattern.strip_prefix("@every ") {
            let interval =
                duration::parse(interval).filter(|interval| *interval >= SECOND && zone.is_none())?;
            return Some(time.rounded_to_second().after(interval));
        }
        let fields = match pattern {
            "@yearly" | "@annually" => "0 0 0 1 1 *",
            "@monthly" => "0 0 0 1 * *",
            "@weekly" => "0 0 0 * * 0",
            "@daily" | "@midnight" => "0 0 0 * * *",
            "@hourly" => "0 0 * * * *",
            fields => fields,
        };
        let zone = zone.clone().unwrap_or(TimeZone::UTC);
        Cron::parse(fields)?.after(time, zone)
    };
    let mut time = after(from)?;
    if time < now {
        time = after(now.rounded_to_second())?;
    }
    Some(Next { time, repeats: true })
}

#[cfg(test)]
mod tests {
    use super::next;
    use crate::time::Time;
    use jiff::tz::TimeZone;

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    /// The next time after one, in the time zone of New York or in none.
    fn check(pattern: &str, from: &str, expect: &str, in_new_york: bool) {
        let zone = in_new_york.then(|| TimeZone::get("America/New_York").unwrap());
        let found = next(pattern, zone, at(from), at(from)).map(|next| next.time.to_string());
        assert_eq!(found.unwrap_or_default(), expect, "{pattern}");
    }

    #[test]
    fn comes_as_it_is_written() {
        let from = "2026-11-30T07:05:09.4Z";
        for (pattern, expect) in [
            ("@at 2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
            ("@at 2020-01-01", ""),
            ("@every 1h", "2026-11-30T08:05:09Z"),
            ("@every 1s", "2026-11-30T07:05:10Z"),
            ("@every 500ms", ""),
            ("@every x", ""),
            ("@hourly", "2026-11-30T08:00:00Z"),
            ("@daily", "2026-12-01T00:00:00Z"),
            ("@weekly", "2026-12-06T00:00:00Z"),
            ("@monthly", "2026-12-01T00:00:00Z"),
            ("@yearly", "2027-01-01T00:00:00Z"),
            ("* * * * * *", "2026-11-30T07:05:10Z"),
            ("*/15 * * * * *", "2026-11-30T07:05:15Z"),
            ("0 30 9-17 * * MON-FRI", "2026-11-30T09:30:00Z"),
            ("0 0 0 29 2 *", "2028-02-29T00:00:00Z"),
            ("0 0 0 1,15 * ?", "2026-12-01T00:00:00Z"),
            ("0 0 0 1 jan sun", "2027-01-01T00:00:00Z"),
            ("0 0 0 31 2 *", ""),
            ("0 0 0 1 1", ""),
            ("60 * * * * *", ""),
            ("5-1 * * * * *", ""),
            ("*/0 * * * * *", ""),
            ("1/2/3 * * * * *", ""),
            ("x * * * * *", ""),
            ("whenever", ""),
            ("", ""),
        ] {
            check(pattern, from, expect, false);
        }
    }

    #[test]
    fn comes_by_the_clocks_of_its_time_zone() {
        check(
            "0 0 9 * * *",
            "2026-11-30T07:00:00Z",
            "2026-11-30T14:00:00Z",
            true,
        );
        check(
            "0 0 9 * * *",
            "2026-07-01T07:00:00Z",
            "2026-07-01T13:00:00Z",
            true,
        );
        // There is no half past two on the night on which clocks go forward.
        check(
            "0 30 2 * * *",
            "2026-03-08T05:00:00Z",
            "2026-03-09T06:30:00Z",
            true,
        );
        // There are two half past ones on the one on which they go back.
        check(
            "0 30 1 * * *",
            "2026-11-01T04:00:00Z",
            "2026-11-01T05:30:00Z",
            true,
        );
        check(
            "0 30 1 * * *",
            "2026-11-01T05:30:00Z",
            "2026-11-01T06:30:00Z",
            true,
        );
        check("@every 1h", "2026-11-30T07:00:00Z", "", true);
        check("@at 2030-01-01T00:00:00Z", "2026-11-30T07:00:00Z", "", true);
    }

    #[test]
    fn what_was_missed_comes_once() {
        let (from, now) = (at("2026-11-30T07:00:00Z"), at("2026-11-30T09:30:00Z"));
        let of = |pattern| next(pattern, None, from, now).unwrap().time.to_string();
        assert_eq!(of("@every 1h"), "2026-11-30T10:30:00Z");
        assert_eq!(of("@hourly"), "2026-11-30T10:00:00Z");
        assert_eq!(of("@at 2026-11-30T08:00:00Z"), "2026-11-30T08:00:00Z");
    }
}

//! Times as cron has them, with seconds: `second minute hour day-of-month month day-of-week`.

use crate::time::{SECOND, Time};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

/// After so many years without a match there is none.
const YEARS: i16 = 5;

/// Fields of a time, each as a set of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cron {
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

/// Says of a set that it was written as all there are.
const STAR: u64 = 1 << 63;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Cron {
    /// Six fields.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split_whitespace();
        let mut field = |low, high, names: &[&str]| set(fields.next()?, low, high, names);
        let cron = Self {
            seconds: field(0, 59, &[])?,
            minutes: field(0, 59, &[])?,
            hours: field(0, 23, &[])?,
            days: field(1, 31, &[])?,
            months: field(1, 12, &MONTHS)?,
            weekdays: field(0, 6, &WEEKDAYS)?,
        };
        fields.next().is_none().then_some(cron)
    }

    /// The first time after one that is in all sets, by the clocks of a zone: what they leave out does not come, what they
    /// show twice comes twice.
    pub(super) fn after(&self, time: Time, zone: TimeZone) -> Option<Time> {
        let next = Time(time.0.div_euclid(SECOND) * SECOND).after(SECOND);
        let mut next = next.timestamp().to_zoned(zone);
        let last_year = next.year() + YEARS;
        // From the longest unit to the shortest. Where one comes to its first value again, longer ones have changed.
        while next.year() <= last_year {
            if !has(self.months, next.month()) {
                let first = next.date().first_of_month().saturating_add(Span::new().months(1));
                next = first.to_zoned(next.time_zone().clone()).ok()?;
            } else if !self.has_day(next.date()) {
                // Days are quicker to look through than times of a zone.
                let mut day = next.date().tomorrow().ok()?;
                while day.month() == next.month() && !self.has_day(day) {
                    day = day.tomorrow().ok()?;
                }
                next = day.to_zoned(next.time_zone().clone()).ok()?;
            } else if !has(self.hours, next.hour()) {
                next = whole(&next, 3600)?;
            } else if !has(self.minutes, next.minute()) {
                next = whole(&next, 60)?;
            } else if !has(self.seconds, next.second()) {
                next = whole(&next, 1)?;
            } else {
                return i64::try_from(next.timestamp().as_nanosecond()).ok().map(Time);
            }
        }
        None
    }

    /// If one of the two says nothing the other decides, else either does.
    fn has_day(&self, date: Date) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().since(Weekday::Sunday));
        match (self.days | self.weekdays) & STAR {
            0 => day || weekday,
            _ => day && weekday,
        }
    }
}

/// The beginning of the next unit of so many seconds, as the clocks there have it.
fn whole(time: &Zoned, unit: i64) -> Option<Zoned> {
    let into = i64::from(time.minute()) * 60 + i64::from(time.second());
    time.checked_add(Span::new().seconds(unit - into % unit)).ok()
}

fn has(set: u64, number: i8) -> bool {
    set & 1 << number != 0
}

/// The set of what a field lists.
fn set(field: &str, low: u32, high: u32, names: &[&str]) -> Option<u64> {
    let ranges = field.split(',').filter(|range| !range.is_empty());
    ranges
        .map(|text| range(text, low, high, names))
        .try_fold(0, |set, range| Some(set | range?))
}

/// `*`, `a`, `a-b`, each perhaps with a step: `/n`.
fn range(text: &str, low: u32, high: u32, names: &[&str]) -> Option<u64> {
    let number = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let named = named.and_then(|at| u32::try_from(at).ok());
        named.map(|at| at + low).or_else(|| text.parse().ok())
    };
    let (bounds, step) = match text.split_once('/') {
        Some((bounds, step)) => (bounds, Some(step.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let is_star = matches!(bounds, "*" | "?");
    let (first, last) = match bounds.split_once('-') {
        _ if is_star => (low, high),
        Some((first, last)) => (number(first)?, number(last)?),
        // `a/n` goes on to the end.
        None if step.is_some() => (number(bounds)?, high),
        None => (number(bounds)?, number(bounds)?),
    };
    let step_by = step.unwrap_or(1);
    if first < low || last > high || first > last || step_by == 0 {
        return None;
    }
    let numbers = (first..=last).step_by(step_by as usize);
    let set = numbers.fold(0, |set, number| set | 1_u64 << number);
    Some(if is_star && step_by == 1 { set | STAR } else { set })
}

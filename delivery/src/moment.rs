//! Times, in few bytes: a connection that does nothing keeps two of them.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

/// Nanoseconds since the first time this process looked: enough for 500 years.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// What moments count from. It says nothing of any server.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Moment {
    /// A time as a moment; the first for what was before.
    #[inline]
    pub fn of(time: Instant) -> Self {
        let since = time.saturating_duration_since(*ORIGIN);
        Self(since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos()))
    }

    /// So long after the first of all.
    pub(crate) fn since(start: Duration) -> Self {
        Self(u64::try_from(start.as_nanos()).unwrap_or(u64::MAX))
    }

    /// How long after the first of all it was.
    pub fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// How long after another it was; nothing for one that was before.
    pub fn after(self, other: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(other.0))
    }
}

/// A time of day as nanoseconds since 1970, in half the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay(u64);

impl TimeOfDay {
    /// What the clock of the machine says.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A clock before 1970 is not set.
        let nanoseconds = since.map_or(0, |since| since.as_nanos());
        Self(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// The same, a while before.
    pub(crate) fn minus(self, while_before: Duration) -> Self {
        let nanoseconds = u64::try_from(while_before.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(nanoseconds))
    }

    /// As RFC 3339 has it, in UTC.
    pub(crate) fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_nanosecond(self.0.into())
            .map_or_else(|_| String::new(), |time| time.to_string())
    }

    /// The same, a while later.
    pub fn plus(self, while_later: Duration) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.0) + while_later
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, TimeOfDay};
    use std::time::{Duration, Instant, SystemTime};

    #[test]
    fn moments_follow_each_other() {
        Moment::of(Instant::now());
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let (one, other) = (Moment::of(now), Moment::of(now + second));
        assert_eq!((other.after(one), one.after(other)), (second, Duration::ZERO));
        assert!(one < other);
    }

    #[test]
    fn times_of_day_are_those_of_the_clock() {
        let before = SystemTime::now();
        let shown = TimeOfDay::now().plus(Duration::from_micros(1));
        assert!(before < shown && shown <= SystemTime::now() + Duration::from_micros(1));
    }
}

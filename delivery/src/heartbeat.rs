//! Whether the peer is still there: PINGs of ours that it has to answer.

use std::time::{Duration, Instant};

/// The round trip is measured again when it is this old.
const ROUND_TRIP_VALID: Duration = Duration::from_secs(3600);

/// When to ask a peer whether it is there, and when to give it up.
#[derive(Debug)]
pub struct Heartbeat {
    interval: Duration,
    unanswered_at_most: u32,
    unanswered: u32,
    due: Instant,
    heard_from: Instant,
    asked: Option<Instant>,
    round_trip: Option<Duration>,
}

/// What to do now that a PING is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// The peer was heard from not long ago.
    Rest,
    /// Send PING.
    Ping,
    /// Too many went unanswered.
    Stale,
}

impl Heartbeat {
    /// The first PING comes after `interval`, unless the peer [says who it is](Self::begin).
    pub fn new(interval: Duration, unanswered_at_most: u32, now: Instant) -> Self {
        Self {
            interval,
            unanswered_at_most,
            unanswered: 0,
            due: now + interval,
            heard_from: now,
            asked: None,
            round_trip: None,
        }
    }

    /// The peer says who it is: as long as nothing else is measured, the time since it came counts as a round trip.
    pub fn introduced(&mut self, now: Instant) {
        if self.round_trip.is_none()
            && let Some(came) = self.due.checked_sub(self.interval)
        {
            let since = now.saturating_duration_since(came);
            self.round_trip = Some(since.max(Duration::from_nanos(1)));
        }
    }

    /// The peer has said who it is: the first PING comes soon, after `first` and up to a fifth of that, as it measures the
    /// round trip. `spread` is any number: it spreads those of many peers over time.
    pub fn begin(&mut self, now: Instant, first: Duration, spread: u64) {
        let first = self.interval.min(first);
        // Up to a fifth later.
        let fifths = (spread.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44) as u32;
        self.due = now + first + (first / 5).mul_f64(f64::from(fifths) / f64::from(1 << 20));
    }

    /// From now on with this interval, and with this many unanswered. A PING comes no later than one interval from now.
    pub fn adjust(&mut self, interval: Duration, unanswered_at_most: u32, now: Instant) {
        self.unanswered_at_most = unanswered_at_most;
        if interval != self.interval {
            self.interval = interval;
            self.due = self.due.min(now + interval);
        }
    }

    /// When it is to [beat](Self::beat) next.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// The peer has said something.
    pub fn heard(&mut self, now: Instant) {
        self.heard_from = now;
    }

    /// A PONG has come. One that was not asked for measures nothing.
    pub fn answered(&mut self, now: Instant) {
        if std::mem::take(&mut self.unanswered) > 0 {
            self.round_trip = self.asked.map(|asked| now.saturating_duration_since(asked));
        }
    }

    /// The time from a PING to its answer, as last measured.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The moment has come.
    pub fn beat(&mut self, now: Instant) -> Beat {
        self.due = now + self.interval;
        let measured = self
            .asked
            .is_some_and(|asked| now.duration_since(asked) <= ROUND_TRIP_VALID);
        if measured && now.duration_since(self.heard_from) < self.interval {
            return Beat::Rest;
        }
        if self.unanswered >= self.unanswered_at_most {
            return Beat::Stale;
        }
        self.unanswered += 1;
        self.asked = Some(now);
        Beat::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::{Beat, Heartbeat};
    use std::time::{Duration, Instant};

    const MINUTE: Duration = Duration::from_secs(60);
    const FIRST: Duration = Duration::from_secs(2);

    #[test]
    fn a_silent_peer_is_asked_and_given_up() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(MINUTE, 2, start);
        assert_eq!(heartbeat.due(), start + MINUTE, "as long as it says nothing");
        heartbeat.begin(start, FIRST, 7);
        assert!(heartbeat.due() >= start + Duration::from_secs(2));
        assert!(heartbeat.due() <= start + Duration::from_millis(2400));
        let mut now = heartbeat.due();
        for expected in [Beat::Ping, Beat::Ping, Beat::Stale] {
            assert_eq!(heartbeat.beat(now), expected);
            now = heartbeat.due();
        }
    }

    #[test]
    fn answers_keep_it_open() {
        let mut now = Instant::now();
        let mut heartbeat = Heartbeat::new(MINUTE, 1, now);
        for _ in 0..5 {
            assert_eq!(heartbeat.beat(now), Beat::Ping);
            heartbeat.answered(now);
            now = heartbeat.due();
        }
    }

    #[test]
    fn a_peer_that_was_heard_from_is_not_asked() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(MINUTE, 2, start);
        assert_eq!(
            heartbeat.beat(start),
            Beat::Ping,
            "the first measures the round trip"
        );
        heartbeat.answered(start + Duration::from_millis(3));
        assert_eq!(heartbeat.round_trip(), Some(Duration::from_millis(3)));
        heartbeat.answered(start + MINUTE / 3);
        assert_eq!(
            heartbeat.round_trip(),
            Some(Duration::from_millis(3)),
            "nobody asked for the second answer"
        );
        heartbeat.heard(start + MINUTE / 2);
        assert_eq!(heartbeat.beat(start + MINUTE), Beat::Rest);
        assert_eq!(heartbeat.beat(start + MINUTE * 2), Beat::Ping);
        heartbeat.answered(start + MINUTE * 2);
        heartbeat.heard(start + MINUTE * 61);
        assert_eq!(heartbeat.beat(start + MINUTE * 61 + MINUTE / 2), Beat::Rest);
        assert_eq!(heartbeat.beat(start + MINUTE * 63), Beat::Ping);
    }

    #[test]
    fn a_shorter_interval_holds_at_once() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(MINUTE, 2, start);
        heartbeat.beat(start);
        assert_eq!(heartbeat.due(), start + MINUTE);
        heartbeat.adjust(MINUTE / 6, 2, start + MINUTE / 2);
        assert_eq!(heartbeat.due(), start + MINUTE / 2 + MINUTE / 6);
        heartbeat.adjust(MINUTE * 2, 0, start + MINUTE / 2);
        assert_eq!(
            heartbeat.due(),
            start + MINUTE / 2 + MINUTE / 6,
            "the one that is due stays"
        );
        assert_eq!(
            heartbeat.beat(start + MINUTE * 3),
            Beat::Stale,
            "the one before was not answered"
        );
    }

    #[test]
    fn short_intervals_begin_at_once() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(Duration::from_millis(250), 2, start);
        heartbeat.begin(start, FIRST, u64::MAX);
        assert!(heartbeat.due() <= start + Duration::from_millis(300));
    }
}

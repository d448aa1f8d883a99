//! How fast messages are delivered: as they once came, or so many bytes a second.

use crate::time::{SECOND, Time};

/// How fast messages are delivered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pace {
    /// Up to this sequence as they once came; 0: none.
    replay_up_to: u64,
    /// When the last message once came, and when it was delivered.
    last: Option<(Time, Time)>,
    rate: Option<Rate>,
}

/// So many bytes a second; after a pause, some at once.
#[derive(Debug, Clone)]
struct Rate {
    bytes_a_second: u64,
    /// How many at once, in the nanoseconds that they take.
    burst: i64,
    /// When all that was delivered would have been if each byte had taken its time.
    paid: Time,
}

/// What is shorter between two messages is not kept.
const SHORTEST: i64 = 1_000_000;

impl Pace {
    /// Messages up to a sequence are delivered as they once came.
    pub(crate) fn replay_up_to(&mut self, sequence: u64) {
        self.replay_up_to = sequence;
    }

    /// So many bits a second are delivered, 0: as many as there are; so many bytes at once.
    pub(crate) fn set_rate(&mut self, bits_a_second: u64, burst: usize) {
        self.rate = (bits_a_second > 0).then(|| {
            let bytes_a_second = (bits_a_second / 8).max(1);
            Rate {
                bytes_a_second,
                burst: cost(burst, bytes_a_second),
                paid: Time(i64::MIN),
            }
        });
    }

    /// When a message may be delivered that once came at `time`, and has so many bytes.
    pub(crate) fn due(&self, next: u64, time: Time, bytes: usize) -> Option<Time> {
        let replayed = self.last.filter(|_| next <= self.replay_up_to);
        let replayed = replayed.and_then(|(came, delivered)| {
            let between = time.since(came);
            (between > SHORTEST).then(|| delivered.after(between))
        });
        let rated = self.rate.as_ref().map(|rate| {
            let cost = cost(bytes, rate.bytes_a_second).min(rate.burst);
            rate.paid.after(cost).after(-rate.burst)
        });
        replayed.into_iter().chain(rated).max()
    }

    /// It is delivered.
    pub(crate) fn delivered(&mut self, now: Time, time: Time, bytes: usize) {
        self.last = Some((time, now));
        if let Some(rate) = &mut self.rate {
            rate.paid = rate.paid.max(now).after(cost(bytes, rate.bytes_a_second));
        }
    }
}

/// How many nanoseconds so many bytes take.
fn cost(bytes: usize, bytes_a_second: u64) -> i64 {
    let cost = bytes as u128 * SECOND.unsigned_abs() as u128 / u128::from(bytes_a_second.max(1));
    i64::try_from(cost).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use crate::time::{SECOND, Time};

    #[test]
    fn as_many_bytes_a_second_as_it_says() {
        let mut pace = Pace::default();
        pace.set_rate(8000, 500);
        let now = Time(0);
        assert!(pace.due(1, now, 400) < Some(now));
        pace.delivered(now, now, 500);
        assert_eq!(pace.due(1, now, 100), Some(Time(SECOND / 10)));
        // More than may ever come at once waits for all of it.
        assert_eq!(pace.due(1, now, 5000), Some(Time(SECOND / 2)));
        pace.delivered(Time(SECOND / 2), now, 5000);
        assert_eq!(pace.due(1, now, 500), Some(Time(SECOND * 11 / 2)));
    }

    #[test]
    fn as_they_once_came() {
        let mut pace = Pace::default();
        pace.replay_up_to(2);
        assert_eq!(pace.due(1, Time(0), 1), None);
        pace.delivered(Time(10 * SECOND), Time(0), 1);
        assert_eq!(pace.due(2, Time(SECOND), 1), Some(Time(11 * SECOND)));
        assert_eq!(pace.due(2, Time(100), 1), None);
        assert_eq!(pace.due(3, Time(SECOND), 1), None);
    }
}

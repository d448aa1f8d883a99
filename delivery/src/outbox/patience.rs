//! Whether, and how long, those who publish to a connection pause for it: a function of time and bytes.

use crate::moment::Moment;
use std::time::Duration;

/// From this part of `max_pending` on, publishers pause for a connection.
const CONGESTED_PART: usize = 16;

/// How long they pause after a turn: as little for a connection that is just congested, as much for one that is about
/// to be cut off.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(10));

/// A socket that takes a step within this time is waited for. It is longer than the way to most peers and back.
const PATIENCE: Duration = Duration::from_millis(250);

/// What has to be taken to count, in bytes, or the part above if that is less: a peer that reads now and then a byte
/// is stuck.
const STEP: usize = 64 * 1024;

/// How far a socket has come, as those who have to wait for it have seen it.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// Since when, and how much it had taken by then.
    last_step: Option<(Moment, u64)>,
}

impl Patience {
    /// How long a publisher should pause at `now` for a connection for which `pending` bytes wait, after its socket has
    /// taken `written` since it began.
    ///
    /// One that is stuck is waited for [`PATIENCE`] and then not again until it has taken a step, however many publish
    /// and how often: it must not slow those who publish to others, too.
    pub(super) fn pause(
        &mut self,
        now: Moment,
        pending: usize,
        max_pending: usize,
        written: u64,
    ) -> Option<Duration> {
        let part = max_pending / CONGESTED_PART;
        let beyond = pending.checked_sub(part + 1)?;
        // What waited when it was congested before is such a step, so that nothing of then counts once that is gone.
        let step = part.min(STEP) as u64;
        let since = match self.last_step {
            Some((since, at)) if written < at + step => since,
            _ => {
                self.last_step = Some((now, written));
                now
            }
        };
        (now.after(since) < PATIENCE).then(|| {
            let full = (beyond as f64 / (max_pending - part).max(1) as f64).min(1.0);
            PAUSES.0 + (PAUSES.1 - PAUSES.0).mul_f64(full)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{PATIENCE, Patience};
    use crate::moment::Moment;
    use std::time::{Duration, Instant};

    const MIB: usize = 1024 * 1024;
    const MAX_PENDING: usize = 64 * MIB;

    /// Not before moments are counted.
    fn began() -> Instant {
        Moment::of(Instant::now());
        Instant::now()
    }

    /// Pauses in milliseconds, "-" for none, at these moments: (milliseconds, MiB that wait, KiB written).
    fn pauses(looks: &[(u64, usize, u64)]) -> String {
        let began = began();
        let mut patience = Patience::default();
        let shown: Vec<String> = looks
            .iter()
            .map(|(at, pending, written)| {
                let now = Moment::of(began + Duration::from_millis(*at));
                let pause = patience.pause(now, pending * MIB, MAX_PENDING, written * 1024);
                pause.map_or("-".into(), |pause| pause.as_millis().to_string())
            })
            .collect();
        shown.join(" ")
    }

    #[test]
    fn the_fuller_the_longer() {
        let looks = [
            (0, 0, 9),
            (0, 4, 9),
            (0, 5, 9),
            (0, 20, 9),
            (0, 34, 9),
            (0, 64, 9),
        ];
        assert_eq!(pauses(&looks), "- - 2 4 6 10");
    }

    #[test]
    fn a_peer_that_reads_is_waited_for_as_long_as_it_does() {
        // Two hundred milliseconds away, and a step each time.
        let looks: Vec<_> = (0..50).map(|look| (look * 200, 10, look * 64)).collect();
        assert_eq!(pauses(&looks), ["2"; 50].join(" "));
    }

    #[test]
    fn a_peer_that_is_stuck_is_waited_for_once_however_many_publish() {
        let patience = PATIENCE.as_millis() as u64;
        let looks = [
            (0, 5, 100),
            (0, 6, 100),
            (1, 6, 100),
            (patience - 1, 7, 100),
            (patience, 7, 100),
            (patience + 1, 8, 100),
            (patience * 100, 60, 100),
        ];
        assert_eq!(pauses(&looks), "2 2 2 2 - - -");
    }

    #[test]
    fn how_often_publishers_ask_does_not_matter() {
        let looks = vec![(0, 5, 100); 1_000];
        assert_eq!(pauses(&looks), ["2"; 1_000].join(" "));
    }

    #[test]
    fn a_peer_that_reads_a_little_now_and_then_is_stuck() {
        let looks: Vec<_> = (0..20).map(|look| (look * 100, 5, look)).collect();
        let waited = ["2"; 3].join(" ");
        assert_eq!(pauses(&looks), format!("{waited}{}", " -".repeat(17)));
    }

    #[test]
    fn one_that_goes_on_is_waited_for_again() {
        let looks = [(0, 5, 0), (300, 5, 0), (400, 5, 64), (600, 5, 64), (700, 5, 64)];
        assert_eq!(pauses(&looks), "2 - 2 2 -");
    }

    /// What waited then has been written meanwhile, be it less than a step.
    #[test]
    fn congestion_of_long_ago_does_not_count() {
        let began = began();
        let mut patience = Patience::default();
        let first = patience.pause(Moment::of(began), 1_100, 16 * 1_024, 0);
        let hour = began + Duration::from_secs(3_600);
        let second = patience.pause(Moment::of(hour), 1_100, 16 * 1_024, 1_100);
        assert_eq!(first, second);
        assert!(first.is_some());
    }

    #[test]
    fn no_bound_is_no_trouble() {
        let mut patience = Patience::default();
        let now = Moment::of(Instant::now());
        assert!(patience.pause(now, 1, 0, 0).is_some());
        assert_eq!(patience.pause(now, usize::MAX / 32, usize::MAX, 0), None);
    }
}

//! Which server is tried next, and when: decided from what happened.

use std::time::Duration;

/// The servers of a connector, of which one is used.
#[derive(Debug)]
pub(super) struct Rotation {
    servers: usize,
    current: usize,
    /// How many have failed since one took something.
    failed: u32,
    wait: Duration,
    longest_wait: Duration,
}

impl Rotation {
    /// Of so many servers. After all of them have failed it waits, twice as long each time.
    pub(super) fn new(servers: usize, wait: Duration, longest_wait: Duration) -> Self {
        Self {
            servers: servers.max(1),
            current: 0,
            failed: 0,
            wait,
            longest_wait,
        }
    }

    /// The server whose turn it is.
    pub(super) fn current(&self) -> usize {
        self.current
    }

    /// It took something.
    pub(super) fn succeeded(&mut self) {
        self.failed = 0;
    }

    /// It did not: it is the turn of the next one, after so long.
    pub(super) fn failed(&mut self) -> Duration {
        self.current = (self.current + 1) % self.servers;
        self.failed = self.failed.saturating_add(1);
        let rounds = self.failed as usize / self.servers;
        match self.failed as usize % self.servers {
            0 => {
                let doublings = u32::try_from(rounds.saturating_sub(1))
                    .unwrap_or(u32::MAX)
                    .min(20);
                self.wait.saturating_mul(1 << doublings).min(self.longest_wait)
            }
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rotation;
    use std::time::Duration;

    #[test]
    fn all_are_tried_before_it_waits() {
        let seconds = Duration::from_secs;
        let mut rotation = Rotation::new(2, seconds(1), seconds(5));
        let mut tried = Vec::new();
        for _ in 0..9 {
            tried.push((rotation.current(), rotation.failed().as_secs()));
        }
        let expected = [
            (0, 0),
            (1, 1),
            (0, 0),
            (1, 2),
            (0, 0),
            (1, 4),
            (0, 0),
            (1, 5),
            (0, 0),
        ];
        assert_eq!(tried, expected);
        rotation.succeeded();
        assert_eq!((rotation.current(), rotation.failed()), (1, Duration::ZERO));
        assert_eq!((rotation.current(), rotation.failed()), (0, seconds(1)));
    }

    #[test]
    fn it_waits_for_the_only_one() {
        let mut rotation = Rotation::new(1, Duration::from_secs(1), Duration::from_secs(60));
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(rotation.failed().as_secs(), expected);
        }
        for _ in 0..100 {
            assert_eq!(rotation.failed().as_secs(), 60);
        }
    }
}

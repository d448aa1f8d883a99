//! Lines of the log that clients cause as often as they like: each is worth being said, but not again at once.
//!
//! It is the process that has a log, and not a server: this, too, is of the process.

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::LazyLock;

/// How often a line is news, as in nats-server.
const NEWS: Quota = Quota::per_second(NonZeroU32::MIN);

/// How many different lines are remembered. More of them in one interval are no news either.
const REMEMBERED: usize = 1024;

static SAID: LazyLock<Said> = LazyLock::new(|| Said::new(DefaultClock::default()));

/// Whether a line, without the client it is about, has not been said a moment ago.
pub(crate) fn is_news(text: &str) -> bool {
    SAID.is_news(text)
}

/// What has been said a moment ago, by its hash.
struct Said<C: Clock = DefaultClock> {
    hashes: RandomState,
    lines: RateLimiter<u64, HashMapStateStore<u64>, C, NoOpMiddleware<C::Instant>>,
}

impl<C: Clock> Said<C> {
    fn new(clock: C) -> Self {
        Self {
            hashes: RandomState::new(),
            lines: RateLimiter::hashmap_with_clock(NEWS, clock),
        }
    }

    fn is_news(&self, text: &str) -> bool {
        if self.lines.len() >= REMEMBERED {
            self.lines.retain_recent();
            if self.lines.len() >= REMEMBERED {
                return false;
            }
        }
        self.lines.check_key(&self.hashes.hash_one(text)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use std::time::Duration;

    const INTERVAL: Duration = Duration::from_secs(1);

    #[test]
    fn the_same_is_news_again_after_a_while() {
        let clock = FakeRelativeClock::default();
        let said = Said::new(clock.clone());
        assert!(said.is_news("a"));
        assert!(said.is_news("b"));
        clock.advance(INTERVAL / 2);
        assert!(!said.is_news("a"));
        clock.advance(INTERVAL / 2);
        assert!(said.is_news("a"));
        assert!(!said.is_news("a"));
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let clock = FakeRelativeClock::default();
        let said = Said::new(clock.clone());
        let news = (0..REMEMBERED * 2)
            .filter(|number| said.is_news(&number.to_string()))
            .count();
        assert_eq!(news, REMEMBERED);
        clock.advance(INTERVAL * 2);
        assert!(said.is_news("another"));
        assert_eq!(said.lines.len(), 1);
    }
}

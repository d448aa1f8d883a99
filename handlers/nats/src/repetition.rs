//! Lines of the log that clients cause as often as they like: each is worth being said, but not again at once.
//!
//! It is the process that has a log, and not a server: this, too, is of the process.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How long a line is no news, as in nats-server.
const INTERVAL: Duration = Duration::from_secs(1);

/// How many different lines are remembered. More of them in one interval are no news either.
const REMEMBERED: usize = 1024;

static SAID: LazyLock<Mutex<Said>> = LazyLock::new(Mutex::default);

/// Whether a line, without the client it is about, has not been said a moment ago.
pub(crate) fn is_news(text: &str) -> bool {
    SAID.lock().is_news(text, Instant::now())
}

/// What has been said, and when.
#[derive(Debug, Default)]
struct Said {
    hashes: RandomState,
    lines: HashMap<u64, Instant>,
}

impl Said {
    fn is_news(&mut self, text: &str, now: Instant) -> bool {
        let line = self.hashes.hash_one(text);
        let is_old = |said: &Instant| now.duration_since(*said) >= INTERVAL;
        if let Some(said) = self.lines.get_mut(&line) {
            let news = is_old(said);
            if news {
                *said = now;
            }
            return news;
        }
        if self.lines.len() >= REMEMBERED {
            self.lines.retain(|_, said| !is_old(said));
        }
        if self.lines.len() >= REMEMBERED {
            return false;
        }
        self.lines.insert(line, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_news_again_after_a_while() {
        let mut said = Said::default();
        let start = Instant::now();
        assert!(said.is_news("a", start));
        assert!(said.is_news("b", start));
        assert!(!said.is_news("a", start + INTERVAL / 2));
        assert!(said.is_news("a", start + INTERVAL));
        assert!(!said.is_news("a", start + INTERVAL));
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let mut said = Said::default();
        let start = Instant::now();
        let news = (0..REMEMBERED * 2)
            .filter(|number| said.is_news(&number.to_string(), start))
            .count();
        assert_eq!(news, REMEMBERED);
        assert!(said.is_news("another", start + INTERVAL));
        assert_eq!(said.lines.len(), 1);
    }
}

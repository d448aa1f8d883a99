//! Lines of the log that peers can cause as often as they like: some a second of each kind are written, the others
//! counted.
//!
//! It is the process that has a log, and not a server: this, too, is of the process.

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use log::Level;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many lines of a kind are written at once, and in a second.
const LINES: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// How often the lines of a kind that were not written are told of.
const SUMMARIES: Quota = Quota::per_second(NonZeroU32::MIN);

/// Connections that are refused as there are too many.
pub(crate) static REFUSED_CONNECTIONS: Flood = Flood::new(Level::Error, "connections refused");

/// TLS handshakes that came to nothing.
pub static FAILED_HANDSHAKES: Flood = Flood::new(Level::Error, "TLS handshake errors");

/// Requests for WebSocket that came to nothing.
pub static FAILED_UPGRADES: Flood = Flood::new(Level::Error, "websocket handshake errors");

/// Headers of proxies that cannot be read.
pub static PROXY_HEADERS: Flood = Flood::new(Level::Warn, "errors reading PROXY protocol headers");

/// Logins that failed.
pub static FAILED_LOGINS: Flood = Flood::new(Level::Error, "authentication errors");

/// Certificates of peers that are accepted although no responder says that they are good.
pub static UNCHECKED_CERTIFICATES: Flood = Flood::new(Level::Warn, "certificates accepted unchecked");

/// Breaches of the protocol.
pub static VIOLATIONS: Flood = Flood::new(Level::Error, "protocol violations");

/// What peers of connectors did wrong.
pub(crate) static CONNECTOR_PEERS: Flood = Flood::new(Level::Error, "errors of peers of connectors");

const ALL: [&Flood; 8] = [
    &REFUSED_CONNECTIONS,
    &FAILED_HANDSHAKES,
    &FAILED_UPGRADES,
    &PROXY_HEADERS,
    &FAILED_LOGINS,
    &UNCHECKED_CERTIFICATES,
    &VIOLATIONS,
    &CONNECTOR_PEERS,
];

/// A kind of line.
#[derive(Debug)]
pub struct Flood {
    level: Level,
    what: &'static str,
    lines: LazyLock<DefaultDirectRateLimiter>,
    summaries: LazyLock<DefaultDirectRateLimiter>,
    /// Lines that were not written, since they were last told of.
    unsaid: AtomicU64,
}

impl Flood {
    const fn new(level: Level, what: &'static str) -> Self {
        Self {
            level,
            what,
            lines: LazyLock::new(|| RateLimiter::direct(Quota::per_second(LINES))),
            summaries: LazyLock::new(|| RateLimiter::direct(SUMMARIES)),
            unsaid: AtomicU64::new(0),
        }
    }

    /// Writes a line, or counts it.
    pub fn say(&self, line: fmt::Arguments<'_>) {
        if self.admit() {
            log::log!(self.level, "{line}");
        }
    }

    fn admit(&self) -> bool {
        let admitted = self.lines.check().is_ok();
        if !admitted {
            self.unsaid.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    /// How many lines were not written, if it is time to tell.
    fn settle(&self) -> Option<u64> {
        let is_due = self.unsaid.load(Ordering::Relaxed) > 0 && self.summaries.check().is_ok();
        is_due.then(|| self.unsaid.swap(0, Ordering::Relaxed))
    }
}

/// Tells how many lines were not written. Call it once a second, or more often.
pub(crate) fn settle() {
    for flood in ALL {
        if let Some(unsaid) = flood.settle() {
            log::log!(flood.level, "{unsaid} more {} in the last second", flood.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Flood, LINES, Level};
    use std::time::{Duration, Instant};

    #[test]
    fn some_are_written_and_all_are_counted() {
        let (flood, start) = (Flood::new(Level::Error, "things"), Instant::now());
        let written = (0..10_000).filter(|_| flood.admit()).count() as u64;
        // However long that took.
        let seconds = (start.elapsed() + Duration::from_secs(2)).as_secs();
        let lines = u64::from(LINES.get());
        assert!((lines..=lines * seconds).contains(&written), "{written}");
        assert_eq!(flood.settle(), Some(10_000 - written));
        assert_eq!(flood.settle(), None);
    }

    /// What is not told with one summary is told with the next.
    #[test]
    fn nothing_is_forgotten() {
        let flood = Flood::new(Level::Error, "things");
        let (mut written, mut told) = (0, 0);
        for _ in 0..10_000 {
            written += u64::from(flood.admit());
            told += flood.settle().unwrap_or_default();
        }
        assert_eq!(written + told + flood.unsaid.into_inner(), 10_000);
    }
}

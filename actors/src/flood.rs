//! Lines of the log that peers can cause as often as they like: some a second of each kind are written, the others
//! counted.
//!
//! It is the process that has a log, and not a server: this, too, is of the process.

use log::Level;
use parking_lot::Mutex;
use std::fmt;
use std::time::{Duration, Instant};

/// How many lines of a kind are written in an interval.
const LINES: u32 = 10;

const INTERVAL: Duration = Duration::from_secs(1);

/// Connections that are refused as there are too many.
pub static REFUSED_CONNECTIONS: Flood = Flood::new(Level::Error, "connections refused");

/// TLS handshakes that came to nothing.
pub static FAILED_HANDSHAKES: Flood = Flood::new(Level::Error, "TLS handshake errors");

/// Headers of proxies that cannot be read.
pub static PROXY_HEADERS: Flood = Flood::new(Level::Warn, "errors reading PROXY protocol headers");

/// Logins that failed.
pub static FAILED_LOGINS: Flood = Flood::new(Level::Error, "authentication errors");

/// Breaches of the protocol.
pub static VIOLATIONS: Flood = Flood::new(Level::Error, "protocol violations");

const ALL: [&Flood; 5] = [
    &REFUSED_CONNECTIONS,
    &FAILED_HANDSHAKES,
    &PROXY_HEADERS,
    &FAILED_LOGINS,
    &VIOLATIONS,
];

/// A kind of line.
#[derive(Debug)]
pub struct Flood {
    level: Level,
    what: &'static str,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    began: Option<Instant>,
    said: u32,
    unsaid: u64,
}

impl Flood {
    const fn new(level: Level, what: &'static str) -> Self {
        Self {
            level,
            what,
            window: Mutex::new(Window {
                began: None,
                said: 0,
                unsaid: 0,
            }),
        }
    }

    /// Writes a line, or counts it.
    pub fn say(&self, line: fmt::Arguments<'_>) {
        if self.window.lock().admit(Instant::now()) {
            log::log!(self.level, "{line}");
        }
    }
}

/// Tells how many lines were not written. Call it once an interval, or more often.
pub(crate) fn settle(now: Instant) {
    for flood in ALL {
        let unsaid = flood.window.lock().settle(now);
        if unsaid > 0 {
            log::log!(flood.level, "{unsaid} more {} in the last second", flood.what);
        }
    }
}

impl Window {
    fn is_over(&self, now: Instant) -> bool {
        self.began
            .is_none_or(|began| now.saturating_duration_since(began) >= INTERVAL)
    }

    fn admit(&mut self, now: Instant) -> bool {
        if self.is_over(now) {
            (self.began, self.said) = (Some(now), 0);
        }
        let admitted = self.said < LINES;
        if admitted {
            self.said += 1;
        } else {
            self.unsaid += 1;
        }
        admitted
    }

    fn settle(&mut self, now: Instant) -> u64 {
        if self.is_over(now) {
            std::mem::take(&mut self.unsaid)
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Flood, INTERVAL, LINES, Level};
    use std::time::Instant;

    #[test]
    fn some_are_written_and_all_are_counted() {
        let flood = Flood::new(Level::Error, "things");
        let (mut window, start) = (flood.window.lock(), Instant::now());
        let written = (0..1000).filter(|_| window.admit(start)).count();
        assert_eq!(written, LINES as usize);
        assert_eq!(window.settle(start + INTERVAL / 2), 0);
        assert_eq!(window.settle(start + INTERVAL), 1000 - u64::from(LINES));
        assert_eq!(window.settle(start + INTERVAL), 0);
        assert!(window.admit(start + INTERVAL));
        assert_eq!(window.settle(start + INTERVAL * 2), 0);
    }

    /// What was not told when the next window began is told with that one.
    #[test]
    fn nothing_is_forgotten() {
        let flood = Flood::new(Level::Error, "things");
        let (mut window, start) = (flood.window.lock(), Instant::now());
        for interval in 0..3 {
            for _ in 0..=LINES {
                window.admit(start + INTERVAL * interval);
            }
        }
        assert_eq!(window.settle(start + INTERVAL * 3), 3);
    }
}

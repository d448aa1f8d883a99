//! How far a backup is, on a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Characters of the bar itself.
const WIDTH: u64 = 40;

/// How often it is drawn at most.
const EVERY: Duration = Duration::from_millis(100);

/// A bar in one line of standard error that is there for as long as this is, if that is a terminal.
pub(super) struct Bar {
    shown: bool,
    total: u64,
    unit: &'static str,
    drawn: Option<Instant>,
}

impl Bar {
    pub(super) fn new(is_wanted: bool, total: u64, unit: &'static str) -> Self {
        Self {
            shown: is_wanted && io::stderr().is_terminal(),
            total,
            unit,
            drawn: None,
        }
    }

    pub(super) fn draw(&mut self, done: u64) {
        if self.shown && self.drawn.is_none_or(|drawn| drawn.elapsed() >= EVERY) {
            self.drawn = Some(Instant::now());
            let _ = write!(io::stderr(), "\r{}\x1b[K", line(done, self.total, self.unit));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// What was deleted meanwhile may have it be more than was told of at first.
fn line(done: u64, total: u64, unit: &str) -> String {
    let done = done.min(total);
    let share = |whole: u64| u128::from(done) * u128::from(whole) / u128::from(total.max(1));
    let filled = share(WIDTH);
    let bar: String = (0..u128::from(WIDTH))
        .map(|at| if at < filled { '#' } else { '.' })
        .collect();
    format!("[{bar}] {:3} %  {done} of {total} {unit}", share(100))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn bars() {
        for (done, total, expected) in [
            (0, 0, format!("[{}]   0 %  0 of 0 bytes", ".".repeat(40))),
            (
                5,
                10,
                format!("[{}{}]  50 %  5 of 10 bytes", "#".repeat(20), ".".repeat(20)),
            ),
            (12, 10, format!("[{}] 100 %  10 of 10 bytes", "#".repeat(40))),
            (
                u64::MAX,
                u64::MAX,
                format!("[{}] 100 %  {1} of {1} bytes", "#".repeat(40), u64::MAX),
            ),
        ] {
            assert_eq!(line(done, total, "bytes"), expected);
        }
    }
}

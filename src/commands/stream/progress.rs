//! How far it is, on a terminal, where it takes several requests.

use std::io::{self, IsTerminal, Write};

/// A line of standard error that is there for as long as this is, if that is a terminal.
pub(super) struct Progress<'w> {
    what: &'w str,
    shown: bool,
}

impl<'w> Progress<'w> {
    pub(super) fn of(what: &'w str) -> Self {
        Self {
            what,
            shown: io::stderr().is_terminal(),
        }
    }

    pub(super) fn draw(&mut self, done: usize, total: usize) {
        if self.shown {
            let _ = write!(io::stderr(), "\r{}\x1b[K", line(self.what, done, total));
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(what: &str, done: usize, total: usize) -> String {
    let share = done.saturating_mul(100) / total.max(1);
    format!("{share:3} %  {done} of {total} {what}")
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn lines() {
        assert_eq!(line("streams", 256, 300), " 85 %  256 of 300 streams");
        assert_eq!(line("streams", 0, 0), "  0 %  0 of 0 streams");
    }
}

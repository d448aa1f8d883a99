//! How far a run is, on a terminal.

use super::options::Plan;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Characters of the bar itself.
const WIDTH: u64 = 40;

/// A bar in one line of standard error, or nothing.
#[derive(Debug)]
pub(super) struct Bar {
    shown: bool,
    total: u64,
    /// Whether what is received counts, and not what is published.
    receives: bool,
    started: Instant,
}

impl Bar {
    pub(super) fn new(plan: &Plan) -> Self {
        let receives = !plan.request && plan.subscribers > 0;
        let copies = match (receives, &plan.queue) {
            (true, None) => plan.subscribers as u64,
            _ => 1,
        };
        Self {
            shown: plan.progress,
            total: plan.expected().saturating_mul(copies),
            receives,
            started: Instant::now(),
        }
    }

    pub(super) fn draw(&mut self, published: &AtomicU64, received: &AtomicU64) {
        if self.shown {
            let done = if self.receives { received } else { published }.load(Ordering::Relaxed);
            let line = line(done, self.total, self.started.elapsed().as_secs_f64());
            let _ = write!(io::stderr(), "\r{line}\x1b[K");
        }
    }

    pub(super) fn clear(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(done: u64, total: u64, seconds: f64) -> String {
    let share = done as f64 / total.max(1) as f64;
    let filled = ((share * WIDTH as f64) as u64).min(WIDTH);
    let bar: String = (0..WIDTH).map(|at| if at < filled { '#' } else { '.' }).collect();
    let rate = if seconds > 0.0 { done as f64 / seconds } else { 0.0 };
    format!(
        "[{bar}] {:3.0} %  {} msgs/sec",
        share * 100.0,
        super::report::grouped(rate as u64)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        assert_eq!(
            line(0, 10, 0.0),
            format!("[{}]   0 %  0 msgs/sec", ".".repeat(40))
        );
        assert_eq!(
            line(5000, 10_000, 2.0),
            format!("[{}{}]  50 %  2,500 msgs/sec", "#".repeat(20), ".".repeat(20))
        );
        assert_eq!(
            line(10, 10, 1.0),
            format!("[{}] 100 %  10 msgs/sec", "#".repeat(40))
        );
    }
}

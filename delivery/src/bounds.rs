//! What a connection is held to, and how long a peer may take that does not take what waits for it.

use crate::outbox::OutboundTraffic;
use std::time::{Duration, Instant};
use vagus_configs::WriteTimeout;

/// What the connections of a server are held to, whatever language they speak. May change while they live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// How long what waits for a connection may take to be written.
    pub write_deadline: Duration,
    /// What follows if it takes longer.
    pub write_timeout: WriteTimeout,
    /// Whether publishers pause while much waits for somebody they publish to.
    pub stalls_publishers: bool,
    /// What may wait for one connection, in bytes.
    pub max_pending: usize,
    /// Connections at one time, of all arbiters; 0 lets nobody in.
    pub max_connections: usize,
    /// The most, in bytes, that a session leaves of a frame whose length it does not know yet.
    pub longest_line: usize,
}

/// What is known of a socket that is full. Positions are bytes of all that was written to it.
#[derive(Debug, Clone, Copy)]
pub struct Blocked {
    since: Instant,
    /// Where it was then.
    from: u64,
    /// Where what waited then ends.
    until: u64,
}

/// What a full socket has left of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLeft {
    /// There is some.
    Some,
    /// What waited then is written: for what waits now, there is all of it.
    Anew,
    /// It is over, and there is as much again.
    Renewed,
    /// It is over.
    Ended,
}

impl Blocked {
    /// A socket that has become full.
    pub fn new(now: Instant, traffic: &OutboundTraffic) -> Self {
        Self {
            since: now,
            from: traffic.written,
            until: traffic.written + traffic.pending as u64,
        }
    }

    /// When to look again.
    pub fn deadline(self, bounds: &Bounds) -> Instant {
        self.since + bounds.write_deadline
    }

    /// What is left of its time when so much has been written.
    pub fn time_left(self, now: Instant, written: u64, bounds: &Bounds) -> TimeLeft {
        if written >= self.until {
            return TimeLeft::Anew;
        }
        if now < self.deadline(bounds) {
            return TimeLeft::Some;
        }
        match bounds.write_timeout {
            WriteTimeout::Retry if written > self.from => TimeLeft::Renewed,
            WriteTimeout::Retry | WriteTimeout::Close => TimeLeft::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_full_socket_has_left() {
        let start = Instant::now();
        let blocked = Blocked {
            since: start,
            from: 100,
            until: 200,
        };
        let bounds = |write_timeout| Bounds {
            write_deadline: Duration::from_secs(10),
            write_timeout,
            stalls_publishers: true,
            max_pending: 0,
            max_connections: 0,
            longest_line: 0,
        };
        let (close, retry) = (bounds(WriteTimeout::Close), bounds(WriteTimeout::Retry));
        for (seconds, written, closing, retrying) in [
            (9, 100, TimeLeft::Some, TimeLeft::Some),
            (9, 200, TimeLeft::Anew, TimeLeft::Anew),
            (10, 100, TimeLeft::Ended, TimeLeft::Ended),
            (10, 101, TimeLeft::Ended, TimeLeft::Renewed),
            (10, 200, TimeLeft::Anew, TimeLeft::Anew),
        ] {
            let now = start + Duration::from_secs(seconds);
            let told = [&close, &retry].map(|bounds| blocked.time_left(now, written, bounds));
            assert_eq!(told, [closing, retrying], "{seconds}s, {written}");
        }
    }
}

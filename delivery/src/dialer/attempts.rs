//! Whom to connect to, and when: decided from what happened and what time it is.

use super::DialError;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How a server is dialled. The defaults are those of nats-server's routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialSettings {
    /// How long connecting to one address may take.
    pub connect_timeout: Duration,
    /// How long to wait after the first attempt that failed, and after a connection that ended.
    pub delay: Duration,
    /// The wait doubles with each attempt that fails, up to this; if it is no more than `delay`, it stays the same.
    pub longest_delay: Duration,
    /// The same where there was a connection that came to nothing, as the peer is not who is looked for: that costs both
    /// more than an address that does not answer.
    pub longest_delay_unopened: Duration,
    /// Up to so much is added to each wait at random, so that servers that lost each other do not meet all at once.
    pub jitter: Duration,
    /// How many attempts may fail in a row before it is given up; never when not set.
    pub attempts_at_most: Option<u64>,
    /// Of the attempts that fail before there was a connection, the first and each that is a multiple of this are errors in
    /// the log (`connect_error_reports`). The others are shown for debugging.
    pub connect_error_reports: u64,
    /// The same for attempts after there was a connection (`reconnect_error_reports`).
    pub reconnect_error_reports: u64,
}

impl Default for DialSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(30),
            longest_delay_unopened: Duration::from_secs(30),
            jitter: Duration::from_millis(100),
            attempts_at_most: None,
            connect_error_reports: 3600,
            reconnect_error_reports: 1,
        }
    }
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Find the addresses of the host, anew for each attempt.
    Resolve,
    /// Connect to this address, by this moment.
    Connect(SocketAddr, Instant),
    /// Wait until then.
    Wait(Instant),
    /// Nothing any more.
    GiveUp,
}

/// An attempt that failed.
#[derive(Debug)]
pub struct FailedAttempt<'a> {
    /// Which one in a row it is, from 1.
    pub number: u64,
    /// Why. Where several addresses failed, the reason of the last.
    pub error: &'a DialError,
    /// Whether it is an error in the log; else it is shown for debugging.
    pub is_reported: bool,
}

/// The attempts to connect to one server. `random` gives a number below the one it is given.
pub(super) struct Attempts<R> {
    settings: DialSettings,
    random: R,
    stage: Stage,
    /// Attempts that failed in a row.
    failed: u64,
    /// Those of them, the last in a row, in which there was a connection that came to nothing.
    unopened: u64,
    was_connected: bool,
}

#[derive(Debug)]
enum Stage {
    Resolving,
    /// To the last of these, then to the one before.
    Connecting(Vec<SocketAddr>),
    Waiting(Instant),
    Connected,
    GivenUp,
}

impl<R: FnMut(u64) -> u64> Attempts<R> {
    pub(super) fn new(settings: DialSettings, random: R) -> Self {
        Self {
            settings,
            random,
            stage: Stage::Resolving,
            failed: 0,
            unopened: 0,
            was_connected: false,
        }
    }

    /// Begins, or goes on with what was broken off: a wait goes on, an attempt is made anew.
    pub(super) fn begin(&mut self, now: Instant) -> Step {
        match self.stage {
            Stage::Waiting(until) if now < until => Step::Wait(until),
            Stage::GivenUp => Step::GiveUp,
            _ => {
                self.stage = Stage::Resolving;
                Step::Resolve
            }
        }
    }

    /// The host has these addresses.
    pub(super) fn resolved(&mut self, mut addresses: Vec<SocketAddr>, now: Instant) -> Option<Step> {
        for place in (1..addresses.len()).rev() {
            let other = (self.random)(place as u64 + 1) as usize;
            addresses.swap(place, other);
        }
        self.stage = Stage::Connecting(addresses);
        self.connect(now)
    }

    /// The address that was to be connected to does not answer. None: nor did any other, and the attempt has failed.
    pub(super) fn unreachable(&mut self, now: Instant) -> Option<Step> {
        if let Stage::Connecting(addresses) = &mut self.stage {
            addresses.pop();
        }
        self.connect(now)
    }

    fn connect(&self, now: Instant) -> Option<Step> {
        let Stage::Connecting(addresses) = &self.stage else {
            return None;
        };
        let address = addresses.last()?;
        Some(Step::Connect(*address, now + self.settings.connect_timeout))
    }

    /// There is a connection. It counts once it is [established](Self::established).
    pub(super) fn connected(&mut self) {
        self.stage = Stage::Connected;
    }

    /// The attempt has failed, be it that what was connected to is not who is looked for.
    pub(super) fn fail<'a>(&mut self, error: &'a DialError, now: Instant) -> (FailedAttempt<'a>, Step) {
        self.failed += 1;
        self.unopened = match self.stage {
            Stage::Connected => self.unopened + 1,
            _ => 0,
        };
        let reports = match self.was_connected {
            true => self.settings.reconnect_error_reports,
            false => self.settings.connect_error_reports,
        };
        let failed = FailedAttempt {
            number: self.failed,
            error,
            is_reported: self.failed == 1 || self.failed.is_multiple_of(reports.max(1)),
        };
        let is_last = self
            .settings
            .attempts_at_most
            .is_some_and(|most| self.failed >= most);
        let step = match is_last {
            true => {
                self.stage = Stage::GivenUp;
                Step::GiveUp
            }
            false => self.wait(now),
        };
        (failed, step)
    }

    /// The connection is what was looked for.
    pub(super) fn established(&mut self) {
        (self.failed, self.unopened, self.was_connected) = (0, 0, true);
    }

    /// The connection has ended.
    pub(super) fn lost(&mut self, now: Instant) -> Step {
        self.wait(now)
    }

    /// The connection has ended, or come to nothing, and there is no use in another before this time is over.
    pub(super) fn hold_off(&mut self, time: Duration, now: Instant) -> Step {
        let until = now + time + self.jitter();
        self.stage = Stage::Waiting(until);
        Step::Wait(until)
    }

    fn jitter(&mut self) -> Duration {
        let jitter = u64::try_from(self.settings.jitter.as_micros()).unwrap_or(u64::MAX - 1);
        Duration::from_micros((self.random)(jitter.saturating_add(1)))
    }

    fn wait(&mut self, now: Instant) -> Step {
        let settings = &self.settings;
        let (in_a_row, longest) = match self.unopened {
            0 => (self.failed, settings.longest_delay),
            unopened => (unopened, settings.longest_delay_unopened),
        };
        let doublings = u32::try_from(in_a_row.saturating_sub(1)).unwrap_or(u32::MAX);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let delay = settings.delay.saturating_mul(factor);
        let delay = delay.min(longest.max(settings.delay));
        let until = now + delay + self.jitter();
        self.stage = Stage::Waiting(until);
        Step::Wait(until)
    }
}

#[cfg(test)]
mod tests;

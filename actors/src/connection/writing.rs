//! From the outbox to the socket: what becomes of a connection whose peer does not take what waits for it, and its end.

use super::{Connection, Session};
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;
use vagus_delivery::bounds::{Blocked, TimeLeft};
use vagus_delivery::outbox::Flushed;
use vagus_delivery::wire::Wire;
use vagus_protocol::error::CloseReason;

/// How much of what a peer still sends is read and dropped before its socket is closed, so that the system
/// does not answer it with a reset that overtakes the last words.
const DRAINED_AT_MOST: usize = 1024 * 1024;

impl<S: Session> Connection<S> {
    /// Writes what waits, as far as the wire takes it. The task is woken when it takes more.
    pub(super) fn flush(&mut self, task: &mut TaskContext<'_>) -> Flushed {
        loop {
            let flushed = {
                let arbiter = &mut *self.arbiter.borrow_mut();
                self.outbox
                    .flush_over(&mut self.wire, &mut arbiter.input, &mut arbiter.scratch)
            };
            match flushed {
                Flushed::Blocked => match self.wire.poll_write_ready(task) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Flushed::Closed,
                    Poll::Pending => return Flushed::Blocked,
                },
                Flushed::Done if self.has_put_layer() => task.waker().wake_by_ref(),
                other => return other,
            }
        }
    }

    /// Whether there was a layer to be put on the wire, and is now: what the session has not taken is for it to read.
    fn has_put_layer(&mut self) -> bool {
        if self.new_layer.is_none() || !self.outbox.leave_to_owner() {
            return false;
        }
        let Some(layer) = self.new_layer.take() else {
            return false;
        };
        let early = self.input.take_waiting();
        let socket = Wire::Plain(self.wire.socket().clone());
        self.wire = std::mem::replace(&mut self.wire, socket).under(early, layer);
        true
    }

    /// Whether what waited when the socket became full has not been written in time, and no more is given.
    pub(super) fn is_past_write_deadline(&mut self, now: Instant) -> bool {
        let traffic = self.outbox.traffic();
        let left = match self.blocked {
            Some(blocked) => blocked.time_left(now, traffic.written, &self.bounds),
            None => TimeLeft::Anew,
        };
        match left {
            TimeLeft::Some => return false,
            TimeLeft::Ended => return true,
            TimeLeft::Anew => {}
            TimeLeft::Renewed => self.log_write_deadline("State"),
        }
        self.blocked = Some(Blocked::new(now, &traffic));
        false
    }

    fn log_write_deadline(&self, state: &str) {
        let pending = self.outbox.traffic().pending;
        let (name, deadline) = (self.log_name(), self.bounds.write_deadline);
        log::warn!(
            "{name} - Slow Consumer {state}: WriteDeadline of {deadline:?} exceeded with {pending} total bytes."
        );
    }

    /// Ends the connection without a word, as nats-server does with slow consumers.
    pub(super) fn cut_off(&mut self, reason: CloseReason) {
        match reason {
            CloseReason::SlowConsumerPendingBytes => {
                let (name, most) = (self.log_name(), self.bounds.max_pending);
                log::warn!("{name} - Slow Consumer Detected: MaxPending of {most} Exceeded");
            }
            CloseReason::SlowConsumerWriteDeadline => self.log_write_deadline("Detected"),
            _ => {}
        }
        self.closing.get_or_insert(reason);
    }

    /// Ends the stream towards the peer, and reads away what it still sends.
    pub(super) fn hang_up(&mut self, reason: CloseReason) {
        if !self.wire.end(reason) {
            return;
        }
        let mut arbiter = self.arbiter.borrow_mut();
        let mut drained = 0;
        while drained < DRAINED_AT_MOST {
            match self.wire.socket().try_read(&mut arbiter.input) {
                Ok(count) if count > 0 => drained += count,
                _ => break,
            }
        }
    }
}

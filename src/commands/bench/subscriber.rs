//! A client that receives.

use super::connection::{Connection, SILENCE};
use super::error::BenchError;
use super::reader::Inbound;
use super::stamp::{Order, Stamp};
use super::workers::{Run, Tally};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// What a subscriber sends before the run.
pub(super) fn opening(subject: &str, queue: Option<&str>) -> Vec<u8> {
    match queue {
        Some(queue) => format!("SUB {subject} {queue} 1\r\n"),
        None => format!("SUB {subject} 1\r\n"),
    }
    .into_bytes()
}

/// Receives until everything that was published has come.
pub(super) fn subscribe(run: &Run<'_>, mut connection: Connection) -> Result<Tally, BenchError> {
    let plan = run.plan;
    // Who waits for publishers that others start waits as long as it takes.
    connection.set_patience((plan.publishers > 0).then_some(SILENCE))?;
    let shared = plan.queue.is_some();
    let mut order = Order::new(plan.publishers, shared);
    let begun = run.wait_for_start();
    let mut tally = Tally::new(0, begun, begun);
    loop {
        if let Err(error) = connection.fill() {
            return if run.finished.has_ended() {
                // Others of the queue group have received the rest.
                tally.violations = order.violations;
                Ok(tally)
            } else {
                Err(stalled(error, &connection, tally.messages, run.plan.expected()))
            };
        }
        let now = run.epoch.now();
        let before = tally.messages;
        loop {
            match connection.reader.next() {
                Ok(None) => break,
                Ok(Some(Inbound::Message(message))) => {
                    tally.messages += 1;
                    if plan.is_stamped()
                        && let Some(stamp) = Stamp::read(message.payload)
                    {
                        order.note(stamp);
                        tally.latency.record(now.saturating_sub(stamp.sent));
                    }
                }
                Ok(Some(Inbound::Ping)) => connection.send(b"PONG\r\n")?,
                Ok(Some(Inbound::Pong | Inbound::Other(_))) => {}
                Ok(Some(Inbound::Error(error))) => return Err(BenchError::Server(error.to_owned())),
                Err(garbled) => return Err(BenchError::Garbled(garbled.0)),
            }
        }
        let received = tally.messages - before;
        if received == 0 {
            continue;
        }
        tally.end = Instant::now();
        if before == 0 && plan.publishers == 0 {
            tally.start = tally.end;
        }
        let all = run.received.fetch_add(received, Ordering::Relaxed) + received;
        let done = if shared { all } else { tally.messages };
        if done >= plan.expected() {
            tally.violations = order.violations;
            if shared {
                run.finished.end();
            }
            return Ok(tally);
        }
    }
}

/// A timeout, told as what it means.
pub(super) fn stalled(error: BenchError, connection: &Connection, done: u64, expected: u64) -> BenchError {
    match error {
        BenchError::Socket { source, .. }
            if matches!(
                source.kind(),
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
            ) =>
        {
            BenchError::Stalled {
                role: connection.role,
                number: connection.number,
                seconds: SILENCE.as_secs(),
                done,
                expected,
            }
        }
        other => other,
    }
}

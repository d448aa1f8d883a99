//! A client that sends.

use super::connection::{Connection, SILENCE};
use super::error::BenchError;
use super::frames::Frames;
use super::subscriber::stalled;
use super::workers::{Run, Tally};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How soon after it is due a message is sent when the rate is limited.
const TICK: Duration = Duration::from_micros(100);

/// How often a publisher listens to what the server has to say.
const CONFIRMATION: Duration = Duration::from_secs(10);

/// Sends `messages` messages and waits until the server has taken them all.
pub(super) fn publish(
    run: &Run<'_>,
    mut connection: Connection,
    mut frames: Frames,
    messages: u64,
) -> Result<Tally, BenchError> {
    connection.set_patience(Some(SILENCE))?;
    let rate = run
        .plan
        .throughput
        .map(|all| all as f64 / run.plan.publishers as f64);
    let start = run.wait_for_start();
    let mut sent = 0;
    let mut confirmed = start;
    while sent < messages {
        let count = match rate {
            None => frames.count(),
            Some(rate) => due(start, rate, sent),
        }
        .min(frames.count())
        .min(messages - sent);
        connection
            .send(frames.take(count))
            .map_err(|error| stalled(error, &connection, sent, messages))?;
        sent += count;
        run.published.fetch_add(count, Ordering::Relaxed);
        if confirmed.elapsed() > CONFIRMATION {
            connection.confirm()?;
            confirmed = Instant::now();
        }
    }
    connection
        .confirm()
        .map_err(|error| stalled(error, &connection, sent, messages))?;
    Ok(Tally::new(messages, start, Instant::now()))
}

/// How many messages are due; waits for the first.
fn due(start: Instant, rate: f64, sent: u64) -> u64 {
    loop {
        let due = (start.elapsed().as_secs_f64() * rate) as u64;
        if due > sent {
            return due - sent;
        }
        let next = start + Duration::from_secs_f64((sent + 1) as f64 / rate);
        std::thread::sleep(next.saturating_duration_since(Instant::now()).max(TICK));
    }
}

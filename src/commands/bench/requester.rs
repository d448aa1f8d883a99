//! A client that asks and waits for the answer, one question at a time.

use super::connection::{Connection, SILENCE};
use super::error::BenchError;
use super::reader::Inbound;
use super::subscriber::stalled;
use super::workers::{Run, Tally};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The first line of the headers that mean "nobody listens there".
const NO_RESPONDERS: &[u8] = b"NATS/1.0 503";

/// Where the answers for one requester go.
pub(super) fn inbox(index: usize) -> String {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    format!("_INBOX.{:x}{:x}.{index}", std::process::id(), since.as_nanos())
}

/// What a requester sends before the run.
pub(super) fn opening(inbox: &str) -> Vec<u8> {
    format!("SUB {inbox}.* 1\r\n").into_bytes()
}

/// Asks `messages` questions.
pub(super) fn request(
    run: &Run<'_>,
    mut connection: Connection,
    inbox: &str,
    messages: u64,
) -> Result<Tally, BenchError> {
    connection.set_patience(Some(SILENCE))?;
    let plan = run.plan;
    let pause = plan
        .throughput
        .map(|rate| Duration::from_secs_f64(plan.publishers as f64 / rate as f64));
    let payload = vec![b'x'; plan.size];
    let mut frame = Vec::with_capacity(plan.size + plan.subject.len() + inbox.len() + 64);
    let start = run.wait_for_start();
    let mut tally = Tally::new(messages, start, start);
    for question in 0..messages {
        if let Some(pause) = pause {
            let due = start + pause.mul_f64(question as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        // Every question has its own subject for answers: a second answer is not taken for the next one's.
        let here = format!("{inbox}.{question}");
        frame.clear();
        frame.extend_from_slice(format!("PUB {} {here} {}\r\n", plan.subject, plan.size).as_bytes());
        frame.extend_from_slice(&payload);
        frame.extend_from_slice(b"\r\n");
        let asked = Instant::now();
        connection.send(&frame)?;
        run.published.fetch_add(1, Ordering::Relaxed);
        wait_for_answer(run, &mut connection, here.as_bytes())
            .map_err(|error| stalled(error, &connection, question, messages))?;
        let nanoseconds = u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX);
        tally.latency.record(nanoseconds);
    }
    tally.end = Instant::now();
    Ok(tally)
}

fn wait_for_answer(run: &Run<'_>, connection: &mut Connection, inbox: &[u8]) -> Result<(), BenchError> {
    loop {
        match connection.reader.next() {
            Ok(None) => connection.fill()?,
            Ok(Some(Inbound::Message(answer))) if answer.subject == inbox => {
                return if answer.headers.starts_with(NO_RESPONDERS) {
                    Err(BenchError::NoResponders(run.plan.subject.clone()))
                } else {
                    Ok(())
                };
            }
            Ok(Some(Inbound::Ping)) => connection.send(b"PONG\r\n")?,
            Ok(Some(Inbound::Message(_) | Inbound::Pong | Inbound::Other(_))) => {}
            Ok(Some(Inbound::Error(error))) => return Err(BenchError::Server(error.to_owned())),
            Err(garbled) => return Err(BenchError::Garbled(garbled.0)),
        }
    }
}

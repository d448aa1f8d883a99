//! A client that answers requests with what it was asked.

use super::connection::Connection;
use super::error::BenchError;
use super::reader::Inbound;
use super::workers::{Run, Tally};
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Answers until the requesters are done.
pub(super) fn respond(run: &Run<'_>, mut connection: Connection) -> Result<Tally, BenchError> {
    connection.set_patience(None)?;
    let begun = run.wait_for_start();
    let mut tally = Tally::new(0, begun, begun);
    let mut answers = Vec::new();
    loop {
        if let Err(error) = connection.fill() {
            return if run.finished.has_ended() {
                Ok(tally)
            } else {
                Err(error)
            };
        }
        let before = tally.messages;
        loop {
            match connection.reader.next() {
                Ok(None) => break,
                Ok(Some(Inbound::Message(request))) if !request.reply.is_empty() => {
                    answers.extend_from_slice(b"PUB ");
                    answers.extend_from_slice(request.reply);
                    // Writing to memory does not fail.
                    let _ = write!(answers, " {}\r\n", request.payload.len());
                    answers.extend_from_slice(request.payload);
                    answers.extend_from_slice(b"\r\n");
                    tally.messages += 1;
                }
                Ok(Some(Inbound::Ping)) => answers.extend_from_slice(b"PONG\r\n"),
                Ok(Some(Inbound::Message(_) | Inbound::Pong | Inbound::Other(_))) => {}
                Ok(Some(Inbound::Error(error))) => return Err(BenchError::Server(error.to_owned())),
                Err(garbled) => return Err(BenchError::Garbled(garbled.0)),
            }
        }
        if !answers.is_empty() {
            if let Err(error) = connection.send(&answers) {
                return if run.finished.has_ended() {
                    Ok(tally)
                } else {
                    Err(error)
                };
            }
            answers.clear();
        }
        if tally.messages > before {
            tally.end = Instant::now();
            run.received.fetch_add(tally.messages - before, Ordering::Relaxed);
        }
    }
}

//! The thread that receives: reads and counts, nothing else.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::connection::{ANSWER_LIMIT, write_error};
use crate::error::BenchError;
use crate::inbound::{Counted, FrameCounter, read_error};
use crate::measurement::Control;
use crate::poller::{Interest, Poller};
use crate::publisher::Traffic;

const READ_BYTES: usize = 64 * 1024;
const POLL: Duration = Duration::from_millis(20);

/// One receiving connection.
#[derive(Debug)]
pub struct Subscriber<'a> {
    name: String,
    stream: TcpStream,
    counter: FrameCounter,
    traffic: &'a Traffic,
}

impl<'a> Subscriber<'a> {
    /// A subscriber on a non-blocking socket; what it receives counts for `traffic`.
    pub fn new(name: &str, stream: TcpStream, counter: FrameCounter, traffic: &'a Traffic) -> Self {
        Self {
            name: name.to_owned(),
            stream,
            counter,
            traffic,
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<Counted, BenchError> {
        let read = match self.stream.read(buffer) {
            Ok(0) => {
                return Err(BenchError::Disconnected {
                    connection: self.name.clone(),
                });
            }
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Counted::default()),
            Err(error) => return Err(read_error(&self.name, error)),
        };
        let counted = self.counter.feed(&buffer[..read])?;
        self.traffic
            .delivered
            .fetch_add(counted.messages, Ordering::Relaxed);
        for _ in 0..counted.pings {
            self.write(b"PONG\r\n")?;
        }
        Ok(counted)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BenchError> {
        self.stream
            .write_all(bytes)
            .map_err(|error| write_error(&self.name, error))
    }
}

/// Receives until [`Control::drain`]; then waits for the answer to a last PING on every connection, so
/// that a message too many is seen as well.
pub fn receive(subscribers: &mut [Subscriber<'_>], control: &Control) -> Result<(), BenchError> {
    let mut poller = Poller::new()?;
    for (token, subscriber) in subscribers.iter().enumerate() {
        poller.add(&subscriber.stream, token, Interest::Readable)?;
    }
    let mut buffer = vec![0; READ_BYTES];
    let mut unanswered = subscribers.len() as i64;
    let mut asked: Option<Instant> = None;
    while unanswered > 0 && !control.failed() {
        if control.draining() && asked.is_none() {
            asked = Some(Instant::now());
            for subscriber in subscribers.iter_mut() {
                subscriber.write(b"PING\r\n")?;
            }
        }
        for ready in poller.wait(POLL)? {
            unanswered -= i64::from(subscribers[ready.token].read(&mut buffer)?.pongs);
        }
        if asked.is_some_and(|asked| asked.elapsed() > ANSWER_LIMIT) {
            let waiting_for = format!("PONG on {unanswered} subscribers");
            return Err(BenchError::Overdue {
                waiting_for,
                seconds: ANSWER_LIMIT.as_secs(),
            });
        }
    }
    Ok(())
}

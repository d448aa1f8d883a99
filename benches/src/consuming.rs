//! Consuming streams that were filled before.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::connection::{ANSWER_LIMIT, Connection, write_error};
use crate::error::{BenchError, Doing};
use crate::inbound::{Inbound, Reader};
use crate::measurement::{Control, Measurement, Timing};
use crate::server::RunningServer;
use crate::storing;

/// How many different subjects the messages of a stream have, in turns.
const SUBJECTS: usize = 100;
/// How long a read waits, to notice that the run stops.
const POLL: Duration = Duration::from_millis(20);
const READ_BYTES: usize = 256 * 1024;
const INBOX: &str = "_INBOX.bench.consumer";

/// How messages are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Asking {
    /// They are not: the server pushes them.
    Pushed,
    /// So many at a time; the next ones once all of these are there.
    ForBatches(u64),
}

/// Who consumes what. A consumer that has had all messages makes way for the next, from the first message on.
#[derive(Debug, Clone, Copy)]
pub struct ConsumingPlan {
    /// How many messages there are in the stream, at least.
    pub messages: u64,
    /// The subject that is consumed, if not all.
    pub filter: Option<&'static str>,
    /// How messages are asked for.
    pub asking: Asking,
    /// Whether each message is acknowledged; else none has to be.
    pub acknowledged: bool,
}

/// Runs the plan. Messages must come in the order of the stream, each once.
///
/// # Errors
/// When the server refuses something, leaves a message out or does not answer.
pub fn run(
    plan: ConsumingPlan,
    server: &mut RunningServer,
    timing: Timing,
) -> Result<Measurement, BenchError> {
    let mut owner = Connection::open(server.port(), "owner")?;
    let _kept = storing::fill(&mut owner, server.port(), plan.messages, SUBJECTS)?;
    let mut consumer = Consumer::open(plan, server.port())?;
    let (control, consumed) = (Control::default(), AtomicU64::new(0));
    let (control, consumed) = (&control, &consumed);
    let result = thread::scope(|scope| {
        let consuming = scope.spawn(|| control.work(|| consumer.consume(&mut owner, control, consumed)));
        let result = control.measure(server, timing, || consumed.load(Ordering::Relaxed));
        control.stop();
        consuming.join().map_err(|_| BenchError::Panicked).and(result)
    });
    control.check()?;
    result
}

/// The client of one consumer after another.
#[derive(Debug)]
struct Consumer {
    plan: ConsumingPlan,
    stream: TcpStream,
    reader: Reader,
    /// How many consumers there have been.
    number: u32,
    /// Sequence of the last message in its stream.
    last: u64,
    out: Vec<u8>,
}

/// What a message says of itself, by the subject that acknowledges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Its sequence in the stream.
    stream: u64,
    /// How many messages the consumer has still to deliver.
    pending: u64,
}

impl Consumer {
    fn open(plan: ConsumingPlan, port: u16) -> Result<Self, BenchError> {
        let mut connection = Connection::open(port, "consumer")?;
        connection.settle(format!("SUB {INBOX} 1\r\n").as_bytes())?;
        let stream = connection.into_blocking()?;
        stream
            .set_read_timeout(Some(POLL))
            .doing(|| "setting up the consumer".to_owned())?;
        Ok(Self {
            plan,
            stream,
            reader: Reader::new("consumer", READ_BYTES),
            number: 0,
            last: 0,
            out: Vec::new(),
        })
    }

    fn consume(
        &mut self,
        owner: &mut Connection,
        control: &Control,
        consumed: &AtomicU64,
    ) -> Result<(), BenchError> {
        while !control.stopping() {
            self.begin(owner)?;
            while !self.consume_batch(control, consumed)? {}
        }
        Ok(())
    }

    /// Makes the next consumer.
    fn begin(&mut self, owner: &mut Connection) -> Result<(), BenchError> {
        self.number += 1;
        self.last = 0;
        let acks = if self.plan.acknowledged {
            "explicit"
        } else {
            "none"
        };
        let mut config = format!(r#""ack_policy":"{acks}","max_ack_pending":-1"#);
        if let Asking::Pushed = self.plan.asking {
            config += &format!(r#","deliver_subject":"{INBOX}""#);
        }
        if let Some(filter) = self.plan.filter {
            config += &format!(r#","filter_subject":"{filter}""#);
        }
        storing::add_consumer(owner, &self.name(), &config)
    }

    fn name(&self) -> String {
        format!("consumer{}", self.number)
    }

    /// Asks for a batch and takes it; says whether the consumer has no more, or the run stops.
    fn consume_batch(&mut self, control: &Control, consumed: &AtomicU64) -> Result<bool, BenchError> {
        let mut wanted = match self.plan.asking {
            Asking::Pushed => u64::MAX,
            Asking::ForBatches(count) => {
                let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{}", storing::stream(0), self.name());
                let request = format!(r#"{{"batch":{count},"no_wait":true}}"#);
                // Writing to a vector cannot fail.
                let _written = write!(
                    self.out,
                    "PUB {subject} {INBOX} {}\r\n{request}\r\n",
                    request.len()
                );
                count
            }
        };
        self.write()?;
        let mut silent = Duration::ZERO;
        while wanted > 0 {
            match self.reader.fill(&mut self.stream) {
                Ok(()) => silent = Duration::ZERO,
                Err(BenchError::Overdue { .. }) if control.stopping() => return Ok(true),
                Err(BenchError::Overdue { .. }) if silent < ANSWER_LIMIT => silent += POLL,
                Err(error) => return Err(error),
            }
            let (taken, ended) = self.take_all()?;
            consumed.fetch_add(taken, Ordering::Relaxed);
            wanted = wanted.saturating_sub(taken);
            self.write()?;
            if ended || control.stopping() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes what has been read; gives how many messages that were, and whether one was the last.
    fn take_all(&mut self) -> Result<(u64, bool), BenchError> {
        let (mut taken, mut ended) = (0, false);
        while let Some(inbound) = self.reader.next_inbound()? {
            match inbound {
                Inbound::Ping => self.out.extend_from_slice(b"PONG\r\n"),
                Inbound::Pong | Inbound::Other => {}
                // A request that was not filled says so when its consumer has had all.
                Inbound::Message { body, .. } if body.starts_with(b"NATS/1.0 4") => {}
                Inbound::Message { line, .. } => {
                    let ack = line.split(' ').nth(3).unwrap_or_default();
                    let place = place(ack).filter(|place| match self.plan.filter {
                        None => place.stream == self.last + 1,
                        Some(_) => place.stream > self.last,
                    });
                    let Some(place) = place else {
                        let (connection, found) = ("consumer".to_owned(), line.to_owned());
                        return Err(BenchError::Unexpected { connection, found });
                    };
                    if self.plan.acknowledged {
                        self.out.extend_from_slice(b"PUB ");
                        self.out.extend_from_slice(ack.as_bytes());
                        self.out.extend_from_slice(b" 4\r\n+ACK\r\n");
                    }
                    (self.last, ended) = (place.stream, place.pending == 0);
                    taken += 1;
                }
            }
        }
        Ok((taken, ended))
    }

    fn write(&mut self) -> Result<(), BenchError> {
        let written = self.stream.write_all(&self.out);
        self.out.clear();
        written.map_err(|error| write_error("consumer", error))
    }
}

/// Reads `$JS.ACK.STREAM.CONSUMER.DELIVERED.STREAM_SEQUENCE.CONSUMER_SEQUENCE.TIME.PENDING`.
fn place(ack: &str) -> Option<Place> {
    let mut tokens = ack.strip_prefix("$JS.ACK.")?.split('.').skip(3);
    let stream = tokens.next()?.parse().ok()?;
    let pending = tokens.nth(2)?.parse().ok()?;
    Some(Place { stream, pending })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_of_an_acknowledgement_says_where_a_message_is() {
        let found = place("$JS.ACK.bench000.consumer1.1.7.3.1700000000000000000.42");
        let expected = Place {
            stream: 7,
            pending: 42,
        };
        assert_eq!(found, Some(expected));
        assert_eq!(place("$JS.ACK.bench000"), None);
        assert_eq!(place("_INBOX.bench"), None);
    }
}

//! Few messages in flight: request and reply, and echo over many connections.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::await_interest;
use crate::connection::{Connection, write_error};
use crate::error::BenchError;
use crate::frames;
use crate::inbound::{Inbound, Reader, number_of};
use crate::measurement::{Control, Measurement, Timing, join_all};
use crate::poller::{Interest, Poller};
use crate::server::RunningServer;
use crate::statistics::{Latency, Times};

const SERVICE: &str = "bench.service";
const INBOX: &str = "_INBOX.bench";
/// Width of the token of an inbox.
const TOKEN_DIGITS: usize = 8;
const READ_BYTES: usize = 64 * 1024;
const POLL: Duration = Duration::from_millis(20);
/// Threads that share the echoing connections.
const ECHO_THREADS: usize = 2;

/// Times that a thread took in the window, and how many round trips there were at all.
#[derive(Debug, Default)]
struct Trips {
    count: AtomicU64,
    times: Mutex<Times>,
}

impl Trips {
    fn keep(&self, times: &Times) {
        self.times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(times);
    }

    fn latency(&self) -> Option<Latency> {
        self.times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .latency()
    }
}

/// One requester with `in_flight` requests, one responder, on the last server of a cluster; payloads of `size` bytes both
/// ways.
pub fn request_reply(
    in_flight: usize,
    size: usize,
    server: &mut RunningServer,
    timing: Timing,
) -> Result<Measurement, BenchError> {
    let mut responder = Connection::open(server.port_of(server.count() - 1), "responder")?;
    responder.settle(format!("SUB {SERVICE} 1\r\n").as_bytes())?;
    let mut requester = Connection::open(server.port(), "requester")?;
    requester.settle(format!("SUB {INBOX}.* 1\r\n").as_bytes())?;
    await_interest(server)?;
    let unblock = responder.handle()?;
    let (responder, requester) = (responder.into_blocking()?, requester.into_blocking()?);
    let (control, trips) = (Control::default(), Trips::default());
    let (control, trips) = (&control, &trips);

    let result = thread::scope(|scope| {
        let responding = scope.spawn(move || control.work(|| respond(responder, size, control)));
        let unblock_requester = requester.try_clone();
        let requesting =
            scope.spawn(move || control.work(|| request(requester, in_flight, size, control, trips)));
        let result = control.measure(server, timing, || trips.count.load(Ordering::Relaxed));
        control.stop();
        if result.is_err()
            && let Ok(socket) = unblock_requester
        {
            // Ends a read that would never return; the socket may be closed already.
            let _shut = socket.shutdown(Shutdown::Both);
        }
        let requested = requesting.join().map_err(|_| BenchError::Panicked);
        control.drain();
        let _shut = unblock.shutdown(Shutdown::Both);
        let responded = responding.join().map_err(|_| BenchError::Panicked);
        requested.and(responded).and(result)
    });
    let mut measurement = result?;
    control.check()?;
    measurement.latency = trips.latency();
    Ok(measurement)
}

fn respond(mut stream: TcpStream, size: usize, control: &Control) -> Result<(), BenchError> {
    let mut reader = Reader::new("responder", READ_BYTES);
    let tail = reply_tail(size);
    let mut out = Vec::new();
    loop {
        match reader.fill(&mut stream) {
            Err(BenchError::Disconnected { .. }) if control.draining() => return Ok(()),
            result => result?,
        }
        out.clear();
        while let Some(inbound) = reader.next_inbound()? {
            match inbound {
                Inbound::Message { line, body } => {
                    check_size("responder", line, body, size)?;
                    let reply = line.split(' ').nth(3).unwrap_or_default();
                    out.extend_from_slice(b"PUB ");
                    out.extend_from_slice(reply.as_bytes());
                    out.extend_from_slice(&tail);
                }
                Inbound::Ping => out.extend_from_slice(b"PONG\r\n"),
                Inbound::Pong | Inbound::Other => {}
            }
        }
        stream
            .write_all(&out)
            .map_err(|error| write_error("responder", error))?;
    }
}

/// What follows the subject of a PUB with `size` bytes of payload.
fn reply_tail(size: usize) -> Vec<u8> {
    frames::publish("s", None, size).split_off("PUB s".len())
}

fn request(
    mut stream: TcpStream,
    in_flight: usize,
    size: usize,
    control: &Control,
    trips: &Trips,
) -> Result<(), BenchError> {
    let mut reader = Reader::new("requester", READ_BYTES);
    let token = "0".repeat(TOKEN_DIGITS);
    let mut frame = frames::publish(SERVICE, Some(&format!("{INBOX}.{token}")), size);
    let token_at = "PUB ".len() + SERVICE.len() + 1 + INBOX.len() + 1;
    let mut sent_at = vec![Instant::now(); in_flight];
    let (mut times, mut out) = (Times::default(), Vec::new());
    let mut add = |out: &mut Vec<u8>, number: u32| {
        frames::write_digits(&mut frame[token_at..token_at + TOKEN_DIGITS], number);
        out.extend_from_slice(&frame);
    };
    for number in 0..in_flight {
        add(&mut out, number as u32);
    }
    let mut under_way = in_flight;
    while under_way > 0 {
        stream
            .write_all(&out)
            .map_err(|error| write_error("requester", error))?;
        out.clear();
        reader.fill(&mut stream)?;
        let (now, recording, stopping) = (Instant::now(), control.recording(), control.stopping());
        while let Some(inbound) = reader.next_inbound()? {
            match inbound {
                Inbound::Message { line, body } => {
                    let number = number_of(line, "requester")?;
                    check_size("requester", line, body, size)?;
                    let slot = number as usize % in_flight;
                    if recording {
                        times.record(now.duration_since(sent_at[slot]).as_nanos() as u64);
                    }
                    trips.count.fetch_add(1, Ordering::Relaxed);
                    if stopping {
                        under_way -= 1;
                    } else {
                        sent_at[slot] = now;
                        add(
                            &mut out,
                            (number + in_flight as u32) % 10_u32.pow(TOKEN_DIGITS as u32),
                        );
                    }
                }
                Inbound::Ping => out.extend_from_slice(b"PONG\r\n"),
                Inbound::Pong | Inbound::Other => {}
            }
        }
    }
    trips.keep(&times);
    Ok(())
}

/// A message of another size is not ours: a status of the server, perhaps.
fn check_size(connection: &str, line: &str, body: &[u8], size: usize) -> Result<(), BenchError> {
    if body.len() == size {
        return Ok(());
    }
    Err(BenchError::Unexpected {
        connection: connection.to_owned(),
        found: line.to_owned(),
    })
}

/// `connections` connections, each publishing to itself with one message in flight.
pub fn echo(
    connections: usize,
    size: usize,
    server: &mut RunningServer,
    timing: Timing,
) -> Result<Measurement, BenchError> {
    let mut groups: Vec<Vec<Echo>> = (0..ECHO_THREADS).map(|_| Vec::new()).collect();
    for number in 0..connections {
        groups[number % ECHO_THREADS].push(Echo::open(number, size, server.port())?);
    }
    let (control, trips) = (Control::default(), Trips::default());
    let (control, trips) = (&control, &trips);
    let result = thread::scope(|scope| {
        let start = |mut group: Vec<Echo>| {
            scope.spawn(move || control.work(|| echo_group(&mut group, control, trips)))
        };
        let threads: Vec<_> = groups.into_iter().map(start).collect();
        let result = control.measure(server, timing, || trips.count.load(Ordering::Relaxed));
        control.stop();
        join_all(threads).and(result)
    });
    let mut measurement = result?;
    control.check()?;
    measurement.latency = trips.latency();
    Ok(measurement)
}

/// A connection that talks to itself.
#[derive(Debug)]
struct Echo {
    name: String,
    stream: TcpStream,
    reader: Reader,
    frame: Vec<u8>,
    size: usize,
    sent_at: Instant,
}

impl Echo {
    fn open(number: usize, size: usize, port: u16) -> Result<Self, BenchError> {
        let name = format!("echo {number}");
        let subject = format!("bench.echo{number:04}");
        let mut connection = Connection::open(port, &name)?;
        connection.settle(format!("SUB {subject} 1\r\n").as_bytes())?;
        Ok(Self {
            reader: Reader::new(&name, 4_096 + size),
            stream: connection.into_nonblocking()?,
            frame: frames::publish(&subject, None, size),
            sent_at: Instant::now(),
            size,
            name,
        })
    }

    fn send(&mut self) -> Result<(), BenchError> {
        self.sent_at = Instant::now();
        self.stream
            .write_all(&self.frame)
            .map_err(|error| write_error(&self.name, error))
    }

    /// Reads once; true if the message has come back.
    fn came_back(&mut self) -> Result<bool, BenchError> {
        self.reader.fill(&mut self.stream)?;
        let mut came_back = false;
        while let Some(inbound) = self.reader.next_inbound()? {
            match inbound {
                Inbound::Message { line, .. } if came_back => {
                    let (connection, found) = (self.name.clone(), format!("a second {line}"));
                    return Err(BenchError::Unexpected { connection, found });
                }
                Inbound::Message { line, body } => {
                    check_size(&self.name, line, body, self.size)?;
                    came_back = true;
                }
                Inbound::Ping => {
                    self.stream
                        .write_all(b"PONG\r\n")
                        .map_err(|error| write_error(&self.name, error))?;
                }
                Inbound::Pong | Inbound::Other => {}
            }
        }
        Ok(came_back)
    }
}

fn echo_group(group: &mut [Echo], control: &Control, trips: &Trips) -> Result<(), BenchError> {
    let mut poller = Poller::new()?;
    for (token, echo) in group.iter().enumerate() {
        poller.add(&echo.stream, token, Interest::Readable)?;
    }
    for echo in group.iter_mut() {
        echo.send()?;
    }
    let mut under_way = group.len();
    let mut times = Times::default();
    let mut stopped_at: Option<Instant> = None;
    while under_way > 0 && !control.failed() {
        let (recording, stopping) = (control.recording(), control.stopping());
        if stopping && stopped_at.get_or_insert_with(Instant::now).elapsed() > crate::connection::ANSWER_LIMIT
        {
            let (what, expected) = ("last echoes".to_owned(), group.len() as u64);
            return Err(BenchError::Count {
                what,
                expected,
                found: expected - under_way as u64,
            });
        }
        for ready in poller.wait(POLL)? {
            let echo = &mut group[ready.token];
            if !echo.came_back()? {
                continue;
            }
            if recording {
                times.record(echo.sent_at.elapsed().as_nanos() as u64);
            }
            trips.count.fetch_add(1, Ordering::Relaxed);
            if stopping {
                under_way -= 1;
            } else {
                echo.send()?;
            }
        }
    }
    trips.keep(&times);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_says_which_request_it_answers() {
        assert_eq!(
            number_of("MSG _INBOX.bench.00000042 1 128", "requester").unwrap(),
            42
        );
        assert!(number_of("MSG _INBOX.bench.x 1 128", "requester").is_err());
        assert!(
            check_size(
                "requester",
                "HMSG _INBOX.bench.00000042 1 16 16",
                b"NATS/1.0 503\r\n\r\n",
                128
            )
            .is_err()
        );
        assert_eq!(reply_tail(2), b" 2\r\nxx\r\n");
    }
}

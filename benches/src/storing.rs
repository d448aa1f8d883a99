//! Publishing to streams: each message is acknowledged once it is kept.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::connection::{ANSWER_LIMIT, Connection, write_error};
use crate::error::BenchError;
use crate::frames;
use crate::inbound::{Inbound, Reader, number_of};
use crate::measurement::{Control, Measurement, Timing};
use crate::poller::{Interest, Poller};
use crate::scenarios::SIZE;
use crate::server::RunningServer;
use crate::statistics::Times;

const POLL: Duration = Duration::from_millis(20);
/// Digits of the number of a stream, of a subject, and of the token of an inbox.
const STREAM_DIGITS: usize = 4;
const SUBJECT_DIGITS: usize = 6;
const TOKEN_DIGITS: usize = 8;
const READ_BYTES: usize = 64 * 1024;
/// What a stream is configured to be that is a key-value bucket.
const BUCKET: &str = r#","max_msgs_per_subject":1,"discard":"new","allow_rollup_hdrs":true,"deny_delete":true,"allow_direct":true"#;

/// Who publishes what to which streams.
#[derive(Debug, Clone, Copy)]
pub struct StoringPlan {
    /// How many connections publish.
    pub connections: usize,
    /// How many messages of each have no acknowledgement.
    pub in_flight: usize,
    /// How many streams there are; each message of a connection goes to the next.
    pub streams: usize,
    /// How many keys the one stream has, which is a key-value bucket then: each message is the value of the next. 0: it is none.
    pub keys: usize,
    /// How many consumers there are that nobody asks for messages, on the first stream.
    pub idle_consumers: usize,
    /// Payload, bytes.
    pub size: usize,
    /// `file` or `memory`.
    pub storage: &'static str,
}

/// What all connections have come to.
#[derive(Debug, Default)]
struct Kept {
    acknowledged: AtomicU64,
    times: Mutex<Times>,
}

/// Runs the plan. Every message that was acknowledged must be in its stream in the end, and no other.
///
/// # Errors
/// When the server refuses something, loses a message or does not answer.
pub fn run(plan: StoringPlan, server: &mut RunningServer, timing: Timing) -> Result<Measurement, BenchError> {
    let mut owner = Connection::open(server.port(), "owner")?;
    match plan.keys {
        0 => {
            for number in 0..plan.streams {
                create(&mut owner, number, &subject(number), plan.storage)?;
            }
        }
        _ => create_with(&mut owner, 0, ("bench.*", plan.storage), BUCKET)?,
    }
    for number in 0..plan.idle_consumers {
        let name = format!("idle{number:05}");
        let config = format!(r#""durable_name":"{name}","ack_policy":"explicit""#);
        add_consumer(&mut owner, &name, &config)?;
    }
    let mut publishers = publishers(plan, server.port())?;
    let (control, kept) = (Control::default(), Kept::default());
    let (control, kept) = (&control, &kept);
    let result = thread::scope(|scope| {
        let publishing = scope.spawn(|| control.work(|| publish(&mut publishers, control, kept)));
        let count = || kept.acknowledged.load(Ordering::Relaxed);
        let result = control.measure(server, timing, count);
        control.stop();
        publishing.join().map_err(|_| BenchError::Panicked).and(result)
    });
    control.check()?;
    let mut measurement = result?;
    measurement.latency = kept
        .times
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .latency();
    let mut found = 0;
    for number in 0..plan.streams {
        let info = answer(&mut owner, &format!("$JS.API.STREAM.INFO.{}", stream(number)), "")?;
        found += info["state"]["messages"].as_u64().unwrap_or_default();
    }
    let acknowledged = kept.acknowledged.load(Ordering::Relaxed);
    let expected = match plan.keys {
        0 => acknowledged,
        keys => acknowledged.min(keys as u64),
    };
    if found != expected {
        let what = "messages in streams".to_owned();
        return Err(BenchError::Count {
            what,
            expected,
            found,
        });
    }
    Ok(measurement)
}

/// Fills one stream with messages on this many subjects, `bench.000000` and so on, in turns; says how many there are.
///
/// # Errors
/// As with [`run`].
pub fn fill(owner: &mut Connection, port: u16, messages: u64, subjects: usize) -> Result<u64, BenchError> {
    create(owner, 0, "bench.*", "file")?;
    let plan = StoringPlan {
        connections: 1,
        in_flight: 512,
        streams: subjects,
        keys: 0,
        idle_consumers: 0,
        size: SIZE,
        storage: "file",
    };
    let mut publishers = publishers(plan, port)?;
    let (control, kept) = (Control::default(), Kept::default());
    let (control, kept) = (&control, &kept);
    thread::scope(|scope| {
        let publishing = scope.spawn(|| control.work(|| publish(&mut publishers, control, kept)));
        while kept.acknowledged.load(Ordering::Relaxed) < messages && !control.failed() {
            thread::sleep(POLL);
        }
        control.stop();
        publishing.join().map_err(|_| BenchError::Panicked)
    })?;
    control.check()?;
    Ok(kept.acknowledged.load(Ordering::Relaxed))
}

/// Creates the stream of this number.
///
/// # Errors
/// When the server refuses it.
pub fn create(
    owner: &mut Connection,
    number: usize,
    subjects: &str,
    storage: &str,
) -> Result<(), BenchError> {
    create_with(owner, number, (subjects, storage), "")
}

/// The same, with more that it is to be.
fn create_with(
    owner: &mut Connection,
    number: usize,
    (subjects, storage): (&str, &str),
    more: &str,
) -> Result<(), BenchError> {
    let name = stream(number);
    let config = format!(
        r#"{{"name":"{name}","subjects":["{subjects}"],"storage":"{storage}","retention":"limits","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"num_replicas":1{more}}}"#
    );
    answer(owner, &format!("$JS.API.STREAM.CREATE.{name}"), &config).map(drop)
}

/// Adds a consumer to the first stream; `config` is the inside of a JSON object.
///
/// # Errors
/// When the server refuses it.
pub fn add_consumer(owner: &mut Connection, name: &str, config: &str) -> Result<(), BenchError> {
    let stream = stream(0);
    let request = format!(r#"{{"stream_name":"{stream}","config":{{"name":"{name}",{config}}}}}"#);
    answer(
        owner,
        &format!("$JS.API.CONSUMER.CREATE.{stream}.{name}"),
        &request,
    )
    .map(drop)
}

fn publishers(plan: StoringPlan, port: u16) -> Result<Vec<Publisher>, BenchError> {
    (0..plan.connections)
        .map(|number| Publisher::open(number, plan, port))
        .collect()
}

/// What the API answers, which must be no error.
///
/// # Errors
/// What it says otherwise.
pub fn answer(connection: &mut Connection, subject: &str, request: &str) -> Result<Value, BenchError> {
    let answer = connection.ask(subject, request.as_bytes())?;
    let value: Value = serde_json::from_slice(&answer).unwrap_or_default();
    match value.is_object() && value.get("error").is_none() {
        true => Ok(value),
        false => Err(BenchError::Unexpected {
            connection: connection.name().to_owned(),
            found: String::from_utf8_lossy(&answer).into_owned(),
        }),
    }
}

/// The name of the stream of this number.
pub fn stream(number: usize) -> String {
    format!("bench{number:0STREAM_DIGITS$}")
}

/// The subject of this number.
pub fn subject(number: usize) -> String {
    format!("bench.{number:0SUBJECT_DIGITS$}")
}

/// One publishing connection, which does not block.
#[derive(Debug)]
struct Publisher {
    name: String,
    stream: TcpStream,
    reader: Reader,
    frame: Vec<u8>,
    /// Where in the frame the numbers of the subject and of the message are.
    subject_at: usize,
    token_at: usize,
    subjects: usize,
    sent_at: Vec<Instant>,
    under_way: usize,
    /// What the socket has not taken.
    out: Vec<u8>,
    written: usize,
}

impl Publisher {
    fn open(number: usize, plan: StoringPlan, port: u16) -> Result<Self, BenchError> {
        let name = format!("publisher {number}");
        let inbox = format!("_INBOX.bench{number:03}");
        let mut connection = Connection::open(port, &name)?;
        connection.settle(format!("SUB {inbox}.* 1\r\n").as_bytes())?;
        let reply = format!("{inbox}.{}", "0".repeat(TOKEN_DIGITS));
        let frame = frames::publish(&subject(0), Some(&reply), plan.size);
        let subject_at = "PUB bench.".len();
        let mut publisher = Self {
            stream: connection.into_nonblocking()?,
            reader: Reader::new(&name, READ_BYTES),
            token_at: subject_at + SUBJECT_DIGITS + 1 + inbox.len() + 1,
            subject_at,
            frame,
            subjects: plan.streams.max(plan.keys),
            sent_at: vec![Instant::now(); plan.in_flight],
            under_way: 0,
            out: Vec::new(),
            written: 0,
            name,
        };
        (0..plan.in_flight).for_each(|number| publisher.add(number as u32));
        Ok(publisher)
    }

    /// Adds a message to what is to be written.
    fn add(&mut self, number: u32) {
        let subject = number % self.subjects as u32;
        frames::write_digits(
            &mut self.frame[self.subject_at..self.subject_at + SUBJECT_DIGITS],
            subject,
        );
        frames::write_digits(
            &mut self.frame[self.token_at..self.token_at + TOKEN_DIGITS],
            number,
        );
        self.out.extend_from_slice(&self.frame);
        self.under_way += 1;
    }

    fn write(&mut self) -> Result<(), BenchError> {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(write_error(&self.name, error)),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }

    /// Reads all there is, as a change is told once; gives how many messages were acknowledged.
    fn read_all(&mut self, control: &Control, times: &mut Times) -> Result<u64, BenchError> {
        let mut acknowledged = 0;
        loop {
            match self.read(control, times) {
                Ok(more) => acknowledged += more,
                Err(BenchError::Overdue { .. }) => return Ok(acknowledged),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads once, and publishes as many messages as were acknowledged; gives how many that were.
    fn read(&mut self, control: &Control, times: &mut Times) -> Result<u64, BenchError> {
        self.reader.fill(&mut self.stream)?;
        let (now, recording, stopping) = (Instant::now(), control.recording(), control.stopping());
        let (in_flight, mut acknowledged) = (self.sent_at.len(), 0);
        while let Some(number) = self.next_acknowledged()? {
            let slot = number as usize % in_flight;
            if recording {
                times.record(now.duration_since(self.sent_at[slot]).as_nanos() as u64);
            }
            acknowledged += 1;
            self.under_way -= 1;
            if !stopping {
                self.sent_at[slot] = now;
                self.add((number + in_flight as u32) % 10_u32.pow(TOKEN_DIGITS as u32));
            }
        }
        self.write()?;
        Ok(acknowledged)
    }

    /// The number of the message that is acknowledged next in what has been read.
    fn next_acknowledged(&mut self) -> Result<Option<u32>, BenchError> {
        loop {
            match self.reader.next_inbound()? {
                None => return Ok(None),
                Some(Inbound::Message { line, body }) => {
                    return match body.starts_with(b"{\"stream\":") {
                        true => number_of(line, &self.name).map(Some),
                        false => Err(BenchError::Unexpected {
                            connection: self.name.clone(),
                            found: String::from_utf8_lossy(body).into_owned(),
                        }),
                    };
                }
                Some(Inbound::Ping) => self.out.extend_from_slice(b"PONG\r\n"),
                Some(Inbound::Pong | Inbound::Other) => {}
            }
        }
    }
}

/// Publishes until the run stops, and waits for the acknowledgements of what is under way.
fn publish(publishers: &mut [Publisher], control: &Control, kept: &Kept) -> Result<(), BenchError> {
    let mut poller = Poller::new()?;
    for (token, publisher) in publishers.iter_mut().enumerate() {
        poller.add(&publisher.stream, token, Interest::Changes)?;
        publisher.write()?;
    }
    let mut times = Times::default();
    let mut stopped_at: Option<Instant> = None;
    while publishers.iter().any(|publisher| publisher.under_way > 0) && !control.failed() {
        if control.stopping() && stopped_at.get_or_insert_with(Instant::now).elapsed() > ANSWER_LIMIT {
            return Err(BenchError::Overdue {
                waiting_for: "last acknowledgements".to_owned(),
                seconds: ANSWER_LIMIT.as_secs(),
            });
        }
        for ready in poller.wait(POLL)? {
            let publisher = &mut publishers[ready.token];
            if ready.writable {
                publisher.write()?;
            }
            if ready.readable {
                kept.acknowledged
                    .fetch_add(publisher.read_all(control, &mut times)?, Ordering::Relaxed);
            }
        }
    }
    kept.times
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .add(&times);
    Ok(())
}

//! Streams that nobody uses: starting with them, listing what they hold, having them.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::{ANSWER_LIMIT, Connection};
use crate::error::BenchError;
use crate::measurement::{Control, Measurement, Timing};
use crate::process::{CpuTime, resident_bytes};
use crate::server::{End, RunningServer};
use crate::statistics::Times;
use crate::storing::{add_consumer, answer, create, fill, stream, subject};

/// How long is waited before a server that has started is asked again.
const PAUSE: Duration = Duration::from_millis(2);

/// What there is.
#[derive(Debug, Clone, Copy)]
pub enum Kept {
    /// One stream with this many messages at least, on so many subjects in turns.
    Messages {
        /// How many.
        messages: u64,
        /// On how many subjects.
        subjects: usize,
    },
    /// So many streams, with nothing in them.
    Streams(usize),
    /// So many durable consumers of one stream, each of a subject of its own.
    Consumers(usize),
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub enum Looked {
    /// How long a server takes that has ended so, until it answers for all that it keeps.
    Start(End),
    /// How long a list of all subjects takes.
    Subjects,
    /// What memory each takes.
    Memory,
    /// What each message takes of the disk, when the server has stopped.
    Disk,
}

/// What there is, and what is looked at.
#[derive(Debug, Clone, Copy)]
pub struct KeepingPlan {
    /// What there is.
    pub kept: Kept,
    /// What is looked at.
    pub looked: Looked,
}

/// How much a server says that it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    messages: u64,
    streams: u64,
    consumers: u64,
}

/// Runs the plan. What was kept must be there in the end.
///
/// # Errors
/// When the server refuses something, has lost something or does not answer.
pub fn run(plan: KeepingPlan, server: &mut RunningServer, timing: Timing) -> Result<Measurement, BenchError> {
    let mut owner = Connection::open(server.port(), "owner")?;
    let (empty, cpu, began) = (resident_bytes(server.pid())?, server.cpu_times()?, Instant::now());
    let (number, expected) = plan.kept.keep(&mut owner, server.port())?;
    let made = Measurement {
        messages: number,
        seconds: began.elapsed().as_secs_f64(),
        cpu_ns: server.cpu_since(&cpu)?,
        resident_bytes: resident_bytes(server.pid())?,
        latency: None,
        bytes_each: None,
        note: None,
    };
    match plan.looked {
        Looked::Start(end) => start(end, expected, owner, server),
        Looked::Subjects => list_subjects(plan.kept.subjects(), &mut owner, server, timing),
        Looked::Memory => {
            // What is to be done once they are there is not theirs.
            let idle = Control::default().measure(server, timing, || 0)?;
            let grown = idle.resident_bytes.saturating_sub(empty);
            Ok(Measurement {
                bytes_each: Some(grown as f64 / number as f64),
                resident_bytes: idle.resident_bytes,
                ..made
            })
        }
        Looked::Disk => {
            let started = start(End::Stopped, expected, owner, server)?;
            let bytes = server.bytes_on_disk(is_of_a_stream)?;
            Ok(Measurement {
                bytes_each: Some(bytes as f64 / number as f64),
                resident_bytes: started.resident_bytes,
                ..made
            })
        }
    }
}

impl Kept {
    /// How many subjects there are in the first stream.
    fn subjects(self) -> u64 {
        match self {
            Self::Messages { subjects, .. } => subjects as u64,
            Self::Streams(_) | Self::Consumers(_) => 0,
        }
    }

    /// Makes it; gives how many there are, and what the server is to say of them.
    fn keep(self, owner: &mut Connection, port: u16) -> Result<(u64, Said), BenchError> {
        let (number, mut said) = match self {
            Self::Messages { messages, subjects } => {
                let messages = fill(owner, port, messages, subjects)?;
                (
                    messages,
                    Said {
                        messages,
                        ..Said::ONE_STREAM
                    },
                )
            }
            Self::Streams(streams) => {
                for number in 0..streams {
                    create(owner, number, &subject(number), "file")?;
                }
                let streams = streams as u64;
                (
                    streams,
                    Said {
                        streams,
                        ..Said::ONE_STREAM
                    },
                )
            }
            Self::Consumers(consumers) => {
                create(owner, 0, "bench.*", "file")?;
                for number in 0..consumers {
                    let (name, filter) = (format!("idle{number:05}"), subject(number));
                    let config = format!(
                        r#""durable_name":"{name}","ack_policy":"explicit","filter_subject":"{filter}""#
                    );
                    add_consumer(owner, &name, &config)?;
                }
                let consumers = consumers as u64;
                (
                    consumers,
                    Said {
                        consumers,
                        ..Said::ONE_STREAM
                    },
                )
            }
        };
        let found = Said::of(owner)?;
        // What was under way when there were enough counts, too.
        said.messages = said.messages.max(found.messages);
        found.must_be(said)?;
        Ok((number, said))
    }
}

impl Said {
    const ONE_STREAM: Self = Self {
        messages: 0,
        streams: 1,
        consumers: 0,
    };

    fn of(connection: &mut Connection) -> Result<Self, BenchError> {
        let about = answer(connection, "$JS.API.INFO", "")?;
        let first = answer(connection, &format!("$JS.API.STREAM.INFO.{}", stream(0)), "")?;
        Ok(Self {
            messages: first["state"]["messages"].as_u64().unwrap_or_default(),
            streams: about["streams"].as_u64().unwrap_or_default(),
            consumers: about["consumers"].as_u64().unwrap_or_default(),
        })
    }

    fn must_be(self, expected: Self) -> Result<(), BenchError> {
        let figures = [
            ("messages in the first stream", self.messages, expected.messages),
            ("streams", self.streams, expected.streams),
            ("consumers", self.consumers, expected.consumers),
        ];
        match figures.into_iter().find(|(_, found, expected)| found != expected) {
            None => Ok(()),
            Some((what, found, expected)) => Err(BenchError::Count {
                what: what.to_owned(),
                expected,
                found,
            }),
        }
    }
}

/// Ends the server, and starts it anew; what is measured is the start, to the answer that says all is there.
fn start(
    end: End,
    expected: Said,
    owner: Connection,
    server: &mut RunningServer,
) -> Result<Measurement, BenchError> {
    owner.close();
    server.restart(end)?;
    let began = Instant::now();
    let found = loop {
        server.check_alive()?;
        match Connection::open(server.port(), "owner").and_then(|mut owner| Said::of(&mut owner)) {
            Ok(said) => break said,
            Err(error) if began.elapsed() > ANSWER_LIMIT => return Err(error),
            Err(_) => thread::sleep(PAUSE),
        }
    };
    let took = began.elapsed();
    found.must_be(expected)?;
    let mut times = Times::default();
    times.record(took.as_nanos() as u64);
    let cpu = CpuTime::of(server.pid())?;
    Ok(Measurement {
        messages: 1,
        seconds: took.as_secs_f64(),
        cpu_ns: cpu.living_threads_ns.max(cpu.whole_process_ns),
        resident_bytes: server.resident_bytes()?,
        latency: times.latency(),
        bytes_each: None,
        note: None,
    })
}

/// Asks for all subjects of the first stream again and again.
fn list_subjects(
    subjects: u64,
    owner: &mut Connection,
    server: &mut RunningServer,
    timing: Timing,
) -> Result<Measurement, BenchError> {
    let (mut times, mut lists) = (Times::default(), 0);
    let (cpu, began) = (server.cpu_times()?, Instant::now());
    while lists == 0 || began.elapsed() < timing.window {
        let asked = Instant::now();
        let mut found = 0;
        while found < subjects {
            let request = format!(r#"{{"subjects_filter":">","offset":{found}}}"#);
            let info = answer(owner, &format!("$JS.API.STREAM.INFO.{}", stream(0)), &request)?;
            match info["state"]["subjects"]
                .as_object()
                .map_or(0, |page| page.len() as u64)
            {
                0 => break,
                page => found += page,
            }
        }
        if found != subjects {
            return Err(BenchError::Count {
                what: "subjects of the first stream".to_owned(),
                expected: subjects,
                found,
            });
        }
        times.record(asked.elapsed().as_nanos() as u64);
        lists += 1;
    }
    Ok(Measurement {
        messages: lists,
        seconds: began.elapsed().as_secs_f64(),
        cpu_ns: server.cpu_since(&cpu)?,
        resident_bytes: server.resident_bytes()?,
        latency: times.latency(),
        bytes_each: None,
        note: None,
    })
}

/// Whether a file is kept for a stream, and not for all of them.
fn is_of_a_stream(file: &Path) -> bool {
    fs::canonicalize(file).is_ok_and(|file| {
        file.components()
            .any(|part| part.as_os_str() == stream(0).as_str())
    })
}

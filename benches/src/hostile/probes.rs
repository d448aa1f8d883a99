//! Ordinary clients, and how long they wait.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::client::{Client, PATIENCE};
use super::stage::{Stage, Staged};
use crate::error::{BenchError, Doing};

/// What is waited for, in the order of the table.
pub const KINDS: [&str; 5] = ["ping", "message", "subscribe", "connect", "health"];

/// Where newcomers are among them.
pub const CONNECT: usize = 3;

/// How long one sort of client waited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    /// Each wait, in the order in which they were.
    pub times: Vec<Duration>,
    /// What went wrong, in the server's words or the system's; the first of it.
    pub failure: Option<String>,
}

impl Waits {
    /// The longest; none where nobody waited.
    pub fn longest(&self) -> Option<Duration> {
        self.times.iter().max().copied()
    }
}

/// Clients that go on until they are stopped.
#[derive(Debug)]
pub struct Probes {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Waits>>,
}

/// What a client does again and again.
type Step = Box<dyn FnMut() -> io::Result<()>>;

impl Probes {
    /// Connects the clients, and has them begin.
    ///
    /// # Errors
    /// When they cannot connect before the attack has begun.
    pub fn begin(stage: Stage, staged: &Staged) -> Result<Self, BenchError> {
        let port = staged.server.port();
        let mut probes = Self {
            stop: Arc::default(),
            threads: Vec::new(),
        };
        probes.spawn(Duration::from_millis(5), move || ping(port, stage))?;
        probes.spawn(Duration::from_millis(5), move || message(port, stage))?;
        probes.spawn(Duration::from_millis(10), move || subscribe(port, stage))?;
        probes.spawn(Duration::from_millis(20), move || Ok(connect(port, stage)))?;
        if let Some(port) = staged.monitoring {
            probes.spawn(Duration::from_millis(50), move || Ok(health(port)))?;
        }
        Ok(probes)
    }

    /// Ends them, and says how long each waited, in the order of [`KINDS`].
    ///
    /// # Errors
    /// When one of their threads panicked.
    pub fn end(self) -> Result<Vec<Waits>, BenchError> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.threads.into_iter().map(JoinHandle::join);
        ended.collect::<Result<_, _>>().map_err(|_| BenchError::Panicked)
    }

    fn spawn(
        &mut self,
        pause: Duration,
        prepare: impl FnOnce() -> io::Result<Step> + Send + 'static,
    ) -> Result<(), BenchError> {
        let stop = self.stop.clone();
        let (ready, is_ready) = mpsc::channel();
        self.threads.push(thread::spawn(move || {
            let mut waits = Waits::default();
            let mut step = match prepare() {
                Ok(step) => step,
                Err(error) => {
                    // If nobody waits for it the program is about to end.
                    let _told = ready.send(Err(error));
                    return waits;
                }
            };
            let _told = ready.send(Ok(()));
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                if let Err(error) = step() {
                    waits.failure = Some(error.to_string());
                    // Whatever it was, it was not done in time.
                    waits.times.push(began.elapsed().max(PATIENCE));
                    return waits;
                }
                waits.times.push(began.elapsed());
                thread::sleep(pause);
            }
            waits
        }));
        let outcome = is_ready.recv().map_err(|_| BenchError::Panicked)?;
        outcome.doing(|| "connecting a probe".to_owned())
    }
}

/// PING to PONG.
fn ping(port: u16, stage: Stage) -> io::Result<Step> {
    let mut client = Client::open(port, &stage.connect())?;
    Ok(Box::new(move || client.settle("")))
}

/// PUB of one to MSG of another.
fn message(port: u16, stage: Stage) -> io::Result<Step> {
    let mut subscriber = Client::open(port, &stage.connect())?;
    subscriber.settle("SUB probe.message 1\r\n")?;
    let mut publisher = Client::open(port, &stage.connect())?;
    Ok(Box::new(move || {
        publisher.write(b"PUB probe.message 2\r\nhi\r\n")?;
        subscriber.until(b"MSG probe.message 1 2\r\nhi\r\n")
    }))
}

/// SUB and UNSUB to PONG.
fn subscribe(port: u16, stage: Stage) -> io::Result<Step> {
    let mut client = Client::open(port, &stage.connect())?;
    let mut sid = 0_u64;
    Ok(Box::new(move || {
        sid += 1;
        client.settle(&format!("SUB probe.interest.{sid} {sid}\r\n"))?;
        client.settle(&format!("UNSUB {sid}\r\n"))
    }))
}

/// From nothing to the first PONG.
fn connect(port: u16, stage: Stage) -> Step {
    Box::new(move || Client::open(port, &stage.connect_anew()).map(drop))
}

/// GET /healthz on a connection of its own, as orchestrators do.
fn health(port: u16) -> Step {
    Box::new(move || {
        let mut stream = Client::reach(port)?.into_stream();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        if answer.starts_with(b"HTTP/1.1 200") {
            return Ok(());
        }
        let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
        Err(io::Error::other(String::from_utf8_lossy(line).into_owned()))
    })
}

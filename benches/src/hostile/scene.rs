//! One attack on one server, from the quiet before to the quiet after.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Attack;
use super::probes::{CONNECT, Probes, Waits};
use super::stage::Stage;
use crate::error::BenchError;
use crate::process::resident_bytes;
use crate::server::ServerProgram;

/// How long it is quiet before.
const BEFORE: Duration = Duration::from_millis(700);

/// How long the attackers stay when they have done what they do.
const STAY: Duration = Duration::from_secs(1);

/// How long clients go on once the attackers are gone: leaving may be the worst of it.
const AFTER: Duration = Duration::from_secs(2);

/// How long the server has to give memory back.
const GIVING_BACK: Duration = Duration::from_secs(15);

/// What a server may keep, in bytes.
pub const KEPT_AT_MOST: u64 = 30 * 1024 * 1024;

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Where an attack takes place.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    /// Where clients connect, on 127.0.0.1.
    pub port: u16,
    /// Where monitoring is served; 0 if it is not.
    pub monitoring: u16,
    /// Where other servers connect; 0 if none does.
    pub routes: u16,
    /// The server's process.
    pub pid: u32,
    /// How it is set.
    pub stage: Stage,
}

/// What attackers hold.
#[derive(Debug, Default)]
pub struct Held {
    /// Their connections.
    pub sockets: Vec<TcpStream>,
    /// What is worth saying about it.
    pub note: String,
}

/// What an attack came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How long the others waited, in the order of [`KINDS`](super::probes::KINDS).
    pub waits: Vec<Waits>,
    /// Memory before, at the worst, and after, in bytes.
    pub memory: [u64; 3],
    /// What is worth saying about it.
    pub note: String,
}

impl Attack {
    /// Has it happen to a new process of the server.
    ///
    /// # Errors
    /// When the server does not start, ends, or the attack cannot be carried out.
    pub fn on(&self, program: &ServerProgram) -> Result<Outcome, BenchError> {
        let mut staged = self.stage.start(program)?;
        let pid = staged.server.pid();
        let probes = Probes::begin(self.stage, &staged)?;
        thread::sleep(BEFORE);
        let before = resident_bytes(pid)?;
        let worst = Worst::watch(pid);
        let scene = Scene {
            port: staged.server.port(),
            monitoring: staged.monitoring.unwrap_or_default(),
            routes: staged.routes.unwrap_or_default(),
            pid,
            stage: self.stage,
        };
        let lines = staged.server.lines_of_output();
        let held = (self.run)(&scene)?;
        thread::sleep(STAY);
        let mut note = held.note;
        drop(held.sockets);
        thread::sleep(AFTER);
        let worst = worst.end()?;
        let after = given_back(pid, before)?;
        let mut waits = probes.end()?;
        if self.shuts_out {
            waits[CONNECT].times.clear();
        }
        staged.server.check_alive()?;
        let lines = staged.server.lines_of_output() - lines;
        if lines > 50 {
            note = format!("{note} {lines} lines of log").trim_start().to_owned();
        }
        Ok(Outcome {
            waits,
            memory: [before, worst.max(before), after],
            note,
        })
    }
}

/// Waits until memory is back, or it has been long enough.
fn given_back(pid: u32, before: u64) -> Result<u64, BenchError> {
    let began = Instant::now();
    loop {
        let now = resident_bytes(pid)?;
        if now <= before + KEPT_AT_MOST || began.elapsed() > GIVING_BACK {
            return Ok(now);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The most memory that is seen, by a thread that looks.
struct Worst {
    bytes: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Worst {
    fn watch(pid: u32) -> Self {
        let (bytes, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (most, told) = (bytes.clone(), stop.clone());
        let thread = thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                // A server that has ended is found out by who waits for it.
                most.fetch_max(resident_bytes(pid).unwrap_or_default(), Ordering::Relaxed);
                thread::sleep(LOOK_EVERY);
            }
        });
        Self { bytes, stop, thread }
    }

    fn end(self) -> Result<u64, BenchError> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| BenchError::Panicked)?;
        Ok(self.bytes.load(Ordering::Relaxed))
    }
}

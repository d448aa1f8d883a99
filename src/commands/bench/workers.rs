//! The threads of a run.

use super::connection::Connection;
use super::error::BenchError;
use super::frames::Frames;
use super::latency::Latencies;
use super::options::Plan;
use super::progress::Bar;
use super::stamp::Epoch;
use super::stop::Stop;
use super::{publisher, requester, responder, subscriber};
use crate::commands::arguments::ServerOptions;
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

/// What the threads share.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    pub(super) epoch: Epoch,
    pub(super) published: AtomicU64,
    pub(super) received: AtomicU64,
    /// Ends those who receive, when there is nothing more to come.
    pub(super) finished: Stop,
    /// Ends everybody after a failure.
    aborted: Stop,
    gate: Gate,
}

/// What one client did.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) messages: u64,
    pub(super) start: Instant,
    pub(super) end: Instant,
    pub(super) latency: Latencies,
    /// Messages that came out of order.
    pub(super) violations: u64,
}

/// What all clients did, each kind in the order of their numbers.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) publishers: Vec<Tally>,
    pub(super) subscribers: Vec<Tally>,
}

/// How often the progress bar moves.
const REDRAW: Duration = Duration::from_millis(100);

/// Clients keep what is large on the heap.
const STACK: usize = 256 * 1024;

impl Tally {
    pub(super) fn new(messages: u64, start: Instant, end: Instant) -> Self {
        Self {
            messages,
            start,
            end,
            latency: Latencies::default(),
            violations: 0,
        }
    }
}

impl Run<'_> {
    /// Waits until every client is ready; the same moment for all.
    pub(super) fn wait_for_start(&self) -> Instant {
        self.gate.pass()
    }
}

/// Holds the clients back until all are there.
#[derive(Debug, Default)]
struct Gate {
    opened: Mutex<Option<Instant>>,
    opens: Condvar,
}

impl Gate {
    fn open(&self) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.opens.notify_all();
    }

    /// When the gate was opened, once it is.
    fn pass(&self) -> Instant {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(moment) = *opened {
                return moment;
            }
            opened = self.opens.wait(opened).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A client ready to run, by kind.
enum Client {
    Publisher(Connection, Frames, u64),
    Requester(Connection, String, u64),
    Subscriber(Connection),
    Responder(Connection),
}

type Report = (bool, usize, Result<Tally, BenchError>);

/// Runs the plan.
pub(super) fn run(plan: &Plan, server: &ServerOptions) -> Result<Outcome, BenchError> {
    let epoch = Epoch::start();
    let clients = connect(plan, server, epoch)?;
    let run = Run {
        plan,
        epoch,
        published: AtomicU64::new(0),
        received: AtomicU64::new(0),
        finished: Stop::default(),
        aborted: Stop::default(),
        gate: Gate::default(),
    };
    for client in &clients {
        let (socket, receives) = match client {
            Client::Publisher(connection, ..) | Client::Requester(connection, ..) => {
                (&connection.socket, false)
            }
            Client::Subscriber(connection) | Client::Responder(connection) => (&connection.socket, true),
        };
        run.aborted.add(socket);
        if receives {
            run.finished.add(socket);
        }
    }
    std::thread::scope(|scope| {
        let (tell, reports) = channel();
        let count = clients.len();
        for (index, client) in clients.into_iter().enumerate() {
            if let Err(error) = start(scope, &run, index, client, tell.clone()) {
                // Those who wait already are let go, and find their sockets closed.
                run.aborted.end();
                run.gate.open();
                return Err(BenchError::Thread(error));
            }
        }
        drop(tell);
        run.gate.open();
        collect(&run, count, &reports)
    })
}

/// Opens all connections. Those who receive are subscribed before anything is sent.
fn connect(plan: &Plan, server: &ServerOptions, epoch: Epoch) -> Result<Vec<Client>, BenchError> {
    let mut clients = Vec::new();
    let receiver = if plan.request { "responder" } else { "subscriber" };
    let opening = subscriber::opening(&plan.subject, plan.queue.as_deref());
    for number in 1..=plan.subscribers {
        let connection = Connection::open(server, receiver, number, plan.size, &opening)?;
        clients.push(if plan.request {
            Client::Responder(connection)
        } else {
            Client::Subscriber(connection)
        });
    }
    for index in 0..plan.publishers {
        let number = index + 1;
        let messages = plan.share(index);
        clients.push(if plan.request {
            let inbox = requester::inbox(index);
            let opening = requester::opening(&inbox);
            let connection = Connection::open(server, "requester", number, plan.size, &opening)?;
            Client::Requester(connection, inbox, messages)
        } else {
            let stamp = u32::try_from(index)
                .ok()
                .filter(|_| plan.is_stamped() && plan.subscribers > 0)
                .map(|index| (epoch, index));
            let frames = Frames::new(&plan.subject, plan.size, stamp);
            let connection = Connection::open(server, "publisher", number, plan.size, b"")?;
            Client::Publisher(connection, frames, messages)
        });
    }
    Ok(clients)
}

fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    run: &'scope Run<'_>,
    index: usize,
    client: Client,
    tell: Sender<Report>,
) -> io::Result<()> {
    Builder::new().stack_size(STACK).spawn_scoped(scope, move || {
        let (sends, result) = match client {
            Client::Publisher(connection, frames, messages) => {
                (true, publisher::publish(run, connection, frames, messages))
            }
            Client::Requester(connection, inbox, messages) => {
                (true, requester::request(run, connection, &inbox, messages))
            }
            Client::Subscriber(connection) => (false, subscriber::subscribe(run, connection)),
            Client::Responder(connection) => (false, responder::respond(run, connection)),
        };
        // Nobody listens any more after a failure.
        let _ = tell.send((sends, index, result));
    })?;
    Ok(())
}

/// Waits for all clients, showing how far they are. The first failure ends the run.
fn collect(run: &Run<'_>, count: usize, reports: &Receiver<Report>) -> Result<Outcome, BenchError> {
    let plan = run.plan;
    let mut bar = Bar::new(plan);
    let mut senders = Vec::new();
    let mut receivers = Vec::new();
    let mut failure = None;
    for _ in 0..count {
        let (sends, index, result) = loop {
            match reports.recv_timeout(REDRAW) {
                Ok(report) => break report,
                Err(RecvTimeoutError::Timeout) => bar.draw(&run.published, &run.received),
                Err(RecvTimeoutError::Disconnected) => return Err(failure.unwrap_or(BenchError::Vanished)),
            }
        };
        match result {
            Ok(tally) if sends => senders.push((index, tally)),
            Ok(tally) => receivers.push((index, tally)),
            Err(error) => {
                // What follows from our closing the sockets is no news.
                failure.get_or_insert(error);
                run.aborted.end();
            }
        }
        if plan.request && plan.publishers > 0 && senders.len() == plan.publishers {
            run.finished.end();
        }
    }
    bar.clear();
    match failure {
        Some(error) => Err(error),
        None => Ok(Outcome {
            publishers: in_order(senders),
            subscribers: in_order(receivers),
        }),
    }
}

fn in_order(mut tallies: Vec<(usize, Tally)>) -> Vec<Tally> {
    tallies.sort_by_key(|(index, _)| *index);
    tallies.into_iter().map(|(_, tally)| tally).collect()
}

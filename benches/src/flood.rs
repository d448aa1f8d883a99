//! Publishers at full speed, subscribers that keep up: the scenarios about throughput.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::await_interest;
use crate::connection::{ANSWER_LIMIT, Connection};
use crate::error::BenchError;
use crate::frames::{Block, RandomToken};
use crate::inbound::FrameCounter;
use crate::measurement::{Control, Measurement, Timing};
use crate::publisher::{Allowance, Publisher, Traffic, publish};
use crate::server::RunningServer;
use crate::subscriber::{Subscriber, receive};

/// Bytes that may be published but not received, over all publishers: far below the 64 MB after which
/// servers cut off a slow consumer.
const WINDOW_BYTES: u64 = 16 * 1024 * 1024;
/// However many subscribers there are, a publisher may have two blocks under way.
const WINDOW_BLOCKS: u64 = 2;
/// SUBs in a second of the connection that churns, and as many UNSUBs.
pub const CHURN_PER_SECOND: u64 = 100_000;
/// Subscriptions of the churning connection that are in force at a time.
const CHURN_ALIVE: u64 = 100;

/// Logins that fail in a second.
pub const LOGINS_PER_SECOND: u64 = 1_000;
const STORM_THREADS: u64 = 4;
const WRONG_LOGIN: &[u8] =
    b"CONNECT {\"verbose\":false,\"pedantic\":false,\"user\":\"bench\",\"pass\":\"wrong\"}\r\nPING\r\n";

/// One publishing connection.
#[derive(Debug, Clone)]
pub struct PublisherPlan {
    /// The frame it repeats.
    pub frame: Vec<u8>,
    /// What changes in each frame.
    pub random: Option<RandomToken>,
    /// How many subscribers receive each message.
    pub fan: u64,
}

/// One receiving connection.
#[derive(Debug, Clone)]
pub struct SubscriberPlan {
    /// Its SUB lines.
    pub lines: Vec<u8>,
    /// How every frame it receives starts.
    pub prefix: Vec<u8>,
    /// Size of every frame it receives.
    pub frame_bytes: usize,
    /// Index of the publisher it listens to.
    pub publisher: usize,
    /// Number of the server that it connects to; publishers connect to the first.
    pub server: usize,
    /// It subscribes, and never reads.
    pub stuck: bool,
}

/// The users that publishers and subscribers log in as.
#[derive(Debug, Clone, Copy, Default)]
pub enum Logins {
    /// Nobody in particular.
    #[default]
    Nobody,
    /// Publishers as the user of this name and password.
    Publishers(&'static str, &'static str),
    /// Each publisher and those that listen to it as the user of [their name](user_of_pair), whose password is the same.
    ByPair,
}

/// The user that a publisher of this index is, and those that listen to it, where [each pair has one](Logins::ByPair).
pub fn user_of_pair(publisher: usize) -> String {
    format!("pair{publisher}")
}

impl Logins {
    /// Opens a connection of those that publish, or listen, to what a publisher says.
    fn open(
        self,
        port: u16,
        name: &str,
        publisher: usize,
        publishes: bool,
    ) -> Result<Connection, BenchError> {
        match self {
            Self::Publishers(user, password) if publishes => Connection::open_as(port, name, user, password),
            Self::ByPair => {
                let user = user_of_pair(publisher);
                Connection::open_as(port, name, &user, &user)
            }
            Self::Nobody | Self::Publishers(..) => Connection::open(port, name),
        }
    }
}

/// Who publishes, who subscribes, and what goes on beside.
#[derive(Debug, Clone, Default)]
pub struct FloodPlan {
    /// The publishers.
    pub publishers: Vec<PublisherPlan>,
    /// The subscribers.
    pub subscribers: Vec<SubscriberPlan>,
    /// The users that they log in as.
    pub logins: Logins,
    /// Another connection subscribes and unsubscribes below this prefix all the time.
    pub churn_below: Option<String>,
    /// Others connect all the time with a password that is wrong.
    pub failing_logins: bool,
}

/// Runs the plan on a server. All that was published must have arrived in the end.
pub fn run(plan: &FloodPlan, server: &mut RunningServer, timing: Timing) -> Result<Measurement, BenchError> {
    let traffic: Vec<Traffic> = plan.publishers.iter().map(|_| Traffic::default()).collect();
    let (mut subscribers, _stuck) = open_subscribers(plan, server, &traffic)?;
    await_interest(server)?;
    let mut publishers = open_publishers(plan, server.port(), &traffic)?;
    let churner = match &plan.churn_below {
        Some(prefix) => Some((Connection::open(server.port(), "churner")?, prefix.as_str())),
        None => None,
    };
    let control = Control::default();
    let (control, seed) = (&control, u64::from(server.port()));
    let sum_delivered = || {
        traffic
            .iter()
            .map(|each| each.delivered.load(Ordering::Relaxed))
            .sum()
    };
    let sum_published = || {
        traffic
            .iter()
            .map(|each| each.published.load(Ordering::Relaxed))
            .sum()
    };
    let publish_only = plan.subscribers.is_empty();
    let server_port = server.port();

    let result = thread::scope(|scope| {
        let receiving = scope.spawn(move || control.work(|| receive(&mut subscribers, control)));
        let publishing = scope.spawn(move || control.work(|| publish(&mut publishers, control, seed)));
        let storm: Vec<_> = (0..if plan.failing_logins { STORM_THREADS } else { 0 })
            .map(|_| scope.spawn(move || fail_to_log_in(server_port, control)))
            .collect();
        let churning =
            churner.map(|(connection, prefix)| scope.spawn(move || churn(connection, prefix, control)));

        let result = control.measure(server, timing, || {
            if publish_only {
                sum_published()
            } else {
                sum_delivered()
            }
        });
        control.stop();
        let failed: Vec<_> = storm
            .into_iter()
            .map(|storm| storm.join().map_err(|_| BenchError::Panicked))
            .collect();
        let published = publishing.join().map_err(|_| BenchError::Panicked);
        let churned = churning.map(|churning| churning.join().map_err(|_| BenchError::Panicked));
        let started = Instant::now();
        while sum_delivered() < expected(plan, &traffic)
            && !control.failed()
            && started.elapsed() < ANSWER_LIMIT
        {
            thread::sleep(Duration::from_millis(1));
        }
        control.drain();
        let received = receiving.join().map_err(|_| BenchError::Panicked);
        let mut measurement = result?;
        published?;
        received?;
        if let Some(churned) = churned {
            measurement.note = churned??;
        }
        for failed in failed {
            measurement.note = failed??.or(measurement.note);
        }
        Ok(measurement)
    });
    control.check()?;
    let measurement = result?;
    for (index, (publisher, traffic)) in plan.publishers.iter().zip(&traffic).enumerate() {
        let expected = traffic.published.load(Ordering::Relaxed) * publisher.fan;
        let found = traffic.delivered.load(Ordering::Relaxed);
        if expected != found {
            let what = format!("deliveries of publisher {index}");
            return Err(BenchError::Count {
                what,
                expected,
                found,
            });
        }
    }
    Ok(measurement)
}

fn expected(plan: &FloodPlan, traffic: &[Traffic]) -> u64 {
    let publishers = plan.publishers.iter().zip(traffic);
    publishers
        .map(|(plan, traffic)| plan.fan * traffic.published.load(Ordering::Relaxed))
        .sum()
}

/// Opens all subscribers; those that never read are returned apart, to be kept open.
fn open_subscribers<'a>(
    plan: &FloodPlan,
    server: &RunningServer,
    traffic: &'a [Traffic],
) -> Result<(Vec<Subscriber<'a>>, Vec<Connection>), BenchError> {
    let (mut reading, mut stuck) = (Vec::new(), Vec::new());
    let logins = plan.logins;
    for (index, plan) in plan.subscribers.iter().enumerate() {
        let name = format!("subscriber {index}");
        let mut connection = logins.open(server.port_of(plan.server), &name, plan.publisher, false)?;
        connection.settle(&plan.lines)?;
        if plan.stuck {
            stuck.push(connection);
            continue;
        }
        let counter = FrameCounter::new(&name, &plan.prefix, plan.frame_bytes);
        let traffic = &traffic[plan.publisher];
        reading.push(Subscriber::new(
            &name,
            connection.into_nonblocking()?,
            counter,
            traffic,
        ));
    }
    Ok((reading, stuck))
}

fn open_publishers<'a>(
    plan: &FloodPlan,
    port: u16,
    traffic: &'a [Traffic],
) -> Result<Vec<Publisher<'a>>, BenchError> {
    let share = WINDOW_BYTES / plan.publishers.len().max(1) as u64;
    let logins = plan.logins;
    let mut publishers = Vec::new();
    for (index, (plan, traffic)) in plan.publishers.iter().zip(traffic).enumerate() {
        let name = format!("publisher {index}");
        let connection = logins.open(port, &name, index, true)?;
        let stream = connection.into_nonblocking()?;
        let block = Block::new(&plan.frame, plan.random);
        let allowance = (plan.fan > 0).then(|| Allowance {
            fan: plan.fan,
            messages: (share / plan.fan / plan.frame.len() as u64).max(WINDOW_BLOCKS * block.messages()),
        });
        publishers.push(Publisher::new(&name, stream, block, allowance, traffic));
    }
    Ok(publishers)
}

/// Connects with a wrong password, at this thread's share of [`LOGINS_PER_SECOND`], until the run stops; says so if it
/// fell behind.
fn fail_to_log_in(port: u16, control: &Control) -> Result<Option<String>, BenchError> {
    let (started, share) = (Instant::now(), LOGINS_PER_SECOND / STORM_THREADS);
    let mut done: u64 = 0;
    while !control.stopping() {
        let due = started.elapsed().as_micros() as u64 * share / 1_000_000;
        if done >= due {
            thread::sleep(Duration::from_millis(1));
            continue;
        }
        match Connection::open_with(port, "intruder", WRONG_LOGIN) {
            Err(BenchError::Refused { .. } | BenchError::Disconnected { .. }) => done += 1,
            Err(other) => return Err(other),
            Ok(_) => {
                return Err(BenchError::Unexpected {
                    connection: "intruder".to_owned(),
                    found: "a login that should fail".to_owned(),
                });
            }
        }
    }
    let reached = done as f64 / started.elapsed().as_secs_f64();
    let behind = reached < 0.95 * share as f64;
    Ok(behind.then(|| format!("a quarter of the logins reached only {reached:.0}/s")))
}

/// Subscribes and unsubscribes at [`CHURN_PER_SECOND`] until the run stops; says so if it fell behind.
fn churn(mut connection: Connection, prefix: &str, control: &Control) -> Result<Option<String>, BenchError> {
    let started = Instant::now();
    let mut done: u64 = 0;
    let mut text = String::new();
    let mut result = Ok(());
    while result.is_ok() && !control.stopping() {
        thread::sleep(Duration::from_millis(1));
        let due = started.elapsed().as_micros() as u64 * CHURN_PER_SECOND / 1_000_000;
        text.clear();
        // After a stall, catch up in steps a server can take in one read.
        for number in done..due.min(done + 1_000) {
            // Writing to a `String` cannot fail.
            let _written = write!(text, "SUB {prefix}.{number} {}\r\n", number + 1);
            if number >= CHURN_ALIVE {
                let _written = write!(text, "UNSUB {}\r\n", number + 1 - CHURN_ALIVE);
            }
        }
        done = due.min(done + 1_000);
        result = connection.write(text.as_bytes());
    }
    let reached = done as f64 / started.elapsed().as_secs_f64();
    result?;
    connection.settle(b"")?;
    let behind = reached < 0.95 * CHURN_PER_SECOND as f64;
    Ok(behind.then(|| format!("churn reached only {reached:.0}/s")))
}

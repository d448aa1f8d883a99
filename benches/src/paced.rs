//! One way latency at a rate every server can hold.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::set_current_timer_slack;

use crate::connection::{Connection, write_error};
use crate::error::{BenchError, Doing};
use crate::frames;
use crate::inbound::{Inbound, Reader};
use crate::measurement::{Control, Measurement, Timing};
use crate::server::RunningServer;
use crate::statistics::Times;

const SUBJECT: &str = "bench.paced";
/// Messages are sent in bursts this far apart.
const BURST_EVERY: Duration = Duration::from_micros(100);
/// The payload starts with its time of departure.
const STAMP_BYTES: usize = 8;

/// One publisher to one subscriber; times are from the write of a burst to the read of the message.
pub fn run(
    per_second: u64,
    size: usize,
    server: &mut RunningServer,
    timing: Timing,
) -> Result<Measurement, BenchError> {
    let size = size.max(STAMP_BYTES);
    let mut subscriber = Connection::open(server.port(), "subscriber")?;
    subscriber.settle(format!("SUB {SUBJECT} 1\r\n").as_bytes())?;
    let publisher = Connection::open(server.port(), "publisher")?;
    let (unblock, subscriber) = (subscriber.handle()?, subscriber.into_blocking()?);
    let (control, zero) = (Control::default(), Instant::now());
    let (published, delivered) = (AtomicU64::new(0), AtomicU64::new(0));
    let (control, published, delivered) = (&control, &published, &delivered);
    let mut times = Times::default();
    let times_of_thread = &mut times;

    let result = thread::scope(|scope| {
        let receiving = scope.spawn(move || {
            control.work(|| receive(subscriber, zero, control, delivered, times_of_thread));
        });
        let publishing = scope.spawn(move || {
            control.work(|| publish(publisher, zero, per_second, size, control, published));
        });
        let result = control.measure(server, timing, || delivered.load(Ordering::Relaxed));
        control.stop();
        let published_all = publishing.join().map_err(|_| BenchError::Panicked);
        let started = Instant::now();
        while delivered.load(Ordering::Relaxed) < published.load(Ordering::Relaxed)
            && !control.failed()
            && started.elapsed() < crate::connection::ANSWER_LIMIT
        {
            thread::sleep(Duration::from_millis(1));
        }
        control.drain();
        // Ends the read of the subscriber; the socket may be closed already.
        let _shut = unblock.shutdown(Shutdown::Both);
        let received_all = receiving.join().map_err(|_| BenchError::Panicked);
        published_all.and(received_all).and(result)
    });
    let mut measurement = result?;
    control.check()?;
    let (expected, found) = (
        published.load(Ordering::Relaxed),
        delivered.load(Ordering::Relaxed),
    );
    if expected != found {
        return Err(BenchError::Count {
            what: "paced deliveries".to_owned(),
            expected,
            found,
        });
    }
    measurement.latency = times.latency();
    Ok(measurement)
}

fn publish(
    mut connection: Connection,
    zero: Instant,
    per_second: u64,
    size: usize,
    control: &Control,
    published: &AtomicU64,
) -> Result<(), BenchError> {
    set_current_timer_slack(NonZeroU64::new(1)).doing(|| "asking for exact timers".to_owned())?;
    let mut frame = frames::publish(SUBJECT, None, size);
    let stamp_at = frames::control_line(&frame).len();
    let started = Instant::now();
    let (mut sent, mut burst) = (0, Vec::new());
    while !control.stopping() {
        thread::sleep(BURST_EVERY);
        let due = started.elapsed().as_micros() as u64 * per_second / 1_000_000;
        burst.clear();
        let now = zero.elapsed().as_nanos() as u64;
        frame[stamp_at..stamp_at + STAMP_BYTES].copy_from_slice(&now.to_le_bytes());
        for _ in sent..due {
            burst.extend_from_slice(&frame);
        }
        sent = due;
        connection.write(&burst)?;
        published.store(sent, Ordering::Relaxed);
    }
    connection.settle(b"")
}

fn receive(
    mut stream: TcpStream,
    zero: Instant,
    control: &Control,
    delivered: &AtomicU64,
    times: &mut Times,
) -> Result<(), BenchError> {
    let mut reader = Reader::new("subscriber", 64 * 1024);
    loop {
        match reader.fill(&mut stream) {
            Err(BenchError::Disconnected { .. }) if control.draining() => return Ok(()),
            result => result?,
        }
        let (now, recording) = (zero.elapsed().as_nanos() as u64, control.recording());
        while let Some(inbound) = reader.next_inbound()? {
            match inbound {
                Inbound::Message { body, .. } => {
                    delivered.fetch_add(1, Ordering::Relaxed);
                    if let Some(stamp) = body.first_chunk::<STAMP_BYTES>().filter(|_| recording) {
                        times.record(now.saturating_sub(u64::from_le_bytes(*stamp)));
                    }
                }
                Inbound::Ping => {
                    stream
                        .write_all(b"PONG\r\n")
                        .map_err(|error| write_error("subscriber", error))?;
                }
                Inbound::Pong | Inbound::Other => {}
            }
        }
    }
}

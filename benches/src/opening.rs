//! Connections that come and go, and connections that do nothing.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crate::connection::Connection;
use crate::error::BenchError;
use crate::measurement::{Control, Measurement, Timing, join_all};
use crate::process::{CpuTime, resident_bytes};
use crate::server::RunningServer;
use crate::statistics::Times;

/// Threads that connect.
const THREADS: usize = 2;

/// Connects, waits for the first PONG and closes, over and over.
pub fn connect(server: &mut RunningServer, timing: Timing) -> Result<Measurement, BenchError> {
    let (control, count, times) = (
        Control::default(),
        AtomicU64::new(0),
        Mutex::new(Times::default()),
    );
    let (control, count, times, port) = (&control, &count, &times, server.port());
    let result = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(move || control.work(|| connect_and_close(port, control, count, times))))
            .collect();
        let result = control.measure(server, timing, || count.load(Ordering::Relaxed));
        control.stop();
        join_all(threads).and(result)
    });
    let mut measurement = result?;
    control.check()?;
    measurement.latency = times.lock().unwrap_or_else(PoisonError::into_inner).latency();
    Ok(measurement)
}

fn connect_and_close(
    port: u16,
    control: &Control,
    count: &AtomicU64,
    times: &Mutex<Times>,
) -> Result<(), BenchError> {
    let mut own_times = Times::default();
    while !control.stopping() {
        let started = Instant::now();
        let connection = Connection::open(port, "newcomer")?;
        if control.recording() {
            own_times.record(started.elapsed().as_nanos() as u64);
        }
        connection.close();
        count.fetch_add(1, Ordering::Relaxed);
    }
    times
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .add(&own_times);
    Ok(())
}

/// Opens `connections` connections with one subscription each, then leaves them alone. CPU and rate are
/// those of opening; memory is what the process grew by, when the warm-up time has passed in peace.
pub fn idle(
    connections: usize,
    server: &mut RunningServer,
    timing: Timing,
) -> Result<Measurement, BenchError> {
    Connection::open(server.port(), "first")?.close();
    let (empty, started) = (resident_bytes(server.pid())?, Instant::now());
    let cpu = CpuTime::of(server.pid())?;
    let mut open = Vec::with_capacity(connections);
    for number in 0..connections {
        let mut connection = Connection::open(server.port(), "idle")?;
        connection.settle(format!("SUB idle.{number} 1\r\n").as_bytes())?;
        // Only the socket stays: the generator wants its memory back.
        open.push(connection.into_blocking()?);
    }
    let seconds = started.elapsed().as_secs_f64();
    let cpu_ns = CpuTime::of(server.pid())?.since(cpu);

    // `measure` looks at the CPU of the idle server; nothing is counted.
    let idle = Control::default().measure(server, timing, || 0)?;
    let grown = idle.resident_bytes.saturating_sub(empty);
    Ok(Measurement {
        messages: connections as u64,
        seconds,
        cpu_ns,
        bytes_each: Some(grown as f64 / connections.max(1) as f64),
        note: Some(format!(
            "idle CPU {:.1} ms/s",
            idle.cpu_ns as f64 / 1e6 / idle.seconds
        )),
        ..idle
    })
}

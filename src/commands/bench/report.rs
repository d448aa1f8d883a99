//! What a run found out.

use super::latency::Latencies;
use super::options::Plan;
use super::workers::{Outcome, Tally};
use std::io::{self, Write};

/// More clients than this are told of together only.
const LISTED: usize = 16;

pub(super) fn announce(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    write!(
        out,
        "Starting benchmark [msgs={}, msgsize={}, pubs={}, subs={}",
        plan.messages, plan.size, plan.publishers, plan.subscribers
    )?;
    if let Some(queue) = &plan.queue {
        write!(out, ", queue={queue}")?;
    }
    if plan.request {
        out.write_all(b", request")?;
    }
    if let Some(rate) = plan.throughput {
        write!(out, ", throughput={rate}")?;
    }
    out.write_all(b"]\n")
}

pub(super) fn print(out: &mut impl Write, plan: &Plan, outcome: &Outcome) -> io::Result<()> {
    let (senders, receivers) = if plan.request {
        ("Request", "Reply")
    } else {
        ("Pub", "Sub")
    };
    let all: Vec<&Tally> = outcome.publishers.iter().chain(&outcome.subscribers).collect();
    let both = !outcome.publishers.is_empty() && !outcome.subscribers.is_empty();
    if both && !plan.request {
        writeln!(out, "NATS Pub/Sub stats: {}", throughput(&all, plan.size))?;
    }
    print_group(out, senders, &outcome.publishers, plan.size)?;
    print_group(out, receivers, &outcome.subscribers, plan.size)?;

    let mut latency = Latencies::default();
    let mut violations = 0;
    for tally in all {
        latency.add(&tally.latency);
        violations += tally.violations;
    }
    if latency.count() > 0 {
        let what = if plan.request { "round trips" } else { "messages" };
        writeln!(
            out,
            " Latency of {} {what}: min {} | p50 {} | p90 {} | p99 {} | p99.9 {} | max {}",
            grouped(latency.count()),
            time(latency.min()),
            time(latency.quantile(0.5)),
            time(latency.quantile(0.9)),
            time(latency.quantile(0.99)),
            time(latency.quantile(0.999)),
            time(latency.max()),
        )?;
    }
    if violations > 0 {
        writeln!(out, " Order: {} messages out of order", grouped(violations))?;
    }
    Ok(())
}

fn print_group(out: &mut impl Write, name: &str, tallies: &[Tally], size: usize) -> io::Result<()> {
    if tallies.is_empty() {
        return Ok(());
    }
    let all: Vec<&Tally> = tallies.iter().collect();
    writeln!(out, " {name} stats: {}", throughput(&all, size))?;
    if tallies.len() == 1 {
        return Ok(());
    }
    if tallies.len() <= LISTED {
        for (index, tally) in tallies.iter().enumerate() {
            writeln!(
                out,
                "  [{}] {} ({} msgs)",
                index + 1,
                throughput(&[tally], size),
                grouped(tally.messages)
            )?;
        }
    }
    let rates: Vec<f64> = tallies.iter().map(|tally| rate(&[tally])).collect();
    let spread = Spread::of(&rates);
    writeln!(
        out,
        "  min {} | avg {} | max {} | stddev {} msgs/sec",
        grouped(spread.min as u64),
        grouped(spread.average as u64),
        grouped(spread.max as u64),
        grouped(spread.deviation as u64),
    )
}

fn throughput(tallies: &[&Tally], size: usize) -> String {
    let rate = rate(tallies);
    format!(
        "{} msgs/sec ~ {}",
        grouped(rate as u64),
        bytes(rate * size as f64)
    )
}

/// Messages a second, from the first start to the last end.
fn rate(tallies: &[&Tally]) -> f64 {
    let messages: u64 = tallies.iter().map(|tally| tally.messages).sum();
    // Who received nothing has not slowed anything down.
    let busy = || tallies.iter().filter(|tally| tally.messages > 0);
    let Some((start, end)) = busy()
        .map(|tally| tally.start)
        .min()
        .zip(busy().map(|tally| tally.end).max())
    else {
        return 0.0;
    };
    /// What a clock can tell apart.
    const INSTANT: f64 = 1e-6;
    messages as f64 / end.saturating_duration_since(start).as_secs_f64().max(INSTANT)
}

struct Spread {
    min: f64,
    average: f64,
    max: f64,
    deviation: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let count = values.len().max(1) as f64;
        let average = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - average).powi(2)).sum::<f64>() / count;
        Self {
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            average,
            max: values.iter().copied().fold(0.0, f64::max),
            deviation: variance.sqrt(),
        }
    }
}

/// Digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn bytes(rate: f64) -> String {
    const STEP: f64 = 1024.0;
    let mut value = rate;
    for unit in ["B", "KB", "MB"] {
        if value < STEP {
            return format!("{value:.2} {unit}/sec");
        }
        value /= STEP;
    }
    format!("{value:.2} GB/sec")
}

fn time(nanoseconds: u64) -> String {
    let value = nanoseconds as f64;
    match nanoseconds {
        0..10_000 => format!("{:.2} us", value / 1e3),
        10_000..1_000_000 => format!("{:.1} us", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", value / 1e6),
        _ => format!("{:.2} s", value / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn tally(start: Instant, messages: u64, seconds: u64) -> Tally {
        Tally::new(messages, start, start + Duration::from_secs(seconds))
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(bytes(1023.0), "1023.00 B/sec");
        assert_eq!(bytes(3.5 * 1024.0 * 1024.0), "3.50 MB/sec");
        assert_eq!(bytes(2048.0 * 1024.0 * 1024.0), "2.00 GB/sec");
        assert_eq!(
            [500, 12_345, 1_500_000, 2_000_000_000].map(time),
            ["0.50 us", "12.3 us", "1.50 ms", "2.00 s"]
        );
    }

    #[test]
    fn a_report() {
        let start = Instant::now();
        let plan = Plan {
            subject: "foo".to_owned(),
            publishers: 1,
            subscribers: 2,
            messages: 1000,
            size: 1024,
            queue: None,
            request: false,
            throughput: None,
            progress: false,
        };
        let mut slow = tally(start, 1000, 2);
        slow.latency.record(2_000_000);
        slow.violations = 3;
        let outcome = Outcome {
            publishers: vec![tally(start, 1000, 1)],
            subscribers: vec![tally(start, 1000, 1), slow],
        };
        let mut out = Vec::new();
        announce(&mut out, &plan).unwrap();
        print(&mut out, &plan, &outcome).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "Starting benchmark [msgs=1000, msgsize=1024, pubs=1, subs=2]
NATS Pub/Sub stats: 1,500 msgs/sec ~ 1.46 MB/sec
 Pub stats: 1,000 msgs/sec ~ 1000.00 KB/sec
 Sub stats: 1,000 msgs/sec ~ 1000.00 KB/sec
  [1] 1,000 msgs/sec ~ 1000.00 KB/sec (1,000 msgs)
  [2] 500 msgs/sec ~ 500.00 KB/sec (1,000 msgs)
  min 500 | avg 750 | max 1,000 | stddev 250 msgs/sec
 Latency of 1 messages: min 2.00 ms | p50 2.00 ms | p90 2.00 ms | p99 2.00 ms | p99.9 2.00 ms | max 2.00 ms
 Order: 3 messages out of order
"
        );
    }

    #[test]
    fn who_received_nothing_does_not_count() {
        let start = Instant::now();
        let idle = tally(start, 0, 100);
        assert_eq!(rate(&[&tally(start, 10, 1), &idle]), 10.0);
        assert_eq!(rate(&[&idle]), 0.0);
    }
}

//! The key `compression` of servers that connect to each other: whether they compress, and how much.

use super::findings::Findings;
use crate::grammar::{Entry, Kind, Value};
use std::time::Duration;
use vagus_compression::mode::Mode;
use vagus_protocol::duration;

/// `on` is what just `true` means. None if nothing is said that can be used.
pub(super) fn read(entry: &Entry, on: &Mode, findings: &mut Findings) -> Option<Mode> {
    let (name, round_trips) = match &entry.value.kind {
        Kind::Boolean(true) => return Some(on.clone()),
        Kind::Boolean(false) => return Some(Mode::Off),
        Kind::Text(name) => (name.clone(), Vec::new()),
        Kind::Map(_) => in_full(entry, findings)?,
        other => {
            let message = format!(
                "{} must be true, false, a mode or a map, not {}",
                entry.key,
                other.name()
            );
            return findings.refuse(entry, message);
        }
    };
    if name.is_empty() {
        return None;
    }
    match Mode::read(&name, on, &round_trips) {
        Ok(mode) => Some(mode),
        Err(error) => {
            findings.obstacle(entry, error.to_string());
            None
        }
    }
}

/// `{ mode, rtt_thresholds }`
fn in_full(entry: &Entry, findings: &mut Findings) -> Option<(String, Vec<Duration>)> {
    let (mut name, mut round_trips) = (String::new(), Vec::new());
    for entry in findings.map(entry)?.entries() {
        match entry.key.to_lowercase().as_str() {
            "mode" => findings.text(entry)?.clone_into(&mut name),
            "rtt_thresholds" | "thresholds" | "rtts" | "rtt" => {
                for value in findings.array(entry)? {
                    round_trips.push(round_trip(entry, value, findings)?);
                }
            }
            _ if entry.used => {}
            _ => findings.problem(entry, format!("unknown field {:?}", entry.key)),
        }
    }
    Some((name, round_trips))
}

/// Less than nothing is nothing, as in nats-server.
fn round_trip(entry: &Entry, value: &Value, findings: &mut Findings) -> Option<Duration> {
    let nanoseconds = match &value.kind {
        Kind::Text(text) => duration::parse(text),
        _ => None,
    };
    if nanoseconds.is_none() {
        let message = format!("{} must hold durations such as \"10ms\"", entry.key);
        findings.problem_at(&value.place, message);
    }
    Some(Duration::from_nanos(u64::try_from(nanoseconds?).unwrap_or(0)))
}

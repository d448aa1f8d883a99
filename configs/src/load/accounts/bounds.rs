//! What an account may have, and what is told of its messages.

use super::super::findings::Findings;
use crate::grammar::{Entry, Kind};
use vagus_accounts::{AccountLimits, TraceDefinition};
use vagus_routing::subject;

/// Limits, each a number; one below 0 is none.
pub(super) fn limits(entry: &Entry, findings: &mut Findings) -> AccountLimits {
    let mut limits = AccountLimits::default();
    let Kind::Map(map) = &entry.value.kind else {
        let message = format!(
            "Expected account limits to be a map/struct, got {}",
            entry.value.kind.name()
        );
        findings.problem(entry, message);
        return limits;
    };
    for part in map.entries() {
        let limit = match part.key.to_lowercase().as_str() {
            "max_connections" | "max_conn" => &mut limits.connections,
            "max_subscriptions" | "max_subs" => &mut limits.subscriptions,
            "max_payload" | "max_pay" => &mut limits.payload,
            "max_leafnodes" | "max_leafs" => &mut limits.leaf_nodes,
            _ => {
                if !part.used {
                    let message = format!("Unknown field {:?} parsing account limits", part.key);
                    findings.problem(part, message);
                }
                continue;
            }
        };
        match findings.integer(part) {
            Some(number) if number > i64::from(i32::MAX) => {
                findings.problem(part, format!("{} is too large: at most {}", part.key, i32::MAX));
            }
            Some(number) => *limit = u32::try_from(number).ok(),
            None => {}
        }
    }
    limits
}

/// A subject for the events of traces, or a map with one, and how many of a hundred messages are traced.
pub(super) fn trace(entry: &Entry, findings: &mut Findings) -> Option<TraceDefinition> {
    let (mut destination, mut sampling) = (None, None);
    match &entry.value.kind {
        Kind::Text(_) => destination = trace_destination(entry, findings),
        Kind::Map(map) => {
            for part in map.entries() {
                match part.key.to_lowercase().as_str() {
                    "dest" => destination = trace_destination(part, findings),
                    "sampling" => sampling = trace_sampling(part, findings),
                    _ if part.used => {}
                    _ => {
                        let message = format!(
                            "Unknown field {:?} parsing account message trace map/struct {:?}",
                            part.key, entry.key
                        );
                        findings.problem(part, message);
                    }
                }
            }
        }
        other => {
            let (key, other) = (&entry.key, other.name());
            let message =
                format!("Expected account message trace {key:?} to be a string or a map/struct, got {other}");
            return findings.refuse(entry, message);
        }
    }
    if destination.is_none() && sampling.is_some() {
        findings.doubt(
            Some(entry),
            "Trace destination sampling ignored since no destination was set",
        );
    }
    Some(TraceDefinition {
        destination: destination?.into(),
        sampling: sampling.unwrap_or(100),
    })
}

fn trace_destination<'e>(entry: &'e Entry, findings: &mut Findings) -> Option<&'e str> {
    let destination = findings.text(entry)?;
    if !subject::is_valid_literal(destination.as_bytes()) {
        return findings.refuse(entry, format!("Trace destination {destination:?} is not valid"));
    }
    Some(destination)
}

fn trace_sampling(entry: &Entry, findings: &mut Findings) -> Option<u8> {
    let number = match &entry.value.kind {
        Kind::Integer(number) => Some(*number),
        Kind::Text(text) => text.strip_suffix('%').unwrap_or(text).parse().ok(),
        other => {
            let message = format!(
                "Trace destination sampling field {:?} should be an integer or a percentage, got {}",
                entry.key,
                other.name()
            );
            return findings.refuse(entry, message);
        }
    };
    match number.and_then(|number| u8::try_from(number).ok()) {
        Some(percent @ 1..=100) => Some(percent),
        _ => findings.refuse(
            entry,
            "Trace destination sampling value is invalid, needs to be [1..100]".to_owned(),
        ),
    }
}

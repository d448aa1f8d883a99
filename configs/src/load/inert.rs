//! The keys of nats-server that ask for nothing by themselves here. They are checked, and the operator is told.

use super::findings::Findings;
use crate::grammar::{Entry, Kind};

pub(super) fn take(key: &str, entry: &Entry, findings: &mut Findings) -> bool {
    match key {
        "prof_port" | "prof_block_rate" => {
            if findings.integer(entry).is_some_and(|number| number != 0) {
                let message = format!("{} changes nothing: there is no profiling over HTTP", entry.key);
                findings.note(Some(entry), message);
            }
        }
        "cluster" => return is_alone(entry, findings),
        _ => return false,
    }
    true
}

/// A cluster that nobody listens for and that looks for nobody: it sets up nothing, there as here. False for any other.
fn is_alone(entry: &Entry, findings: &mut Findings) -> bool {
    let Kind::Map(section) = &entry.value.kind else {
        return false;
    };
    let is_idle = |key: &str| {
        matches!(
            key,
            "no_advertise" | "connect_retries" | "advertise" | "cluster_advertise"
        )
    };
    let mut keys = section.entries().iter().map(|part| part.key.to_lowercase());
    if section.is_empty() || !keys.all(|key| is_idle(&key)) {
        return false;
    }
    for part in section.entries() {
        match part.key.to_lowercase().as_str() {
            "no_advertise" => drop(findings.boolean(part)),
            "connect_retries" => drop(findings.integer(part)),
            _ => drop(findings.optional_text(part)),
        }
    }
    let message = format!(
        "{} changes nothing: it neither listens nor connects, and clustering is not in this version of vagus yet",
        entry.key
    );
    findings.note(Some(entry), message);
    true
}

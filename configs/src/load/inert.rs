//! The keys of nats-server that ask for nothing by themselves here. They are checked, and the operator is told.

use super::findings::Findings;
use crate::grammar::Entry;

pub(super) fn take(key: &str, entry: &Entry, findings: &mut Findings) -> bool {
    match key {
        "prof_port" | "prof_block_rate" => {
            if findings.integer(entry).is_some_and(|number| number != 0) {
                let message = format!("{} changes nothing: there is no profiling over HTTP", entry.key);
                findings.note(Some(entry), message);
            }
        }
        _ => return false,
    }
    true
}

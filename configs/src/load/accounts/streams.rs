//! What an account may keep in streams.

use super::super::findings::Findings;
use super::super::{absent, jetstream};
use crate::grammar::{Entry, Kind, Map};
use vagus_jetstream::account::{AccountLimits, Tiers};

/// Whether it may keep any, or how much of them. None: nothing.
pub(super) fn read(entry: &Entry, findings: &mut Findings) -> Option<Tiers> {
    if let Kind::Map(map) = &entry.value.kind {
        return Some(Tiers::flat(limits(map, findings)));
    }
    match jetstream::is_wanted(entry) {
        Ok(wanted) => wanted.then(|| Tiers::flat(AccountLimits::default())),
        Err(message) => {
            findings.unplaced_problem(&entry.place, message);
            None
        }
    }
}

/// Limits of all streams together; one that is not said is none.
fn limits(map: &Map, findings: &mut Findings) -> AccountLimits {
    let mut limits = AccountLimits::default();
    for part in map.entries() {
        match part.key.to_lowercase().as_str() {
            "max_memory" | "max_mem" | "mem" | "memory" => size(part, &mut limits.max_memory, findings),
            "max_store" | "max_file" | "max_disk" | "store" | "disk" => {
                size(part, &mut limits.max_storage, findings);
            }
            "max_streams" | "streams" => count(part, &mut limits.max_streams, findings),
            "max_consumers" | "consumers" => count(part, &mut limits.max_consumers, findings),
            "max_ack_pending" => count(part, &mut limits.max_ack_pending, findings),
            "mem_max_stream_bytes" | "memory_max_stream_bytes" => {
                size(part, &mut limits.memory_max_stream_bytes, findings);
            }
            "disk_max_stream_bytes" | "store_max_stream_bytes" => {
                size(part, &mut limits.storage_max_stream_bytes, findings);
            }
            "max_bytes_required" | "max_stream_bytes" | "max_bytes" => {
                limits.max_bytes_required = findings.boolean(part).unwrap_or_default();
            }
            // In whose name servers would agree on its streams.
            "cluster_traffic" => {
                let owner = findings.text(part);
                if owner.is_some_and(|owner| !matches!(owner, "" | "system" | "owner")) {
                    findings.problem(part, "Expected 'system' or 'owner' string value");
                }
            }
            key => absent::refuse(key, part, &absent::NOTHING, findings),
        }
    }
    limits
}

fn size(entry: &Entry, limit: &mut i64, findings: &mut Findings) {
    if let Some(number) = findings.integer(entry) {
        *limit = number;
    }
}

fn count(entry: &Entry, limit: &mut isize, findings: &mut Findings) {
    if let Some(number) = findings.integer(entry) {
        *limit = isize::try_from(number).unwrap_or(isize::MAX);
    }
}

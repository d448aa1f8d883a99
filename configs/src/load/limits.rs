//! What one peer may ask of the server.

use super::findings::Findings;
use super::read::{MAX_SIZE, set};
use crate::grammar::{Entry, Map};
use crate::{Limits, UNLIMITED, WriteTimeout};

/// The word of files for "no limit".
const NO_LIMIT: i64 = -1;

/// Payloads above this are better sent in parts.
const LARGE_PAYLOAD: usize = 8 << 20;

pub(super) fn take(key: &str, entry: &Entry, limits: &mut Limits, findings: &mut Findings) -> bool {
    match key {
        "max_connections" | "max_conn" => match findings.integer(entry) {
            Some(NO_LIMIT) => limits.max_connections = UNLIMITED,
            Some(0) => {
                limits.max_connections = 0;
                let message = format!("{} lets no client in; -1 is no limit", entry.key);
                findings.note(Some(entry), message);
            }
            Some(_) => set(&mut limits.max_connections, findings.size(entry, i64::MAX)),
            None => {}
        },
        "max_subscriptions" | "max_subs" => match findings.integer(entry) {
            Some(NO_LIMIT) => limits.max_subscriptions = UNLIMITED,
            Some(0) => limits.max_subscriptions = 0,
            Some(_) => set(&mut limits.max_subscriptions, findings.size(entry, i64::MAX)),
            None => {}
        },
        "max_sub_tokens" | "max_subscription_tokens" => match findings.integer(entry) {
            Some(number @ 1..=255) => limits.max_subscription_tokens = number.unsigned_abs() as usize,
            Some(_) => findings.problem(entry, format!("{} must be 1 to 255", entry.key)),
            None => {}
        },
        "max_control_line" => set(&mut limits.max_control_line, findings.size(entry, MAX_SIZE)),
        "max_payload" => match findings.integer(entry) {
            // Up to what may wait for a connection, which `check` sees to.
            Some(NO_LIMIT) => limits.max_payload = UNLIMITED,
            Some(_) => set(&mut limits.max_payload, findings.size(entry, MAX_SIZE)),
            None => {}
        },
        "max_pending" => set(&mut limits.max_pending, findings.size(entry, i64::MAX)),
        "ping_interval" => set(&mut limits.ping_interval, findings.duration(entry)),
        "ping_max" => {
            let most = i64::from(u32::MAX);
            let number = findings.size(entry, most);
            set(
                &mut limits.ping_max,
                number.and_then(|number| number.try_into().ok()),
            );
        }
        "write_deadline" => set(&mut limits.write_deadline, findings.duration(entry)),
        "write_timeout" => set(
            &mut limits.write_timeout,
            write_timeout(entry, WriteTimeout::Close, findings),
        ),
        "no_fast_producer_stall" => set(
            &mut limits.stalls_publishers,
            findings.boolean(entry).map(|never| !never),
        ),
        "no_header_support" => set(
            &mut limits.headers,
            findings.boolean(entry).map(|without| !without),
        ),
        _ => return false,
    }
    true
}

/// What two keys must agree on.
pub(super) fn check(tree: &Map, limits: &mut Limits, findings: &mut Findings) {
    if limits.max_payload == UNLIMITED {
        limits.max_payload = limits.max_pending;
    }
    if limits.max_payload > LARGE_PAYLOAD {
        findings.note(
            None,
            "Maximum payloads over 8.00 MB are generally discouraged: send in parts what is larger",
        );
    }
    if limits.max_payload > limits.max_pending {
        let is_about =
            |entry: &&Entry| matches!(entry.key.to_lowercase().as_str(), "max_payload" | "max_pending");
        if let Some(entry) = tree.entries().iter().rev().find(is_about) {
            let message = format!(
                "max_payload ({}) must not be more than max_pending ({})",
                limits.max_payload, limits.max_pending
            );
            findings.obstacle(entry, message);
        }
    }
}
/// What happens when the time to write is over, where one is the `usual`.
pub(super) fn write_timeout(
    entry: &Entry,
    usual: WriteTimeout,
    findings: &mut Findings,
) -> Option<WriteTimeout> {
    match findings.text(entry)? {
        "default" => Some(usual),
        "close" => Some(WriteTimeout::Close),
        "retry" => Some(WriteTimeout::Retry),
        _ => findings.refuse(entry, format!("{} must be default, close or retry", entry.key)),
    }
}

//! Lame duck mode: how a server that is about to stop closes its clients.

use super::findings::Findings;
use crate::LameDuck;
use crate::grammar::{Entry, Map};
use std::time::Duration;

/// nats-server takes no less.
const MIN_DURATION: Duration = Duration::from_secs(30);

pub(super) fn take(key: &str, entry: &Entry, lame_duck: &mut LameDuck, findings: &mut Findings) -> bool {
    match key {
        "lame_duck_duration" => match findings.exact_duration(entry) {
            Some(duration) if duration >= MIN_DURATION => lame_duck.duration = duration,
            Some(_) => findings.problem(entry, format!("{} must be 30 seconds at least", entry.key)),
            None => {}
        },
        "lame_duck_grace_period" => match findings.exact_duration(entry) {
            Some(Duration::ZERO) => {}
            Some(period) => lame_duck.grace_period = period,
            None => {}
        },
        _ => return false,
    }
    true
}

/// What the two keys must agree on. A check of the file passes over it, as that of nats-server does.
pub(super) fn check(tree: &Map, lame_duck: &LameDuck, findings: &mut Findings) {
    if lame_duck.grace_period < lame_duck.duration {
        return;
    }
    let is_about = |entry: &&Entry| entry.key.to_lowercase().starts_with("lame_duck_");
    if let Some(entry) = tree.entries().iter().rev().find(is_about) {
        let message = format!(
            "lame_duck_grace_period ({:?}) must be less than lame_duck_duration ({:?})",
            lame_duck.grace_period, lame_duck.duration
        );
        findings.obstacle(entry, message);
    }
}

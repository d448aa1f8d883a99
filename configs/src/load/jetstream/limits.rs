//! What streams and consumers of all accounts may be configured to.

use super::super::absent;
use super::super::findings::Findings;
use super::UNREPLICATED;
use crate::grammar::Entry;
use crate::{BatchLimits, StreamLimits};

pub(super) fn read(entry: &Entry, limits: &mut StreamLimits, findings: &mut Findings) {
    let Some(map) = findings.map(entry) else {
        return;
    };
    *limits = StreamLimits::default();
    for part in map.entries() {
        match part.key.to_lowercase().as_str() {
            "max_ack_pending" => limits.max_ack_pending = count(part, findings),
            "max_ha_assets" => {
                limits.max_ha_assets = count(part, findings);
                if limits.max_ha_assets.is_some() {
                    findings.without_effect(part, UNREPLICATED);
                }
            }
            "max_request_batch" => limits.max_request_batch = count(part, findings),
            "default_max_consumers" => limits.default_max_consumers = count(part, findings),
            "duplicate_window" => {
                limits.duplicate_window = findings.exact_duration(part).filter(|window| !window.is_zero());
            }
            "batch" => batch(part, &mut limits.batch, findings),
            key => absent::refuse(key, part, &absent::NOTHING, findings),
        }
    }
}

fn batch(entry: &Entry, limits: &mut BatchLimits, findings: &mut Findings) {
    let Some(map) = findings.map(entry) else {
        return;
    };
    for part in map.entries() {
        match part.key.to_lowercase().as_str() {
            "max_inflight_per_stream" => limits.max_inflight_per_stream = count(part, findings),
            "max_inflight_total" => limits.max_inflight_total = count(part, findings),
            "max_msgs" => limits.max_messages = count(part, findings),
            "timeout" => {
                limits.timeout = findings.exact_duration(part).filter(|timeout| !timeout.is_zero());
            }
            key => absent::refuse(key, part, &absent::NOTHING, findings),
        }
    }
}

/// None where there is no limit: 0, or less.
fn count(entry: &Entry, findings: &mut Findings) -> Option<u64> {
    let number = findings.integer(entry)?;
    u64::try_from(number).ok().filter(|number| *number > 0)
}

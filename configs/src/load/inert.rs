//! The keys of nats-server that ask for nothing by themselves here. They are checked, and the operator is told.

use super::findings::Findings;
use crate::grammar::{Entry, Kind};
use vagus_auth::nkey::decode_public;

pub(super) fn take(key: &str, entry: &Entry, findings: &mut Findings) -> bool {
    match key {
        "prof_port" | "prof_block_rate" => {
            if findings.integer(entry).is_some_and(|number| number != 0) {
                let message = format!("{} changes nothing: there is no profiling over HTTP", entry.key);
                findings.note(Some(entry), message);
            }
        }
        "proxies" => proxies(entry, findings),
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

/// `{ trusted: [{ key }] }`: whose signatures prove that a client came by a proxy. What demands such a signature,
/// `proxy_required`, is refused elsewhere.
fn proxies(entry: &Entry, findings: &mut Findings) {
    let Some(section) = findings.map(entry) else {
        return;
    };
    for part in section.entries() {
        match part.key.to_lowercase().as_str() {
            "trusted" => trusted(part, findings),
            _ if part.used => {}
            _ => findings.problem(part, format!("unknown field {:?}", part.key)),
        }
    }
    let message = format!(
        "{} changes nothing: signatures of proxies are not looked at",
        entry.key
    );
    findings.note(Some(entry), message);
}

fn trusted(entry: &Entry, findings: &mut Findings) {
    for value in findings.array(entry).unwrap_or_default() {
        let Kind::Map(proxy) = &value.kind else {
            let message = format!("{} must hold maps, not {}", entry.key, value.kind.name());
            findings.problem_at(&value.place, message);
            continue;
        };
        for part in proxy.entries() {
            match part.key.to_lowercase().as_str() {
                "key" | "public_key" => {
                    if findings.text(part).is_some_and(|key| decode_public(key).is_err()) {
                        findings.problem(part, "the key of a proxy must be a public nkey");
                    }
                }
                _ if part.used => {}
                _ => findings.problem(part, format!("unknown field {:?}", part.key)),
            }
        }
    }
}

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
        _ => return false,
    }
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

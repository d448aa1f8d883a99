//! `proxies`: those that vouch for the clients which they connect.

use super::findings::Findings;
use crate::grammar::{Entry, Kind};
use vagus_auth::nkey::decode_public;

/// `{ trusted: [{ key }] }`
pub(super) fn take(key: &str, entry: &Entry, trusted: &mut Vec<String>, findings: &mut Findings) -> bool {
    if key != "proxies" {
        return false;
    }
    let Some(section) = findings.map(entry) else {
        return true;
    };
    for part in section.entries() {
        match part.key.to_lowercase().as_str() {
            "trusted" => *trusted = keys(part, findings),
            _ if part.used => {}
            _ => findings.problem(part, format!("unknown field {:?}", part.key)),
        }
    }
    true
}

fn keys(entry: &Entry, findings: &mut Findings) -> Vec<String> {
    let mut keys = Vec::new();
    for value in findings.array(entry).unwrap_or_default() {
        let Kind::Map(proxy) = &value.kind else {
            let message = format!("{} must hold maps, not {}", entry.key, value.kind.name());
            findings.problem_at(&value.place, message);
            continue;
        };
        for part in proxy.entries() {
            match part.key.to_lowercase().as_str() {
                "key" | "public_key" => match findings.text(part) {
                    Some(key) if decode_public(key).is_ok() => keys.push(key.to_owned()),
                    // It is not shown: it may be a private one.
                    Some(_) => findings.problem(part, "the key of a proxy must be a public nkey"),
                    None => {}
                },
                _ if part.used => {}
                _ => findings.problem(part, format!("unknown field {:?}", part.key)),
            }
        }
    }
    keys
}

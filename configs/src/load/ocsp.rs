//! `ocsp`, `ocsp_cache` and, in `tls`, `ocsp_peer`: what certificates are asked about at their authority.

use super::findings::Findings;
use super::read::set;
use crate::grammar::{Entry, Kind};
use std::time::Duration;
use vagus_tls::{OcspCache, OcspPeer, Stapling, StaplingMode};

/// How responders are reached.
const SCHEME: &str = "http://";

/// `true` and `false`, or `{ mode, url, urls }`.
pub(super) fn stapling(entry: &Entry, findings: &mut Findings) -> Option<Stapling> {
    let section = match &entry.value.kind {
        Kind::Boolean(on) => {
            let mode = if *on {
                StaplingMode::Auto
            } else {
                StaplingMode::Never
            };
            return Some(Stapling {
                mode,
                urls: Vec::new(),
            });
        }
        Kind::Map(section) => section,
        other => {
            let message = format!("{} must be true, false or a map, not {}", entry.key, other.name());
            return findings.refuse(entry, message);
        }
    };
    let mut stapling = Stapling::default();
    for entry in section.entries() {
        match entry.key.to_lowercase().as_str() {
            "mode" => set(&mut stapling.mode, mode(entry, findings)),
            "url" => {
                if let Some(url) = findings.text(entry) {
                    stapling.urls = vec![url.to_owned()];
                }
            }
            "urls" => {
                for value in findings.array(entry).unwrap_or_default() {
                    match &value.kind {
                        Kind::Text(url) => stapling.urls.push(url.clone()),
                        other => {
                            let message = format!("{} must hold texts, not {}", entry.key, other.name());
                            findings.problem_at(&value.place, message);
                        }
                    }
                }
            }
            _ => findings.problem(entry, format!("unknown field {:?}", entry.key)),
        }
    }
    if stapling.urls.iter().any(|url| !url.starts_with(SCHEME)) {
        findings.obstacle(
            entry,
            format!("a responder is reached by {SCHEME} and nothing else"),
        );
    }
    Some(stapling)
}

fn mode(entry: &Entry, findings: &mut Findings) -> Option<StaplingMode> {
    match findings.text(entry)?.to_lowercase().as_str() {
        "auto" => Some(StaplingMode::Auto),
        "always" => Some(StaplingMode::Always),
        "never" => Some(StaplingMode::Never),
        "must" => Some(StaplingMode::Must),
        _ => findings.refuse(
            entry,
            format!("{} must be auto, always, must or never", entry.key),
        ),
    }
}

/// The entries of a section in place of which may stand `true` or `false`, which sets the switch and nothing else.
fn switched<'e>(entry: &'e Entry, switch: &mut bool, findings: &mut Findings) -> Option<&'e [Entry]> {
    match &entry.value.kind {
        Kind::Boolean(on) => {
            *switch = *on;
            Some(&[])
        }
        Kind::Map(section) => Some(section.entries()),
        other => {
            let message = format!("{} must be true, false or a map, not {}", entry.key, other.name());
            findings.refuse(entry, message)
        }
    }
}

/// `true` and `false`, or a map.
pub(super) fn peer(entry: &Entry, findings: &mut Findings) -> Option<OcspPeer> {
    let mut peer = OcspPeer::default();
    for entry in switched(entry, &mut peer.verify, findings)? {
        match entry.key.to_lowercase().as_str() {
            "verify" => set(&mut peer.verify, findings.boolean(entry)),
            "warn_only" => set(&mut peer.warn_only, findings.boolean(entry)),
            "unknown_is_good" => set(&mut peer.unknown_is_good, findings.boolean(entry)),
            "allow_when_ca_unreachable" => {
                set(&mut peer.allow_when_ca_unreachable, findings.boolean(entry));
            }
            "ca_timeout" => set(&mut peer.ca_timeout, findings.seconds(entry)),
            "allowed_clockskew" => set(&mut peer.allowed_clockskew, findings.seconds(entry)),
            "cache_ttl_when_next_update_unset" => {
                set(
                    &mut peer.cache_ttl_when_next_update_unset,
                    findings.seconds(entry),
                );
            }
            _ => findings.problem(entry, format!("unknown field {:?}", entry.key)),
        }
    }
    Some(peer)
}

/// `true` and `false`, or a map.
pub(super) fn cache(entry: &Entry, findings: &mut Findings) -> Option<OcspCache> {
    let mut cache = OcspCache::default();
    let mut store = None;
    for entry in switched(entry, &mut cache.enabled, findings)? {
        match entry.key.to_lowercase().as_str() {
            "type" => match findings.text(entry).map(str::to_lowercase).as_deref() {
                Some("local") => cache.enabled = true,
                Some("none") => cache.enabled = false,
                Some(_) => findings.problem(entry, format!("{} must be local or none", entry.key)),
                None => {}
            },
            "preserve_revoked" => set(&mut cache.preserve_revoked, findings.boolean(entry)),
            "local_store" => {
                if let Some(folder) = findings.optional_text(entry) {
                    store = folder;
                }
            }
            "save_interval" => {
                if let Some(interval) = findings.seconds(entry) {
                    cache.save_interval = interval.max(SHORTEST_SAVE_INTERVAL);
                }
            }
            _ => findings.problem(entry, format!("unknown field {:?}", entry.key)),
        }
    }
    if cache.enabled {
        cache.local_store = Some(store.map_or_else(|| STORE.into(), Into::into));
    }
    Some(cache)
}

/// The folder where answers are kept if no other is named, in the folder where the server was started.
const STORE: &str = "_rc_";

/// They are not written more often than that.
const SHORTEST_SAVE_INTERVAL: Duration = Duration::from_secs(1);

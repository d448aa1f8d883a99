//! The hubs that this server connects to: the array `remotes` of `leafnodes`.

use super::proxy;
use crate::grammar::{self, Entry, Map};
use crate::leafnodes::LEAFNODE_PORT;
use crate::load::findings::Findings;
use crate::load::permissions::denied;
use crate::load::read::set;
use crate::load::server_urls::ServerUrls;
use crate::load::{absent, tls};
use crate::{LeafRemote, UserKey};
use vagus_auth::nkey::{KeyPair, Kind};

/// URLs of hubs.
const URLS: ServerUrls = ServerUrls {
    kind: "leafnode",
    wanted: "the hub of a leaf node must be a URL such as nats-leaf://host:7422",
    port: LEAFNODE_PORT,
};

pub(super) fn read(entry: &Entry, findings: &mut Findings) -> Vec<LeafRemote> {
    let mut remotes: Vec<LeafRemote> = Vec::new();
    let mut migration = None;
    for value in findings.array(entry).unwrap_or_default() {
        let grammar::Kind::Map(map) = &value.kind else {
            let message = format!("a remote must be a map, not {}", value.kind.name());
            findings.problem_at(&value.place, message);
            continue;
        };
        let remote = one(map, &mut migration, findings);
        if remote.urls.is_empty() {
            findings.problem_at(&value.place, "a remote must have a URL");
        } else if remotes.iter().any(|other| other.name() == remote.name()) {
            findings.problem_at(&value.place, format!("duplicate remote {}", remote.urls[0]));
        } else {
            remotes.push(remote);
        }
    }
    if let Some(entry) = migration {
        findings.without_effect(
            entry,
            "no stream of this server is replicated, so none is led elsewhere while the hub is away",
        );
    }
    remotes
}

/// `migration` is where it is first said that streams are to be led elsewhere without the hub.
fn one<'e>(map: &'e Map, migration: &mut Option<&'e Entry>, findings: &mut Findings) -> LeafRemote {
    let mut remote = LeafRemote::default();
    for entry in map.entries() {
        match entry.key.to_lowercase().as_str() {
            "url" | "urls" => remote.urls = URLS.read(entry, findings),
            "account" | "local" => set(&mut remote.account, findings.optional_text(entry).flatten()),
            "creds" | "credentials" => {
                remote.credentials = findings.optional_text(entry).flatten().map(Into::into);
            }
            "nkey" | "seed" => remote.key = key(entry, findings),
            "tls" => remote.tls = tls::section(entry, false, findings),
            "ws_compress" | "ws_compression" | "websocket_compress" | "websocket_compression" => {
                set(&mut remote.websocket.compresses, findings.boolean(entry));
            }
            "ws_no_masking" | "websocket_no_masking" => {
                set(&mut remote.websocket.without_masks, findings.boolean(entry));
            }
            "proxy" => remote.proxy = proxy::read(entry, findings),
            "hub" => set(&mut remote.is_hub, findings.boolean(entry)),
            "deny_imports" | "deny_import" => remote.deny_imports = denied(entry, findings),
            "deny_exports" | "deny_export" => remote.deny_exports = denied(entry, findings),
            "compression" => set(&mut remote.compression, super::mode(entry, findings)),
            "no_randomize" | "dont_randomize" => {
                if let Some(on) = findings.boolean(entry) {
                    remote.randomizes = !on;
                }
            }
            "ignore_discovered_servers" => {
                if let Some(on) = findings.boolean(entry) {
                    remote.discovers = !on;
                }
            }
            "first_info_timeout" => set(&mut remote.first_info_timeout, findings.duration(entry)),
            "dial_timeout" => remote.dial_timeout = findings.duration(entry),
            "isolate_leafnode_interest" | "isolate" => set(&mut remote.isolates, findings.boolean(entry)),
            "jetstream_cluster_migrate" | "js_cluster_migrate" => {
                if migrates(entry, findings) && migration.is_none() {
                    *migration = Some(entry);
                }
            }
            "request_isolation" => set(&mut remote.requests_isolation, findings.boolean(entry)),
            "disabled" => set(&mut remote.is_disabled, findings.boolean(entry)),
            key => absent::refuse(key, entry, &absent::LEAFNODE_REMOTE, findings),
        }
    }
    let of_websocket = remote.urls.iter().filter(|url| url.speaks_websocket()).count();
    if of_websocket != 0
        && of_websocket != remote.urls.len()
        && let Some(entry) = map.entries().first()
    {
        findings.problem(
            entry,
            "remote leaf node configuration cannot have a mix of websocket and non-websocket urls",
        );
    }
    if remote.credentials.is_some()
        && remote.key.is_some()
        && let Some(entry) = map.entries().first()
    {
        findings.problem(entry, "Remote leafnode can not have both creds and nkey defined");
    }
    remote
}

/// Whether leaders of streams are to move to other servers while there is no link to the hub.
fn migrates(entry: &Entry, findings: &mut Findings) -> bool {
    let section = match &entry.value.kind {
        grammar::Kind::Boolean(migrates) => return *migrates,
        grammar::Kind::Map(section) => section,
        other => {
            let message = format!("{} must be true, false or a map, not {}", entry.key, other.name());
            findings.problem(entry, message);
            return false;
        }
    };
    for entry in section.entries() {
        match entry.key.as_str() {
            "leader_migrate_delay" => {
                findings.duration(entry);
            }
            key => absent::refuse(key, entry, &absent::NOTHING, findings),
        }
    }
    true
}

fn key(entry: &Entry, findings: &mut Findings) -> Option<UserKey> {
    let seed = findings.optional_text(entry).flatten()?;
    match KeyPair::from_seed(&seed) {
        Ok(key) if key.kind() == Kind::User => Some(UserKey(key)),
        // Not shown: it is a secret, if it is anything.
        _ => findings.refuse(entry, "Remote leafnode nkey is not a valid seed".to_owned()),
    }
}

//! The section `gateway`: the clusters that this server's is connected to.

use super::cluster::{NO_CLUSTER, RESERVED};
use super::findings::Findings;
use super::listener::Section;
use super::read::set;
use super::server_urls::ServerUrls;
use super::{absent, limits, tls};
use crate::gateway::GATEWAY_PORT;
use crate::grammar::{Entry, Kind, Map};
use crate::{Config, Gateway, GatewayRemote, WriteTimeout};
use vagus_auth::credentials::Credentials;

/// URLs of other clusters.
const URLS: ServerUrls = ServerUrls {
    kind: "gateway",
    wanted: "a gateway must be a URL such as nats-gateway://host:7222",
    port: GATEWAY_PORT,
};

/// What a file says of it, until all of it is read.
#[derive(Default)]
pub(super) struct GatewaySection<'e>(Option<(&'e Entry, &'e Map)>);

impl<'e> GatewaySection<'e> {
    pub(super) fn take(&mut self, key: &str, entry: &'e Entry, findings: &mut Findings) -> bool {
        if key != "gateway" {
            return false;
        }
        if let Some(section) = findings.map(entry) {
            self.0 = Some((entry, section));
        }
        true
    }

    /// What was said, once the whole file was read. The cluster is called as its gateway is.
    pub(super) fn settle(self, config: &mut Config, findings: &mut Findings) -> Option<Gateway> {
        let (entry, section) = self.0?;
        if section.is_empty() {
            return None;
        }
        let (gateway, listens) = read(section, config, findings);
        if gateway.name.is_empty() {
            findings.obstacle(entry, "gateway has no name");
            return None;
        }
        if !listens {
            let message = format!(
                "gateway {:?} has no port specified (select -1 for random port)",
                gateway.name
            );
            findings.obstacle(entry, message);
            return None;
        }
        if let Some(cluster) = &mut config.cluster {
            match &cluster.name {
                Some(name) if *name != gateway.name => {
                    findings.obstacle(
                        entry,
                        "cluster name conflicts between cluster and gateway definitions",
                    );
                }
                _ => cluster.name = Some(gateway.name.clone()),
            }
        }
        Some(gateway)
    }
}

/// What a section says, and whether it says where to listen.
fn read(section: &Map, config: &Config, findings: &mut Findings) -> (Gateway, bool) {
    let mut gateway = Gateway::default();
    let mut listener = Section::of_servers(gateway.listener.clone(), "advertise");
    let (mut listens, mut authorization) = (false, None);
    for entry in section.entries() {
        let key = entry.key.to_lowercase();
        match &*key {
            "name" => name(entry, &mut gateway.name, findings),
            "gateways" => gateway.remotes = remotes(entry, findings),
            "reject_unknown" | "reject_unknown_cluster" => {
                set(&mut gateway.rejects_unknown, findings.boolean(entry));
            }
            "connect_retries" => {
                let retries = findings.integer(entry);
                let retries = retries.map(|count| u64::try_from(count).unwrap_or(0));
                set(&mut gateway.connect_retries, retries);
            }
            "connect_backoff" => set(&mut gateway.connect_backoff, findings.boolean(entry)),
            "write_deadline" => gateway.write_deadline = findings.duration(entry),
            "write_timeout" => set(
                &mut gateway.write_timeout,
                limits::write_timeout(entry, WriteTimeout::Retry, findings),
            ),
            "listen" => {
                listens = true;
                listener.take(&key, entry, findings);
            }
            "port" => {
                listens = !matches!(entry.value.kind, Kind::Integer(0));
                listener.take(&key, entry, findings);
            }
            "authorization" => {
                authorization = Some(entry);
                listener.take(&key, entry, findings);
            }
            "tls" => {
                listener.take(&key, entry, findings);
            }
            _ if listener.take(&key, entry, findings) => {}
            key => absent::refuse(key, entry, &absent::GATEWAY, findings),
        }
    }
    listener.permissions.take();
    let (beside_tls, store_dir) = (
        config.beside_tls.without_exceptions(),
        config.store_dir.as_deref(),
    );
    for tls in gateway
        .remotes
        .iter_mut()
        .filter_map(|remote| remote.tls.as_mut())
    {
        beside_tls.lay_under(tls, store_dir);
    }
    gateway.listener = listener.settle(&beside_tls, store_dir, findings);
    if let Some(entry) = authorization {
        let message = match &gateway.listener.credentials {
            Credentials::Users { .. } => Some("Gateway authorization does not allow multiple users"),
            Credentials::Token(_) => Some("Gateway authorization does not support tokens"),
            _ if gateway.listener.callout.is_some() => {
                Some("Gateway authorization does not support callouts")
            }
            _ => None,
        };
        if let Some(message) = message {
            findings.problem(entry, message);
        }
    }
    (gateway, listens)
}

fn name(entry: &Entry, name: &mut String, findings: &mut Findings) {
    let Some(said) = findings.optional_text(entry).flatten() else {
        return;
    };
    if said.contains(' ') {
        findings.problem(entry, "gateway name cannot contain spaces or new lines");
    }
    if said == NO_CLUSTER {
        findings.problem(entry, RESERVED);
    }
    *name = said;
}

fn remotes(entry: &Entry, findings: &mut Findings) -> Vec<GatewayRemote> {
    let mut remotes: Vec<GatewayRemote> = Vec::new();
    for (number, value) in findings.array(entry).unwrap_or_default().iter().enumerate() {
        let Kind::Map(map) = &value.kind else {
            let message = format!("a gateway must be a map, not {}", value.kind.name());
            findings.problem_at(&value.place, message);
            continue;
        };
        let remote = remote(map, findings);
        if remote.name.is_empty() {
            findings.problem_at(&value.place, format!("gateway in the list {number} has no name"));
        } else if remote.urls.is_empty() {
            findings.problem_at(&value.place, format!("gateway {:?} has no URL", remote.name));
        } else if remotes.iter().any(|other| other.name == remote.name) {
            findings.problem_at(&value.place, format!("duplicate gateway {:?}", remote.name));
        } else {
            remotes.push(remote);
        }
    }
    remotes
}

fn remote(map: &Map, findings: &mut Findings) -> GatewayRemote {
    let mut remote = GatewayRemote {
        name: String::new(),
        urls: Vec::new(),
        tls: None,
    };
    for entry in map.entries() {
        match &*entry.key.to_lowercase() {
            "name" => name(entry, &mut remote.name, findings),
            "url" | "urls" => remote.urls = URLS.read(entry, findings),
            "tls" => {
                remote.tls = tls::section(entry, true, findings);
                if let Some(tls) = &remote.tls {
                    tls::check(entry, tls, findings);
                }
            }
            key => absent::refuse(key, entry, &absent::GATEWAY, findings),
        }
    }
    remote
}

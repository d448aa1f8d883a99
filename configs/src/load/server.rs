//! The keys outside of all maps.

use super::cluster::ClusterSection;
use super::findings::Findings;
use super::gateway::GatewaySection;
use super::leafnodes::LeafNodesSection;
use super::listener::Section;
use super::logging::LogTimes;
use super::read::set;
use super::websocket::WebSocketSection;
use super::{
    absent, accounts, admin, connectors, inert, jetstream, labels, lame_duck, limits, logging, metrics,
    monitoring, operators, proxies, tls,
};
use crate::grammar::{Entry, Map};
use crate::{Config, ListenerSettings};
use vagus_auth::credentials::Credentials;

/// Reads the whole file. Where two keys set the same, the later one holds.
pub(super) fn read(tree: &Map, findings: &mut Findings) -> Config {
    let mut config = Config::default();
    let mut times = LogTimes::default();
    let mut clients = Section::of(ListenerSettings::default(), "client_advertise");
    let mut accounts = accounts::Section::default();
    let mut operators = operators::Section::default();
    let mut connectors = connectors::Section::default();
    let mut websocket = WebSocketSection::default();
    let mut cluster = ClusterSection::default();
    let mut gateway = GatewaySection::default();
    let mut leafnodes = LeafNodesSection::default();
    for entry in tree.entries() {
        let key = entry.key.to_lowercase();
        let taken = own(&key, entry, &mut config, &mut clients, findings)
            || clients.take(&key, entry, findings)
            || accounts.take(&key, entry, findings)
            || operators.take(&key, entry, findings)
            || tls::take(&key, entry, &mut config.beside_tls, findings)
            || limits::take(&key, entry, &mut config.limits, findings)
            || lame_duck::take(&key, entry, &mut config.lame_duck, findings)
            || logging::take(&key, entry, &mut config.logging, &mut times, findings)
            || monitoring::take(&key, entry, &mut config.monitoring, findings)
            || metrics::take(&key, entry, &mut config.metrics, findings)
            || proxies::take(&key, entry, &mut config.trusted_proxies, findings)
            || cluster.take(&key, entry, findings)
            || connectors.take(&key, entry, findings)
            || jetstream::take(
                &key,
                entry,
                (&mut config.jetstream, &mut config.store_dir),
                findings,
            )
            || websocket.take(&key, entry, findings)
            || gateway.take(&key, entry, findings)
            || leafnodes.take(&key, entry, findings)
            || inert::take(&key, entry, findings)
            || admin::take(&key, entry, &mut config.admin, findings);
        if !taken {
            absent::refuse(&key, entry, &absent::SERVER, findings);
        }
    }
    config.logging.time = times.kind();
    let names_system = accounts.names_system() || operators.system_account().is_some();
    let (accounts, users) = accounts.settle(&operators, findings);
    config.accounts = accounts;
    clients.admit(users, &config.accounts, findings);
    config.clients = clients.settle(&config.beside_tls, config.store_dir.as_deref(), findings);
    config.operators = operators.settle(
        (config.accounts.system.as_deref(), names_system),
        !config.accounts.definitions.is_empty(),
        &config.clients,
        findings,
    );
    if config.operators.is_some() {
        // Whatever else is said of who may connect, it takes a token.
        config.clients.credentials = Credentials::Claims;
    }
    config.connectors = connectors.settle(&config.accounts, config.operators.is_some(), findings);
    config.websocket = websocket.settle(&config, findings);
    config.cluster = cluster.settle(&config, findings);
    config.gateway = gateway.settle(&mut config, findings);
    config.leafnodes = leafnodes.settle(&config, findings);
    limits::check(tree, &mut config.limits, findings);
    lame_duck::check(tree, &config.lame_duck, findings);
    config
}

/// The keys that are about the server as a whole.
fn own(
    key: &str,
    entry: &Entry,
    config: &mut Config,
    clients: &mut Section<'_>,
    findings: &mut Findings,
) -> bool {
    match key {
        "server_name" => {
            if let Some(name) = findings.optional_text(entry) {
                if name.as_ref().is_some_and(|name| name.contains(' ')) {
                    findings.problem(entry, "server_name must not hold a space");
                }
                config.server_name = name;
            }
        }
        "server_tags" => config.tags = labels::tags(entry, findings),
        "server_metadata" => config.metadata = labels::metadata(entry, findings),
        "feature_flags" => config.feature_flags = labels::feature_flags(entry, findings),
        "store_dir" | "storedir" => jetstream::store_dir(entry, &mut config.store_dir, findings),
        "pidfile" | "pid_file" => {
            if let Some(path) = findings.optional_text(entry) {
                config.pid_file = path.map(Into::into);
            }
        }
        "ports_file_dir" => {
            if let Some(path) = findings.optional_text(entry) {
                config.ports_file_dir = path.map(Into::into);
            }
        }
        "proxy_protocol" => set(&mut clients.settings.proxy_protocol, findings.boolean(entry)),
        "disable_sublist_cache" | "no_sublist_cache" => {
            if findings.boolean(entry) == Some(true) {
                let message = format!("{} changes nothing: there is no such cache", entry.key);
                findings.note(Some(entry), message);
            }
        }
        _ => return false,
    }
    true
}

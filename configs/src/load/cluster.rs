//! The section `cluster`: where other servers are, and where they find this one.

use super::absent;
use super::compression;
use super::findings::Findings;
use super::limits;
use super::listener::Section;
use super::read::set;
use crate::grammar::{Entry, Kind, Map};
use crate::{Cluster, Config, LARGEST_POOL, LONGEST_ROUTE_PING_INTERVAL, RouteUrl, WriteTimeout};
use vagus_auth::credentials::Credentials;
use vagus_auth::permission::{Permissions, Rules};
use vagus_compression::mode::{Level, Mode};

/// What a file says of it, until all of it is read.
#[derive(Default)]
pub(super) struct ClusterSection<'e>(Option<(&'e Entry, &'e Map)>);

impl<'e> ClusterSection<'e> {
    pub(super) fn take(&mut self, key: &str, entry: &'e Entry, findings: &mut Findings) -> bool {
        if key != "cluster" {
            return false;
        }
        if let Some(section) = findings.map(entry) {
            self.0 = Some((entry, section));
        }
        true
    }

    /// What was said, once the whole file was read. None if it does not listen: then there is no cluster, as in nats-server.
    pub(super) fn settle(self, config: &Config, findings: &mut Findings) -> Option<Cluster> {
        let (entry, section) = self.0?;
        let cluster = read(section, config, findings);
        if cluster.is_none() && !section.is_empty() {
            let message = format!("{} changes nothing: it does not say where to listen", entry.key);
            findings.note(Some(entry), message);
        }
        cluster
    }
}

fn read(section: &Map, config: &Config, findings: &mut Findings) -> Option<Cluster> {
    let mut cluster = Cluster::default();
    let mut listener = Section::of_servers(cluster.listener.clone(), "advertise");
    let mut listens = false;
    for entry in section.entries() {
        let key = entry.key.to_lowercase();
        let key = match key.as_str() {
            "cluster_advertise" => "advertise",
            key => key,
        };
        match key {
            "name" => name(entry, &mut cluster, findings),
            "routes" => cluster.routes = routes(entry, findings),
            "no_advertise" => {
                if let Some(on) = findings.boolean(entry) {
                    cluster.advertises = !on;
                }
            }
            "connect_retries" => {
                let retries = findings.integer(entry);
                set(
                    &mut cluster.connect_retries,
                    retries.map(|count| u64::try_from(count).unwrap_or(0)),
                );
            }
            "connect_backoff" => set(&mut cluster.connect_backoff, findings.boolean(entry)),
            "ping_interval" => {
                let interval = findings.duration(entry);
                if interval.is_some_and(|interval| interval > LONGEST_ROUTE_PING_INTERVAL) {
                    let message = "Cluster 'ping_interval' will reset to 30s which is the max for routes";
                    findings.doubt(Some(entry), message);
                }
                set(
                    &mut cluster.ping_interval,
                    interval.map(|interval| interval.min(LONGEST_ROUTE_PING_INTERVAL)),
                );
            }
            "ping_max" => {
                let max = findings.integer(entry).and_then(|max| u32::try_from(max).ok());
                cluster.ping_max = max.filter(|max| *max > 0);
            }
            "pool_size" => pool_size(entry, &mut cluster, findings),
            "accounts" => pinned_accounts(entry, &mut cluster, findings),
            "compression" => {
                let on = Mode::Always(Level::Fast);
                set(&mut cluster.compression, compression::read(entry, &on, findings));
            }
            "permissions" => cluster.permissions = permissions(entry, findings),
            "write_deadline" => cluster.write_deadline = findings.duration(entry),
            "write_timeout" => set(
                &mut cluster.write_timeout,
                limits::write_timeout(entry, WriteTimeout::Retry, findings),
            ),
            "listen" => {
                listens = true;
                listener.take(key, entry, findings);
            }
            "port" => {
                listens = !matches!(entry.value.kind, Kind::Integer(0));
                listener.take(key, entry, findings);
            }
            "authorization" => {
                listener.take(key, entry, findings);
            }
            _ if listener.take(key, entry, findings) => {}
            _ => absent::refuse(key, entry, &absent::CLUSTER, findings),
        }
    }
    let in_authorization = listener.permissions.take();
    cluster.listener = listener.settle(
        &config.beside_tls.without_exceptions(),
        config.store_dir.as_deref(),
        findings,
    );
    if let Some(entry) = section
        .entries()
        .iter()
        .find(|it| it.key.eq_ignore_ascii_case("authorization"))
    {
        let message = match &cluster.listener.credentials {
            Credentials::Users { .. } => Some("Cluster authorization does not allow multiple users"),
            Credentials::Token(_) => Some("Cluster authorization does not support tokens"),
            _ if cluster.listener.callout.is_some() => {
                Some("Cluster authorization does not support callouts")
            }
            _ => None,
        };
        if let Some(permissions) = in_authorization {
            let message = "setting \"permissions\" within cluster authorization block is deprecated";
            findings.note(Some(entry), message);
            let permissions = checked(entry, permissions, findings);
            cluster.permissions = cluster.permissions.take().or(permissions);
        }
        if let Some(message) = message {
            findings.problem(entry, message);
        }
    }
    if let Some(entry) = section
        .entries()
        .iter()
        .find(|it| it.key.eq_ignore_ascii_case("accounts"))
        && cluster.pool_size == 0
        && !cluster.accounts.is_empty()
    {
        findings.problem(
            entry,
            "pool_size cannot be negative if pinned accounts are specified",
        );
    }
    listens.then_some(cluster)
}

fn pool_size(entry: &Entry, cluster: &mut Cluster, findings: &mut Findings) {
    match findings.integer(entry) {
        // As if it were not said.
        None | Some(0) => {}
        Some(size) => {
            let size = usize::try_from(size).unwrap_or(0);
            if size > LARGEST_POOL {
                findings.doubt(Some(entry), format!("{} is {LARGEST_POOL} at most", entry.key));
            }
            cluster.pool_size = size.min(LARGEST_POOL);
        }
    }
}

fn pinned_accounts(entry: &Entry, cluster: &mut Cluster, findings: &mut Findings) {
    let accounts = findings.texts(entry).unwrap_or_default();
    let twice = accounts
        .iter()
        .enumerate()
        .find(|(at, account)| accounts[..*at].contains(account));
    if let Some((_, account)) = twice {
        let list = accounts.join("\" \"");
        let message =
            format!("found duplicate account name \"{account}\" in pinned accounts list [\"{list}\"]");
        findings.problem(entry, message);
    }
    cluster.accounts = accounts;
}

fn permissions(entry: &Entry, findings: &mut Findings) -> Option<Permissions> {
    let permissions = findings.permissions(entry)?;
    checked(entry, permissions, findings)
}

/// What is about queue groups or answers has no meaning between servers.
fn checked(entry: &Entry, permissions: Permissions, findings: &mut Findings) -> Option<Permissions> {
    if permissions.allow_responses.is_some() {
        return findings.refuse(
            entry,
            "Cluster permissions do not support dynamic responses".to_owned(),
        );
    }
    let Rules { allow, deny } = &permissions.subscribe;
    for (list, entries) in [("allow", allow), ("deny", deny)] {
        if let Some(subject) = entries
            .iter()
            .find(|subject| subject.contains(char::is_whitespace))
        {
            let message = format!("cluster export {list}: subject {subject:?} is not a valid subject");
            return findings.refuse(entry, message);
        }
    }
    Some(permissions)
}

/// How servers call it to each other, from nats-server 2.15 on, that leaf nodes are of no cluster.
pub(super) const NO_CLUSTER: &str = "_";

/// What is said of a cluster that is called so.
pub(super) const RESERVED: &str = "cluster name is reserved";

fn name(entry: &Entry, cluster: &mut Cluster, findings: &mut Findings) {
    if let Some(name) = findings.optional_text(entry) {
        if name.as_ref().is_some_and(|name| name.contains(' ')) {
            findings.problem(entry, "cluster name cannot contain spaces or new lines");
        }
        if name.as_deref() == Some(NO_CLUSTER) {
            findings.problem(entry, RESERVED);
        }
        cluster.name = name;
    }
}

fn routes(entry: &Entry, findings: &mut Findings) -> Vec<RouteUrl> {
    let mut routes: Vec<RouteUrl> = Vec::new();
    for value in findings.array(entry).unwrap_or_default() {
        let Kind::Text(text) = &value.kind else {
            let message = format!("{} must hold URLs, not {}", entry.key, value.kind.name());
            findings.problem_at(&value.place, message);
            continue;
        };
        match RouteUrl::parse(text) {
            Some(route) if routes.contains(&route) => {
                findings.note(Some(entry), format!("Duplicate route entry detected: {route:?}"));
            }
            Some(route) => routes.push(route),
            // It may hold a password.
            None => findings.problem_at(
                &value.place,
                "a route must be a URL such as nats-route://host:6222",
            ),
        }
    }
    routes
}

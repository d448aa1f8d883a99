//! What sets two configurations apart, and whether a running server can go from one to the other.
//!
//! Every setting has one line in [`compare`], which takes the configuration apart completely: a setting that is added
//! does not compile until it is said there whether it can change while the server runs.

mod admin;
mod cluster;
mod credentials;
mod gateway;
mod jetstream;
mod leafnodes;
mod logging;
mod shown;
mod websocket;

pub use shown::{MASK, Shown};

use crate::{
    Accounts, Config, ConnectorSettings, Limits, ListenerSettings, Metrics, Monitoring, Operators, Port,
    UNLIMITED, WriteTimeout,
};
use credentials::Parts;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;
use thiserror::Error;
use vagus_protocol::size::Size;

/// One setting that a running server takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key of the configuration file; with dots between the sections.
    pub key: &'static str,
    /// What it was.
    pub old: Shown,
    /// What it is to be.
    pub new: Shown,
    /// What cannot be seen from `old` and `new`, without secrets.
    pub detail: Option<String>,
    /// What nats-server calls it in its log.
    announced: Announced,
}

/// How a change is told in the log, in the words that tools look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announced {
    /// `Reloaded: <name> = <value>`
    Valued(&'static str),
    /// `Reloaded: <name>`: the value is, or has, a secret.
    Named(&'static str),
    /// Like `Valued`, of a number of bytes.
    Sized(&'static str),
    /// Like `Valued`, with nats-server's other first word.
    Reload(&'static str),
}

/// The line of the log.
impl Display for Change {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.announced {
            Announced::Valued(name) => write!(out, "Reloaded: {name} = {}", self.new),
            Announced::Sized(name) => match self.new {
                Shown::Number(bytes) => write!(out, "Reloaded: {name} = {}", Size(bytes)),
                _ => write!(out, "Reloaded: {name} = {}", self.new),
            },
            Announced::Named(name) => write!(out, "Reloaded: {name}"),
            Announced::Reload(name) => write!(out, "Reload: {name} = {}", self.new),
        }
    }
}

/// A setting that cannot change while the server runs. Nothing else of the new configuration is taken over then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("config reload not supported for {key}: old={old}, new={new}")]
pub struct Refusal {
    /// The key of the configuration file.
    pub key: &'static str,
    /// What it is.
    pub old: Shown,
    /// What it was to be.
    pub new: Shown,
}

/// One setting and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key of the configuration file; with dots between the sections.
    pub key: &'static str,
    /// Its value, whether it was set or is the default.
    pub value: Shown,
    /// Whether it can change while the server runs.
    pub reloads: bool,
}

/// What a server that is set to `old` has to change to be set to `new`.
///
/// # Errors
/// Every setting that cannot change while the server runs, and does.
pub fn diff(old: &Config, new: &Config) -> Result<Vec<Change>, Vec<Refusal>> {
    let mut changes = Vec::new();
    let mut refusals = Vec::new();
    for row in compare(old, new).rows {
        if !row.differs {
            continue;
        }
        let Row { key, old, new, .. } = row;
        match row.announced {
            Some(announced) => changes.push(Change {
                key,
                old,
                new,
                detail: row.detail,
                announced,
            }),
            None => refusals.push(Refusal { key, old, new }),
        }
    }
    if refusals.is_empty() {
        Ok(changes)
    } else {
        Err(refusals)
    }
}

/// All settings, with their defaults and without their secrets.
pub fn settings(config: &Config) -> Vec<Setting> {
    let setting = |row: Row| Setting {
        key: row.key,
        value: row.new,
        reloads: row.announced.is_some(),
    };
    compare(config, config).rows.into_iter().map(setting).collect()
}

struct Row {
    key: &'static str,
    old: Shown,
    new: Shown,
    differs: bool,
    detail: Option<String>,
    /// None: it cannot change while the server runs.
    announced: Option<Announced>,
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
}

impl Table {
    fn row<T: PartialEq>(
        &mut self,
        key: &'static str,
        (old, new): (&T, &T),
        show: impl Fn(&T) -> Shown,
        announced: Option<Announced>,
    ) {
        self.rows.push(Row {
            key,
            old: show(old),
            new: show(new),
            differs: old != new,
            detail: None,
            announced,
        });
    }

    /// A setting that reloads, under its own name.
    fn reloads<T: PartialEq>(&mut self, key: &'static str, pair: (&T, &T), show: impl Fn(&T) -> Shown) {
        self.row(key, pair, show, Some(Announced::Valued(key)));
    }

    /// A setting for which the server has to be started anew.
    fn fixed<T: PartialEq>(&mut self, key: &'static str, pair: (&T, &T), show: impl Fn(&T) -> Shown) {
        self.row(key, pair, show, None);
    }
}

/// A whole section, of which no more is shown than that it is there.
fn section<T>(section: &Option<T>) -> Shown {
    Shown::Text(if section.is_some() { "enabled" } else { "disabled" }.to_owned())
}

fn show_write_timeout(policy: &WriteTimeout) -> Shown {
    Shown::Text(match policy {
        WriteTimeout::Close => "close".to_owned(),
        WriteTimeout::Retry => "retry".to_owned(),
    })
}

fn compare(old: &Config, new: &Config) -> Table {
    let Config {
        clients,
        trusted_proxies,
        accounts,
        operators,
        server_name,
        tags,
        metadata,
        limits,
        // What of it is in force is in `clients.tls`.
        beside_tls: _,
        logging,
        lame_duck,
        pid_file,
        store_dir,
        feature_flags,
        ports_file_dir,
        monitoring,
        metrics,
        admin,
        cluster,
        gateway,
        leafnodes,
        connectors,
        jetstream,
        websocket,
        // Of the content as a whole.
        digest: _,
        arbiters,
    } = old;
    let ListenerSettings {
        listen,
        advertise,
        tls,
        credentials,
        callout,
        auth_timeout,
        requires_proxy,
        proxy_protocol,
    } = clients;
    let mut table = Table::default();
    table.fixed("host", (&listen.host, &new.clients.listen.host), |host| {
        Shown::Text(host.clone())
    });
    table.fixed("port", (&listen.port, &new.clients.listen.port), |port| {
        Shown::number(port.to_bind().into())
    });
    table.fixed("server_name", (server_name, &new.server_name), |name| {
        Shown::optional(name.as_ref())
    });
    table.reloads("server_tags", (tags, &new.tags), |tags| Shown::List(tags.clone()));
    table.reloads("server_metadata", (metadata, &new.metadata), |notes| {
        Shown::List(
            notes
                .iter()
                .map(|(name, text)| format!("{name}: {text}"))
                .collect(),
        )
    });
    compare_limits(&mut table, limits, &new.limits);
    compare_credentials(
        &mut table,
        &Parts::of(credentials),
        &Parts::of(&new.clients.credentials),
        (auth_timeout, &new.clients.auth_timeout),
    );
    table.row(
        "authorization.auth_callout",
        (callout, &new.clients.callout),
        section,
        Some(Announced::Named("authorization callout")),
    );
    let Accounts { definitions, system } = accounts;
    table.row(
        "accounts",
        (definitions, &new.accounts.definitions),
        |definitions| Shown::List(definitions.keys().map(|name| name.to_string()).collect()),
        Some(Announced::Named("accounts")),
    );
    table.fixed("system_account", (system, &new.accounts.system), |name| {
        Shown::optional(name.as_ref())
    });
    compare_operators(&mut table, operators.as_ref(), new.operators.as_ref());
    table.row(
        "authorization.proxy_required",
        (requires_proxy, &new.clients.requires_proxy),
        |on| Shown::Boolean(*on),
        Some(Announced::Named("authorization proxy required")),
    );
    table.row(
        "proxies.trusted",
        (trusted_proxies, &new.trusted_proxies),
        |keys| Shown::List(keys.clone()),
        Some(Announced::Named("proxies trusted keys")),
    );
    // Certificates are read anew with every reload, whether or not anything else about them has changed.
    table.row(
        "tls",
        (tls, &new.clients.tls),
        section,
        Some(Announced::Valued("tls")),
    );
    table.fixed(
        "proxy_protocol",
        (proxy_protocol, &new.clients.proxy_protocol),
        |on| Shown::Boolean(*on),
    );
    logging::compare(&mut table, logging, &new.logging);
    table.reloads(
        "lame_duck_duration",
        (&lame_duck.duration, &new.lame_duck.duration),
        |time| Shown::duration(*time),
    );
    table.reloads(
        "lame_duck_grace_period",
        (&lame_duck.grace_period, &new.lame_duck.grace_period),
        |time| Shown::duration(*time),
    );
    let path = |path: &Option<std::path::PathBuf>| Shown::optional(path.as_ref().map(|path| path.display()));
    table.reloads("pid_file", (pid_file, &new.pid_file), path);
    let keeps_streams = jetstream.is_some() && new.jetstream.is_some();
    table.row(
        "store_dir",
        (store_dir, &new.store_dir),
        path,
        (!keeps_streams).then_some(Announced::Valued("store_dir")),
    );
    table.reloads("feature_flags", (feature_flags, &new.feature_flags), |flags| {
        Shown::List(flags.iter().map(|(name, on)| format!("{name}: {on}")).collect())
    });
    table.reloads("ports_file_dir", (ports_file_dir, &new.ports_file_dir), path);
    table.row(
        "client_advertise",
        (advertise, &new.clients.advertise),
        |address| Shown::optional(address.as_ref()),
        Some(Announced::Reload("client_advertise")),
    );
    let shown = |port: &Option<Port>| Shown::optional(port.map(Port::to_bind));
    let Monitoring {
        host,
        http,
        https,
        base_path,
        max_closed_clients,
    } = monitoring;
    table.fixed("http_host", (host, &new.monitoring.host), |host| {
        Shown::optional(host.as_ref())
    });
    table.fixed("http_port", (http, &new.monitoring.http), shown);
    table.fixed("https_port", (https, &new.monitoring.https), shown);
    table.fixed("http_base_path", (base_path, &new.monitoring.base_path), |path| {
        Shown::Text(path.clone())
    });
    table.fixed(
        "max_closed_clients",
        (max_closed_clients, &new.monitoring.max_closed_clients),
        |count| Shown::number(*count),
    );
    let Metrics { prefix, connections } = metrics;
    table.fixed("metrics.prefix", (prefix, &new.metrics.prefix), |prefix| {
        Shown::Text(prefix.clone())
    });
    table.fixed(
        "metrics.connections",
        (connections, &new.metrics.connections),
        |on| Shown::Boolean(*on),
    );
    cluster::compare(&mut table, (cluster.as_ref(), new.cluster.as_ref()));
    gateway::compare(&mut table, (gateway.as_ref(), new.gateway.as_ref()));
    leafnodes::compare(&mut table, (leafnodes, &new.leafnodes));
    jetstream::compare(&mut table, (jetstream.as_ref(), new.jetstream.as_ref()));
    websocket::compare(&mut table, (websocket.as_ref(), new.websocket.as_ref()));
    admin::compare(&mut table, (admin.as_ref(), new.admin.as_ref()));
    table.row(
        "connectors",
        (connectors, &new.connectors),
        |connectors| {
            let shown = |connector: &ConnectorSettings| format!("{}: {}", connector.id, connector.kind());
            Shown::List(connectors.iter().map(shown).collect())
        },
        Some(Announced::Named("connectors")),
    );
    table.fixed("arbiters", (arbiters, &new.arbiters), |count| {
        Shown::number(*count)
    });
    table
}

fn compare_operators(table: &mut Table, old: Option<&Operators>, new: Option<&Operators>) {
    fn part<T>(operators: Option<&Operators>, part: impl Fn(&Operators) -> T) -> Option<T> {
        operators.map(part)
    }
    let keys = |operators: &Operators| {
        let mut keys: Vec<String> = operators.trust().keys().map(str::to_owned).collect();
        keys.sort();
        keys
    };
    table.fixed("operator", (&part(old, keys), &part(new, keys)), |keys| {
        Shown::List(keys.clone().unwrap_or_default())
    });
    let resolver = |operators: &Operators| operators.resolver.clone();
    table.fixed("resolver", (&part(old, resolver), &part(new, resolver)), section);
    let preload = |operators: &Operators| operators.preload.clone();
    table.row(
        "resolver_preload",
        (&part(old, preload), &part(new, preload)),
        |preload| {
            Shown::List(
                preload
                    .iter()
                    .flatten()
                    .map(|(account, _)| account.clone())
                    .collect(),
            )
        },
        Some(Announced::Named("accounts")),
    );
    let pinned = |operators: &Operators| operators.pinned.clone();
    table.fixed(
        "resolver_pinned_accounts",
        (&part(old, pinned), &part(new, pinned)),
        |pinned| Shown::List(pinned.iter().flatten().flatten().cloned().collect()),
    );
    let sentinel = |operators: &Operators| operators.default_sentinel.clone();
    table.fixed(
        "default_sentinel",
        (&part(old, sentinel), &part(new, sentinel)),
        |sentinel| Shown::secret(sentinel.iter().flatten().next().is_some()),
    );
}

fn compare_limits(table: &mut Table, old: &Limits, new: &Limits) {
    let Limits {
        max_connections,
        max_subscriptions,
        max_subscription_tokens,
        max_control_line,
        max_payload,
        max_pending,
        write_deadline,
        write_timeout,
        stalls_publishers,
        ping_interval,
        ping_max,
        headers,
    } = old;
    let number = |number: &usize| Shown::number(*number);
    // The number for "no limit".
    let limit = |limit: &usize| match *limit {
        UNLIMITED => Shown::Text("-1".to_owned()),
        limit => Shown::number(limit),
    };
    table.reloads("max_connections", (max_connections, &new.max_connections), limit);
    table.reloads(
        "max_subscriptions",
        (max_subscriptions, &new.max_subscriptions),
        limit,
    );
    table.reloads(
        "max_subscription_tokens",
        (max_subscription_tokens, &new.max_subscription_tokens),
        number,
    );
    table.reloads(
        "max_control_line",
        (max_control_line, &new.max_control_line),
        number,
    );
    table.reloads("max_payload", (max_payload, &new.max_payload), number);
    table.reloads("max_pending", (max_pending, &new.max_pending), number);
    let time = |time: &Duration| Shown::duration(*time);
    table.reloads("write_deadline", (write_deadline, &new.write_deadline), time);
    table.reloads(
        "write_timeout",
        (write_timeout, &new.write_timeout),
        show_write_timeout,
    );
    table.reloads(
        "no_fast_producer_stall",
        (stalls_publishers, &new.stalls_publishers),
        |stalls| Shown::Boolean(!stalls),
    );
    table.reloads("ping_interval", (ping_interval, &new.ping_interval), time);
    table.reloads("ping_max", (ping_max, &new.ping_max), |most| {
        Shown::Number(u64::from(*most))
    });
    // Clients have agreed on headers in their CONNECT.
    table.fixed("no_header_support", (headers, &new.headers), |headers| {
        Shown::Boolean(!headers)
    });
}

fn compare_credentials(
    table: &mut Table,
    old: &Parts<'_>,
    new: &Parts<'_>,
    auth_timeout: (&Duration, &Duration),
) {
    table.row(
        "authorization.user",
        (&old.user, &new.user),
        |user| Shown::optional(user.as_ref()),
        Some(Announced::Named("authorization username")),
    );
    table.row(
        "authorization.password",
        (&old.password, &new.password),
        |password| Shown::secret(password.is_some()),
        Some(Announced::Named("authorization password")),
    );
    table.row(
        "authorization.token",
        (&old.token, &new.token),
        |token| Shown::secret(token.is_some()),
        Some(Announced::Named("authorization token")),
    );
    table.row(
        "authorization.users",
        (&old.named, &new.named),
        |users| credentials::names(users),
        Some(Announced::Named("authorization users")),
    );
    if let Some(row) = table.rows.last_mut() {
        row.detail = credentials::what_changed(&old.named, &new.named);
    }
    table.row(
        "authorization.nkeys",
        (&old.keyed, &new.keyed),
        |users| credentials::names(users),
        Some(Announced::Named("authorization nkey users")),
    );
    if let Some(row) = table.rows.last_mut() {
        row.detail = credentials::what_changed(&old.keyed, &new.keyed);
    }
    table.row(
        "authorization.default_permissions",
        (&old.default_permissions, &new.default_permissions),
        section,
        Some(Announced::Named("authorization default permissions")),
    );
    table.reloads("no_auth_user", (&old.no_auth_user, &new.no_auth_user), |user| {
        Shown::optional(user.as_ref())
    });
    table.row(
        "authorization.timeout",
        auth_timeout,
        |time| Shown::Text(time.as_secs_f64().to_string()),
        Some(Announced::Valued("authorization timeout")),
    );
}

#[cfg(test)]
mod tests;

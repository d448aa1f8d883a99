//! An account as administrators see it.

use super::users::UserShown;
use serde::Serialize;
use std::sync::Arc;
use vagus_accounts::{
    Access, AccountDefinition, Latency, LocalSubject, ResponseType, Sampling, ServiceExport, ServiceImport,
    StreamExport, StreamImport,
};
use vagus_delivery::{Account, Passed};
use vagus_monitoring::{Broker, subscriptions_of_clients};

/// Of each list of an account so much is shown, the first; `truncated` says whether there is more.
const SHOWN_AT_MOST: usize = 1024;

/// What a list of accounts has of each.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    name: Box<str>,
    /// What people call it, if that is something else.
    tag: Option<Box<str>>,
    is_system: bool,
    connections: usize,
    total_connections: u64,
    subscriptions: usize,
    received: PassedShown,
    sent: PassedShown,
    slow_consumers: u64,
    exports: usize,
    imports: usize,
    mappings: usize,
    users: usize,
}

#[derive(Debug, Serialize)]
struct PassedShown {
    messages: u64,
    bytes: u64,
}

impl From<Passed> for PassedShown {
    fn from(passed: Passed) -> Self {
        Self {
            messages: passed.messages,
            bytes: passed.payload,
        }
    }
}

impl Summary {
    /// Its connections are asked one by one.
    pub(super) fn of(broker: &Broker, account: &Account, users: usize) -> Self {
        let definition = definition(account);
        let traffic = account.traffic();
        Self {
            name: account.name().into(),
            tag: definition.name_tag.clone(),
            is_system: broker.accounts.is_system(account),
            connections: traffic.connections,
            total_connections: traffic.total_connections,
            subscriptions: subscriptions_of_clients(broker, account),
            received: traffic.received.into(),
            sent: traffic.sent.into(),
            slow_consumers: traffic.slow_consumers,
            exports: definition.stream_exports.len() + definition.service_exports.len(),
            imports: definition.stream_imports.len() + definition.service_imports.len(),
            mappings: definition.mappings.len(),
            users,
        }
    }
}

fn definition(account: &Account) -> Arc<AccountDefinition> {
    account.definition().unwrap_or_default()
}

/// All that is shown of one.
#[derive(Debug, Serialize)]
pub(super) struct AccountShown {
    #[serde(flatten)]
    summary: Summary,
    limits: LimitsShown,
    export_list: Vec<ExportShown>,
    import_list: Vec<ImportShown>,
    mapping_list: Vec<MappingShown>,
    user_list: Vec<UserShown>,
    /// Where events of traced messages go that belong to a trace of somebody else's.
    trace: Option<TraceShown>,
    /// Whether there is more of something than is shown.
    truncated: bool,
}

/// None: no limit.
#[derive(Debug, Serialize)]
struct LimitsShown {
    connections: Option<u32>,
    subscriptions: Option<u32>,
    payload: Option<u32>,
    imports: Option<u32>,
    exports: Option<u32>,
}

#[derive(Debug, Serialize)]
struct ExportShown {
    kind: &'static str,
    subject: Box<str>,
    access: &'static str,
    /// Those who may import it, where it is for these alone.
    accounts: Vec<Box<str>>,
    /// How many messages answer a request to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'static str>,
    /// Where it is told how long requests take, and of how many in a hundred; None in its place: of those that are traced.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<LatencyShown>,
}

#[derive(Debug, Serialize)]
struct LatencyShown {
    subject: Box<str>,
    percent: Option<u8>,
}

#[derive(Debug, Serialize)]
struct ImportShown {
    kind: &'static str,
    /// Whose it is.
    account: Box<str>,
    subject: Box<str>,
    /// What it is called here.
    local: String,
}

#[derive(Debug, Serialize)]
struct MappingShown {
    source: Box<str>,
    destinations: Vec<DestinationShown>,
}

#[derive(Debug, Serialize)]
struct DestinationShown {
    subject: Box<str>,
    weight: u8,
    cluster: Option<Box<str>>,
}

#[derive(Debug, Serialize)]
struct TraceShown {
    destination: Box<str>,
    sampling: u8,
}

impl AccountShown {
    pub(super) fn of(broker: &Broker, account: &Account, mut users: Vec<UserShown>) -> Self {
        let definition = definition(account);
        let summary = Summary::of(broker, account, users.len());
        let longest = [summary.exports, summary.imports, summary.mappings, summary.users]
            .into_iter()
            .max();
        users.truncate(SHOWN_AT_MOST);
        let streams = definition.stream_exports.iter().map(ExportShown::of_stream);
        let services = definition.service_exports.iter().map(ExportShown::of_service);
        let stream_imports = definition.stream_imports.iter().map(ImportShown::of_stream);
        let service_imports = definition.service_imports.iter().map(ImportShown::of_service);
        let limits = &definition.limits;
        Self {
            limits: LimitsShown {
                connections: limits.connections,
                subscriptions: limits.subscriptions,
                payload: limits.payload,
                imports: limits.imports,
                exports: limits.exports,
            },
            export_list: streams.chain(services).take(SHOWN_AT_MOST).collect(),
            import_list: (stream_imports.chain(service_imports))
                .take(SHOWN_AT_MOST)
                .collect(),
            mapping_list: (definition.mappings.iter().take(SHOWN_AT_MOST))
                .map(|mapping| MappingShown {
                    source: mapping.source.clone(),
                    destinations: (mapping.destinations.iter())
                        .map(|destination| DestinationShown {
                            subject: destination.subject.clone(),
                            weight: destination.weight,
                            cluster: destination.cluster.clone(),
                        })
                        .collect(),
                })
                .collect(),
            user_list: users,
            trace: definition.trace.as_ref().map(|trace| TraceShown {
                destination: trace.destination.clone(),
                sampling: trace.sampling,
            }),
            truncated: longest > Some(SHOWN_AT_MOST),
            summary,
        }
    }
}

impl ExportShown {
    fn of_stream(export: &StreamExport) -> Self {
        Self::new("stream", &export.subject, &export.access)
    }

    fn of_service(export: &ServiceExport) -> Self {
        let latency = |latency: &Latency| LatencyShown {
            subject: latency.subject.clone(),
            percent: match latency.sampling {
                Sampling::Percent(percent) => Some(percent),
                Sampling::Headers => None,
            },
        };
        Self {
            response: Some(match export.response_type {
                ResponseType::Singleton => "singleton",
                ResponseType::Stream => "stream",
                ResponseType::Chunked => "chunked",
            }),
            latency: export.latency.as_ref().map(latency),
            ..Self::new("service", &export.subject, &export.access)
        }
    }

    fn new(kind: &'static str, subject: &str, access: &Access) -> Self {
        let (access, accounts) = match access {
            Access::Public => ("public", Vec::new()),
            Access::Accounts(accounts) => {
                ("accounts", accounts.iter().take(SHOWN_AT_MOST).cloned().collect())
            }
            Access::AccountToken(_) => ("token in the subject", Vec::new()),
            Access::Activated(_) => ("activation", Vec::new()),
        };
        Self {
            kind,
            subject: subject.into(),
            access,
            accounts,
            response: None,
            latency: None,
        }
    }
}

impl ImportShown {
    fn of_stream(import: &StreamImport) -> Self {
        let local = match &import.local {
            LocalSubject::Same => import.subject.to_string(),
            LocalSubject::Prefixed(prefix) => format!("{prefix}.{}", import.subject),
            LocalSubject::Mapped(subject) => subject.to_string(),
        };
        Self::new("stream", &import.account, &import.subject, local)
    }

    fn of_service(import: &ServiceImport) -> Self {
        let local = import.local.as_ref().unwrap_or(&import.subject).to_string();
        Self::new("service", &import.account, &import.subject, local)
    }

    fn new(kind: &'static str, account: &str, subject: &str, local: String) -> Self {
        Self {
            kind,
            account: account.into(),
            subject: subject.into(),
            local,
        }
    }
}

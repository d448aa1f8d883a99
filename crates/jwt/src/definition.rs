//! What claims define an account to be, in the form that configurations define accounts in as well.

use std::time::Duration;

use vagus_accounts::{
    self as accounts, Access, AccountDefinition, DEFAULT_RESPONSE_THRESHOLD, LocalSubject, MappedDestination,
    MappingDefinition, ServiceExport, ServiceImport, StreamExport, StreamImport, TraceDefinition,
};
use vagus_jetstream::account::Tiers;

use crate::account::{Account, AccountLimits, JetStreamLimits, WeightedMapping};
use crate::activation::Activation;
use crate::claims::Claims;
use crate::sharing::{Export, Import, Latency, ResponseType, Sampling, ShareKind};
use crate::{NO_LIMIT, subjects};

impl Claims<Account> {
    /// What the account is defined to be. What it imports with a token that does not allow that is left out: it has been
    /// told apart by [`Claims::issues`].
    #[must_use]
    pub fn definition(&self) -> AccountDefinition {
        let account = &self.nats;
        let is_service = |kind: ShareKind| kind == ShareKind::Service;
        let exports = || account.exports.iter();
        let imports = || {
            account.imports.iter().filter_map(|import| {
                let activation = import.activation(&self.subject).ok()?;
                Some((import, activation.map(|activation| said(&activation))))
            })
        };
        AccountDefinition {
            name: self.subject.as_str().into(),
            name_tag: (!self.name.is_empty()).then(|| self.name.as_str().into()),
            public_key: Some(self.subject.as_str().into()),
            signing_keys: account
                .signing_keys
                .0
                .keys()
                .map(|key| key.as_str().into())
                .collect(),
            stream_exports: exports()
                .filter(|export| !is_service(export.kind))
                .map(|export| StreamExport {
                    subject: export.subject.as_str().into(),
                    access: access(export),
                })
                .collect(),
            service_exports: exports()
                .filter(|export| is_service(export.kind))
                .map(service_export)
                .collect(),
            stream_imports: imports()
                .filter(|(import, _)| !is_service(import.kind))
                .map(|(import, activation)| stream_import(import, activation))
                .collect(),
            service_imports: imports()
                .filter(|(import, _)| is_service(import.kind))
                .map(|(import, activation)| service_import(import, activation))
                .collect(),
            mappings: account
                .mappings
                .iter()
                .map(|(source, destinations)| MappingDefinition {
                    source: source.as_str().into(),
                    destinations: destinations.iter().map(destination).collect(),
                })
                .collect(),
            limits: limits(&account.limits),
            jetstream: streams(&account.limits),
            default_permissions: account.default_permissions.granted(),
            trace: trace(account),
        }
    }
}

fn said(activation: &Claims<Activation>) -> accounts::Activation {
    let issuer_account = activation.nats.issuer_account.as_str();
    accounts::Activation {
        account: activation.subject.as_str().into(),
        issuer: activation.issuer.as_str().into(),
        issuer_account: (!issuer_account.is_empty()).then(|| issuer_account.into()),
        subject: activation.nats.subject.as_str().into(),
        is_service: activation.nats.share == Some(ShareKind::Service),
        not_before: activation.not_before,
        issued_at: activation.issued_at,
        expires: activation.expires,
    }
}

fn access(export: &Export) -> Access {
    if export.token_required {
        let revocations = export.revocations.0.iter();
        Access::Activated(
            revocations
                .map(|(key, until)| (key.as_str().into(), *until))
                .collect(),
        )
    } else if export.account_token_position > 0 {
        Access::AccountToken(export.account_token_position)
    } else {
        Access::Public
    }
}

fn service_export(export: &Export) -> ServiceExport {
    let threshold = u64::try_from(export.response_threshold)
        .ok()
        .filter(|threshold| *threshold > 0);
    ServiceExport {
        subject: export.subject.as_str().into(),
        access: access(export),
        response_type: match export.response_type.unwrap_or_default() {
            ResponseType::Singleton => accounts::ResponseType::Singleton,
            ResponseType::Stream => accounts::ResponseType::Stream,
            ResponseType::Chunked => accounts::ResponseType::Chunked,
        },
        response_threshold: threshold.map_or(DEFAULT_RESPONSE_THRESHOLD, Duration::from_nanos),
        latency: export.latency.as_ref().and_then(latency),
        allow_trace: export.allow_trace,
    }
}

fn latency(latency: &Latency) -> Option<accounts::Latency> {
    let sampling = match latency.sampling {
        Sampling::Headers => accounts::Sampling::Headers,
        Sampling::Percent(percent @ 1..=100) => accounts::Sampling::Percent(u8::try_from(percent).ok()?),
        Sampling::Percent(_) => return None,
    };
    Some(accounts::Latency {
        sampling,
        subject: latency.results.as_str().into(),
    })
}

fn stream_import(import: &Import, activation: Option<accounts::Activation>) -> StreamImport {
    StreamImport {
        account: import.account.as_str().into(),
        subject: import.subject.as_str().into(),
        local: match (&*import.local_subject, &*import.to) {
            ("", "") => LocalSubject::Same,
            ("", prefix) => LocalSubject::Prefixed(prefix.trim_end_matches('.').into()),
            (local, _) => LocalSubject::Mapped(local.into()),
        },
        allow_trace: import.allow_trace,
        activation,
    }
}

/// Without a local subject the older form holds, in which `subject` is what is published here and `to` what it is there.
fn service_import(import: &Import, activation: Option<accounts::Activation>) -> ServiceImport {
    let (subject, local) = match (&*import.local_subject, &*import.to) {
        ("", "") => (&*import.subject, None),
        ("", to) => (to, Some(&*import.subject)),
        (local, _) => (&*import.subject, Some(local)),
    };
    ServiceImport {
        account: import.account.as_str().into(),
        subject: subject.into(),
        local: local.map(Into::into),
        share: import.share,
        activation,
    }
}

fn destination(mapping: &WeightedMapping) -> MappedDestination {
    MappedDestination {
        subject: mapping.subject.as_str().into(),
        weight: mapping.percent(),
        cluster: (!mapping.cluster.is_empty()).then(|| mapping.cluster.as_str().into()),
    }
}

/// Less than nothing is no limit, and more than can be counted neither.
fn limit(limit: i64) -> Option<u32> {
    (limit != NO_LIMIT).then(|| u32::try_from(limit.max(0)).unwrap_or(u32::MAX))
}

/// What it may keep in streams: nothing, unless it may have bytes in memory or on disk.
fn streams(limits: &AccountLimits) -> Option<Tiers> {
    let may_keep = |limits: &JetStreamLimits| limits.memory != 0 || limits.disk != 0;
    if may_keep(&limits.jet_stream) {
        return Some(Tiers::flat(stream_limits(&limits.jet_stream)));
    }
    let tiers = limits
        .tiers
        .iter()
        .map(|(name, limits)| (name.clone(), stream_limits(limits)));
    limits
        .tiers
        .values()
        .any(may_keep)
        .then(|| Tiers(tiers.collect()))
}

fn stream_limits(limits: &JetStreamLimits) -> vagus_jetstream::account::AccountLimits {
    let number = |number: i64| isize::try_from(number).unwrap_or(-1);
    let or_none = |number: i64| if number > 0 { number } else { NO_LIMIT };
    vagus_jetstream::account::AccountLimits {
        max_memory: limits.memory,
        max_storage: limits.disk,
        max_streams: number(limits.streams),
        max_consumers: number(limits.consumers),
        max_ack_pending: number(or_none(limits.max_ack_pending)),
        memory_max_stream_bytes: or_none(limits.memory_of_a_stream),
        storage_max_stream_bytes: or_none(limits.disk_of_a_stream),
        max_bytes_required: limits.max_bytes_required,
    }
}

fn limits(limits: &AccountLimits) -> accounts::AccountLimits {
    accounts::AccountLimits {
        connections: limit(limits.connections),
        leaf_nodes: limit(limits.leaf_nodes),
        subscriptions: limit(limits.subscriptions),
        payload: limit(limits.payload),
        imports: limit(limits.imports),
        exports: limit(limits.exports),
        disallow_bearer: limits.disallow_bearer,
        disallow_wildcard_exports: !limits.wildcard_exports,
    }
}

/// One that cannot be published on is as good as none.
fn trace(account: &Account) -> Option<TraceDefinition> {
    let trace = account.trace.as_ref()?;
    if trace.destination.is_empty() || subjects::has_wildcards(&trace.destination) {
        return None;
    }
    Some(TraceDefinition {
        destination: trace.destination.as_str().into(),
        sampling: match trace.sampling {
            sampling @ 1..=100 => u8::try_from(sampling).ok()?,
            _ => 100,
        },
    })
}

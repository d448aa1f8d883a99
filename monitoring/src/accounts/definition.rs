//! What an account exports, imports and maps, as nats-server shows it.

use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::Not;
use vagus_accounts::{
    Access, AccountDefinition, Latency, LocalSubject, MappingDefinition, ResponseType, Sampling,
    ServiceExport,
};

/// All shares of the messages on one subject.
const WHOLE: u8 = 100;

/// What there is to show of a definition.
#[derive(Debug, Serialize)]
pub(super) struct DefinitionShown {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    mappings: BTreeMap<Box<str>, Vec<Destination>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exports: Vec<Export>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    imports: Vec<Import>,
}

#[derive(Debug, Serialize)]
struct Destination {
    subject: Box<str>,
    /// Up to which of a hundred numbers a message goes there, those before it in the list first.
    weight: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<Box<str>>,
}

#[derive(Debug, Serialize)]
struct Export {
    subject: Box<str>,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Not::not")]
    token_req: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_latency: Option<LatencyShown>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    approved_accounts: Vec<Box<str>>,
}

#[derive(Debug, Serialize)]
struct LatencyShown {
    sampling: SamplingShown,
    results: Box<str>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum SamplingShown {
    Percent(u8),
    Headers(&'static str),
}

#[derive(Debug, Serialize)]
struct Import {
    subject: Box<str>,
    account: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Box<str>>,
    local_subject: Box<str>,
    r#type: &'static str,
    invalid: bool,
    share: bool,
    tracking: bool,
}

impl DefinitionShown {
    pub(super) fn of(definition: &AccountDefinition) -> Self {
        let services = definition.service_exports.iter().map(Export::of_service);
        let streams = definition.stream_exports.iter();
        let streams = streams.map(|export| Export::of(&export.subject, "stream", &export.access));
        let mappings = definition.mappings.iter();
        Self {
            mappings: mappings
                .map(|mapping| (mapping.source.clone(), destinations(mapping)))
                .collect(),
            exports: services.chain(streams).collect(),
            imports: imports(definition),
        }
    }
}

impl Export {
    fn of(subject: &str, kind: &'static str, access: &Access) -> Self {
        Self {
            subject: subject.into(),
            r#type: kind,
            token_req: matches!(access, Access::Activated(_)),
            response_type: None,
            service_latency: None,
            approved_accounts: match access {
                Access::Accounts(names) => names.clone(),
                Access::Public | Access::AccountToken(_) | Access::Activated(_) => Vec::new(),
            },
        }
    }

    fn of_service(export: &ServiceExport) -> Self {
        let response_type = match export.response_type {
            ResponseType::Singleton => "Singleton",
            ResponseType::Stream => "Streamed",
            ResponseType::Chunked => "Chunked",
        };
        Self {
            response_type: Some(response_type),
            service_latency: export.latency.as_ref().map(LatencyShown::of),
            ..Self::of(&export.subject, "service", &export.access)
        }
    }
}

impl LatencyShown {
    fn of(latency: &Latency) -> Self {
        Self {
            sampling: match latency.sampling {
                Sampling::Percent(percent) => SamplingShown::Percent(percent),
                Sampling::Headers => SamplingShown::Headers("headers"),
            },
            results: latency.subject.clone(),
        }
    }
}

/// Streams first. That what is refused is left out, the log says.
fn imports(definition: &AccountDefinition) -> Vec<Import> {
    let streams = definition.stream_imports.iter().map(|import| Import {
        subject: import.subject.clone(),
        account: import.account.clone(),
        to: None,
        local_subject: match &import.local {
            LocalSubject::Same => import.subject.clone(),
            LocalSubject::Prefixed(prefix) => format!("{prefix}.{}", import.subject).into(),
            LocalSubject::Mapped(subject) => subject.clone(),
        },
        r#type: "stream",
        invalid: false,
        share: false,
        tracking: false,
    });
    let services = definition.service_imports.iter().map(|import| {
        let local = import.local.as_ref().unwrap_or(&import.subject);
        Import {
            subject: import.subject.clone(),
            account: import.account.clone(),
            to: Some(local.clone()),
            local_subject: local.clone(),
            r#type: "service",
            invalid: false,
            share: import.share,
            tracking: false,
        }
    });
    streams.chain(services).collect()
}

/// Those of any cluster, then those of each that is named. What their weights lack of a hundred stays on the source,
/// unless that is one of them.
fn destinations(mapping: &MappingDefinition) -> Vec<Destination> {
    let mut clusters: Vec<Option<&Box<str>>> = vec![None];
    for destination in &mapping.destinations {
        let cluster = destination.cluster.as_ref();
        if !clusters.contains(&cluster) {
            clusters.push(cluster);
        }
    }
    let names_source = mapping.destinations.iter().any(|it| it.subject == mapping.source);
    clusters
        .into_iter()
        .flat_map(|cluster| {
            let of_cluster = mapping.destinations.iter();
            let of_cluster = of_cluster.filter(|it| it.cluster.as_ref() == cluster);
            let mut weights: Vec<(Box<str>, u8)> =
                of_cluster.map(|it| (it.subject.clone(), it.weight)).collect();
            let total: u8 = weights.iter().map(|(_, weight)| weight).sum();
            if total < WHOLE && !names_source {
                weights.push((with_places(&mapping.source), WHOLE - total));
            }
            weights.sort_by_key(|(_, weight)| *weight);
            let mut up_to = 0;
            let shown = weights.into_iter().map(move |(subject, weight)| {
                up_to += weight;
                Destination {
                    subject,
                    weight: up_to,
                    cluster: cluster.cloned(),
                }
            });
            shown.collect::<Vec<_>>()
        })
        .collect()
}

/// A pattern as the destination of itself: `a.*` is `a.$1`.
fn with_places(pattern: &str) -> Box<str> {
    let mut wildcards = 0;
    let tokens = pattern.split('.').map(|token| match token {
        "*" => {
            wildcards += 1;
            format!("${wildcards}")
        }
        other => other.to_owned(),
    });
    tokens.collect::<Vec<_>>().join(".").into()
}

#[cfg(test)]
mod tests {
    use super::DefinitionShown;
    use vagus_accounts::{AccountDefinition, MappingDefinition};
    use vagus_routing::MappedDestination;

    /// As nats-server 2.14 shows the same.
    #[test]
    fn weights_add_up() {
        let destination = |subject: &str, weight, cluster: Option<&str>| MappedDestination {
            subject: subject.into(),
            weight,
            cluster: cluster.map(Into::into),
        };
        let definition = AccountDefinition {
            mappings: vec![MappingDefinition {
                source: "w.*".into(),
                destinations: vec![destination("x.$1", 40, None), destination("y.$1", 20, Some("c"))],
            }],
            ..AccountDefinition::default()
        };
        let shown = serde_json::to_string(&DefinitionShown::of(&definition)).unwrap();
        assert_eq!(
            shown,
            r#"{"mappings":{"w.*":[{"subject":"x.$1","weight":40},{"subject":"w.$1","weight":100},{"subject":"y.$1","weight":20,"cluster":"c"},{"subject":"w.$1","weight":100,"cluster":"c"}]}}"#
        );
    }
}

//! Where messages go on that are published on certain subjects.

use super::super::findings::Findings;
use super::super::read::set;
use crate::grammar::{Entry, Kind, Map, Place, Value};
use vagus_accounts::MappingDefinition;
use vagus_routing::{MappedDestination, subject};

/// A map from subjects to where they go.
pub(super) fn read(entry: &Entry, findings: &mut Findings) -> Vec<MappingDefinition> {
    let map = findings.map(entry).map(Map::entries).unwrap_or_default();
    map.iter()
        .filter_map(|mapped| mapping(entry, mapped, findings))
        .collect()
}

/// A subject, or one destination, or several, each with its weight.
fn mapping(section: &Entry, entry: &Entry, findings: &mut Findings) -> Option<MappingDefinition> {
    let source = entry.key.as_str();
    if !subject::is_valid_subscription(source.as_bytes()) {
        return findings.refuse(section, format!("Subject {source:?} is not a valid subject"));
    }
    let destinations = match &entry.value.kind {
        Kind::Text(subject) => vec![MappedDestination::only(subject)],
        Kind::Array(values) => values
            .iter()
            .filter_map(|value| destination(value, &value.place, findings))
            .collect(),
        _ => vec![destination(&entry.value, &entry.place, findings)?],
    };
    let mapping = MappingDefinition {
        source: source.into(),
        destinations,
    };
    if let Err(error) = mapping.mapping(None) {
        let only = match &entry.value.kind {
            Kind::Text(subject) => format!(" to {subject:?}"),
            _ => String::new(),
        };
        return findings.refuse(
            entry,
            format!("Error adding mapping for {source:?}{only} : {error}"),
        );
    }
    Some(mapping)
}

fn destination(value: &Value, place: &Place, findings: &mut Findings) -> Option<MappedDestination> {
    let Kind::Map(map) = &value.kind else {
        findings.problem_at(place, "Expected an entry for the mapping destination");
        return None;
    };
    let (mut subject, mut weight, mut cluster) = ("", None, None);
    for part in map.entries() {
        match part.key.to_lowercase().as_str() {
            "dest" | "destination" => set(&mut subject, findings.text(part)),
            "weight" => weight = Some(percent(part, findings)?),
            "cluster" => cluster = findings.text(part).filter(|name| !name.is_empty()),
            // Also where it is referred to as a variable.
            _ => {
                let message = format!("Unknown field {:?} for mapping destination", part.key);
                return findings.refuse(part, message);
            }
        }
    }
    let Some(weight) = weight else {
        let message = format!("Missing weight for mapping destination {subject:?}");
        findings.problem_at(place, message);
        return None;
    };
    Some(MappedDestination {
        subject: subject.into(),
        weight,
        cluster: cluster.map(Into::into),
    })
}

/// A number from 0 to 100, also as text such as `50%`.
fn percent(entry: &Entry, findings: &mut Findings) -> Option<u8> {
    let number = match &entry.value.kind {
        Kind::Integer(number) => Some(*number),
        Kind::Text(text) => text.strip_suffix('%').unwrap_or(text).parse().ok(),
        other => {
            let message = format!("Unknown entry type for weight of {}", other.name());
            return findings.refuse(entry, message);
        }
    };
    match number.and_then(|number| u8::try_from(number).ok()) {
        Some(weight @ 0..=100) => Some(weight),
        _ => findings.refuse(entry, "Invalid weight for mapping destination".to_owned()),
    }
}

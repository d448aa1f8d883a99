//! What operators call a server by, beside its name.

use super::findings::Findings;
use crate::grammar::{Entry, Kind, Map};
use std::collections::BTreeMap;

/// One tag or a list of them, in lower case and each once, as nats-server keeps them.
pub(super) fn tags(entry: &Entry, findings: &mut Findings) -> Vec<String> {
    let values = match &entry.value.kind {
        Kind::Array(values) => values.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    let mut tags = Vec::with_capacity(values.len());
    for value in values {
        let Kind::Text(text) = &value.kind else {
            let found = value.kind.name();
            findings.problem(entry, format!("error parsing tags: a tag is text, not {found}"));
            break;
        };
        let tag = text.trim().to_lowercase();
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// What nats-server is to do or not to do, by name. Names that nobody knows are no mistake.
pub(super) fn feature_flags(entry: &Entry, findings: &mut Findings) -> BTreeMap<String, bool> {
    let flags = findings.map(entry).map(Map::entries).unwrap_or_default();
    flags
        .iter()
        .filter_map(|flag| Some((flag.key.clone(), findings.boolean(flag)?)))
        .collect()
}

/// Texts by name.
pub(super) fn metadata(entry: &Entry, findings: &mut Findings) -> BTreeMap<String, String> {
    let Kind::Map(map) = &entry.value.kind else {
        let found = entry.value.kind.name();
        findings.problem(
            entry,
            format!("error parsing metadata: names and texts are wanted, not {found}"),
        );
        return BTreeMap::new();
    };
    let mut metadata = BTreeMap::new();
    for note in map.entries() {
        if let Some(text) = findings.text(note) {
            metadata.insert(note.key.clone(), text.to_owned());
        }
    }
    metadata
}

//! Changes to single keys: a merge patch, as RFC 7396 has it for JSON.

use crate::grammar::{Entry, Kind, Map, Place, Value};

/// What becomes of a value.
#[derive(Clone, PartialEq)]
pub enum Patch {
    /// It goes.
    Remove,
    /// This stands in its place.
    Replace(Kind),
    /// It is a map, and this becomes of its entries; those that are not named stay.
    Merge(Vec<(String, Patch)>),
}

/// The structure without what it holds: any of it may be a secret.
impl std::fmt::Debug for Patch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Remove => formatter.write_str("Remove"),
            Self::Replace(kind) => formatter.debug_tuple("Replace").field(kind).finish(),
            Self::Merge(entries) => formatter
                .debug_map()
                .entries(entries.iter().map(|(key, patch)| (key, patch)))
                .finish(),
        }
    }
}

impl Patch {
    /// What becomes of `map`. Keys mean the same in upper and lower case; an entry that stays keeps its place.
    #[must_use]
    pub fn applied_to(&self, map: &Map) -> Map {
        match self {
            Self::Merge(patches) => merge(patches, map),
            Self::Replace(Kind::Map(map)) => map.clone(),
            Self::Remove | Self::Replace(_) => Map::default(),
        }
    }
}

impl Patch {
    /// The same keys, with the values that they have in `map`.
    #[must_use]
    pub fn with_values_of(&self, map: &Map) -> Self {
        let Self::Merge(patches) = self else {
            return self.clone();
        };
        let one = |(key, patch): &(String, Self)| {
            let found = map.find(key).map(|entry| &entry.value.kind);
            let patch = match (patch, found) {
                (Self::Merge(_), Some(Kind::Map(map))) => patch.with_values_of(map),
                (Self::Replace(_), Some(kind)) => Self::Replace(kind.clone()),
                _ => patch.clone(),
            };
            (key.clone(), patch)
        };
        Self::Merge(patches.iter().map(one).collect())
    }
}

fn merge(patches: &[(String, Patch)], map: &Map) -> Map {
    let named = |key: &str| {
        patches
            .iter()
            .rev()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
    };
    let mut merged = Map::default();
    for entry in map.entries() {
        match named(&entry.key) {
            None => merged.set(entry.clone()),
            Some((_, patch)) => {
                let mut entry = entry.clone();
                if let Some(kind) = value(patch, Some(&entry.value.kind)) {
                    entry.value.kind = kind;
                    merged.set(entry);
                }
            }
        }
    }
    for (key, patch) in patches {
        if map.find(key).is_some() {
            continue;
        }
        if let Some(kind) = value(patch, None) {
            merged.set(Entry {
                key: key.clone(),
                place: Place::of_request(),
                value: Value {
                    kind,
                    place: Place::of_request(),
                    variable: None,
                },
                used: false,
            });
        }
    }
    merged
}

/// What becomes of a value; None if nothing is left of it.
fn value(patch: &Patch, old: Option<&Kind>) -> Option<Kind> {
    match (patch, old) {
        (Patch::Remove, _) => None,
        (Patch::Replace(kind), _) => Some(kind.clone()),
        (Patch::Merge(patches), Some(Kind::Map(map))) => Some(Kind::Map(merge(patches, map))),
        (Patch::Merge(patches), _) => Some(Kind::Map(merge(patches, &Map::default()))),
    }
}

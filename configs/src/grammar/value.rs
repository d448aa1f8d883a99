use super::Place;
use std::collections::HashMap;
use std::sync::Arc;

/// A value, and where it stands.
#[derive(Clone, PartialEq)]
pub struct Value {
    /// The value itself.
    pub kind: Kind,
    /// Where it begins; for one that a variable stands for, where the variable stands.
    pub place: Place,
    /// The name of the variable that stands for it, if one does: what is said of it names that and not the value.
    pub variable: Option<Arc<str>>,
}

/// What a value can be.
#[derive(Clone, PartialEq)]
pub enum Kind {
    /// A bare word, a quoted text or a block.
    Text(String),
    /// A whole number, its size unit multiplied in.
    Integer(i64),
    /// A number with a decimal point.
    Float(f64),
    /// true, yes, on; false, no, off.
    Boolean(bool),
    /// A point in time in UTC, `2006-01-02T15:04:05Z`; its day exists.
    Date(String),
    /// `[ … ]`
    Array(Vec<Value>),
    /// `{ … }`
    Map(Map),
}

impl Kind {
    /// What an operator would call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number with a decimal point",
            Self::Boolean(_) => "true or false",
            Self::Date(_) => "a date",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
        }
    }
}

/// The structure without what it holds: any of it may be a secret.
impl std::fmt::Debug for Value {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.kind.fmt(formatter)
    }
}

/// The structure without what it holds: any of it may be a secret.
impl std::fmt::Debug for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Array(values) => values.fmt(formatter),
            Self::Map(map) => map.fmt(formatter),
            other => formatter.write_str(other.name()),
        }
    }
}

/// A key of a map, and what it is set to.
#[derive(Clone, PartialEq)]
pub struct Entry {
    /// The key as it is written; what it means does not depend on upper and lower case.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// What it is set to.
    pub value: Value,
    /// Whether something refers to it as a variable, so that it may be a key of the operator's own.
    pub used: bool,
}

/// So many entries are looked through faster than they are looked up; and there may be a hundred thousand small maps.
const LOOKED_THROUGH: usize = 16;

/// The entries of a map in the order of the file. A key that is set again keeps its place in the order.
///
/// One that is cloned is shared until one of both is changed: what holds and what held before is mostly the same.
#[derive(Clone, Default)]
pub struct Map {
    entries: Arc<Vec<Entry>>,
    /// Where each key stands, if there are more than [`LOOKED_THROUGH`].
    positions: Option<Arc<HashMap<String, usize>>>,
}

/// Where entries stand follows from the entries.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Map {
    /// All entries, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of exactly this key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(self.position(key)?)
    }

    fn position(&self, key: &str) -> Option<usize> {
        match &self.positions {
            Some(positions) => positions.get(key).copied(),
            None => self.entries.iter().position(|entry| entry.key == key),
        }
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        let position = self.position(key)?;
        Arc::make_mut(&mut self.entries).get_mut(position)
    }

    /// Adds an entry, in place of one with the same key.
    pub(crate) fn set(&mut self, entry: Entry) {
        if let Some(earlier) = self.get_mut(&entry.key) {
            *earlier = entry;
            return;
        }
        if let Some(positions) = &mut self.positions {
            Arc::make_mut(positions).insert(entry.key.clone(), self.entries.len());
        }
        Arc::make_mut(&mut self.entries).push(entry);
        if self.positions.is_none() && self.entries.len() > LOOKED_THROUGH {
            let entries = self.entries.iter().enumerate();
            let positions = entries.map(|(position, entry)| (entry.key.clone(), position));
            self.positions = Some(Arc::new(positions.collect()));
        }
    }

    /// The entry of this key, whatever its case.
    pub fn find(&self, key: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .rev()
            .find(|entry| entry.key.eq_ignore_ascii_case(key))
    }

    /// Gives back the room for further entries.
    pub(super) fn shrink_to_fit(&mut self) {
        Arc::make_mut(&mut self.entries).shrink_to_fit();
    }

    pub(crate) fn into_entries(self) -> Vec<Entry> {
        Arc::unwrap_or_clone(self.entries)
    }
}

/// The keys, and the structure below them.
impl std::fmt::Debug for Map {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_map()
            .entries(self.entries.iter().map(|entry| (&entry.key, &entry.value)))
            .finish()
    }
}

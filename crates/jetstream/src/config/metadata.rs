//! What a server has to know for a stream, and what it says of itself: in the metadata, under names that begin with
//! `_nats.`.

use super::{PersistMode, StreamConfig};
use std::collections::BTreeMap;

/// What this server knows.
pub const API_LEVEL: u32 = 4;

const REQUIRED: &str = "_nats.req.level";
const VERSION: &str = "_nats.ver";
const LEVEL: &str = "_nats.level";

/// Notes which level a configuration requires; what a server says of itself is not kept.
pub fn require_level(config: &mut StreamConfig) {
    let level = required_level(config);
    note_level(&mut config.metadata, level);
}

/// Notes which level is required; what a server says of itself is not kept.
pub(crate) fn note_level(metadata: &mut BTreeMap<String, String>, level: u32) {
    forget_server(metadata);
    metadata.insert(REQUIRED.to_owned(), level.to_string());
}

fn required_level(config: &StreamConfig) -> u32 {
    if config.allow_fast_batches {
        4
    } else if config.allow_counter
        || config.allow_atomic
        || config.allow_schedules
        || config.persist_mode == PersistMode::Async
    {
        2
    } else {
        u32::from(config.allow_ttl || config.subject_delete_marker_ttl > 0)
    }
}

/// Whether this server can carry a stream, by what its metadata says.
pub fn is_level_supported(metadata: &BTreeMap<String, String>) -> bool {
    match metadata.get(REQUIRED).map(String::as_str) {
        None | Some("") => true,
        Some(level) => level
            .parse::<i64>()
            .is_ok_and(|level| level <= i64::from(API_LEVEL)),
    }
}

impl StreamConfig {
    /// As it is shown by a server of this version.
    #[must_use]
    pub fn shown(&self, version: &str) -> Self {
        let mut shown = self.clone();
        shown_metadata(&mut shown.metadata, version);
        shown
    }

    /// Whether it is the same as one that there is: what levels they note does not matter.
    pub(crate) fn is_same_as(&self, existing: &Self) -> bool {
        let mut compared = self.clone();
        with_level_of(&mut compared.metadata, &existing.metadata);
        compared == *existing
    }
}

/// Adds what a server of this version says of itself.
pub(crate) fn shown_metadata(metadata: &mut BTreeMap<String, String>, version: &str) {
    metadata.insert(VERSION.to_owned(), version.to_owned());
    metadata.insert(LEVEL.to_owned(), API_LEVEL.to_string());
}

/// Has metadata note the same level as others, to be compared with them.
pub(crate) fn with_level_of(metadata: &mut BTreeMap<String, String>, others: &BTreeMap<String, String>) {
    forget_server(metadata);
    match others.get(REQUIRED) {
        Some(level) => metadata.insert(REQUIRED.to_owned(), level.clone()),
        None => metadata.remove(REQUIRED),
    };
}

fn forget_server(metadata: &mut BTreeMap<String, String>) {
    metadata.remove(VERSION);
    metadata.remove(LEVEL);
}

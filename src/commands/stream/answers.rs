//! What the API answers, as far as it is shown. What a server leaves out is empty.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Why a request was refused.
#[derive(Debug, Deserialize)]
pub(super) struct Failed {
    #[serde(default)]
    pub(super) description: String,
    /// As in HTTP.
    #[serde(default)]
    pub(super) code: u64,
    /// What exactly.
    #[serde(default)]
    pub(super) err_code: u64,
}

/// How many there are in all, where only some are answered.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    pub(super) total: usize,
}

/// A stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StreamInfo {
    pub(super) config: Map<String, Value>,
    pub(super) created: String,
    pub(super) state: State,
    pub(super) total: usize,
}

impl StreamInfo {
    /// A setting that is text.
    pub(super) fn text(&self, key: &str) -> &str {
        self.config.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// What it takes in.
    pub(super) fn subjects(&self) -> String {
        let subjects = self.config.get("subjects").and_then(Value::as_array);
        let subjects = subjects.into_iter().flatten().filter_map(Value::as_str);
        subjects.collect::<Vec<_>>().join(", ")
    }
}

/// What a stream holds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) first_seq: u64,
    pub(super) first_ts: String,
    pub(super) last_seq: u64,
    pub(super) last_ts: String,
    pub(super) num_subjects: u64,
    pub(super) num_deleted: u64,
    pub(super) consumer_count: u64,
    #[serde(deserialize_with = "or_default")]
    pub(super) subjects: BTreeMap<String, u64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) lost: Option<Lost>,
}

/// Messages that are damaged.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Lost {
    #[serde(deserialize_with = "or_default")]
    pub(super) msgs: Vec<u64>,
}

/// One message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stored {
    pub(super) subject: String,
    pub(super) seq: u64,
    /// Headers, as they are written on the wire, in base 64.
    pub(super) hdrs: String,
    /// The payload, in base 64.
    pub(super) data: String,
    pub(super) time: String,
}

/// What is null is empty.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(input: D) -> Result<T, D::Error> {
    Option::deserialize(input).map(Option::unwrap_or_default)
}

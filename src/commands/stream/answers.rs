//! What the API answers, as far as it is shown. What a server leaves out is empty.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io;

/// Why a request was refused.
#[derive(Debug, Deserialize)]
pub(in crate::commands) struct Failed {
    #[serde(default)]
    pub(in crate::commands) description: String,
    /// As in HTTP.
    #[serde(default)]
    pub(in crate::commands) code: u64,
    /// What exactly.
    #[serde(default)]
    pub(in crate::commands) err_code: u64,
}

/// How many there are in all, where only some are answered.
#[derive(Debug, Deserialize)]
pub(in crate::commands) struct Page {
    #[serde(default)]
    pub(in crate::commands) total: usize,
}

/// A stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::commands) struct StreamInfo {
    pub(in crate::commands) config: Map<String, Value>,
    pub(in crate::commands) created: String,
    pub(in crate::commands) state: State,
    pub(in crate::commands) total: usize,
}

impl StreamInfo {
    /// A setting that is text.
    pub(in crate::commands) fn text(&self, key: &str) -> &str {
        self.config.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// What it takes in.
    pub(in crate::commands) fn subjects(&self) -> String {
        let subjects = self.config.get("subjects").and_then(Value::as_array);
        let subjects = subjects.into_iter().flatten().filter_map(Value::as_str);
        subjects.collect::<Vec<_>>().join(", ")
    }
}

/// What a stream holds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::commands) struct State {
    pub(in crate::commands) messages: u64,
    pub(in crate::commands) bytes: u64,
    pub(in crate::commands) first_seq: u64,
    pub(in crate::commands) first_ts: String,
    pub(in crate::commands) last_seq: u64,
    pub(in crate::commands) last_ts: String,
    pub(in crate::commands) num_subjects: u64,
    pub(in crate::commands) num_deleted: u64,
    pub(in crate::commands) consumer_count: u64,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::commands) subjects: BTreeMap<String, u64>,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::commands) lost: Option<Lost>,
}

/// Messages that are damaged.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::commands) struct Lost {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::commands) msgs: Vec<u64>,
}

/// One message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::commands) struct Stored {
    pub(in crate::commands) subject: String,
    pub(in crate::commands) seq: u64,
    /// Headers, as they are written on the wire, in base 64.
    pub(in crate::commands) hdrs: String,
    /// The payload, in base 64.
    pub(in crate::commands) data: String,
    pub(in crate::commands) time: String,
}

/// What is in base 64.
pub(in crate::commands) fn unpacked(text: &str) -> io::Result<Vec<u8>> {
    STANDARD
        .decode(text)
        .map_err(|error| io::Error::other(error.to_string()))
}

/// A header of a message; None if it has no such.
pub(in crate::commands) fn header(stored: &Stored, name: &str) -> Option<String> {
    let headers = unpacked(&stored.hdrs).ok()?;
    // The first line names the version.
    let lines = String::from_utf8_lossy(&headers).into_owned();
    let found = lines
        .lines()
        .skip(1)
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found.map(|value| value.trim().to_owned())
}

/// What is null is empty.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(input: D) -> Result<T, D::Error> {
    Option::deserialize(input).map(Option::unwrap_or_default)
}

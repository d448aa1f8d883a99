//! Who says it, and when: what stands in the answers and events of a server.

use crate::info::Info;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// A server as its answers and events show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerShown<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where clients connect to it.
    pub host: &'a str,
    /// Its id.
    pub id: &'a str,
    /// The cluster it is in; empty where it is in none.
    pub cluster: &'a str,
    /// The domain of its streams; empty where it keeps none, or in none.
    pub domain: &'a str,
    /// Whether it keeps streams.
    pub jetstream: bool,
    /// The version of nats-server whose protocol this is.
    pub version: &'a str,
    /// What its operator calls it, beside its name.
    pub tags: &'a [String],
    /// What its operator says of it.
    pub metadata: &'a BTreeMap<String, String>,
    /// Which of its answers and events this is, from 1.
    pub sequence: u64,
    /// When it was made, by RFC 3339.
    pub time: &'a str,
}

impl<'a> ServerShown<'a> {
    /// The server of which INFO says this.
    pub fn of(
        info: &'a Info,
        (tags, metadata): (&'a [String], &'a BTreeMap<String, String>),
        sequence: u64,
        time: &'a str,
    ) -> Self {
        Self {
            name: &info.server_name,
            host: &info.host,
            id: &info.server_id,
            cluster: &info.cluster,
            domain: &info.domain,
            jetstream: info.jetstream,
            version: &info.version,
            tags,
            metadata,
            sequence,
            time,
        }
    }
}

/// Features that can be turned on in a later version of nats-server, by name.
#[derive(Serialize)]
struct FeatureFlags {
    js_ack_fc_v2: bool,
    js_raft_delete_range: bool,
}

/// The fields in nats-server's order.
#[derive(Serialize)]
struct Wire<'a> {
    name: &'a str,
    host: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    cluster: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
    ver: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    feature_flags: FeatureFlags,
    jetstream: bool,
    flags: u64,
    seq: u64,
    time: &'a str,
}

impl Serialize for ServerShown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire {
            name: self.name,
            host: self.host,
            id: self.id,
            cluster: self.cluster,
            domain: self.domain,
            ver: self.version,
            tags: self.tags,
            metadata: self.metadata,
            feature_flags: FeatureFlags {
                js_ack_fc_v2: false,
                js_raft_delete_range: false,
            },
            jetstream: self.jetstream,
            // Of what nats-server counts there, the first bit is that it keeps streams.
            flags: u64::from(self.jetstream),
            seq: self.sequence,
            time: self.time,
        }
        .serialize(serializer)
    }
}

//! What is told of a stream.

use crate::config::{ExternalStream, StreamConfig, SubjectTransform, is_default};
use crate::error::ApiError;
use crate::time::{Time, or_zero};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is told of a stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StreamInfo {
    /// What it is configured to be.
    pub config: StreamConfig,
    /// Since when there is it.
    pub created: Time,
    /// What it has.
    pub state: StreamState,
    /// The domain that it is in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub domain: String,
    /// Which servers have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterInfo>,
    /// How far it is with what it is a copy of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<SourceInfo>,
    /// How far it is with what it gets too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceInfo>,
    /// When that is told.
    #[serde(rename = "ts")]
    pub now: Time,
}

/// What a stream has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StreamState {
    /// How many messages.
    pub messages: u64,
    /// How many bytes of them, as they are accounted.
    pub bytes: u64,
    /// The sequence of the first, or what that of the next will be.
    pub first_seq: u64,
    /// When the first was stored.
    #[serde(rename = "first_ts", serialize_with = "or_zero")]
    pub first_time: Option<Time>,
    /// The sequence that was last given.
    pub last_seq: u64,
    /// When it was.
    #[serde(rename = "last_ts", serialize_with = "or_zero")]
    pub last_time: Option<Time>,
    /// How many subjects its messages have.
    #[serde(skip_serializing_if = "is_default")]
    pub num_subjects: u64,
    /// How many messages some of them have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub subjects: BTreeMap<String, u64>,
    /// How many sequences from the first to the last have no message.
    #[serde(skip_serializing_if = "is_default")]
    pub num_deleted: u64,
    /// Which.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<u64>,
    /// How many consumers it has.
    pub consumer_count: usize,
}

/// Which servers have a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ClusterInfo {
    /// The cluster that they are in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The one that leads.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub leader: String,
}

/// How far a stream is with another whose messages it gets.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SourceInfo {
    /// The other.
    pub name: String,
    /// Where it is, if not in this account and domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalStream>,
    /// How many messages are still to come.
    pub lag: u64,
    /// How many nanoseconds ago the last one came; -1: none has.
    pub active: i64,
    /// Why none come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
    /// Which come.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter_subject: String,
    /// Which come, and what their subjects become.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subject_transforms: Vec<SubjectTransform>,
}

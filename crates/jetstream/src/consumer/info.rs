//! What is told of a consumer.

use super::config::ConsumerConfig;
use crate::api::{ClusterInfo, Page};
use crate::config::is_default;
use crate::time::{Time, or_zero};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is told of a consumer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ConsumerInfo {
    /// Its stream.
    #[serde(rename = "stream_name")]
    pub stream: String,
    /// Its name.
    pub name: String,
    /// Since when there is it.
    pub created: Time,
    /// What it is configured to be; left out where that is not told.
    #[serde(skip_serializing_if = "is_default")]
    pub config: ConsumerConfig,
    /// What was delivered last.
    pub delivered: SequenceInfo,
    /// Up to where all is acknowledged.
    pub ack_floor: SequenceInfo,
    /// How many messages are not acknowledged.
    pub num_ack_pending: usize,
    /// How many were delivered more than once.
    pub num_redelivered: usize,
    /// How many requests wait.
    pub num_waiting: usize,
    /// How many messages are still to come.
    pub num_pending: u64,
    /// Which servers have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterInfo>,
    /// Whether somebody listens where it delivers.
    #[serde(skip_serializing_if = "is_default")]
    pub push_bound: bool,
    /// Whether it delivers nothing for now.
    #[serde(skip_serializing_if = "is_default")]
    pub paused: bool,
    /// For how long, in nanoseconds.
    #[serde(skip_serializing_if = "is_default")]
    pub pause_remaining: i64,
    /// When that is told.
    #[serde(rename = "ts")]
    pub now: Time,
    /// The groups that requests may be of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub priority_groups: Vec<PriorityGroupInfo>,
}

/// A message, in the stream and among what a consumer delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SequenceInfo {
    /// Which of the deliveries.
    #[serde(rename = "consumer_seq")]
    pub consumer: u64,
    /// Which of the stream.
    #[serde(rename = "stream_seq")]
    pub stream: u64,
    /// When it last changed.
    #[serde(rename = "last_active", skip_serializing_if = "Option::is_none")]
    pub last: Option<Time>,
}

/// A group that requests may be of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PriorityGroupInfo {
    /// Its name.
    pub group: String,
    /// By what the server knows the only client that it serves.
    #[serde(rename = "pinned_client_id", skip_serializing_if = "String::is_empty")]
    pub pinned: String,
    /// Since when that is.
    #[serde(rename = "pinned_ts", serialize_with = "or_zero")]
    pub since: Option<Time>,
}

/// Why a consumer delivers nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Waits {
    /// It is paused.
    Paused,
    /// Nobody listens where it delivers.
    NobodyListens,
    /// Who listens has not yet said that he can take more.
    FlowControl,
    /// No request waits.
    NoRequest,
    /// As many messages are unacknowledged as may be.
    MaxAckPending,
    /// As many are of each subject of which some are to come.
    MaxAckPendingPerSubject,
    /// Only one client is served, and it has no request waiting.
    Pinned,
    /// No request that waits is served while so few messages are to come.
    Overflow,
    /// It may deliver only so much in a time, or as it once came.
    Pace,
    /// A message has to be read.
    Reading,
    /// No message is there that it wants.
    NothingMatches,
}

/// What of a consumer is no part of nats-server's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ConsumerHealth {
    /// Why it delivers nothing; None: it is about to.
    pub waits: Option<Waits>,
    /// How old the first message is that is still to come, in nanoseconds; 0: none is.
    pub lag: i64,
    /// How long ago the message was delivered that is unacknowledged for the longest time, in nanoseconds; 0: none is.
    pub oldest_unacknowledged: i64,
    /// What waits for others of its subject to be acknowledged; None: nothing ever does.
    pub behind_others: Option<BehindOthers>,
}

/// Messages that wait until others of their subjects are acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BehindOthers {
    /// How many.
    pub messages: u64,
    /// Of how many subjects.
    pub subjects: usize,
}

impl ConsumerInfo {
    /// As it is shown by a server of this version.
    #[must_use]
    pub fn shown(mut self, version: &str) -> Self {
        self.config = self.config.shown(version);
        self
    }
}

/// Answers, each with its type.
macro_rules! answers {
    ($($(#[$about:meta])* $name:ident as $type:literal {
        $($(#[$what:meta])* $field:ident: $of:ty),* $(,)?
    })*) => {
        $(
            $(#[$about])*
            #[derive(Debug, Clone, Default, Serialize)]
            pub struct $name {
                $($(#[$what])* pub $field: $of),*
            }

            impl crate::api::Answer for $name {
                const TYPE: &'static str = concat!("io.nats.jetstream.api.v1.consumer_", $type, "_response");
            }
        )*
    };
}

answers! {
    /// That a consumer was made or changed.
    CreateConsumerAnswer as "create" {
        /// What it is.
        #[serde(flatten)]
        info: Option<ConsumerInfo>,
    }
    /// What a consumer is.
    ConsumerInfoAnswer as "info" {
        /// All of it.
        #[serde(flatten)]
        info: Option<ConsumerInfo>,
    }
    /// That a consumer was deleted.
    DeleteConsumerAnswer as "delete" {
        /// Always.
        #[serde(skip_serializing_if = "is_default")]
        success: bool,
    }
    /// Which consumers there are.
    ConsumerNamesAnswer as "names" {
        /// Which of them are shown.
        #[serde(flatten)]
        page: Page,
        /// Their names.
        consumers: Vec<String>,
    }
    /// What consumers there are.
    ConsumerListAnswer as "list" {
        /// Which of them are shown.
        #[serde(flatten)]
        page: Page,
        /// They.
        consumers: Vec<ConsumerInfo>,
        /// Those of which nothing is known.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        missing: Vec<String>,
        /// Those that cannot be reached, and why.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        offline: BTreeMap<String, String>,
    }
    /// Until when a consumer delivers nothing.
    PauseConsumerAnswer as "pause" {
        /// Whether it delivers nothing for now.
        paused: bool,
        /// Until then.
        #[serde(serialize_with = "or_zero")]
        pause_until: Option<Time>,
        /// For how long, in nanoseconds.
        #[serde(skip_serializing_if = "is_default")]
        pause_remaining: i64,
    }
    /// That a consumer begins anew.
    ResetConsumerAnswer as "reset" {
        /// What it is.
        #[serde(flatten)]
        info: Option<ConsumerInfo>,
        /// From where on.
        reset_seq: u64,
    }
    /// That no client is the only one any more that is served.
    UnpinConsumerAnswer as "unpin" {}
}

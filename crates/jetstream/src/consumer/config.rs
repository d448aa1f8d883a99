//! What a consumer is configured to be: as it is asked for, kept and shown.

mod check;
mod complete;
mod update;

pub(crate) use check::{MAX_NAME, check, is_group, want_the_same};
pub use complete::ConsumerBounds;
pub(crate) use complete::complete;
pub(crate) use update::check_update;

use crate::config::{cannot_read, is_default, note_level, shown_metadata, with_level_of, words, written};
use crate::json::Value;
use crate::json::reading::{ReadJson, ReadJsonList, Reading, read_object};
use crate::time::WrittenTime;
use serde::Serialize;
use std::collections::BTreeMap;

/// A consumer's configuration. Times are in nanoseconds; limits that are -1 are none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ConsumerConfig {
    /// Its name, if it stays without anybody using it.
    #[serde(rename = "durable_name", skip_serializing_if = "String::is_empty")]
    pub durable: String,
    /// Its name in its stream, if it was given one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// With which message it begins.
    pub deliver_policy: DeliverPolicy,
    /// With that of this sequence.
    #[serde(skip_serializing_if = "is_default")]
    pub opt_start_seq: u64,
    /// With the first of this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_start_time: Option<WrittenTime>,
    /// How messages are acknowledged.
    pub ack_policy: AckPolicy,
    /// After how long a message that is not acknowledged is delivered again.
    #[serde(skip_serializing_if = "is_default")]
    pub ack_wait: i64,
    /// How often a message is delivered at most.
    #[serde(skip_serializing_if = "is_default")]
    pub max_deliver: isize,
    /// The same as `ack_wait` for each delivery of a message; the last for all that follow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub backoff: Vec<i64>,
    /// Which messages it wants; empty: all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter_subject: String,
    /// The same, if it wants several kinds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filter_subjects: Vec<String>,
    /// How fast messages come that are there already.
    pub replay_policy: ReplayPolicy,
    /// How many bits a second are pushed; 0: as many as there are.
    #[serde(rename = "rate_limit_bps", skip_serializing_if = "is_default")]
    pub rate_limit: u64,
    /// Of how many acknowledgements in a hundred something is told.
    #[serde(rename = "sample_freq", skip_serializing_if = "String::is_empty")]
    pub sample_frequency: String,
    /// How many requests for messages may wait.
    #[serde(skip_serializing_if = "is_default")]
    pub max_waiting: isize,
    /// How many messages may be unacknowledged.
    #[serde(skip_serializing_if = "is_default")]
    pub max_ack_pending: isize,
    /// Whether who gets messages says when he can take more.
    #[serde(skip_serializing_if = "is_default")]
    pub flow_control: bool,
    /// Whether payloads are left out.
    #[serde(skip_serializing_if = "is_default")]
    pub headers_only: bool,
    /// How many messages one request may ask for; 0: as many as it likes.
    #[serde(skip_serializing_if = "is_default")]
    pub max_batch: isize,
    /// How long one request may wait; 0: as long as it likes.
    #[serde(skip_serializing_if = "is_default")]
    pub max_expires: i64,
    /// How many bytes one request may ask for; 0: as many as it likes.
    #[serde(skip_serializing_if = "is_default")]
    pub max_bytes: isize,
    /// Where messages are pushed; empty: they are pulled.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub deliver_subject: String,
    /// The queue group that shares them there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub deliver_group: String,
    /// After how long without messages there is a sign of life.
    #[serde(rename = "idle_heartbeat", skip_serializing_if = "is_default")]
    pub heartbeat: i64,
    /// After how long without use it goes; 0: never.
    #[serde(skip_serializing_if = "is_default")]
    pub inactive_threshold: i64,
    /// On how many servers; 0: on as many as the stream.
    #[serde(rename = "num_replicas")]
    pub replicas: isize,
    /// Whether what it has done is kept in memory, whatever the stream does.
    #[serde(rename = "mem_storage", skip_serializing_if = "is_default")]
    pub memory_storage: bool,
    /// Whether it brings messages to another stream, and counts for no limit.
    #[serde(skip_serializing_if = "is_default")]
    pub direct: bool,
    /// Whether it brings messages to another stream that acknowledges them.
    #[serde(skip_serializing_if = "is_default")]
    pub sourcing: bool,
    /// What its owner notes, and what it asks of a server.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Until when it delivers nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_until: Option<WrittenTime>,
    /// The groups that requests may be of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub priority_groups: Vec<String>,
    /// Which of the requests that wait is served.
    #[serde(skip_serializing_if = "is_default")]
    pub priority_policy: PriorityPolicy,
    /// After how long without a request somebody else is served.
    #[serde(skip_serializing_if = "is_default")]
    pub priority_timeout: i64,
}

read_object!(ConsumerConfig as "server.ConsumerConfig":
    "durable_name" => durable,
    "name" => name,
    "description" => description,
    "deliver_policy" => deliver_policy,
    "opt_start_seq" => opt_start_seq,
    "opt_start_time" => opt_start_time,
    "ack_policy" => ack_policy,
    "ack_wait" => ack_wait,
    "max_deliver" => max_deliver,
    "backoff" => backoff,
    "filter_subject" => filter_subject,
    "filter_subjects" => filter_subjects,
    "replay_policy" => replay_policy,
    "rate_limit_bps" => rate_limit,
    "sample_freq" => sample_frequency,
    "max_waiting" => max_waiting,
    "max_ack_pending" => max_ack_pending,
    "flow_control" => flow_control,
    "headers_only" => headers_only,
    "max_batch" => max_batch,
    "max_expires" => max_expires,
    "max_bytes" => max_bytes,
    "deliver_subject" => deliver_subject,
    "deliver_group" => deliver_group,
    "idle_heartbeat" => heartbeat,
    "inactive_threshold" => inactive_threshold,
    "num_replicas" => replicas,
    "mem_storage" => memory_storage,
    "direct" => direct,
    "sourcing" => sourcing,
    "metadata" => metadata,
    "pause_until" => pause_until,
    "priority_groups" => priority_groups,
    "priority_policy" => priority_policy,
    "priority_timeout" => priority_timeout,
);

impl ReadJsonList for i64 {
    const LIST: &'static str = "[]time.Duration";
}

words! {
    /// With which message a consumer begins.
    DeliverPolicy as "server.DeliverPolicy", cannot_read;
    /// The first.
    #[default]
    All = "all",
    /// The last.
    Last = "last",
    /// The next that comes.
    New = "new",
    /// That of a sequence.
    ByStartSequence = "by_start_sequence",
    /// The first of a time or later.
    ByStartTime = "by_start_time",
    /// The last of each subject.
    LastPerSubject = "last_per_subject",
}

words! {
    /// How messages are acknowledged.
    AckPolicy as "server.AckPolicy", cannot_read;
    /// Not at all.
    #[default]
    None = "none",
    /// One stands for all before it.
    All = "all",
    /// Each for itself.
    Explicit = "explicit",
    /// By what is answered to flow control, for all before it.
    FlowControl = "flow_control",
}

words! {
    /// How fast messages come that are there already.
    ReplayPolicy as "server.ReplayPolicy", cannot_read;
    /// As fast as they can.
    #[default]
    Instant = "instant",
    /// As fast as they once came.
    Original = "original",
}

words! {
    /// Which of the requests that wait is served.
    PriorityPolicy as "server.PriorityPolicy",
        |value: &Value<'_>| format!("unknown priority policy: {}", String::from_utf8_lossy(&written(value)));
    /// One after the other.
    #[default]
    None = "none",
    /// Those for which enough is there.
    Overflow = "overflow",
    /// Those of one client, until it stays away.
    PinnedClient = "pinned_client",
    /// Those of the lowest number.
    Prioritized = "prioritized",
}

words! {
    /// What is to become of the consumer that is described.
    Action as "server.ConsumerAction",
        |value: &Value<'_>| format!("unknown consumer action: {}", String::from_utf8_lossy(&written(value)));
    /// It is made, or changed if there is one of that name.
    #[default]
    CreateOrUpdate = "",
    /// It is made.
    Create = "create",
    /// It is changed.
    Update = "update",
}

impl ConsumerConfig {
    /// Whether it stays without anybody using it.
    pub fn is_durable(&self) -> bool {
        !self.durable.is_empty()
    }

    /// Whether messages are pushed.
    pub fn is_push(&self) -> bool {
        !self.deliver_subject.is_empty()
    }

    /// The name that it asks for; empty: any.
    pub fn wanted_name(&self) -> &str {
        match self.is_durable() {
            true => &self.durable,
            false => &self.name,
        }
    }

    /// Which messages it wants; none: all.
    pub fn filters(&self) -> impl Iterator<Item = &str> {
        let one = (!self.filter_subject.is_empty()).then_some(&self.filter_subject);
        one.into_iter().chain(&self.filter_subjects).map(String::as_str)
    }

    /// As it is shown by a server of this version.
    #[must_use]
    pub fn shown(&self, version: &str) -> Self {
        let mut shown = self.clone();
        shown_metadata(&mut shown.metadata, version);
        shown
    }

    /// Notes which level it requires.
    pub(crate) fn require_level(&mut self) {
        let has_priorities = self.priority_policy != PriorityPolicy::None
            || self.priority_timeout != 0
            || !self.priority_groups.is_empty();
        let is_paused = self.pause_until.as_ref().is_some_and(|until| !until.is_zero());
        let level = match self.ack_policy {
            AckPolicy::FlowControl => 4,
            _ => u32::from(has_priorities || is_paused),
        };
        note_level(&mut self.metadata, level);
    }

    /// Whether it is the same as one that there is: what levels they note does not matter.
    pub(crate) fn is_same_as(&self, existing: &Self) -> bool {
        let mut compared = self.clone();
        with_level_of(&mut compared.metadata, &existing.metadata);
        compared == *existing
    }

    /// How many acknowledgements in a hundred are told of.
    pub(crate) fn sampled(&self) -> u64 {
        let frequency = &self.sample_frequency;
        let frequency = frequency.strip_suffix('%').unwrap_or(frequency);
        frequency.parse().unwrap_or(0)
    }
}

//! What a stream is configured to be: as it is asked for, kept and shown.

mod check;
mod metadata;
mod sourcing;
mod subjects;
mod update;
mod words;

pub(crate) use check::is_name;
pub use check::{Existing, ServerLimits, check};
pub use metadata::{API_LEVEL, is_level_supported, require_level};
pub(crate) use metadata::{note_level, shown_metadata, with_level_of};
pub(crate) use sourcing::check_filters;
pub(crate) use subjects::{check_work, collide, is_literal, is_literal_in_bytes, is_subject};
pub use update::update;
pub(crate) use words::{cannot_read, words, written};

use crate::json::Value;
use crate::json::reading::{ReadJson, ReadJsonList, Reading, read_object};
use crate::time::WrittenTime;
use serde::Serialize;
use std::collections::BTreeMap;

/// A stream's configuration. Limits that are -1 are none.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StreamConfig {
    /// Its name in its account.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What it takes in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// What has its messages go.
    pub retention: Retention,
    /// How many consumers it may have.
    pub max_consumers: isize,
    /// How many messages.
    #[serde(rename = "max_msgs")]
    pub max_messages: i64,
    /// How many bytes of them, as they are accounted.
    pub max_bytes: i64,
    /// How long each stays, in nanoseconds; 0: without end.
    pub max_age: i64,
    /// How many of one subject.
    #[serde(rename = "max_msgs_per_subject")]
    pub max_per_subject: i64,
    /// How large one may be, headers and payload.
    #[serde(rename = "max_msg_size", skip_serializing_if = "is_default")]
    pub max_message_size: i32,
    /// What goes when a limit is reached.
    pub discard: Discard,
    /// Where messages are.
    pub storage: Storage,
    /// On how many servers.
    #[serde(rename = "num_replicas")]
    pub replicas: isize,
    /// Whether publishers get no answer.
    #[serde(skip_serializing_if = "is_default")]
    pub no_ack: bool,
    /// How long messages with an id that was seen are left out, in nanoseconds.
    #[serde(skip_serializing_if = "is_default")]
    pub duplicate_window: i64,
    /// On which servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
    /// The stream that it is a copy of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<StreamSource>,
    /// The streams whose messages it gets too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<StreamSource>,
    /// How files are compressed.
    pub compression: Compression,
    /// The sequence of its first message.
    #[serde(skip_serializing_if = "is_default")]
    pub first_seq: u64,
    /// What subjects become before anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_transform: Option<SubjectTransform>,
    /// Where what is stored is published anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub republish: Option<Republish>,
    /// Whether messages can be got directly.
    pub allow_direct: bool,
    /// Whether those of the stream that this is a copy of can be got from it.
    pub mirror_direct: bool,
    /// Whether it is the new that go where one subject has too many.
    #[serde(skip_serializing_if = "is_default")]
    pub discard_new_per_subject: bool,
    /// Whether nothing gets in or out any more.
    pub sealed: bool,
    /// Whether nobody may delete messages.
    pub deny_delete: bool,
    /// Whether nobody may purge.
    pub deny_purge: bool,
    /// Whether messages may have all before them go.
    #[serde(rename = "allow_rollup_hdrs")]
    pub allow_rollup: bool,
    /// What consumers may ask for at most.
    pub consumer_limits: ConsumerLimits,
    /// Whether messages may say how long they stay.
    #[serde(rename = "allow_msg_ttl")]
    pub allow_ttl: bool,
    /// How long a message stays that says that those of its subject have expired, in nanoseconds.
    #[serde(skip_serializing_if = "is_default")]
    pub subject_delete_marker_ttl: i64,
    /// Whether it counts.
    #[serde(rename = "allow_msg_counter", skip_serializing_if = "is_default")]
    pub allow_counter: bool,
    /// Whether several messages may be stored together or not at all.
    #[serde(skip_serializing_if = "is_default")]
    pub allow_atomic: bool,
    /// Whether messages may be published later.
    #[serde(rename = "allow_msg_schedules", skip_serializing_if = "is_default")]
    pub allow_schedules: bool,
    /// Whether messages are acknowledged before the disk has them.
    #[serde(skip_serializing_if = "is_default")]
    pub persist_mode: PersistMode,
    /// Whether publishers may go on without waiting for each answer.
    #[serde(rename = "allow_batched", skip_serializing_if = "is_default")]
    pub allow_fast_batches: bool,
    /// What its owner notes, and what it asks of a server.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// A configuration that is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamConfigRequest {
    /// The configuration.
    pub config: StreamConfig,
    /// Whether nothing may be changed silently that does not fit.
    pub is_pedantic: bool,
}

read_object!(StreamConfigRequest as "server.StreamConfigRequest":
    "name" => config.name,
    "description" => config.description,
    "subjects" => config.subjects,
    "retention" => config.retention,
    "max_consumers" => config.max_consumers,
    "max_msgs" => config.max_messages,
    "max_bytes" => config.max_bytes,
    "max_age" => config.max_age,
    "max_msgs_per_subject" => config.max_per_subject,
    "max_msg_size" => config.max_message_size,
    "discard" => config.discard,
    "storage" => config.storage,
    "num_replicas" => config.replicas,
    "no_ack" => config.no_ack,
    "duplicate_window" => config.duplicate_window,
    "placement" => config.placement,
    "mirror" => config.mirror,
    "sources" => config.sources,
    "compression" => config.compression,
    "first_seq" => config.first_seq,
    "subject_transform" => config.subject_transform,
    "republish" => config.republish,
    "allow_direct" => config.allow_direct,
    "mirror_direct" => config.mirror_direct,
    "discard_new_per_subject" => config.discard_new_per_subject,
    "sealed" => config.sealed,
    "deny_delete" => config.deny_delete,
    "deny_purge" => config.deny_purge,
    "allow_rollup_hdrs" => config.allow_rollup,
    "consumer_limits" => config.consumer_limits,
    "allow_msg_ttl" => config.allow_ttl,
    "subject_delete_marker_ttl" => config.subject_delete_marker_ttl,
    "allow_msg_counter" => config.allow_counter,
    "allow_atomic" => config.allow_atomic,
    "allow_msg_schedules" => config.allow_schedules,
    "persist_mode" => config.persist_mode,
    "allow_batched" => config.allow_fast_batches,
    "metadata" => config.metadata,
    "pedantic" => is_pedantic,
);

words! {
    /// What has messages go.
    Retention as "server.RetentionPolicy", cannot_read;
    /// Limits alone.
    #[default]
    Limits = "limits",
    /// That all consumers have acknowledged them.
    Interest = "interest",
    /// That one consumer has.
    WorkQueue = "workqueue",
}

words! {
    /// What goes when a limit is reached.
    Discard as "server.DiscardPolicy", cannot_read;
    /// The oldest messages.
    #[default]
    Old = "old",
    /// The one that would be stored.
    New = "new",
}

words! {
    /// Where messages are.
    Storage as "server.StorageType", cannot_read;
    /// In files.
    #[default]
    File = "file",
    /// In memory.
    Memory = "memory",
}

words! {
    /// How files are compressed.
    Compression as "server.StoreCompression", |_: &Value<'_>| "unknown compression algorithm".to_owned();
    /// Not at all.
    #[default]
    None = "none",
    /// By S2.
    S2 = "s2",
}

words! {
    /// When messages are acknowledged.
    PersistMode as "server.PersistModeType", cannot_read;
    /// When they are on disk.
    #[default]
    Default = "default",
    /// Before.
    Async = "async",
}

/// On which servers something is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Placement {
    /// Those of this cluster.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// Those that have all of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The one that is to lead.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub preferred: String,
}

read_object!(Placement as "server.Placement":
    "cluster" => cluster,
    "tags" => tags,
    "preferred" => preferred,
);

/// A stream whose messages another one gets.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StreamSource {
    /// Its name.
    pub name: String,
    /// From this sequence on.
    #[serde(skip_serializing_if = "is_default")]
    pub opt_start_seq: u64,
    /// From this time on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_start_time: Option<WrittenTime>,
    /// Only those of these subjects.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter_subject: String,
    /// Only those of the sources of these transforms, which become other subjects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subject_transforms: Vec<SubjectTransform>,
    /// If it is not in this account and domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalStream>,
    /// The consumer by which they come, if one has been made for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<ConsumerSource>,
}

read_object!(StreamSource as "server.StreamSource":
    "name" => name,
    "opt_start_seq" => opt_start_seq,
    "opt_start_time" => opt_start_time,
    "filter_subject" => filter_subject,
    "subject_transforms" => subject_transforms,
    "external" => external,
    "consumer" => consumer,
);

impl ReadJsonList for StreamSource {
    const LIST: &'static str = "[]*server.StreamSource";
}

/// How a stream of another account or domain is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ExternalStream {
    /// In front of the subjects of the API.
    pub api: String,
    /// In front of the subjects that its messages are delivered on.
    pub deliver: String,
}

read_object!(ExternalStream as "server.ExternalStream":
    "api" => api,
    "deliver" => deliver,
);

/// A consumer that has been made for a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ConsumerSource {
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where it delivers.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub deliver_subject: String,
}

read_object!(ConsumerSource as "server.StreamConsumerSource":
    "name" => name,
    "deliver_subject" => deliver_subject,
);

/// What subjects become.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SubjectTransform {
    /// Those that match this.
    pub src: String,
    /// Become this.
    pub dest: String,
}

read_object!(SubjectTransform as "server.SubjectTransformConfig":
    "src" => src,
    "dest" => dest,
);

impl ReadJsonList for SubjectTransform {
    const LIST: &'static str = "[]server.SubjectTransformConfig";
}

/// Where what is stored is published anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Republish {
    /// What matches this.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub src: String,
    /// There.
    pub dest: String,
    /// Without payload.
    #[serde(skip_serializing_if = "is_default")]
    pub headers_only: bool,
}

read_object!(Republish as "server.RePublish":
    "src" => src,
    "dest" => dest,
    "headers_only" => headers_only,
);

/// What consumers of a stream may ask for at most, and get if they ask for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ConsumerLimits {
    /// How long they may do nothing, in nanoseconds.
    #[serde(skip_serializing_if = "is_default")]
    pub inactive_threshold: i64,
    /// How many messages may be unacknowledged.
    #[serde(skip_serializing_if = "is_default")]
    pub max_ack_pending: isize,
}

read_object!(ConsumerLimits as "server.StreamConsumerLimits":
    "inactive_threshold" => inactive_threshold,
    "max_ack_pending" => max_ack_pending,
);

/// Whether a value is what it would be if nothing was said.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

//! What is answered, as JSON.

use super::document;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use std::time::SystemTime;
use vagus_actors::impact::ReloadImpact;
use vagus_actors::reload::{self, Record, ReloadState, Verdict};
use vagus_configs::{AdminRole, Change, Shown, settings};

/// What holds.
#[derive(Serialize)]
pub(super) struct State {
    version: u64,
    etag: String,
    since: Time,
    /// The file that the server was started with.
    file: Option<String>,
    /// Whether the file says the same.
    persisted: bool,
    digest: String,
    /// Every setting, flags and defaults included.
    settings: Vec<Setting>,
    /// What the file, or what was sent in its place, holds.
    document: Json,
}

#[derive(Serialize)]
struct Setting {
    key: &'static str,
    value: Value,
    /// Whether it can change while the server runs.
    reloads: bool,
}

/// A setting that became, or would become, another.
#[derive(Serialize)]
struct Changed {
    key: &'static str,
    old: Value,
    new: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What came, or would come, of a request.
#[derive(Serialize)]
pub(super) struct Outcome {
    dry_run: bool,
    version: u64,
    etag: String,
    /// How long it lasts: `file`, or `memory` for until the server restarts or reads its file again.
    persisted: &'static str,
    changes: Vec<Changed>,
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prospects: Option<Impact>,
}

/// What would become of connections.
#[derive(Serialize)]
struct Impact {
    connections: usize,
    connections_closed_unauthorized: usize,
    connections_closed_no_room: usize,
    connections_restricted: usize,
    subscriptions_ended: usize,
}

/// What was, and what was tried.
#[derive(Serialize)]
pub(super) struct History {
    /// What can be gone back to, the newest first.
    versions: Vec<Kept>,
    /// Who tried what, the newest first.
    attempts: Vec<Attempt>,
}

#[derive(Serialize)]
struct Kept {
    version: u64,
    etag: String,
    since: Time,
    digest: String,
    current: bool,
}

#[derive(Serialize)]
struct Attempt {
    at: Time,
    by: String,
    origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Changed>>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// A setting's value, fit to be shown.
struct Value(Shown);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Shown::Nothing => serializer.serialize_none(),
            Shown::Boolean(set) => serializer.serialize_bool(*set),
            Shown::Number(number) => serializer.serialize_u64(*number),
            Shown::Text(text) => serializer.serialize_str(text),
            Shown::List(texts) => serializer.collect_seq(texts),
        }
    }
}

/// A point in time, in UTC.
struct Time(SystemTime);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match Timestamp::try_from(self.0) {
            Ok(time) => serializer.collect_str(&time),
            Err(_) => serializer.serialize_none(),
        }
    }
}

fn changed(changes: &[Change]) -> Vec<Changed> {
    let one = |change: &Change| Changed {
        key: change.key,
        old: Value(change.old.clone()),
        new: Value(change.new.clone()),
        detail: change.detail.clone(),
    };
    changes.iter().map(one).collect()
}

impl State {
    pub(super) fn of(state: &ReloadState) -> Self {
        let current = &state.current;
        let setting = |setting: vagus_configs::Setting| Setting {
            key: setting.key,
            value: Value(setting.value),
            reloads: setting.reloads,
        };
        Self {
            version: current.number,
            etag: current.tag(),
            since: Time(current.since),
            file: state.file.as_ref().map(|file| file.display().to_string()),
            persisted: current.is_of_file,
            digest: current.digest.clone(),
            settings: settings(&current.config).into_iter().map(setting).collect(),
            document: document::masked_json(&current.tree),
        }
    }
}

impl Outcome {
    pub(super) fn of(outcome: &reload::Outcome, dry_run: bool) -> Self {
        let shown = |impact: ReloadImpact| Impact {
            connections: impact.connections,
            connections_closed_unauthorized: impact.unauthorized,
            connections_closed_no_room: impact.excess,
            connections_restricted: impact.restricted,
            subscriptions_ended: impact.subscriptions_ended,
        };
        Self {
            dry_run,
            version: outcome.version,
            etag: outcome.tag.clone(),
            persisted: if outcome.is_of_file { "file" } else { "memory" },
            changes: changed(&outcome.changes),
            warnings: outcome.warnings.clone(),
            prospects: outcome.impact.map(shown),
        }
    }
}

impl History {
    pub(super) fn of(state: &ReloadState, role: AdminRole) -> Self {
        let attempt = |record| Attempt::of(record, role);
        let current = Kept {
            version: state.current.number,
            etag: state.current.tag(),
            since: Time(state.current.since),
            digest: state.current.digest.clone(),
            current: true,
        };
        let earlier = state.earlier.iter().rev().map(|version| Kept {
            version: version.number,
            etag: version.tag(),
            since: Time(version.since),
            digest: version.digest.clone(),
            current: false,
        });
        Self {
            versions: std::iter::once(current).chain(earlier).collect(),
            attempts: state.records.iter().rev().map(attempt).collect(),
        }
    }
}

impl Attempt {
    /// Why something was refused may quote what was proposed, or a file: that is for those who could have it so.
    fn of(record: &Record, role: AdminRole) -> Self {
        let (version, changes, refused) = match &record.verdict {
            Verdict::Followed { version, changes } => (Some(*version), Some(changed(changes)), None),
            Verdict::Refused(reason) => {
                let told = match role {
                    AdminRole::Admin => reason.clone(),
                    AdminRole::Read => "why is for administrators".to_owned(),
                };
                (None, None, Some(told))
            }
        };
        Self {
            at: Time(record.at),
            by: record.by.clone(),
            origin: record.origin.to_string(),
            version,
            changes,
            refused,
        }
    }
}

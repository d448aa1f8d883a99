//! What is told of a stream to who listens for it: advisories.

use super::{Spoken, Stream};
use crate::jetstream::clock;
use serde::Serialize;
use std::iter::repeat_with;
use vagus_jetstream::consumer::{Advisory, AdvisoryContext};
use vagus_jetstream::stream::Abandonment;
use vagus_jetstream::time::Time;
use vagus_protocol::html_safe_json;

/// How long the id of something that is told is: no two are the same.
const ID: usize = 22;

/// What has become of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamEvent {
    Created,
    Updated,
    Deleted,
}

#[derive(Serialize)]
struct Action<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    timestamp: Time,
    stream: &'a str,
    action: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
}

#[derive(Serialize)]
struct AbandonedBatch<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    timestamp: Time,
    account: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
    stream: &'a str,
    batch: &'a str,
    reason: &'static str,
}

fn new_id() -> String {
    repeat_with(fastrand::alphanumeric).take(ID).collect()
}

impl Stream {
    /// Tells what has become of it.
    pub(super) fn tell_of_event(&mut self, event: StreamEvent) {
        let (word, action) = match event {
            StreamEvent::Created => ("CREATED", "create"),
            StreamEvent::Updated => ("UPDATED", "modify"),
            StreamEvent::Deleted => ("DELETED", "delete"),
        };
        let subject = format!("$JS.EVENT.ADVISORY.STREAM.{word}.{}", self.identity.name);
        self.tell(subject, |id, stream, out| {
            let told = Action {
                kind: "io.nats.jetstream.advisory.v1.stream_action",
                id,
                timestamp: clock::now(),
                stream: &stream.identity.name,
                action,
                domain: &stream.server.domain,
            };
            html_safe_json::append(out, &told);
        });
    }

    /// Tells that nothing becomes of an atomic batch.
    pub(super) fn tell_of_abandoned(&mut self, batch: &[u8], reason: Abandonment) {
        let subject = format!("$JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.{}", self.identity.name);
        let batch = String::from_utf8_lossy(batch);
        self.tell(subject, |id, stream, out| {
            let told = AbandonedBatch {
                kind: "io.nats.jetstream.advisory.v1.stream_batch_abandoned",
                id,
                timestamp: clock::now(),
                account: &stream.identity.account,
                domain: &stream.server.domain,
                stream: &stream.identity.name,
                batch: &batch,
                reason: reason.as_str(),
            };
            html_safe_json::append(out, &told);
        });
    }

    /// Tells what has become of a consumer.
    pub(super) fn tell_of_consumer(&mut self, advisory: &Advisory) {
        let subject = advisory.subject(&self.identity.name);
        if !self.is_listened_to(&subject) {
            return;
        }
        let payload = advisory.json(AdvisoryContext {
            id: &new_id(),
            time: clock::now(),
            account: &self.identity.account,
            stream: &self.identity.name,
            domain: &self.server.domain,
        });
        self.say(subject, payload);
    }

    /// Tells something, if anybody wants to know.
    fn tell(&mut self, subject: String, write: impl FnOnce(&str, &Self, &mut Vec<u8>)) {
        if self.is_listened_to(&subject) {
            let mut payload = Vec::new();
            write(&new_id(), self, &mut payload);
            self.say(subject, payload);
        }
    }

    fn is_listened_to(&self, subject: &str) -> bool {
        self.account
            .routed
            .account
            .interest()
            .reaches_anybody(subject.as_bytes())
    }

    fn say(&mut self, subject: String, payload: Vec<u8>) {
        self.spoken.push_back(Spoken {
            subject: subject.into(),
            payload: payload.into(),
            ..Spoken::default()
        });
    }
}

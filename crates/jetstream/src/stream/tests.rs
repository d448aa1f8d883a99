//! What becomes of what is asked, as text.

mod atomic;
mod consumers;
mod direct;
mod expiry;
mod fast;
mod models;
mod pipelining;
mod publishing;
mod restoring;
mod schedules;
mod showing;
mod sourcing;
mod state;

use super::entry::{Entry, encode};
use super::{Effect, Publish, Published, Stream, Surroundings};
use crate::account::{Room, StreamBytes};
use crate::api::{DeleteMessageRequest, PurgeRequest};
use crate::config::{ServerLimits, StreamConfig, StreamConfigRequest, check};
use crate::held::InMemory;
use crate::time::{SECOND, Time};
use bytes::Bytes;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// When it all begins.
const START: Time = Time(1_796_022_000 * SECOND);

fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

fn around(now: Time, room: Room, limits: &ServerLimits) -> Surroundings<'_> {
    Surroundings {
        now,
        random: 0,
        room,
        limits,
        batches_left: 1000,
        zones: &zone,
        has_interest: &|_| true,
    }
}

/// A stream, and what it has to know.
struct Scene {
    stream: Stream<InMemory>,
    now: Time,
    room: Room,
    limits: ServerLimits,
    /// What was written into the log.
    log: Vec<u8>,
}

fn config(settings: &str) -> StreamConfig {
    let body = format!(r#"{{"name":"P","subjects":["p.>"],"storage":"memory"{settings}}}"#);
    let asked = StreamConfigRequest::from_json(body.as_bytes(), true)
        .unwrap()
        .config;
    let nothing: BTreeMap<String, StreamConfig> = BTreeMap::new();
    let limits = ServerLimits::default();
    check(&asked, &nothing, &limits, StreamBytes::default(), false).unwrap()
}

/// A scene with a stream `P` of `p.>` in memory, with further settings.
fn scene(settings: &str) -> Scene {
    let config = config(settings);
    let held = InMemory::new(config.storage);
    Scene {
        stream: Stream::new(config, 1, START, "", held),
        now: START,
        room: Room::default(),
        limits: ServerLimits::default(),
        log: Vec::new(),
    }
}

/// A header block of lines that are separated by `|`.
fn headers(lines: &str) -> Bytes {
    match lines {
        "" => Bytes::new(),
        lines => format!("NATS/1.0\r\n{}\r\n\r\n", lines.replace('|', "\r\n")).into(),
    }
}

fn message(subject: &str, lines: &str, payload: &str) -> Publish {
    Publish {
        subject: Bytes::copy_from_slice(subject.as_bytes()),
        reply: Bytes::from_static(b"reply"),
        headers: headers(lines),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
    }
}

/// An answer in short: what is refused by code and text.
fn short(answer: &[u8]) -> String {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    match serde_json::from_slice::<serde_json::Value>(answer) {
        Ok(json) if json["error"].is_object() && json["type"].is_null() => {
            let error = &json["error"];
            format!("{} {}", error["err_code"], error["description"].as_str().unwrap())
        }
        _ => text.replace(r#""stream":"P","#, ""),
    }
}

impl Scene {
    fn pass(&mut self, nanoseconds: i64) {
        self.now = self.now.after(nanoseconds);
    }

    fn offer(&mut self, message: Publish) -> Published {
        let around = around(self.now, self.room, &self.limits);
        self.stream.publish(&around, message)
    }

    /// Writes what was decided into the log; says what is in that.
    fn commit(&mut self) -> Vec<Entry> {
        let Some(proposal) = self.stream.propose() else {
            return Vec::new();
        };
        let (number, entries) = (proposal.number, proposal.entries.clone());
        encode(&entries, &mut self.log);
        self.stream.committed(number, &zone);
        entries
    }

    /// Who is answered what, since that was asked last.
    fn answers(&mut self) -> Vec<String> {
        let effects = self.stream.take_effects().list;
        let answers = effects.into_iter().filter_map(|effect| match effect {
            Effect::Answer { payload, .. } => Some(short(&payload)),
            _ => None,
        });
        answers.collect()
    }

    /// Publishes a message, and says what is answered when it is in the log.
    fn publish(&mut self, subject: &str, lines: &str, payload: &str) -> String {
        assert_eq!(self.offer(message(subject, lines, payload)), Published::Decided);
        self.commit();
        self.answers().join(" ")
    }

    fn purge(&mut self, request: &PurgeRequest) -> String {
        let refused = self.stream.request_purge(request, 1).err();
        self.commit();
        let done = self.stream.take_effects().list;
        refused.map_or_else(|| format!("{done:?}"), |error| error.to_string())
    }

    fn delete(&mut self, sequence: u64) -> String {
        let request = DeleteMessageRequest {
            sequence,
            no_erase: true,
        };
        let refused = self.stream.request_delete(&request, 1).err();
        self.commit();
        let done = self.stream.take_effects().list;
        refused.map_or_else(|| format!("{done:?}"), |error| error.to_string())
    }

    /// Decides what is due.
    fn decide_what_is_due(&mut self) {
        let around = around(self.now, self.room, &self.limits);
        self.stream.wake(&around).unwrap();
    }

    fn wake(&mut self) {
        self.decide_what_is_due();
        self.commit();
    }

    /// Messages, bytes, first and last sequence, subjects, deleted.
    fn state(&self) -> String {
        let state = self.stream.state(0);
        format!(
            "{} msgs {} bytes {}-{} subjects {} deleted {}",
            state.messages,
            state.bytes,
            state.first_seq,
            state.last_seq,
            state.num_subjects,
            state.num_deleted
        )
    }

    /// All messages: sequence, subject, headers and payload.
    fn messages(&self) -> Vec<String> {
        use crate::held::Messages;
        let held = self.stream.held();
        let all = (0..=self.stream.last_sequence()).filter_map(|sequence| held.get(sequence).unwrap());
        all.map(|message| {
            let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
            let headers = text(&message.headers)
                .trim_start_matches("NATS/1.0\r\n")
                .trim_end()
                .replace("\r\n", "|");
            let (subject, payload) = (text(&message.subject), text(&message.payload));
            format!("{} {subject} [{headers}] {payload}", message.sequence)
        })
        .collect()
    }
}

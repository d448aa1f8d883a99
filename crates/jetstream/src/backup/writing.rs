//! Writing a backup.

use super::archive::{self, Entry, MAGIC};
use super::blocks;
use super::{ConsumerSnapshot, ConsumerState, Form, Snapshot, tar};
use crate::api::json;
use crate::config::StreamConfig;
use crate::consumer::config::ConsumerConfig;
use crate::message::Message;
use crate::time::{SECOND, Time};
use bytes::Bytes;
use serde::Serialize;
use vagus_compression::mode::Level;
use vagus_compression::s2::{Compressor, Writer as Compressing};

/// How long blocks of messages get.
const BLOCK: usize = 4 << 20;

/// What is compressed at once.
const COMPRESSED_AT_ONCE: usize = 64 << 10;

/// Writes a backup: first [what there is](Self::begin) of the stream, then its messages in their order, then its
/// [end](Self::end).
#[derive(Debug)]
pub struct Writer {
    form: Form,
    now: Time,
    stream: String,
    last: u64,
    last_time: Time,
    consumers: Vec<ConsumerSnapshot>,
    /// The messages of the block that is being filled, and its number.
    block: Vec<u8>,
    number: u32,
    last_written: u64,
    /// What is not yet compressed, and what is.
    plain: Vec<u8>,
    compressed: Vec<u8>,
    compressing: Compressing,
    compressor: Compressor,
}

#[derive(Serialize)]
struct StreamFile<'a> {
    #[serde(rename = "Created")]
    created: Time,
    #[serde(flatten)]
    config: &'a StreamConfig,
}

#[derive(Serialize)]
struct ConsumerFile<'a> {
    #[serde(rename = "Created")]
    created: Time,
    #[serde(rename = "Name")]
    name: &'a str,
    #[serde(flatten)]
    config: &'a ConsumerConfig,
}

#[derive(Serialize)]
struct ConsumerEntry<'a> {
    config: &'a ConsumerConfig,
    state: &'a ConsumerState,
}

impl Writer {
    /// Begins with what there is of a stream. `now`: when that is.
    pub fn begin(form: Form, snapshot: Snapshot, now: Time) -> Self {
        let Snapshot {
            config,
            created,
            state,
            consumers,
        } = snapshot;
        let mut writer = Self {
            form,
            now,
            last: state.last_seq,
            last_time: state.last_time.unwrap_or_default(),
            consumers: Vec::new(),
            block: Vec::new(),
            number: 1,
            last_written: 0,
            plain: Vec::new(),
            compressed: Vec::new(),
            compressing: Compressing::default(),
            compressor: Compressor::default(),
            stream: config.name.clone(),
        };
        match form {
            Form::Tar => {
                let config = &config;
                writer.file_with_sum("", &json(&StreamFile { created, config }), &config.name);
                writer.consumers = consumers;
            }
            Form::Archive => {
                writer.plain.extend_from_slice(MAGIC);
                writer.entry("state.json", json(&state));
                for consumer in &consumers {
                    let ConsumerSnapshot { config, state, .. } = consumer;
                    let name = format!("consumers/{}", consumer.name);
                    writer.entry(&name, json(&ConsumerEntry { config, state }));
                }
            }
        }
        writer
    }

    /// A message follows.
    pub fn message(&mut self, message: &Message) {
        match self.form {
            Form::Tar => {
                blocks::append(&self.stream, self.number, message, &mut self.block);
                self.last_written = message.sequence;
                if self.block.len() >= BLOCK {
                    self.end_block();
                }
            }
            Form::Archive => {
                let entry = Entry {
                    name: message.subject.clone(),
                    time: message.time.0,
                    sequence: message.sequence,
                    headers: message.headers.clone(),
                    payload: message.payload.clone(),
                };
                archive::append(&entry, &mut self.plain);
            }
        }
        self.compress(COMPRESSED_AT_ONCE);
    }

    /// Nothing more follows.
    pub fn end(&mut self) {
        match self.form {
            Form::Tar => {
                if self.last_written < self.last {
                    let (last, time) = (self.last, self.last_time);
                    blocks::append_gone(&self.stream, self.number, last, time, &mut self.block);
                }
                self.end_block();
                for consumer in std::mem::take(&mut self.consumers) {
                    self.consumer_files(&consumer);
                }
                tar::end(&mut self.plain);
            }
            Form::Archive => archive::append(&Entry::default(), &mut self.plain),
        }
        self.compress(1);
    }

    /// How many bytes of the backup there are that nobody has taken yet.
    pub fn ready(&self) -> usize {
        self.compressed.len()
    }

    /// Takes up to so many bytes of the backup.
    pub fn take(&mut self, at_most: usize) -> Bytes {
        let rest = self.compressed.split_off(at_most.min(self.compressed.len()));
        std::mem::replace(&mut self.compressed, rest).into()
    }

    /// Compresses what is there, if that is so much.
    fn compress(&mut self, at_least: usize) {
        if self.plain.len() >= at_least {
            let plain = std::mem::take(&mut self.plain);
            self.compressing
                .append(&plain, Level::Fast, &mut self.compressor, &mut self.compressed);
        }
    }

    fn seconds(&self) -> u64 {
        (self.now.0 / SECOND).unsigned_abs()
    }

    fn file(&mut self, name: &str, content: &[u8]) {
        let time = self.seconds();
        tar::append(name, content, time, &mut self.plain);
        self.compress(COMPRESSED_AT_ONCE);
    }

    /// A configuration with its checksum, which has a key of its own.
    fn file_with_sum(&mut self, folder: &str, content: &[u8], key: &str) {
        let sum = blocks::checksum(key, &[content]).to_le_bytes();
        let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        self.file(&format!("{folder}meta.inf"), content);
        self.file(&format!("{folder}meta.sum"), sum.as_bytes());
    }

    fn end_block(&mut self) {
        if !self.block.is_empty() {
            let block = std::mem::take(&mut self.block);
            self.file(&format!("msgs/{}.blk", self.number), &block);
            self.number += 1;
        }
    }

    fn consumer_files(&mut self, consumer: &ConsumerSnapshot) {
        let ConsumerSnapshot {
            name,
            created,
            config,
            state,
        } = consumer;
        let folder = format!("obs/{name}/");
        let created = created.unwrap_or_default();
        let content = json(&ConsumerFile {
            created,
            name,
            config,
        });
        self.file_with_sum(&folder, &content, &format!("{}/{name}", self.stream));
        self.file(&format!("{folder}o.dat"), &state.encode(self.now));
    }

    fn entry(&mut self, name: &str, payload: Vec<u8>) {
        let entry = Entry {
            name: Bytes::copy_from_slice(name.as_bytes()),
            time: self.now.0,
            payload: payload.into(),
            ..Entry::default()
        };
        archive::append(&entry, &mut self.plain);
        self.compress(COMPRESSED_AT_ONCE);
    }
}

//! Reading a backup.

use super::archive::{self, MAGIC};
use super::blocks::{self, Record};
use super::tar::{self, File};
use super::{BackupError, ConsumerSnapshot, ConsumerState, Form};
use crate::consumer::config::ConsumerConfig;
use crate::json::reading;
use crate::message::Message;
use crate::time::Time;
use bytes::{Buf, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::Value;
use std::collections::VecDeque;
use vagus_compression::s2::Reader as Decompressing;

/// How long a file or an entry may be: a block of messages has 8 MiB and a message of up to 64.
const PART_AT_MOST: usize = 80 << 20;

/// How long configurations and states of consumers may be.
const TEXT_AT_MOST: usize = 16 << 20;

/// What is decompressed at once.
const DECOMPRESSED_AT_ONCE: usize = 64 << 10;

/// A part of a backup.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Since when there was the stream, and what it was called.
    Stream {
        /// That.
        created: Time,
        /// Its name.
        name: String,
    },
    /// The last sequence that it had given.
    Last(u64),
    /// A consumer.
    Consumer(Box<ConsumerSnapshot>),
    /// A message, behind all before it.
    Message(Message),
    /// A message of before has gone, or none has this sequence.
    Gone(u64),
}

/// Reads a backup that comes in pieces.
#[derive(Debug, Default)]
pub struct Reader {
    /// What has come and is not decompressed.
    input: VecDeque<Bytes>,
    decompressing: Decompressing,
    pub(super) plain: BytesMut,
    form: Option<Form>,
    tar: tar::Reader,
    /// What the stream is called, by which messages are summed.
    stream: String,
    /// The consumer whose state follows, and what it is.
    consumer: Option<(String, Bytes)>,
    parts: VecDeque<Part>,
    is_whole: bool,
}

#[derive(Deserialize)]
struct StreamFile {
    #[serde(rename = "Created")]
    created: String,
    name: String,
}

#[derive(Deserialize)]
struct State {
    last_seq: u64,
}

#[derive(Deserialize)]
struct ConsumerEntry {
    config: Value,
    state: Option<ConsumerState>,
}

impl Reader {
    /// A backup of a stream of this name.
    pub fn new(stream: &str) -> Self {
        Self {
            stream: stream.to_owned(),
            ..Self::default()
        }
    }

    /// A piece has come.
    pub fn push(&mut self, piece: Bytes) {
        self.input.push_back(piece);
    }

    /// The next part; None: more has to come first.
    ///
    /// # Errors
    /// If it is no backup. It is not read any further then.
    pub fn next_part(&mut self) -> Result<Option<Part>, BackupError> {
        loop {
            if let Some(part) = self.parts.pop_front() {
                return Ok(Some(part));
            }
            if !self.read()? && !self.decompress()? {
                return Ok(None);
            }
        }
    }

    /// Nothing more comes.
    ///
    /// # Errors
    /// If something is missing.
    pub fn end(&self) -> Result<(), BackupError> {
        match self.is_whole || self.tar.is_over() {
            true => Ok(()),
            false => Err(BackupError::Incomplete),
        }
    }

    /// Whether there was something to decompress.
    fn decompress(&mut self) -> Result<bool, BackupError> {
        loop {
            if self.input.is_empty() && !self.decompressing.holds_data() {
                return Ok(false);
            }
            let mut space = [0; DECOMPRESSED_AT_ONCE];
            let piece = self.input.front().cloned().unwrap_or_default();
            let mut rest: &[u8] = &piece;
            let count = self.decompressing.read(&mut rest, &mut space)?;
            let taken = piece.len() - rest.len();
            match self.input.front_mut() {
                Some(piece) if taken < piece.len() => piece.advance(taken),
                _ => drop(self.input.pop_front()),
            }
            if count > 0 {
                self.plain.extend_from_slice(&space[..count]);
                return Ok(true);
            }
        }
    }

    /// Whether there was something to read.
    fn read(&mut self) -> Result<bool, BackupError> {
        let form = match self.form {
            Some(form) => form,
            None if self.plain.len() < MAGIC.len() => return Ok(false),
            None => match self.plain.starts_with(MAGIC) {
                true => {
                    self.plain.advance(MAGIC.len());
                    *self.form.insert(Form::Archive)
                }
                false => *self.form.insert(Form::Tar),
            },
        };
        match form {
            Form::Tar => {
                let is_wanted = |name: &str| {
                    name == "meta.inf"
                        || name.ends_with(".blk")
                        || name.starts_with("obs/")
                        || name == "errors.txt"
                };
                let file = self.tar.take(&mut self.plain, PART_AT_MOST, is_wanted)?;
                file.map(|file| self.take_file(file))
                    .transpose()
                    .map(|taken| taken.is_some())
            }
            Form::Archive => {
                if self.is_whole {
                    return Ok(false);
                }
                let entry = archive::take(&mut self.plain, PART_AT_MOST)?;
                entry
                    .map(|entry| self.take_entry(entry))
                    .transpose()
                    .map(|taken| taken.is_some())
            }
        }
    }

    fn take_file(&mut self, File { name, content }: File) -> Result<(), BackupError> {
        let parts: Vec<&str> = name.trim_start_matches("./").split('/').collect();
        match *parts {
            ["meta.inf"] => {
                let file: StreamFile = serde_json::from_slice(&content)
                    .map_err(|_| BackupError::Malformed("the configuration of the stream"))?;
                let created = Time::parse(&file.created).unwrap_or_default();
                let name = file.name;
                self.parts.push_back(Part::Stream { created, name });
            }
            ["msgs", block] => {
                let number = block.strip_suffix(".blk").and_then(|number| number.parse().ok());
                let number = number.ok_or(BackupError::Malformed("the number of a block"))?;
                for record in blocks::read(&self.stream, number, content)? {
                    self.parts.push_back(match record {
                        Record::Message(message) => Part::Message(message),
                        Record::Gone(sequence) => Part::Gone(sequence),
                    });
                }
            }
            ["obs", _, _] if content.len() > TEXT_AT_MOST => return Err(BackupError::TooLarge),
            ["obs", consumer, "meta.inf"] => self.consumer = Some((consumer.to_owned(), content)),
            ["obs", consumer, "o.dat"] => {
                let described = self.consumer.take().filter(|(name, _)| name == consumer);
                let (name, config) = described.ok_or(BackupError::Malformed("a consumer"))?;
                let state = ConsumerState::decode(&content)?;
                let consumer = consumer_of_file(name, &config, state)?;
                self.parts.push_back(Part::Consumer(Box::new(consumer)));
            }
            ["obs", ..] => {}
            // Who wrote it could not go on.
            _ => return Err(BackupError::Incomplete),
        }
        Ok(())
    }

    fn take_entry(&mut self, entry: archive::Entry) -> Result<(), BackupError> {
        if entry.is_end() {
            self.is_whole = true;
            return Ok(());
        }
        if entry.sequence > 0 {
            self.parts.push_back(Part::Message(Message {
                sequence: entry.sequence,
                time: Time(entry.time),
                subject: entry.name,
                headers: entry.headers,
                payload: entry.payload,
            }));
            return Ok(());
        }
        if entry.payload.len() > TEXT_AT_MOST {
            return Err(BackupError::TooLarge);
        }
        if entry.name == "state.json" {
            let state: State = serde_json::from_slice(&entry.payload)
                .map_err(|_| BackupError::Malformed("the state of the stream"))?;
            self.parts.push_back(Part::Last(state.last_seq));
        } else if let Some(name) = entry.name.strip_prefix(b"consumers/") {
            let bad = |_| BackupError::Malformed("a consumer");
            let name = String::from_utf8(name.to_vec()).map_err(|_| BackupError::Malformed("a consumer"))?;
            let ConsumerEntry { config, state } = serde_json::from_slice(&entry.payload).map_err(bad)?;
            self.parts.push_back(Part::Consumer(Box::new(ConsumerSnapshot {
                name,
                created: None,
                config: config_of(&config)?,
                state: state.unwrap_or_default(),
            })));
        }
        Ok(())
    }
}

fn consumer_of_file(
    name: String,
    text: &[u8],
    state: ConsumerState,
) -> Result<ConsumerSnapshot, BackupError> {
    let mut written: Value = serde_json::from_slice(text)
        .map_err(|_| BackupError::Malformed("the configuration of a consumer"))?;
    let mut created = None;
    if let Some(fields) = written.as_object_mut() {
        created = fields.remove("Created");
        // The configuration has a name, too, which differs from this one by its first letter alone.
        fields.remove("Name");
    }
    Ok(ConsumerSnapshot {
        name,
        created: created.as_ref().and_then(Value::as_str).and_then(Time::parse),
        config: config_of(&written)?,
        state,
    })
}

fn config_of(written: &Value) -> Result<ConsumerConfig, BackupError> {
    let read = reading::read(written.to_string().as_bytes(), false);
    read.map_err(|_| BackupError::Malformed("the configuration of a consumer"))
}

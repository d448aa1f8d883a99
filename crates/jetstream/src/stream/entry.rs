//! What is written into the log of a stream: what has been decided. Whoever applies the same entries in the same order comes
//! to the same stream.

use super::consumers::entry::ConsumerEntry;
use super::lifetime::Lifetime;
use super::rollup::Rollup;
use super::schedule;
use super::sourcing::{Known, get_known, put_known};
use crate::config::{StreamConfig, StreamConfigRequest};
use crate::header;
use crate::message::Message;
use crate::time::Time;
use bytes::{Buf, BufMut, Bytes};
use thiserror::Error;

/// Something that has been decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A message is stored.
    Store(Store),
    /// One that came from a source is, which says so in its headers.
    Source(Store),
    /// One of what the stream is a copy of is, under the sequence that it has there.
    Mirror {
        /// That one.
        sequence: u64,
        /// The message.
        store: Store,
    },
    /// The sequences up to this one have no messages.
    Skip(u64),
    /// How far the stream is with a source.
    Known {
        /// The source, by its index.
        index: String,
        /// How far.
        known: Known,
    },
    /// Several are, with nothing between them.
    Batch(Vec<Store>),
    /// All messages go that match, but for some.
    Purge(Purge),
    /// One message goes.
    Delete {
        /// Which.
        sequence: u64,
        /// Whether its bytes are overwritten.
        erased: bool,
        /// Who wanted it.
        request: Option<u64>,
    },
    /// These messages have expired.
    Expire(Vec<u64>),
    /// No consumer needs these messages any more.
    Release(Vec<u64>),
    /// Something becomes of a consumer.
    Consumer(ConsumerEntry),
    /// The stream is configured anew.
    Configure {
        /// To be this.
        config: Box<StreamConfig>,
        /// Who wanted it.
        request: Option<u64>,
    },
}

/// A message that is to be stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Store {
    /// When it came.
    pub time: Time,
    /// What it is about.
    pub subject: Bytes,
    /// Its headers.
    pub headers: Bytes,
    /// What it says.
    pub payload: Bytes,
    pub(super) lifetime: Lifetime,
    pub(super) rollup: Rollup,
    /// Who waits for an answer; nobody does who reads the log.
    pub(super) answer: Answer,
}

/// What is answered when a message is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Where to; empty: nowhere.
    pub(super) reply: Bytes,
    /// The batch that ends with it, and how many messages it has.
    pub(super) batch: Option<(Bytes, u64)>,
    /// What the counter stands at.
    pub(super) value: Option<Box<str>>,
    /// The fast batch that it is of, and its place in that.
    pub(super) fast: Option<(Bytes, u64)>,
}

/// Which messages go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purge {
    /// Those of these subjects; empty: of all.
    pub filter: Bytes,
    /// Those before this sequence; 0: all.
    pub sequence: u64,
    /// All but so many.
    pub keep: u64,
    /// Who wanted it.
    pub request: Option<u64>,
}

/// Bytes that are no entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not entries of a stream's log")]
pub struct NoEntries;

impl Store {
    /// With what follows from its headers.
    pub(super) fn with_headers_read(mut self) -> Self {
        self.lifetime = Lifetime::of(&self.headers).unwrap_or_default();
        self.rollup = Rollup::of(&self.headers).unwrap_or_default();
        self
    }

    /// The message that it becomes.
    pub(super) fn message(&self, sequence: u64) -> Message {
        Message {
            sequence,
            time: self.time,
            subject: self.subject.clone(),
            headers: self.headers.clone(),
            payload: self.payload.clone(),
        }
    }

    /// Whether no messages of other subjects go with it, but for limits.
    pub(super) fn is_foreseeable(&self) -> bool {
        self.rollup != Rollup::All && schedule::ended(&self.headers).is_none()
    }

    /// What the message is known by, if it says so.
    pub(super) fn id(&self) -> Option<&[u8]> {
        header::said(&self.headers, header::MESSAGE_ID)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_i64_le(self.time.0);
        put_bytes(out, &self.subject);
        put_bytes(out, &self.headers);
        put_bytes(out, &self.payload);
    }

    fn decode(from: &mut Bytes) -> Result<Self, NoEntries> {
        let store = Self {
            time: Time(from.try_get_i64_le().map_err(|_| NoEntries)?),
            subject: get_bytes(from)?,
            headers: get_bytes(from)?,
            payload: get_bytes(from)?,
            ..Self::default()
        };
        Ok(store.with_headers_read())
    }
}

impl Entry {
    /// The messages that it stores.
    pub fn stores(&self) -> &[Store] {
        match self {
            Self::Store(store) | Self::Source(store) | Self::Mirror { store, .. } => {
                std::slice::from_ref(store)
            }
            Self::Batch(stores) => stores,
            Self::Purge(_)
            | Self::Delete { .. }
            | Self::Expire(_)
            | Self::Release(_)
            | Self::Consumer(_)
            | Self::Skip(_)
            | Self::Known { .. }
            | Self::Configure { .. } => &[],
        }
    }

    /// Whether it only follows what is done already where it was decided.
    pub(super) fn is_behind(&self) -> bool {
        matches!(self, Self::Consumer(entry) if entry.is_behind())
    }
}

/// Appends entries as they are written into a log.
pub fn encode(entries: &[Entry], out: &mut Vec<u8>) {
    for entry in entries {
        match entry {
            Entry::Store(store) => {
                out.put_u8(1);
                store.encode(out);
            }
            Entry::Source(store) => {
                out.put_u8(9);
                store.encode(out);
            }
            Entry::Mirror { sequence, store } => {
                out.put_u8(10);
                out.put_u64_le(*sequence);
                store.encode(out);
            }
            Entry::Skip(sequence) => {
                out.put_u8(11);
                out.put_u64_le(*sequence);
            }
            Entry::Known { index, known } => {
                out.put_u8(12);
                put_known(out, index, known);
            }
            Entry::Batch(stores) => {
                out.put_u8(2);
                put_length(out, stores.len());
                stores.iter().for_each(|store| store.encode(out));
            }
            Entry::Purge(purge) => {
                out.put_u8(3);
                put_bytes(out, &purge.filter);
                out.put_u64_le(purge.sequence);
                out.put_u64_le(purge.keep);
            }
            Entry::Delete { sequence, erased, .. } => {
                out.put_u8(4);
                out.put_u64_le(*sequence);
                out.put_u8(u8::from(*erased));
            }
            Entry::Expire(sequences) => {
                out.put_u8(5);
                put_sequences(out, sequences);
            }
            Entry::Release(sequences) => {
                out.put_u8(7);
                put_sequences(out, sequences);
            }
            Entry::Consumer(entry) => {
                out.put_u8(8);
                entry.encode(out);
            }
            Entry::Configure { config, .. } => {
                out.put_u8(6);
                put_bytes(out, &crate::api::json(config));
            }
        }
    }
}

/// The entries that were written.
///
/// # Errors
/// If there are others between them, or none.
pub fn decode(mut from: Bytes) -> Result<Vec<Entry>, NoEntries> {
    let mut entries = Vec::new();
    while from.has_remaining() {
        entries.push(match from.get_u8() {
            1 => Entry::Store(Store::decode(&mut from)?),
            2 => {
                let length = get_length(&mut from)?;
                let stores: Result<_, _> = (0..length).map(|_| Store::decode(&mut from)).collect();
                Entry::Batch(stores?)
            }
            3 => Entry::Purge(Purge {
                filter: get_bytes(&mut from)?,
                sequence: from.try_get_u64_le().map_err(|_| NoEntries)?,
                keep: from.try_get_u64_le().map_err(|_| NoEntries)?,
                request: None,
            }),
            4 => Entry::Delete {
                sequence: from.try_get_u64_le().map_err(|_| NoEntries)?,
                erased: from.try_get_u8().map_err(|_| NoEntries)? != 0,
                request: None,
            },
            5 => Entry::Expire(get_sequences(&mut from)?),
            9 => Entry::Source(Store::decode(&mut from)?),
            10 => Entry::Mirror {
                sequence: from.try_get_u64_le().map_err(|_| NoEntries)?,
                store: Store::decode(&mut from)?,
            },
            11 => Entry::Skip(from.try_get_u64_le().map_err(|_| NoEntries)?),
            12 => {
                let (index, known) = get_known(&mut from)?;
                Entry::Known { index, known }
            }
            7 => Entry::Release(get_sequences(&mut from)?),
            8 => Entry::Consumer(ConsumerEntry::decode(&mut from)?),
            6 => {
                let json = get_bytes(&mut from)?;
                let read = StreamConfigRequest::from_json(&json, true).map_err(|_| NoEntries)?;
                Entry::Configure {
                    config: Box::new(read.config),
                    request: None,
                }
            }
            _ => return Err(NoEntries),
        });
    }
    Ok(entries)
}

fn put_sequences(out: &mut Vec<u8>, sequences: &[u64]) {
    put_length(out, sequences.len());
    sequences.iter().for_each(|sequence| out.put_u64_le(*sequence));
}

fn get_sequences(from: &mut Bytes) -> Result<Vec<u64>, NoEntries> {
    let length = get_length(from)?;
    (0..length)
        .map(|_| from.try_get_u64_le().map_err(|_| NoEntries))
        .collect()
}

pub(super) fn put_length(out: &mut Vec<u8>, length: usize) {
    out.put_u32_le(u32::try_from(length).unwrap_or(u32::MAX));
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.put_slice(bytes);
}

/// A number of things that are still to come, of a byte at least each.
pub(super) fn get_length(from: &mut Bytes) -> Result<usize, NoEntries> {
    let length = from.try_get_u32_le().map_err(|_| NoEntries)? as usize;
    match length <= from.remaining() {
        true => Ok(length),
        false => Err(NoEntries),
    }
}

pub(crate) fn get_bytes(from: &mut Bytes) -> Result<Bytes, NoEntries> {
    let length = get_length(from)?;
    Ok(from.split_to(length))
}

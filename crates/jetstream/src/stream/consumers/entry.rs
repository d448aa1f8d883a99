//! What is written into the log of a stream of its consumers.

use crate::api::json;
use crate::consumer::config::ConsumerConfig;
use crate::consumer::{Change, Progress};
use crate::json::reading;
use crate::stream::entry::{NoEntries, get_bytes, put_bytes};
use crate::time::Time;
use bytes::{Buf, BufMut, Bytes};

/// Something that has been decided of a consumer. Each has a number that no other of its stream has ever had.
#[derive(Debug, Clone, PartialEq)]
pub enum ConsumerEntry {
    /// It is made.
    Create {
        /// Its number.
        number: u64,
        /// Its name.
        name: String,
        /// What it is to be.
        config: Box<ConsumerConfig>,
        /// When.
        time: Time,
        /// Whether somebody listens where it delivers.
        is_bound: bool,
        /// Who wanted it.
        request: Option<u64>,
    },
    /// It is made as it once was.
    Restore {
        /// Its number.
        number: u64,
        /// Its name.
        name: String,
        /// What it is to be.
        config: Box<ConsumerConfig>,
        /// Since when there is it.
        time: Time,
        /// How far it had come.
        progress: Box<Kept>,
        /// Who wanted it.
        request: Option<u64>,
    },
    /// It becomes another.
    Update {
        /// Its number.
        number: u64,
        /// What it is to be.
        config: Box<ConsumerConfig>,
        /// When.
        time: Time,
        /// Whether somebody listens where it delivers.
        is_bound: bool,
        /// Who wanted it.
        request: Option<u64>,
    },
    /// It goes.
    Delete {
        /// Its number.
        number: u64,
        /// Who wanted it.
        request: Option<u64>,
    },
    /// It begins anew.
    Reset {
        /// Its number.
        number: u64,
        /// With the message of this sequence.
        next: u64,
        /// When.
        time: Time,
        /// Who wanted it.
        request: Option<u64>,
    },
    /// It has come so far.
    Came {
        /// Its number.
        number: u64,
        /// How far.
        progress: Box<Kept>,
    },
    /// It has come farther.
    Changed {
        /// Its number.
        number: u64,
        /// By this.
        changes: Vec<Change>,
    },
}

/// How far a consumer has come, as it is written.
#[derive(Debug, Clone)]
pub struct Kept(pub(crate) Progress);

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        let encoded = |kept: &Self| {
            let mut out = Vec::new();
            kept.0.encode(&mut out);
            kept.0.encode_by_subject(&mut out);
            kept.0.encode_moved(&mut out);
            out
        };
        encoded(self) == encoded(other)
    }
}

impl ConsumerEntry {
    /// The number of the consumer.
    pub(crate) fn number(&self) -> u64 {
        match self {
            Self::Create { number, .. }
            | Self::Restore { number, .. }
            | Self::Update { number, .. }
            | Self::Delete { number, .. }
            | Self::Reset { number, .. }
            | Self::Came { number, .. }
            | Self::Changed { number, .. } => *number,
        }
    }

    /// Who waits for it.
    pub(crate) fn request(&self) -> Option<u64> {
        match self {
            Self::Create { request, .. }
            | Self::Restore { request, .. }
            | Self::Update { request, .. }
            | Self::Delete { request, .. }
            | Self::Reset { request, .. } => *request,
            Self::Came { .. } | Self::Changed { .. } => None,
        }
    }

    /// Whether it only follows what is done already.
    pub(crate) fn is_behind(&self) -> bool {
        matches!(self, Self::Came { .. } | Self::Changed { .. })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Create {
                number,
                name,
                config,
                time,
                ..
            } => {
                out.put_u8(1);
                out.put_u64_le(*number);
                put_bytes(out, name.as_bytes());
                put_bytes(out, &json(config));
                out.put_i64_le(time.0);
            }
            Self::Restore {
                number,
                name,
                config,
                time,
                progress,
                ..
            } => {
                out.put_u8(7);
                out.put_u64_le(*number);
                put_bytes(out, name.as_bytes());
                put_bytes(out, &json(config));
                out.put_i64_le(time.0);
                progress.0.encode(out);
            }
            Self::Update {
                number, config, time, ..
            } => {
                out.put_u8(2);
                out.put_u64_le(*number);
                put_bytes(out, &json(config));
                out.put_i64_le(time.0);
            }
            Self::Delete { number, .. } => {
                out.put_u8(3);
                out.put_u64_le(*number);
            }
            Self::Reset {
                number, next, time, ..
            } => {
                out.put_u8(4);
                out.put_u64_le(*number);
                out.put_u64_le(*next);
                out.put_i64_le(time.0);
            }
            Self::Came { number, progress } => {
                let has_moved = !progress.0.moved.is_empty();
                let by_subject = progress.0.by_subject.is_some() || has_moved;
                out.put_u8(match (has_moved, by_subject) {
                    (true, _) => 9,
                    (false, true) => 8,
                    (false, false) => 5,
                });
                out.put_u64_le(*number);
                progress.0.encode(out);
                if by_subject {
                    progress.0.encode_by_subject(out);
                }
                if has_moved {
                    progress.0.encode_moved(out);
                }
            }
            Self::Changed { number, changes } => {
                out.put_u8(6);
                out.put_u64_le(*number);
                Change::encode_all(changes, out);
            }
        }
    }

    pub(crate) fn decode(from: &mut Bytes) -> Result<Self, NoEntries> {
        let kind = from.try_get_u8().map_err(|_| NoEntries)?;
        let number = from.try_get_u64_le().map_err(|_| NoEntries)?;
        Ok(match kind {
            1 => Self::Create {
                number,
                name: get_name(from)?,
                config: Box::new(get_config(from)?),
                time: Time(from.try_get_i64_le().map_err(|_| NoEntries)?),
                is_bound: false,
                request: None,
            },
            2 => Self::Update {
                number,
                config: Box::new(get_config(from)?),
                time: Time(from.try_get_i64_le().map_err(|_| NoEntries)?),
                is_bound: false,
                request: None,
            },
            7 => Self::Restore {
                number,
                name: get_name(from)?,
                config: Box::new(get_config(from)?),
                time: Time(from.try_get_i64_le().map_err(|_| NoEntries)?),
                progress: Box::new(Kept(Progress::decode(from)?)),
                request: None,
            },
            3 => Self::Delete {
                number,
                request: None,
            },
            4 => Self::Reset {
                number,
                next: from.try_get_u64_le().map_err(|_| NoEntries)?,
                time: Time(from.try_get_i64_le().map_err(|_| NoEntries)?),
                request: None,
            },
            5 => Self::Came {
                number,
                progress: Box::new(Kept(Progress::decode(from)?)),
            },
            8 | 9 => {
                let mut progress = Progress::decode(from)?;
                progress.decode_by_subject(from)?;
                if kind == 9 {
                    progress.decode_moved(from)?;
                }
                Self::Came {
                    number,
                    progress: Box::new(Kept(progress)),
                }
            }
            6 => Self::Changed {
                number,
                changes: Change::decode_all(from)?,
            },
            _ => return Err(NoEntries),
        })
    }
}

pub(super) fn get_name(from: &mut Bytes) -> Result<String, NoEntries> {
    let name = get_bytes(from)?;
    String::from_utf8(name.to_vec()).map_err(|_| NoEntries)
}

pub(super) fn get_config(from: &mut Bytes) -> Result<ConsumerConfig, NoEntries> {
    reading::read(&get_bytes(from)?, true).map_err(|_| NoEntries)
}

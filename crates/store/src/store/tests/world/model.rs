//! What streams are told, and what they should hold then.

use super::*;

/// What an entry does. Its body is as if a stream's machine had made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Change {
    Put { sequence: u64, subject: u8, length: u16 },
    Delete { sequence: u64 },
    PurgeTo { sequence: u64 },
}

impl Change {
    pub(in super::super) fn encode(&self, out: &mut Vec<u8>) {
        let (kind, sequence, subject, length) = match *self {
            Self::Put {
                sequence,
                subject,
                length,
            } => (0, sequence, subject, length),
            Self::Delete { sequence } => (1, sequence, 0, 0),
            Self::PurgeTo { sequence } => (2, sequence, 0, 0),
        };
        out.put_u8(kind);
        out.put_u64(sequence);
        out.put_u8(subject);
        out.put_u16(length);
        out.resize(out.len() + usize::from(length), sequence as u8);
    }

    pub(in super::super) fn decode(fields: &mut Fields<'_>) -> Self {
        let kind = fields.u8().unwrap();
        let (sequence, subject, length) =
            (fields.u64().unwrap(), fields.u8().unwrap(), fields.u16().unwrap());
        fields.bytes(usize::from(length)).unwrap();
        match kind {
            0 => Self::Put {
                sequence,
                subject,
                length,
            },
            1 => Self::Delete { sequence },
            _ => Self::PurgeTo { sequence },
        }
    }
}

pub(in super::super) fn message(sequence: u64, subject: u8, length: u16) -> Message {
    Message {
        sequence,
        timestamp: sequence,
        subject: Bytes::from(format!("subject.{subject}")),
        headers: Bytes::new(),
        payload: Bytes::from(vec![sequence as u8; usize::from(length)]),
    }
}

/// What a stream was told, entry by entry.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Model {
    pub(in super::super) entries: Vec<Vec<Change>>,
    /// Up to which index it was told that they are durable.
    pub(in super::super) acknowledged: u64,
    pub(in super::super) next_sequence: u64,
}

impl Model {
    /// The messages there are after so many entries.
    pub(in super::super) fn after(&self, index: u64) -> BTreeMap<u64, Message> {
        let mut messages = BTreeMap::new();
        for change in self.entries.iter().take(index as usize).flatten() {
            match *change {
                Change::Put {
                    sequence,
                    subject,
                    length,
                } => {
                    messages.insert(sequence, message(sequence, subject, length));
                }
                Change::Delete { sequence } => {
                    messages.remove(&sequence);
                }
                Change::PurgeTo { sequence } => messages = messages.split_off(&sequence),
            }
        }
        messages
    }

    /// Whether a message was ever put, as it is.
    pub(in super::super) fn has_put(&self, expected: &Message) -> bool {
        let mut changes = self.entries.iter().flatten();
        changes.any(|change| match *change {
            Change::Put {
                sequence,
                subject,
                length,
            } => sequence == expected.sequence && message(sequence, subject, length) == *expected,
            _ => false,
        })
    }

    pub(in super::super) fn propose(&mut self, random: &mut fastrand::Rng) -> Vec<Change> {
        let changes = (0..random.usize(1..6)).map(|_| match random.u8(..20) {
            0..3 => Change::Delete {
                sequence: random.u64(..=self.next_sequence),
            },
            3 => Change::PurgeTo {
                sequence: random.u64(self.next_sequence.saturating_sub(40)..=self.next_sequence),
            },
            _ => {
                self.next_sequence += 1;
                Change::Put {
                    sequence: self.next_sequence,
                    subject: random.u8(..5),
                    length: random.u16(..300),
                }
            }
        });
        changes.collect()
    }
}

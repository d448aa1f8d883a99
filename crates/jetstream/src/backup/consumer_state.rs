//! How far a consumer is, as it is written in backups: in nats-server's form of its own files, and as JSON.

use super::BackupError;
use super::archive::{get_unsigned, put_signed, put_unsigned, unfold};
use crate::time::{SECOND, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const MAGIC: u8 = 22;
const VERSION: u8 = 2;

/// A message, among those that a consumer delivered and in the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// Which of the consumer's deliveries it was.
    #[serde(rename = "consumer_seq")]
    pub consumer: u64,
    /// Its sequence.
    #[serde(rename = "stream_seq")]
    pub stream: u64,
}

/// A message that waits for its acknowledgement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PendingMessage {
    /// Which of the consumer's deliveries it was.
    pub sequence: u64,
    /// When it was delivered, in nanoseconds since 1970.
    pub timestamp: i64,
}

/// How far a consumer is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConsumerState {
    /// What was delivered last.
    pub delivered: Place,
    /// Up to where all is acknowledged.
    pub ack_floor: Place,
    /// What is not, by sequence.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pending: BTreeMap<u64, PendingMessage>,
    /// How often messages were delivered again, by sequence.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub redelivered: BTreeMap<u64, u64>,
}

impl ConsumerState {
    /// As in nats-server's files. `now`: about when it is written.
    pub(super) fn encode(&self, now: Time) -> Vec<u8> {
        let mut out = vec![MAGIC, VERSION];
        let floor = self.ack_floor;
        for number in [
            floor.consumer,
            floor.stream,
            self.delivered.consumer,
            self.delivered.stream,
        ] {
            put_unsigned(&mut out, number);
        }
        put_unsigned(&mut out, self.pending.len() as u64);
        if !self.pending.is_empty() {
            // Times are in seconds before this one.
            let base = now.0.div_euclid(SECOND);
            put_signed(&mut out, base);
            for (sequence, pending) in &self.pending {
                put_unsigned(&mut out, sequence.wrapping_sub(floor.stream));
                put_unsigned(&mut out, pending.sequence.wrapping_sub(floor.consumer));
                put_signed(&mut out, base - pending.timestamp.div_euclid(SECOND));
            }
        }
        put_unsigned(&mut out, self.redelivered.len() as u64);
        for (sequence, times) in &self.redelivered {
            put_unsigned(&mut out, sequence.wrapping_sub(floor.stream));
            put_unsigned(&mut out, *times);
        }
        out
    }

    /// What is in such a file.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn decode(from: &[u8]) -> Result<Self, BackupError> {
        const BAD: BackupError = BackupError::Malformed("the state of a consumer");
        let (head, mut from) = from.split_at_checked(2).ok_or(BAD)?;
        let version = match head {
            [MAGIC, version @ (1 | VERSION)] => *version,
            _ => return Err(BAD),
        };
        let from = &mut from;
        let mut next = || get_unsigned(from).ok_or(BAD);
        let place = |consumer, stream| Place { consumer, stream };
        let ack_floor = place(next()?, next()?);
        let mut delivered = place(next()?, next()?);
        if version == 1 {
            // They were told from the floor on, and one too far.
            delivered.consumer = delivered
                .consumer
                .saturating_add(ack_floor.consumer.saturating_sub(1));
            delivered.stream = delivered
                .stream
                .saturating_add(ack_floor.stream.saturating_sub(1));
        }
        let mut state = Self {
            delivered,
            ack_floor,
            ..Self::default()
        };
        let count = next()?;
        let base = if count > 0 { unfold(next()?) } else { 0 };
        // Each takes some bytes: what is not there ends it.
        for _ in 0..count {
            let sequence = next()?.wrapping_add(ack_floor.stream);
            let delivered = match version {
                1 => 0,
                _ => next()?.wrapping_add(ack_floor.consumer),
            };
            let seconds = unfold(next()?);
            let seconds = match version {
                1 => base.saturating_add(seconds),
                _ => base.saturating_sub(seconds),
            };
            let pending = PendingMessage {
                sequence: delivered,
                timestamp: seconds.saturating_mul(SECOND),
            };
            state.pending.insert(sequence, pending);
        }
        for _ in 0..next()? {
            let sequence = next()?.wrapping_add(ack_floor.stream);
            let times = next()?;
            state.redelivered.insert(sequence, times);
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::{ConsumerState, PendingMessage, Place};
    use crate::time::{SECOND, Time};
    use std::collections::BTreeMap;

    fn state() -> ConsumerState {
        let pending = |sequence, seconds: i64| PendingMessage {
            sequence,
            timestamp: seconds * SECOND,
        };
        ConsumerState {
            delivered: Place {
                consumer: 9,
                stream: 12,
            },
            ack_floor: Place {
                consumer: 3,
                stream: 5,
            },
            pending: BTreeMap::from([(7, pending(4, 1000)), (12, pending(9, 1003))]),
            redelivered: BTreeMap::from([(7, 2)]),
        }
    }

    #[test]
    fn is_the_same_again() {
        let written = state().encode(Time(1005 * SECOND + 7));
        assert_eq!(ConsumerState::decode(&written), Ok(state()));
        for cut in 0..written.len() {
            assert!(ConsumerState::decode(&written[..cut]).is_err(), "{cut}");
        }
        let nothing = ConsumerState::default();
        assert_eq!(ConsumerState::decode(&nothing.encode(Time(0))), Ok(nothing));
        assert!(ConsumerState::decode(&[22, 3, 0, 0, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn reads_in_json_as_with_nats_server() {
        let text = serde_json::to_string(&state()).unwrap();
        assert_eq!(
            text,
            r#"{"delivered":{"consumer_seq":9,"stream_seq":12},"ack_floor":{"consumer_seq":3,"stream_seq":5},"pending":{"7":{"Sequence":4,"Timestamp":1000000000000},"12":{"Sequence":9,"Timestamp":1003000000000}},"redelivered":{"7":2}}"#
        );
        assert_eq!(serde_json::from_str::<ConsumerState>(&text).unwrap(), state());
    }
}

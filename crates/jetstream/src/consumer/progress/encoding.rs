//! How progress and its changes are written. Numbers take as few bytes as they need.

use super::{BySubject, Change, LastOfEach, Position, Progress};
use crate::stream::entry::NoEntries;
use crate::time::Time;
use bytes::{Buf, BufMut, Bytes};

/// Writes a number, seven bits a byte.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.put_u8(number as u8 | 0x80);
        number >>= 7;
    }
    out.put_u8(number as u8);
}

pub(super) fn get(from: &mut Bytes) -> Result<u64, NoEntries> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = from.try_get_u8().map_err(|_| NoEntries)?;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return Err(NoEntries);
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(NoEntries)
}

fn put_time(out: &mut Vec<u8>, time: Time) {
    out.put_i64_le(time.0);
}

fn get_time(from: &mut Bytes) -> Result<Time, NoEntries> {
    from.try_get_i64_le().map(Time).map_err(|_| NoEntries)
}

fn put_optional_time(out: &mut Vec<u8>, time: Option<Time>) {
    put_time(out, time.unwrap_or(Time(i64::MIN)));
}

fn get_optional_time(from: &mut Bytes) -> Result<Option<Time>, NoEntries> {
    Ok(Some(get_time(from)?).filter(|time| *time != Time(i64::MIN)))
}

/// A number of things that are still to come, of a byte at least each.
pub(super) fn get_length(from: &mut Bytes) -> Result<u64, NoEntries> {
    let length = get(from)?;
    match length <= from.remaining() as u64 {
        true => Ok(length),
        false => Err(NoEntries),
    }
}

impl Change {
    fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Delivered {
                consumer_sequence,
                first,
                count,
                time,
            } => {
                out.put_u8(1);
                put(out, consumer_sequence);
                put(out, first);
                put(out, count);
                put_time(out, time);
            }
            Self::Redelivered {
                consumer_sequence,
                sequence,
                deliveries,
                time,
            } => {
                out.put_u8(2);
                put(out, consumer_sequence);
                put(out, sequence);
                put(out, deliveries);
                put_time(out, time);
            }
            Self::Acknowledged { first, last, time } => {
                out.put_u8(3);
                put(out, first);
                put(out, last);
                put_time(out, time);
            }
            Self::AcknowledgedUpTo {
                consumer_sequence,
                sequence,
                time,
            } => {
                out.put_u8(4);
                put(out, consumer_sequence);
                put(out, sequence);
                put_time(out, time);
            }
            Self::Postponed { sequence, until } => {
                out.put_u8(5);
                put(out, sequence);
                put_time(out, until);
            }
            Self::Exhausted { sequence } => {
                out.put_u8(6);
                put(out, sequence);
            }
            Self::SetAside { first, count } => {
                out.put_u8(7);
                put(out, first);
                put(out, count);
            }
            Self::Moved { sequence } => {
                out.put_u8(8);
                put(out, sequence);
            }
        }
    }

    fn decode(from: &mut Bytes) -> Result<Self, NoEntries> {
        Ok(match from.try_get_u8().map_err(|_| NoEntries)? {
            1 => Self::Delivered {
                consumer_sequence: get(from)?,
                first: get(from)?,
                count: get(from)?,
                time: get_time(from)?,
            },
            2 => Self::Redelivered {
                consumer_sequence: get(from)?,
                sequence: get(from)?,
                deliveries: get(from)?,
                time: get_time(from)?,
            },
            3 => Self::Acknowledged {
                first: get(from)?,
                last: get(from)?,
                time: get_time(from)?,
            },
            4 => Self::AcknowledgedUpTo {
                consumer_sequence: get(from)?,
                sequence: get(from)?,
                time: get_time(from)?,
            },
            5 => Self::Postponed {
                sequence: get(from)?,
                until: get_time(from)?,
            },
            6 => Self::Exhausted { sequence: get(from)? },
            7 => Self::SetAside {
                first: get(from)?,
                count: get(from)?,
            },
            8 => Self::Moved { sequence: get(from)? },
            _ => return Err(NoEntries),
        })
    }

    /// Writes changes.
    pub(crate) fn encode_all(changes: &[Self], out: &mut Vec<u8>) {
        put(out, changes.len() as u64);
        changes.iter().for_each(|change| change.encode(out));
    }

    /// Reads those that were written.
    pub(crate) fn decode_all(from: &mut Bytes) -> Result<Vec<Self>, NoEntries> {
        let length = get_length(from)?;
        (0..length).map(|_| Self::decode(from)).collect()
    }
}

impl Position {
    fn encode(self, out: &mut Vec<u8>) {
        put(out, self.consumer);
        put(out, self.stream);
    }

    fn decode(from: &mut Bytes) -> Result<Self, NoEntries> {
        Ok(Self {
            consumer: get(from)?,
            stream: get(from)?,
        })
    }
}

impl Progress {
    /// Writes all of it, but for what is counted for each subject, and what has been moved.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.next);
        put(out, self.last_of_each_up_to);
        self.last_of_each.encode(out);
        self.delivered.encode(out);
        self.floor.encode(out);
        put(out, self.unacknowledged.len() as u64);
        for (sequence, delivered) in self.unacknowledged.iter() {
            put(out, sequence);
            put(out, delivered.consumer_sequence);
            put(out, delivered.deliveries);
            put_time(out, delivered.time);
            put_time(out, delivered.deadline());
        }
        put(out, self.exhausted.len() as u64);
        for (sequence, deliveries) in &self.exhausted {
            put(out, *sequence);
            put(out, *deliveries);
        }
        put_optional_time(out, self.last_delivered);
        put_optional_time(out, self.last_acknowledged);
    }

    /// Writes what is counted for each subject.
    pub(crate) fn encode_by_subject(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(self.by_subject.is_some()));
        if let Some(by_subject) = &self.by_subject {
            by_subject.encode(out);
        }
    }

    /// Reads that, behind the rest.
    pub(crate) fn decode_by_subject(&mut self, from: &mut Bytes) -> Result<(), NoEntries> {
        let unacknowledged = &self.unacknowledged;
        let delivery_of = |sequence| Some(unacknowledged.get(sequence)?.consumer_sequence);
        self.by_subject = match from.try_get_u8().map_err(|_| NoEntries)? {
            0 => None,
            1 => Some(Box::new(BySubject::decode(from, delivery_of)?)),
            _ => return Err(NoEntries),
        };
        Ok(())
    }

    /// Writes what has been moved.
    pub(crate) fn encode_moved(&self, out: &mut Vec<u8>) {
        put(out, self.moved.len() as u64);
        self.moved.iter().for_each(|sequence| put(out, *sequence));
    }

    /// Reads that, behind all else.
    pub(crate) fn decode_moved(&mut self, from: &mut Bytes) -> Result<(), NoEntries> {
        for _ in 0..get_length(from)? {
            self.moved.insert(get(from)?);
        }
        Ok(())
    }

    /// Reads what was written.
    pub(crate) fn decode(from: &mut Bytes) -> Result<Self, NoEntries> {
        let mut progress = Self {
            next: get(from)?,
            last_of_each_up_to: get(from)?,
            last_of_each: LastOfEach::decode(from)?,
            ..Self::default()
        };
        progress.delivered = Position::decode(from)?;
        progress.floor = Position::decode(from)?;
        for _ in 0..get_length(from)? {
            let sequence = get(from)?;
            let (consumer_sequence, deliveries) = (get(from)?, get(from)?);
            let (time, deadline) = (get_time(from)?, get_time(from)?);
            let unacknowledged = &mut progress.unacknowledged;
            unacknowledged.delivered(sequence, consumer_sequence, time, deadline);
            unacknowledged.redelivered(sequence, deliveries, time, deadline);
        }
        for _ in 0..get_length(from)? {
            progress.exhausted.insert(get(from)?, get(from)?);
        }
        progress.last_delivered = get_optional_time(from)?;
        progress.last_acknowledged = get_optional_time(from)?;
        Ok(progress)
    }
}

#[cfg(test)]
mod tests {
    use super::{get, put};
    use crate::consumer::progress::Change;
    use crate::time::Time;
    use bytes::Bytes;

    #[test]
    fn numbers_are_what_they_were() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            put(&mut out, number);
            let mut from = Bytes::from(out);
            assert_eq!(get(&mut from), Ok(number));
            assert!(from.is_empty());
        }
        assert!(get(&mut Bytes::from_static(&[0xff; 10])).is_err());
        assert!(get(&mut Bytes::from_static(&[0x80])).is_err());
    }

    #[test]
    fn changes_are_what_they_were_and_any_bytes_are_survived() {
        let changes = [
            Change::Delivered {
                consumer_sequence: 1,
                first: 300,
                count: 70_000,
                time: Time(-5),
            },
            Change::Redelivered {
                consumer_sequence: 2,
                sequence: u64::MAX,
                deliveries: 3,
                time: Time(5),
            },
            Change::Acknowledged {
                first: 1,
                last: 2,
                time: Time(1),
            },
            Change::AcknowledgedUpTo {
                consumer_sequence: 1,
                sequence: 2,
                time: Time(1),
            },
            Change::Postponed {
                sequence: 9,
                until: Time(i64::MAX),
            },
            Change::Exhausted { sequence: 9 },
            Change::Moved { sequence: 300 },
            Change::SetAside {
                first: 10,
                count: 300,
            },
        ];
        let mut out = Vec::new();
        Change::encode_all(&changes, &mut out);
        let bytes = Bytes::from(out);
        assert_eq!(Change::decode_all(&mut bytes.clone()).unwrap(), changes);
        for end in 0..bytes.len() {
            assert!(Change::decode_all(&mut bytes.slice(..end)).is_err());
        }
    }
}

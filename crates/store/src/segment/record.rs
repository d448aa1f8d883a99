//! A message in a segment.

use bytes::Bytes;

use crate::fields::{Fields, PutFields};
use crate::message::Message;

/// It has headers, whose length stands before the subject.
const HEADERS: u8 = 1;
/// The message was erased: of it there is its length alone.
const ERASED: u8 = 2;

const HEAD: usize = 23;
/// A record is shorter by this than what its message counts.
const SHORTER_THAN_COUNTED: u64 = 7;
const BEHIND_CHECKSUM: usize = 8;

/// A record that is what was written.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) message: Message,
    pub(crate) length: usize,
    pub(crate) is_erased: bool,
}

/// How long the record of a message is.
pub(crate) fn length_of(message: &Message) -> usize {
    let headers = if message.headers.is_empty() {
        0
    } else {
        4 + message.headers.len()
    };
    HEAD + message.subject.len() + headers + message.payload.len()
}

/// By how much the message of a record counts.
pub(crate) fn size_of(length: u32) -> u64 {
    u64::from(length) + SHORTER_THAN_COUNTED
}

/// Puts the record of a message behind `out`. Its checksum begins with that of the segment's header, so that it is part of no
/// other segment.
pub(crate) fn put_record(out: &mut Vec<u8>, seed: u32, base: u64, message: &Message) {
    let start = out.len();
    out.put_u32(length_of(message) as u32);
    out.put_u32(0);
    out.put_u32((message.sequence - base) as u32);
    out.put_u64(message.timestamp);
    out.put_u16(message.subject.len() as u16);
    if message.headers.is_empty() {
        out.put_u8(0);
    } else {
        out.put_u8(HEADERS);
        out.put_u32(message.headers.len() as u32);
    }
    out.put(&message.subject);
    out.put(&message.headers);
    out.put(&message.payload);
    put_checksum(&mut out[start..], seed);
}

/// What stands in place of a record whose message was erased.
pub(crate) fn erased(seed: u32, length: usize, offset_of_sequence: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(length);
    out.put_u32(length as u32);
    out.put_u32(0);
    out.put_u32(offset_of_sequence);
    out.resize(length, 0);
    out[HEAD - 1] = ERASED;
    put_checksum(&mut out, seed);
    out
}

fn put_checksum(record: &mut [u8], seed: u32) {
    let checksum = checksum_of(record, seed);
    record[4..BEHIND_CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
}

fn checksum_of(record: &[u8], seed: u32) -> u32 {
    let checksum = crc32c::crc32c_append(seed, &record[..4]);
    crc32c::crc32c_append(checksum, &record[BEHIND_CHECKSUM..])
}

/// The record at a place of `bytes`, if it is one of this segment.
pub(crate) fn read_record(bytes: &Bytes, offset: usize, seed: u32, base: u64) -> Option<Record> {
    let rest = bytes.get(offset..)?;
    let mut fields = Fields::new(rest);
    let length = fields.u32()? as usize;
    let checksum = fields.u32()?;
    if length < HEAD {
        return None;
    }
    let whole = rest.get(..length)?;
    if checksum_of(whole, seed) != checksum {
        return None;
    }
    let sequence = base.checked_add(u64::from(fields.u32()?))?;
    let timestamp = fields.u64()?;
    let subject = usize::from(fields.u16()?);
    let flags = fields.u8()?;
    let is_erased = flags & ERASED != 0;
    let mut message = Message {
        sequence,
        timestamp,
        ..Message::default()
    };
    if !is_erased {
        let headers = if flags & HEADERS != 0 {
            fields.u32()? as usize
        } else {
            0
        };
        let start = offset + HEAD + if flags & HEADERS != 0 { 4 } else { 0 };
        let (subject_end, end) = (start + subject, offset + length);
        let headers_end = subject_end.checked_add(headers)?;
        if headers_end > end {
            return None;
        }
        message.subject = bytes.slice(start..subject_end);
        message.headers = bytes.slice(subject_end..headers_end);
        message.payload = bytes.slice(headers_end..end);
    }
    Some(Record {
        message,
        length,
        is_erased,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(headers: &'static str, payload: &'static str) -> Message {
        Message {
            sequence: 1007,
            timestamp: 5,
            subject: Bytes::from_static(b"some.subject"),
            headers: Bytes::from_static(headers.as_bytes()),
            payload: Bytes::from_static(payload.as_bytes()),
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_put() {
        for message in [
            message("", ""),
            message("", "payload"),
            message("NATS/1.0\r\n\r\n", "payload"),
        ] {
            let mut bytes = b"before".to_vec();
            put_record(&mut bytes, 9, 1000, &message);
            let record = read_record(&Bytes::from(bytes.clone()), 6, 9, 1000).unwrap();
            assert_eq!(record.message, message);
            assert_eq!(record.length, length_of(&message));
            assert_eq!(bytes.len(), 6 + record.length);
            assert_eq!(size_of(record.length as u32), message.size_on_disk());
            assert!(read_record(&Bytes::from(bytes), 6, 8, 1000).is_none());
        }
    }

    #[test]
    fn a_changed_record_is_none() {
        let mut bytes = Vec::new();
        put_record(&mut bytes, 9, 1000, &message("NATS/1.0\r\n\r\n", "payload"));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(
                read_record(&Bytes::from(changed), 0, 9, 1000).is_none(),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn an_erased_record_is_as_long() {
        let bytes = Bytes::from(erased(9, 40, 7));
        let record = read_record(&bytes, 0, 9, 1000).unwrap();
        assert!(record.is_erased);
        assert_eq!((record.length, record.message.sequence), (40, 1007));
    }
}

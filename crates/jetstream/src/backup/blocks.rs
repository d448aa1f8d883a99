//! Messages as they are in the files of nats-server's streams: a record each.
//!
//! `length(4) sequence(8) time(8) subject length(2) subject [headers length(4) headers] payload checksum(8)`, little-endian.
//! The highest bit of the length says that there are headers; that of the sequence that the message was overwritten, the one
//! below that a message of before has gone.

use super::BackupError;
use crate::message::Message;
use crate::time::Time;
use bytes::{Buf, BufMut, Bytes};
use highway::{HighwayHash as _, HighwayHasher, Key};
use openssl::sha::sha256;

/// What is in front of a subject.
const HEAD: usize = 22;
/// And behind the payload.
const SUM: usize = 8;

const HAS_HEADERS: u32 = 1 << 31;
const ERASED: u64 = 1 << 63;
const GONE: u64 = 1 << 62;

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// There is a message.
    Message(Message),
    /// That of this sequence has gone.
    Gone(u64),
}

/// The checksum that is written for something of this name.
pub(super) fn checksum(name: &str, parts: &[&[u8]]) -> u64 {
    let digest = sha256(name.as_bytes());
    let mut words = [0_u64; 4];
    for (word, bytes) in words.iter_mut().zip(digest.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    }
    let mut hasher = HighwayHasher::new(Key(words));
    parts.iter().for_each(|part| hasher.append(part));
    hasher.finalize64()
}

/// What a block of a stream is summed by.
fn block_name(stream: &str, block: u32) -> String {
    format!("{stream}-{block}")
}

/// Appends the record of a message to a block.
pub(super) fn append(stream: &str, block: u32, message: &Message, out: &mut Vec<u8>) {
    let Message {
        sequence,
        time,
        subject,
        headers,
        payload,
    } = message;
    let headers_length = if headers.is_empty() { 0 } else { 4 + headers.len() };
    let length = HEAD + subject.len() + headers_length + payload.len() + SUM;
    let begins = out.len();
    let flag = if headers.is_empty() { 0 } else { HAS_HEADERS };
    out.put_u32_le(u32::try_from(length).unwrap_or(u32::MAX) | flag);
    out.put_u64_le(*sequence);
    out.put_i64_le(time.0);
    out.put_u16_le(u16::try_from(subject.len()).unwrap_or(u16::MAX));
    let summed = begins + 4..begins + 20;
    out.put_slice(subject);
    if !headers.is_empty() {
        out.put_u32_le(u32::try_from(headers.len()).unwrap_or(u32::MAX));
        out.put_slice(headers);
    }
    out.put_slice(payload);
    // The length of the headers is not summed.
    let sum = checksum(
        &block_name(stream, block),
        &[&out[summed], subject, headers, payload],
    );
    out.put_u64_le(sum);
}

/// Appends that no message has this sequence or one before it that is not there.
pub(super) fn append_gone(stream: &str, block: u32, sequence: u64, time: Time, out: &mut Vec<u8>) {
    let gone = Message {
        sequence: sequence | GONE,
        time,
        ..Message::default()
    };
    append(stream, block, &gone, out);
}

/// The records of a block of a stream.
///
/// # Errors
/// If one of them is none, or not what it was.
pub(super) fn read(stream: &str, block: u32, mut from: Bytes) -> Result<Vec<Record>, BackupError> {
    let name = block_name(stream, block);
    let mut records = Vec::new();
    while from.has_remaining() {
        records.extend(take(&name, &mut from)?);
    }
    Ok(records)
}

fn take(name: &str, from: &mut Bytes) -> Result<Option<Record>, BackupError> {
    const BAD: BackupError = BackupError::Malformed("a record of a message");
    let whole = from.clone();
    let length = from.try_get_u32_le().map_err(|_| BAD)?;
    let sequence = from.try_get_u64_le().map_err(|_| BAD)?;
    let time = Time(from.try_get_i64_le().map_err(|_| BAD)?);
    let subject_length = usize::from(from.try_get_u16_le().map_err(|_| BAD)?);
    let has_headers = length & HAS_HEADERS != 0;
    let length = (length & !HAS_HEADERS) as usize;
    let body = length
        .checked_sub(HEAD + SUM)
        .filter(|body| body + SUM <= from.remaining());
    let mut body = from.split_to(body.ok_or(BAD)?);
    let sum = from.try_get_u64_le().map_err(|_| BAD)?;
    if subject_length > body.len() {
        return Err(BAD);
    }
    let subject = body.split_to(subject_length);
    let headers = match has_headers {
        true => {
            let length = body.try_get_u32_le().map_err(|_| BAD)? as usize;
            if length > body.len() {
                return Err(BAD);
            }
            body.split_to(length)
        }
        false => Bytes::new(),
    };
    if checksum(name, &[&whole[4..20], &subject, &headers, &body]) != sum {
        return Err(BackupError::Damaged(sequence & !(ERASED | GONE)));
    }
    if sequence & (ERASED | GONE) != 0 {
        return Ok(Some(Record::Gone(sequence & !(ERASED | GONE))));
    }
    if sequence == 0 {
        return Ok(None);
    }
    Ok(Some(Record::Message(Message {
        sequence,
        time,
        subject,
        headers,
        payload: body,
    })))
}

#[cfg(test)]
mod tests {
    use super::{Record, append, append_gone, checksum, read};
    use crate::backup::BackupError;
    use crate::message::Message;
    use crate::time::Time;
    use bytes::Bytes;

    fn message(sequence: u64, headers: &'static str) -> Message {
        Message {
            sequence,
            time: Time(7),
            subject: Bytes::from_static(b"o.a"),
            headers: Bytes::from_static(headers.as_bytes()),
            payload: Bytes::from_static(b"payload"),
        }
    }

    #[test]
    fn records_are_the_same_again_and_only_in_their_block() {
        let messages = [message(1, ""), message(5, "NATS/1.0\r\nA: b\r\n\r\n")];
        let mut block = Vec::new();
        messages
            .iter()
            .for_each(|message| append("S", 3, message, &mut block));
        append_gone("S", 3, 9, Time(8), &mut block);
        let block = Bytes::from(block);
        let [one, two] = messages.map(Record::Message);
        assert_eq!(read("S", 3, block.clone()), Ok(vec![one, two, Record::Gone(9)]));
        assert_eq!(read("S", 4, block.clone()), Err(BackupError::Damaged(1)));
        for cut in [1, 10, 25, block.len() - 1] {
            assert!(read("S", 3, block.slice(..cut)).is_err(), "{cut}");
        }
        // How long headers are is not summed: only where they end would be another.
        for at in (0..block.len()).filter(|at| !(65..69).contains(at)) {
            let mut damaged = block.to_vec();
            damaged[at] ^= 0x41;
            assert!(read("S", 3, damaged.into()).is_err(), "{at}");
        }
    }

    /// As Go's library sums it.
    #[test]
    fn checksums_are_those_of_nats_server() {
        assert_eq!(checksum("S", &[b"text"]), checksum("S", &[b"te", b"xt"]));
    }
}

//! What a frame says: events in one of four modes, or that the peer is still there.

use crate::entries::{Entries, EventTime, Limits, entry};
use crate::error::BadMessage;
use crate::msgpack::{Reader, Value};
use bytes::Bytes;

/// What a frame says.
#[derive(Debug)]
pub enum Frame {
    /// That the peer is still there.
    Heartbeat,
    /// Events.
    Events(Message),
}

/// Events with one tag.
#[derive(Debug)]
pub struct Message {
    /// The tag: any bytes.
    pub tag: Bytes,
    /// The events.
    pub entries: Entries,
    /// The number by which the peer wants to be told that they have arrived, if it does: any bytes, and the same
    /// whenever it sends the same again.
    pub chunk: Option<Bytes>,
    /// Whether they are logs, and not the metrics or traces that Fluent Bit has, which are no events.
    pub is_of_logs: bool,
}

/// What the sender says of its events.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) chunk: Option<Bytes>,
    pub(crate) is_gzip: bool,
    signal: u64,
}

/// Reads a frame, which is a whole value.
///
/// # Errors
/// When it is no message of the protocol.
pub fn read(frame: &Bytes, limits: Limits) -> Result<Frame, BadMessage> {
    let mut reader = Reader::new(frame);
    let parts = match reader.next_value() {
        Some(Value::Nil) => return Ok(Frame::Heartbeat),
        Some(Value::Array(parts @ 2..=4)) => parts,
        _ => return Err(BadMessage::Shape),
    };
    let tag = reader.text().ok_or(BadMessage::Tag)?;
    let mut ahead = reader;
    let (content, left) = match ahead.next_value() {
        Some(Value::Text(packed) | Value::Binary(packed)) => (Content::Packed(packed), parts - 2),
        // The time of Fluent Bit's single events may be an array, too.
        Some(Value::Array(_)) if parts < 4 && is_list(reader) => {
            let list = reader.skip().ok_or(BadMessage::Shape)?;
            ahead = reader;
            (Content::List(list), parts - 2)
        }
        Some(time) if parts > 2 => {
            let time = time_of(time, &mut ahead).ok_or(BadMessage::Event)?;
            let record = ahead.skip().ok_or(BadMessage::Shape)?;
            (Content::Single(time, record), parts - 3)
        }
        _ => return Err(BadMessage::Shape),
    };
    let options = match left {
        0 => Options::default(),
        1 => Options::read(frame, &mut ahead).ok_or(BadMessage::Options)??,
        _ => return Err(BadMessage::Shape),
    };
    let entries = match content {
        Content::Single(time, record) => {
            Entries::single(entry(frame, time, record).ok_or(BadMessage::Event)?)
        }
        Content::List(list) => Entries::plain(values_of(frame, list)?),
        Content::Packed(packed) if options.is_gzip => Entries::gzip(frame.slice_ref(packed), limits),
        Content::Packed(packed) => Entries::plain(frame.slice_ref(packed)),
    };
    Ok(Frame::Events(Message {
        tag: frame.slice_ref(tag),
        entries,
        chunk: options.chunk,
        is_of_logs: options.signal == 0,
    }))
}

/// Where the events are.
enum Content<'a> {
    /// One event.
    Single(EventTime, &'a [u8]),
    /// An array of events.
    List(&'a [u8]),
    /// Events one after the other, perhaps compressed.
    Packed(&'a [u8]),
}

/// Whether what comes is an array of events, and not a time with its metadata.
fn is_list(mut reader: Reader<'_>) -> bool {
    match reader.array() {
        Some(0) | None => true,
        Some(_) => matches!(reader.next_value(), Some(Value::Array(_))),
    }
}

fn time_of<'a>(value: Value<'a>, reader: &mut Reader<'a>) -> Option<EventTime> {
    match value {
        Value::Array(2) => {
            let time = EventTime::of(reader.next_value()?);
            reader.skip()?;
            time
        }
        value => EventTime::of(value),
    }
}

/// What is in an array, without its head.
fn values_of(frame: &Bytes, list: &[u8]) -> Result<Bytes, BadMessage> {
    let mut reader = Reader::new(list);
    reader.array().ok_or(BadMessage::Shape)?;
    Ok(frame.slice_ref(reader.rest()))
}

impl Options {
    /// A map, or nil. The inner error is about what it says.
    pub(crate) fn read(frame: &Bytes, reader: &mut Reader<'_>) -> Option<Result<Self, BadMessage>> {
        let mut options = Self::default();
        let pairs = match reader.next_value()? {
            Value::Nil => 0,
            Value::Map(pairs) => pairs,
            _ => return None,
        };
        for _ in 0..pairs {
            match reader.text()? {
                b"chunk" => {
                    let mut ahead = *reader;
                    match ahead.next_value()? {
                        Value::Nil => {}
                        Value::Text(chunk) | Value::Binary(chunk) => {
                            options.chunk = Some(frame.slice_ref(chunk));
                        }
                        _ => return None,
                    }
                    *reader = ahead;
                }
                b"compressed" => match reader.text()? {
                    b"gzip" => options.is_gzip = true,
                    b"text" => {}
                    _ => return Some(Err(BadMessage::Compression)),
                },
                b"fluent_signal" => match reader.next_value()? {
                    Value::Unsigned(signal) => options.signal = signal,
                    _ => return None,
                },
                _ => {
                    reader.skip()?;
                }
            }
        }
        Some(Ok(options))
    }
}

/// The answer that tells a peer that what it calls `chunk` has arrived.
pub fn acknowledgement(chunk: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(chunk.len() + 16);
    crate::msgpack::write_map(&mut out, 1);
    crate::msgpack::write_str(&mut out, b"ack");
    crate::msgpack::write_str(&mut out, chunk);
    out
}

/// The chunk that a peer says has arrived; None if it says something else.
pub fn read_acknowledgement(frame: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(frame);
    for _ in 0..reader.map()? {
        match reader.text()? {
            b"ack" => return reader.text(),
            _ => reader.skip()?,
        };
    }
    None
}

#[cfg(test)]
mod tests;

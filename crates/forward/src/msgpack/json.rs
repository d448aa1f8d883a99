//! MessagePack as JSON.

use super::{Reader, Value};
use crate::entries::EventTime;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Write;

/// Appends a value as JSON; false, and what was appended is to be thrown away, if there is none as a whole.
///
/// What JSON has no form for: bytes that are no text are Base64; in what is said to be text, what is no UTF-8 is replaced by
/// U+FFFD; numbers that are none are null; times are seconds with nine digits behind the point; keys that are no text are
/// written as text.
pub fn append_json(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> bool {
    append(reader, out, super::DEEPEST).is_some()
}

fn append(reader: &mut Reader<'_>, out: &mut Vec<u8>, depth: usize) -> Option<()> {
    match reader.next_value()? {
        Value::Array(count) => {
            let depth = depth.checked_sub(1)?;
            out.push(b'[');
            for index in 0..count {
                if index > 0 {
                    out.push(b',');
                }
                append(reader, out, depth)?;
            }
            out.push(b']');
        }
        Value::Map(count) => {
            let depth = depth.checked_sub(1)?;
            out.push(b'{');
            for index in 0..count {
                if index > 0 {
                    out.push(b',');
                }
                append_key(reader, out, depth)?;
                out.push(b':');
                append(reader, out, depth)?;
            }
            out.push(b'}');
        }
        scalar => append_scalar(scalar, out),
    }
    Some(())
}

fn append_key(reader: &mut Reader<'_>, out: &mut Vec<u8>, depth: usize) -> Option<()> {
    let mut ahead = *reader;
    if let Some(text) = ahead.text() {
        *reader = ahead;
        append_bytes(text, out);
        return Some(());
    }
    let mut key = Vec::new();
    append(reader, &mut key, depth)?;
    append_text(&String::from_utf8_lossy(&key), out);
    Some(())
}

fn append_scalar(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::Unsigned(number) => append_number(number, out),
        Value::Negative(number) => append_number(number, out),
        Value::Float(number) if number.is_finite() => append_number(number, out),
        Value::Nil | Value::Float(_) | Value::Array(_) | Value::Map(_) => out.extend_from_slice(b"null"),
        Value::Text(text) => append_text(&String::from_utf8_lossy(text), out),
        Value::Binary(bytes) => append_bytes(bytes, out),
        Value::Extension(kind, bytes) => match EventTime::of_extension(kind, bytes) {
            Some(time) => {
                // Writing into a vector does not fail.
                let _ = write!(out, "{}", time.to_decimal());
            }
            None => append_text(&STANDARD.encode(bytes), out),
        },
    }
}

/// As text if it is, else as Base64.
fn append_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => append_text(text, out),
        Err(_) => append_text(&STANDARD.encode(bytes), out),
    }
}

fn append_text(text: &str, out: &mut Vec<u8>) {
    append_number(text, out);
}

/// What serde writes without fail: into a vector, and no map.
fn append_number(value: impl serde::Serialize, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, &value);
}

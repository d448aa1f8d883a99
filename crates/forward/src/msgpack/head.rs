//! The first bytes of a value, which say what it is and how long.

use super::Value;
use crate::error::FrameError;

/// What a value begins with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Head {
    /// It is all there.
    Value(Value<'static>),
    /// So many bytes of text follow.
    Text(u32),
    /// So many bytes follow.
    Binary(u32),
    /// So many bytes of this type follow.
    Extension(i8, u32),
    /// So many values follow.
    Array(u32),
    /// So many pairs of values follow.
    Map(u32),
}

impl Head {
    /// How many bytes of it follow, other values left out.
    pub(crate) fn follow(self) -> usize {
        match self {
            Self::Text(length) | Self::Binary(length) | Self::Extension(_, length) => length as usize,
            Self::Value(_) | Self::Array(_) | Self::Map(_) => 0,
        }
    }
}

/// The head at the start of these bytes, and its length. None: it is cut.
pub(crate) fn head(bytes: &[u8]) -> Result<Option<(Head, usize)>, FrameError> {
    let Some(&first) = bytes.first() else {
        return Ok(None);
    };
    let rest = &bytes[1..];
    let unsigned = |value: u64| Head::Value(Value::Unsigned(value));
    let found = match first {
        0x00..=0x7f => Some((unsigned(first.into()), 0)),
        0x80..=0x8f => Some((Head::Map((first & 0x0f).into()), 0)),
        0x90..=0x9f => Some((Head::Array((first & 0x0f).into()), 0)),
        0xa0..=0xbf => Some((Head::Text((first & 0x1f).into()), 0)),
        0xc0 => Some((Head::Value(Value::Nil), 0)),
        0xc1 => return Err(FrameError::NotMessagePack),
        0xc2 | 0xc3 => Some((Head::Value(Value::Boolean(first == 0xc3)), 0)),
        0xc4 => number::<1>(rest).map(|length| (Head::Binary(small(length)), 1)),
        0xc5 => number::<2>(rest).map(|length| (Head::Binary(small(length)), 2)),
        0xc6 => number::<4>(rest).map(|length| (Head::Binary(small(length)), 4)),
        0xc7 => extension::<1>(rest),
        0xc8 => extension::<2>(rest),
        0xc9 => extension::<4>(rest),
        0xca => number::<4>(rest).map(|bits| (float(f32::from_bits(small(bits)).into()), 4)),
        0xcb => number::<8>(rest).map(|bits| (float(f64::from_bits(bits)), 8)),
        0xcc => number::<1>(rest).map(|value| (unsigned(value), 1)),
        0xcd => number::<2>(rest).map(|value| (unsigned(value), 2)),
        0xce => number::<4>(rest).map(|value| (unsigned(value), 4)),
        0xcf => number::<8>(rest).map(|value| (unsigned(value), 8)),
        0xd0 => number::<1>(rest).map(|value| (signed(value, 1), 1)),
        0xd1 => number::<2>(rest).map(|value| (signed(value, 2), 2)),
        0xd2 => number::<4>(rest).map(|value| (signed(value, 4), 4)),
        0xd3 => number::<8>(rest).map(|value| (signed(value, 8), 8)),
        0xd4..=0xd8 => rest
            .first()
            .map(|kind| (Head::Extension(kind.cast_signed(), 1 << (first - 0xd4)), 1)),
        0xd9 => number::<1>(rest).map(|length| (Head::Text(small(length)), 1)),
        0xda => number::<2>(rest).map(|length| (Head::Text(small(length)), 2)),
        0xdb => number::<4>(rest).map(|length| (Head::Text(small(length)), 4)),
        0xdc => number::<2>(rest).map(|count| (Head::Array(small(count)), 2)),
        0xdd => number::<4>(rest).map(|count| (Head::Array(small(count)), 4)),
        0xde => number::<2>(rest).map(|count| (Head::Map(small(count)), 2)),
        0xdf => number::<4>(rest).map(|count| (Head::Map(small(count)), 4)),
        0xe0..=0xff => Some((Head::Value(Value::Negative(first.cast_signed().into())), 0)),
    };
    Ok(found.map(|(head, length)| (head, length + 1)))
}

/// A number of so many bytes, the highest first.
fn number<const BYTES: usize>(bytes: &[u8]) -> Option<u64> {
    let bytes = bytes.first_chunk::<BYTES>()?;
    Some(
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

/// A number of at most four bytes.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A number of so many bytes, of which the highest bit is the sign.
fn signed(number: u64, bytes: u32) -> Head {
    let unused = 64 - 8 * bytes;
    let value = (number << unused).cast_signed() >> unused;
    Head::Value(match u64::try_from(value) {
        Ok(value) => Value::Unsigned(value),
        Err(_) => Value::Negative(value),
    })
}

fn float(value: f64) -> Head {
    Head::Value(Value::Float(value))
}

fn extension<const BYTES: usize>(bytes: &[u8]) -> Option<(Head, usize)> {
    let length = number::<BYTES>(bytes)?;
    let kind = bytes.get(BYTES)?.cast_signed();
    Some((Head::Extension(kind, small(length)), BYTES + 1))
}

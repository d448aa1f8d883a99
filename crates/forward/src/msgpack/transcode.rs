//! JSON as MessagePack, without a tree of it.

use super::write::{write_bool, write_f64, write_i64, write_nil, write_str, write_u64};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use thiserror::Error as ThisError;

/// The JSON is broken, or no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
#[error("this is not an object of JSON")]
pub struct NotAnObject;

/// Appends an object of JSON as a map, with the pairs in their order, and these behind it.
///
/// # Errors
/// When it is none; `out` is as it was then.
pub fn append_object(json: &[u8], more: &[(&str, &[u8])], out: &mut Vec<u8>) -> Result<(), NotAnObject> {
    let before = out.len();
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let appended = deserializer
        .deserialize_map(Object { out, more })
        .and_then(|()| deserializer.end());
    appended.map_err(|_| {
        out.truncate(before);
        NotAnObject
    })
}

/// Appends an array of JSON as one; false, and `out` is as it was, if it is none.
pub(crate) fn append_array(json: &[u8], out: &mut Vec<u8>) -> bool {
    let before = out.len();
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let appended = deserializer
        .deserialize_seq(Any { out })
        .and_then(|()| deserializer.end());
    if appended.is_err() {
        out.truncate(before);
    }
    appended.is_ok()
}

/// The outermost object, and what is put behind its pairs.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    more: &'o [(&'o str, &'o [u8])],
}

/// Any value.
struct Any<'o> {
    out: &'o mut Vec<u8>,
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<(), A::Error> {
        let open = Open::map(self.out);
        let mut count = append_pairs(&mut pairs, self.out)?;
        for (key, value) in self.more {
            write_str(self.out, key.as_bytes());
            write_str(self.out, value);
            count += 1;
        }
        open.close(count, self.out);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        write_nil(self.out);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        write_bool(self.out, value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        write_u64(self.out, value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        write_i64(self.out, value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        write_f64(self.out, value);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        write_str(self.out, value.as_bytes());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let open = Open::array(self.out);
        let mut count = 0;
        while values.next_element_seed(Any { out: self.out })?.is_some() {
            count += 1;
        }
        open.close(count, self.out);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<(), A::Error> {
        let open = Open::map(self.out);
        let count = append_pairs(&mut pairs, self.out)?;
        open.close(count, self.out);
        Ok(())
    }
}

/// Appends pairs; gives how many there were.
fn append_pairs<'de, A: MapAccess<'de>>(pairs: &mut A, out: &mut Vec<u8>) -> Result<u32, A::Error> {
    let mut count = 0;
    while pairs.next_key_seed(Any { out })?.is_some() {
        pairs.next_value_seed(Any { out })?;
        count += 1;
    }
    Ok(count)
}

/// An array or a map of which it is not known yet how many values it has: there is room for that.
struct Open {
    at: usize,
}

impl Open {
    /// Bytes of the number.
    const COUNT: usize = 4;

    fn array(out: &mut Vec<u8>) -> Self {
        Self::begin(0xdd, out)
    }

    fn map(out: &mut Vec<u8>) -> Self {
        Self::begin(0xdf, out)
    }

    fn begin(tag: u8, out: &mut Vec<u8>) -> Self {
        out.push(tag);
        let at = out.len();
        out.extend_from_slice(&[0; Self::COUNT]);
        Self { at }
    }

    fn close(self, count: u32, out: &mut [u8]) {
        out[self.at..self.at + Self::COUNT].copy_from_slice(&count.to_be_bytes());
    }
}

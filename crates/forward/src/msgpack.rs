//! Values of MessagePack, one after the other, without a tree of them.
//!
//! A [`Reader`] goes through bytes that are there as a whole; what is not as it should be is None, never a panic. To find
//! where a value ends in bytes that are still coming is what a [`Scan`] is for: it goes on where it stopped, so that a
//! value costs its size however it is cut.

mod head;
mod json;
mod scan;
mod transcode;
mod write;

pub use json::append_json;
pub use scan::Scan;
pub(crate) use transcode::append_array;
pub use transcode::{NotAnObject, append_object};
pub use write::{write_array, write_bin, write_bool, write_map, write_nil, write_str, write_u64};

pub(crate) use head::{Head, head};

/// How many arrays and maps may be within each other.
pub const DEEPEST: usize = 64;

/// A value, as far as it can be said without looking into it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Nil,
    /// A truth value.
    Boolean(bool),
    /// A whole number from 0 on.
    Unsigned(u64),
    /// A whole number below 0.
    Negative(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text, which peers fill with any bytes at all.
    Text(&'a [u8]),
    /// Bytes.
    Binary(&'a [u8]),
    /// So many values follow.
    Array(u32),
    /// So many pairs of values follow.
    Map(u32),
    /// Bytes of a type.
    Extension(i8, &'a [u8]),
}

/// Goes through values.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// From the first of these bytes on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next value; of an array or a map, how many follow. None: there is none, or it is cut.
    pub fn next_value(&mut self) -> Option<Value<'a>> {
        let (head, length) = head(self.rest).ok()??;
        let (taken, rest) = self.rest.split_at_checked(length.checked_add(head.follow())?)?;
        let follows = &taken[length..];
        self.rest = rest;
        Some(match head {
            Head::Value(value) => value,
            Head::Text(_) => Value::Text(follows),
            Head::Binary(_) => Value::Binary(follows),
            Head::Extension(kind, _) => Value::Extension(kind, follows),
            Head::Array(count) => Value::Array(count),
            Head::Map(count) => Value::Map(count),
        })
    }

    /// The bytes of text, or of a value that some peers write in its place.
    pub fn text(&mut self) -> Option<&'a [u8]> {
        match self.next_value()? {
            Value::Text(bytes) | Value::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// How many values an array has.
    pub fn array(&mut self) -> Option<u32> {
        match self.next_value()? {
            Value::Array(count) => Some(count),
            _ => None,
        }
    }

    /// How many pairs a map has.
    pub fn map(&mut self) -> Option<u32> {
        match self.next_value()? {
            Value::Map(count) => Some(count),
            _ => None,
        }
    }

    /// Passes over a value with all that is in it; gives its bytes.
    pub fn skip(&mut self) -> Option<&'a [u8]> {
        let length = Scan::default().go_on(self.rest, self.rest.len()).ok()??;
        let (value, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(value)
    }
}

#[cfg(test)]
mod tests;

//! Where frames end: values of MessagePack, or, from those who speak it from their first byte on, arrays of JSON.

mod json;

use crate::error::FrameError;
use crate::msgpack::{Scan, append_array};
use bytes::{Bytes, BytesMut};
use json::JsonScan;

/// Finds the frames of one peer.
#[derive(Debug)]
pub struct Framer {
    most: usize,
    language: Option<Language>,
}

#[derive(Debug)]
enum Language {
    MessagePack(Scan),
    Json(JsonScan),
}

impl Framer {
    /// Of a peer whose frames have at most so many bytes.
    pub fn new(most: usize) -> Self {
        Self { most, language: None }
    }

    /// Takes the frame that `input` begins with, as a value of MessagePack. None: more has to come. What was looked at
    /// before is not looked at again.
    ///
    /// # Errors
    /// When there is none, and nothing behind it can be read.
    pub fn take(&mut self, input: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let Some(first) = input.first() else {
            return Ok(None);
        };
        let language = self.language.get_or_insert_with(|| match first {
            b'[' | b'{' => Language::Json(JsonScan::default()),
            _ => Language::MessagePack(Scan::default()),
        });
        match language {
            Language::MessagePack(scan) => {
                let end = scan.go_on(input, self.most)?;
                Ok(end.map(|end| input.split_to(end).freeze()))
            }
            Language::Json(scan) => {
                let Some(end) = scan.go_on(input, self.most)? else {
                    return Ok(None);
                };
                let text = input.split_to(end);
                let mut value = Vec::with_capacity(text.len());
                match append_array(&text, &mut value) {
                    true => Ok(Some(value.into())),
                    false => Err(FrameError::NotJson),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

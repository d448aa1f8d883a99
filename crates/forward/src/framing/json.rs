//! Where an array of JSON ends, in bytes that are still coming.

use crate::error::FrameError;
use crate::msgpack::DEEPEST;

/// Looks for the end. What it has passed it does not look at again.
#[derive(Debug, Default)]
pub(super) struct JsonScan {
    at: usize,
    depth: usize,
    is_text: bool,
    is_escaped: bool,
}

impl JsonScan {
    /// Goes on, given the same bytes as before and what has come meanwhile. Some: it ends there.
    pub(super) fn go_on(&mut self, bytes: &[u8], most: usize) -> Result<Option<usize>, FrameError> {
        while let Some(byte) = bytes.get(self.at) {
            if self.at == most {
                return Err(FrameError::TooLarge(most));
            }
            self.at += 1;
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.is_text => self.is_escaped = true,
                b'"' => self.is_text = !self.is_text,
                _ if self.is_text => {}
                b'[' | b'{' if self.depth == DEEPEST => return Err(FrameError::TooDeep),
                b'[' | b'{' => self.depth += 1,
                b']' | b'}' => {
                    self.depth = self.depth.checked_sub(1).ok_or(FrameError::NotJson)?;
                    if self.depth == 0 {
                        let end = std::mem::take(self).at;
                        return Ok(Some(end));
                    }
                }
                byte if self.depth == 0 && !byte.is_ascii_whitespace() => return Err(FrameError::NotJson),
                _ => {}
            }
        }
        Ok(None)
    }
}

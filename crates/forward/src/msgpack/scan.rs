//! Where a value ends.

use super::DEEPEST;
use super::head::{Head, head};
use crate::error::FrameError;

/// Looks for the end of a value in bytes that are still coming. What it has passed it does not look at again.
#[derive(Debug, Default)]
pub struct Scan {
    /// Where it goes on.
    at: usize,
    /// How many values are missing in each of the arrays and maps that it is in, from the outside to the inside.
    missing: Vec<u64>,
}

impl Scan {
    /// Goes on, given the same bytes as before and what has come meanwhile. Some: the value ends there, and the next one
    /// can be looked for. None: more has to come.
    ///
    /// # Errors
    /// When it cannot be a value, or would have more than `most` bytes: each value within it has at least one.
    pub fn go_on(&mut self, bytes: &[u8], most: usize) -> Result<Option<usize>, FrameError> {
        loop {
            let Some((head, length)) = bytes.get(self.at..).map_or(Ok(None), head)? else {
                // A head that is cut is short.
                return match self.at < most {
                    true => Ok(None),
                    false => Err(FrameError::TooLarge(most)),
                };
            };
            let values = match head {
                Head::Array(count) => u64::from(count),
                Head::Map(count) => 2 * u64::from(count),
                _ => 0,
            };
            let end = self.at + length + head.follow();
            let least = (end as u64).saturating_add(values);
            if least > most as u64 {
                return Err(FrameError::TooLarge(most));
            }
            if end > bytes.len() {
                return Ok(None);
            }
            self.at = end;
            if let Some(missing) = self.missing.last_mut() {
                *missing -= 1;
            }
            if values > 0 {
                if self.missing.len() == DEEPEST {
                    return Err(FrameError::TooDeep);
                }
                self.missing.push(values);
            }
            while self.missing.last() == Some(&0) {
                self.missing.pop();
            }
            if self.missing.is_empty() {
                self.at = 0;
                return Ok(Some(end));
            }
        }
    }
}

//! The end that gets events.

use crate::frame::{Frame, Version};
use bytes::Bytes;
use thiserror::Error;

/// So many events are handed on together at most, whatever the size of the window.
const TOGETHER_AT_MOST: usize = 1024;

/// So many bytes of events are handed on together, and one event more.
const BYTES_TOGETHER: usize = 1024 * 1024;

/// A connection of a peer that sends.
#[derive(Debug, Default)]
pub struct Receiver {
    /// Events of the window that have not come yet.
    missing: u32,
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
    version: Option<Version>,
}

/// Events that belong together.
#[derive(Debug, PartialEq, Eq)]
pub struct Events {
    /// What they say, as the peer wrote it.
    pub json: Vec<Bytes>,
    /// What is to be said when they are where they belong: that of the whole window. None: more of it is to come.
    pub reply: Option<[u8; 6]>,
}

/// What a peer says that it is not its turn to say. It is the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OutOfTurn {
    /// An event outside of every window.
    #[error("an event is in no window")]
    NoWindow,
    /// A window begins before the last one has ended.
    #[error("a window begins within another")]
    WithinAnother,
    /// An acknowledgement, though nothing was sent.
    #[error("an acknowledgement of nothing")]
    Acknowledged,
}

impl Receiver {
    /// Takes a frame; gives events once there are enough, or all of a window.
    ///
    /// # Errors
    /// When the peer has to go.
    pub fn take(&mut self, frame: Frame) -> Result<Option<Events>, OutOfTurn> {
        match frame {
            Frame::Acknowledged(..) => Err(OutOfTurn::Acknowledged),
            Frame::Window(..) if self.missing > 0 => Err(OutOfTurn::WithinAnother),
            Frame::Window(version, count) => {
                self.version = Some(version);
                self.missing = count;
                Ok(None)
            }
            Frame::Event {
                version,
                sequence,
                json,
            } => {
                self.missing = self.missing.checked_sub(1).ok_or(OutOfTurn::NoWindow)?;
                self.gathered_bytes += json.len();
                self.gathered.push(json);
                let is_last = self.missing == 0;
                let is_enough =
                    self.gathered.len() >= TOGETHER_AT_MOST || self.gathered_bytes >= BYTES_TOGETHER;
                if !is_last && !is_enough {
                    return Ok(None);
                }
                self.gathered_bytes = 0;
                Ok(Some(Events {
                    json: std::mem::take(&mut self.gathered),
                    reply: is_last.then(|| acknowledgement(version, sequence)),
                }))
            }
        }
    }

    /// What a peer that waits for its acknowledgement is told meanwhile, so that it goes on waiting.
    pub fn keep_alive(&self) -> [u8; 6] {
        acknowledgement(self.version.unwrap_or(Version::Two), 0)
    }
}

/// The frame that says that events up to this one have arrived.
fn acknowledgement(version: Version, sequence: u32) -> [u8; 6] {
    let [a, b, c, d] = sequence.to_be_bytes();
    [version.digit(), b'A', a, b, c, d]
}

#[cfg(test)]
mod tests;

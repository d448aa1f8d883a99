//! The end that sends events, in version 2: windows, and what the peer says of them.

use crate::frame::Frame;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;
use thiserror::Error;

/// A window of events, as far as it is known to have arrived.
#[derive(Debug)]
pub struct Window {
    count: u32,
    arrived: u32,
}

/// What a peer says of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is at it.
    Progress,
    /// All of it has arrived.
    Arrived,
}

/// What a peer says that is no answer to what was sent. It is the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadAnswer {
    /// It acknowledges what was not sent.
    #[error("event {0} is acknowledged, of {1} that were sent")]
    NotSent(u32, u32),
    /// It sends events itself.
    #[error("an acknowledgement was expected of the peer")]
    NoAcknowledgement,
}

impl Window {
    /// Of so many events.
    pub fn new(count: u32) -> Self {
        Self { count, arrived: 0 }
    }

    /// Takes what the peer says.
    ///
    /// # Errors
    /// When it is no answer to this window.
    pub fn take(&mut self, frame: &Frame) -> Result<Told, BadAnswer> {
        let Frame::Acknowledged(_, sequence) = frame else {
            return Err(BadAnswer::NoAcknowledgement);
        };
        if *sequence > self.count {
            return Err(BadAnswer::NotSent(*sequence, self.count));
        }
        self.arrived = self.arrived.max(*sequence);
        match self.arrived == self.count {
            true => Ok(Told::Arrived),
            false => Ok(Told::Progress),
        }
    }
}

/// Appends an event with its number in the window, counted from 1.
pub fn append_event(sequence: u32, json: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"2J");
    out.extend_from_slice(&sequence.to_be_bytes());
    out.extend_from_slice(&size(json.len()).to_be_bytes());
    out.extend_from_slice(json);
}

/// The window of `count` events that [`append_event`] has appended, compressed if it is to be.
pub fn window(count: u32, events: &[u8], is_compressed: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(events.len() + 16);
    out.extend_from_slice(b"2W");
    out.extend_from_slice(&count.to_be_bytes());
    match is_compressed.then(|| zlib(events)).flatten() {
        Some(compressed) => {
            out.extend_from_slice(b"2C");
            out.extend_from_slice(&size(compressed.len()).to_be_bytes());
            out.extend_from_slice(&compressed);
        }
        None => out.extend_from_slice(events),
    }
    out
}

/// Writing into a vector does not fail; if it did, events would go out as they are.
fn zlib(events: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(events.len() / 4), Compression::fast());
    encoder.write_all(events).ok()?;
    encoder.finish().ok()
}

/// Windows are far from being so large that a number of four bytes does not hold their parts.
fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;

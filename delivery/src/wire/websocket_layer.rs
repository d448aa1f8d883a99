//! WebSocket as a layer, once the connection is upgraded.

mod outgoing;

use super::{Below, Layer, PIECE, READ_SIZE, Scratch};
use outgoing::Outgoing;
use std::io;
use std::task::{Context, Poll};
use vagus_protocol::error::CloseReason;
use vagus_websocket::deflate::{CompressedMessage, Deflater, Inflater};
use vagus_websocket::upgrade::Terms;
use vagus_websocket::{Control, FrameReader, LONGEST_HEADER, Piece, Violation, close};

/// What compressing and taking frames apart needs for the time of a call, made once it is needed.
#[derive(Debug, Default)]
pub(super) struct WebSocketScratch {
    deflater: Deflater,
    /// A message that is compressed.
    compressed: Vec<u8>,
    inflater: Option<Inflater>,
    /// What is read of the wire below where it cannot be read into its place; empty until something is.
    raw: Box<[u8]>,
}

/// Which end of a connection speaks WebSocket here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebSocketEnd {
    /// That which was connected to.
    Server,
    /// That which has connected: it masks what it sends.
    Client,
}

/// Frames that a peer sends and is sent. What is in them is the bytes of a stream, wherever messages begin and end.
#[derive(Debug)]
pub struct WebSocketLayer {
    below: Below,
    incoming: FrameReader,
    /// The most that a compressed message may hold, in bytes.
    largest_message: usize,
    /// The compressed message of which something is to come, or to be read.
    message: Option<Box<CompressedMessage>>,
    /// What was read of the wire below and is not taken yet: what stands behind a compressed message.
    ahead: Vec<u8>,
    /// What all that follows comes to.
    end: Option<End>,
    outgoing: Outgoing,
    /// The payload of the close frame, if it is known before the end is.
    farewell: Option<Vec<u8>>,
}

/// Why nothing more is read.
#[derive(Debug)]
enum End {
    /// The peer has said so.
    Closed,
    /// The peer has broken the rules.
    Broken(Violation),
}

impl WebSocketLayer {
    /// On this wire, on these terms, with a peer whose compressed messages may hold so much, in bytes.
    pub(super) fn new(below: Below, end: WebSocketEnd, terms: Terms, largest_message: usize) -> Self {
        let (masks_here, masks_there) = match end {
            _ if terms.without_masks => (false, false),
            WebSocketEnd::Server => (false, true),
            WebSocketEnd::Client => (true, false),
        };
        let outgoing = Outgoing::new(terms, masks_here, below.plain().is_some());
        Self {
            below,
            incoming: FrameReader::new(masks_there, terms.compresses),
            largest_message,
            message: None,
            ahead: Vec::new(),
            end: None,
            outgoing,
            farewell: None,
        }
    }

    fn holds_more(&self) -> bool {
        self.end.is_some() || !self.ahead.is_empty() || self.is_message_readable()
    }

    fn is_message_readable(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.is_readable())
    }

    /// Leaves the data of these bytes at their start, and says how long it is. Where a compressed message is to be read
    /// first, what stands behind it is kept.
    fn unframe(&mut self, bytes: &mut [u8]) -> usize {
        let (mut at, mut length) = (0, 0);
        while at < bytes.len() && self.end.is_none() {
            if self.is_message_readable() {
                self.ahead.extend_from_slice(&bytes[at..]);
                break;
            }
            let taken = self
                .incoming
                .next(&mut bytes[at..])
                .and_then(|(piece, consumed)| {
                    match piece {
                        Piece::Data {
                            start,
                            is_compressed: false,
                            ..
                        } => {
                            bytes.copy_within(at + start..at + consumed, length);
                            length += consumed - start;
                        }
                        Piece::Data {
                            start, ends_message, ..
                        } => self
                            .message()
                            .push(&bytes[at + start..at + consumed], ends_message)?,
                        Piece::Control(control) => self.follow(control),
                        Piece::Incomplete => {}
                    }
                    Ok(consumed)
                });
            match taken {
                Ok(consumed) => at += consumed,
                Err(violation) => self.has_broken(violation),
            }
        }
        length
    }

    fn message(&mut self) -> &mut CompressedMessage {
        let largest = self.largest_message;
        self.message
            .get_or_insert_with(|| Box::new(CompressedMessage::new(largest)))
    }

    fn follow(&mut self, control: Control) {
        match control {
            Control::Ping(payload) => self.outgoing.pong(&payload),
            Control::Pong => {}
            Control::Close(answer) => {
                self.farewell = Some(answer);
                self.end = Some(End::Closed);
            }
        }
    }

    fn has_broken(&mut self, violation: Violation) {
        self.farewell = Some(close::payload_after(&violation));
        self.end = Some(End::Broken(violation));
    }

    /// Reads of the compressed message, as far as there is space.
    fn read_message(&mut self, first: &mut [u8], second: &mut [u8], scratch: &mut Scratch) -> usize {
        let Some(message) = &mut self.message else {
            return 0;
        };
        let spare = &mut scratch.websocket().inflater;
        let mut length = 0;
        for space in [first, second] {
            match message.read(space, spare) {
                Ok(count) => {
                    length += count;
                    if count < space.len() {
                        break;
                    }
                }
                Err(violation) => {
                    self.message = None;
                    self.has_broken(violation);
                    return length;
                }
            }
        }
        if message.is_over() {
            self.message = None;
        }
        length
    }

    /// Takes apart what had to wait.
    fn read_ahead(&mut self, first: &mut [u8], second: &mut [u8]) -> usize {
        let mut bytes = std::mem::take(&mut self.ahead);
        let room = (first.len() + second.len()).min(bytes.len());
        let rest = bytes.split_off(room);
        let length = self.unframe(&mut bytes);
        self.ahead.extend_from_slice(&rest);
        spread(&bytes[..length], first, second);
        length
    }

    /// One read of the wire below. Gives also whether that has ended, and whether there is nothing left for now.
    fn read_below(
        &mut self,
        first: &mut [u8],
        second: &mut [u8],
        scratch: &mut Scratch,
    ) -> io::Result<(usize, bool, bool)> {
        if first.is_empty() {
            let (count, drained) = self.below.read(&mut [], second, scratch)?;
            return Ok((self.unframe(&mut second[..count]), count == 0, drained));
        }
        if self.incoming.plain_data() >= first.len() as u64 {
            // All that is missing of a large message of NATS is within a frame.
            let (count, drained) = self.below.read(first, second, scratch)?;
            let into_first = count.min(first.len());
            let mut length = self.unframe(&mut first[..into_first]);
            length += self.unframe(&mut second[..count - into_first]);
            return Ok((length, count == 0, drained));
        }
        let mut raw = std::mem::take(&mut scratch.websocket().raw);
        if raw.is_empty() {
            raw = vec![0; READ_SIZE].into_boxed_slice();
        }
        let room = (first.len() + second.len()).min(raw.len());
        let outcome = self.below.read(&mut [], &mut raw[..room], scratch);
        let outcome = outcome.map(|(count, drained)| {
            let length = self.unframe(&mut raw[..count]);
            spread(&raw[..length], first, second);
            (length, count == 0, drained)
        });
        scratch.websocket().raw = raw;
        outcome
    }
}

/// Copies into the first, then into the second: there is room for it.
fn spread(bytes: &[u8], first: &mut [u8], second: &mut [u8]) {
    let (into_first, into_second) = bytes.split_at(bytes.len().min(first.len()));
    first[..into_first.len()].copy_from_slice(into_first);
    second[..into_second.len()].copy_from_slice(into_second);
}

impl Layer for WebSocketLayer {
    fn below(&self) -> &Below {
        &self.below
    }

    fn below_mut(&mut self) -> &mut Below {
        &mut self.below
    }

    fn read(
        &mut self,
        first: &mut [u8],
        second: &mut [u8],
        scratch: &mut Scratch,
    ) -> io::Result<(usize, bool)> {
        let mut length = self.read_message(first, second, scratch);
        let mut drained = false;
        if length == 0 && self.end.is_none() {
            if self.ahead.is_empty() {
                let has_ended;
                (length, has_ended, drained) = self.read_below(first, second, scratch)?;
                if has_ended {
                    return Ok((0, drained));
                }
            } else {
                length = self.read_ahead(first, second);
            }
            if length == 0 {
                length = self.read_message(first, second, scratch);
            }
        }
        match (&self.end, length) {
            (_, 1..) => Ok((length, drained && !self.holds_more())),
            (None, 0) => Err(io::ErrorKind::WouldBlock.into()),
            (Some(End::Closed), 0) => Ok((0, true)),
            (Some(End::Broken(violation)), 0) => {
                Err(io::Error::new(io::ErrorKind::InvalidData, violation.clone()))
            }
        }
    }

    fn write(&mut self, bytes: &[u8], scratch: &mut Scratch) -> io::Result<usize> {
        self.outgoing.write(bytes, &mut self.below, scratch)
    }

    fn write_own(&mut self, scratch: &mut Scratch) -> io::Result<()> {
        if !self.outgoing.is_within_frame() {
            self.outgoing.write_own(&mut self.below, scratch)?;
        }
        self.below.write_own(scratch)
    }

    fn say_farewell(&mut self, reason: CloseReason) {
        if self.outgoing.is_within_frame() {
            // Whatever is said now would be a part of it.
            return;
        }
        let payload = self.farewell.take();
        let payload = payload.unwrap_or_else(|| close::payload(reason));
        self.outgoing.close(&payload);
        // A peer that takes nothing more does not hear it.
        if self
            .outgoing
            .write_own(&mut self.below, &mut Scratch::default())
            .is_ok()
        {
            self.below.say_farewell(reason);
        }
    }

    fn poll_read_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.holds_more() {
            return Poll::Ready(Ok(()));
        }
        self.below.poll_read_ready(task)
    }

    /// What goes into one frame, however little fits below: it is written in parts.
    fn piece(&self) -> usize {
        PIECE - LONGEST_HEADER
    }
}

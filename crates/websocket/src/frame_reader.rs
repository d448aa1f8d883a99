//! Frames as they come, in pieces of any size.

use crate::mask::Mask;
use crate::{
    COMPRESSED, FINAL, IN_EIGHT_BYTES, IN_TWO_BYTES, LONGEST_CONTROL, LONGEST_HEADER, MASKED, Opcode,
    RESERVED, close,
};
use thiserror::Error;

/// How a peer breaks the rules: shown in the words in which nats-server tells it so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Violation {
    /// Bits that have no meaning.
    #[error("RSV2 and RSV3 must be clear")]
    Reserved,
    /// Nobody has agreed on compression.
    #[error("compressed frame received without negotiated permessage-deflate")]
    Compressed,
    /// A client masks what it sends.
    #[error("mask bit missing")]
    NotMasked,
    /// A ping, a pong or a close frame has at most [`LONGEST_CONTROL`] bytes.
    #[error("control frame length bigger than maximum allowed of {LONGEST_CONTROL} bytes")]
    LongControl,
    /// Nor has it parts.
    #[error("control frame does not have final bit set")]
    ControlInParts,
    /// Nor is it compressed.
    #[error("control frame must not be compressed")]
    CompressedControl,
    /// The message before has no end.
    #[error("new message started before final frame for previous message was received")]
    NotEnded,
    /// There is no message that would go on, or its later parts say that they are compressed.
    #[error("invalid continuation frame")]
    Continuation,
    /// A frame of which nobody knows what it is.
    #[error("unknown opcode {0}")]
    Opcode(u8),
    /// A length of more than 63 bits.
    #[error("invalid 64-bit payload length")]
    Length,
    /// A close frame without all of its status.
    #[error("close frame payload cannot be 1 byte")]
    ShortClose,
    /// A close frame with a status that is none.
    #[error("invalid close status code {0}")]
    CloseStatus(u16),
    /// A compressed message, or what it holds, is larger than it may be.
    #[error("maximum payload exceeded")]
    TooLarge,
    /// What is said to be compressed is not.
    #[error("invalid compressed message")]
    NotDeflated,
}

/// What stands at the start of what has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of a message; their mask has been taken off.
    Data {
        /// Where they begin, behind a header or at 0. They end where what is consumed ends.
        start: usize,
        /// Whether the message is compressed.
        is_compressed: bool,
        /// Whether nothing more of the message follows.
        ends_message: bool,
    },
    /// A whole control frame.
    Control(Control),
    /// The beginning of a frame, which is kept.
    Incomplete,
}

/// What a peer says beside messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// A ping, with what is to be in the answer.
    Ping(Vec<u8>),
    /// The answer to a ping.
    Pong,
    /// Nothing follows. This is the payload of the answer.
    Close(Vec<u8>),
}

/// Takes frames apart that a peer sends. All it keeps is less than [`LONGEST_CONTROL`] bytes.
#[derive(Debug)]
pub struct FrameReader {
    requires_mask: bool,
    may_compress: bool,
    header: [u8; LONGEST_HEADER],
    /// How much of the header has come.
    come: usize,
    mask: Option<Mask>,
    within: Within,
    /// The message of which more is to come, if there is one, is compressed or not.
    message: Option<bool>,
    /// Whether the frame is the last of its message.
    is_final: bool,
}

/// Which part of a frame is next.
#[derive(Debug)]
enum Within {
    Header,
    /// So many bytes of a message.
    Data(u64),
    /// A control frame, of which this has come, and so much has not.
    Control(Opcode, Vec<u8>, usize),
}

impl FrameReader {
    /// For a peer that has to mask what it sends, or need not; and may compress, or must not.
    pub fn new(requires_mask: bool, may_compress: bool) -> Self {
        Self {
            requires_mask,
            may_compress,
            header: [0; LONGEST_HEADER],
            come: 0,
            mask: None,
            within: Within::Header,
            message: None,
            is_final: true,
        }
    }

    /// How many bytes of a message that is not compressed come next, before anything else does.
    pub fn plain_data(&self) -> u64 {
        match self.within {
            Within::Data(left) if self.message == Some(false) => left,
            _ => 0,
        }
    }

    /// The next piece of what has come, and how many bytes it takes. Of nothing nothing is taken.
    ///
    /// # Errors
    /// When the peer breaks the rules. Nothing that follows means anything then.
    pub fn next(&mut self, bytes: &mut [u8]) -> Result<(Piece, usize), Violation> {
        let mut at = 0;
        if matches!(self.within, Within::Header) {
            let Some(length) = self.take_header(bytes)? else {
                return Ok((Piece::Incomplete, bytes.len()));
            };
            at = length;
        }
        let rest = &mut bytes[at..];
        let taken = match &mut self.within {
            Within::Header => 0,
            Within::Data(left) => usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len()),
            Within::Control(_, _, left) => (*left).min(rest.len()),
        };
        let payload = &mut rest[..taken];
        if let Some(mask) = &mut self.mask {
            mask.apply(payload);
        }
        let consumed = at + taken;
        let piece = match &mut self.within {
            Within::Header => Piece::Incomplete,
            Within::Data(left) => {
                *left -= taken as u64;
                let (is_over, is_compressed) = (*left == 0, self.message == Some(true));
                let ends_message = is_over && self.is_final;
                if is_over {
                    self.within = Within::Header;
                }
                if ends_message {
                    self.message = None;
                }
                Piece::Data {
                    start: at,
                    is_compressed,
                    ends_message,
                }
            }
            Within::Control(opcode, kept, left) => {
                kept.extend_from_slice(payload);
                *left -= taken;
                if *left > 0 {
                    return Ok((Piece::Incomplete, consumed));
                }
                let (opcode, payload) = (*opcode, std::mem::take(kept));
                self.within = Within::Header;
                Piece::Control(match opcode {
                    Opcode::Ping => Control::Ping(payload),
                    Opcode::Close => Control::Close(close::answer(&payload)?),
                    _ => Control::Pong,
                })
            }
        };
        Ok((piece, consumed))
    }

    /// Takes what there is of a header: its length behind what had come before, if it is all there now.
    fn take_header(&mut self, bytes: &[u8]) -> Result<Option<usize>, Violation> {
        let mut taken = 0;
        loop {
            let wanted = match self.come {
                0 | 1 => 2,
                _ => header_length(self.header[1]),
            };
            let missing = wanted - self.come;
            let count = missing.min(bytes.len() - taken);
            self.header[self.come..self.come + count].copy_from_slice(&bytes[taken..taken + count]);
            self.come += count;
            taken += count;
            if count < missing {
                return Ok(None);
            }
            if wanted == 2 {
                self.check(self.header[0], self.header[1])?;
            }
            if self.come == header_length(self.header[1]) {
                break;
            }
        }
        self.begin()?;
        Ok(Some(taken))
    }

    /// Whether a frame may begin with these bytes.
    fn check(&self, first: u8, second: u8) -> Result<(), Violation> {
        let (is_compressed, is_final) = (first & COMPRESSED != 0, first & FINAL != 0);
        if first & RESERVED != 0 {
            return Err(Violation::Reserved);
        }
        if is_compressed && !self.may_compress {
            return Err(Violation::Compressed);
        }
        if self.requires_mask && second & MASKED == 0 {
            return Err(Violation::NotMasked);
        }
        let bits = first & 0x0f;
        let opcode = Opcode::of(bits).ok_or(Violation::Opcode(bits))?;
        if opcode.is_control() {
            let length = usize::from(second & !MASKED);
            return match () {
                () if length > LONGEST_CONTROL => Err(Violation::LongControl),
                () if !is_final => Err(Violation::ControlInParts),
                () if is_compressed => Err(Violation::CompressedControl),
                () => Ok(()),
            };
        }
        match (opcode, self.message) {
            (Opcode::Continuation, None) => Err(Violation::Continuation),
            (Opcode::Continuation, Some(_)) if is_compressed => Err(Violation::Continuation),
            (Opcode::Text | Opcode::Binary, Some(_)) => Err(Violation::NotEnded),
            _ => Ok(()),
        }
    }

    /// The header is complete, and [may be](Self::check).
    fn begin(&mut self) -> Result<(), Violation> {
        let header = &self.header[..std::mem::take(&mut self.come)];
        let [first, second, rest @ ..] = header else {
            return Ok(());
        };
        let (length, key) = match second & !MASKED {
            IN_TWO_BYTES => rest.split_at(2),
            IN_EIGHT_BYTES => rest.split_at(8),
            _ => rest.split_at(0),
        };
        let length = match length {
            [] => u64::from(second & !MASKED),
            bytes => bytes
                .iter()
                .fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        if length > i64::MAX as u64 {
            return Err(Violation::Length);
        }
        self.mask = key.try_into().ok().map(Mask::new);
        let bits = first & 0x0f;
        let opcode = Opcode::of(bits).ok_or(Violation::Opcode(bits))?;
        if opcode.is_control() {
            let length = length as usize;
            self.within = Within::Control(opcode, Vec::with_capacity(length), length);
            return Ok(());
        }
        self.is_final = first & FINAL != 0;
        if opcode != Opcode::Continuation {
            self.message = Some(first & COMPRESSED != 0);
        }
        self.within = Within::Data(length);
        Ok(())
    }
}

/// How long a header is, by its second byte.
fn header_length(second: u8) -> usize {
    let length = match second & !MASKED {
        IN_TWO_BYTES => 2,
        IN_EIGHT_BYTES => 8,
        _ => 0,
    };
    2 + length + if second & MASKED != 0 { 4 } else { 0 }
}

#[cfg(test)]
mod tests;

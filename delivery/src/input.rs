//! From the socket to the session: what is read, and what is carried over from one read to the next.

mod large_frame;

use crate::arbiter::{ArbiterState, CARRIED_OVER, SpareBuffers};
use crate::wire::{READ_SIZE, Wire};
use large_frame::LargeFrame;
use std::io;

/// The bytes of a connection that are not done with. Nothing while it is idle.
#[derive(Debug, Default)]
pub struct Input {
    /// The beginning of a frame; more only while the connection waits for its interest to be in force.
    carried: Vec<u8>,
    /// A frame of which more has come than is carried over.
    large: Option<LargeFrame>,
}

/// What a read brought.
#[derive(Debug)]
pub enum Read {
    /// The arbiter's input buffer holds something to be taken.
    Bytes {
        /// How many bytes.
        length: usize,
        /// Nothing more has come yet.
        drained: bool,
    },
    /// A large frame is complete; the input buffer holds what follows it.
    LargeFrame {
        /// The frame, in a buffer that may be longer.
        frame: Vec<u8>,
        /// How long the frame is.
        frame_length: usize,
        /// How many bytes follow it.
        length: usize,
        /// Nothing more has come yet.
        drained: bool,
    },
    /// A large frame has come further.
    Incomplete {
        /// Nothing more has come yet.
        drained: bool,
    },
    /// Nothing for now.
    Empty,
    /// The peer has ended the stream.
    End,
    /// The socket failed, or what stands on it: with [`io::ErrorKind::InvalidData`] where the peer has broken its rules.
    Failed(io::Error),
}

impl Input {
    /// One read, a system call where there are no layers: first what is missing of a large frame, then into the arbiter's
    /// buffer, behind what was carried over.
    pub fn read(&mut self, wire: &mut Wire, arbiter: &mut ArbiterState) -> Read {
        let carried = self.carried.len();
        let (front, space) = arbiter.input.split_at_mut(carried);
        let space = &mut space[..READ_SIZE];
        let (missing, space): (&mut [u8], &mut [u8]) = match &mut self.large {
            Some(large) => match large.space(&mut arbiter.spare_buffers) {
                (missing, true) => (missing, space),
                // More of the frame is to come than there is room for yet.
                (missing, false) => (missing, &mut []),
            },
            None => (&mut [], space),
        };
        let (missing_length, reaches_the_end) = (missing.len(), !space.is_empty());
        let (count, drained) = match wire.read(missing, space, &mut arbiter.scratch) {
            Ok((0, _)) => return Read::End,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Read::Empty,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return Read::Incomplete { drained: false };
            }
            Err(error) => return Read::Failed(error),
        };
        if let Some(large) = &mut self.large {
            if count < missing_length || !reaches_the_end {
                large.advance(count);
                return Read::Incomplete { drained };
            }
            if let Some(large) = self.large.take() {
                let (frame, frame_length) = large.into_parts();
                return Read::LargeFrame {
                    frame,
                    frame_length,
                    length: count - missing_length,
                    drained,
                };
            }
        }
        front.copy_from_slice(&self.carried);
        self.carried = Vec::new();
        Read::Bytes {
            length: carried + count,
            drained,
        }
    }

    /// Keeps the beginning of a frame for the next read.
    pub fn carry_over(&mut self, beginning: &[u8], frame_length: usize, spare: &mut SpareBuffers) {
        debug_assert!(self.carried.is_empty() && self.large.is_none());
        // Also of a large frame: most come whole with the next read or two, and what has only begun gets no buffer.
        if frame_length <= CARRIED_OVER || beginning.len() <= CARRIED_OVER {
            self.carried.extend_from_slice(beginning);
            return;
        }
        self.large = Some(LargeFrame::begin(beginning, frame_length, spare));
    }

    /// Keeps what must wait, of any length, until [`Input::take_waiting`]. Nothing is read meanwhile.
    pub fn wait_with(&mut self, bytes: &[u8]) {
        self.carried.extend_from_slice(bytes);
    }

    /// Whether something waits.
    pub fn is_waiting(&self) -> bool {
        !self.carried.is_empty()
    }

    /// What had to wait.
    pub fn take_waiting(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.carried)
    }
}

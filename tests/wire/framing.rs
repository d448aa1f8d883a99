//! A layer of the kind of WebSocket: frames with a header, veiled payloads, pings that are to be answered, a farewell.
//!
//! A frame is its kind, the length of its payload in two bytes, and the payload, of which each byte is veiled by the number
//! of the frame and its place: what is written depends on what was written before.

use std::io;
use vagus_delivery::wire::{Below, Layer, Scratch};
use vagus_protocol::error::CloseReason;

pub(crate) const HEADER: usize = 3;

/// What the payload of a ping holds at most, in bytes.
const PING_AT_MOST: usize = 125;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Data,
    Ping,
    Pong,
    Farewell,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Data, Self::Ping, Self::Pong, Self::Farewell];
}

/// Frames one way, as far as they have come or gone.
#[derive(Debug, Default)]
pub(crate) struct Count(u8);

impl Count {
    fn veil(&self, place: usize) -> u8 {
        self.0.wrapping_mul(31).wrapping_add(place as u8) ^ 0x5a
    }

    /// Appends a frame, which is the next.
    pub(crate) fn put(&self, kind: Kind, payload: &[u8], frame: &mut Vec<u8>) {
        frame.push(kind as u8);
        frame.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
        let veiled = payload.iter().enumerate();
        frame.extend(veiled.map(|(place, byte)| byte ^ self.veil(place)));
    }

    /// The next frame is another one.
    pub(crate) fn advance(&mut self) {
        self.0 = self.0.wrapping_add(1);
    }
}

/// Takes frames apart.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    count: Count,
    header: Vec<u8>,
    /// How much of the payload has come.
    come: usize,
}

impl Frames {
    /// Takes one byte of a frame: the kind of the frame, with a byte of its payload or None at its end.
    pub(crate) fn take(&mut self, byte: u8, mut tell: impl FnMut(Kind, Option<u8>)) -> io::Result<()> {
        if self.header.len() < HEADER {
            self.header.push(byte);
        } else {
            let veil = self.count.veil(self.come);
            self.come += 1;
            tell(self.kind()?, Some(byte ^ veil));
        }
        if self.header.len() == HEADER && self.come == self.length() {
            tell(self.kind()?, None);
            self.count.advance();
            (self.header, self.come) = (Vec::new(), 0);
        }
        Ok(())
    }

    fn kind(&self) -> io::Result<Kind> {
        let kind = Kind::ALL.get(usize::from(self.header[0]));
        kind.copied().ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn length(&self) -> usize {
        usize::from(u16::from_be_bytes([self.header[1], self.header[2]]))
    }
}

/// The layer, on the side of the server.
#[derive(Debug)]
pub(crate) struct Framing {
    below: Below,
    incoming: Frames,
    /// What has come of a ping.
    ping: Vec<u8>,
    outgoing: Count,
    /// How many bytes of data the frame has that is being written, if one is.
    promised: usize,
    /// How much of the frame that is being written is gone.
    gone: usize,
    /// The answer to the last ping; those to others before it may be left out.
    pong: Option<Vec<u8>>,
    /// An answer that is being written.
    answering: Option<Vec<u8>>,
}

impl Framing {
    pub(crate) fn new(below: Below) -> Self {
        Self {
            below,
            incoming: Frames::default(),
            ping: Vec::new(),
            outgoing: Count::default(),
            promised: 0,
            gone: 0,
            pong: None,
            answering: None,
        }
    }

    /// Writes the frame that begins, or goes on with it.
    fn put(&mut self, kind: Kind, payload: &[u8], scratch: &mut Scratch) -> io::Result<()> {
        let mut frame = scratch.take_frame();
        self.outgoing.put(kind, payload, &mut frame);
        let mut outcome = Ok(());
        while outcome.is_ok() && self.gone < frame.len() {
            match self.below.write(&frame[self.gone..], scratch) {
                Ok(count) => self.gone += count,
                Err(error) => outcome = Err(error),
            }
        }
        scratch.give_back(frame);
        if outcome.is_ok() {
            self.gone = 0;
            self.outgoing.advance();
        }
        outcome
    }

    fn is_writing(&self) -> bool {
        self.answering.is_some() || self.promised > 0
    }

    /// Leaves the data of these bytes in their place, and says how many bytes it has.
    fn take(&mut self, first: &mut [u8], second: &mut [u8], count: usize) -> io::Result<usize> {
        let split = first.len();
        let mut kept = 0_usize;
        for place in 0..count {
            let byte = match place.checked_sub(split) {
                None => first[place],
                Some(place) => second[place],
            };
            let (mut data, mut ends) = (None, None);
            self.incoming.take(byte, |kind, byte| match (kind, byte) {
                (Kind::Data, Some(byte)) => data = Some(byte),
                (Kind::Ping, Some(byte)) => self.ping.push(byte),
                (kind, None) => ends = Some(kind),
                (Kind::Pong | Kind::Farewell, Some(_)) => {}
            })?;
            if self.ping.len() > PING_AT_MOST {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if ends == Some(Kind::Ping) {
                self.pong = Some(std::mem::take(&mut self.ping));
            }
            if let Some(data) = data {
                match kept.checked_sub(split) {
                    None => first[kept] = data,
                    Some(kept) => second[kept] = data,
                }
                kept += 1;
            }
        }
        Ok(kept)
    }
}

impl Layer for Framing {
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
        loop {
            let (count, drained) = self.below.read(first, second, scratch)?;
            let kept = self.take(first, second, count)?;
            if kept > 0 || count == 0 {
                return Ok((kept, drained));
            }
            if drained {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
    }

    fn write(&mut self, bytes: &[u8], scratch: &mut Scratch) -> io::Result<usize> {
        if self.promised == 0 {
            self.write_pong(scratch)?;
            self.promised = bytes.len().min(self.piece());
        }
        let count = self.promised;
        self.put(Kind::Data, &bytes[..count], scratch)?;
        self.promised = 0;
        Ok(count)
    }

    fn write_own(&mut self, scratch: &mut Scratch) -> io::Result<()> {
        if self.promised == 0 {
            self.write_pong(scratch)?;
        }
        self.below.write_own(scratch)
    }

    fn say_farewell(&mut self, reason: CloseReason) {
        if !self.is_writing() {
            // A peer that takes nothing more does not hear it.
            let _ = self.put(Kind::Farewell, b"", &mut Scratch::default());
        }
        self.below.say_farewell(reason);
    }

    fn piece(&self) -> usize {
        self.below.piece().min(usize::from(u16::MAX)) - HEADER
    }
}

impl Framing {
    fn write_pong(&mut self, scratch: &mut Scratch) -> io::Result<()> {
        while let Some(pong) = self.answering.take().or_else(|| self.pong.take()) {
            if let Err(error) = self.put(Kind::Pong, &pong, scratch) {
                self.answering = Some(pong);
                return Err(error);
            }
        }
        Ok(())
    }
}

//! Frames on their way out.

use super::super::{Below, Scratch};
use std::io::{self, IoSlice};
use tokio::net::TcpStream;
use vagus_websocket::deflate::NOT_COMPRESSED;
use vagus_websocket::upgrade::Terms;
use vagus_websocket::{FrameHeader, MaskKey, Opcode};

/// The payload of a frame for a browser, in bytes, as in nats-server: they fare better with small ones.
const FOR_BROWSERS: usize = 4096;

/// How much may wait of what is said beside messages, in bytes. Of more pings the last are answered.
const OWN_AT_MOST: usize = 4096;

/// What is being written. A frame that has begun is written to its end before anything else.
#[derive(Debug)]
pub(super) struct Outgoing {
    terms: Terms,
    /// Each frame is masked.
    masks: bool,
    /// The socket is right below: a frame is written from where its payload is. Else it is put together first.
    is_direct: bool,
    /// The frame whose payload is written from where it is.
    direct: Option<Direct>,
    /// Frames that are put together, and how much of them is gone.
    frames: Vec<u8>,
    gone: usize,
    /// How many bytes they come to.
    promised: usize,
    /// Frames beside messages: how much of them is gone, and where the last begins.
    own: Vec<u8>,
    own_gone: usize,
    last_own: usize,
}

#[derive(Debug)]
struct Direct {
    header: FrameHeader,
    /// How much of the header is gone.
    gone: usize,
    /// How many bytes of the payload are not.
    left: usize,
}

impl Outgoing {
    /// For a peer with which these terms are agreed on, whom frames are masked for or not, and that is connected to a socket
    /// right below or not.
    pub(super) fn new(terms: Terms, masks: bool, is_plain: bool) -> Self {
        Self {
            terms,
            masks,
            is_direct: is_plain && !masks && !terms.compresses && !terms.is_browser,
            direct: None,
            frames: Vec::new(),
            gone: 0,
            promised: 0,
            own: Vec::new(),
            own_gone: 0,
            last_own: 0,
        }
    }

    /// Whether a frame has begun and is not at its end.
    pub(super) fn is_within_frame(&self) -> bool {
        self.direct.is_some() || self.promised > 0
    }

    /// Answers a ping.
    pub(super) fn pong(&mut self, payload: &[u8]) {
        if self.own.len() - self.own_gone > OWN_AT_MOST {
            self.own.truncate(self.last_own);
        }
        self.say(Opcode::Pong, payload);
    }

    /// Says that nothing follows.
    pub(super) fn close(&mut self, payload: &[u8]) {
        self.say(Opcode::Close, payload);
    }

    fn say(&mut self, opcode: Opcode, payload: &[u8]) {
        self.last_own = self.own.len();
        let header = FrameHeader::whole(opcode, payload.len());
        // Without randomness nothing can be said beside messages; a peer that misses it ends the connection.
        let _ = append_frame(&mut self.own, header, payload, self.masks);
    }

    /// Writes what is said beside messages; not within a frame.
    pub(super) fn write_own(&mut self, below: &mut Below, scratch: &mut Scratch) -> io::Result<()> {
        while self.own_gone < self.own.len() {
            self.own_gone += below.write(&self.own[self.own_gone..], scratch)?;
        }
        if !self.own.is_empty() {
            (self.own, self.own_gone) = (Vec::new(), 0);
        }
        Ok(())
    }

    /// As [`Layer::write`](super::super::Layer::write).
    pub(super) fn write(
        &mut self,
        bytes: &[u8],
        below: &mut Below,
        scratch: &mut Scratch,
    ) -> io::Result<usize> {
        if !self.is_within_frame() {
            self.write_own(below, scratch)?;
            self.begin(bytes, scratch)?;
        }
        if let (Some(direct), Some(socket)) = (&mut self.direct, below.plain()) {
            let written = direct.write(bytes, socket);
            if direct.left == 0 {
                self.direct = None;
            }
            return written;
        }
        while self.gone < self.frames.len() {
            self.gone += below.write(&self.frames[self.gone..], scratch)?;
        }
        scratch.give_back(std::mem::take(&mut self.frames));
        self.gone = 0;
        Ok(std::mem::take(&mut self.promised))
    }

    /// Begins a message with this content.
    fn begin(&mut self, content: &[u8], scratch: &mut Scratch) -> io::Result<()> {
        if self.is_direct {
            self.direct = Some(Direct {
                header: FrameHeader::whole(Opcode::Binary, content.len()),
                gone: 0,
                left: content.len(),
            });
            return Ok(());
        }
        self.frames = scratch.take_frame();
        match self.terms.compresses && content.len() > NOT_COMPRESSED {
            true => self.put_compressed(content, scratch)?,
            false => self.put_plain(content)?,
        }
        self.promised = content.len();
        Ok(())
    }

    /// Each frame is a message of its own.
    fn put_plain(&mut self, content: &[u8]) -> io::Result<()> {
        let most = match self.terms.is_browser {
            true => FOR_BROWSERS,
            false => usize::MAX,
        };
        for payload in content.chunks(most) {
            let header = FrameHeader::whole(Opcode::Binary, payload.len());
            append_frame(&mut self.frames, header, payload, self.masks)?;
        }
        Ok(())
    }

    /// One message.
    fn put_compressed(&mut self, content: &[u8], scratch: &mut Scratch) -> io::Result<()> {
        let most = match self.terms.is_browser && !self.terms.compressed_in_one {
            true => FOR_BROWSERS,
            false => usize::MAX,
        };
        let scratch = scratch.websocket();
        scratch.compressed.clear();
        scratch.deflater.append(content, &mut scratch.compressed);
        let parts = scratch.compressed.chunks(most);
        let last = parts.len() - 1;
        for (place, payload) in parts.enumerate() {
            let header = FrameHeader::of_compressed(place == 0, place == last, payload.len());
            append_frame(&mut self.frames, header, payload, self.masks)?;
        }
        Ok(())
    }
}

/// A frame, masked or not. It fails without randomness: then nothing was appended.
fn append_frame(out: &mut Vec<u8>, header: FrameHeader, payload: &[u8], masks: bool) -> io::Result<()> {
    if !masks {
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(payload);
        return Ok(());
    }
    let key = MaskKey::generate().ok_or_else(|| io::Error::other("no randomness to mask a frame by"))?;
    out.extend_from_slice(header.masked(&key).as_bytes());
    let start = out.len();
    out.extend_from_slice(payload);
    key.mask(&mut out[start..]);
    Ok(())
}

impl Direct {
    /// Writes the rest of the header, and of the payload, which these bytes begin with. Gives how much of that is written.
    fn write(&mut self, bytes: &[u8], socket: &TcpStream) -> io::Result<usize> {
        let payload = &bytes[..self.left.min(bytes.len())];
        loop {
            let header = &self.header.as_bytes()[self.gone..];
            let count = match header {
                [] => socket.try_write(payload)?,
                header => socket.try_write_vectored(&[IoSlice::new(header), IoSlice::new(payload)])?,
            };
            let of_header = count.min(header.len());
            self.gone += of_header;
            self.left -= count - of_header;
            if count > of_header {
                return Ok(count - of_header);
            }
        }
    }
}

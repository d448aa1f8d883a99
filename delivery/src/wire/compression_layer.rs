//! Compression as a layer: a stream of S2 each way.

use super::{Below, Layer, PIECE, READ_SIZE, Scratch};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use vagus_compression::mode::Level;
use vagus_compression::s2::{Compressor, Reader, StreamError, Writer};
use vagus_protocol::error::CloseReason;

/// How much a layer compresses, as whoever put it there may change it: what is written later is compressed so.
#[derive(Debug, Clone)]
pub struct SharedLevel(Arc<AtomicU8>);

impl SharedLevel {
    /// So much, until it is set.
    pub fn new(level: Level) -> Self {
        Self(Arc::new(AtomicU8::new(level as u8)))
    }

    /// So much from now on.
    pub fn set(&self, level: Level) {
        self.0.store(level as u8, Ordering::Relaxed);
    }

    /// How much that is.
    pub fn get(&self) -> Level {
        Level::from_number(self.0.load(Ordering::Relaxed).into())
    }
}

/// What compressing needs for the time of a call, made once it is needed.
#[derive(Debug, Default)]
pub(super) struct CompressionScratch {
    compressor: Compressor,
    /// What is read of the wire below; empty until something is.
    compressed: Box<[u8]>,
}

/// Compression that both sides have agreed on.
#[derive(Debug)]
pub struct CompressionLayer {
    below: Below,
    level: SharedLevel,
    incoming: Reader,
    /// What was read of the wire below and is not taken yet. There is none between two reads but for a peer that compresses
    /// very well.
    ahead: Vec<u8>,
    outgoing: Writer,
    /// What is being written, and how much of it is gone.
    chunks: Vec<u8>,
    gone: usize,
    /// How many bytes that comes to.
    promised: usize,
}

impl CompressionLayer {
    /// On this wire.
    pub fn new(below: Below, level: SharedLevel) -> Self {
        Self {
            below,
            level,
            incoming: Reader::default(),
            ahead: Vec::new(),
            outgoing: Writer::default(),
            chunks: Vec::new(),
            gone: 0,
            promised: 0,
        }
    }

    fn holds_more(&self) -> bool {
        !self.ahead.is_empty() || self.incoming.holds_data()
    }

    /// Opens what has been read of the wire below, as far as there is space. What is left over is kept.
    fn open(&mut self, mut compressed: &[u8], first: &mut [u8], second: &mut [u8]) -> io::Result<usize> {
        let mut count = self.incoming.read(&mut compressed, first).map_err(into_io)?;
        if count == first.len() {
            count += self.incoming.read(&mut compressed, second).map_err(into_io)?;
        }
        self.ahead = compressed.to_vec();
        Ok(count)
    }
}

impl Layer for CompressionLayer {
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
        if self.holds_more() {
            let ahead = std::mem::take(&mut self.ahead);
            let count = self.open(&ahead, first, second)?;
            if count > 0 {
                return Ok((count, false));
            }
        }
        let mut compressed = std::mem::take(&mut scratch.compression().compressed);
        if compressed.is_empty() {
            compressed = vec![0; READ_SIZE].into_boxed_slice();
        }
        let outcome = self.below.read(&mut [], &mut compressed, scratch);
        let outcome = match outcome {
            Ok((0, drained)) => Ok((0, drained)),
            // Nothing may come of it, which is not the end of the stream.
            Ok((count, drained)) => match self.open(&compressed[..count], first, second) {
                Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
                Ok(count) => Ok((count, drained && !self.holds_more())),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        scratch.compression().compressed = compressed;
        outcome
    }

    fn write(&mut self, bytes: &[u8], scratch: &mut Scratch) -> io::Result<usize> {
        if self.promised == 0 {
            let bytes = &bytes[..bytes.len().min(PIECE)];
            self.chunks = scratch.take_frame();
            let compressor = &mut scratch.compression().compressor;
            self.outgoing
                .append(bytes, self.level.get(), compressor, &mut self.chunks);
            (self.promised, self.gone) = (bytes.len(), 0);
        }
        while self.gone < self.chunks.len() {
            self.gone += self.below.write(&self.chunks[self.gone..], scratch)?;
        }
        scratch.give_back(std::mem::take(&mut self.chunks));
        Ok(std::mem::take(&mut self.promised))
    }

    fn poll_read_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.holds_more() {
            return Poll::Ready(Ok(()));
        }
        self.below.poll_read_ready(task)
    }

    fn say_farewell(&mut self, reason: CloseReason) {
        // In the middle of a chunk the layer below would say it inside of that.
        if self.promised == 0 {
            self.below.say_farewell(reason);
        }
    }

    /// What one chunk takes, however little fits below: it is written in parts.
    fn piece(&self) -> usize {
        PIECE
    }
}

fn into_io(error: StreamError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

//! Chunks on their way to a socket, outside the lock.

use crate::wire::{Layer, Scratch};
use bytes::Bytes;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use tokio::net::TcpStream;

/// How many chunks one `writev` takes.
const VECTORS: usize = 64;

/// What its writer has taken of a backlog.
#[derive(Default)]
pub struct Batch {
    chunks: VecDeque<Bytes>,
    /// How much of the first chunk is written already.
    offset: usize,
    /// How much room is left over in the last.
    left_over: usize,
    taken: usize,
    allowed: usize,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Nothing is left of it.
    All,
    /// The socket is full.
    Some,
    /// The writer has written as much as it may.
    Enough,
    /// The socket is gone.
    Failed,
}

impl Batch {
    pub(super) fn new(chunks: VecDeque<Bytes>, offset: usize, left_over: usize) -> Self {
        Self {
            chunks,
            offset,
            left_over,
            taken: 0,
            allowed: usize::MAX,
        }
    }

    /// How much its writer may write before others get their turn, in bytes; what one system call takes may go beyond.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.allowed = bytes;
    }

    /// What has been written of it, in bytes.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Takes out what is left: chunks, how much of the first is written, and how much room is left over in the last.
    pub(super) fn rest(&mut self) -> (VecDeque<Bytes>, usize, usize) {
        let (offset, left_over) = (self.offset, self.left_over);
        (self.offset, self.left_over) = (0, 0);
        (std::mem::take(&mut self.chunks), offset, left_over)
    }

    /// Writes until everything or as much as is allowed is written, or the socket takes no more.
    pub(super) fn write_to(&mut self, socket: &TcpStream) -> Written {
        while !self.chunks.is_empty() {
            if self.taken >= self.allowed {
                return Written::Enough;
            }
            match self.write_once(socket) {
                Ok(full) => {
                    if full && !self.chunks.is_empty() {
                        return Written::Some;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Written::Some,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Written::Failed,
            }
        }
        Written::All
    }

    /// Writes through layers, small chunks together in one piece that is put together in `gathered`.
    pub(crate) fn write_through(
        &mut self,
        layer: &mut dyn Layer,
        gathered: &mut [u8],
        scratch: &mut Scratch,
    ) -> Written {
        let piece = layer.piece().min(gathered.len());
        while let Some(first) = self.chunks.front() {
            if self.taken >= self.allowed {
                return Written::Enough;
            }
            let rest = &first[self.offset..];
            let count = if self.chunks.len() == 1 || rest.len() >= piece {
                layer.write(&rest[..rest.len().min(piece)], scratch)
            } else {
                let length = self.gather(&mut gathered[..piece]);
                layer.write(&gathered[..length], scratch)
            };
            match count {
                Ok(count) => self.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Written::Some,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Written::Failed,
            }
        }
        Written::All
    }

    /// Copies as much of the chunks as there is space for.
    fn gather(&self, space: &mut [u8]) -> usize {
        let mut filled = 0;
        let mut offset = self.offset;
        for chunk in &self.chunks {
            let rest = &chunk[offset..];
            let count = rest.len().min(space.len() - filled);
            space[filled..filled + count].copy_from_slice(&rest[..count]);
            filled += count;
            if filled == space.len() {
                break;
            }
            offset = 0;
        }
        filled
    }

    /// Gives chunks to an owner that has no socket, until they have this many bytes or nothing is left.
    pub fn take_chunks(&mut self, bytes: usize, chunks: &mut Vec<Bytes>) -> Written {
        debug_assert_eq!(self.offset, 0, "what has no socket is never written by halves");
        while self.taken < bytes
            && let Some(chunk) = self.chunks.pop_front()
        {
            self.taken += chunk.len();
            chunks.push(chunk);
        }
        match self.chunks.is_empty() {
            true => Written::All,
            false => Written::Enough,
        }
    }

    /// One system call. True when the socket took less than it was offered.
    fn write_once(&mut self, socket: &TcpStream) -> io::Result<bool> {
        let mut offered = 0;
        let mut short = 0;
        let result = socket.try_io(tokio::io::Interest::WRITABLE, || {
            let count = if self.chunks.len() == 1 {
                let chunk = &self.chunks[0][self.offset..];
                offered = chunk.len();
                rustix::net::send(socket.as_fd(), chunk, rustix::net::SendFlags::NOSIGNAL)
            } else {
                let mut vectors = [IoSlice::new(&[]); VECTORS];
                let mut used = 0;
                let mut offset = self.offset;
                for (vector, chunk) in vectors.iter_mut().zip(&self.chunks) {
                    *vector = IoSlice::new(&chunk[offset..]);
                    offered += chunk.len() - offset;
                    offset = 0;
                    used += 1;
                }
                rustix::io::writev(socket.as_fd(), &vectors[..used])
            };
            match count {
                // Reporting a short write as "would block" clears the readiness without another call.
                Ok(count) if count < offered => {
                    short = count;
                    Err(Errno::AGAIN.into())
                }
                Ok(count) => Ok(count),
                Err(error) => Err(error.into()),
            }
        });
        let count = match result {
            Ok(count) => count,
            Err(_) if short > 0 => short,
            Err(error) => return Err(error),
        };
        self.advance(count);
        Ok(count < offered)
    }

    /// So much has been written.
    pub(super) fn advance(&mut self, mut count: usize) {
        self.taken += count;
        count += self.offset;
        while let Some(first) = self.chunks.front() {
            if count < first.len() {
                break;
            }
            count -= first.len();
            self.chunks.pop_front();
        }
        self.offset = count;
    }
}

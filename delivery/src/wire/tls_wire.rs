//! TLS over a socket that does not block.

use super::handshakes::{GivenUp, Handshakes};
use super::peer_check::{Checking, PeerCheck};
use super::{READ_SIZE, TlsFacts, read_vectored};
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::net::TcpStream;
use vagus_tls::{Acceptor, SslRef, StreamError, TlsStream, Unfinished};

/// A TLS connection whose handshake is done.
#[derive(Debug)]
pub struct TlsWire {
    stream: TlsStream<Ciphertext>,
    facts: Option<TlsFacts>,
    /// Bytes may be waiting in here, of which the socket knows nothing.
    holds_more: bool,
    /// A write that the socket did not take has to be tried again with as many bytes.
    promised: usize,
    /// The write goes on when something has been read.
    write_wants_read: bool,
    /// The read goes on when something has been written.
    read_wants_write: bool,
}

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer has gone, or does not speak TLS as it has to.
    #[error(transparent)]
    Failed(#[from] StreamError),
    /// Something is said of the peer's certificate. It has been told so.
    #[error("{0}")]
    Refused(String),
    /// It took too long.
    #[error("timeout")]
    Timeout,
    /// Too many peers are silent in the middle of a handshake, and this one has been for longest.
    #[error("too many handshakes")]
    TooMany,
}

impl TlsWire {
    /// Answers the handshake of a peer of which these bytes have come already.
    pub(super) async fn accept(
        acceptor: &Acceptor,
        socket: Arc<TcpStream>,
        early: Vec<u8>,
        handshakes: &Handshakes,
        until: Instant,
        check: Option<&dyn PeerCheck>,
    ) -> Result<Self, HandshakeError> {
        let mut beginning = handshakes.begin().await;
        let ciphertext = Ciphertext {
            socket,
            filled: early.len(),
            buffer: early.into_boxed_slice(),
            taken: 0,
            reads_ahead: false,
            dry: false,
        };
        let ssl = acceptor.start().map_err(StreamError::from)?;
        let (mut checking, mut stream) = match check.map(Checking::by) {
            Some((checking, verifier)) => {
                let stream = TlsStream::verifying(ssl, ciphertext, verifier)?;
                (Some(checking), stream)
            }
            None => (None, TlsStream::new(ssl, ciphertext)?),
        };
        loop {
            let outcome = match &mut checking {
                Some(checking) => {
                    drop(beginning.take());
                    let _elsewhere = handshakes.elsewhere().await;
                    let stepped;
                    (stream, stepped) = checking.step(stream).await?;
                    stepped
                }
                None => handshakes
                    .step(until, || stream.handshake())
                    .await
                    .ok_or(HandshakeError::Timeout)?,
            };
            drop(beginning.take());
            let Err(unfinished) = outcome else {
                break;
            };
            let socket = &stream.below().socket;
            let ready = match unfinished {
                Unfinished::WantsRead => {
                    handshakes
                        .wait(poll_fn(|task| socket.poll_read_ready(task)))
                        .await
                }
                Unfinished::WantsWrite => {
                    handshakes
                        .wait(poll_fn(|task| socket.poll_write_ready(task)))
                        .await
                }
                Unfinished::Failed(error) => return Err(error.into()),
            };
            match ready {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(StreamError::Carrier(error).into()),
                Err(GivenUp) => return Err(HandshakeError::TooMany),
            }
        }
        Ok(Self {
            stream,
            facts: None,
            // The peer may have sent more behind its last word of the handshake.
            holds_more: true,
            promised: 0,
            write_wants_read: false,
            read_wants_write: false,
        })
    }

    pub(super) fn ssl(&self) -> &SslRef {
        self.stream.ssl()
    }

    pub(super) fn facts(&self) -> Option<&TlsFacts> {
        self.facts.as_ref()
    }

    pub(super) fn set_facts(&mut self, facts: TlsFacts) {
        self.facts = Some(facts);
    }

    pub(super) fn socket(&self) -> &Arc<TcpStream> {
        &self.stream.below().socket
    }

    pub(super) fn poll_read_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.holds_more {
            return Poll::Ready(Ok(()));
        }
        if self.read_wants_write {
            ready!(self.socket().poll_write_ready(task))?;
        }
        self.socket().poll_read_ready(task)
    }

    pub(super) fn poll_write_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.write_wants_read {
            return self.socket().poll_read_ready(task);
        }
        self.socket().poll_write_ready(task)
    }

    /// Reads records until the buffers are full or nothing more has come.
    pub(super) fn read(
        &mut self,
        first: &mut [u8],
        second: &mut [u8],
        scratch: &mut Box<[u8]>,
    ) -> io::Result<(usize, bool)> {
        if scratch.is_empty() {
            *scratch = vec![0; READ_SIZE].into_boxed_slice();
        }
        self.stream.below_mut().begin_reading_ahead(scratch);
        let result = self.read_records(first, second);
        self.stream.below_mut().end_reading_ahead(scratch);
        result
    }

    fn read_records(&mut self, first: &mut [u8], second: &mut [u8]) -> io::Result<(usize, bool)> {
        (self.holds_more, self.read_wants_write) = (true, false);
        let wanted = first.len() + second.len();
        let mut count = 0;
        while count < wanted {
            let space = match count.checked_sub(first.len()) {
                None => &mut first[count..],
                Some(into_second) => &mut second[into_second..],
            };
            match self.stream.read(space) {
                Ok(0) => return Ok((count, count == 0)),
                Ok(more) => count += more,
                Err(Unfinished::Failed(error)) if count == 0 => return Err(into_io(error)),
                // What was read comes first; the next read finds the error again.
                Err(Unfinished::Failed(_)) => return Ok((count, false)),
                Err(unfinished) => {
                    self.holds_more = false;
                    self.read_wants_write = matches!(unfinished, Unfinished::WantsWrite);
                    return match count {
                        0 => Err(io::ErrorKind::WouldBlock.into()),
                        count => Ok((count, true)),
                    };
                }
            }
        }
        Ok((count, false))
    }

    /// Writes a record's worth. Blocked, the same bytes have to be offered again.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = match self.promised {
            0 => bytes,
            promised => &bytes[..promised.min(bytes.len())],
        };
        (self.promised, self.write_wants_read) = (0, false);
        match self.stream.write(bytes) {
            Ok(count) => Ok(count),
            Err(Unfinished::Failed(error)) => Err(into_io(error)),
            Err(unfinished) => {
                self.promised = bytes.len();
                self.write_wants_read = matches!(unfinished, Unfinished::WantsRead);
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
    }

    /// Says that nothing more comes, if the socket takes that at once.
    pub(super) fn say_farewell(&mut self) {
        if self.promised == 0 {
            self.stream.say_farewell();
        }
    }
}

fn into_io(error: StreamError) -> io::Error {
    match error {
        StreamError::Carrier(error) => error,
        other => io::Error::other(other),
    }
}

/// The socket as TLS sees it. One read takes what has come of many records, into a buffer that is lent.
#[derive(Debug)]
pub(super) struct Ciphertext {
    socket: Arc<TcpStream>,
    /// What has been read ahead: all of it while a read is under way, else only what is left over.
    buffer: Box<[u8]>,
    taken: usize,
    filled: usize,
    /// The buffer is lent, and may be filled again.
    reads_ahead: bool,
    /// The last read took everything there was.
    dry: bool,
}

impl Ciphertext {
    fn begin_reading_ahead(&mut self, scratch: &mut Box<[u8]>) {
        let left = &self.buffer[self.taken..self.filled];
        if left.len() > scratch.len() {
            return;
        }
        scratch[..left.len()].copy_from_slice(left);
        (self.taken, self.filled) = (0, left.len());
        std::mem::swap(&mut self.buffer, scratch);
        (self.reads_ahead, self.dry) = (true, false);
    }

    fn end_reading_ahead(&mut self, scratch: &mut Box<[u8]>) {
        if !std::mem::take(&mut self.reads_ahead) {
            return;
        }
        let left: Box<[u8]> = self.buffer[self.taken..self.filled].into();
        (self.taken, self.filled) = (0, left.len());
        *scratch = std::mem::replace(&mut self.buffer, left);
    }
}

impl Read for Ciphertext {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.filled {
            if !self.reads_ahead {
                return self.socket.try_read(bytes);
            }
            if self.dry {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            (self.taken, self.filled) = (0, 0);
            (self.filled, self.dry) = read_vectored(&self.socket, &mut [], &mut self.buffer)?;
        }
        let count = bytes.len().min(self.filled - self.taken);
        bytes[..count].copy_from_slice(&self.buffer[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

impl Write for Ciphertext {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

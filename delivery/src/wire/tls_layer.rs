//! TLS as a layer, on either side.

use super::handshakes::{GivenUp, Handshakes};
use super::peer_check::{Checking, PeerCheck};
use super::{Below, Layer, READ_SIZE, Scratch};
use serde::Serialize;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::task::{Context, Poll, ready};
use std::time::Instant;
use vagus_protocol::error::CloseReason;
use vagus_tls::{Acceptor, Connector, SslRef, StreamError, TlsStream, Unfinished, Verifier};

/// What a record holds at most, in bytes.
const RECORD: usize = 16 * 1024;

/// TLS of which the handshake is done.
#[derive(Debug)]
pub struct TlsLayer {
    stream: TlsStream<Ciphertext>,
    facts: Option<TlsFacts>,
    /// Bytes may be waiting in here, of which the wire below knows nothing.
    holds_more: bool,
    /// A write that the wire below did not take has to be tried again with as many bytes.
    promised: usize,
    /// The write goes on when something has been read.
    write_wants_read: bool,
    /// The read goes on when something has been written.
    read_wants_write: bool,
}

/// What is known of a connection that speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TlsFacts {
    /// `1.2` or `1.3`.
    pub version: &'static str,
    /// The cipher suite, by the name of its standard.
    pub cipher_suite: &'static str,
    /// Whether the peer began with the handshake, before anything was said to it.
    pub first: bool,
    /// What the peer showed: its own certificate first, then those of authorities. Empty if it was not asked.
    pub peer_certificates: Vec<TlsPeerCertificate>,
}

/// What is shown of one certificate of a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TlsPeerCertificate {
    /// Whose it is, such as `CN=derek,O=acme`.
    pub subject: String,
    /// The SHA-256 of its public key, as 64 hexadecimal digits.
    pub subject_pk_sha256: String,
    /// The SHA-256 of all of it, as 64 hexadecimal digits.
    pub cert_sha256: String,
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
    /// The key of the peer is not one of those that peers may have.
    #[error("certificate not pinned")]
    NotPinned,
}

/// Which side of a handshake is ours.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side<'a> {
    /// The peer begins.
    Server(&'a Acceptor),
    /// We begin, with the server of this name.
    Client(&'a Connector, &'a str),
}

impl Side<'_> {
    fn start(self, ciphertext: Ciphertext, verifier: Option<Verifier>) -> Result<Stream, StreamError> {
        let ssl = match self {
            Self::Server(acceptor) => acceptor.start()?,
            Self::Client(connector, name) => connector.start(name)?,
        };
        match verifier {
            Some(verifier) => TlsStream::verifying(ssl, ciphertext, verifier),
            None => TlsStream::new(ssl, ciphertext),
        }
    }

    /// Whether the key of the peer is one of those that peers may have.
    pub(super) fn is_pinned(self, ssl: &SslRef) -> bool {
        match self {
            Self::Server(acceptor) => acceptor.is_pinned(ssl),
            Self::Client(connector, _) => connector.is_pinned(ssl),
        }
    }
}

/// The library's part.
pub(super) type Stream = TlsStream<Ciphertext>;

impl TlsLayer {
    /// Does the handshake. What has been read of the wire already is the beginning of it.
    pub(super) async fn shake_hands(
        side: Side<'_>,
        below: Below,
        handshakes: &Handshakes,
        until: Instant,
        check: Option<&dyn PeerCheck>,
    ) -> Result<Self, HandshakeError> {
        let mut beginning = handshakes.begin().await;
        let (mut checking, verifier) = check.map(Checking::by).unzip();
        let mut stream = side.start(Ciphertext::over(below), verifier)?;
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
            let below = &stream.below().below;
            let ready = match unfinished {
                Unfinished::WantsRead => handshakes.wait(poll_fn(|task| below.poll_read_ready(task))).await,
                Unfinished::WantsWrite => {
                    handshakes
                        .wait(poll_fn(|task| below.poll_write_ready(task)))
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

    /// What the library knows of the connection.
    pub fn ssl(&self) -> &SslRef {
        self.stream.ssl()
    }

    /// What is to be shown of it, if that has been said.
    pub fn facts(&self) -> Option<&TlsFacts> {
        self.facts.as_ref()
    }

    pub(super) fn set_facts(&mut self, facts: TlsFacts) {
        self.facts = Some(facts);
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
}

impl Layer for TlsLayer {
    fn below(&self) -> &Below {
        &self.stream.below().below
    }

    fn below_mut(&mut self) -> &mut Below {
        &mut self.stream.below_mut().below
    }

    fn poll_read_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.holds_more {
            return Poll::Ready(Ok(()));
        }
        if self.read_wants_write {
            ready!(self.below().poll_write_ready(task))?;
        }
        self.below().poll_read_ready(task)
    }

    fn poll_write_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.write_wants_read {
            return self.below().poll_read_ready(task);
        }
        self.below().poll_write_ready(task)
    }

    /// Reads records until the buffers are full or nothing more has come.
    fn read(
        &mut self,
        first: &mut [u8],
        second: &mut [u8],
        scratch: &mut Scratch,
    ) -> io::Result<(usize, bool)> {
        self.stream.below_mut().begin_reading_ahead(&mut scratch.ahead);
        let result = self.read_records(first, second);
        self.stream.below_mut().end_reading_ahead(&mut scratch.ahead);
        result
    }

    /// Writes a record's worth.
    fn write(&mut self, bytes: &[u8], _: &mut Scratch) -> io::Result<usize> {
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

    fn say_farewell(&mut self, reason: CloseReason) {
        if self.promised == 0 {
            self.stream.say_farewell();
        }
        self.below_mut().say_farewell(reason);
    }

    fn piece(&self) -> usize {
        self.below().piece().min(RECORD)
    }

    fn tls(&self) -> Option<&TlsLayer> {
        Some(self)
    }

    fn tls_mut(&mut self) -> Option<&mut TlsLayer> {
        Some(self)
    }
}

fn into_io(error: StreamError) -> io::Error {
    match error {
        StreamError::Carrier(error) => error,
        other => io::Error::other(other),
    }
}

/// What is below, as the library sees it. One read takes what has come of many records, into a buffer that is lent.
#[derive(Debug)]
pub(super) struct Ciphertext {
    below: Below,
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
    fn over(below: Below) -> Self {
        Self {
            below,
            buffer: Box::default(),
            taken: 0,
            filled: 0,
            reads_ahead: false,
            dry: false,
        }
    }

    fn begin_reading_ahead(&mut self, lent: &mut Box<[u8]>) {
        if lent.is_empty() {
            *lent = vec![0; READ_SIZE].into_boxed_slice();
        }
        let left = &self.buffer[self.taken..self.filled];
        if left.len() > lent.len() {
            return;
        }
        lent[..left.len()].copy_from_slice(left);
        (self.taken, self.filled) = (0, left.len());
        std::mem::swap(&mut self.buffer, lent);
        (self.reads_ahead, self.dry) = (true, false);
    }

    fn end_reading_ahead(&mut self, lent: &mut Box<[u8]>) {
        if !std::mem::take(&mut self.reads_ahead) {
            return;
        }
        let left: Box<[u8]> = self.buffer[self.taken..self.filled].into();
        (self.taken, self.filled) = (0, left.len());
        *lent = std::mem::replace(&mut self.buffer, left);
    }
}

impl Read for Ciphertext {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        // Hardly anything is below TLS that needs room.
        let scratch = &mut Scratch::default();
        if self.taken == self.filled {
            if !self.reads_ahead {
                return self.below.read(&mut [], bytes, scratch).map(|(count, _)| count);
            }
            if self.dry {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            (self.taken, self.filled) = (0, 0);
            (self.filled, self.dry) = self.below.read(&mut [], &mut self.buffer, scratch)?;
        }
        let count = bytes.len().min(self.filled - self.taken);
        bytes[..count].copy_from_slice(&self.buffer[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

impl Write for Ciphertext {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.below.write(bytes, &mut Scratch::default())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

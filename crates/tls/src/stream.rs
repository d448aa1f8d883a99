use crate::Acceptor;
use openssl::error::{Error as LibraryError, ErrorStack};
use openssl::ssl::{Error, ErrorCode, ShutdownState, SslRef, SslStream};
use openssl::x509::X509VerifyResult;
use std::io::{self, Read, Write};
use thiserror::Error;

/// The server's side of TLS over bytes that come and go as they can: the underlying reads and writes may say
/// [`WouldBlock`](io::ErrorKind::WouldBlock).
#[derive(Debug)]
pub struct TlsStream<S>(SslStream<S>);

/// Why something is not done.
#[derive(Debug)]
pub enum Unfinished {
    /// It goes on when there is something to be read from below.
    WantsRead,
    /// It goes on when below something can be written.
    WantsWrite,
    /// It does not go on.
    Failed(StreamError),
}

/// Why TLS ended before it should.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// What carries it failed, or ended.
    #[error(transparent)]
    Carrier(io::Error),
    /// The peer does not speak TLS, or not as it has to.
    #[error("tls: {0}")]
    Tls(String),
    /// The certificate of the peer is not a good one.
    #[error("tls: failed to verify certificate: {0}")]
    Certificate(&'static str),
}

impl<S: Read + Write> TlsStream<S> {
    /// Nothing has been read or written yet.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(acceptor: &Acceptor, below: S) -> Result<Self, StreamError> {
        let stream = acceptor.start().and_then(|ssl| SslStream::new(ssl, below));
        stream.map(Self).map_err(|stack| StreamError::Tls(reason(&stack)))
    }

    /// Answers the handshake of the peer. To be called until it is done.
    ///
    /// # Errors
    /// See [`Unfinished`].
    pub fn accept(&mut self) -> Result<(), Unfinished> {
        let Err(error) = self.0.accept() else {
            return Ok(());
        };
        let verification = self.0.ssl().verify_result();
        match unfinished(error) {
            Unfinished::Failed(StreamError::Tls(_)) if verification != X509VerifyResult::OK => {
                let problem = verification.error_string();
                Err(Unfinished::Failed(StreamError::Certificate(problem)))
            }
            other => Err(other),
        }
    }

    /// Reads what has come, a record at most; 0 at the end.
    ///
    /// # Errors
    /// See [`Unfinished`].
    pub fn read(&mut self, space: &mut [u8]) -> Result<usize, Unfinished> {
        match self.0.ssl_read(space) {
            Ok(count) => Ok(count),
            Err(error) if error.code() == ErrorCode::ZERO_RETURN => Ok(0),
            Err(error) => match unfinished(error) {
                // One that ends without a farewell has ended all the same.
                Unfinished::Failed(StreamError::Carrier(error))
                    if error.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    Ok(0)
                }
                other => Err(other),
            },
        }
    }

    /// Writes a record at most. Unfinished, the next call has to offer the same bytes.
    ///
    /// # Errors
    /// See [`Unfinished`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Unfinished> {
        self.0.ssl_write(bytes).map_err(unfinished)
    }

    /// Tells the peer that nothing more comes, if that can be said at once. Not while a write is unfinished.
    pub fn say_farewell(&mut self) {
        if !self.0.get_shutdown().contains(ShutdownState::SENT) {
            // A peer that has gone does not hear it.
            let _ = self.0.shutdown();
        }
    }

    /// What is known of the connection.
    pub fn ssl(&self) -> &SslRef {
        self.0.ssl()
    }

    /// What is below.
    pub fn below(&self) -> &S {
        self.0.get_ref()
    }

    /// What is below. To read from it or to write to it is the end of TLS.
    pub fn below_mut(&mut self) -> &mut S {
        self.0.get_mut()
    }
}

fn unfinished(error: Error) -> Unfinished {
    match error.code() {
        ErrorCode::WANT_READ => return Unfinished::WantsRead,
        ErrorCode::WANT_WRITE => return Unfinished::WantsWrite,
        _ => {}
    }
    let failed = match error.ssl_error() {
        Some(stack) if stack.errors().iter().any(is_unexpected_end) => {
            StreamError::Carrier(io::ErrorKind::UnexpectedEof.into())
        }
        Some(stack) => StreamError::Tls(reason(stack)),
        None => StreamError::Carrier(match error.into_io_error() {
            Ok(error) => error,
            Err(_) => io::ErrorKind::UnexpectedEof.into(),
        }),
    };
    Unfinished::Failed(failed)
}

fn is_unexpected_end(error: &LibraryError) -> bool {
    error.reason() == Some("unexpected eof while reading")
}

/// The first reason that the library gives; in Go's words where logs are searched for them.
fn reason(stack: &ErrorStack) -> String {
    let reason = stack.errors().first().and_then(LibraryError::reason);
    match reason.unwrap_or("internal error") {
        "peer did not return a certificate" => "client didn't provide a certificate",
        "unsupported protocol" => "client offered only unsupported versions",
        "no shared cipher" => "no cipher suite supported by both client and server",
        other => other,
    }
    .to_owned()
}

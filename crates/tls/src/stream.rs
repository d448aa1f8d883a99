use crate::ocsp::{Question, links_to_check};
use openssl::error::{Error as LibraryError, ErrorStack};
use openssl::ssl::{Error, ErrorCode, ShutdownState, Ssl, SslRef, SslStream, SslVerifyMode};
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509Ref, X509StoreContext, X509StoreContextRef, X509VerifyResult};
use std::io::{self, Read, Write};
use thiserror::Error;

/// One side of TLS over bytes that come and go as they can: the underlying reads and writes may say
/// [`WouldBlock`](io::ErrorKind::WouldBlock).
#[derive(Debug)]
pub struct TlsStream<S>(SslStream<S>);

/// Asked in the middle of a handshake whether a peer whose certificates are verified may come in: these have to be asked
/// about, if any. The peer is told by an alert if it may not. It may take its time: call [`TlsStream::handshake`] where
/// that keeps nobody.
pub type Verifier = Box<dyn Fn(Vec<Question>) -> bool + Send + Sync>;

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
    /// No server can be called so.
    #[error("tls: {0:?} is not the name of a server")]
    ServerName(String),
}

impl From<ErrorStack> for StreamError {
    fn from(stack: ErrorStack) -> Self {
        Self::Tls(reason(&stack))
    }
}

impl<S: Read + Write> TlsStream<S> {
    /// The side that [`Acceptor::start`](crate::Acceptor::start) or [`Connector::start`](crate::Connector::start) has
    /// begun. Nothing has been read or written yet.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(ssl: Ssl, below: S) -> Result<Self, StreamError> {
        Ok(Self(SslStream::new(ssl, below)?))
    }

    /// The same, with somebody to ask about peers, who have to show certificates.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn verifying(mut ssl: Ssl, below: S, verifier: Verifier) -> Result<Self, StreamError> {
        let mode = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
        ssl.set_verify_callback(mode, move |good, context| good && ask(&verifier, context));
        Self::new(ssl, below)
    }

    /// Goes on with the handshake. To be called until it is done.
    ///
    /// # Errors
    /// See [`Unfinished`].
    pub fn handshake(&mut self) -> Result<(), Unfinished> {
        let Err(error) = self.0.do_handshake() else {
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

/// The library goes through the chain from the root; the certificate of the peer is the last.
fn ask(verifier: &Verifier, context: &mut X509StoreContextRef) -> bool {
    if context.error_depth() > 0 {
        return true;
    }
    let may_come_in = verifier(context.chain().map(links_to_check).unwrap_or_default());
    if !may_come_in {
        let result = rejected(context.current_cert());
        context.set_error(result);
    }
    may_come_in
}

/// The peer is told that its certificate is a bad one, as nats-server tells it.
///
/// The library has a result for that which cannot be named here, so it is had from a look that fails in the same way: for
/// the certificate as that of a host which it is not for.
fn rejected(certificate: Option<&X509Ref>) -> X509VerifyResult {
    let other = X509VerifyResult::APPLICATION_VERIFICATION;
    certificate
        .and_then(|certificate| judge_as_host(certificate).ok())
        .filter(|result| *result != X509VerifyResult::OK)
        .unwrap_or(other)
}

fn judge_as_host(certificate: &X509Ref) -> Result<X509VerifyResult, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    store.add_cert(certificate.to_owned())?;
    store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    let mut host = X509VerifyParam::new()?;
    host.set_host("nobody.invalid")?;
    store.set_param(&host)?;
    let (mut context, empty) = (X509StoreContext::new()?, Stack::new()?);
    context.init(&store.build(), certificate, &empty, |context| {
        context.verify_cert()?;
        Ok(context.error())
    })
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

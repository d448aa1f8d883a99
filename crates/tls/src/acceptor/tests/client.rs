//! A client that is the library's own, over a line without a wire.

use crate::Acceptor;
use crate::context::store;
use crate::line::{End, line};
use crate::testing::{Authority, Issued};
use openssl::ssl::{
    HandshakeError, MidHandshakeSslStream, SslConnector, SslConnectorBuilder, SslMethod, SslMode, SslStream,
    SslVersion,
};

enum Side {
    Under(MidHandshakeSslStream<End>),
    Done(SslStream<End>),
    Failed,
}

impl Side {
    fn of(outcome: Result<SslStream<End>, HandshakeError<End>>) -> Self {
        match outcome {
            Ok(stream) => Self::Done(stream),
            Err(HandshakeError::WouldBlock(under)) => Self::Under(under),
            Err(_) => Self::Failed,
        }
    }

    fn go_on(self) -> Self {
        match self {
            Self::Under(under) => Self::of(under.handshake()),
            other => other,
        }
    }
}

/// A client as a test wants it.
pub(super) struct Client {
    pub(super) context: SslConnectorBuilder,
    host: &'static str,
}

pub(super) fn client(authority: &Authority) -> Client {
    let mut context = SslConnector::builder(SslMethod::tls_client()).unwrap();
    context.set_mode(SslMode::NO_AUTO_CHAIN);
    context.set_cert_store(store(&[authority.certificate().clone()]).unwrap());
    Client {
        context,
        host: "localhost",
    }
}

impl Client {
    pub(super) fn with(mut self, certificate: &Issued) -> Self {
        self.context.set_certificate(&certificate.certificate).unwrap();
        self.context.set_private_key(&certificate.key).unwrap();
        self
    }

    pub(super) fn only(mut self, version: SslVersion) -> Self {
        self.context.set_min_proto_version(Some(version)).unwrap();
        self.context.set_max_proto_version(Some(version)).unwrap();
        self
    }

    pub(super) fn to(mut self, host: &'static str) -> Self {
        self.host = host;
        self
    }

    /// Both ends of a handshake: the server's and the client's; None where it failed.
    pub(super) fn connect(self, acceptor: &Acceptor) -> (Option<SslStream<End>>, Option<SslStream<End>>) {
        let (near, far) = line();
        let mut client = Side::of(self.context.build().connect(self.host, near));
        let mut server = Side::of(acceptor.start().unwrap().accept(far));
        for _ in 0..10 {
            client = client.go_on();
            server = server.go_on();
        }
        let done = |side| match side {
            Side::Done(stream) => Some(stream),
            Side::Under(_) | Side::Failed => None,
        };
        (done(server), done(client))
    }

    /// The server's end of a handshake that succeeds.
    #[track_caller]
    pub(super) fn accepted(self, acceptor: &Acceptor) -> SslStream<End> {
        self.connect(acceptor).0.expect("the handshake succeeds")
    }

    #[track_caller]
    pub(super) fn refused(self, acceptor: &Acceptor) {
        assert!(self.connect(acceptor).0.is_none(), "the handshake fails");
    }
}

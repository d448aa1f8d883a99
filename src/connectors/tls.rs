//! TLS of connectors.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::io;
use std::pin::Pin;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;
use vagus_actors::connectors::wire::{BoxedWire, Secure};
use vagus_tls::{Acceptor, Connector, Settings, TlsError};

/// How one connector speaks it: with peers that connect, or with servers.
pub(super) enum Tls {
    Accepting(Acceptor),
    Connecting(Connector),
}

impl Tls {
    /// With peers that connect; the certificate is read.
    pub(super) fn accepting(settings: &Settings) -> Result<Self, TlsError> {
        Acceptor::new(settings).map(Self::Accepting)
    }

    /// With servers that are connected to; what is needed for it is read.
    pub(super) fn connecting(settings: &Settings) -> Result<Self, TlsError> {
        Connector::new(settings).map(Self::Connecting)
    }
}

impl Secure for Tls {
    fn accept(&self, socket: TcpStream) -> LocalBoxFuture<'static, io::Result<BoxedWire>> {
        let Self::Accepting(acceptor) = self else {
            return no_such_way();
        };
        let acceptor = acceptor.clone();
        async move {
            let ssl = acceptor.start()?;
            let mut stream = SslStream::new(ssl, socket)?;
            Pin::new(&mut stream).accept().await.map_err(io::Error::other)?;
            known(acceptor.is_pinned(stream.ssl()), stream)
        }
        .boxed_local()
    }

    fn connect(&self, socket: TcpStream, host: &str) -> LocalBoxFuture<'static, io::Result<BoxedWire>> {
        let Self::Connecting(connector) = self else {
            return no_such_way();
        };
        let (connector, host) = (connector.clone(), host.to_owned());
        async move {
            let ssl = connector.start(&host).map_err(io::Error::other)?;
            let mut stream = SslStream::new(ssl, socket)?;
            Pin::new(&mut stream).connect().await.map_err(io::Error::other)?;
            known(connector.is_pinned(stream.ssl()), stream)
        }
        .boxed_local()
    }
}

/// The connection, if its other end has a key that it may have.
fn known(is_pinned: bool, stream: SslStream<TcpStream>) -> io::Result<BoxedWire> {
    match is_pinned {
        true => Ok(Box::new(stream)),
        false => Err(io::Error::other("the peer's key is not one of pinned_certs")),
    }
}

/// Who accepts is never asked to connect, nor the other way round.
fn no_such_way() -> LocalBoxFuture<'static, io::Result<BoxedWire>> {
    std::future::ready(Err(io::ErrorKind::Unsupported.into())).boxed_local()
}

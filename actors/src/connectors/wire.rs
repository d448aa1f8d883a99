//! Connections with other systems, whatever secures them.

use futures_util::future::LocalBoxFuture;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connection.
pub trait Wire: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Wire for T {}

/// Any connection.
pub type BoxedWire = Box<dyn Wire>;

/// How connections are secured.
pub trait Secure: Send + Sync {
    /// With a peer that has connected.
    fn accept(&self, socket: TcpStream) -> LocalBoxFuture<'static, io::Result<BoxedWire>>;

    /// With a server, which is this host.
    fn connect(&self, socket: TcpStream, host: &str) -> LocalBoxFuture<'static, io::Result<BoxedWire>>;
}

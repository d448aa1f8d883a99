//! A socket of which nobody knows yet what will be spoken on it, or by whom: one that was accepted, or dialled.

use super::handshakes::Handshakes;
use super::last_words::LastWords;
use super::peer_check::PeerCheck;
use super::tls_layer::{HandshakeError, Side, TlsLayer};
use super::websocket_layer::{WebSocketEnd, WebSocketLayer};
use super::{Below, Layer, Scratch, TlsFacts, Wire};
use std::any::Any;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::time::timeout_at;
use vagus_protocol::error::CloseReason;
use vagus_routing::ConnectionId;
use vagus_tls::{Acceptor, Connector, SslRef};
use vagus_websocket::upgrade::Terms;

/// The most, in bytes, that a peer may have said before it is read by a session.
pub const EARLY_AT_MOST: usize = 4096;

/// A peer that is about to become a connection: a language may talk to it first. Dropped, it is gone.
#[derive(Debug)]
pub struct Entrance {
    wire: Wire,
    peer: SocketAddr,
    direction: Direction,
    id: ConnectionId,
    /// As much as has come, and no more room: it may wait for long.
    early: Vec<u8>,
    handshakes: Rc<Handshakes>,
    errand: Option<Errand>,
    speaks_websocket: bool,
}

/// What the one who dialled a connection wants its language to know of it.
pub type Errand = Arc<dyn Any + Send + Sync>;

/// Which side has connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The peer has connected to us.
    Accepted,
    /// We have connected to the peer.
    Dialled,
}

/// What waiting for a peer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It has said something more.
    Bytes,
    /// It has ended the stream.
    End,
    /// It has said nothing in time.
    Nothing,
}

impl Entrance {
    /// A socket that does not block, on the arbiter that is going to carry it.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    pub fn new(
        socket: std::net::TcpStream,
        peer: SocketAddr,
        direction: Direction,
        id: ConnectionId,
        handshakes: Rc<Handshakes>,
    ) -> io::Result<Self> {
        Ok(Self {
            wire: Wire::Plain(Arc::new(TcpStream::from_std(socket)?)),
            peer,
            direction,
            id,
            early: Vec::new(),
            handshakes,
            errand: None,
            speaks_websocket: false,
        })
    }

    /// The same, dialled for this.
    #[must_use]
    pub fn on(mut self, errand: Option<Errand>) -> Self {
        self.errand = errand;
        self
    }

    /// What the one who dialled it wants to be known, if that is of the kind that is asked for.
    pub fn errand<T: Any>(&self) -> Option<&T> {
        self.errand.as_ref()?.downcast_ref()
    }

    /// Who is at the other end.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// It is somebody else: who is connected to us only passes on what that one says.
    pub fn set_peer(&mut self, peer: SocketAddr) {
        self.peer = peer;
    }

    /// Which side has connected.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The number of the connection.
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// What the peer has said that has not been taken. The session gets it in the end.
    pub fn early(&self) -> &[u8] {
        &self.early
    }

    /// Takes the first bytes of what the peer has said.
    pub fn take(&mut self, count: usize) {
        self.early.drain(..count.min(self.early.len()));
    }

    /// Waits for the peer to say more.
    ///
    /// # Errors
    /// When the wire fails, or the peer has said [`EARLY_AT_MOST`] already that nobody took.
    pub async fn hear(&mut self, until: Instant) -> io::Result<Came> {
        self.hear_at_most(EARLY_AT_MOST, until).await
    }

    /// The same, of a peer that may say so much, in bytes, before any of it is taken.
    ///
    /// # Errors
    /// As [`Entrance::hear`].
    pub async fn hear_at_most(&mut self, most: usize, until: Instant) -> io::Result<Came> {
        if self.early.len() >= most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        loop {
            let ready = poll_fn(|task| self.wire.poll_read_ready(task));
            match timeout_at(until.into(), ready).await {
                Err(_) => return Ok(Came::Nothing),
                Ok(ready) => ready?,
            }
            match read_more(&mut self.wire, most, &mut self.early) {
                Ok(0) => return Ok(Came::End),
                Ok(_) => return Ok(Came::Bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Says something to the peer.
    ///
    /// # Errors
    /// When the wire fails, or does not take it in time.
    pub async fn say(&mut self, mut bytes: &[u8], until: Instant) -> io::Result<()> {
        let mut scratch = Scratch::default();
        while !bytes.is_empty() {
            match self.wire.write(bytes, &mut scratch) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let ready = poll_fn(|task| self.wire.poll_write_ready(task));
                    timeout_at(until.into(), ready)
                        .await
                        .map_err(|_| io::ErrorKind::TimedOut)??;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Answers a TLS handshake of the peer, about whose certificates `check` is asked in the middle of it. What it has
    /// said before is the beginning of it. Nothing of TLS is held before its turn comes.
    ///
    /// # Errors
    /// When it comes to nothing, or not in time. The peer may have been told why, beneath TLS: see
    /// [`Entrance::last_words`].
    pub async fn secure_as_server(
        &mut self,
        acceptor: &Acceptor,
        until: Instant,
        check: Option<&dyn PeerCheck>,
    ) -> Result<(), HandshakeError> {
        self.secure(Side::Server(acceptor), until, check).await
    }

    /// Begins a TLS handshake with the peer, whose certificate has to be for the server of this name: a host, or an IP
    /// address without brackets. `check` is asked as in [`Entrance::secure_as_server`]; with it, the certificate has to be
    /// good whatever the settings say.
    ///
    /// # Errors
    /// As [`Entrance::secure_as_server`].
    pub async fn secure_as_client(
        &mut self,
        connector: &Connector,
        name: &str,
        until: Instant,
        check: Option<&dyn PeerCheck>,
    ) -> Result<(), HandshakeError> {
        self.secure(Side::Client(connector, name), until, check).await
    }

    async fn secure(
        &mut self,
        side: Side<'_>,
        until: Instant,
        check: Option<&dyn PeerCheck>,
    ) -> Result<(), HandshakeError> {
        let below = self.take_wire();
        let handshake = TlsLayer::shake_hands(side, below, &self.handshakes, until, check);
        let layer = timeout_at(until.into(), handshake)
            .await
            .map_err(|_| HandshakeError::Timeout)??;
        let is_pinned = side.is_pinned(layer.ssl());
        self.wire = Wire::Layered(Box::new(layer));
        match is_pinned {
            true => Ok(()),
            false => Err(HandshakeError::NotPinned),
        }
    }

    /// Speaks WebSocket from now on, on these terms, with a peer whose compressed messages may hold so much, in bytes.
    pub fn speak_websocket(&mut self, end: WebSocketEnd, terms: Terms, largest_message: usize) {
        self.push(|below| WebSocketLayer::new(below, end, terms, largest_message));
        self.speaks_websocket = true;
    }

    /// Whether WebSocket is spoken.
    pub fn speaks_websocket(&self) -> bool {
        self.speaks_websocket
    }

    /// Puts a layer on top. What the peer has said that has not been taken is the first that it reads.
    pub fn push<L: Layer + 'static>(&mut self, layer: impl FnOnce(Below) -> L) {
        let below = self.take_wire();
        self.wire = Wire::Layered(Box::new(layer(below)));
    }

    /// For a layer to stand on. If it comes to nothing, what is left is the socket, on which nothing more can be said.
    fn take_wire(&mut self) -> Below {
        let socket = Wire::Plain(self.wire.socket().clone());
        let wire = std::mem::replace(&mut self.wire, socket);
        Below::new(wire, std::mem::take(&mut self.early))
    }

    /// Ends it for this reason, so that the peer hears what has been said to it.
    pub fn last_words(mut self, reason: CloseReason) -> LastWords {
        LastWords::on(&mut self.wire, reason)
    }

    /// The TLS that is spoken, once it is.
    pub fn tls(&self) -> Option<&SslRef> {
        self.wire.tls().map(TlsLayer::ssl)
    }

    /// What is to be shown of the TLS that is spoken.
    pub fn set_tls_facts(&mut self, facts: TlsFacts) {
        if let Some(tls) = self.wire.tls_mut() {
            tls.set_facts(facts);
        }
    }

    /// What a connection begins with: the wire, and what has been said on it that nobody took.
    pub fn into_parts(self) -> (Wire, Vec<u8>) {
        (self.wire, self.early)
    }
}

/// Reads behind what is there; the buffer is not part of what waits.
fn read_more(wire: &mut Wire, most: usize, early: &mut Vec<u8>) -> io::Result<usize> {
    let mut buffer = [0; EARLY_AT_MOST];
    let space = most.saturating_sub(early.len()).min(buffer.len());
    let (count, _) = wire.read(&mut [], &mut buffer[..space], &mut Scratch::default())?;
    early.reserve_exact(count);
    early.extend_from_slice(&buffer[..count]);
    Ok(count)
}

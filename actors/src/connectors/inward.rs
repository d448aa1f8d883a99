//! Peers connect, and bring events.

use super::language::{Breach, InwardLanguage};
use super::peer::Peer;
use super::publisher::{PublishError, Publisher};
use super::room::{Housed, Room};
use super::wire::{BoxedWire, Secure};
use super::{Means, Work};
use crate::flood::CONNECTOR_PEERS;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use vagus_configs::{InwardSettings, SubjectOfTag};

/// How long a peer may take for TLS.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// How long nobody is accepted when the system has no descriptors left.
const REST: Duration = Duration::from_millis(100);

/// What peers of a connector may have sent that is not all there yet, in bytes, if one frame is not larger.
const ROOM: usize = 256 << 20;

/// Listens at an address; it does not block.
pub type Bind = Box<dyn Fn() -> io::Result<std::net::TcpListener> + Send + Sync>;

/// Peers connect, and bring events.
pub struct Inward<L> {
    language: Arc<L>,
    settings: Arc<InwardSettings>,
    bind: Bind,
    place: Mutex<Place>,
    secure: Mutex<Option<Arc<dyn Secure>>>,
}

/// Where it listens.
#[derive(Default)]
struct Place {
    /// The socket, until it is used for the first time.
    socket: Option<std::net::TcpListener>,
    /// The same for heartbeats.
    datagrams: Option<std::net::UdpSocket>,
    /// The address, once it is known.
    address: Option<SocketAddr>,
}

/// What it publishes on, as a pattern.
pub(super) fn subject(settings: &InwardSettings) -> &str {
    match &settings.subject {
        SubjectOfTag::One(subject) | SubjectOfTag::Mapped(_, subject) => subject,
    }
}

impl<L: InwardLanguage> Inward<L> {
    /// In a language; `bind` listens, each time when it begins, if there is no `socket` that listens already.
    pub fn new(
        language: L,
        settings: InwardSettings,
        (bind, socket): (Bind, Option<std::net::TcpListener>),
        secure: Option<Arc<dyn Secure>>,
    ) -> Self {
        let address = socket.as_ref().and_then(|socket| socket.local_addr().ok());
        // Who finds one of the two finds the other. If it cannot be had, that is told when it is tried again.
        let datagrams = address
            .filter(|_| settings.answers_datagrams)
            .and_then(|address| datagrams_at(address).ok());
        let place = Place {
            socket,
            datagrams,
            address,
        };
        Self {
            language: Arc::new(language),
            settings: Arc::new(settings),
            bind,
            place: Mutex::new(place),
            secure: Mutex::new(secure),
        }
    }

    /// Where heartbeats come as datagrams, if they do.
    fn datagrams(&self, at: &TcpListener) -> io::Result<Option<UdpSocket>> {
        if !self.settings.answers_datagrams {
            return Ok(None);
        }
        let socket = match self.place.lock().datagrams.take() {
            Some(socket) => socket,
            None => datagrams_at(at.local_addr()?)?,
        };
        UdpSocket::from_std(socket).map(Some)
    }

    fn listen(&self) -> io::Result<TcpListener> {
        let mut place = self.place.lock();
        let socket = match place.socket.take() {
            Some(socket) => socket,
            None => (self.bind)()?,
        };
        place.address = Some(socket.local_addr()?);
        TcpListener::from_std(socket)
    }
}

impl<L: InwardLanguage> Work for Inward<L> {
    fn run(self: Arc<Self>, means: Means) -> LocalBoxFuture<'static, String> {
        async move {
            match self.listen() {
                Ok(socket) => accept(socket, &self, &means).await,
                Err(error) => format!("cannot listen: {error}"),
            }
        }
        .boxed_local()
    }

    fn secure(&self, secure: Option<Arc<dyn Secure>>) {
        *self.secure.lock() = secure;
    }

    fn secured(&self) -> Option<Arc<dyn Secure>> {
        self.secure.lock().clone()
    }

    fn address(&self) -> Option<SocketAddr> {
        self.place.lock().address
    }
}

/// Accepts peers, and serves those who are there; does not end, but where it cannot begin.
async fn accept<L: InwardLanguage>(socket: TcpListener, inward: &Arc<Inward<L>>, means: &Means) -> String {
    let datagrams = match inward.datagrams(&socket) {
        Ok(datagrams) => datagrams,
        Err(error) => return format!("cannot listen for heartbeats: {error}"),
    };
    let heartbeats = answer_datagrams(datagrams);
    tokio::pin!(heartbeats);
    let room = Room::new(ROOM.max(2 * inward.settings.max_frame));
    let mut peers = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((_, address)) if peers.len() >= inward.settings.max_connections => {
                    told_off(means, address, "maximum connections exceeded");
                }
                Ok((stream, address)) => {
                    let (inward, means) = (inward.clone(), means.clone());
                    let serving = serve(stream, address, inward, means, room.clone());
                    // One that panics costs that peer alone.
                    peers.push(AssertUnwindSafe(serving).catch_unwind());
                }
                Err(error) => {
                    means.counters.fail(&error.to_string());
                    CONNECTOR_PEERS.say(format_args!("Connector {:?}: {error}", &*means.id));
                    sleep(REST).await;
                }
            },
            never = &mut heartbeats => match never {},
            Some(ended) = peers.next() => {
                if ended.is_err() {
                    log::error!("Connector {:?}: what a peer sent has caused a panic", &*means.id);
                }
            }
        }
    }
}

/// Listens for datagrams at an address.
fn datagrams_at(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Tells who asks by a datagram that somebody is there, by a byte, as Fluentd does.
async fn answer_datagrams(socket: Option<UdpSocket>) -> Infallible {
    let Some(socket) = socket else {
        return pending().await;
    };
    let mut asked = [0; 16];
    loop {
        match socket.recv_from(&mut asked).await {
            // What cannot be answered now is asked again.
            Ok((_, peer)) => drop(socket.try_send_to(&[0], peer)),
            Err(_) => sleep(REST).await,
        }
        // Others have their turn, however many ask.
        yield_now().await;
    }
}

async fn serve<L: InwardLanguage>(
    stream: TcpStream,
    address: SocketAddr,
    inward: Arc<Inward<L>>,
    means: Means,
    room: Rc<Room>,
) {
    // Acknowledgements are not to wait for more.
    let _ = stream.set_nodelay(true);
    let secure = inward.secured();
    let wire: BoxedWire = match secure {
        None => Box::new(stream),
        Some(secure) => match timeout(HANDSHAKE, secure.accept(stream)).await {
            Ok(Ok(wire)) => wire,
            Ok(Err(error)) => return told_off(&means, address, &format!("TLS handshake error: {error}")),
            Err(_) => return told_off(&means, address, "TLS handshake error: timeout"),
        },
    };
    let (session, greeting) = inward.language.begin();
    let patience = inward.settings.is_stored.then_some(inward.settings.ack_timeout);
    let publisher = Publisher::new(means.clone(), address, &inward.settings.subject, patience);
    let peer = Peer::new(
        wire,
        Housed::new(session, room),
        publisher,
        means.counters.clone(),
    );
    match peer.serve(greeting).await {
        // How a connection ends is the peer's matter.
        Ok(()) | Err(PublishError::Breach(Breach::Io(_)) | PublishError::Ending) => {}
        Err(error) => told_off(&means, address, &error.to_string()),
    }
}

/// An error of a peer, which costs it its connection.
fn told_off(means: &Means, address: SocketAddr, error: &str) {
    means.counters.fail(error);
    CONNECTOR_PEERS.say(format_args!("Connector {:?}: {address} - {error}", &*means.id));
}

//! What comes before there is a session: INFO, the header of a proxy, the TLS handshake.

use crate::callout;
use crate::client_hello::{self, HANDSHAKE_RECORD};
use crate::tls::{self, ClientKey, ClientTls};
use crate::websocket::Requested;
use crate::{ClientSettings, NatsSession, greeting};
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::flood::{FAILED_HANDSHAKES, PROXY_HEADERS};
use vagus_actors::reception::{Arrived, Opened, Unopened};
use vagus_auth::nkey::Nonce;
use vagus_delivery::Live;
use vagus_delivery::wire::{Came, EARLY_AT_MOST, Entrance, HandshakeError, PeerCheck};
use vagus_protocol::error::{CloseReason, Complaint};
use vagus_protocol::proxy_header::{self, Parsed};
use vagus_routing::ConnectionId;
use vagus_tls::{HandshakeFirst, StreamError};
use vagus_websocket::upgrade::Endpoint;

/// How long a proxy may take for its header.
const PROXY_HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// A client of which not all is known that a session needs.
pub(crate) struct Arrival {
    live: Arc<Live<ClientSettings>>,
    pub(crate) settings: Arc<ClientSettings>,
    nonce: Option<Nonce>,
    /// What it has said in the request for WebSocket, if it speaks that.
    requested: Option<Box<Requested>>,
    /// Whether its address is that of the client, or may be that of a proxy.
    peer_is_known: bool,
    /// Whether it has been told INFO.
    told: bool,
    /// The handshake comes before INFO, unless the client waits for INFO.
    first: bool,
}

pub(crate) type Step<T> = Result<T, Refused>;

/// Why a peer gets no session.
pub(crate) struct Refused {
    reason: CloseReason,
    /// Whether it has been told something that it should hear.
    told: bool,
}

impl Refused {
    /// It has been told something that it should hear.
    pub(crate) fn told(reason: CloseReason) -> Self {
        Self { reason, told: true }
    }
}

impl From<CloseReason> for Refused {
    fn from(reason: CloseReason) -> Self {
        Self { reason, told: false }
    }
}

impl Arrival {
    pub(crate) fn new(
        live: Arc<Live<ClientSettings>>,
        settings: Arc<ClientSettings>,
        nonce: Option<Nonce>,
    ) -> Self {
        let comes_first = settings.tls.as_ref().is_some_and(|tls| tls.comes_first());
        // Where WebSocket is spoken nothing is ever said before.
        let first = comes_first && settings.websocket.is_none();
        Self {
            live,
            nonce,
            requested: None,
            peer_is_known: !settings.proxy_protocol,
            told: false,
            first,
            settings,
        }
    }

    /// Ends within the time limits of proxies, handshakes and writing. Leaf nodes that come by WebSocket are let in elsewhere.
    pub(crate) async fn open(mut self, mut entrance: Entrance) -> Result<Arrived<NatsSession>, Unopened> {
        if let Err(Refused { reason, told }) = self.agree(&mut entrance).await {
            return Err(Unopened {
                peer: entrance.peer(),
                reason,
                last_words: told.then(|| entrance.last_words(reason)),
            });
        }
        let requested = self.requested.as_ref();
        if requested.is_some_and(|requested| requested.endpoint == Endpoint::LeafNodes) {
            return Ok(Arrived::Elsewhere(entrance));
        }
        let settings = self.settings.clone();
        let (key, certificate) = match (&settings.tls, entrance.tls()) {
            (Some(tls), Some(ssl)) => (ClientKey::of(ssl), tls.names(ssl)),
            _ => (ClientKey::Plain, None),
        };
        let greeting = if self.told {
            Vec::new()
        } else {
            self.greeting(&entrance)
        };
        let (peer, id, now) = (entrance.peer(), entrance.id(), Instant::now());
        let mut session = NatsSession::new(self.live, peer, id, self.nonce, now).shown(key, certificate);
        session.requested = self.requested;
        if let Some(ssl) = entrance.tls()
            && settings.asks_services()
        {
            session.shown_by_tls = Some(Box::new(callout::shown_by_tls(ssl)));
        }
        Ok(Opened {
            entrance,
            account: session.account().cloned(),
            session,
            greeting,
        }
        .into())
    }

    async fn agree(&mut self, entrance: &mut Entrance) -> Step<()> {
        let settings = self.settings.clone();
        if let Some(websocket) = &settings.websocket {
            self.requested = Some(Box::new(self.upgrade(entrance, websocket).await?));
            return Ok(());
        }
        match (self.speak_in_clear(entrance).await?, &settings.tls) {
            (true, Some(tls)) => self.secure(entrance, tls, tls.timeout).await,
            _ => Ok(()),
        }
    }

    /// Everything up to the handshake; true if there is to be one.
    async fn speak_in_clear(&mut self, entrance: &mut Entrance) -> Step<bool> {
        if !self.first {
            self.tell(entrance).await?;
        }
        if !self.peer_is_known {
            self.wait_for_handshake(entrance).await?;
            self.read_proxy_header(entrance).await?;
            self.peer_is_known = true;
        }
        self.wait_for_handshake(entrance).await?;
        let settings = self.settings.clone();
        let Some(tls) = &settings.tls else {
            return Ok(false);
        };
        if !self.first && tls.allow_non_tls {
            // A client that says nothing in time is one without TLS, as nats-server sees it.
            let until = Instant::now() + tls.timeout;
            return Ok(first_byte(entrance, until).await? == Some(HANDSHAKE_RECORD));
        }
        Ok(true)
    }

    fn greeting(&self, entrance: &Entrance) -> Vec<u8> {
        let ip = self.peer_is_known.then(|| entrance.peer().ip());
        greeting(&self.settings, ip, entrance.id(), self.nonce.as_ref(), self.first)
    }

    async fn tell(&mut self, entrance: &mut Entrance) -> Step<()> {
        let line = self.greeting(entrance);
        self.told = true;
        let until = Instant::now() + self.settings.limits.write_deadline;
        let told = entrance.say(&line, until).await;
        told.map_err(|_| CloseReason::WriteError.into())
    }

    /// Where the handshake may come first: a client that says nothing for a while is one that waits for INFO.
    async fn wait_for_handshake(&mut self, entrance: &mut Entrance) -> Step<()> {
        let handshake_first = self.settings.tls.as_ref().map(|tls| tls.handshake_first);
        let (true, Some(HandshakeFirst::Auto(delay))) = (self.first, handshake_first) else {
            return Ok(());
        };
        if first_byte(entrance, Instant::now() + delay).await?.is_none() {
            self.first = false;
            self.tell(entrance).await?;
        }
        Ok(())
    }

    /// Who is connected by way of a proxy is that one from now on. A header need not be there.
    async fn read_proxy_header(&self, entrance: &mut Entrance) -> Step<()> {
        let (proxy, until) = (entrance.peer(), Instant::now() + PROXY_HEADER_TIMEOUT);
        let failed = |error: &dyn Display| {
            PROXY_HEADERS.say(format_args!(
                "Error reading PROXY protocol header from {proxy}: {error}"
            ));
            Refused::from(CloseReason::ProtocolViolation)
        };
        let (mut left, source) = loop {
            match proxy_header::parse(entrance.early()).map_err(|error| failed(&error))? {
                Parsed::Incomplete => hear(entrance, until).await.map_err(|error| failed(&error))?,
                Parsed::Absent => return Ok(()),
                Parsed::Header { length, source } => break (length, source),
            }
        };
        loop {
            let count = left.min(entrance.early().len());
            entrance.take(count);
            left -= count;
            if left == 0 {
                break;
            }
            hear(entrance, until).await.map_err(|error| failed(&error))?;
        }
        if let Some(source) = source {
            log::debug!("{proxy} - cid:{} - is a proxy for {source}", entrance.id());
            entrance.set_peer(source);
        }
        Ok(())
    }

    /// The handshake, which may take so long.
    pub(crate) async fn secure(
        &self,
        entrance: &mut Entrance,
        tls: &Arc<ClientTls>,
        timeout: Duration,
    ) -> Step<()> {
        let number = self.settings.names().number;
        let (peer, id, now) = (entrance.peer(), entrance.id(), Instant::now());
        if !tls.may_begin() {
            let mut line = Vec::new();
            Complaint::Throttled.append(&mut line);
            // A peer that does not take it is gone all the same.
            let _ = entrance
                .say(&line, now + self.settings.limits.write_deadline)
                .await;
            return Err(Refused::told(CloseReason::MaximumConnectionsExceeded));
        }
        log::debug!("{peer} - {number}:{id} - Starting TLS client connection handshake");
        let failed = |error: &dyn Display| {
            FAILED_HANDSHAKES.say(format_args!(
                "{peer} - {number}:{id} - TLS handshake error: {error}"
            ));
            // Of what the library found wrong the peer is told, beneath TLS.
            Refused::told(CloseReason::TlsHandshakeFailure)
        };
        let until = now + timeout;
        match hear_hello(entrance, until).await? {
            Hello::Enough => {}
            Hello::Late => return Err(timed_out(peer, number, id)),
            Hello::End => {
                let error = if entrance.early().is_empty() {
                    "EOF"
                } else {
                    "unexpected EOF"
                };
                failed(&error);
                return Err(CloseReason::TlsHandshakeFailure.into());
            }
        }
        if entrance.early().first() != Some(&HANDSHAKE_RECORD) {
            let error = "tls: first record does not look like a TLS handshake";
            log::debug!("{peer} - {number}:{id} - TLS handshake error: {error}");
            return Err(CloseReason::TlsHandshakeFailure.into());
        }
        // So that there is time left to end the handshake where nobody answers and that is tolerated.
        let answered_by = now + timeout.mul_f64(0.9);
        let checks = tls.peer_checks.as_ref();
        let checks = checks.map(|checks| checks.until(answered_by, &self.settings.events));
        let check = checks.as_ref().map(|checks| checks as &dyn PeerCheck);
        match entrance.secure_as_server(&tls.acceptor, until, check).await {
            Ok(()) => {}
            Err(HandshakeError::Timeout) => return Err(timed_out(peer, number, id)),
            Err(HandshakeError::Failed(StreamError::Carrier(error))) => {
                match error.kind() {
                    io::ErrorKind::UnexpectedEof => failed(&"EOF"),
                    _ => failed(&error),
                };
                return Err(CloseReason::TlsHandshakeFailure.into());
            }
            Err(error) => return Err(failed(&error)),
        }
        let Some(ssl) = entrance.tls() else {
            return Err(CloseReason::TlsHandshakeFailure.into());
        };
        let facts = tls::facts(ssl, self.first);
        log::debug!("{peer} - {number}:{id} - TLS handshake complete");
        log::debug!(
            "{peer} - {number}:{id} - TLS version {}, cipher suite {}",
            facts.version,
            facts.cipher_suite
        );
        entrance.set_tls_facts(facts);
        Ok(())
    }
}

/// How waiting for the first record of a handshake ended.
enum Hello {
    Enough,
    End,
    Late,
}

/// Nothing of TLS is held for a peer that has not said so much.
async fn hear_hello(entrance: &mut Entrance, until: Instant) -> Step<Hello> {
    while !client_hello::is_enough(entrance.early(), EARLY_AT_MOST) {
        match entrance.hear(until).await {
            Ok(Came::Bytes) => {}
            Ok(Came::Nothing) => return Ok(Hello::Late),
            Ok(Came::End) => return Ok(Hello::End),
            Err(_) => return Err(CloseReason::ReadError.into()),
        }
    }
    Ok(Hello::Enough)
}

fn timed_out(peer: SocketAddr, number: &str, id: ConnectionId) -> Refused {
    log::debug!("{peer} - {number}:{id} - TLS handshake timeout");
    CloseReason::TlsHandshakeFailure.into()
}

/// What the client begins with; None if it says nothing in time.
async fn first_byte(entrance: &mut Entrance, until: Instant) -> Step<Option<u8>> {
    if entrance.early().is_empty() {
        match entrance.hear(until).await {
            Ok(Came::Bytes | Came::Nothing) => {}
            Ok(Came::End) => return Err(CloseReason::ClientClosed.into()),
            Err(_) => return Err(CloseReason::ReadError.into()),
        }
    }
    Ok(entrance.early().first().copied())
}

async fn hear(entrance: &mut Entrance, until: Instant) -> io::Result<()> {
    match entrance.hear(until).await? {
        Came::Bytes => Ok(()),
        Came::End => Err(io::ErrorKind::UnexpectedEof.into()),
        Came::Nothing => Err(io::ErrorKind::TimedOut.into()),
    }
}

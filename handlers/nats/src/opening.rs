//! What comes before there is a session: INFO, the header of a proxy, the TLS handshake.

use crate::tls::{self, ClientKey, ClientTls};
use crate::{Facts, NatsSession, greeting};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::Live;
use vagus_actors::connection::{Came, CloseReason, Entrance, HandshakeError};
use vagus_actors::reception::{Opened, Unopened};
use vagus_auth::nkey::Nonce;
use vagus_protocol::error::Complaint;
use vagus_protocol::proxy_header::{self, Parsed};
use vagus_tls::HandshakeFirst;

/// How long a proxy may take for its header.
const PROXY_HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// How the first record of a handshake begins.
const HANDSHAKE_RECORD: u8 = 0x16;

/// A client of which not all is known that a session needs.
pub(crate) struct Arrival {
    live: Arc<Live<Facts>>,
    facts: Arc<Facts>,
    nonce: Option<Nonce>,
    /// Whether its address is that of the client, or may be that of a proxy.
    peer_is_known: bool,
    /// Whether it has been told INFO.
    told: bool,
    /// The handshake comes before INFO, unless the client waits for INFO.
    first: bool,
}

/// The entrance is given back for as long as it can be used.
type Step<T> = Result<T, CloseReason>;

impl Arrival {
    pub(crate) fn new(live: Arc<Live<Facts>>, facts: Arc<Facts>, nonce: Option<Nonce>) -> Self {
        let first = facts.tls.as_ref().is_some_and(|tls| tls.comes_first());
        Self {
            live,
            nonce,
            peer_is_known: !facts.proxy_protocol,
            told: false,
            first,
            facts,
        }
    }

    /// Ends within the time limits of proxies, handshakes and writing.
    pub(crate) async fn open(mut self, mut entrance: Entrance) -> Result<Opened<NatsSession>, Unopened> {
        let clear = self.speak_in_clear(&mut entrance).await;
        let facts = self.facts.clone();
        let secured = match (clear, &facts.tls) {
            (Ok(true), Some(tls)) => {
                let peer = entrance.peer();
                self.secure(entrance, tls)
                    .await
                    .map_err(|reason| Unopened { peer, reason })
            }
            (Ok(_), _) => Ok(entrance),
            (Err(reason), _) => Err(Unopened {
                peer: entrance.peer(),
                reason,
            }),
        };
        let entrance = secured?;
        let (key, certificate) = match (&facts.tls, entrance.tls()) {
            (Some(tls), Some(ssl)) => (ClientKey::of(ssl), tls.names(ssl)),
            _ => (ClientKey::Plain, None),
        };
        let greeting = if self.told {
            Vec::new()
        } else {
            self.greeting(&entrance)
        };
        let (peer, id, now) = (entrance.peer(), entrance.id(), Instant::now());
        let session = NatsSession::new(self.live, peer, id, self.nonce, now).shown(key, certificate);
        Ok(Opened {
            entrance,
            session,
            greeting,
        })
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
        let facts = self.facts.clone();
        let Some(tls) = &facts.tls else {
            return Ok(false);
        };
        if !self.first && tls.allow_non_tls {
            // Whoever says nothing in time is one without TLS, as nats-server sees it.
            let until = Instant::now() + tls.timeout;
            return Ok(first_byte(entrance, until).await? == Some(HANDSHAKE_RECORD));
        }
        Ok(true)
    }

    fn greeting(&self, entrance: &Entrance) -> Vec<u8> {
        let ip = self.peer_is_known.then(|| entrance.peer().ip());
        greeting(&self.facts, ip, entrance.id(), self.nonce.as_ref(), self.first)
    }

    async fn tell(&mut self, entrance: &mut Entrance) -> Step<()> {
        let line = self.greeting(entrance);
        self.told = true;
        let until = Instant::now() + self.facts.limits.write_deadline;
        let told = entrance.say(&line, until).await;
        told.map_err(|_| CloseReason::WriteError)
    }

    /// Where the handshake may come first: a client that says nothing for a while is one that waits for INFO.
    async fn wait_for_handshake(&mut self, entrance: &mut Entrance) -> Step<()> {
        let handshake_first = self.facts.tls.as_ref().map(|tls| tls.handshake_first);
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
        let failed = |error: &dyn std::fmt::Display| {
            log::warn!("Error reading PROXY protocol header from {proxy}: {error}");
            CloseReason::ProtocolViolation
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

    async fn secure(&self, mut entrance: Entrance, tls: &ClientTls) -> Step<Entrance> {
        let (peer, id, now) = (entrance.peer(), entrance.id(), Instant::now());
        let answer = tls.throttle.begin(now);
        if answer.rejected_before > 0 {
            let count = answer.rejected_before;
            log::warn!("Rejected {count} connections due to TLS rate limiting");
        }
        if !answer.allowed {
            let mut line = Vec::new();
            Complaint::Throttled.append(&mut line);
            // A peer that does not take it is gone all the same.
            let _ = entrance.say(&line, now + self.facts.limits.write_deadline).await;
            return Err(CloseReason::MaximumConnectionsExceeded);
        }
        log::debug!("{peer} - cid:{id} - Starting TLS client connection handshake");
        let failed = |log_as, error: &dyn std::fmt::Display| {
            log::log!(log_as, "{peer} - cid:{id} - TLS handshake error: {error}");
            CloseReason::TlsHandshakeFailure
        };
        let until = now + tls.timeout;
        // Nothing of TLS is held for a peer that says nothing, or something else.
        match first_byte(&mut entrance, until).await? {
            Some(HANDSHAKE_RECORD) => {}
            Some(_) => {
                let error = "tls: first record does not look like a TLS handshake";
                return Err(failed(log::Level::Debug, &error));
            }
            None => return Err(timed_out(peer, id)),
        }
        let mut entrance = match entrance.secure(&tls.acceptor, until).await {
            Ok(entrance) => entrance,
            Err(HandshakeError::Timeout) => return Err(timed_out(peer, id)),
            Err(error) => return Err(failed(log::Level::Error, &error)),
        };
        let Some(ssl) = entrance.tls() else {
            return Err(CloseReason::TlsHandshakeFailure);
        };
        if !tls.acceptor.is_pinned(ssl) {
            return Err(failed(log::Level::Error, &"certificate not pinned"));
        }
        if let Some(checks) = &tls.peer_checks {
            let checked = checks.check(ssl, until).await;
            checked.map_err(|error| failed(log::Level::Error, &error))?;
        }
        let facts = tls::facts(ssl, self.first);
        log::debug!("{peer} - cid:{id} - TLS handshake complete");
        log::debug!(
            "{peer} - cid:{id} - TLS version {}, cipher suite {}",
            facts.version,
            facts.cipher_suite
        );
        entrance.set_tls_facts(facts);
        Ok(entrance)
    }
}

fn timed_out(peer: SocketAddr, id: vagus_actors::ConnectionId) -> CloseReason {
    log::debug!("{peer} - cid:{id} - TLS handshake timeout");
    CloseReason::TlsHandshakeFailure
}

/// What the client begins with; None if it says nothing in time.
async fn first_byte(entrance: &mut Entrance, until: Instant) -> Step<Option<u8>> {
    if entrance.early().is_empty() {
        match entrance.hear(until).await {
            Ok(Came::Bytes | Came::Nothing) => {}
            Ok(Came::End) => return Err(CloseReason::ClientClosed),
            Err(_) => return Err(CloseReason::ReadError),
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

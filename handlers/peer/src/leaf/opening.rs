//! What comes before there is a session: the INFO of the hub, and TLS, in the order that both expect.

use super::reaching;
use super::tls::LeafTls;
use super::{LeafErrand, LeafSettings};
use crate::opening::hear;
use std::net::SocketAddr;
use std::time::Instant;
use vagus_actors::reception::Unopened;
use vagus_auth::nkey::Nonce;
use vagus_delivery::wire::{Came, Entrance, HandshakeError, PeerCheck};
use vagus_protocol::error::CloseReason;
use vagus_protocol::leaf::LeafInfo;
use vagus_protocol::route::RouteOperation;
use vagus_protocol::route::parser::{RouteLimits, RouteParsed, parse_leaf};
use vagus_routing::ConnectionId;
use vagus_tls::{CertificateNames, HandshakeFirst};

/// The longest INFO of a hub, in bytes: it names all servers of its cluster.
const INFO_AT_MOST: usize = 64 * 1024;

/// What the two know of each other when the session begins.
pub(super) struct Introduction {
    /// What is said first.
    pub(super) greeting: Vec<u8>,
    /// What this server has asked a leaf node to sign.
    pub(super) nonce: Option<Nonce>,
    pub(super) known: Known,
}

/// What is known of the other end.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// How a hub has introduced itself.
    pub(super) info: Option<Box<LeafInfo>>,
    /// What a leaf node's certificate calls it.
    pub(super) names: Option<CertificateNames>,
    pub(super) speaks_websocket: bool,
}

impl Known {
    /// What an entrance shows of a leaf node.
    fn of(entrance: &Entrance) -> Self {
        let certificate = entrance.tls().and_then(|ssl| ssl.peer_certificate());
        Self {
            info: None,
            names: certificate.map(|certificate| CertificateNames::of(&certificate)),
            speaks_websocket: entrance.speaks_websocket(),
        }
    }
}

impl Introduction {
    /// The INFO of this server, to a leaf node.
    pub(super) fn of_hub(settings: &LeafSettings, entrance: &Entrance) -> Self {
        let known = Known::of(entrance);
        // Without randomness nobody gets in by a key.
        let nonce = Nonce::generate().ok();
        let info = LeafInfo {
            client_id: entrance.id(),
            nonce: nonce.as_ref().map_or("", Nonce::as_str).to_owned(),
            compression: match known.speaks_websocket {
                // It has one of its own.
                true => String::new(),
                false => settings.compression.text().to_owned(),
            },
            ..settings.info()
        };
        let mut greeting = Vec::with_capacity(1024);
        info.append(&mut greeting);
        Self {
            greeting,
            nonce,
            known,
        }
    }
}

/// Says why it came to nothing.
pub(super) struct Failing {
    peer: SocketAddr,
    id: ConnectionId,
}

impl Failing {
    fn of(entrance: &Entrance) -> Self {
        Self {
            peer: entrance.peer(),
            id: entrance.id(),
        }
    }

    pub(super) fn unopened(&self, text: &str, reason: CloseReason, entrance: Entrance) -> Unopened {
        log::error!("{} - lid:{} - {text}", self.peer, self.id);
        Unopened {
            peer: self.peer,
            reason,
            last_words: Some(entrance.last_words(reason)),
        }
    }

    pub(super) fn handshake(&self, side: &str, error: &HandshakeError, entrance: Entrance) -> Unopened {
        let text = match error {
            HandshakeError::Timeout => "TLS handshake timeout".to_owned(),
            error => format!("TLS leafnode {side} handshake error: {error}"),
        };
        self.unopened(&text, CloseReason::TlsHandshakeFailure, entrance)
    }
}

/// Speaks TLS with a leaf node, and says INFO before or after.
pub(super) async fn greet(
    mut entrance: Entrance,
    mut introduction: Introduction,
    settings: &LeafSettings,
) -> Result<(Entrance, Introduction), Unopened> {
    let Some(tls) = &settings.tls else {
        return Ok((entrance, introduction));
    };
    let failing = Failing::of(&entrance);
    let comes_first = match tls.handshake_first {
        HandshakeFirst::Off => false,
        HandshakeFirst::On => true,
        HandshakeFirst::Auto(patience) => {
            matches!(entrance.hear(Instant::now() + patience).await, Ok(Came::Bytes))
        }
    };
    if !comes_first {
        let greeting = std::mem::take(&mut introduction.greeting);
        if let Err(error) = entrance.say(&greeting, Instant::now() + tls.timeout).await {
            return Err(failing.unopened(&error.to_string(), CloseReason::WriteError, entrance));
        }
    }
    log::debug!(
        "{} - lid:{} - Starting TLS leafnode server handshake",
        failing.peer,
        failing.id
    );
    if let Err(error) = accept(&mut entrance, tls).await {
        return Err(failing.handshake("server", &error, entrance));
    }
    introduction.known = Known::of(&entrance);
    log::debug!("{} - lid:{} - TLS handshake complete", failing.peer, failing.id);
    Ok((entrance, introduction))
}

async fn accept(entrance: &mut Entrance, tls: &LeafTls) -> Result<(), HandshakeError> {
    let until = Instant::now() + tls.timeout;
    if entrance.early().is_empty() {
        hear(entrance, until).await?;
    }
    let checks = tls.authorities.until(until);
    let check = checks.as_ref().map(|checks| checks as &dyn PeerCheck);
    entrance.secure_as_server(&tls.acceptor, until, check).await
}

/// Hears what a hub says of itself, and speaks TLS with it if one of the two wants that.
pub(super) async fn hear_hub(
    entrance: Entrance,
    errand: &LeafErrand,
    largest_message: usize,
) -> Result<(Entrance, Introduction), Unopened> {
    let failing = Failing::of(&entrance);
    let (tls, settings) = (&errand.tls, errand.remote.settings());
    let mut entrance = reaching::reach(entrance, errand, largest_message, &failing).await?;
    let until = Instant::now() + settings.first_info_timeout;
    let info = match first_info(&mut entrance, until).await {
        Ok(info) => info,
        Err(reason) => {
            let text = match reason {
                CloseReason::WrongPort => "attempted to connect to wrong port",
                _ => "Leafnode connection has not been introduced by an INFO",
            };
            return Err(failing.unopened(text, reason, entrance));
        }
    };
    // Over WebSocket it has been spoken already, or is not.
    if !entrance.speaks_websocket()
        && !tls.comes_first
        && (tls.is_wanted || info.tls_required)
        && let Err(error) = reaching::speak_tls(&mut entrance, errand).await
    {
        return Err(failing.handshake("client", &error, entrance));
    }
    let introduction = Introduction {
        greeting: Vec::new(),
        nonce: None,
        known: Known {
            info: Some(Box::new(info)),
            names: None,
            speaks_websocket: entrance.speaks_websocket(),
        },
    };
    Ok((entrance, introduction))
}

/// The INFO that a hub begins with, which is taken from what it has said.
async fn first_info(entrance: &mut Entrance, until: Instant) -> Result<LeafInfo, CloseReason> {
    let limits = RouteLimits {
        max_line: INFO_AT_MOST,
        max_message: 0,
        one_account: true,
        origin_in_unsubscribe: false,
    };
    loop {
        match parse_leaf(entrance.early(), &limits) {
            RouteParsed::Frame {
                operation: RouteOperation::Info(json),
                consumed,
            } => {
                let info = LeafInfo::read(json).map_err(|_| CloseReason::ProtocolViolation)?;
                entrance.take(consumed);
                return match info.is_of_hub() {
                    true => Ok(info),
                    false => Err(CloseReason::WrongPort),
                };
            }
            RouteParsed::Incomplete { .. } => {}
            RouteParsed::Frame { .. } | RouteParsed::Violation(_) => {
                return Err(CloseReason::ProtocolViolation);
            }
        }
        match entrance.hear_at_most(INFO_AT_MOST, until).await {
            Ok(Came::Bytes) => {}
            Ok(Came::End) => return Err(CloseReason::ClientClosed),
            Ok(Came::Nothing) | Err(_) => return Err(CloseReason::ReadError),
        }
    }
}

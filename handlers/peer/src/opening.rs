//! What comes before there is a session, where routes speak TLS: the handshake, before anything else is said.

use crate::tls::{Evidence, RouteTls};
use std::io;
use std::time::Instant;
use vagus_actors::cluster::RouteErrand;
use vagus_actors::reception::Unopened;
use vagus_delivery::wire::{Came, Direction, Entrance, HandshakeError, PeerCheck};
use vagus_protocol::error::CloseReason;
use vagus_tls::StreamError;

/// Does the handshake, on the side that is ours, and gives what the other server has shown. Ends in time.
pub(crate) async fn secure(mut entrance: Entrance, tls: &RouteTls) -> Result<(Entrance, Evidence), Unopened> {
    let (peer, id) = (entrance.peer(), entrance.id());
    let failed = |error: String, entrance: Entrance| {
        log::error!("{peer} - rid:{id} - {error}");
        Unopened {
            peer,
            reason: CloseReason::TlsHandshakeFailure,
            last_words: Some(entrance.last_words(CloseReason::TlsHandshakeFailure)),
        }
    };
    let outcome = match entrance.direction() {
        Direction::Accepted => accept(&mut entrance, tls).await,
        Direction::Dialled => connect(&mut entrance, tls).await,
    };
    match outcome {
        Ok(()) => {
            if let Err(error) = tls.confirm(&entrance).await {
                return Err(failed(format!("TLS route handshake error: {error}"), entrance));
            }
        }
        Err(HandshakeError::Timeout) => return Err(failed("TLS handshake timeout".to_owned(), entrance)),
        Err(error) => return Err(failed(format!("TLS route handshake error: {error}"), entrance)),
    }
    match entrance.tls().map(Evidence::of) {
        Some(evidence) => {
            log::debug!("{peer} - rid:{id} - TLS handshake complete");
            Ok((entrance, evidence))
        }
        None => Err(failed(
            "TLS route handshake error: it is none".to_owned(),
            entrance,
        )),
    }
}

/// Waits until the other server says something: nothing of TLS is held for a peer that says nothing.
pub(crate) async fn hear(entrance: &mut Entrance, until: Instant) -> Result<(), HandshakeError> {
    match entrance.hear(until).await {
        Ok(Came::Bytes) => Ok(()),
        Ok(Came::Nothing) => Err(HandshakeError::Timeout),
        Ok(Came::End) => Err(StreamError::Carrier(io::ErrorKind::UnexpectedEof.into()).into()),
        Err(error) => Err(StreamError::Carrier(error).into()),
    }
}

async fn accept(entrance: &mut Entrance, tls: &RouteTls) -> Result<(), HandshakeError> {
    let (peer, id) = (entrance.peer(), entrance.id());
    log::debug!("{peer} - rid:{id} - Starting TLS route server handshake");
    let until = Instant::now() + tls.timeout;
    hear(entrance, until).await?;
    let checks = tls.checks(until);
    let check = checks.as_ref().map(|checks| checks as &dyn PeerCheck);
    entrance.secure_as_server(&tls.acceptor, until, check).await
}

async fn connect(entrance: &mut Entrance, tls: &RouteTls) -> Result<(), HandshakeError> {
    let (peer, id) = (entrance.peer(), entrance.id());
    log::debug!("{peer} - rid:{id} - Starting TLS route client handshake");
    let host = match entrance.errand::<RouteErrand>() {
        Some(errand) => errand.address.host.clone(),
        None => peer.ip().to_string(),
    };
    let (name, until) = (tls.name_of(&host), Instant::now() + tls.timeout);
    let checks = tls.checks(until);
    let check = checks.as_ref().map(|checks| checks as &dyn PeerCheck);
    let outcome = entrance
        .secure_as_client(&tls.connector, name, until, check)
        .await;
    if let Err(HandshakeError::Failed(StreamError::Tls(_) | StreamError::Certificate(_))) = &outcome {
        tls.failed_as(name);
    }
    outcome
}

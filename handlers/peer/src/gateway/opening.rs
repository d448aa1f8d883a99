//! What comes before there is a session, where gateways speak TLS: the handshake, before anything else is said.

use super::{GatewayErrand, GatewaySettings};
use crate::authorities::Authorities;
use crate::opening::hear;
use crate::tls::{Evidence, confirm_shown};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::reception::Unopened;
use vagus_delivery::wire::{Entrance, HandshakeError, PeerCheck};
use vagus_protocol::error::CloseReason;
use vagus_tls::ocsp::Staple;
use vagus_tls::{Connector, Settings, StreamError, TlsError, staples};

/// How TLS is spoken with one other cluster.
#[derive(Debug)]
pub struct RemoteTls {
    connector: Connector,
    timeout: Duration,
    authorities: Authorities,
    /// Of the certificates that are shown there. Where there are some, the cluster has to show the same of its own.
    staples: Vec<Arc<Staple>>,
}

impl RemoteTls {
    /// Reads the certificates that the settings name. With another `before`, what that knows of the certificates that are the
    /// same is known, and what it knows of peers.
    ///
    /// # Errors
    /// When one cannot be read or used.
    pub fn new(settings: &Settings, before: Option<&Self>) -> Result<Self, TlsError> {
        let staples = staples(settings)?;
        for other in before.iter().flat_map(|before| &before.staples) {
            staples.iter().for_each(|staple| staple.inherit(other));
        }
        Ok(Self {
            connector: Connector::new(settings)?,
            timeout: settings.timeout,
            authorities: Authorities::new(settings, before.map(|before| &before.authorities)),
            staples,
        })
    }

    /// What authorities are asked about: its own certificates. Somebody has to ask before there are connections.
    pub fn staples(&self) -> &[Arc<Staple>] {
        &self.staples
    }

    /// Whether any certificate is good enough.
    pub fn is_insecure(&self) -> bool {
        self.connector.is_insecure()
    }
}

/// Does the handshake, on the side that is ours, and gives what the other server has shown. Ends in time.
pub(super) async fn secure(
    mut entrance: Entrance,
    errand: Option<&GatewayErrand>,
    settings: &GatewaySettings,
) -> Result<(Entrance, Evidence), Unopened> {
    let (peer, id) = (entrance.peer(), entrance.id());
    let outcome = match errand {
        Some(errand) => connect(&mut entrance, errand, settings).await,
        None => accept(&mut entrance, settings).await,
    };
    let confirmed = match &outcome {
        Ok(()) => confirm(&entrance, errand, settings).await,
        Err(_) => Ok(()),
    };
    let side = if errand.is_some() { "client" } else { "server" };
    let error = match (outcome, confirmed, entrance.tls().map(Evidence::of)) {
        (Ok(()), Ok(()), Some(evidence)) => {
            log::debug!("{peer} - gid:{id} - TLS handshake complete");
            return Ok((entrance, evidence));
        }
        (Ok(()), Ok(()), None) => format!("TLS gateway {side} handshake error: it is none"),
        (Ok(()), Err(error), _) => format!("TLS gateway {side} handshake error: {error}"),
        (Err(HandshakeError::Timeout), ..) => "TLS handshake timeout".to_owned(),
        (Err(error), ..) => format!("TLS gateway {side} handshake error: {error}"),
    };
    log::error!("{peer} - gid:{id} - {error}");
    Err(Unopened {
        peer,
        reason: CloseReason::TlsHandshakeFailure,
        last_words: Some(entrance.last_words(CloseReason::TlsHandshakeFailure)),
    })
}

/// Whether the authority of the other server says that its certificate is good, where that has to be known.
async fn confirm(
    entrance: &Entrance,
    errand: Option<&GatewayErrand>,
    settings: &GatewaySettings,
) -> Result<(), String> {
    let of_remote = errand.and_then(|errand| settings.remote_tls.get(errand.remote.name()));
    match (of_remote, entrance.tls(), &settings.tls) {
        (Some(tls), Some(ssl), _) if !tls.staples.is_empty() => confirm_shown(&tls.connector, ssl),
        (None, _, Some(tls)) => tls.confirm(entrance).await,
        _ => Ok(()),
    }
}

async fn accept(entrance: &mut Entrance, settings: &GatewaySettings) -> Result<(), HandshakeError> {
    let Some(tls) = &settings.tls else {
        return Ok(());
    };
    log::debug!(
        "{} - gid:{} - Starting TLS gateway server handshake",
        entrance.peer(),
        entrance.id()
    );
    let until = Instant::now() + tls.timeout;
    hear(entrance, until).await?;
    let checks = tls.checks(until);
    let check = checks.as_ref().map(|checks| checks as &dyn PeerCheck);
    entrance.secure_as_server(&tls.acceptor, until, check).await
}

async fn connect(
    entrance: &mut Entrance,
    errand: &GatewayErrand,
    settings: &GatewaySettings,
) -> Result<(), HandshakeError> {
    let of_remote = settings.remote_tls.get(errand.remote.name());
    let (connector, timeout) = match (of_remote, &settings.tls) {
        (Some(tls), _) => (&tls.connector, tls.timeout),
        (None, Some(tls)) => (&tls.connector, tls.timeout),
        (None, None) => return Ok(()),
    };
    log::debug!(
        "{} - gid:{} - Starting TLS gateway client handshake",
        entrance.peer(),
        entrance.id()
    );
    let name = errand.remote.host_name(entrance.peer());
    let until = Instant::now() + timeout;
    let checks = match (of_remote, &settings.tls) {
        (Some(tls), _) => tls.authorities.until(until),
        (None, tls) => tls.as_ref().and_then(|tls| tls.checks(until)),
    };
    let check = checks.as_ref().map(|checks| checks as &dyn PeerCheck);
    let outcome = entrance.secure_as_client(connector, &name, until, check).await;
    if let Err(HandshakeError::Failed(StreamError::Tls(_) | StreamError::Certificate(_))) = &outcome {
        errand.remote.forget_host_name();
    }
    outcome
}

//! What clients have to know, and to show, of TLS.

use crate::throttle::{Answer, Throttle};
use std::sync::Arc;
use std::time::Duration;
use vagus_delivery::wire::{TlsFacts, TlsPeerCertificate};
use vagus_ocsp::{CacheStatistics, PeerChecks};
use vagus_protocol::info::Info;
use vagus_tls::ocsp::Staple;
use vagus_tls::{Acceptor, CertificateNames, HandshakeFirst, Peer, Pin, Settings, SslRef, TlsError};

/// The TLS of a server's clients, made ready.
#[derive(Debug)]
pub struct ClientTls {
    pub(crate) acceptor: Acceptor,
    pub(crate) allow_non_tls: bool,
    pub(crate) handshake_first: HandshakeFirst,
    pub(crate) timeout: Duration,
    pub(crate) maps: bool,
    throttle: Throttle,
    /// Asks the authorities of clients about them, if they are to be asked.
    pub(crate) peer_checks: Option<PeerChecks>,
    verifies: bool,
}

impl ClientTls {
    /// Reads the certificates that the settings name.
    ///
    /// # Errors
    /// When one cannot be read or used.
    pub fn new(settings: &Settings) -> Result<Self, TlsError> {
        Self::after(settings, None)
    }

    /// The same, to go on in place of others: knowing what those know of peers, and telling clients what those told of
    /// the certificates that are the same.
    ///
    /// # Errors
    /// When a certificate cannot be read or used.
    pub fn after(settings: &Settings, before: Option<&Self>) -> Result<Self, TlsError> {
        let tls = Self::made(settings, before)?;
        if let Some(before) = before {
            tls.acceptor.inherit(&before.acceptor);
        }
        Ok(tls)
    }

    fn made(settings: &Settings, before: Option<&Self>) -> Result<Self, TlsError> {
        Ok(Self {
            acceptor: Acceptor::new(settings)?,
            allow_non_tls: settings.allow_non_tls,
            handshake_first: settings.handshake_first,
            timeout: settings.timeout,
            maps: settings.verify_and_map,
            throttle: Throttle::new(settings.connection_rate_limit),
            peer_checks: peer_checks(settings, before.and_then(|before| before.peer_checks.as_ref())),
            verifies: settings.verifies(),
        })
    }

    /// When the first certificate expires, in seconds from 1970.
    pub fn not_after(&self) -> i64 {
        self.acceptor.not_after()
    }

    /// What operators should know of the certificates.
    pub fn weaknesses(&self) -> &[String] {
        self.acceptor.weaknesses()
    }

    /// What clients are told of the state of the certificates. Somebody has to ask for it before there are clients.
    pub fn staples(&self) -> &[Arc<Staple>] {
        self.acceptor.staples()
    }

    /// What is remembered of the certificates of clients, if anything is to be.
    pub fn cache_statistics(&self) -> Option<CacheStatistics> {
        self.peer_checks.as_ref()?.statistics()
    }

    /// Whether certificates of peers say which users they are.
    pub fn maps_certificates(&self) -> bool {
        self.maps
    }

    /// Whether certificates of clients are checked with their authority.
    pub fn checks_peers(&self) -> bool {
        self.peer_checks.is_some()
    }

    /// Writes down what outlives the process.
    pub fn keep(&self) {
        if let Some(checks) = &self.peer_checks {
            checks.keep();
        }
    }

    /// Writes into INFO what clients may expect.
    pub fn announce(&self, info: &mut Info) {
        info.tls_required = !self.allow_non_tls;
        info.tls_available = self.allow_non_tls;
        info.tls_verify = self.verifies;
    }

    /// Whether one more handshake may begin. How many may not is told in the log, once a second. Call it inside the
    /// runtime of an arbiter.
    pub(crate) fn may_begin(self: &Arc<Self>) -> bool {
        let answer = self.throttle.begin();
        if answer == Answer::FirstRejected {
            let tls = self.clone();
            tokio::task::spawn_local(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let count = tls.throttle.take_rejected();
                log::warn!("Rejected {count} connections due to TLS rate limiting");
            });
        }
        answer == Answer::Allowed
    }

    /// Whether nothing is said before the handshake.
    pub(crate) fn comes_first(&self) -> bool {
        self.handshake_first != HandshakeFirst::Off
    }

    /// What the client is called by its certificate, if that matters.
    pub(crate) fn names(&self, ssl: &SslRef) -> Option<CertificateNames> {
        if !self.maps {
            return None;
        }
        ssl.peer_certificate()
            .map(|certificate| CertificateNames::of(&certificate))
    }
}

/// The key of a client, by which it may be pinned.
#[derive(Debug, Default)]
pub(crate) enum ClientKey {
    /// It speaks no TLS.
    #[default]
    Plain,
    /// It has shown no certificate.
    Unshown,
    /// That of its certificate.
    Shown(Box<Pin>),
}

impl ClientKey {
    pub(crate) fn of(ssl: &SslRef) -> Self {
        Pin::of_peer(ssl).map_or(Self::Unshown, |pin| Self::Shown(Box::new(pin)))
    }

    /// Whether a client with this key may stay, by the list that there is now. Without TLS it has nothing to do with it.
    pub(crate) fn may_stay(&self, tls: Option<&ClientTls>) -> bool {
        let Some(tls) = tls else {
            return true;
        };
        match self {
            Self::Plain => true,
            Self::Unshown => tls.acceptor.is_key_pinned(None),
            Self::Shown(pin) => tls.acceptor.is_key_pinned(Some(pin)),
        }
    }
}

fn peer_checks(settings: &Settings, before: Option<&PeerChecks>) -> Option<PeerChecks> {
    let asked = settings.ocsp_peer.as_ref().filter(|peer| peer.verify)?;
    Some(PeerChecks::new(asked.clone(), &settings.ocsp_cache, before))
}

/// What is shown of a connection.
pub(crate) fn facts(ssl: &SslRef, first: bool) -> TlsFacts {
    let peer = Peer::of(ssl);
    let certificates = peer.certificates.into_iter();
    TlsFacts {
        version: peer.version,
        cipher_suite: peer.cipher_suite,
        first,
        peer_certificates: certificates
            .map(|certificate| TlsPeerCertificate {
                subject: certificate.subject,
                subject_pk_sha256: certificate.subject_pk_sha256.to_string(),
                cert_sha256: certificate.cert_sha256,
            })
            .collect(),
    }
}

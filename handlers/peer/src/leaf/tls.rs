//! The TLS of links: what a hub needs, and a leaf node for each of its hubs.

use crate::authorities::Authorities;
use std::time::Duration;
use vagus_configs::LeafRemote;
use vagus_tls::{Acceptor, Connector, HandshakeFirst, Settings, Stapling, StaplingMode, TlsError};

/// How TLS is spoken with leaf nodes that connect.
#[derive(Debug)]
pub struct LeafTls {
    pub(super) acceptor: Acceptor,
    pub(super) timeout: Duration,
    pub(super) handshake_first: HandshakeFirst,
    /// The user is who the certificate is for.
    pub(super) maps: bool,
    verifies: bool,
    pub(super) authorities: Authorities,
}

impl LeafTls {
    /// Reads the certificates that the settings name. As in nats-server, leaf nodes are told nothing of their state
    /// (stapling): they ask themselves, where they have `ocsp_peer`.
    ///
    /// # Errors
    /// When one cannot be read or used.
    pub fn new(settings: &Settings) -> Result<Self, TlsError> {
        let unstapled = Settings {
            stapling: Some(Stapling {
                mode: StaplingMode::Never,
                ..Stapling::default()
            }),
            ..settings.clone()
        };
        Ok(Self {
            acceptor: Acceptor::new(&unstapled)?,
            timeout: settings.timeout,
            handshake_first: settings.handshake_first,
            maps: settings.verify_and_map,
            verifies: settings.verifies(),
            authorities: Authorities::new(settings, None),
        })
    }

    /// Whether leaf nodes have to show a certificate.
    pub fn verifies(&self) -> bool {
        self.verifies
    }

    /// What operators should know of it.
    pub fn weaknesses(&self) -> &[String] {
        self.acceptor.weaknesses()
    }
}

/// How TLS is spoken with a hub.
#[derive(Debug)]
pub struct HubTls {
    pub(super) connector: Connector,
    pub(super) timeout: Duration,
    /// It comes first, before the hub has said that it wants it.
    pub(super) comes_first: bool,
    /// It is spoken whatever the hub says.
    pub(super) is_wanted: bool,
    pub(super) authorities: Authorities,
    /// How it is spoken with the proxy that connects to the hub, if it is.
    pub(super) of_proxy: Option<Connector>,
}

impl HubTls {
    /// Reads the certificates that the settings of a hub name; without settings, it is spoken as is usual if the hub wants it.
    ///
    /// # Errors
    /// When one cannot be read or used.
    pub fn new(remote: &LeafRemote) -> Result<Self, TlsError> {
        let is_wanted = remote.tls.is_some();
        let usual = Settings::default();
        let settings = remote.tls.as_ref().unwrap_or(&usual);
        let has_secure_proxy = remote.proxy.as_ref().is_some_and(|proxy| proxy.is_secure);
        Ok(Self {
            connector: Connector::new(settings)?,
            timeout: settings.timeout,
            comes_first: settings.handshake_first != HandshakeFirst::Off,
            is_wanted,
            authorities: Authorities::new(settings, None),
            of_proxy: has_secure_proxy.then(|| Connector::new(&usual)).transpose()?,
        })
    }

    /// Whether any certificate is good enough.
    pub fn is_insecure(&self) -> bool {
        self.connector.is_insecure()
    }
}

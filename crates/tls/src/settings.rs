use crate::{CipherSuite, Curve, Pin, Version};
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How TLS is spoken on one listener. The defaults are those of nats-server 2.14.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The certificates of the server, each with its key. A client that names a host (SNI) gets the first one that is
    /// for it; the first of all is for everybody else. A listener needs one at least.
    pub certificates: Vec<KeyPair>,
    /// Whose certificates of peers are good; those that the system trusts when not set.
    pub ca: Option<Pem>,
    /// Whether a peer must show a certificate that is good.
    pub verify: bool,
    /// Whether the certificate also says which user a client is. Implies [`verify`](Self::verify).
    pub verify_and_map: bool,
    /// Whether the certificate must be for a host of the routes. Implies [`verify`](Self::verify); for routes and
    /// gateways alone.
    pub verify_cert_and_check_known_urls: bool,
    /// Whether clients may also go without TLS.
    pub allow_non_tls: bool,
    /// Whether the handshake comes before INFO.
    pub handshake_first: HandshakeFirst,
    /// How long a handshake may take.
    pub timeout: Duration,
    /// The cipher suites, the best first. The secure ones when empty.
    pub cipher_suites: Vec<CipherSuite>,
    /// The curves for the key exchange, the best first. All of them when empty.
    pub curve_preferences: Vec<Curve>,
    /// The oldest version that is spoken.
    pub min_version: Version,
    /// If there are any: the only keys that peers may have.
    pub pinned_certs: BTreeSet<Pin>,
    /// How many new connections a second may begin a handshake; no limit when 0.
    pub connection_rate_limit: u64,
    /// Whether certificates of servers that we connect to are not looked at. Nothing to do with clients.
    pub insecure: bool,
    /// What is told to peers of the state of our own certificates.
    pub stapling: Option<Stapling>,
    /// Whether and how the authority is asked for the state of certificates of peers.
    pub ocsp_peer: Option<OcspPeer>,
    /// The folder where what is told to peers of our own certificates is kept over a restart, if it is.
    pub staple_store: Option<PathBuf>,
    /// How long is remembered what authorities said of certificates of peers.
    pub ocsp_cache: OcspCache,
}

/// How long a handshake may take if nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(2);

impl Default for Settings {
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            ca: None,
            verify: false,
            verify_and_map: false,
            verify_cert_and_check_known_urls: false,
            allow_non_tls: false,
            handshake_first: HandshakeFirst::Off,
            timeout: TIMEOUT,
            cipher_suites: Vec::new(),
            curve_preferences: Vec::new(),
            min_version: Version::Tls12,
            pinned_certs: BTreeSet::new(),
            connection_rate_limit: 0,
            insecure: false,
            stapling: None,
            staple_store: None,
            ocsp_peer: None,
            ocsp_cache: OcspCache::default(),
        }
    }
}

impl Settings {
    /// Whether a peer must show a certificate.
    pub fn verifies(&self) -> bool {
        self.verify || self.verify_and_map || self.verify_cert_and_check_known_urls
    }
}

/// A certificate, followed by those of authorities between it and the root, and its private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The certificates, that of the server first.
    pub certificate: Pem,
    /// The private key of the first certificate. Without a password.
    pub key: Pem,
}

/// Text in PEM form, or where it is. Never shows the text.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// A file; a relative path starts at the working folder of the process.
    File(PathBuf),
    /// The text itself.
    Text(Arc<str>),
}

impl fmt::Debug for Pem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(formatter),
            Self::Text(_) => formatter.write_str("(PEM)"),
        }
    }
}

/// Whether the handshake comes before INFO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HandshakeFirst {
    /// INFO comes first, in plain text.
    #[default]
    Off,
    /// The handshake comes first, for everybody.
    On,
    /// For this long the server waits for a client that begins a handshake; INFO comes first for one that does not.
    Auto(Duration),
}

impl HandshakeFirst {
    /// How long nats-server waits when it is told `auto`.
    pub const AUTO: Self = Self::Auto(Duration::from_millis(50));
}

/// When the state of our own certificates is got from their authority and given to peers in the handshake (OCSP
/// stapling), and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stapling {
    /// When it is, and what follows.
    pub mode: StaplingMode,
    /// Who is asked instead of those that the certificate names: `http://` addresses, in order.
    pub urls: Vec<String>,
}

/// When there is stapling, and what follows from the state of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StaplingMode {
    /// For certificates that demand it (`status_request`); peers decide what to make of the state.
    #[default]
    Auto,
    /// For all certificates. The server does not start, or ends, with one that is not good.
    Always,
    /// Not even for certificates that demand it.
    Never,
    /// For certificates that demand it. The server does not start, or ends, with one that is not good.
    Must,
}

/// How certificates of peers are checked with their authority. The defaults are those of nats-server 2.14.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspPeer {
    /// Whether they are.
    pub verify: bool,
    /// How long the authority may take to answer.
    pub ca_timeout: Duration,
    /// How far its clock and ours may be apart.
    pub allowed_clockskew: Duration,
    /// Whether a peer is let in whatever the outcome, with a line in the log.
    pub warn_only: bool,
    /// Whether a certificate is good that the authority does not know.
    pub unknown_is_good: bool,
    /// Whether a certificate is good if nobody answers, and none has said yet that it is revoked.
    pub allow_when_ca_unreachable: bool,
    /// How long an answer holds that does not say how long it does.
    pub cache_ttl_when_next_update_unset: Duration,
}

impl Default for OcspPeer {
    fn default() -> Self {
        Self {
            verify: false,
            ca_timeout: Duration::from_secs(2),
            allowed_clockskew: Duration::from_secs(30),
            warn_only: false,
            unknown_is_good: false,
            allow_when_ca_unreachable: false,
            cache_ttl_when_next_update_unset: Duration::from_secs(3600),
        }
    }
}

/// How long is remembered what authorities said of certificates of peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspCache {
    /// Whether it is remembered at all, as long as it holds.
    pub enabled: bool,
    /// Whether it is remembered for longer that a certificate was revoked.
    pub preserve_revoked: bool,
    /// The folder where it is kept over a restart, if it is.
    pub local_store: Option<PathBuf>,
    /// How often it is written there, if there is anything new; a second at least.
    pub save_interval: Duration,
}

impl Default for OcspCache {
    fn default() -> Self {
        Self {
            enabled: true,
            preserve_revoked: false,
            local_store: None,
            save_interval: Duration::from_secs(300),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let pair = KeyPair {
            certificate: Pem::File("server.pem".into()),
            key: Pem::Text("-----BEGIN PRIVATE KEY-----secret".into()),
        };
        let shown = format!("{pair:?}");
        assert!(shown.contains("server.pem"), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn to_map_is_to_verify() {
        let mapping = Settings {
            verify_and_map: true,
            ..Settings::default()
        };
        assert!(mapping.verifies());
        assert!(!Settings::default().verifies());
    }
}

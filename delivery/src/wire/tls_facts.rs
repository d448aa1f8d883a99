use serde::Serialize;

/// What is known of a connection that speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TlsFacts {
    /// `1.2` or `1.3`.
    pub version: &'static str,
    /// The cipher suite, by the name of its standard.
    pub cipher_suite: &'static str,
    /// Whether the peer began with the handshake, before anything was said to it.
    pub first: bool,
    /// What the peer showed: its own certificate first, then those of authorities. Empty if it was not asked.
    pub peer_certificates: Vec<TlsPeerCertificate>,
}

/// What is shown of one certificate of a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TlsPeerCertificate {
    /// Whose it is, such as `CN=derek,O=acme`.
    pub subject: String,
    /// The SHA-256 of its public key, as 64 hexadecimal digits.
    pub subject_pk_sha256: String,
    /// The SHA-256 of all of it, as 64 hexadecimal digits.
    pub cert_sha256: String,
}

use crate::Pin;
use crate::subject::Subject;
use openssl::hash::MessageDigest;
use openssl::ssl::{SslRef, SslVersion};
use openssl::stack::StackRef;
use openssl::x509::{X509, X509Ref, X509VerifyResult};

/// What is shown of a connection after its handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// See [`version`].
    pub version: &'static str,
    /// See [`cipher_suite`].
    pub cipher_suite: &'static str,
    /// What the peer showed: its own certificate first, then those of authorities. Empty if it was not asked.
    pub certificates: Vec<PeerCertificate>,
}

/// What is shown of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Whose it is, such as `CN=derek,O=acme`.
    pub subject: String,
    /// The SHA-256 of its public key.
    pub subject_pk_sha256: Pin,
    /// The SHA-256 of all of it, as 64 hexadecimal digits.
    pub cert_sha256: String,
}

/// Certificates that a peer has shown, as PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// Those that nobody has verified.
    pub unverified: Vec<String>,
    /// That of the peer and those that vouch for it, up to one that is trusted; None where nobody has verified them.
    pub verified: Option<Vec<String>>,
}

impl Certificates {
    /// What the peer at the other end has shown.
    pub fn of(ssl: &SslRef) -> Self {
        let pem = |certificate: &X509Ref| String::from_utf8(certificate.to_pem().ok()?).ok();
        let pems = |chain: &StackRef<X509>| chain.iter().filter_map(pem).collect();
        let Some(own) = ssl.peer_certificate() else {
            return Self::default();
        };
        let verified = ssl
            .verified_chain()
            .filter(|chain| ssl.verify_result() == X509VerifyResult::OK && !chain.is_empty());
        match verified {
            Some(chain) => Self {
                unverified: Vec::new(),
                verified: Some(pems(chain)),
            },
            None => {
                let chain = ssl.peer_cert_chain().into_iter().flatten();
                let others = chain.filter(|other| !is_same(&own, other));
                Self {
                    unverified: pem(&own).into_iter().chain(others.filter_map(pem)).collect(),
                    verified: None,
                }
            }
        }
    }
}

impl Peer {
    /// What is known of the peer at the other end.
    pub fn of(ssl: &SslRef) -> Self {
        let own = ssl.peer_certificate();
        // On the side of the server, the chain does not have the first.
        let chain = ssl.peer_cert_chain().into_iter().flatten();
        let chain = chain.filter(|other| own.as_deref().is_none_or(|own| !is_same(own, other)));
        let certificates = own.iter().map(AsRef::as_ref).chain(chain);
        Self {
            version: version(ssl),
            cipher_suite: cipher_suite(ssl),
            certificates: certificates.filter_map(PeerCertificate::of).collect(),
        }
    }
}

fn is_same(one: &X509Ref, other: &X509Ref) -> bool {
    let digest = |certificate: &X509Ref| certificate.digest(MessageDigest::sha256()).ok();
    match (digest(one), digest(other)) {
        (Some(one), Some(other)) => *one == *other,
        _ => false,
    }
}

impl PeerCertificate {
    /// None if the library cannot say what is in it.
    pub fn of(certificate: &X509Ref) -> Option<Self> {
        let digest = certificate.digest(MessageDigest::sha256()).ok()?;
        let digits: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self {
            subject: Subject::of(certificate.subject_name()).to_full_text(),
            subject_pk_sha256: Pin::of(certificate)?,
            cert_sha256: digits.concat(),
        })
    }
}

/// The version that is spoken: `1.2` or `1.3`.
pub fn version(ssl: &SslRef) -> &'static str {
    match ssl.version2() {
        Some(SslVersion::TLS1_2) => "1.2",
        Some(SslVersion::TLS1_3) => "1.3",
        _ => ssl.version_str(),
    }
}

/// The cipher suite in use, such as `TLS_AES_128_GCM_SHA256`.
pub fn cipher_suite(ssl: &SslRef) -> &'static str {
    let cipher = ssl.current_cipher();
    cipher
        .and_then(|cipher| cipher.standard_name())
        .unwrap_or_default()
}

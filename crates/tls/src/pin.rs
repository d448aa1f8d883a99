use crate::Settings;
use crate::structure::public_key_info;
use openssl::hash::{MessageDigest, hash};
use openssl::ssl::SslRef;
use openssl::x509::X509Ref;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use thiserror::Error;

/// The SHA-256 of a public key (its DER encoded SubjectPublicKeyInfo), by which a certificate is pinned. Read and
/// shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin([u8; 32]);

/// A text that is no [`Pin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it must be 64 hexadecimal digits, the SHA-256 of a DER encoded SubjectPublicKeyInfo")]
pub struct PinError;

impl Pin {
    /// That of the key in a certificate, if its key can be written down at all.
    pub fn of(certificate: &X509Ref) -> Option<Self> {
        let encoded = certificate.to_der().ok()?;
        let digest = hash(MessageDigest::sha256(), public_key_info(&encoded)?).ok()?;
        Some(Self(digest.as_ref().try_into().ok()?))
    }

    /// That of the key of a peer, with whom the handshake is over. None if it has shown no certificate.
    pub fn of_peer(ssl: &SslRef) -> Option<Self> {
        let certificate = ssl.peer_certificate()?;
        Self::of(&certificate)
    }

    /// The bytes of the hash.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The only keys that peers may have, if there are any.
#[derive(Debug, Clone)]
pub(crate) struct Pins(Arc<BTreeSet<Pin>>);

impl Pins {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self(Arc::new(settings.pinned_certs.clone()))
    }

    /// Whether a peer with this key is one of those that are let in, or everybody is.
    pub(crate) fn include(&self, key: Option<&Pin>) -> bool {
        self.0.is_empty() || key.is_some_and(|key| self.0.contains(key))
    }

    /// The same of the peer of a handshake that is done.
    pub(crate) fn include_key_of(&self, ssl: &SslRef) -> bool {
        self.0.is_empty() || self.include(Pin::of_peer(ssl).as_ref())
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(PinError);
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| PinError)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| PinError)?;
        }
        Ok(Self(bytes))
    }
}

/// 64 hexadecimal digits in lower case.
impl fmt::Display for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_in_and_out() {
        let digits = "00ff".repeat(16);
        let pin: Pin = digits.to_uppercase().parse().unwrap();
        assert_eq!(pin.to_string(), digits);
        for bad in [
            "",
            "00",
            &"0g".repeat(32),
            &"0".repeat(65),
            &"é".repeat(32),
            &"+1".repeat(32),
        ] {
            assert_eq!(bad.parse::<Pin>(), Err(PinError), "{bad}");
        }
    }
}

//! Keys that seal instead of signing (X25519): what is sealed for one is opened by its owner alone.

use std::fmt;

use crypto_box::aead::Aead;
use crypto_box::{PublicKey, SalsaBox, SecretKey};
use openssl::error::ErrorStack;
use thiserror::Error;

use super::{Kind, decode_public, encode_public};

/// What everything that is sealed begins with: the version of its form.
const VERSION: &[u8] = b"xkv1";

/// Random bytes behind the version.
const NONCE_LENGTH: usize = 24;

/// The private key of somebody for whom others seal.
#[derive(Clone)]
pub struct CurveKey {
    secret: SecretKey,
    public: Box<str>,
}

/// Why something is not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// The other's key is not the public key of X25519.
    #[error("not a public xkey")]
    Key,
    /// It was not sealed in the form that is known.
    #[error("not sealed in the known form")]
    Form,
    /// It was sealed by somebody else, or for somebody else, or has been changed.
    #[error("could not be opened")]
    Opening,
    /// The system has no randomness to give.
    #[error("no randomness")]
    Randomness,
}

impl CurveKey {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Self, ErrorStack> {
        let mut bytes = [0; 32];
        openssl::rand::rand_bytes(&mut bytes)?;
        let secret = SecretKey::from_bytes(bytes);
        let public = encode_public(Kind::Curve, secret.public_key().as_bytes()).into();
        Ok(Self { secret, public })
    }

    /// The text of its public key.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    fn shared_with(&self, other: &str) -> Result<SalsaBox, SealError> {
        match decode_public(other) {
            Ok((Kind::Curve, key)) => Ok(SalsaBox::new(&PublicKey::from(key), &self.secret)),
            _ => Err(SealError::Key),
        }
    }

    /// Seals a message for the owner of this public key, who can tell by whom it was sealed.
    ///
    /// # Errors
    /// When it is no such key.
    pub fn seal(&self, message: &[u8], receiver: &str) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LENGTH];
        openssl::rand::rand_bytes(&mut nonce).map_err(|_| SealError::Randomness)?;
        let shared = self.shared_with(receiver)?;
        let sealed = shared
            .encrypt(&nonce.into(), message)
            .map_err(|_| SealError::Form)?;
        Ok([VERSION, &nonce, &sealed].concat())
    }

    /// Opens what the owner of this public key has sealed for this one.
    ///
    /// # Errors
    /// When it was not.
    pub fn open(&self, sealed: &[u8], sender: &str) -> Result<Vec<u8>, SealError> {
        let rest = sealed.strip_prefix(VERSION).ok_or(SealError::Form)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LENGTH>().ok_or(SealError::Form)?;
        self.shared_with(sender)?
            .decrypt(nonce.into(), sealed)
            .map_err(|_| SealError::Opening)
    }
}

impl fmt::Debug for CurveKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("CurveKey").field(&self.public).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{CurveKey, SealError};

    #[test]
    fn what_is_sealed_for_one_is_opened_by_that_one() {
        let (one, other) = (CurveKey::generate().unwrap(), CurveKey::generate().unwrap());
        let sealed = one.seal(b"a secret", other.public()).unwrap();
        assert!(sealed.starts_with(b"xkv1"));
        assert_eq!(other.open(&sealed, one.public()).unwrap(), b"a secret");
        let stranger = CurveKey::generate().unwrap();
        assert_eq!(stranger.open(&sealed, one.public()), Err(SealError::Opening));
        assert_eq!(other.open(&sealed, stranger.public()), Err(SealError::Opening));
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(other.open(&changed, one.public()), Err(SealError::Opening));
    }

    #[test]
    fn what_is_not_sealed_is_not_opened() {
        let one = CurveKey::generate().unwrap();
        for cut in [&b""[..], b"xkv1", b"xkv2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
            assert_eq!(one.open(cut, one.public()), Err(SealError::Form));
        }
        assert_eq!(one.seal(b"", "XAAA"), Err(SealError::Key));
    }
}

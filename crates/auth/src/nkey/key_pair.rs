//! Private keys of Ed25519, and their seeds as text.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;

use super::{Kind, NkeyError, UNPADDED, base32, crc16, decode_base32, encode_public};
use base64::Engine;

/// What the first byte of a seed is made of, beside its kind.
const SEED_PREFIX: u8 = 18 << 3;

/// Prefixes, seed and checksum.
const RAW_SEED_LENGTH: usize = 2 + 32 + 2;

/// Signs, and never shows what it signs with.
#[derive(Clone)]
pub struct KeyPair {
    kind: Kind,
    key: PKey<Private>,
    public: Box<str>,
}

impl KeyPair {
    /// A new one of this kind, which is to sign: not [`Kind::Curve`], of which there is [`CurveKey`](super::CurveKey).
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate(kind: Kind) -> Result<Self, ErrorStack> {
        Self::new(kind, PKey::generate_ed25519()?)
    }

    /// The one that this seed stands for: 58 characters, the first of which is `S`, and the second its kind.
    ///
    /// # Errors
    /// When `text` is none.
    pub fn from_seed(text: &str) -> Result<Self, NkeyError> {
        let raw: [u8; RAW_SEED_LENGTH] = decode_base32(text).ok_or(NkeyError::Encoding)?;
        let (body, checksum) = raw.split_at(RAW_SEED_LENGTH - 2);
        if crc16(body).to_le_bytes() != checksum {
            return Err(NkeyError::Checksum);
        }
        let prefix = (body[0] & 0b111) << 5 | body[1] >> 3;
        let kind = Kind::from_prefix(prefix).filter(|kind| *kind != Kind::Curve);
        let kind = kind.filter(|_| body[0] & !0b111 == SEED_PREFIX);
        let kind = kind.ok_or(NkeyError::Kind)?;
        PKey::private_key_from_raw_bytes(&body[2..], Id::ED25519)
            .and_then(|key| Self::new(kind, key))
            .map_err(|_| NkeyError::Kind)
    }

    fn new(kind: Kind, key: PKey<Private>) -> Result<Self, ErrorStack> {
        let mut public = [0; 32];
        // A key of Ed25519 has as many bytes.
        for (place, byte) in public.iter_mut().zip(key.raw_public_key()?) {
            *place = byte;
        }
        Ok(Self {
            kind,
            key,
            public: encode_public(kind, &public).into(),
        })
    }

    /// Whose key it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The text of its public key.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The text that it can be made of again: a secret.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn seed(&self) -> Result<String, ErrorStack> {
        let mut raw = [0; RAW_SEED_LENGTH];
        let prefix = self.kind as u8;
        raw[0] = SEED_PREFIX | prefix >> 5;
        raw[1] = (prefix & 31) << 3;
        for (place, byte) in raw[2..].iter_mut().zip(self.key.raw_private_key()?) {
            *place = byte;
        }
        let checksum = crc16(&raw[..RAW_SEED_LENGTH - 2]).to_le_bytes();
        raw[RAW_SEED_LENGTH - 2..].copy_from_slice(&checksum);
        Ok(base32(&raw))
    }

    /// The signature of `message`: 64 bytes.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        Signer::new_without_digest(&self.key)?.sign_oneshot_to_vec(message)
    }

    /// The same, as clients say it: in base64, URL-safe and without padding.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn sign_text(&self, message: &[u8]) -> Result<String, ErrorStack> {
        Ok(UNPADDED.encode(self.sign(message)?))
    }
}

/// By their public keys.
impl PartialEq for KeyPair {
    fn eq(&self, other: &Self) -> bool {
        self.public == other.public
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("KeyPair").field(&self.public).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::KeyPair;
    use crate::nkey::{Kind, NkeyError, decode_public, decode_signature, verify};

    #[test]
    fn what_it_signs_verifies() {
        let pair = KeyPair::generate(Kind::Account).unwrap();
        let (kind, key) = decode_public(pair.public()).unwrap();
        assert_eq!((kind, &pair.public()[..1]), (Kind::Account, "A"));
        let signature: [u8; 64] = pair.sign(b"a").unwrap().try_into().unwrap();
        assert!(verify(&key, b"a", &signature));
        assert!(!verify(&key, b"b", &signature));
        let text = pair.sign_text(b"a").unwrap();
        assert_eq!(decode_signature(&text), Some(signature));
    }

    #[test]
    fn seeds_are_those_of_other_tools() {
        // Made by `nk -gen user -pubout`.
        let seed = "SUAIO3FHUX5PNV2LQIIP7TZ3N4L7TX3W53MQGEIVYFIGA635OZCKEYHFLM";
        let pair = KeyPair::from_seed(seed).unwrap();
        assert_eq!(pair.kind(), Kind::User);
        assert_eq!(pair.seed().unwrap(), seed);
        for kind in [
            Kind::Account,
            Kind::Cluster,
            Kind::Server,
            Kind::Operator,
            Kind::User,
        ] {
            let pair = KeyPair::generate(kind).unwrap();
            let again = KeyPair::from_seed(&pair.seed().unwrap()).unwrap();
            assert_eq!((again.kind(), again.public()), (kind, pair.public()));
        }
    }

    #[test]
    fn what_is_no_seed_is_none() {
        let seed = "SUAIO3FHUX5PNV2LQIIP7TZ3N4L7TX3W53MQGEIVYFIGA635OZCKEYHFLM";
        let failed = |text: &str| KeyPair::from_seed(text).unwrap_err();
        assert_eq!(failed(""), NkeyError::Encoding);
        assert_eq!(failed(&seed[1..]), NkeyError::Encoding);
        assert_eq!(failed(&seed.replace('O', "P")), NkeyError::Checksum);
        assert_eq!(failed(&seed.to_lowercase()), NkeyError::Encoding);
        let public = KeyPair::generate(Kind::User).unwrap();
        assert_eq!(failed(public.public()), NkeyError::Encoding);
        assert!(!format!("{:?}", KeyPair::from_seed(seed).unwrap()).contains("SUAI"));
    }
}

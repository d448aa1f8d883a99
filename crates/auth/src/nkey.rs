//! Keys of Ed25519 and X25519 as text, and the challenge that proves the possession of a private one.

mod curve_key;
mod key_pair;

use std::fmt;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey};
use openssl::sign::Verifier;
use thiserror::Error;

pub use self::curve_key::{CurveKey, SealError};
pub use self::key_pair::KeyPair;

/// The alphabet of base32 (RFC 4648).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Kind, key and checksum.
const RAW_LENGTH: usize = 1 + 32 + 2;

/// Characters of a public key.
pub const PUBLIC_LENGTH: usize = RAW_LENGTH * 8 / 5;

/// Random bytes of a nonce.
const NONCE_RAW_LENGTH: usize = 11;

/// Characters of a nonce.
pub const NONCE_LENGTH: usize = 15;

/// What clients use.
const UNPADDED: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// What nats-server takes as well.
const PADDED: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

/// Whose key it is: the first letter of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// `A`
    Account = 0,
    /// `C`
    Cluster = 2 << 3,
    /// `N`
    Server = 13 << 3,
    /// `O`
    Operator = 14 << 3,
    /// `U`
    User = 20 << 3,
    /// `X`: a key of X25519, that seals and does not sign.
    Curve = 23 << 3,
}

impl Kind {
    fn from_prefix(prefix: u8) -> Option<Self> {
        [
            Self::Account,
            Self::Cluster,
            Self::Server,
            Self::Operator,
            Self::User,
            Self::Curve,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == prefix)
    }
}

/// Why a text is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NkeyError {
    /// Not 56 characters of base32 in upper case.
    #[error("not the base32 of a public key")]
    Encoding,
    /// The checksum says that a character is wrong.
    #[error("the checksum does not fit the key")]
    Checksum,
    /// The key of something unknown, or not a public one.
    #[error("not a kind of public key")]
    Kind,
}

/// The text of a public key: 56 characters, the first of which tells its kind.
#[must_use]
pub fn encode_public(kind: Kind, key: &[u8; 32]) -> String {
    let mut raw = [0; RAW_LENGTH];
    raw[0] = kind as u8;
    raw[1..33].copy_from_slice(key);
    let checksum = crc16(&raw[..33]).to_le_bytes();
    raw[33..].copy_from_slice(&checksum);
    base32(&raw)
}

/// Bytes as text, in base32 without padding.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    let length = (bytes.len() * 8).div_ceil(5);
    let groups = bytes.chunks(5).flat_map(|chunk| {
        let mut whole = [0; 5];
        whole[..chunk.len()].copy_from_slice(chunk);
        let bits = whole
            .iter()
            .fold(0, |bits: u64, byte| (bits << 8) | u64::from(*byte));
        (0..8).map(move |place| char::from(BASE32[(bits >> (35 - 5 * place)) as usize & 31]))
    });
    groups.take(length).collect()
}

/// The bytes of such a text, if it is of the length that so many take. What is left of the last character is ignored.
fn decode_base32<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    if text.len() != (LENGTH * 8).div_ceil(5) {
        return None;
    }
    let mut bytes = [0; LENGTH];
    let (mut bits, mut count, mut at) = (0u32, 0, 0);
    for character in text.bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'2'..=b'7' => character - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            *bytes.get_mut(at)? = (bits >> count) as u8;
            at += 1;
        }
    }
    Some(bytes)
}

/// The kind and the bytes of a public key.
///
/// # Errors
/// When `text` is none.
pub fn decode_public(text: &str) -> Result<(Kind, [u8; 32]), NkeyError> {
    let raw: [u8; RAW_LENGTH] = decode_base32(text).ok_or(NkeyError::Encoding)?;
    let (body, checksum) = raw.split_at(33);
    if crc16(body).to_le_bytes() != checksum {
        return Err(NkeyError::Checksum);
    }
    let kind = Kind::from_prefix(body[0]).ok_or(NkeyError::Kind)?;
    let mut key = [0; 32];
    key.copy_from_slice(&body[1..]);
    Ok((kind, key))
}

/// Whether this is the text of a public key of this kind.
#[must_use]
pub fn is_public(kind: Kind, text: &str) -> bool {
    matches!(decode_public(text), Ok((found, _)) if found == kind)
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc: u16, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    })
}

/// The bytes of a signature in base64: URL-safe without padding, or standard with it.
#[must_use]
pub fn decode_signature(text: &str) -> Option<[u8; 64]> {
    let decode = |engine: &GeneralPurpose| engine.decode(text).ok();
    decode(&UNPADDED).or_else(|| decode(&PADDED))?.try_into().ok()
}

/// Whether `signature` is the one of `message` by the owner of `key`.
#[must_use]
pub fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    PKey::public_key_from_raw_bytes(key, Id::ED25519)
        .and_then(|key| Verifier::new_without_digest(&key)?.verify_oneshot(signature, message))
        .unwrap_or(false)
}

/// What a client has to sign: the text in INFO. Made anew for each connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; NONCE_LENGTH]);

impl Nonce {
    /// A random one.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Self, ErrorStack> {
        let mut raw = [0; NONCE_RAW_LENGTH];
        openssl::rand::rand_bytes(&mut raw)?;
        Ok(Self::from_raw(raw))
    }

    fn from_raw(raw: [u8; NONCE_RAW_LENGTH]) -> Self {
        let alphabet = URL_SAFE.as_str().as_bytes();
        let mut text = [0; NONCE_LENGTH];
        for (place, character) in text.iter_mut().enumerate() {
            let (byte, shift) = (place * 6 / 8, place * 6 % 8);
            let pair = [raw[byte], raw.get(byte + 1).copied().unwrap_or(0)];
            *character = alphabet[usize::from(u16::from_be_bytes(pair) >> (10 - shift)) & 63];
        }
        Self(text)
    }

    /// Its text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Letters of base64 alone.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Nonce").field(&self.as_str()).finish()
    }
}

#[cfg(test)]
mod tests;

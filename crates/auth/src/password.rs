//! Passwords as a configuration holds them: as they are, or hashed by bcrypt.

use std::fmt;

use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bcrypt::{BcryptError, Version};
use openssl::error::ErrorStack;
use openssl::sha::sha256;
use thiserror::Error;

/// The cost of a hash unless another is asked for: about a tenth of a second.
pub const DEFAULT_COST: u32 = 11;

/// What bcrypt takes into account of a password, in bytes.
pub const MAX_HASHED_LENGTH: usize = 72;

const MIN_COST: u32 = 4;
const MAX_COST: u32 = 31;

/// Characters of a salt and of a digest; 29 characters are before the digest.
const SALT_LENGTH: usize = 22;
const HASH_LENGTH: usize = 60;

/// The base64 of bcrypt. The last character of a salt has spare bits, which some tools leave random.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Why a password could not be hashed.
#[derive(Debug, Error)]
pub enum HashError {
    /// It would be cut.
    #[error("the password is longer than {MAX_HASHED_LENGTH} bytes")]
    TooLong,
    /// The cost is not one of bcrypt's.
    #[error("the cost is not between {MIN_COST} and {MAX_COST}")]
    Cost,
    /// There is no randomness for a salt.
    #[error("no randomness for a salt: {0}")]
    Randomness(#[from] ErrorStack),
    /// bcrypt refuses for another reason.
    #[error(transparent)]
    Bcrypt(#[from] BcryptError),
}

/// A hash of `password` to be put in a configuration. One more of `cost` (4 to 31) doubles the time it takes, as well
/// as that of each login.
///
/// # Errors
/// When the password is longer than [`MAX_HASHED_LENGTH`], the cost is not allowed or there is no randomness.
pub fn hash(password: &str, cost: u32) -> Result<String, HashError> {
    if password.len() > MAX_HASHED_LENGTH {
        return Err(HashError::TooLong);
    }
    if !(MIN_COST..=MAX_COST).contains(&cost) {
        return Err(HashError::Cost);
    }
    let mut salt = [0; 16];
    openssl::rand::rand_bytes(&mut salt)?;
    // The version that every server understands.
    Ok(bcrypt::hash_with_salt(password, cost, salt)?.format_for_version(Version::TwoA))
}

/// Whether a configured password or token stands for a hash: it begins with `$2a$`, `$2b$`, `$2x$` or `$2y$` and a
/// cost of two digits and a `$`.
#[must_use]
pub fn is_hash(text: &str) -> bool {
    matches!(
        text.as_bytes(),
        [b'$', b'2', b'a' | b'b' | b'x' | b'y', b'$', tens, ones, b'$', ..]
            if tens.is_ascii_digit() && ones.is_ascii_digit()
    )
}

/// What a password is compared with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Secret {
    /// The SHA-256 of a password in plain text. All have one length, so that comparing them tells nothing.
    Plain([u8; 32]),
    Hashed(Hash),
    /// It looks like a hash and is none: no password fits.
    Unusable,
}

impl Secret {
    pub(crate) fn new(configured: &str) -> Self {
        if !is_hash(configured) {
            return Self::Plain(sha256(configured.as_bytes()));
        }
        Hash::parse(configured).map_or(Self::Unusable, Self::Hashed)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Plain(_) => "Plain(..)",
            Self::Hashed(_) => "Hashed(..)",
            Self::Unusable => "Unusable",
        })
    }
}

/// A hash, checked. All versions are computed in the same way.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hash {
    cost: u32,
    salt: [u8; 16],
    digest: [u8; 23],
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Hash")
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}

impl Hash {
    fn parse(text: &str) -> Option<Self> {
        let cost = text.get(4..6)?.parse().ok()?;
        if text.len() != HASH_LENGTH || !(MIN_COST..=MAX_COST).contains(&cost) {
            return None;
        }
        let (salt, digest) = text.get(7..)?.split_at_checked(SALT_LENGTH)?;
        Some(Self {
            cost,
            salt: BASE64.decode(salt).ok()?.try_into().ok()?,
            // A digest with spare bits set is one that no password has.
            digest: bcrypt::BASE_64.decode(digest).ok()?.try_into().ok()?,
        })
    }

    /// A hash that takes as long to compare with as others of `cost`, and which is to be taken as not fitting.
    pub(crate) fn decoy(cost: u32) -> Self {
        Self {
            cost,
            salt: [0; 16],
            digest: [0; 23],
        }
    }

    pub(crate) fn cost(&self) -> u32 {
        self.cost
    }

    /// What tells it from all others.
    pub(crate) fn identity(&self) -> [u8; 43] {
        let mut identity = [0; 43];
        identity[..4].copy_from_slice(&self.cost.to_be_bytes());
        identity[4..20].copy_from_slice(&self.salt);
        identity[20..].copy_from_slice(&self.digest);
        identity
    }

    /// Whether it is the hash of `password`; takes from milliseconds on, by its cost.
    pub(crate) fn fits(&self, password: &[u8]) -> bool {
        // Terminated by a zero, and cut.
        let mut terminated = [0; MAX_HASHED_LENGTH];
        let length = password.len().min(MAX_HASHED_LENGTH);
        terminated[..length].copy_from_slice(&password[..length]);
        let used = (length + 1).min(MAX_HASHED_LENGTH);
        let digest = bcrypt::bcrypt(self.cost, self.salt, &terminated[..used]);
        openssl::memcmp::eq(&digest[..self.digest.len()], &self.digest)
    }
}

#[cfg(test)]
mod tests;

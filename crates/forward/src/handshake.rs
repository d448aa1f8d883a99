//! HELO, PING and PONG: how the two ends show each other that they know the same key, and the sender names its user.
//!
//! Digests are SHA-512 in hexadecimal letters. Salts go out as text: Fluent Bit drops who sends bytes.

use crate::error::HandshakeError;
use crate::msgpack::{Reader, Value, write_array, write_bool, write_map, write_str};
use openssl::memcmp;
use openssl::sha::Sha512;
use std::fmt;

/// A user's name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// Leaves the password out.
impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Login")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// What the two ends have to know.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// What both know.
    pub shared_key: String,
    /// What this end is called. The other has to have another name.
    pub self_hostname: String,
    /// Who may send; of who sends, the one it speaks for. Empty: anybody.
    pub users: Vec<Login>,
}

/// Leaves the key out.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("self_hostname", &self.self_hostname)
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}

/// What the receiver says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Helo {
    pub(crate) nonce: Vec<u8>,
    /// Empty: no user is asked for.
    pub(crate) auth: Vec<u8>,
}

impl Helo {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_array(&mut out, 2);
        write_str(&mut out, b"HELO");
        write_map(&mut out, 3);
        write_str(&mut out, b"nonce");
        write_str(&mut out, &self.nonce);
        write_str(&mut out, b"auth");
        write_str(&mut out, &self.auth);
        write_str(&mut out, b"keepalive");
        write_bool(&mut out, true);
        out
    }

    pub(crate) fn read(frame: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(frame);
        if reader.array()? != 2 || reader.text()? != b"HELO" {
            return None;
        }
        let mut helo = Self {
            nonce: Vec::new(),
            auth: Vec::new(),
        };
        for _ in 0..reader.map()? {
            match reader.text()? {
                b"nonce" => helo.nonce = reader.text()?.to_vec(),
                b"auth" => helo.auth = reader.text()?.to_vec(),
                _ => {
                    reader.skip()?;
                }
            }
        }
        Some(helo)
    }
}

/// What the sender answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ping<'a> {
    pub(crate) hostname: &'a [u8],
    pub(crate) salt: &'a [u8],
    pub(crate) digest: &'a [u8],
    pub(crate) username: &'a [u8],
    pub(crate) password_digest: &'a [u8],
}

impl<'a> Ping<'a> {
    pub(crate) fn read(frame: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(frame);
        if reader.array()? != 6 || reader.text()? != b"PING" {
            return None;
        }
        Some(Self {
            hostname: reader.text()?,
            salt: reader.text()?,
            digest: reader.text()?,
            username: reader.text()?,
            password_digest: reader.text()?,
        })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_array(&mut out, 6);
        for part in [
            b"PING",
            self.hostname,
            self.salt,
            self.digest,
            self.username,
            self.password_digest,
        ] {
            write_str(&mut out, part);
        }
        out
    }
}

/// What the receiver says to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pong<'a> {
    pub(crate) is_welcome: bool,
    pub(crate) reason: &'a [u8],
    pub(crate) hostname: &'a [u8],
    pub(crate) digest: &'a [u8],
}

impl<'a> Pong<'a> {
    pub(crate) fn read(frame: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(frame);
        if reader.array()? != 5 || reader.text()? != b"PONG" {
            return None;
        }
        let Value::Boolean(is_welcome) = reader.next_value()? else {
            return None;
        };
        Some(Self {
            is_welcome,
            reason: reader.text()?,
            hostname: reader.text()?,
            digest: reader.text()?,
        })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_array(&mut out, 5);
        write_str(&mut out, b"PONG");
        write_bool(&mut out, self.is_welcome);
        for part in [self.reason, self.hostname, self.digest] {
            write_str(&mut out, part);
        }
        out
    }
}

/// The digest of these parts, one after the other.
pub(crate) fn digest(parts: &[&[u8]]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hash = Sha512::new();
    for part in parts {
        hash.update(part);
    }
    let letters = |byte: u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0x0f)]];
    hash.finish().into_iter().flat_map(letters).collect()
}

/// Whether two digests are the same, in a time that does not say how far they are.
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && memcmp::eq(one, other)
}

impl Credentials {
    /// Whether a sender may come in, that was greeted with this.
    pub(crate) fn admit(&self, helo: &Helo, ping: &Ping<'_>) -> Result<(), HandshakeError> {
        if ping.hostname == self.self_hostname.as_bytes() {
            return Err(HandshakeError::SameHostname(self.self_hostname.clone()));
        }
        let key = self.shared_key.as_bytes();
        let expected = digest(&[ping.salt, ping.hostname, &helo.nonce, key]);
        if !is_same(ping.digest, &expected) {
            return Err(HandshakeError::SharedKey);
        }
        let is_user = |login: &Login| {
            let expected = digest(&[&helo.auth, login.username.as_bytes(), login.password.as_bytes()]);
            login.username.as_bytes() == ping.username && is_same(ping.password_digest, &expected)
        };
        if self.users.is_empty() || self.users.iter().any(is_user) {
            Ok(())
        } else {
            Err(HandshakeError::User)
        }
    }
}

//! Cipher suites, curves and versions by the names that nats-server has for them.

use openssl::ssl::SslVersion;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A name that means nothing here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown {what} {name:?}")]
pub struct UnknownName {
    what: &'static str,
    name: String,
}

/// A row of the table of cipher suites.
#[derive(Debug, PartialEq, Eq)]
struct Suite {
    name: &'static str,
    /// What OpenSSL calls it.
    openssl: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of TLS 1.3, for which there is a list of its own.
    Tls13,
    Secure,
    /// Without forward secrecy, or with a cipher or hash that has known weaknesses.
    Insecure,
}

const fn suite(name: &'static str, openssl: &'static str, kind: Kind) -> Suite {
    Suite { name, openssl, kind }
}

/// All of them, the best first.
const SUITES: &[Suite] = &[
    suite("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", Kind::Tls13),
    suite("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", Kind::Tls13),
    suite(
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
        Kind::Tls13,
    ),
    suite(
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        Kind::Secure,
    ),
    suite(
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        Kind::Secure,
    ),
    suite(
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        Kind::Secure,
    ),
    suite(
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        Kind::Secure,
    ),
    suite(
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        Kind::Secure,
    ),
    suite(
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
        Kind::Secure,
    ),
    suite(
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        "ECDHE-ECDSA-AES128-SHA",
        Kind::Secure,
    ),
    suite(
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "ECDHE-RSA-AES128-SHA",
        Kind::Secure,
    ),
    suite(
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        "ECDHE-ECDSA-AES256-SHA",
        Kind::Secure,
    ),
    suite(
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        "ECDHE-RSA-AES256-SHA",
        Kind::Secure,
    ),
    suite(
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        "ECDHE-ECDSA-AES128-SHA256",
        Kind::Insecure,
    ),
    suite(
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        "ECDHE-RSA-AES128-SHA256",
        Kind::Insecure,
    ),
    suite(
        "TLS_RSA_WITH_AES_128_GCM_SHA256",
        "AES128-GCM-SHA256",
        Kind::Insecure,
    ),
    suite(
        "TLS_RSA_WITH_AES_256_GCM_SHA384",
        "AES256-GCM-SHA384",
        Kind::Insecure,
    ),
    suite("TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256", Kind::Insecure),
    suite("TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA", Kind::Insecure),
    suite("TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA", Kind::Insecure),
    suite(
        "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
        "ECDHE-RSA-DES-CBC3-SHA",
        Kind::Insecure,
    ),
    suite("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA", Kind::Insecure),
    suite(
        "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
        "ECDHE-ECDSA-RC4-SHA",
        Kind::Insecure,
    ),
    suite(
        "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
        "ECDHE-RSA-RC4-SHA",
        Kind::Insecure,
    ),
    suite("TLS_RSA_WITH_RC4_128_SHA", "RC4-SHA", Kind::Insecure),
];

/// A cipher suite that nats-server has a name for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CipherSuite(&'static Suite);

impl CipherSuite {
    /// All that there are, the best first.
    pub fn all() -> impl Iterator<Item = Self> {
        SUITES.iter().map(Self)
    }

    /// Those that are used if none is chosen.
    pub(crate) fn defaults() -> Vec<Self> {
        Self::all().filter(|suite| !suite.is_insecure()).collect()
    }

    /// Its name, such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Whether an operator has to say in so many words that it may be used.
    pub fn is_insecure(self) -> bool {
        self.0.kind == Kind::Insecure
    }

    pub(crate) fn is_of_tls13(self) -> bool {
        self.0.kind == Kind::Tls13
    }

    pub(crate) fn openssl_name(self) -> &'static str {
        self.0.openssl
    }
}

impl FromStr for CipherSuite {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = SUITES.iter().find(|suite| suite.name == name);
        found.map(Self).ok_or_else(|| UnknownName {
            what: "cipher suite",
            name: name.to_owned(),
        })
    }
}

impl fmt::Debug for CipherSuite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A curve, or another way to agree on a key, that nats-server has a name for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// X25519 together with ML-KEM-768: safe from quantum computers, too. Needs OpenSSL 3.5.
    X25519MlKem768,
    /// Curve25519.
    X25519,
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

impl Curve {
    /// All that there are, the best first.
    pub const ALL: [Self; 5] = [
        Self::X25519MlKem768,
        Self::X25519,
        Self::P256,
        Self::P384,
        Self::P521,
    ];

    /// Its name, such as `CurveP256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::X25519MlKem768 => "X25519MLKEM768",
            Self::X25519 => "X25519",
            Self::P256 => "CurveP256",
            Self::P384 => "CurveP384",
            Self::P521 => "CurveP521",
        }
    }

    pub(crate) fn openssl_name(self) -> &'static str {
        match self {
            Self::X25519MlKem768 => "X25519MLKEM768",
            Self::X25519 => "X25519",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }
}

impl FromStr for Curve {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|curve| curve.name() == name);
        found.ok_or_else(|| UnknownName {
            what: "curve",
            name: name.to_owned(),
        })
    }
}

/// A version of TLS that is still spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.2
    Tls12,
    /// 1.3
    Tls13,
}

impl Version {
    pub(crate) fn of_openssl(self) -> SslVersion {
        match self {
            Self::Tls12 => SslVersion::TLS1_2,
            Self::Tls13 => SslVersion::TLS1_3,
        }
    }
}

impl FromStr for Version {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            _ => Err(UnknownName {
                what: "TLS version (1.2 and 1.3 are spoken)",
                name: name.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_read_as_they_are_shown() {
        let mut seen = HashSet::new();
        for suite in CipherSuite::all() {
            assert_eq!(suite.name().parse(), Ok(suite));
            assert!(seen.insert(suite.openssl_name()), "{suite:?}");
        }
        for curve in Curve::ALL {
            assert_eq!(curve.name().parse(), Ok(curve));
        }
        assert_eq!("1.3".parse(), Ok(Version::Tls13));
        for old in ["1.0", "1.1", "1", "", "TLS1.2"] {
            assert!(old.parse::<Version>().is_err(), "{old}");
        }
        let error = "TLS_NULL".parse::<CipherSuite>().unwrap_err();
        assert_eq!(error.to_string(), r#"unknown cipher suite "TLS_NULL""#);
    }

    #[test]
    fn no_default_is_insecure() {
        let defaults = CipherSuite::defaults();
        assert_eq!(defaults.len(), 13);
        assert!(defaults.iter().all(|suite| !suite.is_insecure()));
    }
}

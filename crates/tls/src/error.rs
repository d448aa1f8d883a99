use crate::ocsp::StapleError;
use openssl::error::ErrorStack;
use std::fmt;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Settings that make no [`Acceptor`](crate::Acceptor). Says which file, and what is wrong with it; never shows what is
/// in it.
#[derive(Debug, Error)]
pub enum TlsError {
    /// There is no certificate to show to peers.
    #[error("TLS needs a certificate and its private key")]
    NoCertificate,
    /// A file cannot be read.
    #[error("cannot read the {what} {}: {source}", .path.display())]
    Unreadable {
        /// What is in it.
        what: Part,
        /// Its path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is nothing of the kind in a file.
    #[error("there is no {what} in {place}")]
    Empty {
        /// What is looked for.
        what: Part,
        /// Where.
        place: Place,
    },
    /// There is one, but it cannot be understood.
    #[error("the {what} in {place} is damaged: {source}")]
    Damaged {
        /// What it is.
        what: Part,
        /// Where.
        place: Place,
        /// What the library says.
        source: ErrorStack,
    },
    /// A key that can only be read with a password.
    #[error("the private key in {place} has a password; a key without one is needed")]
    Encrypted {
        /// Where.
        place: Place,
    },
    /// The key and the certificate belong to different pairs.
    #[error("the private key in {key} does not belong to the certificate in {certificate}")]
    KeyMismatch {
        /// Where the certificate is.
        certificate: Place,
        /// Where the key is.
        key: Place,
    },
    /// A key that anybody can break.
    #[error("the certificate in {place} has an RSA key of fewer than 1024 bits")]
    ShortKey {
        /// Where.
        place: Place,
    },
    /// The library takes a certificate for too weak, or otherwise not fit for use.
    #[error("the certificate in {place} cannot be used: {source}")]
    Unfit {
        /// Where.
        place: Place,
        /// What the library says.
        source: ErrorStack,
    },
    /// None of the cipher suites can be had.
    #[error("none of the cipher suites is in this version of OpenSSL: {0}")]
    NoCipherSuite(String),
    /// None of the curves can be had.
    #[error("none of the curve preferences is in this version of OpenSSL: {0}")]
    NoCurve(String),
    /// Certificates of peers are to be checked with their authority, but peers need not show any.
    #[error("to check certificates of clients by OCSP (ocsp_peer), verify must be on")]
    OcspPeerWithoutVerify,
    /// It is not known whom to ask about a certificate of which peers are to be told the state.
    #[error("peers cannot be told the state of the certificate in {place} (ocsp): {source}")]
    Stapling {
        /// Where the certificate is.
        place: Place,
        /// Why.
        source: StapleError,
    },
    /// Something else that the library says.
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] ErrorStack),
}

/// What is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// That of the server, and of the authorities between it and the root.
    Certificate,
    /// The key of the server.
    Key,
    /// Certificates of authorities whose peers are trusted.
    Ca,
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Certificate => "certificate",
            Self::Key => "private key",
            Self::Ca => "CA certificate",
        })
    }
}

/// Where PEM text is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// The settings themselves.
    Settings,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(formatter),
            Self::Settings => formatter.write_str("the settings"),
        }
    }
}

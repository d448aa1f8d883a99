//! Certificates and keys out of PEM text.

use crate::context::authorities;
use crate::error::{Part, Place};
use crate::strength::is_usable;
use crate::{KeyPair, Pem, Settings, TlsError};
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509Ref};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};

/// The most bytes that a file may have; a bundle of all public authorities has a quarter of a MiB.
const MAX_FILE: u64 = 8 << 20;

/// A certificate with its chain and its key, which belong together.
pub(crate) struct Identity {
    pub(crate) certificate: X509,
    /// The certificates of authorities that follow it.
    pub(crate) chain: Vec<X509>,
    pub(crate) key: PKey<Private>,
    pub(crate) place: Place,
}

impl Identity {
    pub(crate) fn load(pair: &KeyPair) -> Result<Self, TlsError> {
        let mut chain = certificates(&pair.certificate, Part::Certificate)?;
        let certificate = chain.remove(0);
        let key = private_key(&pair.key)?;
        let place = place(&pair.certificate);
        let fits = certificate
            .public_key()
            .is_ok_and(|public| public.public_eq(&key));
        if !fits {
            return Err(TlsError::KeyMismatch {
                certificate: place,
                key: self::place(&pair.key),
            });
        }
        if !is_usable(&key) {
            return Err(TlsError::ShortKey { place });
        }
        Ok(Self {
            certificate,
            chain,
            key,
            place,
        })
    }

    /// That of the server, and those of authorities that follow it.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = &X509Ref> {
        std::iter::once(&*self.certificate).chain(self.chain.iter().map(|certificate| &**certificate))
    }
}

/// What another library needs to speak TLS as a client by [`Settings`]: certificates as DER, the key as PEM.
#[derive(Clone)]
pub struct ClientCredentials {
    /// Whose certificates of servers are good; those that the system trusts when not set.
    pub authorities: Option<Vec<Vec<u8>>>,
    /// What is shown to servers that ask for a certificate: that and those of authorities that follow it, and its key.
    pub identity: Option<(Vec<Vec<u8>>, Vec<u8>)>,
}

impl ClientCredentials {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// When a file cannot be read or used.
    pub fn read(settings: &Settings) -> Result<Self, TlsError> {
        let authorities = authorities(settings)?;
        let identity = settings.certificates.first().map(Identity::load).transpose()?;
        let identity = identity.map(|identity| -> Result<_, TlsError> {
            let certificates = identity.certificates().map(X509Ref::to_der);
            Ok((
                certificates.collect::<Result<_, _>>()?,
                identity.key.private_key_to_pem_pkcs8()?,
            ))
        });
        Ok(Self {
            authorities: authorities
                .map(|all| all.iter().map(|one| one.to_der()).collect::<Result<_, _>>())
                .transpose()?,
            identity: identity.transpose()?,
        })
    }
}

/// Holds a key.
impl fmt::Debug for ClientCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ClientCredentials")
            .finish_non_exhaustive()
    }
}

/// One certificate at least.
pub(crate) fn certificates(pem: &Pem, what: Part) -> Result<Vec<X509>, TlsError> {
    let text = read(pem, what)?;
    let certificates = X509::stack_from_pem(&text).map_err(|source| TlsError::Damaged {
        what,
        place: place(pem),
        source,
    })?;
    if certificates.is_empty() {
        return Err(TlsError::Empty {
            what,
            place: place(pem),
        });
    }
    Ok(certificates)
}

fn private_key(pem: &Pem) -> Result<PKey<Private>, TlsError> {
    let text = read(pem, Part::Key)?;
    let is_encrypted = Cell::new(false);
    // Without a callback, OpenSSL would ask for a password on the terminal.
    let key = PKey::private_key_from_pem_callback(&text, |_| {
        is_encrypted.set(true);
        Ok(0)
    });
    key.map_err(|source| {
        let place = place(pem);
        if is_encrypted.get() {
            TlsError::Encrypted { place }
        } else if !text.windows(MARK.len()).any(|window| window == MARK) {
            TlsError::Empty {
                what: Part::Key,
                place,
            }
        } else {
            TlsError::Damaged {
                what: Part::Key,
                place,
                source,
            }
        }
    })
}

/// How the first line of every private key ends.
const MARK: &[u8] = b"PRIVATE KEY-----";

fn read(pem: &Pem, what: Part) -> Result<Cow<'_, [u8]>, TlsError> {
    let path = match pem {
        Pem::Text(text) => return Ok(Cow::Borrowed(text.as_bytes())),
        Pem::File(path) => path,
    };
    let mut text = Vec::new();
    let outcome = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut text));
    let outcome = match outcome {
        Ok(_) if text.len() as u64 > MAX_FILE => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {} MiB", MAX_FILE >> 20),
        )),
        other => other,
    };
    match outcome {
        Ok(_) => Ok(Cow::Owned(text)),
        Err(source) => Err(TlsError::Unreadable {
            what,
            path: path.clone(),
            source,
        }),
    }
}

pub(crate) fn place(pem: &Pem) -> Place {
    match pem {
        Pem::File(path) => Place::File(path.clone()),
        Pem::Text(_) => Place::Settings,
    }
}

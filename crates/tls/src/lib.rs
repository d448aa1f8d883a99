//! What TLS a listener speaks: certificates, what is asked of peers, and who they are by theirs.
//!
//! [`Settings`] say it, [`Acceptor::new`] reads the files that they name and makes it ready for handshakes, and
//! [`Peer`] and [`CertificateNames`] are what is known of a peer after one. No sockets, no runtime, no clock: whoever
//! has them gives bytes to the [`openssl::ssl::Ssl`] of [`Acceptor::start`]. To read changed certificates is to make
//! a new [`Acceptor`] of the same settings; handshakes under way and open connections keep the old one.

mod acceptor;
mod certificate;
mod distinguished_name;
mod error;
mod names;
pub mod ocsp;
mod peer;
mod pin;
mod settings;
mod stream;
mod strength;
mod structure;
mod subject;
mod suites;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use acceptor::{Acceptor, https_acceptor};
pub use distinguished_name::{DistinguishedName, DistinguishedNameError};
pub use error::{Part, Place, TlsError};
pub use names::CertificateNames;
pub use openssl::ssl::SslRef;
pub use peer::{Peer, PeerCertificate, cipher_suite, version};
pub use pin::{Pin, PinError};
pub use settings::{HandshakeFirst, KeyPair, OcspCache, OcspPeer, Pem, Settings, Stapling, StaplingMode};
pub use stream::{StreamError, TlsStream, Unfinished, Verifier};
pub use suites::{CipherSuite, Curve, UnknownName, Version};

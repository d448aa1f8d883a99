//! How TLS is spoken: certificates, what is asked of peers, and who they are by theirs.
//!
//! [`Settings`] say it. [`Acceptor::new`] and [`Connector::new`] read the files that they name and make ready the server's
//! and the client's side of handshakes; [`Peer`] and [`CertificateNames`] are what is known of a peer after one. No
//! sockets, no runtime, no clock: who has them gives bytes to a [`TlsStream`]. To read changed certificates is to make a
//! new [`Acceptor`] or [`Connector`] of the same settings; handshakes under way and open connections keep the old one.

mod acceptor;
mod certificate;
mod connector;
mod context;
mod distinguished_name;
mod error;
#[cfg(test)]
mod line;
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

pub use acceptor::{Acceptor, https_acceptor, staples};
pub use certificate::ClientCredentials;
pub use connector::Connector;
pub use distinguished_name::{DistinguishedName, DistinguishedNameError};
pub use error::{Part, Place, TlsError};
pub use names::CertificateNames;
pub use openssl::ssl::SslRef;
pub use peer::{Certificates, Peer, PeerCertificate, cipher_suite, version};
pub use pin::{Pin, PinError};
pub use settings::{HandshakeFirst, KeyPair, OcspCache, OcspPeer, Pem, Settings, Stapling, StaplingMode};
pub use stream::{StreamError, TlsStream, Unfinished, Verifier};
pub use suites::{CipherSuite, Curve, UnknownName, Version};

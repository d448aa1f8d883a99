//! Who a server is: keys that it makes anew at each start.

use std::io;
use std::sync::Arc;
use vagus_auth::nkey::{CurveKey, KeyPair, Kind};

/// The keys of a server.
#[derive(Debug, Clone)]
pub(crate) struct ServerIdentity {
    /// The public one is what the server is called where it has no other name: 56 letters that begin with `N`. The other
    /// signs what the server says of itself.
    pub(crate) key: Arc<KeyPair>,
    /// For what is sealed for this server; the public one is 56 letters that begin with `X`.
    pub(crate) curve: Arc<CurveKey>,
}

impl ServerIdentity {
    /// New keys.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub(crate) fn generate() -> io::Result<Self> {
        Ok(Self {
            key: Arc::new(KeyPair::generate(Kind::Server)?),
            curve: Arc::new(CurveKey::generate()?),
        })
    }

    /// What the server is called where it has no other name.
    pub(crate) fn id(&self) -> &str {
        self.key.public()
    }
}

#[cfg(test)]
mod tests {
    use super::ServerIdentity;
    use vagus_auth::nkey::{Kind, decode_public};

    #[test]
    fn keys_read_as_nkeys() {
        let identity = ServerIdentity::generate().unwrap();
        assert_eq!((identity.id().len(), &identity.id()[..1]), (56, "N"));
        let xkey = identity.curve.public();
        assert_eq!((xkey.len(), &xkey[..1]), (56, "X"));
        assert_eq!(decode_public(identity.id()).unwrap().0, Kind::Server);
        assert_eq!(decode_public(xkey).unwrap().0, Kind::Curve);
        assert_ne!(identity.id(), ServerIdentity::generate().unwrap().id());
    }
}

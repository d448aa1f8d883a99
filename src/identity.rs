//! Who a server is: public keys that it makes anew at each start.

use openssl::pkey::{PKey, Private};
use std::io;
use vagus_auth::nkey::{Kind, encode_public};

/// The public keys of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerIdentity {
    /// What the server is called where it has no other name: 56 letters that begin with `N`.
    pub(crate) id: String,
    /// The key for what is sealed for this server: 56 letters that begin with `X`.
    pub(crate) xkey: String,
}

impl ServerIdentity {
    /// New keys.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub(crate) fn generate() -> io::Result<Self> {
        Ok(Self {
            id: encode_public(Kind::Server, &public(&PKey::generate_ed25519()?)?),
            xkey: encode_public(Kind::Curve, &public(&PKey::generate_x25519()?)?),
        })
    }
}

fn public(key: &PKey<Private>) -> io::Result<[u8; 32]> {
    let public = key.raw_public_key()?;
    public
        .try_into()
        .map_err(|_| io::Error::other("a public key is not of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::ServerIdentity;
    use vagus_auth::nkey::{Kind, decode_public};

    #[test]
    fn keys_read_as_nkeys() {
        let identity = ServerIdentity::generate().unwrap();
        assert_eq!((identity.id.len(), &identity.id[..1]), (56, "N"));
        assert_eq!((identity.xkey.len(), &identity.xkey[..1]), (56, "X"));
        assert_eq!(decode_public(&identity.id).unwrap().0, Kind::Server);
        assert_eq!(decode_public(&identity.xkey).unwrap().0, Kind::Curve);
        assert_ne!(identity, ServerIdentity::generate().unwrap());
    }
}

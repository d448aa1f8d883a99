//! Proxies that speak NATS and vouch for the clients that they connect (ADR-55).

use crate::nkey::{decode_public, decode_signature, verify};
use std::sync::Arc;

/// The proxies that a server trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    keys: Vec<(Arc<str>, [u8; 32])>,
}

/// What the signature of a proxy comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proxied {
    /// The client came by none, as far as anybody can tell: there is no signature, or no proxy is trusted.
    No,
    /// It came by the trusted proxy with this key.
    By(Arc<str>),
    /// It came by one that is not trusted.
    Untrusted,
}

impl TrustedProxies {
    /// Those with these public keys, of whatever kind. Others than such are left out: see
    /// [`decode_public`](crate::nkey::decode_public).
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        let keys = keys.into_iter().filter_map(|text| {
            let (_, key) = decode_public(text).ok()?;
            Some((text.into(), key))
        });
        Self { keys: keys.collect() }
    }

    /// Whether no proxy is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether the proxy with this key is trusted.
    #[must_use]
    pub fn trust(&self, key: &str) -> bool {
        self.keys.iter().any(|(known, _)| **known == *key)
    }

    /// By which proxy a client came, which has signed the nonce of the connection. `signature` is empty where it sent none.
    #[must_use]
    pub fn check(&self, signature: &str, nonce: &[u8]) -> Proxied {
        if signature.is_empty() || self.is_empty() {
            return Proxied::No;
        }
        let Some(signature) = decode_signature(signature).filter(|_| !nonce.is_empty()) else {
            return Proxied::Untrusted;
        };
        let signer = self.keys.iter().find(|(_, key)| verify(key, nonce, &signature));
        signer.map_or(Proxied::Untrusted, |(key, _)| Proxied::By(key.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Proxied, TrustedProxies};
    use crate::nkey::{KeyPair, Kind};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    const NONCE: &[u8] = b"0123456789abcde";

    #[test]
    fn a_proxy_is_known_by_its_signature_of_the_nonce() {
        let [first, second, other] =
            [Kind::Server, Kind::User, Kind::User].map(|kind| KeyPair::generate(kind).unwrap());
        let proxies = TrustedProxies::new([first.public(), second.public(), "nonsense"]);
        assert!(proxies.trust(second.public()) && !proxies.trust(other.public()));
        let signed = |key: &KeyPair| URL_SAFE_NO_PAD.encode(key.sign(NONCE).unwrap());
        for key in [&first, &second] {
            let by = Proxied::By(key.public().into());
            assert_eq!(proxies.check(&signed(key), NONCE), by);
        }
        assert_eq!(proxies.check("", NONCE), Proxied::No);
        for signature in [&*signed(&other), "AAAA", "!", &signed(&first)[1..]] {
            assert_eq!(proxies.check(signature, NONCE), Proxied::Untrusted);
        }
        assert_eq!(
            proxies.check(&signed(&first), b"another nonce"),
            Proxied::Untrusted
        );
        // A connection without a nonce proves nothing.
        assert_eq!(proxies.check(&signed(&first), b""), Proxied::Untrusted);
        let nobody = TrustedProxies::default();
        assert!(nobody.is_empty());
        assert_eq!(nobody.check(&signed(&first), NONCE), Proxied::No);
    }
}

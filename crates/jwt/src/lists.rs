//! Small lists that several claims have.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::ALL;

/// Words by which somebody is found among others, as they are signed.
pub type Tags = Vec<String>;

/// Whether something is as if it were not there.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Until when what was signed for some, or all, does not hold any more: public key or [`ALL`], and seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revocations(pub BTreeMap<String, i64>);

impl Revocations {
    /// Whether what was signed at this time for this public key is revoked.
    #[must_use]
    pub fn revoke(&self, public: &str, issued_at: i64) -> bool {
        let until = |key: &str| self.0.get(key).is_some_and(|until| *until >= issued_at);
        until(ALL) || until(public)
    }

    /// Whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Networks that somebody may connect from; none: from everywhere. An array, or text with commas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct SourceNetworks(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<String>),
    One(String),
}

impl From<OneOrMany> for SourceNetworks {
    fn from(given: OneOrMany) -> Self {
        Self(match given {
            OneOrMany::Many(networks) => networks,
            OneOrMany::One(text) => {
                let networks = text.split(',').map(|network| network.trim().to_lowercase());
                networks.filter(|network| !network.is_empty()).collect()
            }
        })
    }
}

impl SourceNetworks {
    /// Whether this address is in one of them. One that is no network has nobody in it, and everybody behind it neither,
    /// as in nats-server.
    #[must_use]
    pub fn have(&self, address: IpAddr) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let address = address.to_canonical();
        for network in &self.0 {
            match network.parse::<IpNet>() {
                Ok(network) if network.contains(&address) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        false
    }

    /// The first that is no network.
    pub(crate) fn first_wrong(&self) -> Option<&str> {
        let is_wrong = |network: &&String| network.parse::<IpNet>().is_err();
        self.0.iter().find(is_wrong).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::{Revocations, SourceNetworks};

    #[test]
    fn what_was_signed_before_is_revoked() {
        let revocations: Revocations = serde_json::from_str(r#"{"U1": 10, "*": 5}"#).unwrap();
        assert!(revocations.revoke("U1", 10));
        assert!(!revocations.revoke("U1", 11));
        assert!(revocations.revoke("U2", 5));
        assert!(!revocations.revoke("U2", 6));
        assert!(!Revocations::default().revoke("U1", 0));
    }

    #[test]
    fn networks_have_addresses() {
        let networks = |json: &str| serde_json::from_str::<SourceNetworks>(json).unwrap();
        let one = networks(r#"["10.0.0.0/8", "fd00::/16"]"#);
        for (address, is_in) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("11.1.2.3", false),
            ("fd00::1", true),
            ("fd01::1", false),
        ] {
            assert_eq!(one.have(address.parse().unwrap()), is_in, "{address}");
        }
        let text = networks(r#""192.168.0.0/16, 127.0.0.0/8""#);
        assert!(text.have("127.0.0.1".parse().unwrap()));
        assert!(!text.have("10.0.0.1".parse().unwrap()));
        assert!(networks("[]").have("10.0.0.1".parse().unwrap()));
        assert!(!networks(r#"["x", "0.0.0.0/0"]"#).have("10.0.0.1".parse().unwrap()));
        assert_eq!(networks(r#"["x", "0.0.0.0/0"]"#).first_wrong(), Some("x"));
    }
}

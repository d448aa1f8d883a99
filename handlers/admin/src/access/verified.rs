//! Credentials that were found right a short while ago.
//!
//! HTTP sends them with each request, and a hash takes a tenth of a second to compare. Nothing that is kept here gives
//! a password away: only authentication codes with a key of this process are.

use super::presented::Presented;
use lru::LruCache;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use std::num::NonZero;
use std::time::Duration;
use vagus_configs::AdminRole;

/// How long credentials need not be compared again.
const KEPT: Duration = Duration::from_secs(600);

/// How many credentials are kept; the oldest goes for a new one.
const KEPT_AT_MOST: NonZero<usize> = NonZero::new(64).unwrap();

type Code = [u8; 32];

/// Credentials that were found right; time is that since any fixed moment.
pub(super) struct Verified {
    key: PKey<Private>,
    known: LruCache<Code, (Duration, Entrant)>,
}

/// Somebody who has been let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrant {
    /// The name of the user; empty with a token, and where nobody has to log in.
    pub name: String,
    /// What they may do.
    pub role: AdminRole,
}

impl Verified {
    pub(super) fn new() -> Result<Self, ErrorStack> {
        let mut secret = [0; 32];
        openssl::rand::rand_bytes(&mut secret)?;
        Ok(Self {
            key: PKey::hmac(&secret)?,
            known: LruCache::new(KEPT_AT_MOST),
        })
    }

    /// Who these are the credentials of, if that is known.
    pub(super) fn find(&self, presented: &Presented, now: Duration) -> Option<Entrant> {
        let (since, entrant) = self.known.peek(&self.code(presented)?)?;
        (now.saturating_sub(*since) < KEPT).then(|| entrant.clone())
    }

    pub(super) fn keep(&mut self, presented: &Presented, entrant: Entrant, now: Duration) {
        if let Some(code) = self.code(presented) {
            self.known.put(code, (now, entrant));
        }
    }

    /// Other credentials are right from now on.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    fn code(&self, presented: &Presented) -> Option<Code> {
        let (kind, name, secret) = match presented {
            Presented::Nothing | Presented::Unreadable => return None,
            // No name holds a zero or a colon.
            Presented::Login { name, password } => (&b"login"[..], name.as_str(), password),
            Presented::Token(token) => (&b"token"[..], "", token),
        };
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key).ok()?;
        for piece in [kind, b":", name.as_bytes(), b":", secret.as_bytes()] {
            signer.update(piece).ok()?;
        }
        signer.sign_to_vec().ok()?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Entrant, KEPT, KEPT_AT_MOST, Presented, Verified};
    use std::time::Duration;
    use vagus_configs::AdminRole;

    fn entrant(name: &str) -> Entrant {
        Entrant {
            name: name.to_owned(),
            role: AdminRole::Read,
        }
    }

    #[test]
    fn only_the_very_credentials_are_known_and_not_for_ever() {
        let mut verified = Verified::new().unwrap();
        verified.keep(&Presented::login("a", "b"), entrant("a"), Duration::ZERO);
        assert_eq!(
            verified.find(&Presented::login("a", "b"), Duration::ZERO),
            Some(entrant("a"))
        );
        for other in [
            Presented::login("a", "c"),
            Presented::login("b", "b"),
            Presented::login("", "a:b"),
            Presented::Token("a:b".to_owned()),
            Presented::Token("b".to_owned()),
            Presented::Nothing,
        ] {
            assert_eq!(verified.find(&other, Duration::ZERO), None, "{other:?}");
        }
        assert_eq!(verified.find(&Presented::login("a", "b"), KEPT), None);
        verified.forget();
        assert_eq!(verified.find(&Presented::login("a", "b"), Duration::ZERO), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut verified = Verified::new().unwrap();
        for number in 0..3 * KEPT_AT_MOST.get() {
            let name = number.to_string();
            let now = Duration::from_nanos(number as u64);
            verified.keep(&Presented::login(&name, "p"), entrant(&name), now);
        }
        assert_eq!(verified.known.len(), KEPT_AT_MOST.get());
        assert_eq!(verified.find(&Presented::login("0", "p"), Duration::ZERO), None);
    }
}

//! Users who have logged in, by their tokens; and users that a service has let in within a minute, by their credentials.
//!
//! Nothing that is kept here gives a secret away: only codes with a key of this gateway are. When there are too many, the account
//! that has most of them loses its oldest.

use super::logins::{Admitted, Said};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a token holds.
pub(super) const LIFETIME: Duration = Duration::from_secs(900);

/// How long a service need not be asked again, nor a token be verified, that is sent with each call.
pub(super) const REMEMBERED: Duration = Duration::from_secs(60);

/// How many are kept.
const KEPT_AT_MOST: usize = 4096;

/// What somebody is known by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Code([u8; 32]);

/// Those who have logged in.
pub(super) struct Sessions {
    key: PKey<Private>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_code: HashMap<Code, Entered>,
    number: u64,
}

struct Entered {
    admitted: Arc<Admitted>,
    until: Instant,
    /// Grows from one to the next.
    number: u64,
}

impl Sessions {
    pub(super) fn new() -> Result<Self, ErrorStack> {
        let mut secret = [0; 32];
        openssl::rand::rand_bytes(&mut secret)?;
        Ok(Self {
            key: PKey::hmac(&secret)?,
            kept: Mutex::default(),
        })
    }

    /// What the holder of this token is known by.
    pub(super) fn of_token(&self, token: &str) -> Option<Code> {
        self.code(&[b"session", token.as_bytes()])
    }

    /// What somebody is known by who says this with each call from this address.
    pub(super) fn of_said(&self, said: &Said, peer: IpAddr) -> Option<Code> {
        let Said {
            jwt,
            user,
            pass,
            auth_token,
            ..
        } = said;
        let peer = peer.to_canonical().to_string();
        self.code(&[
            &b"said"[..],
            jwt.as_bytes(),
            user.as_bytes(),
            pass.as_bytes(),
            auth_token.as_bytes(),
            peer.as_bytes(),
        ])
    }

    fn code(&self, pieces: &[&[u8]]) -> Option<Code> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key).ok()?;
        for piece in pieces {
            // With its length, so that what one piece ends with is not what another begins with.
            signer.update(&piece.len().to_be_bytes()).ok()?;
            signer.update(piece).ok()?;
        }
        signer.sign_to_vec().ok()?.try_into().ok().map(Code)
    }

    /// A token for who was let in.
    pub(super) fn open(&self, admitted: Arc<Admitted>, now: Instant) -> Option<String> {
        let mut secret = [0; 32];
        openssl::rand::rand_bytes(&mut secret).ok()?;
        let token = URL_SAFE_NO_PAD.encode(secret);
        self.keep(self.of_token(&token)?, admitted, now + LIFETIME, now);
        Some(token)
    }

    /// Keeps somebody who was let in.
    pub(super) fn keep(&self, code: Code, admitted: Arc<Admitted>, until: Instant, now: Instant) {
        let mut kept = self.kept.lock();
        if kept.by_code.len() >= KEPT_AT_MOST {
            kept.make_room(now);
        }
        kept.number += 1;
        let number = kept.number;
        let entered = Entered {
            admitted,
            until,
            number,
        };
        kept.by_code.insert(code, entered);
    }

    /// Who this is, if it was let in and its time has not run out.
    pub(super) fn find(&self, code: Code, now: Instant) -> Option<Arc<Admitted>> {
        let kept = self.kept.lock();
        let entered = kept.by_code.get(&code)?;
        (now < entered.until).then(|| entered.admitted.clone())
    }

    /// What is known of somebody is this now.
    pub(super) fn renew(&self, code: Code, admitted: Arc<Admitted>) {
        if let Some(entered) = self.kept.lock().by_code.get_mut(&code) {
            entered.admitted = admitted;
        }
    }

    /// Nobody is known by this any more; false if nobody was.
    pub(super) fn end(&self, code: Code) -> bool {
        self.kept.lock().by_code.remove(&code).is_some()
    }
}

impl Kept {
    fn make_room(&mut self, now: Instant) {
        self.by_code.retain(|_, entered| now < entered.until);
        if self.by_code.len() < KEPT_AT_MOST {
            return;
        }
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for entered in self.by_code.values() {
            *counts.entry(entered.admitted.account()).or_default() += 1;
        }
        let largest = counts.into_iter().max_by_key(|(_, count)| *count);
        let of_largest = self
            .by_code
            .iter()
            .filter(|(_, entered)| largest.is_some_and(|(name, _)| entered.admitted.account() == name));
        let oldest = of_largest.min_by_key(|(_, entered)| entered.number);
        if let Some(code) = oldest.map(|(code, _)| *code) {
            self.by_code.remove(&code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::logins::{Admitted, Said};
    use super::{KEPT_AT_MOST, LIFETIME, Sessions};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    #[test]
    fn a_token_holds_for_a_while() {
        let (sessions, now) = (Sessions::new().unwrap(), Instant::now());
        let token = sessions.open(Arc::new(Admitted::in_account("A")), now).unwrap();
        let code = sessions.of_token(&token).unwrap();
        assert!(sessions.find(code, now).is_some());
        assert!(sessions.find(code, now + LIFETIME).is_none());
        assert!(sessions.find(sessions.of_token("other").unwrap(), now).is_none());
        assert!(sessions.end(code));
        assert!(sessions.find(code, now).is_none());
        assert!(!sessions.end(code));
    }

    #[test]
    fn the_account_with_most_loses_its_oldest() {
        let (sessions, now) = (Sessions::new().unwrap(), Instant::now());
        let open = |account: &str| {
            let token = sessions
                .open(Arc::new(Admitted::in_account(account)), now)
                .unwrap();
            sessions.of_token(&token).unwrap()
        };
        let quiet = open("QUIET");
        let (first, second) = (open("LOUD"), open("LOUD"));
        for _ in 3..KEPT_AT_MOST {
            open("LOUD");
        }
        assert!(sessions.find(first, now).is_some());
        open("LOUD");
        assert!(sessions.find(first, now).is_none());
        assert!(sessions.find(second, now).is_some());
        assert!(sessions.find(quiet, now).is_some());
        assert_eq!(sessions.kept.lock().by_code.len(), KEPT_AT_MOST);
        // What has run out goes first.
        let later = now + LIFETIME + Duration::from_secs(1);
        sessions.open(Arc::new(Admitted::in_account("B")), later);
        assert_eq!(sessions.kept.lock().by_code.len(), 1);
    }

    #[test]
    fn what_is_said_is_told_apart() {
        let sessions = Sessions::new().unwrap();
        let home = "127.0.0.1".parse().unwrap();
        let said = |user: &str, pass: &str| Said {
            user: user.to_owned(),
            pass: pass.to_owned(),
            ..Said::default()
        };
        let code = sessions.of_said(&said("ab", "c"), home);
        assert!(code == sessions.of_said(&said("ab", "c"), home));
        assert!(code != sessions.of_said(&said("a", "bc"), home));
        assert!(code != sessions.of_said(&said("ab", "c"), "127.0.0.2".parse().unwrap()));
    }
}

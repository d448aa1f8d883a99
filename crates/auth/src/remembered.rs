//! Passwords that were found to fit a hash, so that they need not be compared again.
//!
//! Comparing takes a tenth of a second by design, and clients that are known reconnect often and all at once. What is
//! kept gives no password away: authentication codes of hash and password, with a key of this process. That a
//! password is known makes it pass; that it is not known says nothing.

use crate::password::Hash;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many pairs each of the two halves has. When the newer is full it becomes the older, which is forgotten: what
/// was presented since is kept.
const HALF: usize = 4096;

type Code = [u8; 32];

/// The pairs that are known.
pub(crate) struct Remembered {
    /// Without randomness nothing is remembered.
    key: Option<PKey<Private>>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    newer: HashSet<Code>,
    older: HashSet<Code>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            key: key().ok(),
            known: Mutex::default(),
        }
    }
}

fn key() -> Result<PKey<Private>, ErrorStack> {
    let mut secret = [0; 32];
    openssl::rand::rand_bytes(&mut secret)?;
    PKey::hmac(&secret)
}

impl Remembered {
    /// Whether this password was found to fit this hash before.
    pub(crate) fn knows(&self, hash: &Hash, password: &[u8]) -> bool {
        // Before the work of a code, while there is nobody to know.
        if self.known().is_empty() {
            return false;
        }
        self.code(hash, password)
            .is_some_and(|code| self.known().has(&code))
    }

    /// This password was found to fit this hash.
    pub(crate) fn keep(&self, hash: &Hash, password: &[u8]) {
        if let Some(code) = self.code(hash, password) {
            self.known().keep(code);
        }
    }

    fn code(&self, hash: &Hash, password: &[u8]) -> Option<Code> {
        let mut signer = Signer::new(MessageDigest::sha256(), self.key.as_ref()?).ok()?;
        // The first part is always as long.
        signer.update(&hash.identity()).ok()?;
        signer.update(password).ok()?;
        signer.sign_to_vec().ok()?.try_into().ok()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A set is never half changed, even if somebody panicked.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is_empty(&self) -> bool {
        self.newer.is_empty() && self.older.is_empty()
    }

    fn has(&mut self, code: &Code) -> bool {
        if self.newer.contains(code) {
            return true;
        }
        let was_known = self.older.contains(code);
        if was_known {
            self.keep(*code);
        }
        was_known
    }

    fn keep(&mut self, code: Code) {
        if self.newer.len() >= HALF {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(code);
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Remembered").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{HALF, Remembered};
    use crate::password::Hash;

    #[test]
    fn only_the_very_pair_is_known() {
        let remembered = Remembered::default();
        let (one, other) = (Hash::decoy(4), Hash::decoy(5));
        assert!(!remembered.knows(&one, b"secret"));
        remembered.keep(&one, b"secret");
        assert!(remembered.knows(&one, b"secret"));
        assert!(!remembered.knows(&one, b"secret2") && !remembered.knows(&one, b""));
        assert!(!remembered.knows(&other, b"secret"));
        assert!(!Remembered::default().knows(&one, b"secret"));
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_used_stays() {
        let remembered = Remembered::default();
        let hash = Hash::decoy(4);
        remembered.keep(&hash, b"used");
        remembered.keep(&hash, b"not used");
        for number in 0..3 * HALF {
            remembered.keep(&hash, number.to_string().as_bytes());
            if number % HALF == 0 {
                assert!(remembered.knows(&hash, b"used"));
            }
        }
        assert!(!remembered.knows(&hash, b"not used"));
        let known = remembered.known();
        assert!(known.newer.len() <= HALF && known.older.len() <= HALF);
    }
}

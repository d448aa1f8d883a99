//! What is known of one account.

use std::fmt;
use std::time::SystemTime;
use vagus_jwt::{Account, Claims};

/// An account that an operator has signed.
pub struct KnownAccount {
    /// What the operator says of it.
    pub claims: Claims<Account>,
    /// The token in which it does.
    pub token: Box<str>,
    /// Since when that is known.
    pub updated: SystemTime,
}

impl KnownAccount {
    pub(super) fn new(claims: Claims<Account>, token: &str) -> Self {
        Self {
            claims,
            token: token.into(),
            updated: SystemTime::now(),
        }
    }

    /// Whether what is said of it does not hold any more, at this time in seconds since 1970.
    pub fn has_expired(&self, now: i64) -> bool {
        self.claims.expires != 0 && self.claims.expires <= now
    }
}

impl fmt::Debug for KnownAccount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("KnownAccount")
            .field(&self.claims.subject)
            .finish()
    }
}

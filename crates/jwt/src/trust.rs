//! Whom a server trusts to sign accounts.

use std::collections::HashSet;

use crate::claims::Claims;
use crate::operator::Operator;

/// The public keys that may sign accounts, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    keys: HashSet<String>,
    /// Those of operators whose accounts' own keys sign no users.
    strict: HashSet<String>,
    /// The only accounts that are let in, if these are named.
    pinned: Option<HashSet<String>>,
}

impl Trust {
    /// Trusts these keys, and those that the operators name.
    #[must_use]
    pub fn new<'a>(
        keys: impl IntoIterator<Item = &'a str>,
        operators: impl IntoIterator<Item = &'a Claims<Operator>>,
    ) -> Self {
        let mut trust = Self {
            keys: keys.into_iter().map(str::to_owned).collect(),
            ..Self::default()
        };
        for operator in operators {
            trust.keys.extend(operator.trusted_keys().map(str::to_owned));
            if operator.nats.strict_signing_key_usage {
                trust.strict.extend(operator.nats.signing_keys.iter().cloned());
            }
        }
        trust
    }

    /// The same, but that these accounts alone are let in.
    #[must_use]
    pub fn pinned(mut self, accounts: impl IntoIterator<Item = String>) -> Self {
        self.pinned = Some(accounts.into_iter().collect());
        self
    }

    /// Whether this key may sign accounts.
    #[must_use]
    pub fn trusts(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// Whether the own key of an account that this one has signed signs no users.
    #[must_use]
    pub fn is_strict(&self, key: &str) -> bool {
        self.strict.contains(key)
    }

    /// Whether this account is let in at all.
    #[must_use]
    pub fn lets_in(&self, account: &str) -> bool {
        self.pinned.as_ref().is_none_or(|pinned| pinned.contains(account))
    }

    /// The keys that may sign accounts, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }
}

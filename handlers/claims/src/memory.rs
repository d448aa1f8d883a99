//! Tokens in memory.

use parking_lot::RwLock;
use std::collections::BTreeMap;
use vagus_actors::claimed_accounts::{FetchError, TokenStore};

/// Tokens by the public keys of their accounts: those of the configuration, and what was pushed since.
#[derive(Default)]
pub struct MemoryStore(RwLock<BTreeMap<Box<str>, Box<str>>>);

impl TokenStore for MemoryStore {
    fn fetch(&self, account: &str) -> Result<Box<str>, FetchError> {
        self.0.read().get(account).cloned().ok_or(FetchError::Missing)
    }

    fn keep(&self, account: &str, token: &str) -> Result<(), FetchError> {
        self.0.write().insert(account.into(), token.into());
        Ok(())
    }
}

/// Tokens let people in: they are not shown.
impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

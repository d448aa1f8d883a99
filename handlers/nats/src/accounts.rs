//! Which account each client belongs to.

use std::collections::HashMap;
use std::sync::Arc;
use vagus_auth::credentials::Identity;
use vagus_delivery::Account;

/// The accounts of users, by their names.
#[derive(Debug, Clone)]
pub struct UserAccounts {
    global: Arc<Account>,
    others: HashMap<String, Arc<Account>>,
}

impl UserAccounts {
    /// Everybody belongs to this one.
    pub fn global(account: Arc<Account>) -> Self {
        Self {
            global: account,
            others: HashMap::new(),
        }
    }

    /// The same, but for one user, who belongs to this account.
    #[must_use]
    pub fn with(mut self, user: &str, account: Arc<Account>) -> Self {
        self.others.insert(user.to_owned(), account);
        self
    }

    /// That of a client which was admitted.
    pub(crate) fn of(&self, identity: &Identity) -> &Arc<Account> {
        identity
            .user()
            .and_then(|user| self.others.get(user))
            .unwrap_or(&self.global)
    }
}

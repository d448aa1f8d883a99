//! Which account each client belongs to.

use std::sync::Arc;
use vagus_auth::credentials::Identity;
use vagus_delivery::{Account, AccountDirectory};

/// That of a client which was admitted; None if its account has been removed since.
pub(crate) fn account_of(identity: &Identity, directory: &AccountDirectory) -> Option<Arc<Account>> {
    match identity.account() {
        Some(name) => directory.find(name),
        None => Some(directory.global().clone()),
    }
}

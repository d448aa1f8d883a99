//! Accounts: connections share subjects with others of the same account alone.

use crate::interest::Interest;
use parking_lot::RwLock;
use std::sync::Arc;
use vagus_routing::{AccountId, Mappings};

/// The account of everybody who belongs to no other.
pub const GLOBAL_ACCOUNT: &str = "$G";

/// One account, as far as messages are concerned: who is bound to it publishes to others that are, and to nobody else.
///
/// One without subscriptions takes less than a kilobyte of memory.
#[derive(Debug)]
pub struct Account {
    id: AccountId,
    name: Box<str>,
    interest: Interest,
    mappings: RwLock<Option<Arc<Mappings>>>,
}

impl Account {
    /// An account without subscriptions. No other of the server, whenever it is, has this id.
    pub fn new(id: AccountId, name: &str) -> Self {
        Self {
            id,
            name: name.into(),
            interest: Interest::new(id),
            mappings: RwLock::default(),
        }
    }

    /// The number by which it is told from others.
    #[inline]
    pub fn id(&self) -> AccountId {
        self.id
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who wants what of what is published in it.
    #[inline]
    pub fn interest(&self) -> &Interest {
        &self.interest
    }

    /// The subjects that what is published in it goes to instead; None where none is mapped. Takes a lock: not for every
    /// message.
    pub fn mappings(&self) -> Option<Arc<Mappings>> {
        self.mappings.read().clone()
    }

    /// From now on subjects are mapped so. Who goes by other mappings has to be told.
    pub fn set_mappings(&self, mappings: Mappings) {
        *self.mappings.write() = (!mappings.is_empty()).then(|| Arc::new(mappings));
    }
}

#[cfg(test)]
mod tests {
    use super::Account;
    use vagus_routing::AccountId;

    /// What a table of accounts has to hold for each, allocations apart, of which an idle one has none but its name, and
    /// the first page of its index.
    #[test]
    fn an_idle_account_is_small() {
        let account = Account::new(AccountId(1), "A");
        assert!(size_of::<Account>() <= 512, "{}", size_of::<Account>());
        assert!(account.interest().stats().wildcard_memory <= 512);
    }
}

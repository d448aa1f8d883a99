//! Which accounts there are, and what they are defined to be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vagus_accounts::AccountDefinition;

/// The account of everybody who belongs to no other. It is always there; a file defines nothing but its mappings.
pub const GLOBAL_ACCOUNT: &str = "$G";

/// The account of servers, unless another is named for that.
pub const DEFAULT_SYSTEM_ACCOUNT: &str = "$SYS";

/// The accounts of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// Those that are defined, by name. The global one and the system account are among them where something is said of
    /// them.
    pub definitions: BTreeMap<Arc<str>, Arc<AccountDefinition>>,
    /// The name of the account in which servers tell of themselves and are asked; None if there is none.
    pub system: Option<Arc<str>>,
}

impl Default for Accounts {
    /// That of everybody, and that of servers, of which nothing is said.
    fn default() -> Self {
        Self {
            definitions: BTreeMap::new(),
            system: Some(DEFAULT_SYSTEM_ACCOUNT.into()),
        }
    }
}

impl Accounts {
    /// Whether one is defined beside the global one, which is the system account.
    pub(crate) fn defines_only_system(&self) -> bool {
        let mut names = self.definitions.keys().filter(|name| ***name != *GLOBAL_ACCOUNT);
        names.next() == self.system.as_ref() && self.system.is_some() && names.next().is_none()
    }

    /// The names of all accounts that there are beside the global one, whether they are defined or not.
    pub fn names(&self) -> BTreeSet<Arc<str>> {
        let mut names: BTreeSet<_> = self.definitions.keys().cloned().collect();
        names.extend(self.system.clone());
        names.remove(GLOBAL_ACCOUNT);
        names
    }
}

//! Which accounts there are.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The account of everybody who belongs to no other. It is always there, and not to be defined.
pub const GLOBAL_ACCOUNT: &str = "$G";

/// The account of servers, unless another is named for that.
pub const DEFAULT_SYSTEM_ACCOUNT: &str = "$SYS";

/// The accounts of a server, beside the global one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// Their names. The system account is one of them only where it is defined.
    pub names: BTreeSet<Arc<str>>,
    /// The name of the account in which servers tell of themselves and are asked; None if there is none.
    pub system: Option<Arc<str>>,
}

impl Default for Accounts {
    /// That of servers alone.
    fn default() -> Self {
        Self {
            names: BTreeSet::new(),
            system: Some(DEFAULT_SYSTEM_ACCOUNT.into()),
        }
    }
}

impl Accounts {
    /// Whether one is defined, which is the system account.
    pub(crate) fn defines_only_system(&self) -> bool {
        self.names.len() == 1 && self.names.first() == self.system.as_ref()
    }

    /// All accounts that there are beside the global one, by name.
    pub fn all(&self) -> BTreeSet<Arc<str>> {
        let mut all = self.names.clone();
        all.extend(self.system.clone());
        all.remove(GLOBAL_ACCOUNT);
        all
    }
}

//! Which accounts may keep something in streams.

use crate::{Accounts, Config, GLOBAL_ACCOUNT};
use std::sync::Arc;
use vagus_accounts::AccountDefinition;
use vagus_jetstream::account::{AccountLimits, Tiers};

/// Who may keep something in streams, as far as the accounts themselves do not say it.
#[derive(Debug, Clone, Copy)]
pub struct StreamOwners {
    /// There is no account beside the global one, but for that of the system.
    global_is_alone: bool,
}

impl StreamOwners {
    /// By this configuration.
    pub fn of(config: &Config) -> Self {
        let Accounts { definitions, system } = &config.accounts;
        let is_other = |name: &Arc<str>| **name != *GLOBAL_ACCOUNT && system.as_ref() != Some(name);
        Self {
            global_is_alone: config.operators.is_none() && !definitions.keys().any(is_other),
        }
    }

    /// What an account of this name and definition may keep in streams; None: nothing. The global one may keep whatever the
    /// server does if there is no other beside the system account.
    pub fn tiers(self, name: &str, definition: Option<&AccountDefinition>) -> Option<Tiers> {
        let everything = || Tiers::flat(AccountLimits::default());
        let tiers = definition.and_then(|definition| definition.jetstream.clone());
        tiers.or_else(|| (self.global_is_alone && name == GLOBAL_ACCOUNT).then(everything))
    }
}

//! The accounts that operators have signed, as a server starts with them.

use crate::server::StartError;
use actix::Addr;
use std::sync::Arc;
use vagus_actors::Accounts;
use vagus_actors::claimed_accounts::{ClaimedAccounts, TokenStore};
use vagus_actors::monitor::Monitor;
use vagus_claims::{DirectoryStore, MemoryStore, UrlStore};
use vagus_configs::{Config, DEFAULT_FETCH_TIMEOUT, DEFAULT_SYSTEM_ACCOUNT, Operators, Resolver};

/// The accounts that operators have signed, with those known that are named at the start; None where accounts are configured.
pub(crate) fn start(
    config: &Config,
    accounts: &Arc<Accounts>,
    monitor: &Addr<Monitor>,
) -> Result<Option<Arc<ClaimedAccounts>>, StartError> {
    let Some(operators) = &config.operators else {
        return Ok(None);
    };
    let store: Arc<dyn TokenStore> = match &operators.resolver {
        Resolver::Memory => Arc::new(MemoryStore::default()),
        Resolver::Url(url) => Arc::new(UrlStore::new(url, DEFAULT_FETCH_TIMEOUT)),
        Resolver::Directory(settings) => Arc::new(DirectoryStore::open(settings)?),
    };
    let claimed = ClaimedAccounts::start(
        operators.trust(),
        operators.default_sentinel.as_deref(),
        store,
        accounts.clone(),
        monitor.clone(),
    )?;
    preload(operators, &claimed);
    if let Some(name) = &config.accounts.system
        && &**name != DEFAULT_SYSTEM_ACCOUNT
        && claimed.fetch(name).is_none()
    {
        // Others may bring it: servers, or whoever administers them.
        if !matches!(operators.resolver, Resolver::Directory(_)) {
            return Err(StartError::SystemAccount);
        }
        log::warn!("The token of the system account {name} is not there yet");
    }
    Ok(Some(Arc::new(claimed)))
}

/// Keeps the tokens that the configuration has, unless there are newer ones.
pub(crate) fn preload(operators: &Operators, claimed: &ClaimedAccounts) {
    for (account, token) in &operators.preload {
        if let Err(error) = claimed.store().keep(account, token) {
            log::error!("Preloading the token of account {account}: {error}");
        }
    }
}

//! The accounts that operators have signed, as a server starts with them.

use crate::bootstrap::runtime;
use crate::server::StartError;
use actix::Arbiter;
use std::sync::Arc;
use tokio::sync::oneshot;
use vagus_actors::Accounts;
use vagus_actors::asking::Asking;
use vagus_actors::claimed_accounts::{ClaimedAccounts, TokenStore};
use vagus_actors::in_process::InProcess;
use vagus_claims::{ClaimsDesk, ClaimsService, DirectoryStore, MemoryStore, UrlStore, run};
use vagus_configs::{
    Config, DEFAULT_FETCH_TIMEOUT, DEFAULT_SYSTEM_ACCOUNT, DirectoryKind, Operators, Resolver,
};
use vagus_delivery::Live;
use vagus_delivery::arbiter::LocalArbiter;
use vagus_nats::ClientSettings;

/// The accounts that operators have signed, with those known that are named at the start, and who answers what is asked
/// about them; None where accounts are configured.
pub(crate) fn start(
    config: &Config,
    server_id: &str,
    accounts: &Arc<Accounts>,
) -> Result<Option<(Arc<ClaimedAccounts>, ClaimsDesk)>, StartError> {
    let Some(operators) = &config.operators else {
        return Ok(None);
    };
    let mut directory = None;
    let store: Arc<dyn TokenStore> = match &operators.resolver {
        Resolver::Memory => Arc::new(MemoryStore::default()),
        Resolver::Url(url) => {
            let tls = operators.resolver_tls.as_ref();
            Arc::new(UrlStore::new(url, DEFAULT_FETCH_TIMEOUT, tls)?)
        }
        Resolver::Directory(settings) => directory
            .insert(Arc::new(DirectoryStore::open(settings)?))
            .clone(),
    };
    let claimed = ClaimedAccounts::new(
        operators.trust(),
        operators.default_sentinel.as_deref(),
        store,
        accounts.clone(),
    );
    preload(operators, &claimed);
    if let Some(directory) = &directory {
        let which = match directory.kind() {
            DirectoryKind::Full { .. } => "all",
            DirectoryKind::Cache { .. } => "some",
        };
        log::info!(
            "Managing {which} jwt in exclusive directory {}",
            directory.path().display()
        );
    }
    let system = config.accounts.system.as_deref();
    if let Some(name) = system
        && name != DEFAULT_SYSTEM_ACCOUNT
        && claimed.fetch(name).is_none()
    {
        // Others may bring it: servers, or whoever administers them.
        if directory.is_none() {
            return Err(StartError::SystemAccount);
        }
        log::warn!("The token of the system account {name} is not there yet");
    }
    let claimed = Arc::new(claimed);
    let desk = ClaimsDesk::new(server_id, claimed.clone(), directory, operators, system);
    Ok(Some((claimed, desk)))
}

/// Keeps the tokens that the configuration has, unless there are newer ones.
pub(crate) fn preload(operators: &Operators, claimed: &ClaimedAccounts) {
    for (account, token) in &operators.preload {
        if let Err(error) = claimed.store().keep(account, token) {
            log::error!("Preloading the token of account {account}: {error}");
        }
    }
}

/// Has what is asked about tokens answered in the system account, if there is one, on a thread of its own; what comes back
/// is ready once it is. Call it on the thread of this arbiter, which publishes.
pub(crate) fn serve(
    desk: ClaimsDesk,
    arbiter: LocalArbiter,
    accounts: &Accounts,
    asking: Asking,
    settings: Arc<Live<ClientSettings>>,
) -> Option<oneshot::Receiver<()>> {
    let system = accounts.get(accounts.directory().system()?.id())?;
    desk.look_elsewhere(asking, system.account.id());
    let service = ClaimsService {
        desk,
        in_process: InProcess::start(arbiter, system),
        describe: Box::new(move || {
            let (settings, time) = (settings.current().0, jiff::Timestamp::now().to_string());
            // It is made of texts and numbers: that does not fail.
            serde_json::to_string(&settings.next_server_shown(&time)).unwrap_or_default()
        }),
    };
    let (ready, is_ready) = oneshot::channel();
    Arbiter::with_tokio_rt(runtime).spawn_fn(move || {
        actix::spawn(run(service, ready));
    });
    Some(is_ready)
}

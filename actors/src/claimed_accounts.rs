//! The accounts that operators have signed: which are known, and where the tokens of others are found.
//!
//! What is known is looked up where connections log in, on any thread. What is not is fetched on threads of its own, once
//! for all who wait for it, and who asks takes turns with others.

mod fetching;
mod known;
mod store;

pub use fetching::Fetched;
pub use known::KnownAccount;
pub use store::{FetchError, TokenStore};

use crate::accounts::Accounts;
use crate::slow_work::SlowWork;
use fetching::Fetching;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use thiserror::Error;
use vagus_auth::nkey::{self, Kind};
use vagus_jwt::{Account, Claims, TokenError, Trust};

/// For how long the accounts are looked for that one imports from: so long it may keep others waiting.
const EXPORTERS_LOOKED_FOR: Duration = Duration::from_secs(1);

/// How many tokens are fetched at once.
const FETCHES_AT_ONCE: usize = 16;

/// The accounts that operators have signed.
pub struct ClaimedAccounts {
    trust: Trust,
    /// The token of those who present none, if there is one.
    default_sentinel: Option<Box<str>>,
    store: Arc<dyn TokenStore>,
    known: RwLock<HashMap<Box<str>, Arc<KnownAccount>, RandomState>>,
    fetching: Arc<Fetching>,
    threads: SlowWork,
    accounts: Arc<Accounts>,
    /// One account changes at a time, so that what accounts share follows their newest definitions.
    changing: Mutex<()>,
    /// How many came of accounts that are not pinned.
    not_pinned: AtomicU64,
}

/// What is known of an account.
#[derive(Debug)]
pub enum Lookup {
    /// This.
    Known(Arc<KnownAccount>),
    /// There is none, or none that could be looked for now.
    Absent,
    /// It is being looked for.
    Fetching(Fetched),
}

/// Why a token does not become that of an account.
#[derive(Debug, Error)]
pub enum UpdateError {
    /// It is no token of an account.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It is the token of another account.
    #[error("subject does not match jwt content")]
    Subject,
    /// Nobody who is trusted has signed it, or something is wrong with what it says.
    #[error("account validation failed")]
    Validation,
}

impl ClaimedAccounts {
    /// Nothing is known yet.
    pub fn new(
        trust: Trust,
        default_sentinel: Option<&str>,
        store: Arc<dyn TokenStore>,
        accounts: Arc<Accounts>,
    ) -> Self {
        Self {
            trust,
            default_sentinel: default_sentinel.map(Into::into),
            store,
            known: RwLock::default(),
            fetching: Arc::default(),
            threads: SlowWork::waiting_on_threads(FETCHES_AT_ONCE),
            accounts,
            changing: Mutex::new(()),
            not_pinned: AtomicU64::new(0),
        }
    }

    /// The operators that the server trusts to sign accounts.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Where tokens are found.
    pub fn store(&self) -> &dyn TokenStore {
        &*self.store
    }

    /// The token of those who present none, if there is one.
    pub fn default_sentinel(&self) -> Option<&str> {
        self.default_sentinel.as_deref()
    }

    /// How many came of accounts that are not pinned.
    pub fn not_pinned(&self) -> u64 {
        self.not_pinned.load(Ordering::Relaxed)
    }

    /// Somebody came of an account that is not pinned.
    pub fn count_not_pinned(&self) {
        self.not_pinned.fetch_add(1, Ordering::Relaxed);
    }

    /// What is known of this account now.
    pub fn known(&self, account: &str) -> Option<Arc<KnownAccount>> {
        self.known.read().get(account).cloned()
    }

    /// All that is known, in no order.
    pub fn all_known(&self) -> Vec<Arc<KnownAccount>> {
        self.known.read().values().cloned().collect()
    }

    /// Looks an account up for somebody who connects from `source`. What has expired is looked for once more.
    pub fn look_up(self: &Arc<Self>, account: &str, source: IpAddr) -> Lookup {
        if let Some(known) = self.known(account)
            && !known.has_expired(now())
        {
            return Lookup::Known(known);
        }
        if !nkey::is_public(Kind::Account, account) {
            return Lookup::Absent;
        }
        let (fetched, is_first) = self.fetching.wait(account);
        if is_first {
            let (accounts, name) = (self.clone(), account.to_owned());
            let handed_in = self.threads.hand_in(source, move || {
                // Answered even if the work panics.
                let waiting = accounts.fetching.answering(&name);
                let found = accounts.fetch(&name);
                accounts.fetch_exporters(&name);
                waiting.answer(found);
            });
            if !handed_in {
                self.fetching.answering(account).answer(None);
                return Lookup::Absent;
            }
        }
        Lookup::Fetching(fetched)
    }

    /// Looks an account up where tokens are found. Blocks, for no longer than the store does.
    pub fn fetch(&self, account: &str) -> Option<Arc<KnownAccount>> {
        let token = match self.store.fetch(account) {
            Ok(token) => token,
            Err(error) => {
                log::debug!("Account {account:?} fetch failed: {error}");
                return self.known(account);
            }
        };
        if let Some(known) = self.known(account)
            && *known.token == *token
        {
            return Some(known);
        }
        self.update(account, &token)
            .inspect_err(|error| log::debug!("Account {account:?}: {error}"))
            .ok()
    }

    /// Looks up the accounts that an account imports from, and those that these import from, as long as none is known yet
    /// and there is time. Blocks.
    pub fn fetch_exporters(&self, account: &str) {
        let began = Instant::now();
        let mut importers: Vec<Arc<KnownAccount>> = self.known(account).into_iter().collect();
        while let Some(importer) = importers.pop() {
            for import in &importer.claims.nats.imports {
                let exporter = &import.account;
                if self.known(exporter).is_some() || !nkey::is_public(Kind::Account, exporter) {
                    continue;
                }
                if began.elapsed() > EXPORTERS_LOOKED_FOR {
                    log::warn!(
                        "Account {account} imports from more accounts than could be looked up in time"
                    );
                    return;
                }
                importers.extend(self.fetch(exporter));
            }
        }
    }

    /// The same elsewhere, for who may not block.
    pub fn look_for_exporters(self: &Arc<Self>, account: &str) {
        let (accounts, name) = (self.clone(), account.to_owned());
        let nobody = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        if !self
            .threads
            .hand_in(nobody, move || accounts.fetch_exporters(&name))
        {
            log::warn!("The accounts that {account} imports from are not looked up: too much waits already");
        }
    }

    /// From now on this is the token of the account. Who is in it goes by it at once.
    ///
    /// # Errors
    /// Why it cannot be. Nothing has changed then.
    pub fn update(&self, account: &str, token: &str) -> Result<Arc<KnownAccount>, UpdateError> {
        let claims = self.verify(account, token)?;
        let _changing = self.changing.lock();
        // Defined before anybody can belong to it.
        let definition = Arc::new(claims.definition());
        let opened = self.accounts.open(account);
        let shared = opened.definition().is_some_and(|before| before.shares());
        opened.define(&definition);
        if shared || definition.shares() {
            self.share_anew(&opened);
        }
        let known = Arc::new(KnownAccount::new(claims, token));
        let before = self.known.write().insert(account.into(), known.clone());
        if before.is_some() {
            opened.tell_of_change();
            self.accounts.tell_again(opened.id());
        }
        Ok(known)
    }

    /// Has an account share what its token says, as far as the accounts are known that it names.
    fn share_anew(&self, account: &vagus_delivery::Account) {
        let (_, refused) = self.accounts.share_anew(account, now());
        for import in refused {
            log::debug!(
                "Error adding import {:?} of account {:?}: {}",
                import.subject,
                import.account,
                import.error
            );
        }
    }

    /// What a token says of this account, if it is to be believed now.
    ///
    /// # Errors
    /// Why it is not.
    pub fn verify(&self, account: &str, token: &str) -> Result<Claims<Account>, UpdateError> {
        let claims = Claims::<Account>::decode(token)?;
        if claims.subject != account {
            return Err(UpdateError::Subject);
        }
        // Checks that take long are for trusted signers alone.
        if !self.trust.trusts(&claims.issuer) || claims.issues(now()).block_now() {
            return Err(UpdateError::Validation);
        }
        Ok(claims)
    }

    /// What is known is looked up once more where tokens are found. Blocks, for each as long as the store does.
    pub fn refresh(&self) {
        for known in self.all_known() {
            self.fetch(&known.claims.subject);
            self.fetch_exporters(&known.claims.subject);
        }
    }

    /// Nobody may be in this account any more.
    pub fn forget(&self, account: &str) {
        let was_known = self.known.write().remove(account).is_some();
        if was_known && let Some(account) = self.accounts.directory().find(account) {
            account.tell_of_change();
        }
    }
}

impl std::fmt::Debug for ClaimedAccounts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ClaimedAccounts")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

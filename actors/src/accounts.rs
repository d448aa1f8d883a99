//! The accounts of a server, and where the Router of each is.

use crate::agreed::Agreed;
use crate::mailbox::tell_recipient;
use crate::router::Router;
use actix::prelude::*;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use vagus_configs::GLOBAL_ACCOUNT;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::{Account, AccountDirectory};
use vagus_protocol::gateway::ReplyPrefix;
use vagus_protocol::service_latency::short_id;
use vagus_routing::{AccountId, Version};

/// An account, and where changes of interest in it are announced.
#[derive(Debug, Clone)]
pub struct RoutedAccount {
    /// What is published in it goes by.
    pub account: Arc<Account>,
    /// The only writer of its index.
    pub router: Addr<Router>,
}

/// All accounts of a server, by their numbers. Each that anybody has used has an actor, its Router.
#[derive(Debug)]
pub struct Accounts {
    pub(crate) arbiters: Arc<Arbiters>,
    /// Those that may owe answers to others.
    pub(crate) owing: RwLock<Vec<Weak<Account>>>,
    /// What replies begin with that leave for other clusters, if there are any.
    reply_prefix: OnceLock<ReplyPrefix>,
    /// The name of the cluster that the server is in, if it is in one.
    cluster: RwLock<Option<Arc<str>>>,
    /// By what other servers know this one in what they are asked.
    pub(crate) known_as: OnceLock<Box<str>>,
    /// What they share. One change of it at a time, so that what is in force follows the newest definitions.
    pub(crate) agreed: Mutex<Agreed>,
    /// When an import ends by itself, in seconds since 1970: the first of them.
    pub(crate) import_ends: AtomicI64,
    /// Where the Routers run.
    thread: ArbiterHandle,
    directory: Arc<AccountDirectory>,
    global: RoutedAccount,
    /// Those that there are beside the global one.
    others: RwLock<HashMap<AccountId, Opened, RandomState>>,
    /// The number of the account that is opened next: none is given twice.
    next: AtomicU32,
    /// Who is told what becomes of accounts.
    observers: Mutex<Vec<Recipient<AccountNews>>>,
}

/// What becomes of accounts.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub enum AccountNews {
    /// There is one in which somebody may be interested in something. It may be told of twice.
    Used(RoutedAccount),
    /// There is one no more; there may be another of its name.
    Gone(RoutedAccount),
}

/// An account that has been opened, which nobody may have used yet.
#[derive(Debug)]
struct Opened {
    account: Arc<Account>,
    router: OnceLock<Addr<Router>>,
}

impl Opened {
    fn used(&self) -> Option<RoutedAccount> {
        Some(RoutedAccount {
            account: self.account.clone(),
            router: self.router.get()?.clone(),
        })
    }
}

impl Accounts {
    /// The global account alone. Its Router, and those of the accounts that are opened later, run on the thread that calls.
    pub fn start(arbiters: Arc<Arbiters>) -> Self {
        let thread = Arbiter::current();
        let account = Arc::new(Account::new(AccountId::default(), GLOBAL_ACCOUNT));
        Self {
            directory: Arc::new(AccountDirectory::new(account.clone())),
            global: RoutedAccount {
                router: start(account.clone(), &arbiters, &thread),
                account,
            },
            others: RwLock::default(),
            next: AtomicU32::new(1),
            observers: Mutex::default(),
            thread,
            arbiters,
            owing: RwLock::default(),
            reply_prefix: OnceLock::new(),
            cluster: RwLock::default(),
            known_as: OnceLock::new(),
            agreed: Mutex::default(),
            import_ends: AtomicI64::new(i64::MAX),
        }
    }

    /// The id of the server. Servers that measure how long answers take send the measurement to a subject that holds the end
    /// of it. Set it before accounts share anything.
    pub fn set_server_id(&self, server_id: &str) {
        // It never changes.
        let _ = self.known_as.set(short_id(server_id).into());
    }

    /// The accounts by name.
    pub fn directory(&self) -> &Arc<AccountDirectory> {
        &self.directory
    }

    /// The account of this name, which is opened if there is none: nobody is in it then.
    pub fn open(&self, name: &str) -> Arc<Account> {
        let mut others = self.others.write();
        if let Some(account) = self.directory.find(name) {
            return account;
        }
        let id = AccountId(self.next.fetch_add(1, Ordering::Relaxed));
        let account = Arc::new(Account::new(id, name));
        let router = OnceLock::new();
        others.insert(
            id,
            Opened {
                account: account.clone(),
                router,
            },
        );
        self.directory.add(account.clone());
        account.set_cluster(self.cluster.read().as_ref());
        if let Some(prefix) = self.reply_prefix.get() {
            account.interest().map_replies(*prefix);
        }
        account
    }

    /// The server's cluster is connected to others: replies that leave for them may lead back by themselves. Before anybody
    /// publishes.
    pub fn map_replies(&self, prefix: ReplyPrefix) {
        // It never changes.
        let _ = self.reply_prefix.set(prefix);
        for account in self.directory.all() {
            account.interest().map_replies(prefix);
        }
    }

    /// From now on the server is in the cluster of this name.
    pub fn set_cluster(&self, name: &str) {
        let name = Arc::from(name);
        let before = self.cluster.write().replace(Arc::clone(&name));
        if before.as_ref() == Some(&name) {
            return;
        }
        for account in self.directory.all() {
            if account.set_cluster(Some(&name)) {
                account.tell_of_change();
            }
        }
    }

    /// Opens all of these accounts, and has them be what they are defined to be. Who is in one has to be told.
    pub fn define(&self, accounts: &vagus_configs::Accounts) {
        for name in accounts.names() {
            self.open(&name);
        }
        for account in self.directory.all() {
            match accounts.definitions.get(account.name()) {
                Some(definition) => account.define(definition),
                None => account.forget_definition(),
            };
        }
    }

    /// Forgets all accounts but these, and those that are always there. Who is in one of them still can publish and
    /// subscribe in it, and has to be closed.
    pub fn retain(&self, accounts: &vagus_configs::Accounts) {
        let is_kept = |account: &Account| {
            accounts.definitions.contains_key(account.name()) || self.directory.is_system(account)
        };
        let mut gone = Vec::new();
        self.others.write().retain(|_, opened| {
            let is_kept = is_kept(&opened.account);
            if !is_kept {
                self.directory.remove(opened.account.name());
                gone.extend(opened.used());
            }
            is_kept
        });
        for account in gone {
            self.tell(&AccountNews::Gone(account));
        }
    }

    /// The account of everybody who belongs to no other.
    pub fn global(&self) -> &RoutedAccount {
        &self.global
    }

    /// The account of this number, to be used; None if there is none.
    pub fn get(&self, id: AccountId) -> Option<RoutedAccount> {
        if id == self.global.account.id() {
            return Some(self.global.clone());
        }
        let others = self.others.read();
        let Opened { account, router } = others.get(&id)?;
        let mut is_first = false;
        let router = router.get_or_init(|| {
            is_first = true;
            start(account.clone(), &self.arbiters, &self.thread)
        });
        let used = RoutedAccount {
            account: account.clone(),
            router: router.clone(),
        };
        drop(others);
        if is_first {
            self.import_from_system(&used);
            self.tell(&AccountNews::Used(used.clone()));
        }
        Some(used)
    }

    fn tell(&self, news: &AccountNews) {
        let mut observers = self.observers.lock();
        observers.retain(|observer| tell_recipient(observer, news.clone()));
    }

    /// Tells once more of an account that is used: what it may have has changed.
    pub(crate) fn tell_again(&self, id: AccountId) {
        if self.is_used(id)
            && let Some(used) = self.get(id)
        {
            self.tell(&AccountNews::Used(used));
        }
    }

    /// Whether somebody uses the account, or has.
    pub(crate) fn is_used(&self, id: AccountId) -> bool {
        let is_routed = |opened: &Opened| opened.router.get().is_some();
        id == self.global.account.id() || self.others.read().get(&id).is_some_and(is_routed)
    }

    /// Tells somebody, until it is gone, of all accounts that are used, and of each that comes to be, or to be gone.
    pub fn observe(&self, observer: Recipient<AccountNews>) {
        self.observers.lock().push(observer.clone());
        for used in self.used() {
            tell_recipient(&observer, AccountNews::Used(used));
        }
    }

    /// All accounts that somebody uses, or has used.
    pub(crate) fn used(&self) -> Vec<RoutedAccount> {
        let others = self.others.read();
        let others = others.values().filter_map(Opened::used);
        [self.global.clone()].into_iter().chain(others).collect()
    }

    /// What a fan-out of this subject in an account is good for; None if the account is gone.
    pub(crate) fn version(&self, id: AccountId, subject: &[u8]) -> Option<Version> {
        if id == self.global.account.id() {
            return Some(self.global.account.interest().version(subject));
        }
        let others = self.others.read();
        Some(others.get(&id)?.account.interest().version(subject))
    }
}

fn start(account: Arc<Account>, arbiters: &Arc<Arbiters>, thread: &ArbiterHandle) -> Addr<Router> {
    let arbiters = arbiters.clone();
    Router::start_in_arbiter(thread, move |_| Router::new(account, arbiters))
}

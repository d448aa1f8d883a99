//! The accounts of a server, and where the Router of each is.

use crate::router::Router;
use actix::prelude::*;
use hashbrown::HashMap;
use parking_lot::RwLock;
use std::sync::Arc;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::{Account, GLOBAL_ACCOUNT};
use vagus_routing::{AccountId, Version};

/// An account, and where changes of interest in it are announced.
#[derive(Debug, Clone)]
pub struct RoutedAccount {
    /// What is published in it goes by.
    pub account: Arc<Account>,
    /// The only writer of its index.
    pub router: Addr<Router>,
}

/// All accounts of a server, by their numbers. Each has an actor, its Router, and nothing else as long as nobody uses it.
#[derive(Debug)]
pub struct Accounts {
    arbiters: Arc<Arbiters>,
    global: RoutedAccount,
    /// Those that there are beside the global one; the first has the number 1.
    others: RwLock<HashMap<AccountId, RoutedAccount, foldhash::fast::RandomState>>,
}

impl Accounts {
    /// The global account alone. Its Router, and those of the accounts that are opened later, run on the thread that calls.
    pub fn start(arbiters: Arc<Arbiters>) -> Self {
        Self {
            global: start(AccountId::default(), GLOBAL_ACCOUNT, &arbiters),
            others: RwLock::default(),
            arbiters,
        }
    }

    /// Opens one more account, in which nobody is.
    pub fn open(&self, name: &str) -> Arc<Account> {
        let mut others = self.others.write();
        let id = AccountId(others.len() as u32 + 1);
        let opened = start(id, name, &self.arbiters);
        let account = opened.account.clone();
        others.insert(id, opened);
        account
    }

    /// The account of everybody who belongs to no other.
    pub fn global(&self) -> &RoutedAccount {
        &self.global
    }

    /// The account of this number; None if there is none.
    pub fn get(&self, id: AccountId) -> Option<RoutedAccount> {
        if id == self.global.account.id() {
            return Some(self.global.clone());
        }
        self.others.read().get(&id).cloned()
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

fn start(id: AccountId, name: &str, arbiters: &Arc<Arbiters>) -> RoutedAccount {
    let account = Arc::new(Account::new(id, name));
    let router = Router::new(account.clone(), arbiters.clone()).start();
    RoutedAccount { account, router }
}

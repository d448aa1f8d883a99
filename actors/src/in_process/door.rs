//! The way in for those who live on other threads.

use super::{InProcess, InProcessAddress};
use crate::accounts::Accounts;
use crate::mailbox::end_if_panicking;
use actix::prelude::*;
use std::sync::Arc;
use vagus_delivery::arbiter::LocalArbiter;

/// The role of the Door is to start an [`InProcess`] on its arbiter, in any account, when asked.
pub struct Door {
    arbiter: LocalArbiter,
    accounts: Arc<Accounts>,
}

/// Asks for the way into an account; None: there is no account of this name now.
#[derive(Debug, Message)]
#[rtype(result = "Option<InProcessAddress>")]
pub struct EnterAccount(pub Arc<str>);

/// Leads to the [`Door`], from any thread.
#[derive(Clone)]
pub struct AccountDoor(Recipient<EnterAccount>);

impl AccountDoor {
    /// To this one.
    pub fn new(door: Recipient<EnterAccount>) -> Self {
        Self(door)
    }

    /// The way into the account of this name; None if there is none.
    pub async fn enter(&self, account: &str) -> Option<InProcessAddress> {
        self.0.send(EnterAccount(account.into())).await.ok().flatten()
    }
}

impl Door {
    /// To the accounts, on this arbiter, on the thread of which it is to be started.
    pub fn new(arbiter: LocalArbiter, accounts: Arc<Accounts>) -> Self {
        Self { arbiter, accounts }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        end_if_panicking("The Door");
    }
}

impl Actor for Door {
    type Context = Context<Self>;
}

impl Handler<EnterAccount> for Door {
    type Result = MessageResult<EnterAccount>;

    fn handle(&mut self, EnterAccount(name): EnterAccount, _: &mut Context<Self>) -> Self::Result {
        let found = self.accounts.directory().find(&name);
        let account = found.and_then(|account| self.accounts.get(account.id()));
        MessageResult(account.map(|account| InProcess::start(self.arbiter.clone(), account)))
    }
}

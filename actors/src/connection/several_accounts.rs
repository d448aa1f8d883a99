//! A connection that many accounts share: that of another server.

use crate::accounts::{Accounts, RoutedAccount};
use crate::router::InterestChanged;
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use std::collections::VecDeque;
use std::sync::Arc;
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_delivery::subscriptions::Subscriptions;
use vagus_routing::AccountId;

/// What the connection has in accounts, beside the one that its session is in now, and what it is to be told of them.
#[derive(Default)]
pub(super) struct SeveralAccounts {
    /// By name.
    others: HashMap<Box<[u8]>, (RoutedAccount, Subscriptions), RandomState>,
    /// What the Routers have told it and the session has not taken: a batch of each account at most.
    told: VecDeque<InterestChanged>,
    /// What the session has taken in this turn.
    said: Vec<InterestChanged>,
    watched: HashSet<AccountId, RandomState>,
    watches: Watches,
}

/// Whether it is told of interest.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Watches {
    #[default]
    No,
    /// From now on.
    Begins,
    Yes,
    /// It is to be told of all once more.
    BeginsAnew,
}

/// What is to be done so that it is told of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    Nothing,
    /// It does not know the accounts.
    First,
    /// It knows of new accounts, but asks all anew.
    Anew,
}

impl SeveralAccounts {
    /// What it has in an account that it enters; None if there is no such account.
    pub(super) fn enter(
        &mut self,
        name: &[u8],
        accounts: &Accounts,
    ) -> Option<(RoutedAccount, Subscriptions)> {
        if let Some(entered) = self.others.remove(name) {
            return Some(entered);
        }
        let account = accounts.directory().find(std::str::from_utf8(name).ok()?)?;
        Some((accounts.get(account.id())?, Subscriptions::default()))
    }

    /// What it has in the account that it leaves for another.
    pub(super) fn leave(&mut self, account: RoutedAccount, subscriptions: Subscriptions) {
        let name = account.account.name().as_bytes().into();
        self.others.insert(name, (account, subscriptions));
    }

    /// How many subscriptions it has in these.
    pub(super) fn subscriptions(&self) -> usize {
        self.others
            .values()
            .map(|(_, subscriptions)| subscriptions.len())
            .sum()
    }

    /// These themselves.
    pub(super) fn all_subscriptions(&self) -> impl Iterator<Item = Arc<ConnectionSubscription>> {
        self.others
            .values()
            .flat_map(|(_, subscriptions)| subscriptions.all())
    }

    /// All that it has in these.
    pub(super) fn into_others(self) -> impl Iterator<Item = (RoutedAccount, Subscriptions)> {
        self.others.into_values()
    }

    /// From now on it is told of interest; if it is already, of all that there is once more.
    pub(super) fn watch(&mut self) {
        match self.watches {
            Watches::No => self.watches = Watches::Begins,
            Watches::Yes => {
                self.watches = Watches::BeginsAnew;
                self.watched.clear();
            }
            Watches::Begins | Watches::BeginsAnew => {}
        }
    }

    /// Whether it is to ask for that now.
    pub(super) fn begins_to_watch(&mut self) -> Beginning {
        match std::mem::replace(&mut self.watches, Watches::Yes) {
            Watches::Begins => Beginning::First,
            Watches::BeginsAnew => Beginning::Anew,
            before => {
                self.watches = before;
                Beginning::Nothing
            }
        }
    }

    /// The names of these accounts.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.others.keys().map(|name| &**name)
    }

    /// Whether it does not watch this account yet; it does from now on.
    pub(super) fn is_news(&mut self, account: AccountId) -> bool {
        self.watched.insert(account)
    }

    /// A Router has told something.
    pub(super) fn add(&mut self, told: InterestChanged) {
        self.told.push_back(told);
    }

    /// What came first of that. The Router is told that it has been taken when it is [let go](Self::let_go).
    pub(super) fn next(&mut self) -> Option<InterestChanged> {
        self.told.pop_front()
    }

    /// What came first of that cannot be taken for now.
    pub(super) fn hold_back(&mut self) {
        self.told.iter_mut().for_each(InterestChanged::hold_back);
    }

    /// It has been said to the peer, and is about to be handed over.
    pub(super) fn keep(&mut self, said: InterestChanged) {
        self.said.push(said);
    }

    /// All that was said has been handed over: whatever is published now comes behind it.
    pub(super) fn let_go(&mut self) {
        self.said.clear();
    }
}

//! A connection that many accounts share: that of another server.

use crate::accounts::{Accounts, RoutedAccount};
use crate::router::InterestChanged;
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use std::collections::VecDeque;
use std::sync::Arc;
use vagus_delivery::Passed;
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_delivery::subscriptions::Subscriptions;
use vagus_routing::{AccountId, ConnectionKind, LeafCluster, ToldOfLeafNodes};

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
    /// Accounts that there are no more, as long as the peer has not been told all of that.
    leaving: Vec<Leaving>,
    /// What the session has yet to hear of accounts, in order.
    news: VecDeque<News>,
    /// What is told of what leaf nodes want.
    told_of_leaf_nodes: ToldOfLeafNodes,
    /// The cluster of leaf nodes that messages of the peer are from, and its name.
    leaf_cluster: LeafCluster,
    leaf_cluster_name: Vec<u8>,
    /// What the peer passes on has found home.
    comes_home: bool,
    /// What of all that the peer has passed on is counted with accounts.
    counted: Passed,
}

struct Leaving {
    account: AccountId,
    name: Box<str>,
    /// The account that has its name by now, and is to be watched.
    successor: Option<RoutedAccount>,
}

/// What a session is to hear of an account.
pub(super) enum News {
    /// There is one of this name.
    Came(Box<str>),
    /// There is none any more, and these subscriptions have ended with it.
    Lost(Box<str>, Vec<Arc<ConnectionSubscription>>),
}

/// Whether it is told of interest.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watches {
    #[default]
    No,
    /// From now on.
    Begins,
    Yes,
    /// It is to be told of all once more, and of other accounts than before.
    BeginsAnew,
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

    /// The peer has passed on so much by now, and what of that is new in this account.
    pub(super) fn count_received(
        &mut self,
        account: Option<&RoutedAccount>,
        kind: ConnectionKind,
        received: Passed,
    ) {
        let before = std::mem::replace(&mut self.counted, received);
        if let Some(RoutedAccount { account, .. }) = account {
            account.count_received(kind, received.since(before));
        }
    }

    /// How many subscriptions it has in these.
    pub(super) fn subscriptions(&self) -> usize {
        self.others
            .values()
            .map(|(_, subscriptions)| subscriptions.len())
            .sum()
    }

    /// These themselves, account by account.
    pub(super) fn all_subscriptions(
        &self,
    ) -> impl Iterator<Item = (Arc<str>, Vec<Arc<ConnectionSubscription>>)> {
        let described = |(account, subscriptions): &(RoutedAccount, Subscriptions)| {
            (account.account.name().into(), subscriptions.all())
        };
        self.others.values().map(described)
    }

    /// All that it has in these.
    pub(super) fn into_others(self) -> impl Iterator<Item = (RoutedAccount, Subscriptions)> {
        self.others.into_values()
    }

    /// From now on it is told of interest; if it is already, of all that there is once more.
    pub(super) fn watch(&mut self) {
        self.watches = match self.watches {
            Watches::No | Watches::Begins => Watches::Begins,
            Watches::Yes | Watches::BeginsAnew => Watches::BeginsAnew,
        };
    }

    /// This it is told of what leaf nodes want.
    pub(super) fn tell_of_leaf_nodes(&mut self, told: ToldOfLeafNodes) {
        self.told_of_leaf_nodes = told;
    }

    /// What it is told of what leaf nodes want.
    pub(super) fn told_of_leaf_nodes(&self) -> ToldOfLeafNodes {
        self.told_of_leaf_nodes
    }

    /// What the peer passes on is from this cluster of leaf nodes.
    #[inline]
    pub(super) fn comes_from(&mut self, cluster: &[u8]) {
        if self.leaf_cluster_name != cluster {
            self.leaf_cluster = LeafCluster::named(cluster);
            self.leaf_cluster_name.clear();
            self.leaf_cluster_name.extend_from_slice(cluster);
        }
    }

    /// The cluster of leaf nodes that it is from, and its name; None if it is from none.
    #[inline]
    pub(super) fn leaf_cluster(&self) -> Option<(LeafCluster, &[u8])> {
        (self.leaf_cluster != LeafCluster::NONE).then_some((self.leaf_cluster, &self.leaf_cluster_name))
    }

    /// What the peer passes on from now on has found back to where it was waited for, or not.
    pub(super) fn set_coming_home(&mut self, comes_home: bool) {
        self.comes_home = comes_home;
    }

    /// Whether it has.
    #[inline]
    pub(super) fn comes_home(&self) -> bool {
        self.comes_home
    }

    /// The names of these accounts.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.others.keys().map(|name| &**name)
    }

    /// It watches this account anew, if it does.
    pub(super) fn forget(&mut self, account: AccountId) {
        self.watched.remove(&account);
    }

    /// What it is to ask for now.
    pub(super) fn asks_for(&mut self) -> Watches {
        match self.watches {
            Watches::No => Watches::No,
            asks => {
                self.watches = Watches::Yes;
                asks
            }
        }
    }

    /// The account, if it is to be watched from now on: it is not yet, and the peer has heard the last of another of its
    /// name.
    pub(super) fn watches(&mut self, used: RoutedAccount) -> Option<RoutedAccount> {
        let name = used.account.name();
        if let Some(leaving) = self.leaving.iter_mut().find(|it| *it.name == *name) {
            leaving.successor = Some(used);
            return None;
        }
        self.watched.insert(used.account.id()).then_some(used)
    }

    /// There is an account no more. Whether it was watched, so that the peer has to be told.
    pub(super) fn leaves(&mut self, gone: &RoutedAccount) -> bool {
        let account = gone.account.id();
        for leaving in &mut self.leaving {
            leaving
                .successor
                .take_if(|successor| successor.account.id() == account);
        }
        let was_watched = self.watched.remove(&account);
        if was_watched {
            self.leaving.push(Leaving {
                account,
                name: gone.account.name().into(),
                successor: None,
            });
        }
        was_watched
    }

    /// The peer has been told all of an account that there is no more. Gives the one that has its name by now.
    pub(super) fn has_left(&mut self, account: AccountId) -> Option<RoutedAccount> {
        let place = self.leaving.iter().position(|it| it.account == account)?;
        self.leaving.swap_remove(place).successor
    }

    /// What it had in an account that there is no more, and has not entered.
    pub(super) fn remove(&mut self, gone: &RoutedAccount) -> Option<Subscriptions> {
        let name = gone.account.name().as_bytes();
        let is_it = |(held, _): &(RoutedAccount, _)| held.account.id() == gone.account.id();
        match self.others.get(name).is_some_and(is_it) {
            true => self.others.remove(name).map(|(_, subscriptions)| subscriptions),
            false => None,
        }
    }

    /// There is an account.
    pub(super) fn came(&mut self, name: &str) {
        self.news.push_back(News::Came(name.into()));
    }

    /// These subscriptions have ended with their account.
    pub(super) fn lost(&mut self, name: &str, subscriptions: Vec<Arc<ConnectionSubscription>>) {
        self.news.push_back(News::Lost(name.into(), subscriptions));
    }

    /// What the session is to hear first, which may take several turns.
    pub(super) fn take_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// The rest of that is for another turn.
    pub(super) fn put_back(&mut self, news: News) {
        self.news.push_front(news);
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

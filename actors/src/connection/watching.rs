//! What the connection of another server is told of interest, in one account and another, and hears of accounts.

use super::Connection;
use super::session::{Session, Turn};
use super::several_accounts::{News, Watches};
use super::unannounced::Unannounced;
use crate::accounts::{AccountNews, RoutedAccount};
use crate::mailbox::tell;
use crate::router::{EndWatch, InterestChanged, WatchInterest};
use actix::prelude::*;
use std::time::Instant;
use vagus_delivery::arbiter::Delivery;
use vagus_routing::{AccountId, Destination, Origin};

/// A peer is told of interest as long as less than this waits for it, in bytes.
const TOLD_AHEAD: usize = 1024 * 1024;

impl<S: Session> Connection<S> {
    /// Asks to be told of interest, if the session has asked for it.
    pub(super) fn watch(&mut self, context: &Context<Self>) {
        let Some(several) = &mut self.several else {
            return;
        };
        let asks = several.asks_for();
        if self.membership.is_some() {
            // It is bound to its account, and has nothing to do with others.
            let asks = matches!(asks, Watches::Begins | Watches::BeginsAnew);
            if let Some(bound) = self.account.clone().filter(|_| asks) {
                self.several.get_or_insert_default().forget(bound.account.id());
                self.watch_account(bound, context);
            }
            return;
        }
        match asks {
            Watches::No | Watches::Yes => {}
            Watches::Begins => self.surroundings.accounts.observe(context.address().recipient()),
            Watches::BeginsAnew => {
                for used in self.surroundings.accounts.used() {
                    match self.session.is_told_of(used.account.name()) {
                        true => {
                            self.several.get_or_insert_default().forget(used.account.id());
                            self.watch_account(used, context);
                        }
                        false => self.end_watch(&used),
                    }
                }
            }
        }
    }

    fn peer_origin(&self, account: AccountId) -> Origin {
        let several = self.several.as_ref();
        let told = several.map(|several| several.told_of_leaf_nodes());
        Origin::without_echo(self.id(), account, self.outbox.kind())
            .from_cluster(self.outbox.leaf_cluster())
            .told_of_leaf_nodes(told.unwrap_or_default())
    }

    /// Asks to be told of interest in an account, if the session is to be, once it has heard the last of another of its name.
    fn watch_account(&mut self, used: RoutedAccount, context: &Context<Self>) {
        if !self.session.is_told_of(used.account.name()) {
            return;
        }
        if let Some(RoutedAccount { account, router }) = self.several.get_or_insert_default().watches(used) {
            let watch = WatchInterest {
                peer: self.peer_origin(account.id()),
                watcher: context.address().recipient(),
            };
            tell(&router, watch);
        }
    }

    /// The peer is told that nobody is interested in anything in an account, if it has been told of it.
    fn end_watch(&mut self, account: &RoutedAccount) {
        if self.several.get_or_insert_default().leaves(account) {
            let end = EndWatch {
                peer: self.peer_origin(account.account.id()),
            };
            tell(&account.router, end);
        }
    }

    /// There is an account no more. The peer is told that nobody is interested in anything there.
    fn lose(&mut self, gone: &RoutedAccount) {
        let id = gone.account.id();
        self.end_watch(gone);
        let is_entered = (self.account.as_ref()).is_some_and(|entered| entered.account.id() == id);
        let subscriptions = match is_entered {
            true => {
                self.account = None;
                Some(std::mem::take(&mut self.subscriptions))
            }
            false => (self.several.as_mut()).and_then(|several| several.remove(gone)),
        };
        if let Some(mut subscriptions) = subscriptions.filter(|all| !all.is_empty()) {
            let lost = subscriptions.all();
            self.depart_from(gone, Vec::new(), subscriptions.depart());
            self.several
                .get_or_insert_default()
                .lost(gone.account.name(), lost);
        }
    }

    /// Tells the session what others are interested in, as long as the peer takes what is said to it of that. What waits
    /// here has the Routers wait.
    pub(super) fn tell_of_interest(
        &mut self,
        delivery: &mut Delivery,
        now: Instant,
        unannounced: &mut Unannounced,
    ) {
        loop {
            let has_room = self.outbox.traffic().pending < TOLD_AHEAD;
            let Some(several) = &mut self.several else {
                return;
            };
            if !has_room {
                return several.hold_back();
            }
            let Some(told) = several.next() else {
                return;
            };
            self.with_turn(delivery, now, unannounced, |session, turn| {
                let account = told.account().name();
                session.interest_changed(account, told.changes(), turn);
                if told.is_snapshot_told() {
                    session.interest_told(account, turn);
                }
                if told.is_last() {
                    session.interest_ended(account);
                }
            });
            if let Some(several) = &mut self.several {
                several.keep(told);
            }
        }
    }

    /// Has the session hear what became of accounts, as far as the turn allows; true if there is more.
    pub(super) fn hear_of_accounts(
        &mut self,
        delivery: &mut Delivery,
        now: Instant,
        unannounced: &mut Unannounced,
    ) -> bool {
        while let Some(several) = &mut self.several
            && let Some(mut news) = several.take_news()
        {
            let is_done = self.with_turn(delivery, now, unannounced, |session, turn| match &mut news {
                News::Came(account) => session.account_came(account, turn),
                News::Lost(account, lost) => loop {
                    if !turn.goes_on(None, false) {
                        break false;
                    }
                    let Some(subscription) = lost.pop() else {
                        break true;
                    };
                    turn.charge(1);
                    session.subscription_lost(account, subscription.sid());
                },
            });
            if is_done == Some(false)
                && let Some(several) = &mut self.several
            {
                several.put_back(news);
                return true;
            }
        }
        false
    }
}

impl<S: Session> Handler<AccountNews> for Connection<S> {
    type Result = ();

    fn handle(&mut self, news: AccountNews, context: &mut Context<Self>) {
        match news {
            AccountNews::Used(used) => {
                self.several.get_or_insert_default().came(used.account.name());
                self.watch_account(used, context);
            }
            AccountNews::Gone(gone) => self.lose(&gone),
        }
        // The carrier gives it to the session when it is polled, after this message.
    }
}

impl<S: Session> Handler<InterestChanged> for Connection<S> {
    type Result = ();

    fn handle(&mut self, changed: InterestChanged, context: &mut Context<Self>) {
        let (account, is_last) = (changed.account().id(), changed.is_last());
        let several = self.several.get_or_insert_default();
        // The carrier gives it to the session when it is polled, after this message.
        several.add(changed);
        if is_last && let Some(successor) = several.has_left(account) {
            self.watch_account(successor, context);
        }
    }
}

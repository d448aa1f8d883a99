//! Accounts come to have routes of their own, or lose them, while there are routes.
//!
//! What two servers want in such an account they have told each other on a connection of the pool. It is told anew on the
//! account's own, and counts no more where it was said before: else messages would go both ways.

use crate::session::{RouteSession, Stage};
use vagus_actors::connection::Turn;
use vagus_protocol::route::RouteInfo;

impl RouteSession {
    /// The other server gives an account routes of its own from now on, and waits for the answer; or this is one.
    pub(crate) fn pinned_elsewhere(&mut self, mut info: RouteInfo, turn: &mut impl Turn) {
        let account = std::mem::take(&mut info.route_account);
        if account.is_empty() {
            // All that it has said of the account before it knew is behind us.
            if let Stage::Joined(route) = &self.stage
                && route.is_pinned_elsewhere(&info.route_acc_add_reqid)
            {
                self.forget_account(&info.route_acc_add_reqid, turn);
            }
            return;
        }
        if !turn.enter(account.as_bytes()) {
            log::error!(
                "{} - Error looking up account {account:?}: account missing",
                self.party
            );
            return;
        }
        let mut line = Vec::new();
        info.append(&mut line);
        turn.reply(&line);
        self.settings.cluster.pin(&account);
        self.pooling_has_changed(turn);
    }

    /// Which account goes by which of several routes may have changed.
    pub(crate) fn pooling_has_changed(&mut self, turn: &mut impl Turn) {
        let Stage::Joined(route) = &mut self.stage else {
            return;
        };
        let Some(pinned) = route.adopt_pooling() else {
            return;
        };
        let elsewhere: Vec<Box<str>> = pinned
            .into_iter()
            .filter(|account| route.is_pinned_elsewhere(account))
            .collect();
        for account in elsewhere {
            self.forget_account(&account, turn);
        }
        turn.watch_interest();
    }

    /// What the other server wants in an account does not count on this route any more.
    fn forget_account(&mut self, account: &str, turn: &mut impl Turn) {
        self.announced.forget_account(account.as_bytes());
        if turn.enter(account.as_bytes()) {
            turn.unsubscribe_all();
        }
    }
}

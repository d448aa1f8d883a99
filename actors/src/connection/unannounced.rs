//! Changes of a connection's interest that no Router has been told of.

use crate::accounts::RoutedAccount;
use std::vec;
use vagus_delivery::subscriptions::Change;

/// In the order in which they were made, each in the account that the connection was bound to then.
#[derive(Debug, Default)]
pub(super) struct Unannounced(Vec<(RoutedAccount, Vec<Change>)>);

impl Unannounced {
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, changes)| changes.is_empty())
    }

    /// Where further changes in this account go.
    pub(super) fn of(&mut self, account: &RoutedAccount) -> &mut Vec<Change> {
        let is_last = self
            .0
            .last()
            .is_some_and(|(last, _)| last.account.id() == account.account.id());
        if !is_last {
            self.0.push((account.clone(), Vec::new()));
        }
        let last = self.0.len() - 1;
        &mut self.0[last].1
    }

    /// Adds what was changed later.
    pub(super) fn append(&mut self, later: Self) {
        for (account, mut changes) in later.0 {
            self.of(&account).append(&mut changes);
        }
    }
}

impl IntoIterator for Unannounced {
    type Item = (RoutedAccount, Vec<Change>);
    type IntoIter = vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

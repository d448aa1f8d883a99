//! What a server of another cluster is told: all that is wanted in this one, account by account. It is to send nothing else.

use hashbrown::{HashMap, HashSet};
use vagus_actors::connection::Turn;
use vagus_actors::router::InterestChange;
use vagus_protocol::gateway::{
    ALL_INTEREST_ENDS, ALL_INTEREST_FOLLOWS, GatewayInfo, append_no_account, is_mapped,
};
use vagus_protocol::route::interest;

/// Of so many accounts that there are not here the other cluster is told so. If it goes on to more, what it sends there is for
/// nothing.
const REFUSED_AT_MOST: usize = 4096;

/// The names of these may have so many bytes together.
const REFUSED_BYTES: usize = 1024 * 1024;

/// What the other server has been told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The accounts of which it is told, and whether that was all there is.
    accounts: HashMap<Box<str>, bool>,
    /// Those that there are not.
    refused: HashSet<Box<[u8]>>,
    refused_bytes: usize,
}

impl Told {
    /// This is wanted in an account from now on, or not any more.
    pub(super) fn tell<'a>(
        &mut self,
        own_cluster: &str,
        account: &str,
        changes: impl Iterator<Item = InterestChange<'a>>,
        turn: &mut impl Turn,
    ) {
        let mut lines = Vec::new();
        if !self.accounts.contains_key(account) {
            self.accounts.insert(account.into(), false);
            if self.refused.remove(account.as_bytes()) {
                self.refused_bytes -= account.len();
            }
            GatewayInfo::about_account(own_cluster, ALL_INTEREST_FOLLOWS, account).append(&mut lines);
            log::debug!("Gateway: switching account {account:?} to Interest-Only mode");
        }
        // What leads back by itself is not looked for by interest.
        for change in changes.filter(|change| !is_mapped(change.subject)) {
            // How many members a queue group has here concerns nobody there.
            let weight = change.weight.min(1);
            interest::append(
                &mut lines,
                Some(account.as_bytes()),
                change.subject,
                change.queue,
                weight,
            );
        }
        if !lines.is_empty() {
            turn.tell_interest(&lines);
        }
    }

    /// That was all that is wanted in an account.
    pub(super) fn is_all(&mut self, own_cluster: &str, account: &str, turn: &mut impl Turn) {
        if let Some(is_all) = self.accounts.get_mut(account)
            && !std::mem::replace(is_all, true)
        {
            let mut line = Vec::new();
            GatewayInfo::about_account(own_cluster, ALL_INTEREST_ENDS, account).append(&mut line);
            turn.tell_interest(&line);
            log::debug!("Gateway: switching account {account:?} to Interest-Only mode complete");
        }
    }

    /// There is an account no more.
    pub(super) fn forget(&mut self, account: &str) {
        self.accounts.remove(account);
    }

    /// A message has come for an account that there is not.
    pub(super) fn refuse(&mut self, account: &[u8], turn: &mut impl Turn) {
        let has_room =
            self.refused.len() < REFUSED_AT_MOST && self.refused_bytes + account.len() <= REFUSED_BYTES;
        if has_room && self.refused.insert(account.into()) {
            self.refused_bytes += account.len();
            let mut line = Vec::new();
            append_no_account(&mut line, account);
            turn.tell_interest(&line);
        }
    }

    /// The accounts of which it is told, and whether that was all there is.
    pub(super) fn accounts(&self) -> impl Iterator<Item = (&str, bool)> {
        self.accounts
            .iter()
            .map(|(account, is_all)| (&**account, *is_all))
    }

    /// Those that it was told there are not.
    pub(super) fn refused(&self) -> impl Iterator<Item = &[u8]> {
        self.refused.iter().map(|account| &**account)
    }
}

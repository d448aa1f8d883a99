//! Tokens that other servers have, which are asked for in the system account.

use std::fmt;
use std::sync::Weak;
use std::time::Duration;
use vagus_actors::asking::Asking;
use vagus_actors::claimed_accounts::ClaimedAccounts;
use vagus_routing::AccountId;

/// Asks other servers for tokens.
pub struct OtherServers {
    /// Asks.
    pub asking: Asking,
    /// The system account.
    pub account: AccountId,
    /// Who says what is to be believed, and in turn holds the folder that this belongs to.
    pub accounts: Weak<ClaimedAccounts>,
    /// How long they may take.
    pub patience: Duration,
}

impl OtherServers {
    /// The token of an account, if one of them has one that is to be believed. Blocks.
    pub(crate) fn look_up(&self, account: &str) -> Option<Box<str>> {
        let subject = format!("$SYS.REQ.ACCOUNT.{account}.CLAIMS.LOOKUP");
        let answer = self.asking.look_for(self.account, subject, self.patience)?;
        let token = str::from_utf8(&answer).ok()?.trim();
        match self.accounts.upgrade()?.verify(account, token) {
            Ok(_) => Some(token.into()),
            Err(error) => {
                log::warn!(
                    "The token of account {account} that another server has is not to be believed: {error}"
                );
                None
            }
        }
    }
}

impl fmt::Debug for OtherServers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OtherServers").finish_non_exhaustive()
    }
}

//! Somebody who is let in by a signed token, not by the configuration.

use std::fmt;
use std::sync::Arc;

use crate::permission::Rights;

/// Who it is, and what it may do, as its token says it. Whether the token is to be believed was decided before.
#[derive(Clone)]
pub struct Claimed {
    /// Its public key.
    pub user: Box<str>,
    /// The user name that it goes by, where the token gives it one.
    pub name: Option<Box<str>>,
    /// The name of the account that it belongs to.
    pub account: Arc<str>,
    /// What it may do.
    pub rights: Rights,
    /// Subscriptions at once, by its own limits and those of its account; None: any number.
    pub max_subscriptions: Option<usize>,
    /// Bytes of a message, by the same; None: what the server takes.
    pub max_payload: Option<usize>,
    /// Whether it has to come by a [trusted proxy](crate::proxies).
    pub requires_proxy: bool,
}

impl fmt::Debug for Claimed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Claimed")
            .field("user", &self.user)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// Two are equal if they are the same user, who may do the same.
impl PartialEq for Claimed {
    fn eq(&self, other: &Self) -> bool {
        self.user == other.user
            && self.account == other.account
            && self.rights == other.rights
            && self.max_subscriptions == other.max_subscriptions
            && self.max_payload == other.max_payload
    }
}

//! What somebody was let in by, and for how long.

use crate::claimed_accounts::KnownAccount;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_jwt::{Claims, User};

/// What somebody was let in by.
#[derive(Debug, Clone)]
pub struct HeldToken {
    /// What it says.
    pub user: Claims<User>,
    /// As it was presented. None if it may not be shown, or a service has named the user: who has the token of a bearer is
    /// let in.
    pub token: Option<Arc<str>>,
    /// None where accounts are configured: a service has named the user.
    pub account: Option<Arc<KnownAccount>>,
    /// From when on it does not hold any more.
    pub ends: Option<(Instant, Ends)>,
    /// Whether a service has named the user.
    pub is_named: bool,
}

/// What does not hold any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The token of the user.
    User,
    /// That of the account.
    Account,
}

impl HeldToken {
    /// Who has signed it.
    pub fn issuer(&self) -> &str {
        &self.user.issuer
    }

    /// What it says that the user is called, beside its name.
    pub fn tags(&self) -> Vec<String> {
        self.user.nats.tags.to_vec()
    }

    /// What people call the user; perhaps empty.
    pub fn user_name(&self) -> &str {
        match self.is_named {
            true => "",
            false => &self.user.name,
        }
    }

    /// When the user has to leave.
    pub fn user_deadline(&self) -> Option<Instant> {
        self.ends
            .filter(|(_, what)| *what == Ends::User)
            .map(|(at, _)| at)
    }

    /// When it has to be looked at again.
    pub fn deadline(&self) -> Option<Instant> {
        self.ends.map(|(at, _)| at)
    }
}

/// The earlier of when the user and when the account does not hold any more, in seconds since 1970; an account with 0 holds
/// for ever.
pub fn ends(user: Option<i64>, account: i64) -> Option<(Instant, Ends)> {
    // Both clocks at one moment: who comes back once this has ended finds that it has.
    let (clock, now) = (Timestamp::now(), Instant::now());
    let at = |seconds: i64, what: Ends| {
        let end = Timestamp::from_second(seconds).ok()?;
        let left = Duration::try_from(end.duration_since(clock)).unwrap_or_default();
        Some((now.checked_add(left)?, what))
    };
    let user = user.and_then(|seconds| at(seconds, Ends::User));
    let account = (account != 0).then(|| at(account, Ends::Account)).flatten();
    match (user, account) {
        (Some(user), Some(account)) => Some(if account.0 < user.0 { account } else { user }),
        (one, other) => one.or(other),
    }
}

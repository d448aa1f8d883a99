//! What somebody may do who is let in by a token.

use std::sync::Arc;

use jiff::tz::TimeZone;
use vagus_auth::credentials::Claimed;
use vagus_auth::permission::{Permissions, Rights};

use crate::NO_LIMIT;
use crate::account::Account;
use crate::admission::Grant;
use crate::claims::Claims;
use crate::user::User;

/// The time zone of this name; that of the system without one.
#[must_use]
pub fn time_zone(name: &str) -> Option<TimeZone> {
    match name {
        "" | "Local" => Some(TimeZone::system()),
        name => TimeZone::get(name).ok(),
    }
}

/// What somebody may do by its own permissions, or else by those of its account. None if they cannot be: subjects that are
/// none permit nothing, and nobody is let in by them.
#[must_use]
pub fn rights(own: &crate::Permissions, defaults: Option<Permissions>) -> Option<Rights> {
    Some(match own.granted().or(defaults) {
        None => Rights::Everything,
        Some(permissions) => Rights::By(Arc::new(permissions.compile().ok()?)),
    })
}

/// The user that a token makes of somebody. None if nobody is let in by it, as for [`rights`].
#[must_use]
pub fn claimed(user: &Claims<User>, account: &Claims<Account>, grant: &Grant) -> Option<Claimed> {
    let limits = &grant.limits;
    let defaults = account.nats.default_permissions.granted();
    let of_account = &account.nats.limits;
    // The lower of two limits, of which either may be none.
    let limit = |user: i64, account: i64| {
        let limits = [user, account].into_iter().filter(|limit| *limit != NO_LIMIT);
        limits.map(|limit| usize::try_from(limit).unwrap_or(0)).min()
    };
    Some(Claimed {
        user: user.subject.as_str().into(),
        name: None,
        account: account.subject.as_str().into(),
        rights: rights(&limits.permissions, defaults)?,
        max_subscriptions: limit(limits.subscriptions, of_account.subscriptions),
        max_payload: limit(limits.payload, of_account.payload),
        requires_proxy: limits.proxy_required,
    })
}

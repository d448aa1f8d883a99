//! Whether somebody is let in who presents a token.

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use thiserror::Error;
use vagus_auth::credentials::{ConnectionType, ConnectionTypes};
use vagus_auth::nkey;

use crate::account::Account;
use crate::claims::Claims;
use crate::template::Account as TemplateAccount;
use crate::trust::Trust;
use crate::user::{User, UserLimits};
use crate::window::Window;

/// Where somebody connects from, and how it proves that it has the key of its token.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The signature of the nonce, in base64.
    pub signature: &'a str,
    /// What was to be signed.
    pub nonce: &'a [u8],
    /// How it is connected.
    pub connection: ConnectionType,
    /// Its address.
    pub address: IpAddr,
}

/// Finds a time zone by its name; the empty one is that of the server.
pub type TimeZones<'a> = &'a dyn Fn(&str) -> Option<TimeZone>;

/// What somebody is let in with.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// What it may do: what the token says, or the template of the key that has signed it.
    pub limits: UserLimits,
    /// Until when it may be connected, in seconds since 1970 with a fraction of none; None: for ever.
    pub until: Option<i64>,
}

/// Why somebody is not let in, as nats-server's log says it. The one who connects is not told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Something is wrong with the token, or it does not hold now.
    #[error("User JWT no longer valid: {0}")]
    User(String),
    /// Only others are let in.
    #[error("Account {0} not listed as operator pinned account")]
    NotPinned(String),
    /// Nobody who is trusted has signed the account.
    #[error("Account JWT not signed by trusted operator")]
    Untrusted,
    /// The account has not signed the user.
    #[error("User JWT issuer is not known")]
    Issuer,
    /// The user says what the key that signed it says already.
    #[error("User JWT is not valid: scoped users require no permissions or limits set")]
    Scoped,
    /// What the template of the key says does not fit the user.
    #[error("User JWT generated invalid permissions")]
    Template,
    /// The account does not hold any more.
    #[error("Account JWT has expired")]
    AccountExpired,
    /// The account wants users to prove that they have the key.
    #[error("Account does not allow bearer tokens")]
    Bearer,
    /// It may not connect in this way.
    #[error("Connection type not allowed")]
    ConnectionType,
    /// It did not prove that it has the key.
    #[error("Signature missing or not verified")]
    Signature,
    /// The account does not know it any more.
    #[error("User authentication revoked")]
    Revoked,
    /// It may not connect from there.
    #[error("Bad src Ip {0}")]
    Source(IpAddr),
    /// It may not connect now.
    #[error("Outside connect times")]
    Times,
}

/// Whether the user of a token is let in, as one of this account, at this time.
///
/// # Errors
/// Why it is not.
pub fn admit(
    user: &Claims<User>,
    account: &Claims<Account>,
    trust: &Trust,
    presented: &Presented<'_>,
    now: Timestamp,
    zones: TimeZones<'_>,
) -> Result<Grant, Refusal> {
    let grant = renew(user, account, trust, presented, now, zones)?;
    if !grant.limits.bearer && !is_signed(user, presented) {
        return Err(Refusal::Signature);
    }
    Ok(grant)
}

/// Whether somebody who was let in before still is: the same as [`admit`], but that it has proven that it has the key.
///
/// # Errors
/// Why it is not.
pub fn renew(
    user: &Claims<User>,
    account: &Claims<Account>,
    trust: &Trust,
    presented: &Presented<'_>,
    now: Timestamp,
    zones: TimeZones<'_>,
) -> Result<Grant, Refusal> {
    let seconds = now.as_second();
    let issues = user.issues(seconds);
    if issues.block_now() {
        let first = issues.first().map(|issue| issue.text.clone());
        return Err(Refusal::User(first.unwrap_or_default()));
    }
    if account.subject != user.account() || !trust.lets_in(&account.subject) {
        return Err(Refusal::NotPinned(user.account().to_owned()));
    }
    if !trust.trusts(&account.issuer) {
        return Err(Refusal::Untrusted);
    }
    let limits = limits_of(user, account, trust)?;
    if account.expires != 0 && account.expires <= seconds {
        return Err(Refusal::AccountExpired);
    }
    if limits.bearer && account.nats.limits.disallow_bearer {
        return Err(Refusal::Bearer);
    }
    if !allows(&limits.connection_types, presented.connection) {
        return Err(Refusal::ConnectionType);
    }
    if account.nats.revocations.revoke(&user.subject, user.issued_at) {
        return Err(Refusal::Revoked);
    }
    if !limits.allow_source(presented.address) {
        return Err(Refusal::Source(presented.address));
    }
    let zone = zones(&limits.location).ok_or(Refusal::Times)?;
    let until = until(user.expires, limits.window(&Zoned::new(now, zone)), seconds)?;
    Ok(Grant {
        limits: limits.into_owned(),
        until,
    })
}

pub(crate) fn limits_of<'a>(
    user: &'a Claims<User>,
    account: &Claims<Account>,
    trust: &Trust,
) -> Result<Cow<'a, UserLimits>, Refusal> {
    let is_strict = trust.is_strict(&account.issuer);
    match account.signer(&user.issuer, is_strict).ok_or(Refusal::Issuer)? {
        None => Ok(Cow::Borrowed(&user.nats.limits)),
        Some(_) if !user.nats.limits.is_empty() => Err(Refusal::Scoped),
        Some(scope) => {
            let of_account = TemplateAccount {
                name: &account.name,
                tags: &account.nats.tags,
            };
            let filled_in = scope.template.filled_in(user, of_account);
            filled_in.map(Cow::Owned).map_err(|_| Refusal::Template)
        }
    }
}

/// Names that are not known allow nothing, and nobody is left if there are no others.
pub(crate) fn allows(names: &[String], connection: ConnectionType) -> bool {
    if names.is_empty() {
        return true;
    }
    let known: Vec<ConnectionType> = names.iter().filter_map(|name| name.parse().ok()).collect();
    !known.is_empty() && known.into_iter().collect::<ConnectionTypes>().allow(connection)
}

fn is_signed(user: &Claims<User>, presented: &Presented<'_>) -> bool {
    let (Ok((_, key)), Some(signature)) = (
        nkey::decode_public(&user.subject),
        nkey::decode_signature(presented.signature),
    ) else {
        return false;
    };
    !presented.nonce.is_empty() && nkey::verify(&key, presented.nonce, &signature)
}

pub(crate) fn until(expires: i64, window: Window, now: i64) -> Result<Option<i64>, Refusal> {
    let closes = match window {
        Window::Closed => return Err(Refusal::Times),
        Window::Always => None,
        Window::For(left) => Some(now.saturating_add(i64::try_from(left.as_secs()).unwrap_or(i64::MAX))),
    };
    let expires = (expires != 0).then_some(expires);
    Ok(match (expires, closes) {
        (Some(expires), Some(closes)) => Some(expires.min(closes)),
        (one, other) => one.or(other),
    })
}

#[cfg(test)]
mod tests;

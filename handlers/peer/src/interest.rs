//! What other servers are interested in, and are told.

use crate::permitting::{FormerPermissions, RoutePermissions};
use vagus_actors::connection::Turn;
use vagus_actors::router::InterestChange;
use vagus_protocol::route::{RoutedInterest, interest};
use vagus_routing::subject;

/// What came of an RS+ or RS-.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noted {
    Done,
    /// There is no such account here.
    UnknownAccount,
    InvalidSubject,
    /// This server does not let others have it.
    NotExported,
}

/// By this the subscription that stands for the interest is found again, within its account. That of leaf nodes is apart
/// from that of the server itself, and by their cluster.
fn append_sid(sid: &mut Vec<u8>, interest: &RoutedInterest<'_>) {
    sid.clear();
    let words = [interest.origin.unwrap_or_default(), interest.subject];
    for word in words.into_iter().chain(interest.queue) {
        sid.extend_from_slice(word);
        sid.push(b' ');
    }
    // Subscriptions add a blank of their own.
    sid.pop();
}

/// RS+ and LS+. `account` is whose interest it is; `sid` is lent.
pub(crate) fn subscribe(
    account: &[u8],
    interest: &RoutedInterest<'_>,
    permissions: &RoutePermissions,
    sid: &mut Vec<u8>,
    turn: &mut impl Turn,
) -> Noted {
    if !turn.enter(account) {
        return Noted::UnknownAccount;
    }
    if !subject::is_valid_subscription(interest.subject) {
        return Noted::InvalidSubject;
    }
    let Some(except) = permissions.exports(interest.subject) else {
        return Noted::NotExported;
    };
    append_sid(sid, interest);
    let is_new = !turn.is_subscribed(sid);
    if is_new {
        turn.subscribe(interest.subject, interest.queue, sid, except);
    }
    if interest.queue.is_some() && !(is_new && interest.weight == 1) {
        turn.weigh(sid, interest.weight);
    }
    Noted::Done
}

/// RS- and LS-.
pub(crate) fn unsubscribe(
    account: &[u8],
    interest: &RoutedInterest<'_>,
    sid: &mut Vec<u8>,
    turn: &mut impl Turn,
) -> Noted {
    if !turn.enter(account) {
        return Noted::UnknownAccount;
    }
    append_sid(sid, interest);
    turn.unsubscribe(sid, None);
    Noted::Done
}

/// Tells the other server what is wanted here, in the account where that is to be said: as far as this server imports it, and
/// what it was told `former`ly is taken back.
pub(crate) fn tell<'a>(
    account: Option<&str>,
    permissions: &RoutePermissions,
    former: &FormerPermissions,
    changes: impl Iterator<Item = InterestChange<'a>>,
    turn: &mut impl Turn,
) {
    let mut lines = Vec::new();
    for change in changes {
        let is_imported = permissions.imports(change.subject);
        if !is_imported && !former.imported(change.subject) {
            continue;
        }
        interest::append(
            &mut lines,
            account.map(str::as_bytes),
            change.subject,
            change.queue,
            if is_imported { change.weight } else { 0 },
        );
    }
    if !lines.is_empty() {
        turn.tell_interest(&lines);
    }
}

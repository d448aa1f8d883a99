//! Whether a client may subscribe.

use crate::session::NatsSession;
use vagus_actors::connection::Turn;
use vagus_auth::permission::Subscribe;
use vagus_protocol::error::Complaint;
use vagus_routing::subject;

/// A queue group that clients may not join: servers use its name among themselves.
const RESERVED_QUEUE: &[u8] = b"_sys_";

/// SUB.
pub(crate) fn subscribe(
    session: &mut NatsSession,
    subject: &[u8],
    queue: Option<&[u8]>,
    sid: &[u8],
    turn: &mut impl Turn,
) {
    if let Some(complaint) = objection(session, subject, queue, sid, turn) {
        return session.complain(&complaint, turn);
    }
    let except = match session.rights.may_subscribe(subject, queue) {
        Subscribe::Allowed => None,
        Subscribe::AllowedExcept(filter) => Some(filter),
        Subscribe::Denied => {
            return session.complain(&Complaint::SubscriptionPermission { subject, queue, sid }, turn);
        }
    };
    turn.subscribe(subject, queue, sid, except);
    session.confirm(turn);
}

fn objection<'a>(
    session: &NatsSession,
    subject: &'a [u8],
    queue: Option<&'a [u8]>,
    sid: &'a [u8],
    turn: &impl Turn,
) -> Option<Complaint<'a>> {
    let limits = &session.settings.limits;
    if queue == Some(RESERVED_QUEUE) {
        return Some(Complaint::SubscriptionPermission { subject, queue, sid });
    }
    let tokens = limits.max_subscription_tokens;
    if tokens != 0 && subject::token_count(subject) > tokens {
        return Some(Complaint::TooManyTokens { subject, sid });
    }
    if turn.subscriptions() >= session.max_subscriptions {
        return Some(Complaint::MaximumSubscriptions);
    }
    // A sid that is in use stays as it is, so its subject does not matter.
    if !turn.is_subscribed(sid) && !subject::is_valid_subscription(subject) {
        return Some(Complaint::InvalidSubject);
    }
    None
}

//! What becomes of a client when the server is set otherwise.
//!
//! It goes on as if it had come now: with its login held against the users there are, with the permissions that it
//! has now, under the limits that hold now. What it may not have any more is taken from it, with a word.

use crate::session::{NatsSession, is_traced};
use crate::{Facts, authentication};
use std::sync::Arc;
use vagus_actors::connection::{CloseReason, SessionInterest, Turn};
use vagus_actors::reload::Fate;
use vagus_auth::credentials;
use vagus_auth::permission::{Matcher, Subscribe};
use vagus_protocol::error::Complaint;

/// What becomes of a client by other settings.
enum Standing {
    /// Its key is not one of those that clients may have.
    NotPinned,
    /// It has not said who it is: what it presents will be held against the new credentials.
    LoggingIn,
    /// It came when no login was asked for, and has not said anything yet.
    HasToLogIn,
    /// Its login is not good any more.
    Unauthorized,
    /// It goes on as this one.
    Renewed(credentials::Identity),
}

impl NatsSession {
    /// What would become of the client with these settings, if it has so many subscriptions.
    fn standing(&self, facts: &Facts, subscriptions: usize) -> Standing {
        if !self.key.may_stay(facts.tls.as_deref()) {
            return Standing::NotPinned;
        }
        if self.must_authenticate() || self.login.is_some() {
            return Standing::LoggingIn;
        }
        match self.identity.as_ref().and_then(|who| facts.gate.renew(who)) {
            Some(renewed) => Standing::Renewed(renewed),
            None if self.options.is_none() && subscriptions == 0 => Standing::HasToLogIn,
            None => Standing::Unauthorized,
        }
    }

    /// Goes by what the server is set to now.
    pub(crate) fn adopt(&mut self, turn: &mut impl Turn) {
        // Nothing of a mere change of the log's level is in the facts.
        self.wishes.trace = is_traced();
        if self.version == self.live.version() {
            return;
        }
        let (facts, version) = self.live.current();
        let before = std::mem::replace(&mut self.facts, facts);
        self.version = version;
        let limits = &self.facts.limits;
        self.frame_limits.max_control_line = limits.max_control_line;
        self.frame_limits.max_payload = limits.max_payload;
        self.heartbeat
            .adjust(limits.ping_interval, limits.ping_max, turn.now());
        match self.standing(&self.facts, turn.subscriptions()) {
            Standing::NotPinned => {
                self.closing = true;
                return turn.close(CloseReason::TlsHandshakeFailure);
            }
            Standing::LoggingIn => return self.ask_for_login(turn),
            Standing::HasToLogIn => {
                self.identity = None;
                self.authentication_due = Some(turn.now() + self.facts.limits.auth_timeout);
            }
            Standing::Unauthorized if self.is_user_gone() => {
                // As in nats-server: it is told why when it comes back.
                self.closing = true;
                turn.close(CloseReason::ClientClosed);
            }
            Standing::Unauthorized => self.refused(turn),
            Standing::Renewed(identity) => self.renew(identity, turn),
        }
        // Who goes on is told where else to connect, and what may be sent now.
        let (before, now) = (&before.info, &self.facts.info);
        let differs = before.connect_urls != now.connect_urls
            || before.lame_duck != now.lame_duck
            || before.max_payload != now.max_payload;
        if !self.closing && differs {
            self.tell_of_servers(turn);
        }
    }

    /// A client that has not said who it is: whether it has to.
    fn ask_for_login(&mut self, turn: &mut impl Turn) {
        let gate = &self.facts.gate;
        if self.login.is_none() && !gate.requires_login() {
            self.authentication_due = None;
            self.identity = authentication::without_connect(gate);
            self.permissions = self.identity.as_ref().and_then(|who| who.permissions().cloned());
        } else if self.authentication_due.is_none() && gate.requires_login() {
            self.authentication_due = Some(turn.now() + self.facts.limits.auth_timeout);
        }
    }

    /// Goes on with the permissions that it has now.
    fn renew(&mut self, renewed: credentials::Identity, turn: &mut impl Turn) {
        let permissions = renewed.permissions().cloned();
        self.identity = Some(renewed);
        if same(self.permissions.as_ref(), permissions.as_ref()) {
            return;
        }
        let responses = |matcher: &Option<Arc<Matcher>>| {
            matcher.as_ref().and_then(|matcher| matcher.response_permission())
        };
        if responses(&self.permissions) != responses(&permissions) {
            turn.may_answer_requests(responses(&permissions));
        }
        self.permissions = permissions;
        self.permitted.clear();
        for interest in turn.all_interest() {
            self.check(&interest, turn);
        }
    }

    /// What would become of the client with these settings.
    pub(crate) fn fate(&self, facts: &Facts, interest: &[SessionInterest]) -> Fate {
        let closed = |reason| Fate {
            closed: Some(reason),
            subscriptions_ended: 0,
        };
        let renewed = match self.standing(facts, interest.len()) {
            Standing::NotPinned => return closed(CloseReason::TlsHandshakeFailure),
            Standing::LoggingIn | Standing::HasToLogIn => return Fate::default(),
            Standing::Unauthorized => return closed(CloseReason::AuthenticationFailure),
            Standing::Renewed(renewed) => renewed,
        };
        let is_denied = |one: &&SessionInterest| {
            renewed.permissions().is_some_and(|matcher| {
                matches!(
                    matcher.may_subscribe(&one.subject, one.queue.as_deref()),
                    Subscribe::Denied
                )
            })
        };
        Fate {
            closed: None,
            subscriptions_ended: interest.iter().filter(is_denied).count(),
        }
    }

    /// Whether there is no user of the client's name or key any more, where there are users.
    fn is_user_gone(&self) -> bool {
        self.identity
            .as_ref()
            .and_then(|identity| identity.user())
            .is_some_and(|user| self.facts.gate.has_users() && !self.facts.gate.has_user(user))
    }

    /// Ends a subscription that is not permitted any more.
    fn check(&mut self, interest: &SessionInterest, turn: &mut impl Turn) {
        let SessionInterest { subject, queue, sid } = interest;
        let queue = queue.as_deref();
        let verdict = match &self.permissions {
            None => Subscribe::Allowed,
            Some(matcher) => matcher.may_subscribe(subject, queue),
        };
        match verdict {
            Subscribe::Allowed => turn.except(sid, None),
            Subscribe::AllowedExcept(filter) => turn.except(sid, Some(filter)),
            Subscribe::Denied => {
                turn.unsubscribe(sid, None);
                self.complain(&Complaint::SubscriptionRevoked { subject, queue, sid }, turn);
                log::info!(
                    "{} - Removed sub {:?} (sid {:?}) for {:?} - not authorized",
                    self.log_name(),
                    String::from_utf8_lossy(subject),
                    String::from_utf8_lossy(sid),
                    self.identity
                        .as_ref()
                        .and_then(|who| who.user())
                        .unwrap_or_default(),
                );
            }
        }
    }
}

/// Whether two clients may do the same.
fn same(one: Option<&Arc<Matcher>>, other: Option<&Arc<Matcher>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one.permissions() == other.permissions(),
        _ => false,
    }
}

//! What becomes of a client when the server is set otherwise.
//!
//! It goes on as if it had come now: with its login held against the users there are, with the permissions that it
//! has now, under the limits that hold now. What it may not have any more is taken from it, with a word.

use crate::client_options::logs_each;
use crate::session::NatsSession;
use crate::{ClientSettings, authentication};
use vagus_actors::connection::Turn;
use vagus_actors::impact::ConnectionImpact;
use vagus_auth::credentials;
use vagus_auth::permission::Subscribe;
use vagus_delivery::subscriptions::Subscribed;
use vagus_protocol::error::{CloseReason, Complaint};

/// What becomes of a client by other settings.
enum Standing {
    /// Its key is not one of those that clients may have.
    NotPinned,
    /// It has not said who it is: what it presents will be held against the new credentials.
    LoggingIn,
    /// It came when no login was asked for, has not said who it is and has no subscription.
    HasToLogIn,
    /// Its login is not good any more.
    Unauthorized,
    /// It came by a proxy that is not trusted any more, or by none, and its user has to now.
    NotVouchedFor(Complaint<'static>),
    /// Its user belongs to another account now.
    Moved,
    /// It goes on as this one.
    Renewed(credentials::Identity),
}

impl NatsSession {
    /// What would become of the client with these settings, if it has so many subscriptions.
    fn standing(&self, settings: &ClientSettings, subscriptions: usize) -> Standing {
        if !self.key.may_stay(settings.tls.as_deref()) {
            return Standing::NotPinned;
        }
        let Some(who) = self.who() else {
            return Standing::LoggingIn;
        };
        let proxy = self.proxy.as_deref();
        if proxy.is_some_and(|key| !settings.trusted_proxies.trust(key)) {
            return Standing::NotVouchedFor(Complaint::UntrustedProxy);
        }
        if self.is_still_named(settings) {
            return Standing::Renewed(who.clone());
        }
        match settings.gate.renew(who, self.certificate(settings)) {
            Some(renewed) if renewed.requires_proxy() && proxy.is_none() => {
                Standing::NotVouchedFor(Complaint::ProxyRequired)
            }
            Some(renewed) if renewed.account() != who.account() => Standing::Moved,
            Some(renewed) => Standing::Renewed(renewed),
            None if self.options.is_none() && subscriptions == 0 => Standing::HasToLogIn,
            None => Standing::Unauthorized,
        }
    }

    /// Goes by what the server is set to now.
    pub(crate) fn adopt(&mut self, turn: &mut impl Turn) {
        // A mere change of the log's level is in no settings.
        self.client_options.logged = logs_each();
        if self.version == self.live.version() {
            return;
        }
        let (settings, version) = self.live.current();
        let before = std::mem::replace(&mut self.settings, settings);
        self.version = version;
        let max_payload = self.frame_limits.max_payload;
        self.hold_to_limits();
        let limits = &self.settings.limits;
        self.frame_limits.max_control_line = limits.max_control_line;
        self.heartbeat
            .adjust(limits.ping_interval, limits.ping_max, turn.now());
        match self.standing(&self.settings, turn.subscriptions()) {
            Standing::NotPinned => {
                self.closing = true;
                return turn.close(CloseReason::TlsHandshakeFailure);
            }
            Standing::LoggingIn => return self.ask_for_login(turn),
            Standing::HasToLogIn => self.shut_out(turn),
            Standing::Moved => {
                // As in nats-server: it comes back as one of its account.
                self.closing = true;
                turn.close(CloseReason::ClientClosed);
            }
            Standing::NotVouchedFor(complaint) => self.turned_away(&complaint, turn),
            Standing::Unauthorized if self.is_user_gone() => {
                // As in nats-server: it is told why when it comes back.
                self.closing = true;
                turn.close(CloseReason::ClientClosed);
            }
            Standing::Unauthorized => self.refused(turn),
            Standing::Renewed(identity) => self.renew(identity, turn),
        }
        // Who goes on is told where else to connect, what may be sent now, and whether there are streams to ask.
        let (before, now) = (&before.info, &self.settings.info);
        let differs = before.connect_urls != now.connect_urls
            || before.lame_duck != now.lame_duck
            || before.jetstream != now.jetstream
            || max_payload != self.frame_limits.max_payload;
        if !self.closing && differs {
            self.tell_of_servers(turn);
        }
    }

    /// A client that has not said who it is: whether it has to.
    fn ask_for_login(&mut self, turn: &mut impl Turn) {
        if self.login.is_none()
            && let Some(identity) = authentication::anybody(&self.settings)
        {
            self.let_in(identity, turn);
        }
    }

    /// Goes on with the permissions that it has now.
    pub(crate) fn renew(&mut self, renewed: credentials::Identity, turn: &mut impl Turn) {
        let rights = self.without_callouts(&renewed);
        if self.rights == rights {
            self.admit(renewed, turn);
            return;
        }
        if self.rights.response_permission() == rights.response_permission() {
            // What it was asked before it still may answer.
            self.rights = rights;
            self.permitted.clear();
            self.admit(renewed, turn);
        } else {
            self.let_in(renewed, turn);
        }
        if self.closing {
            return;
        }
        for interest in turn.all_interest() {
            self.check(&interest, turn);
        }
    }

    /// What would become of the client with these settings.
    pub(crate) fn impact_of_settings(
        &self,
        settings: &ClientSettings,
        interest: &[Subscribed],
    ) -> ConnectionImpact {
        let closed = |reason| ConnectionImpact {
            closed: Some(reason),
            subscriptions_ended: 0,
        };
        let rights = match self.standing(settings, interest.len()) {
            Standing::NotPinned => return closed(CloseReason::TlsHandshakeFailure),
            Standing::LoggingIn | Standing::HasToLogIn => return ConnectionImpact::default(),
            Standing::Moved => return closed(CloseReason::ClientClosed),
            Standing::Unauthorized => return closed(CloseReason::AuthenticationFailure),
            Standing::NotVouchedFor(complaint) => {
                return closed(complaint.reason().unwrap_or(CloseReason::AuthenticationFailure));
            }
            Standing::Renewed(renewed) => renewed.rights(),
        };
        let is_denied = |one: &&Subscribed| {
            matches!(
                rights.may_subscribe(&one.subject, one.queue.as_deref()),
                Subscribe::Denied
            )
        };
        ConnectionImpact {
            closed: None,
            subscriptions_ended: interest.iter().filter(is_denied).count(),
        }
    }

    /// Whether there is no user of the client's name or key any more, where there are users.
    fn is_user_gone(&self) -> bool {
        self.who()
            .and_then(credentials::Identity::user)
            .is_some_and(|user| self.settings.gate.has_users() && !self.settings.gate.has_user(user))
    }

    /// Ends a subscription that is not permitted any more.
    fn check(&mut self, interest: &Subscribed, turn: &mut impl Turn) {
        let Subscribed { subject, queue, sid } = interest;
        let queue = queue.as_deref();
        match self.rights.may_subscribe(subject, queue) {
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
                    self.who()
                        .and_then(credentials::Identity::user)
                        .unwrap_or_default(),
                );
            }
        }
    }
}

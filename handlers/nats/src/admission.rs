//! Who a client is: from what it says in CONNECT to its account.

use crate::ClientSettings;
use crate::accounts::account_of;
use crate::authentication::{self, Verdict};
use crate::client_options::ClientOptions;
use crate::session::NatsSession;
use crate::token_login::TokenLogin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::claimed_accounts::KnownAccount;
use vagus_actors::connection::{Awaited, SlowTask, Turn};
use vagus_actors::logins::{Named, without_callouts};
use vagus_actors::observed::ServiceRefusal;
use vagus_auth::credentials::{self, BcryptTask, Certificate};
use vagus_auth::nkey::Nonce;
use vagus_auth::permission::Rights;
use vagus_auth::proxies::Proxied;
use vagus_delivery::Account;
use vagus_protocol::error::{CloseReason, Complaint, Violation};

/// Whether a client is in.
#[derive(Debug)]
pub(crate) enum Admission {
    /// Not yet. It is told to leave if it has not said who it is by then.
    Due(Instant),
    /// It is, as this one, in its account.
    In(credentials::Identity, Arc<Account>),
}

/// A login that is not decided yet.
#[derive(Debug)]
pub(crate) enum Login {
    /// A password hash is to be checked. Boxed: few sessions have one, and all would pay for the room.
    ToBeChecked(Box<BcryptTask>),
    /// Others have to be asked.
    ToBeAwaited(Awaited<LoginAnswer>),
    /// It is done elsewhere.
    UnderWay,
}

/// What a login came to that could not be decided at once.
#[derive(Debug)]
pub enum LoginAnswer {
    /// A password was checked. None: it does not fit.
    Password(Option<credentials::Identity>),
    /// The account of a token was looked for.
    Account(Box<TokenLogin>, Option<Arc<KnownAccount>>),
    /// A service was asked.
    Named(Result<Box<Named>, Arc<ServiceRefusal>>),
}

impl LoginAnswer {
    /// Takes what has to be done elsewhere, if anything has.
    pub(crate) fn work_of(login: &mut Option<Login>) -> Option<SlowTask<Self>> {
        match login.take()? {
            Login::ToBeChecked(task) => {
                *login = Some(Login::UnderWay);
                Some(Box::new(move || Self::Password(task.run())))
            }
            other => {
                *login = Some(other);
                None
            }
        }
    }

    /// Takes what has to be waited for, if anything has.
    pub(crate) fn awaited_of(login: &mut Option<Login>) -> Option<Awaited<Self>> {
        match login.take()? {
            Login::ToBeAwaited(answer) => {
                *login = Some(Login::UnderWay);
                Some(answer)
            }
            other => {
                *login = Some(other);
                None
            }
        }
    }
}

/// The first PING after CONNECT comes early: it measures the round trip.
const FIRST_PING_AFTER: Duration = Duration::from_secs(2);

impl NatsSession {
    pub(crate) fn must_authenticate(&self) -> bool {
        matches!(self.admission, Admission::Due(_))
    }

    /// Who the client is; none until it is in.
    pub(crate) fn who(&self) -> Option<&credentials::Identity> {
        match &self.admission {
            Admission::Due(_) => None,
            Admission::In(identity, _) => Some(identity),
        }
    }

    /// The account it belongs to; none until it is in.
    pub(crate) fn account(&self) -> Option<&Arc<Account>> {
        match &self.admission {
            Admission::Due(_) => None,
            Admission::In(_, account) => Some(account),
        }
    }

    /// Who the client is by its certificate, by these settings.
    pub(crate) fn certificate(&self, settings: &ClientSettings) -> Certificate<'_> {
        match (&settings.tls, &self.certificate) {
            (Some(tls), Some(names)) if tls.maps => Certificate::Shown(names),
            (Some(tls), None) if tls.maps => Certificate::Missing,
            _ => Certificate::NotAsked,
        }
    }

    /// From now on the client is this one, with what that one may do. There is no other way in. False if it was turned
    /// away.
    pub(crate) fn let_in(&mut self, identity: credentials::Identity, turn: &mut impl Turn) -> bool {
        let rights = self.without_callouts(&identity);
        if !self.admit(identity, turn) {
            return false;
        }
        self.rights = rights;
        self.permitted.clear();
        turn.may_answer_requests(self.rights.response_permission());
        true
    }

    /// What somebody may do here.
    pub(crate) fn without_callouts(&self, identity: &credentials::Identity) -> Rights {
        let claimed_accounts = self.settings.claimed_accounts.as_deref();
        without_callouts(identity, claimed_accounts, self.settings.callout())
    }

    /// From now on the client is this one, and belongs to its account. False if it was turned away.
    pub(crate) fn admit(&mut self, identity: credentials::Identity, turn: &mut impl Turn) -> bool {
        let Some(account) = account_of(&identity, &self.settings.accounts) else {
            self.refused(turn);
            return false;
        };
        if !turn.bind(&account) {
            log::error!(
                "{} - maximum account active connections exceeded",
                self.log_name()
            );
            self.complain(&Complaint::MaximumAccountConnections, turn);
            return false;
        }
        self.admission = Admission::In(identity, account);
        self.follow_account();
        if turn.subscriptions() > self.max_subscriptions {
            self.complain(&Complaint::MaximumSubscriptions, turn);
            self.closing = true;
            turn.close(CloseReason::MaximumSubscriptionsExceeded);
            return false;
        }
        true
    }

    /// The client may ask for what the server, its account, and its own claims all grant.
    pub(crate) fn hold_to_limits(&mut self) {
        let (payload, subscriptions) = {
            let limits = &self.settings.limits;
            // 0 is none, for the server as a whole.
            let of_server = Some(limits.max_subscriptions).filter(|limit| *limit != 0);
            (limits.max_payload, of_server.unwrap_or(usize::MAX))
        };
        let definition = self.account().and_then(|account| account.definition());
        let of_account = definition.map(|definition| definition.limits).unwrap_or_default();
        let own = self.who().and_then(credentials::Identity::claims);
        let at_most = |of_account: Option<u32>, own: Option<usize>| {
            let of_account = of_account.map_or(usize::MAX, |limit| limit as usize);
            of_account.min(own.unwrap_or(usize::MAX))
        };
        let own_payload = own.and_then(|claimed| claimed.max_payload);
        let own_subscriptions = own.and_then(|claimed| claimed.max_subscriptions);
        self.frame_limits.max_payload = payload.min(at_most(of_account.payload, own_payload));
        self.max_subscriptions = subscriptions.min(at_most(of_account.subscriptions, own_subscriptions));
    }

    /// From now on the client has to say who it is before it may do anything.
    pub(crate) fn shut_out(&mut self, turn: &mut impl Turn) {
        self.rights = Rights::Nothing;
        self.permitted.clear();
        turn.may_answer_requests(None);
        self.admission = Admission::Due(turn.now() + self.settings.auth_timeout);
    }

    /// The client begins with something else than CONNECT.
    #[cold]
    pub(crate) fn begin_without_connect(&mut self, turn: &mut impl Turn) {
        let certificate = self.certificate(&self.settings);
        let verdict = authentication::without_connect(&self.settings, certificate);
        self.judged(verdict, turn);
    }

    fn judged(&mut self, verdict: Verdict, turn: &mut impl Turn) {
        match verdict {
            Verdict::Admitted(identity) => self.decided(Some(identity), turn),
            Verdict::Refused => self.decided(None, turn),
            Verdict::Verify(task) => self.login = Some(Login::ToBeChecked(Box::new(task))),
        }
    }

    /// CONNECT.
    pub(crate) fn connect(&mut self, json: &[u8], turn: &mut impl Turn) {
        self.heartbeat.introduced(turn.now());
        let earlier = self.options.take();
        if earlier.is_some() || authentication::anybody(&self.settings).is_none() {
            // As in nats-server, a client that says again who it is keeps no subscription: it may not be permitted any more.
            turn.unsubscribe_all();
        }
        let claimed = earlier
            .as_ref()
            .map(|options| (options.user.clone(), options.nkey.clone()));
        let mut options = earlier.unwrap_or_default();
        if let Err(error) = options.update(json) {
            return self.violated(Violation::Connect, &error.to_string(), turn);
        }
        if let Some(requested) = &self.requested {
            requested.complete(&mut options);
        }
        let signature = options.proofs.as_ref().map_or("", |proofs| &*proofs.proxy_sig);
        let nonce = self.nonce.as_ref().map_or(&b""[..], Nonce::as_bytes);
        match self.settings.trusted_proxies.check(signature, nonce) {
            Proxied::No => {}
            Proxied::By(key) => self.proxy = Some(key),
            Proxied::Untrusted => {
                options.forget_proofs();
                self.options = Some(options);
                return self.turned_away(&Complaint::UntrustedProxy, turn);
            }
        }
        let claims_the_same =
            claimed.is_some_and(|(user, nkey)| user == options.user && nkey == options.nkey);
        if let Some(accounts) = self.settings.claimed_accounts.clone() {
            let proofs = options.proofs.take();
            self.options = Some(options);
            self.note_attempt(proofs.as_deref());
            return match proofs {
                None if claims_the_same => self.renew_token(turn),
                proofs => self.begin_with_token(&accounts, proofs, turn),
            };
        }
        let (settings, certificate) = (&self.settings, self.certificate(&self.settings));
        let verdict = if claims_the_same && options.proofs.is_none() {
            // It has proven that before.
            authentication::renew(&settings.gate, self.who(), certificate)
        } else {
            authentication::judge(settings, &options, self.nonce.as_ref(), certificate)
        };
        let proofs = options.proofs.take();
        self.options = Some(options);
        self.note_attempt(proofs.as_deref());
        self.judged(verdict, turn);
    }

    pub(crate) fn refused(&mut self, turn: &mut impl Turn) {
        self.turned_away(&Complaint::AuthorizationViolation, turn);
    }

    /// As [`NatsSession::refused`], for a reason that monitoring shows.
    pub(crate) fn turned_away(&mut self, complaint: &Complaint<'_>, turn: &mut impl Turn) {
        self.report_refusal();
        self.complain(complaint, turn);
    }

    /// What a login came to that could not be decided at once; None if there was no place for that.
    pub(crate) fn login_answered(&mut self, answer: Option<LoginAnswer>, turn: &mut impl Turn) {
        let identity = match answer {
            Some(LoginAnswer::Account(login, known)) => return self.account_found(&login, known, turn),
            Some(LoginAnswer::Named(named)) => return self.service_answered(named, turn),
            Some(LoginAnswer::Password(identity)) => identity,
            None => return self.refused(turn),
        };
        // By now somebody else may be welcome.
        let certificate = self.certificate(&self.settings);
        let identity = identity.and_then(|identity| self.settings.gate.renew(&identity, certificate));
        self.decided(identity, turn);
    }

    /// What the credentials of the server say of the client; None: it is not to come in. A service may say otherwise.
    fn decided(&mut self, identity: Option<credentials::Identity>, turn: &mut impl Turn) {
        if self.proxy.is_none()
            && identity
                .as_ref()
                .is_some_and(|identity| identity.requires_proxy())
        {
            // Also where a service would let it in.
            return self.turned_away(&Complaint::ProxyRequired, turn);
        }
        if self.asks_service(identity.as_ref()) {
            return;
        }
        // It holds secrets.
        self.attempt = None;
        match identity {
            Some(identity) => self.admitted(identity, turn),
            None => self.refused(turn),
        }
    }

    /// The client is who it says it is, or who everybody is that says nothing.
    pub(crate) fn admitted(&mut self, identity: credentials::Identity, turn: &mut impl Turn) {
        if identity.requires_proxy() && self.proxy.is_none() {
            return self.turned_away(&Complaint::ProxyRequired, turn);
        }
        let server_headers = self.settings.limits.headers;
        let Some(options) = &self.options else {
            self.let_in(identity, turn);
            return;
        };
        let (complaint, headers) = (
            options.complaint(server_headers),
            options.headers && server_headers,
        );
        self.client_options = ClientOptions::of(options);
        if let Some(complaint) = complaint {
            return self.complain(&complaint, turn);
        }
        self.heartbeat.begin(turn.now(), FIRST_PING_AFTER, self.id);
        if !self.let_in(identity, turn) {
            return;
        }
        self.frame_limits.headers = headers;
        turn.accept_headers(headers);
        turn.set_name(self.options().map(|options| &*options.name).unwrap_or_default());
        turn.introduce();
        self.show_party(turn);
        self.show_deliveries(turn);
        self.confirm(turn);
    }
}

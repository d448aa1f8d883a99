//! Who calls: by a name and password, a token, a key, a token of an account that an operator has signed (JWT), or by what a
//! service says (auth callout): the same that a client of NATS would be.

use super::Session;
use crate::access::Presented;
use crate::problem::Problem;
use actix_web::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use vagus_actors::claimed_accounts::{ClaimedAccounts, KnownAccount, Lookup};
use vagus_actors::flood::FAILED_LOGINS;
use vagus_actors::logins::{
    CalloutMeans, Claimant, Ends, HeldToken, Inquiry, Rules, decides_about, decides_instead, ends,
    without_callouts,
};
use vagus_auth::credentials::{Certificate, ConnectionType, Decision, Gate, Identity, Login};
use vagus_auth::permission::Rights;
use vagus_configs::{AuthCallout, GLOBAL_ACCOUNT, Limits};
use vagus_delivery::Account;
use vagus_jwt::{
    Claims, ClientInformation, ConnectOptions, Grant, Refusal, ServerInformation, Tags, User, admit, claimed,
    looks_like_token, renew, time_zone,
};
use vagus_protocol::error::Complaint;

/// What holds for logins, and for those who are in.
pub struct LoginRules {
    /// Who may come in by the configuration.
    pub gate: Arc<Gate>,
    /// Whether clients are who their certificates say: then nobody is known by a name here.
    pub maps_certificates: bool,
    /// The accounts that operators have signed, where accounts are not configured.
    pub claimed_accounts: Option<Arc<ClaimedAccounts>>,
    /// The service that decides about clients, where accounts are configured.
    pub callout: Option<AuthCallout>,
    /// What is needed to ask services.
    pub callout_means: Option<CalloutMeans>,
    /// What services are told of this server.
    pub server: ServerInformation,
    /// How long a service may take to answer.
    pub patience: Duration,
    /// What holds for messages.
    pub limits: Limits,
}

/// What a caller says of who it is, named as in CONNECT. It holds secrets: it is not to be shown.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Said {
    pub(super) jwt: String,
    pub(super) nkey: String,
    pub(super) sig: String,
    /// What was signed.
    pub(super) nonce: String,
    pub(super) user: String,
    pub(super) pass: String,
    pub(super) auth_token: String,
}

/// Somebody who was let in.
pub(super) struct Admitted {
    identity: Identity,
    rights: Rights,
    /// By what, if not by the configuration alone.
    held: Option<HeldToken>,
    /// What held then.
    rules: Arc<LoginRules>,
    /// Where it calls from.
    peer: IpAddr,
}

/// The way in which they are connected: what is set for clients of NATS holds for them.
const CONNECTION: ConnectionType = ConnectionType::Standard;

impl LoginRules {
    fn certificate(&self) -> Certificate<'static> {
        match self.maps_certificates {
            true => Certificate::Missing,
            false => Certificate::NotAsked,
        }
    }
}

impl Said {
    /// What the header of a call says. A bearer's token is one that an account has signed, where those are.
    pub(super) fn in_header(presented: Presented, rules: &LoginRules) -> Option<Self> {
        Some(match presented {
            Presented::Unreadable => return None,
            Presented::Nothing => Self::default(),
            Presented::Login { name, password } => Self {
                user: name,
                pass: password,
                ..Self::default()
            },
            Presented::Token(token)
                if rules.claimed_accounts.is_some() && looks_like_token(token.as_bytes()) =>
            {
                Self {
                    jwt: token,
                    ..Self::default()
                }
            }
            Presented::Token(token) => Self {
                auth_token: token,
                ..Self::default()
            },
        })
    }

    /// What a service is told who the caller says it is.
    fn user(&self) -> &str {
        let names = [&self.nkey, &self.user];
        let name = names.into_iter().find(|name| !name.is_empty());
        let token = if self.auth_token.is_empty() {
            ""
        } else {
            "[REDACTED]"
        };
        name.map_or(token, |name| name)
    }
}

/// Lets a caller in, or says why not.
pub(super) async fn log_in(
    session: &Session,
    rules: &Arc<LoginRules>,
    said: Said,
    peer: IpAddr,
) -> Result<Admitted, Problem> {
    let attempt = Attempt {
        session,
        rules,
        said,
        peer,
    };
    let admitted = match &rules.claimed_accounts {
        Some(accounts) => attempt.by_token(accounts).await?,
        None => attempt.by_configuration().await?,
    };
    // By now somebody else may be welcome.
    let now = (session.means.rules)();
    match admitted.renewed(&now) {
        Ok(None) => Ok(admitted),
        Ok(Some(renewed)) => Ok(renewed),
        Err(problem) => Err(problem),
    }
}

/// One login.
struct Attempt<'a> {
    session: &'a Session,
    rules: &'a Arc<LoginRules>,
    said: Said,
    peer: IpAddr,
}

impl Attempt<'_> {
    fn refused(&self) -> Problem {
        refused(self.peer)
    }

    /// What was signed holds from now on no more; it may be signed once.
    fn use_nonce(&self) -> Result<(), Problem> {
        let now = self.session.since.elapsed();
        match self.session.nonces.use_up(&self.said.nonce, self.peer, now) {
            true => Ok(()),
            false => Err(self.refused()),
        }
    }

    async fn by_configuration(self) -> Result<Admitted, Problem> {
        let (said, gate) = (&self.said, &self.rules.gate);
        let login = Login {
            user: &said.user,
            password: &said.pass,
            token: &said.auth_token,
            nkey: &said.nkey,
            signature: &said.sig,
            certificate: self.rules.certificate(),
            connection: CONNECTION,
        };
        let identity = match gate.begin(&login, said.nonce.as_bytes()) {
            Decision::Admitted(identity) => Some(identity),
            Decision::Refused => None,
            Decision::Verify(task) => {
                let (answer, answered) = oneshot::channel();
                let work = move || {
                    // Who called may have gone.
                    let _ = answer.send(task.run());
                };
                if !self.session.means.comparing.hand_in(self.peer, work) {
                    return Err(Problem::unavailable("too many logins wait to be looked at")
                        .retry_after(Duration::from_secs(1)));
                }
                answered.await.ok().flatten()
            }
        };
        // Nobody vouches for who comes this way.
        if identity.as_ref().is_some_and(Identity::requires_proxy) {
            return Err(self.refused());
        }
        let callout = self.rules.callout.clone().filter(|callout| {
            decides_about(callout, self.said.user()) && decides_instead(callout, identity.as_ref())
        });
        if (identity.is_some() || callout.is_some()) && !self.said.sig.is_empty() {
            self.use_nonce()?;
        }
        let Some(callout) = callout else {
            let identity = identity.ok_or_else(|| self.refused())?;
            return Ok(Admitted::new(identity, None, self.rules, self.peer));
        };
        let account = self.session.means.accounts.find(&callout.account);
        let account = account.ok_or_else(|| self.refused())?;
        let rules = Rules::Configured {
            issuer: callout.issuer.clone(),
        };
        let place = (&*account, &*callout.issuer);
        self.ask_service(place, callout.xkey.clone(), rules, None).await
    }

    async fn by_token(mut self, accounts: &Arc<ClaimedAccounts>) -> Result<Admitted, Problem> {
        let decoded = |token: &str| Claims::<User>::decode(token).ok();
        let user = decoded(&self.said.jwt).or_else(|| decoded(accounts.default_sentinel()?));
        let user = user.ok_or_else(|| self.refused())?;
        if !accounts.trust().lets_in(user.account()) {
            accounts.count_not_pinned();
            return Err(self.refused());
        }
        let known = match accounts.look_up(user.account(), self.peer) {
            Lookup::Known(known) => Some(known),
            Lookup::Absent => None,
            Lookup::Fetching(fetched) => fetched.await.ok().flatten(),
        };
        let known = known.ok_or_else(|| self.refused())?;
        let presented = vagus_jwt::Presented {
            signature: &self.said.sig,
            nonce: self.said.nonce.as_bytes(),
            connection: CONNECTION,
            address: self.peer,
        };
        let trust = accounts.trust();
        let grant = admit(
            &user,
            &known.claims,
            trust,
            &presented,
            Timestamp::now(),
            &time_zone,
        );
        let grant = grant.map_err(|refusal| {
            log::debug!("{} - {refusal}", self.peer);
            self.refused()
        })?;
        if !grant.limits.bearer || !self.said.sig.is_empty() {
            self.use_nonce()?;
        }
        if grant.limits.proxy_required {
            return Err(self.refused());
        }
        let authorization = &known.claims.nats.authorization;
        if authorization.is_enabled() {
            if self.said.user().is_empty() {
                user.subject.clone_into(&mut self.said.user);
            }
            let own = &authorization.auth_users;
            let is_own = own.iter().any(|one| one == self.said.user()) || own.contains(&user.subject);
            if !is_own {
                return self.ask_of(accounts, user, known).await;
            }
        }
        let admitted = claimed(&user, &known.claims, &grant).ok_or_else(|| self.refused())?;
        let held = HeldToken {
            token: None,
            ends: ends(grant.until, known.claims.expires),
            account: Some(known),
            is_named: false,
            user,
        };
        let identity = Identity::claimed(admitted, CONNECTION);
        Ok(Admitted::new(identity, Some(held), self.rules, self.peer))
    }

    /// The service of an account decides about somebody who has a token of it.
    async fn ask_of(
        self,
        accounts: &Arc<ClaimedAccounts>,
        user: Claims<User>,
        known: Arc<KnownAccount>,
    ) -> Result<Admitted, Problem> {
        let account = self.session.means.accounts.find(&known.claims.subject);
        let account = account.ok_or_else(|| self.refused())?;
        let xkey = known.claims.nats.authorization.xkey.clone();
        let xkey = Some(xkey).filter(|key| !key.is_empty());
        let rules = Rules::Signed {
            accounts: accounts.clone(),
            asking: known.clone(),
        };
        let place = (&*account, &*known.claims.subject);
        let called = Some((user.name, user.nats.tags));
        self.ask_service(place, xkey, rules, called).await
    }

    async fn ask_service(
        self,
        place: (&Account, &str),
        xkey: Option<String>,
        rules: Rules,
        called: Option<(String, Tags)>,
    ) -> Result<Admitted, Problem> {
        let refused = refused(self.peer);
        let (known, said) = (self.rules.clone(), self.said);
        let means = known.callout_means.clone().ok_or_else(|| refused.clone())?;
        let (name_tag, tags) = called.unwrap_or_default();
        let client = ClientInformation {
            host: self.peer.to_canonical().to_string(),
            user: said.user().to_owned(),
            name_tag,
            tags,
            kind: "Client".to_owned(),
            language: "http".to_owned(),
            nonce: if said.sig.is_empty() {
                String::new()
            } else {
                said.nonce
            },
            ..ClientInformation::default()
        };
        let connect = ConnectOptions {
            jwt: said.jwt,
            nkey: said.nkey,
            sig: said.sig,
            auth_token: said.auth_token,
            user: said.user,
            pass: said.pass,
            ..ConnectOptions::default()
        };
        let claimant = Claimant {
            client,
            connect,
            tls: None,
            source: self.peer,
        };
        let inquiry = Inquiry::new(
            means,
            known.server.clone(),
            place,
            xkey,
            known.patience,
            rules,
            claimant,
        );
        let named = inquiry.ok_or_else(|| refused.clone())?.ask().await;
        // Why not has been logged.
        let named = named.map_err(|_| refused.clone())?;
        let way = (CONNECTION, self.peer);
        let claimed = named.claimed(
            known.claimed_accounts.as_deref(),
            &self.session.means.accounts,
            way,
        );
        let (claimed, held) = claimed.map_err(|_| refused.clone())?;
        if claimed.requires_proxy {
            return Err(refused);
        }
        let identity = Identity::claimed(claimed, CONNECTION);
        Ok(Admitted::new(identity, Some(held), &known, self.peer))
    }
}

impl Admitted {
    fn new(identity: Identity, held: Option<HeldToken>, rules: &Arc<LoginRules>, peer: IpAddr) -> Self {
        let rights = without_callouts(
            &identity,
            rules.claimed_accounts.as_deref(),
            rules.callout.as_ref(),
        );
        Self {
            identity,
            rights,
            held,
            rules: rules.clone(),
            peer,
        }
    }

    /// The name of its account.
    pub(super) fn account(&self) -> &str {
        self.identity.account().unwrap_or(GLOBAL_ACCOUNT)
    }

    /// Its name or public key, if it has one.
    pub(super) fn user(&self) -> Option<&str> {
        self.identity.user()
    }

    /// What it may do.
    pub(super) fn rights(&self) -> &Rights {
        &self.rights
    }

    /// Whether others than the configuration have let it in.
    pub(super) fn is_claimed(&self) -> bool {
        self.held.is_some()
    }

    /// When it has to leave.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.held.as_ref().and_then(HeldToken::deadline)
    }

    /// Bytes of a message that it may publish, by the server, its account and its own claims.
    pub(super) fn max_payload(&self, account: Option<&Account>) -> usize {
        let definition = account.and_then(Account::definition);
        let of_account = definition.and_then(|definition| definition.limits.payload);
        let own = self.identity.claims().and_then(|claimed| claimed.max_payload);
        let of_account = of_account.map_or(usize::MAX, |limit| limit as usize);
        let of_server = self.rules.limits.max_payload;
        of_server.min(of_account).min(own.unwrap_or(usize::MAX))
    }

    /// What it is by what holds now; None: what it was.
    ///
    /// # Errors
    /// When it may not be in any more.
    pub(super) fn renewed(&self, rules: &Arc<LoginRules>) -> Result<Option<Self>, Problem> {
        let over =
            |complaint: Complaint<'_>| Err(Problem::new(StatusCode::UNAUTHORIZED, complaint.to_string()));
        if let Some(HeldToken {
            ends: Some((at, what)),
            ..
        }) = &self.held
            && *at <= Instant::now()
        {
            return over(match what {
                Ends::User => Complaint::UserExpired,
                Ends::Account => Complaint::AccountExpired,
            });
        }
        let signed = self
            .held
            .as_ref()
            .and_then(|held| Some((held, held.account.as_ref()?)));
        let Some((held, before)) = signed else {
            return self.renewed_by_configuration(rules);
        };
        let Some(accounts) = &rules.claimed_accounts else {
            return over(Complaint::AuthorizationViolation);
        };
        let Some(known) = accounts.known(&before.claims.subject) else {
            return over(Complaint::AccountExpired);
        };
        if Arc::ptr_eq(&known, before) && Arc::ptr_eq(rules, &self.rules) {
            return Ok(None);
        }
        match self.renewed_by_account(held, known, accounts) {
            Ok(Some((identity, held))) => Ok(Some(Self::new(identity, Some(held), rules, self.peer))),
            Ok(None) => over(Complaint::AuthorizationViolation),
            Err(Refusal::Revoked) => over(Complaint::UserRevoked),
            Err(Refusal::AccountExpired) => over(Complaint::AccountExpired),
            Err(refusal) => {
                log::debug!("{} - {refusal}", self.peer);
                over(Complaint::AuthorizationViolation)
            }
        }
    }

    fn renewed_by_account(
        &self,
        held: &HeldToken,
        known: Arc<KnownAccount>,
        accounts: &ClaimedAccounts,
    ) -> Result<Option<(Identity, HeldToken)>, Refusal> {
        let presented = vagus_jwt::Presented {
            signature: "",
            nonce: &[],
            connection: CONNECTION,
            address: self.peer,
        };
        let (now, trust) = (Timestamp::now(), accounts.trust());
        let grant: Grant = renew(&held.user, &known.claims, trust, &presented, now, &time_zone)?;
        if grant.limits.proxy_required {
            return Ok(None);
        }
        let Some(mut claimed) = claimed(&held.user, &known.claims, &grant) else {
            return Ok(None);
        };
        if held.is_named {
            let before = self.identity.claims();
            claimed.name = before.and_then(|before| before.name.clone());
        }
        let held = HeldToken {
            ends: ends(grant.until, known.claims.expires),
            account: Some(known),
            ..held.clone()
        };
        Ok(Some((Identity::claimed(claimed, CONNECTION), held)))
    }

    fn renewed_by_configuration(&self, rules: &Arc<LoginRules>) -> Result<Option<Self>, Problem> {
        if Arc::ptr_eq(rules, &self.rules) {
            return Ok(None);
        }
        let identity = match &self.held {
            // A service has named it, that still signs users.
            Some(held) => {
                let issuer = rules.callout.as_ref().map(|callout| &callout.issuer);
                Some(self.identity.clone()).filter(|_| issuer == Some(&held.user.issuer))
            }
            None => {
                let identity = rules.gate.renew(&self.identity, rules.certificate());
                // A service that there was not before decides about it when it comes again.
                let is_asked = rules.callout.as_ref().is_some_and(|callout| {
                    decides_about(callout, self.user().unwrap_or_default())
                        && decides_instead(callout, identity.as_ref())
                });
                identity.filter(|_| !is_asked || self.rules.callout == rules.callout)
            }
        };
        let identity = identity
            .filter(|identity| !identity.requires_proxy() && identity.account() == self.identity.account());
        match identity {
            Some(identity) => Ok(Some(Self::new(identity, self.held.clone(), rules, self.peer))),
            None => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                Complaint::AuthorizationViolation.to_string(),
            )),
        }
    }
}

/// Somebody is not let in, and not told why.
pub(super) fn refused(peer: IpAddr) -> Problem {
    FAILED_LOGINS.say(format_args!("{peer} - authentication error over HTTP"));
    Problem::new(
        StatusCode::UNAUTHORIZED,
        Complaint::AuthorizationViolation.to_string(),
    )
}

#[cfg(test)]
impl Admitted {
    /// Somebody in this account.
    pub(super) fn in_account(account: &str) -> Self {
        use vagus_auth::credentials::{Claimed, Credentials};
        let claimed = Claimed {
            user: "U".into(),
            name: None,
            account: account.into(),
            rights: Rights::Everything,
            max_subscriptions: None,
            max_payload: None,
            requires_proxy: false,
        };
        let rules = LoginRules {
            gate: Arc::new(Gate::new(Credentials::Open).unwrap()),
            maps_certificates: false,
            claimed_accounts: None,
            callout: None,
            callout_means: None,
            server: ServerInformation::default(),
            patience: Duration::ZERO,
            limits: Limits::default(),
        };
        let peer = IpAddr::from([127, 0, 0, 1]);
        Self::new(
            Identity::claimed(claimed, CONNECTION),
            None,
            &Arc::new(rules),
            peer,
        )
    }
}

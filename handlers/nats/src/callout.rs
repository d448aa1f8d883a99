//! Logins that a service decides about, which is asked in its account (ADR-26 of nats-architecture-and-design).

use crate::ClientSettings;
use crate::admission::{Login, LoginAnswer};
use crate::session::NatsSession;
use crate::token_login::{HeldToken, ends};
use jiff::Timestamp;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use vagus_actors::asking::Asking;
use vagus_actors::claimed_accounts::{ClaimedAccounts, KnownAccount, Lookup};
use vagus_actors::connection::{Awaited, Turn};
use vagus_actors::observed::ServiceRefusal;
use vagus_auth::credentials::{Claimed, Identity};
use vagus_auth::nkey::{CurveKey, KeyPair, Kind, Nonce};
use vagus_configs::{AuthCallout, GLOBAL_ACCOUNT};
use vagus_delivery::Account;
use vagus_jwt::{
    AuthorizationRequest, CalloutError, Claims, ClientInformation, ClientTls, ConnectOptions, Question,
    ServerInformation, Tags, User, admit_named, configured_account, looks_like_token, rights, signed_account,
    time_zone,
};
use vagus_protocol::connect::Proofs;
use vagus_routing::AccountId;
use vagus_tls::{Certificates, SslRef};

/// Where the service is asked.
pub(crate) const SUBJECT: &str = "$SYS.REQ.USER.AUTH";

/// For whom questions are.
const AUDIENCE: &str = "nats-authorization-request";

/// What a server needs to ask services.
#[derive(Clone)]
pub struct CalloutMeans {
    /// Asks.
    pub asking: Asking,
    /// The server's own key, which signs questions.
    pub key: Arc<KeyPair>,
    /// What answers are sealed for.
    pub curve: Arc<CurveKey>,
}

impl fmt::Debug for CalloutMeans {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CalloutMeans").finish_non_exhaustive()
    }
}

/// A login that a service may have to decide about, or has.
#[derive(Default)]
pub(crate) struct Attempt {
    /// What the client says; None until it has.
    claim: Option<Claim>,
    /// What has become of it, if a service has let nobody in.
    refusal: Option<Arc<ServiceRefusal>>,
}

struct Claim {
    /// Who the client says it is.
    user: String,
    /// What people call the user of its token, and how else.
    name_tag: String,
    tags: Tags,
    connect: ConnectOptions,
}

impl Attempt {
    /// What has become of it, if a service has let nobody in.
    pub(crate) fn refusal(&self) -> Option<Arc<ServiceRefusal>> {
        self.refusal.clone()
    }

    fn has_claim(&self) -> bool {
        self.claim.is_some()
    }
}

/// What a service is told of what a client shows by TLS.
pub(crate) fn shown_by_tls(ssl: &SslRef) -> ClientTls {
    let shown = Certificates::of(ssl);
    ClientTls {
        version: vagus_tls::version(ssl).to_owned(),
        cipher: vagus_tls::cipher_suite(ssl).to_owned(),
        certs: shown.unverified,
        verified_chains: shown.verified.into_iter().collect(),
    }
}

/// Holds what the client has said, secrets among it.
impl fmt::Debug for Attempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Attempt").finish_non_exhaustive()
    }
}

/// Somebody whom a service has named.
#[derive(Debug)]
pub struct Named {
    user: Claims<User>,
    /// The account it is put in, where operators sign these.
    known: Option<Arc<KnownAccount>>,
    /// The account of the service.
    asked_in: Box<str>,
}

/// The rules by which an answer is taken.
enum Rules {
    /// Accounts are configured, and this key signs users.
    Configured { issuer: String },
    /// Operators sign accounts, and this one has asked.
    Signed {
        accounts: Arc<ClaimedAccounts>,
        asking: Arc<KnownAccount>,
        source: IpAddr,
    },
}

impl Rules {
    fn may_sign(&self, key: &str) -> bool {
        match self {
            Self::Configured { .. } => true,
            Self::Signed { asking, .. } => {
                key == asking.claims.subject || asking.claims.signer(key, false).is_some()
            }
        }
    }

    /// Who is named, with its account, which may have to be looked for.
    async fn named(&self, user: Claims<User>, asked_in: Box<str>) -> Result<Named, CalloutError> {
        let (accounts, asking, source) = match self {
            Self::Configured { issuer } => {
                configured_account(&user, issuer)?;
                return Ok(Named {
                    user,
                    known: None,
                    asked_in,
                });
            }
            Self::Signed {
                accounts,
                asking,
                source,
            } => (accounts, asking, *source),
        };
        let account = signed_account(&user, &asking.claims)?;
        let known = match accounts.look_up(account, source) {
            Lookup::Known(known) => Some(known),
            Lookup::Absent => None,
            Lookup::Fetching(fetched) => fetched.await.ok().flatten(),
        };
        let known = Some(known.ok_or_else(|| CalloutError::NoAccount(account.to_owned()))?);
        Ok(Named {
            user,
            known,
            asked_in,
        })
    }
}

/// One question to a service.
struct Inquiry {
    means: CalloutMeans,
    account: AccountId,
    /// Where the client connects from.
    source: IpAddr,
    /// What the question is sealed for.
    xkey: Option<String>,
    request: Claims<AuthorizationRequest>,
    question: Question,
    patience: Duration,
    rules: Rules,
}

impl Inquiry {
    /// Asks, and takes the answer. Why nobody is named has been logged; it is not said where nobody has answered.
    async fn ask(self, asked_in: Box<str>) -> Result<Named, String> {
        let Self { means, xkey, .. } = self;
        let failed = |reason: String| {
            log::warn!("{reason}");
            reason
        };
        let payload = self.request.encode(&means.key, Timestamp::now().as_second());
        let payload =
            payload.map_err(|error| failed(format!("Error encoding auth request claim: {error}")))?;
        let (payload, header) = match &xkey {
            None => (payload.into_bytes(), None),
            Some(receiver) => {
                let sealed = means.curve.seal(payload.as_bytes(), receiver);
                let sealed = sealed
                    .map_err(|error| failed(format!("Error encrypting auth request claim: {error}")))?;
                let header = format!("NATS/1.0\r\nNats-Server-Xkey: {}\r\n\r\n", means.curve.public());
                (sealed, Some(header.into_bytes()))
            }
        };
        let answer = means
            .asking
            .clone()
            .ask(
                (self.account, self.source),
                SUBJECT,
                header,
                payload,
                self.patience,
            )
            .await;
        let Some(answer) = answer else {
            log::debug!("Authorization callout response not received in time");
            return Err(String::new());
        };
        let (opened, was_sealed) = match &xkey {
            Some(sender) if !looks_like_token(&answer) => match means.curve.open(&answer, sender) {
                Ok(opened) => (opened, true),
                Err(error) => return Err(failed(format!("Error decrypting auth callout response: {error}"))),
            },
            _ => (answer.to_vec(), false),
        };
        let text = String::from_utf8(opened).unwrap_or_default();
        let rules = &self.rules;
        let user = self
            .question
            .user_of(&text, Timestamp::now(), |key| was_sealed || rules.may_sign(key));
        let named = match user {
            Ok(user) => rules.named(user, asked_in).await,
            Err(error) => Err(error),
        };
        named.map_err(|error| failed(error.to_string()))
    }
}

/// Whether a service may have to decide about somebody who says it is this one, where accounts are configured.
fn decides_about(callout: &AuthCallout, user: &str) -> bool {
    !callout.auth_users.iter().any(|one| one == user)
}

/// Whether it decides about somebody who was let in as this one, or was not let in at all.
fn decides_instead(callout: &AuthCallout, identity: Option<&Identity>) -> bool {
    match identity.and_then(Identity::account) {
        None | Some(GLOBAL_ACCOUNT) => true,
        Some(account) => {
            let allowed = &callout.allowed_accounts;
            allowed.is_empty() || allowed.iter().any(|one| one == account)
        }
    }
}

impl ClientSettings {
    /// The service that decides about clients, where accounts are configured.
    pub(crate) fn callout(&self) -> Option<&AuthCallout> {
        self.auth_callout
            .as_ref()
            .filter(|_| self.claimed_accounts.is_none())
    }

    /// Whether a service may have to decide about clients.
    pub(crate) fn asks_services(&self) -> bool {
        self.claimed_accounts.is_some() || self.auth_callout.is_some()
    }
}

impl NatsSession {
    /// Takes note of a login that a service may have to decide about. `proofs` is what the client has said.
    pub(crate) fn note_attempt(&mut self, proofs: Option<&Proofs>) {
        let Some(options) = self.options.as_deref() else {
            return;
        };
        let none = Proofs::default();
        let proofs = proofs.unwrap_or(&none);
        let token = if proofs.auth_token.is_empty() {
            ""
        } else {
            "[REDACTED]"
        };
        let user = [&options.nkey, &options.user]
            .into_iter()
            .map(|name| &**name)
            .find(|name| !name.is_empty());
        let user = user.unwrap_or(token).to_owned();
        let is_decided = self.settings.claimed_accounts.is_some()
            || self
                .settings
                .callout()
                .is_some_and(|callout| decides_about(callout, &user));
        self.attempt = is_decided.then(|| {
            let connect = ConnectOptions {
                jwt: proofs.jwt.to_string(),
                nkey: options.nkey.to_string(),
                sig: proofs.sig.to_string(),
                auth_token: proofs.auth_token.to_string(),
                user: options.user.to_string(),
                pass: proofs.pass.to_string(),
                name: options.name.to_string(),
                lang: options.lang.to_string(),
                version: options.version.to_string(),
                protocol: options.protocol,
            };
            Box::new(Attempt {
                claim: Some(Claim {
                    user,
                    name_tag: String::new(),
                    tags: Tags::default(),
                    connect,
                }),
                refusal: None,
            })
        });
    }

    /// What the configuration says of a login is known: a service is asked, if it has to decide instead. False if it has
    /// not.
    pub(crate) fn asks_service(&mut self, identity: Option<&Identity>) -> bool {
        let Some(callout) = self.settings.callout() else {
            return false;
        };
        let has_claim = self.attempt.as_ref().is_some_and(|attempt| attempt.has_claim());
        if !has_claim || !decides_instead(callout, identity) {
            return false;
        }
        let callout = callout.clone();
        let account = self.settings.accounts.find(&callout.account);
        let (Some(attempt), Some(account)) = (self.attempt.take(), account) else {
            // The account is gone: nobody is let in.
            self.login = Some(Login::ToBeAwaited(Awaited::new(async {
                LoginAnswer::Named(Err(Arc::default()))
            })));
            return true;
        };
        let rules = Rules::Configured {
            issuer: callout.issuer.clone(),
        };
        self.inquire(*attempt, &account, &callout.issuer, callout.xkey, rules);
        true
    }

    /// Somebody has a token that holds, of an account in which a service decides about users. False if there is none, or
    /// it does not decide about this one.
    pub(crate) fn asks_service_of(&mut self, user: &Claims<User>, known: &Arc<KnownAccount>) -> bool {
        let authorization = &known.claims.nats.authorization;
        if !authorization.is_enabled() {
            return false;
        }
        let attempt = self.attempt.take();
        let (Some(mut attempt), Some(accounts)) = (attempt, self.settings.claimed_accounts.clone()) else {
            return false;
        };
        let Some(claim) = &mut attempt.claim else {
            return false;
        };
        if claim.user.is_empty() {
            user.subject.clone_into(&mut claim.user);
        }
        if authorization.auth_users.contains(&claim.user) || authorization.auth_users.contains(&user.subject)
        {
            return false;
        }
        user.name.clone_into(&mut claim.name_tag);
        claim.tags = user.nats.tags.clone();
        let subject = known.claims.subject.clone();
        let Some(account) = self.settings.accounts.find(&subject) else {
            return false;
        };
        let xkey = Some(authorization.xkey.clone()).filter(|key| !key.is_empty());
        let rules = Rules::Signed {
            accounts,
            asking: known.clone(),
            source: self.peer.ip(),
        };
        self.inquire(*attempt, &account, &subject, xkey, rules);
        true
    }

    fn inquire(
        &mut self,
        attempt: Attempt,
        account: &Account,
        subject: &str,
        xkey: Option<String>,
        rules: Rules,
    ) {
        let inquiry = self.inquiry(attempt, account.id(), subject, xkey, rules);
        let asked_in: Box<str> = account.name().into();
        let answer = async move {
            let named = match inquiry {
                Some(inquiry) => inquiry.ask(asked_in.clone()).await,
                None => Err(String::new()),
            };
            let refused = |reason: String| {
                Arc::new(ServiceRefusal {
                    account: asked_in,
                    reason: reason.into(),
                })
            };
            LoginAnswer::Named(named.map(Box::new).map_err(refused))
        };
        self.login = Some(Login::ToBeAwaited(Awaited::new(answer)));
    }

    /// None without the means to ask, or randomness.
    fn inquiry(
        &self,
        attempt: Attempt,
        account: AccountId,
        subject: &str,
        xkey: Option<String>,
        rules: Rules,
    ) -> Option<Inquiry> {
        let means = self.settings.callout_means.clone()?;
        let one_time = KeyPair::generate(Kind::User).ok()?;
        let info = &self.settings.info;
        let mut request = Claims::<AuthorizationRequest>::about(subject);
        AUDIENCE.clone_into(&mut request.audience);
        let patience = self.settings.auth_timeout;
        let seconds = i64::try_from(patience.as_secs()).unwrap_or(i64::MAX);
        request.expires = Timestamp::now().as_second().saturating_add(seconds);
        let claim = attempt.claim?;
        let nonce = match &*claim.connect.sig {
            "" => "",
            _ => self.nonce.as_ref().map_or("", Nonce::as_str),
        };
        let asked = &mut request.nats;
        asked.server_id = ServerInformation {
            name: info.server_name.clone(),
            host: info.host.clone(),
            id: info.server_id.clone(),
            version: info.version.clone(),
            cluster: info.cluster.clone(),
            tags: self.settings.tags.clone(),
            xkey: xkey.as_ref().map_or_else(String::new, |_| info.xkey.clone()),
        };
        one_time.public().clone_into(&mut asked.user_nkey);
        asked.client_info = ClientInformation {
            host: self.peer.ip().to_canonical().to_string(),
            id: self.id,
            user: claim.user,
            name: claim.connect.name.clone(),
            name_tag: claim.name_tag,
            tags: claim.tags,
            kind: "Client".to_owned(),
            language: match self.settings.websocket {
                Some(_) => "websocket".to_owned(),
                None => "nats".to_owned(),
            },
            nonce: nonce.to_owned(),
            ..ClientInformation::default()
        };
        asked.connect_opts = claim.connect;
        asked.client_tls = self.shown_by_tls.as_deref().cloned();
        Some(Inquiry {
            question: Question {
                user: one_time.public().to_owned(),
                server: info.server_id.clone(),
            },
            means,
            account,
            source: self.peer.ip(),
            xkey,
            request,
            patience,
            rules,
        })
    }

    /// Whether a service has named the client that still signs users by these settings.
    pub(crate) fn is_still_named(&self, settings: &ClientSettings) -> bool {
        let issuer = settings.callout().map(|callout| &callout.issuer);
        self.held_token
            .as_ref()
            .is_some_and(|held| held.is_named && issuer == Some(&held.user.issuer))
    }

    /// A service has answered, or has not.
    pub(crate) fn service_answered(
        &mut self,
        named: Result<Box<Named>, Arc<ServiceRefusal>>,
        turn: &mut impl Turn,
    ) {
        let named = named.and_then(|named| {
            let account = named.asked_in.clone();
            self.claimed(*named).map_err(|error| {
                log::warn!("{error}");
                let reason = error.to_string().into();
                Arc::new(ServiceRefusal { account, reason })
            })
        });
        let (claimed, held) = match named {
            Ok(named) => named,
            Err(refusal) => {
                let attempt = Attempt {
                    refusal: Some(refusal),
                    ..Attempt::default()
                };
                self.attempt = Some(Box::new(attempt));
                return self.refused(turn);
            }
        };
        self.held_token = Some(Box::new(held));
        if let (Some(name), Some(options)) = (&claimed.name, &mut self.options) {
            // It goes by this one from now on.
            options.user.clone_from(name);
            options.nkey = Box::default();
            options.has_token = false;
        }
        self.admitted(Identity::claimed(claimed, self.settings.connection), turn);
    }

    fn claimed(&self, named: Named) -> Result<(Claimed, HeldToken), CalloutError> {
        let Named { user, known, .. } = named;
        let accounts = self.settings.claimed_accounts.as_ref();
        let signed = known
            .as_ref()
            .zip(accounts)
            .map(|(known, accounts)| (&known.claims, accounts.trust()));
        let way = (self.settings.connection, self.peer.ip());
        let grant = admit_named(&user, signed, way, Timestamp::now(), &time_zone)?;
        let (account, defaults): (Arc<str>, _) = match &known {
            Some(known) => (
                known.claims.subject.as_str().into(),
                known.claims.nats.default_permissions.granted(),
            ),
            None => {
                let account = self.settings.accounts.find(&user.audience);
                let account = account.ok_or_else(|| CalloutError::NoAccount(user.audience.clone()))?;
                let definition = account.definition();
                (
                    user.audience.as_str().into(),
                    definition.and_then(|definition| definition.default_permissions.clone()),
                )
            }
        };
        // Of the user's own limits none but those that are some: services leave them out.
        let limit = |limit: i64| usize::try_from(limit).ok().filter(|limit| *limit > 0);
        let claimed = Claimed {
            user: user.subject.as_str().into(),
            name: (!user.name.is_empty()).then(|| user.name.as_str().into()),
            account,
            rights: rights(&grant.limits.permissions, defaults).ok_or(CalloutError::Scope)?,
            max_subscriptions: limit(grant.limits.subscriptions),
            max_payload: limit(grant.limits.payload),
            requires_proxy: grant.limits.proxy_required,
        };
        let expires = known.as_ref().map_or(0, |known| known.claims.expires);
        let held = HeldToken {
            ends: ends(grant.until, expires),
            account: known,
            user,
            token: None,
            is_named: true,
        };
        Ok((claimed, held))
    }
}

//! Logins that a service decides about, which is asked in its account (ADR-26 of nats-architecture-and-design).

use crate::ClientSettings;
use crate::admission::{Login, LoginAnswer};
use crate::session::NatsSession;
use std::fmt;
use std::sync::Arc;
use vagus_actors::claimed_accounts::KnownAccount;
use vagus_actors::connection::{Awaited, Turn};
use vagus_actors::logins::{Claimant, Inquiry, Named, Rules, decides_about, decides_instead};
use vagus_actors::observed::ServiceRefusal;
use vagus_auth::credentials::Identity;
use vagus_auth::nkey::Nonce;
use vagus_configs::AuthCallout;
use vagus_delivery::Account;
use vagus_jwt::{Claims, ClientInformation, ClientTls, ConnectOptions, ServerInformation, Tags, User};
use vagus_protocol::connect::Proofs;
use vagus_tls::{Certificates, SslRef};

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

impl ClientSettings {
    /// The service that decides about clients, where accounts are configured.
    pub fn callout(&self) -> Option<&AuthCallout> {
        self.auth_callout
            .as_ref()
            .filter(|_| self.claimed_accounts.is_none())
    }

    /// What services are told of the server.
    pub fn shown_to_services(&self) -> ServerInformation {
        let info = &self.info;
        ServerInformation {
            name: info.server_name.clone(),
            host: info.host.clone(),
            id: info.server_id.clone(),
            version: info.version.clone(),
            cluster: info.cluster.clone(),
            tags: self.tags.clone(),
            xkey: info.xkey.clone(),
        }
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
        let asked_in: Box<str> = account.name().into();
        let inquiry = self.inquiry(attempt, account, subject, xkey, rules);
        let answer = async move {
            LoginAnswer::Named(match inquiry {
                Some(inquiry) => inquiry.ask().await,
                None => Err(Arc::new(ServiceRefusal {
                    account: asked_in,
                    reason: Box::default(),
                })),
            })
        };
        self.login = Some(Login::ToBeAwaited(Awaited::new(answer)));
    }

    /// None without the means to ask, or randomness.
    fn inquiry(
        &self,
        attempt: Attempt,
        account: &Account,
        subject: &str,
        xkey: Option<String>,
        rules: Rules,
    ) -> Option<Inquiry> {
        let means = self.settings.callout_means.clone()?;
        let claim = attempt.claim?;
        let nonce = match &*claim.connect.sig {
            "" => "",
            _ => self.nonce.as_ref().map_or("", Nonce::as_str),
        };
        let client = ClientInformation {
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
        let claimant = Claimant {
            client,
            connect: claim.connect,
            tls: self.shown_by_tls.as_deref().cloned(),
            source: self.peer.ip(),
        };
        let (server, patience) = (self.settings.shown_to_services(), self.settings.auth_timeout);
        Inquiry::new(means, server, (account, subject), xkey, patience, rules, claimant)
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
        let way = (self.settings.connection, self.peer.ip());
        let claimed_accounts = self.settings.claimed_accounts.as_deref();
        let named = named.and_then(|named| named.claimed(claimed_accounts, &self.settings.accounts, way));
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
}

//! How a service is asked who comes in, and who it names.

use super::held_token::{HeldToken, ends};
use crate::asking::Asking;
use crate::claimed_accounts::{ClaimedAccounts, KnownAccount, Lookup};
use crate::observed::ServiceRefusal;
use jiff::Timestamp;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use vagus_auth::credentials::{Claimed, ConnectionType, Identity};
use vagus_auth::nkey::{CurveKey, KeyPair, Kind};
use vagus_auth::permission::Rights;
use vagus_configs::{AuthCallout, GLOBAL_ACCOUNT};
use vagus_delivery::{Account, AccountDirectory};
use vagus_jwt::{
    AuthorizationRequest, CalloutError, Claims, ClientInformation, ClientTls, ConnectOptions, Question,
    ServerInformation, User, admit_named, configured_account, looks_like_token, rights, signed_account,
    time_zone,
};
use vagus_routing::AccountId;

/// Where services are asked.
pub const QUESTIONS: &str = "$SYS.REQ.USER.AUTH";

/// The audience (`aud`) of questions.
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

/// Whether a service may have to decide about somebody who says it is this one, where accounts are configured.
pub fn decides_about(callout: &AuthCallout, user: &str) -> bool {
    !callout.auth_users.iter().any(|one| one == user)
}

/// Whether it decides about somebody who was let in as this one, or was not let in at all.
pub fn decides_instead(callout: &AuthCallout, identity: Option<&Identity>) -> bool {
    match identity.and_then(Identity::account) {
        None | Some(GLOBAL_ACCOUNT) => true,
        Some(account) => {
            let allowed = &callout.allowed_accounts;
            allowed.is_empty() || allowed.iter().any(|one| one == account)
        }
    }
}

/// What somebody may do: nobody in the account of a service publishes questions to it. `callout` is the service where accounts
/// are configured.
pub fn without_callouts(
    identity: &Identity,
    claimed_accounts: Option<&ClaimedAccounts>,
    callout: Option<&AuthCallout>,
) -> Rights {
    let rights = identity.rights();
    let account = identity.account().unwrap_or(GLOBAL_ACCOUNT);
    let is_asked = match (claimed_accounts, callout) {
        (Some(accounts), _) => accounts
            .known(account)
            .is_some_and(|known| known.claims.nats.authorization.is_enabled()),
        (None, Some(callout)) => callout.account == account,
        (None, None) => false,
    };
    match is_asked {
        true => rights.without_publishing_on(QUESTIONS),
        false => rights,
    }
}

/// Who may come in, as a service says.
#[derive(Debug)]
pub struct Named {
    user: Claims<User>,
    /// The account it is put in, where operators sign these.
    known: Option<Arc<KnownAccount>>,
    /// The account of the service.
    asked_in: Box<str>,
}

/// The rules by which an answer is taken.
pub enum Rules {
    /// Accounts are configured, and this key signs users.
    Configured {
        /// The public key.
        issuer: String,
    },
    /// Operators sign accounts, and this one has asked.
    Signed {
        /// All of them.
        accounts: Arc<ClaimedAccounts>,
        /// The one that asks.
        asking: Arc<KnownAccount>,
    },
}

impl fmt::Debug for Rules {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Configured { .. } => "Configured",
            Self::Signed { .. } => "Signed",
        })
    }
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
    async fn named(
        &self,
        user: Claims<User>,
        asked_in: Box<str>,
        source: IpAddr,
    ) -> Result<Named, CalloutError> {
        let (accounts, asking) = match self {
            Self::Configured { issuer } => {
                configured_account(&user, issuer)?;
                return Ok(Named {
                    user,
                    known: None,
                    asked_in,
                });
            }
            Self::Signed { accounts, asking } => (accounts, asking),
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

/// Who wants to come in, as a service is told.
#[derive(Debug)]
pub struct Claimant {
    /// What the server knows of it; its address and user are among that.
    pub client: ClientInformation,
    /// What it says.
    pub connect: ConnectOptions,
    /// What it shows by TLS, if it speaks that.
    pub tls: Option<ClientTls>,
    /// Where it connects from.
    pub source: IpAddr,
}

/// One question to a service.
pub struct Inquiry {
    means: CalloutMeans,
    account: AccountId,
    asked_in: Box<str>,
    /// Where the client connects from.
    source: IpAddr,
    /// What the question is sealed for.
    xkey: Option<String>,
    request: Claims<AuthorizationRequest>,
    question: Question,
    patience: Duration,
    rules: Rules,
}

impl fmt::Debug for Inquiry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Inquiry").finish_non_exhaustive()
    }
}

impl Inquiry {
    /// The question of `server` about somebody, to the service in `account` that answers for `subject`. It is sealed for `xkey`,
    /// if there is one; of `server` its own key for that is told only then. None without randomness.
    pub fn new(
        means: CalloutMeans,
        mut server: ServerInformation,
        (account, subject): (&Account, &str),
        xkey: Option<String>,
        patience: Duration,
        rules: Rules,
        claimant: Claimant,
    ) -> Option<Self> {
        let one_time = KeyPair::generate(Kind::User).ok()?;
        if xkey.is_none() {
            server.xkey = String::new();
        }
        let question = Question {
            user: one_time.public().to_owned(),
            server: server.id.clone(),
        };
        let mut request = Claims::<AuthorizationRequest>::about(subject);
        AUDIENCE.clone_into(&mut request.audience);
        let seconds = i64::try_from(patience.as_secs()).unwrap_or(i64::MAX);
        request.expires = Timestamp::now().as_second().saturating_add(seconds);
        let asked = &mut request.nats;
        asked.server_id = server;
        question.user.clone_into(&mut asked.user_nkey);
        asked.client_info = claimant.client;
        asked.connect_opts = claimant.connect;
        asked.client_tls = claimant.tls;
        Some(Self {
            means,
            account: account.id(),
            asked_in: account.name().into(),
            source: claimant.source,
            xkey,
            request,
            question,
            patience,
            rules,
        })
    }

    /// Asks, and takes the answer.
    ///
    /// # Errors
    /// Why nobody is named, which has been logged; the reason is empty where nobody has answered.
    pub async fn ask(self) -> Result<Box<Named>, Arc<ServiceRefusal>> {
        let account = self.asked_in.clone();
        let named = self.asked().await;
        named.map(Box::new).map_err(|reason| {
            Arc::new(ServiceRefusal {
                account,
                reason: reason.into(),
            })
        })
    }

    async fn asked(self) -> Result<Named, String> {
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
        let asking = means.asking.clone();
        let place = (self.account, self.source);
        let answer = asking.ask(place, QUESTIONS, header, payload, self.patience);
        let Some(answer) = answer.await else {
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
            Ok(user) => rules.named(user, self.asked_in, self.source).await,
            Err(error) => Err(error),
        };
        named.map_err(|error| failed(error.to_string()))
    }
}

impl Named {
    /// Who comes in by this, and by what.
    ///
    /// # Errors
    /// Why it may not, which is logged.
    pub fn claimed(
        self,
        claimed_accounts: Option<&ClaimedAccounts>,
        accounts: &AccountDirectory,
        way: (ConnectionType, IpAddr),
    ) -> Result<(Claimed, HeldToken), Arc<ServiceRefusal>> {
        let account = self.asked_in.clone();
        self.held(claimed_accounts, accounts, way).map_err(|error| {
            log::warn!("{error}");
            let reason = error.to_string().into();
            Arc::new(ServiceRefusal { account, reason })
        })
    }

    fn held(
        self,
        claimed_accounts: Option<&ClaimedAccounts>,
        accounts: &AccountDirectory,
        way: (ConnectionType, IpAddr),
    ) -> Result<(Claimed, HeldToken), CalloutError> {
        let Self { user, known, .. } = self;
        let signed = known
            .as_ref()
            .zip(claimed_accounts)
            .map(|(known, accounts)| (&known.claims, accounts.trust()));
        let grant = admit_named(&user, signed, way, Timestamp::now(), &time_zone)?;
        let (account, defaults): (Arc<str>, _) = match &known {
            Some(known) => (
                known.claims.subject.as_str().into(),
                known.claims.nats.default_permissions.granted(),
            ),
            None => {
                let account = accounts.find(&user.audience);
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

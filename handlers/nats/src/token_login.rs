//! Logins by tokens of accounts that operators have signed, and what becomes of them while accounts change.

use crate::admission::{Login, LoginAnswer};
use crate::session::NatsSession;
use jiff::Timestamp;
use std::sync::Arc;
use vagus_actors::claimed_accounts::{ClaimedAccounts, KnownAccount, Lookup};
use vagus_actors::connection::{Awaited, Turn};
use vagus_actors::logins::{Ends, HeldToken, ends};
use vagus_auth::credentials::Identity;
use vagus_auth::nkey::Nonce;
use vagus_jwt::{Claims, Presented, Refusal, User, admit, claimed, renew, time_zone};
use vagus_protocol::connect::Proofs;
use vagus_protocol::error::Complaint;

/// What somebody says who presents a token.
#[derive(Debug)]
pub struct TokenLogin {
    user: Claims<User>,
    /// As it was presented.
    token: Arc<str>,
    /// Of the nonce.
    signature: Box<str>,
}

impl NatsSession {
    /// Somebody presents a token, or what is taken for one where none is presented.
    pub(crate) fn begin_with_token(
        &mut self,
        accounts: &Arc<ClaimedAccounts>,
        proofs: Option<Box<Proofs>>,
        turn: &mut impl Turn,
    ) {
        let proofs = proofs.unwrap_or_default();
        let decoded = |token: &str| Some((Claims::<User>::decode(token).ok()?, token.into()));
        let presented = decoded(&proofs.jwt);
        let Some((user, token)) = presented.or_else(|| decoded(accounts.default_sentinel()?)) else {
            log::debug!("{} - Authentication requires a user JWT", self.log_name());
            return self.refused(turn);
        };
        let login = Box::new(TokenLogin {
            user,
            token,
            signature: proofs.sig,
        });
        let account = login.user.account();
        if !accounts.trust().lets_in(account) {
            accounts.count_not_pinned();
            return self.refused(turn);
        }
        match accounts.look_up(account, self.peer.ip()) {
            Lookup::Known(known) => self.go_on_with_token(&login, known, turn),
            Lookup::Absent => self.refused(turn),
            Lookup::Fetching(fetched) => {
                let answer = async { LoginAnswer::Account(login, fetched.await.ok().flatten()) };
                self.login = Some(Login::ToBeAwaited(Awaited::new(answer)));
            }
        }
    }

    /// The account of somebody who has presented a token was looked for.
    pub(crate) fn account_found(
        &mut self,
        login: &TokenLogin,
        known: Option<Arc<KnownAccount>>,
        turn: &mut impl Turn,
    ) {
        match known {
            Some(known) => self.go_on_with_token(login, known, turn),
            None => self.refused(turn),
        }
    }

    fn go_on_with_token(&mut self, login: &TokenLogin, known: Arc<KnownAccount>, turn: &mut impl Turn) {
        let Some(accounts) = self.settings.claimed_accounts.clone() else {
            return self.refused(turn);
        };
        let nonce = self.nonce;
        let presented = self.presented(&login.signature, nonce.as_ref());
        let grant = admit(
            &login.user,
            &known.claims,
            accounts.trust(),
            &presented,
            Timestamp::now(),
            &time_zone,
        );
        let grant = match grant {
            Ok(grant) => grant,
            Err(refusal) => {
                self.report_token_refusal(&refusal);
                return self.refused(turn);
            }
        };
        if grant.limits.proxy_required && self.proxy.is_none() {
            // Also where a service would let it in.
            return self.turned_away(&Complaint::ProxyRequired, turn);
        }
        if self.asks_service_of(&login.user, &known) {
            return;
        }
        let Some(claimed) = claimed(&login.user, &known.claims, &grant) else {
            return self.refused(turn);
        };
        self.held_token = Some(Box::new(HeldToken {
            user: login.user.clone(),
            token: (!grant.limits.bearer).then(|| login.token.clone()),
            ends: ends(grant.until, known.claims.expires),
            account: Some(known),
            is_named: false,
        }));
        self.admitted(Identity::claimed(claimed, self.settings.connection), turn);
    }

    /// A client that was let in before says more in another CONNECT, and presents no other token.
    pub(crate) fn renew_token(&mut self, turn: &mut impl Turn) {
        match self.who().cloned() {
            Some(identity) if self.held_token.is_some() => self.admitted(identity, turn),
            _ => self.refused(turn),
        }
    }

    fn presented<'a>(&self, signature: &'a str, nonce: Option<&'a Nonce>) -> Presented<'a> {
        Presented {
            signature,
            nonce: nonce.map_or(&[], Nonce::as_bytes),
            connection: self.settings.connection,
            address: self.peer.ip(),
        }
    }

    /// As nats-server logs it: what somebody can do something about is an error.
    fn report_token_refusal(&self, refusal: &Refusal) {
        match refusal {
            Refusal::Source(_) | Refusal::Times => log::error!("{} - {refusal}", self.log_name()),
            _ => log::debug!("{} - {refusal}", self.log_name()),
        }
    }

    /// Accounts may have changed: the client goes on by what its own is now.
    pub(crate) fn follow_token(&mut self, turn: &mut impl Turn) {
        let (Some(held), Some(accounts)) = (&self.held_token, &self.settings.claimed_accounts) else {
            return;
        };
        let Some(before) = &held.account else {
            return;
        };
        let Some(known) = accounts.known(&before.claims.subject) else {
            return self.complain(&Complaint::AccountExpired, turn);
        };
        if Arc::ptr_eq(&known, before) {
            return;
        }
        let presented = self.presented("", None);
        let renewed = renew(
            &held.user,
            &known.claims,
            accounts.trust(),
            &presented,
            Timestamp::now(),
            &time_zone,
        );
        let grant = match renewed {
            Ok(grant) => grant,
            Err(Refusal::Revoked) => return self.complain(&Complaint::UserRevoked, turn),
            Err(Refusal::AccountExpired) => return self.complain(&Complaint::AccountExpired, turn),
            Err(refusal) => {
                self.report_token_refusal(&refusal);
                return self.refused(turn);
            }
        };
        let Some(mut claimed) = claimed(&held.user, &known.claims, &grant) else {
            return self.refused(turn);
        };
        if held.is_named {
            claimed.name = self
                .who()
                .and_then(Identity::claims)
                .and_then(|before| before.name.clone());
        }
        let ends = ends(grant.until, known.claims.expires);
        if let Some(held) = &mut self.held_token {
            (held.account, held.ends) = (Some(known), ends);
        }
        self.renew(Identity::claimed(claimed, self.settings.connection), turn);
    }

    /// Whether what the client was let in by does not hold any more; it is told so.
    pub(crate) fn token_has_ended(&mut self, turn: &mut impl Turn) -> bool {
        let ended = self.held_token.as_ref().and_then(|held| held.ends);
        let Some((_, what)) = ended.filter(|(at, _)| *at <= turn.now()) else {
            return false;
        };
        let complaint = match what {
            Ends::User => Complaint::UserExpired,
            Ends::Account => Complaint::AccountExpired,
        };
        self.complain(&complaint, turn);
        true
    }
}

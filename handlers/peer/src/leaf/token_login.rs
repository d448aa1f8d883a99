//! Leaf nodes that present a token of an account that an operator has signed, and what becomes of them while accounts change.

use super::session::{LeafAnswer, LeafSession};
use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::claimed_accounts::{ClaimedAccounts, KnownAccount, Lookup};
use vagus_actors::connection::{Awaited, Turn};
use vagus_auth::credentials::Identity;
use vagus_jwt::{Claims, Presented, Refusal, User, admit, claimed, renew, time_zone};
use vagus_protocol::error::{CloseReason, Complaint};
use vagus_protocol::leaf::LeafConnect;

/// What a leaf node says who presents a token.
pub struct TokenLogin {
    user: Claims<User>,
    connect: LeafConnect,
}

/// Shown without the token.
impl fmt::Debug for TokenLogin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenLogin")
            .field("user", &self.user.subject)
            .finish_non_exhaustive()
    }
}

/// What a leaf node was let in by.
#[derive(Debug)]
pub(super) struct HeldToken {
    user: Claims<User>,
    account: Arc<KnownAccount>,
    /// From then on it does not hold any more.
    pub(super) ends: Option<Instant>,
}

/// The earlier of when the user and when the account does not hold any more.
fn ends(user: Option<i64>, account: i64) -> Option<Instant> {
    // Both clocks at one moment: whoever comes back once this has ended finds that it has.
    let (clock, now) = (Timestamp::now(), Instant::now());
    let account = (account != 0).then_some(account);
    let earliest = user.into_iter().chain(account).min()?;
    let left = Timestamp::from_second(earliest).ok()?.duration_since(clock);
    now.checked_add(Duration::try_from(left).unwrap_or_default())
}

impl LeafSession {
    /// A leaf node presents a token, or what is taken for one where none is presented.
    pub(super) fn begin_with_token(
        &mut self,
        accounts: &Arc<ClaimedAccounts>,
        connect: LeafConnect,
        turn: &mut impl Turn,
    ) {
        let Ok(user) = Claims::<User>::decode(&connect.jwt) else {
            log::debug!("{} - Authentication requires a user JWT", self.party);
            return self.turned_away(turn);
        };
        if !accounts.trust().lets_in(user.account()) {
            accounts.count_not_pinned();
            return self.turned_away(turn);
        }
        let login = Box::new(TokenLogin { user, connect });
        match accounts.look_up(login.user.account(), self.party.peer.ip()) {
            Lookup::Known(known) => self.go_on_with_token(&login, known, turn),
            Lookup::Absent => self.turned_away(turn),
            Lookup::Fetching(fetched) => {
                let answer = async { LeafAnswer::Account(login, fetched.await.ok().flatten()) };
                self.looking_up = Some(Awaited::new(answer));
            }
        }
    }

    /// The account of a leaf node that has presented a token was looked for.
    pub(super) fn account_found(
        &mut self,
        login: &TokenLogin,
        known: Option<Arc<KnownAccount>>,
        turn: &mut impl Turn,
    ) {
        match known {
            Some(known) => self.go_on_with_token(login, known, turn),
            None => self.turned_away(turn),
        }
    }

    fn presented<'a>(&'a self, signature: &'a str) -> Presented<'a> {
        Presented {
            signature,
            nonce: self.nonce.as_deref().unwrap_or_default(),
            connection: self.connection_type(),
            address: self.party.peer.ip(),
        }
    }

    fn go_on_with_token(&mut self, login: &TokenLogin, known: Arc<KnownAccount>, turn: &mut impl Turn) {
        let Some(accounts) = self.settings.claimed_accounts.clone() else {
            return self.turned_away(turn);
        };
        let (user, connect) = (&login.user, &login.connect);
        let presented = self.presented(&connect.sig);
        let now = Timestamp::now();
        let grant = match admit(user, &known.claims, accounts.trust(), &presented, now, &time_zone) {
            Ok(grant) => grant,
            Err(refusal) => {
                log::error!("{} - {refusal}", self.party);
                return self.turned_away(turn);
            }
        };
        let Some(claimed) = claimed(user, &known.claims, &grant) else {
            return self.turned_away(turn);
        };
        let limits = [self.max_subscriptions, claimed.max_subscriptions];
        self.max_subscriptions = limits.into_iter().flatten().min();
        if let Some(most) = claimed.max_payload {
            self.limits.max_message = self.limits.max_message.min(most);
        }
        self.held_token = Some(Box::new(HeldToken {
            user: user.clone(),
            ends: ends(grant.until, known.claims.expires),
            account: known,
        }));
        self.admitted(Identity::claimed(claimed, self.connection_type()), connect, turn);
    }

    /// Accounts may have changed: a leaf node whose token does not hold any more has to go, and so has one that may do
    /// something else, as it is told that when it connects.
    pub(super) fn follow_token(&mut self, turn: &mut impl Turn) {
        let (Some(held), Some(accounts)) = (&self.held_token, &self.settings.claimed_accounts) else {
            return;
        };
        let Some(known) = accounts.known(&held.account.claims.subject) else {
            return self.token_has_ended(
                &Complaint::AccountExpired,
                CloseReason::AuthenticationExpired,
                turn,
            );
        };
        if Arc::ptr_eq(&known, &held.account) {
            return;
        }
        let presented = self.presented("");
        let now = Timestamp::now();
        let renewed = renew(
            &held.user,
            &known.claims,
            accounts.trust(),
            &presented,
            now,
            &time_zone,
        );
        let grant = match renewed {
            Ok(grant) => grant,
            Err(Refusal::Revoked) => {
                return self.token_has_ended(&Complaint::UserRevoked, CloseReason::Revocation, turn);
            }
            Err(refusal) => {
                log::error!("{} - {refusal}", self.party);
                return self.turned_away(turn);
            }
        };
        let rights = claimed(&held.user, &known.claims, &grant).map(|claimed| claimed.rights);
        if rights != self.identity.as_ref().map(|identity| identity.rights()) {
            return self.end(CloseReason::ClientClosed, turn);
        }
        let ends = ends(grant.until, known.claims.expires);
        if let Some(held) = &mut self.held_token {
            (held.account, held.ends) = (known, ends);
        }
    }

    pub(super) fn token_has_ended(
        &mut self,
        complaint: &Complaint<'_>,
        reason: CloseReason,
        turn: &mut impl Turn,
    ) {
        self.ending.complain(complaint);
        self.end(reason, turn);
    }
}

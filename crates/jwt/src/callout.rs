//! What is made of the answer of a service that says who may come in (ADR-26 of nats-architecture-and-design).

use std::net::IpAddr;

use jiff::{Timestamp, Zoned};
use thiserror::Error;
use vagus_auth::credentials::ConnectionType;

use crate::account::Account;
use crate::admission::{Grant, TimeZones, allows, limits_of, until};
use crate::authorization::AuthorizationResponse;
use crate::claims::Claims;
use crate::token::TokenError;
use crate::trust::Trust;
use crate::user::User;

/// Why nobody is let in by an answer, as nats-server's log says it. The one who connects is not told.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum CalloutError {
    /// There is nothing in it.
    #[error("Auth callout violation: \"no reason supplied\"")]
    Empty,
    /// It is no answer.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Something is wrong with what it says.
    #[error("Authorization response had validation errors: {0}")]
    Response(String),
    /// It is the answer to another question.
    #[error("Auth callout violation: auth callout response is not for expected user")]
    OtherUser,
    /// It is the answer to another server.
    #[error("Auth callout violation: auth callout response is not for server")]
    OtherServer,
    /// The service says no.
    #[error("Auth callout service returned an error: {0}")]
    Refused(String),
    /// Nobody who may has signed it.
    #[error("Auth callout signing key is unknown")]
    UnknownKey,
    /// Something is wrong with the user's token.
    #[error("Error validating user JWT: {0}")]
    User(String),
    /// The token is not for the one-time key.
    #[error("Expected authorized user of {expected:?} but got {found:?}")]
    UserKey {
        /// The key that was made for the question.
        expected: String,
        /// That of the token.
        found: String,
    },
    /// The token is signed by somebody who may not.
    #[error("Wrong issuer for auth callout response, expected {expected:?} got {found:?}")]
    Issuer {
        /// Who may.
        expected: String,
        /// Who has.
        found: String,
    },
    /// A token that is signed in the name of an account, where accounts are configured.
    #[error("Error non operator mode account: attempted to use issuer_account")]
    IssuerAccount,
    /// The service may not have somebody be of this account.
    #[error("Account {0:?} not permitted as valid account option for auth callout")]
    NotAllowed(String),
    /// There is no such account.
    #[error("No valid account {0:?} for auth callout response")]
    NoAccount(String),
    /// It may not be connected now.
    #[error("Authorized user outside of valid connect times")]
    Times,
    /// It may not connect in this way, or from there.
    #[error("Authorized user using invalid connection type")]
    Way,
    /// What its signing key says does not fit.
    #[error("User JWT is not valid")]
    Scope,
}

/// What was asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The one-time public key that the user is to have.
    pub user: String,
    /// The public key of the server.
    pub server: String,
}

impl Question {
    /// The user that an answer names: its token is verified, but nothing is said yet of who has signed it. `may_sign`
    /// says whether a key signs answers; who has opened a sealed one knows that already.
    ///
    /// # Errors
    /// Why it names none.
    pub fn user_of(
        &self,
        answer: &str,
        now: Timestamp,
        may_sign: impl FnOnce(&str) -> bool,
    ) -> Result<Claims<User>, CalloutError> {
        if answer.is_empty() {
            return Err(CalloutError::Empty);
        }
        let response = Claims::<AuthorizationResponse>::decode(answer)?;
        if let Some(issue) = response.issues(now.as_second()).first() {
            return Err(CalloutError::Response(issue.text.clone()));
        }
        if response.subject != self.user {
            return Err(CalloutError::OtherUser);
        }
        if response.audience != self.server {
            return Err(CalloutError::OtherServer);
        }
        if !response.nats.error.is_empty() {
            return Err(CalloutError::Refused(response.nats.error));
        }
        let signer = match &*response.nats.issuer_account {
            "" => &response.issuer,
            account => account,
        };
        if !may_sign(signer) {
            return Err(CalloutError::UnknownKey);
        }
        let user = Claims::<User>::decode(&response.nats.jwt)?;
        if let Some(issue) = user.issues(now.as_second()).first() {
            return Err(CalloutError::User(issue.text.clone()));
        }
        if user.subject != self.user {
            return Err(CalloutError::UserKey {
                expected: self.user.clone(),
                found: user.subject,
            });
        }
        Ok(user)
    }
}

/// The name of the account that a user is put in where accounts are configured, and this key signs users.
///
/// # Errors
/// When another has signed it.
pub fn configured_account<'u>(user: &'u Claims<User>, issuer: &str) -> Result<&'u str, CalloutError> {
    if !user.nats.issuer_account.is_empty() {
        return Err(CalloutError::IssuerAccount);
    }
    if user.issuer != issuer {
        return Err(CalloutError::Issuer {
            expected: issuer.to_owned(),
            found: user.issuer.clone(),
        });
    }
    Ok(&user.audience)
}

/// The public key of the account that a user is put in where operators sign accounts, and this one has asked.
///
/// # Errors
/// When that one may not have somebody be of that account.
pub fn signed_account<'u>(user: &'u Claims<User>, asking: &Claims<Account>) -> Result<&'u str, CalloutError> {
    let account = user.account();
    if account != asking.subject && !asking.nats.authorization.allows_account(account) {
        return Err(CalloutError::NotAllowed(account.to_owned()));
    }
    Ok(account)
}

/// What a user is let in with that a service has named. `signed`: the account it is put in, where operators sign these.
///
/// # Errors
/// Why it is not let in.
pub fn admit_named(
    user: &Claims<User>,
    signed: Option<(&Claims<Account>, &Trust)>,
    (connection, address): (ConnectionType, IpAddr),
    now: Timestamp,
    zones: TimeZones<'_>,
) -> Result<Grant, CalloutError> {
    let limits = match signed {
        None => user.nats.limits.clone(),
        Some((account, trust)) => limits_of(user, account, trust)
            .map_err(|_| CalloutError::Scope)?
            .into_owned(),
    };
    if !allows(&limits.connection_types, connection) || !limits.allow_source(address) {
        return Err(CalloutError::Way);
    }
    let zone = zones(&limits.location).ok_or(CalloutError::Times)?;
    let window = limits.window(&Zoned::new(now, zone));
    let until = until(user.expires, window, now.as_second()).map_err(|_| CalloutError::Times)?;
    Ok(Grant { limits, until })
}

#[cfg(test)]
mod tests {
    use super::{CalloutError, Question, configured_account, signed_account};
    use crate::account::Account;
    use crate::authorization::AuthorizationResponse;
    use crate::claims::Claims;
    use crate::user::{User, UserLimits};
    use jiff::Timestamp;
    use vagus_auth::nkey::{KeyPair, Kind};

    const NOW: i64 = 1_800_000_000;

    struct World {
        issuer: KeyPair,
        user: KeyPair,
        question: Question,
    }

    impl World {
        fn new() -> Self {
            let key = |kind| KeyPair::generate(kind).unwrap();
            let user = key(Kind::User);
            Self {
                question: Question {
                    user: user.public().to_owned(),
                    server: key(Kind::Server).public().to_owned(),
                },
                issuer: key(Kind::Account),
                user,
            }
        }

        fn user(&self, set: impl FnOnce(&mut Claims<User>)) -> String {
            let mut claims = Claims::<User>::about(self.user.public());
            claims.nats.limits = UserLimits::unlimited();
            claims.audience = "APP".to_owned();
            set(&mut claims);
            claims.encode(&self.issuer, NOW).unwrap()
        }

        fn answer(
            &self,
            set: impl FnOnce(&mut Claims<AuthorizationResponse>),
        ) -> Result<Claims<User>, CalloutError> {
            let mut claims = Claims::<AuthorizationResponse>::about(self.user.public());
            claims.audience = self.question.server.clone();
            claims.nats.jwt = self.user(|_| {});
            set(&mut claims);
            let text = claims.encode(&self.issuer, NOW).unwrap();
            let now = Timestamp::from_second(NOW).unwrap();
            self.question
                .user_of(&text, now, |signer| signer == self.issuer.public())
        }
    }

    #[test]
    fn the_right_answer_names_a_user() {
        let world = World::new();
        let user = world.answer(|_| {}).unwrap();
        assert_eq!(configured_account(&user, world.issuer.public()), Ok("APP"));
        let other = KeyPair::generate(Kind::Account).unwrap();
        assert!(matches!(
            configured_account(&user, other.public()),
            Err(CalloutError::Issuer { .. })
        ));
    }

    #[test]
    fn no_other_answer_does() {
        let world = World::new();
        let other = World::new();
        let error = world.answer(|answer| other.question.user.clone_into(&mut answer.subject));
        assert_eq!(error.unwrap_err(), CalloutError::OtherUser);
        let error = world.answer(|answer| other.question.server.clone_into(&mut answer.audience));
        assert_eq!(error.unwrap_err(), CalloutError::OtherServer);
        let error = world.answer(|answer| {
            answer.nats.jwt.clear();
            answer.nats.error = "no".to_owned();
        });
        assert_eq!(error.unwrap_err(), CalloutError::Refused("no".to_owned()));
        let error = world.answer(|answer| answer.nats.jwt.clear());
        assert!(matches!(error, Err(CalloutError::Response(_))));
        let error = world.answer(|answer| answer.expires = NOW - 1);
        assert!(matches!(error, Err(CalloutError::Response(_))));
        let expired = world.user(|user| user.expires = NOW - 1);
        let error = world.answer(|answer| answer.nats.jwt = expired);
        assert!(matches!(error, Err(CalloutError::User(_))));
        let of_another = other.user(|_| {});
        let error = world.answer(|answer| answer.nats.jwt = of_another);
        assert!(matches!(error, Err(CalloutError::UserKey { .. })));
        let now = Timestamp::from_second(NOW).unwrap();
        let answered = |text: &str| world.question.user_of(text, now, |_| true).unwrap_err();
        assert_eq!(answered(""), CalloutError::Empty);
        assert!(matches!(answered("garbage"), CalloutError::Token(_)));
    }

    #[test]
    fn accounts_have_to_be_allowed() {
        let world = World::new();
        let user = world.answer(|_| {}).unwrap();
        let mut asking = Claims::<Account>::about(world.issuer.public());
        assert_eq!(signed_account(&user, &asking), Ok(world.issuer.public()));
        let other = KeyPair::generate(Kind::Account).unwrap();
        asking.subject = other.public().to_owned();
        assert!(matches!(
            signed_account(&user, &asking),
            Err(CalloutError::NotAllowed(_))
        ));
        asking.nats.authorization.allowed_accounts = vec![world.issuer.public().to_owned()];
        assert!(signed_account(&user, &asking).is_ok());
        asking.nats.authorization.allowed_accounts = vec!["*".to_owned()];
        assert!(signed_account(&user, &asking).is_ok());
    }
}

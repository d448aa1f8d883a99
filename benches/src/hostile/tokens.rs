//! An operator, and who has signed what: made once for all servers of a run.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::error::ErrorStack;
use thiserror::Error;
use vagus_auth::nkey::{KeyPair, Kind};
use vagus_jwt::{Account, AccountLimits, Claims, Operator, TokenError, User, UserLimits};

use super::client::CONNECT;
use crate::error::BenchError;

/// Tokens, and whose they are.
#[derive(Debug)]
pub struct Tokens {
    /// That of the operator.
    pub operator: String,
    /// The public key of the system account.
    pub system: String,
    /// The accounts there are, by their public keys, with their tokens: the system account and that of everybody.
    pub accounts: [(String, String); 2],
    /// That of a user who needs no key.
    pub user: String,
}

/// Why there are no tokens.
#[derive(Debug, Error)]
enum MakeError {
    #[error(transparent)]
    Key(#[from] ErrorStack),
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl Tokens {
    /// Those of this run.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn of_this_run() -> Result<&'static Self, BenchError> {
        static TOKENS: OnceLock<Result<Tokens, String>> = OnceLock::new();
        let made = TOKENS.get_or_init(|| Self::make().map_err(|error| error.to_string()));
        made.as_ref().map_err(|error| BenchError::Usage(error.clone()))
    }

    fn make() -> Result<Self, MakeError> {
        let operator = KeyPair::generate(Kind::Operator)?;
        let system = KeyPair::generate(Kind::Account)?;
        let account = KeyPair::generate(Kind::Account)?;
        let of_account = |account: &KeyPair| {
            let mut claims = Claims::<Account>::about(account.public());
            claims.nats.limits = AccountLimits::unlimited();
            Ok::<_, MakeError>((account.public().to_owned(), claims.encode(&operator, now())?))
        };
        Ok(Self {
            operator: Claims::<Operator>::about(operator.public()).encode(&operator, now())?,
            system: system.public().to_owned(),
            accounts: [of_account(&system)?, of_account(&account)?],
            user: user_of(&account)?,
        })
    }
}

/// The CONNECT of somebody with this token.
pub fn presenting(token: &str) -> String {
    let start = CONNECT.trim_end_matches('}');
    format!("{start},\"jwt\":{token:?}}}")
}

/// The CONNECT of a user of an account that no operator has signed.
///
/// # Errors
/// When the system has no randomness to give.
pub fn of_unknown_account() -> Result<String, BenchError> {
    let token = KeyPair::generate(Kind::Account)
        .map_err(MakeError::from)
        .and_then(|account| user_of(&account));
    token
        .map(|token| presenting(&token))
        .map_err(|error| BenchError::Usage(error.to_string()))
}

fn user_of(account: &KeyPair) -> Result<String, MakeError> {
    let user = KeyPair::generate(Kind::User)?;
    let mut claims = Claims::<User>::about(user.public());
    claims.nats.limits = UserLimits::unlimited();
    claims.nats.limits.bearer = true;
    Ok(claims.encode(account, now())?)
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

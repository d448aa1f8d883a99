//! An operator, and who has signed what: made once for all servers of a run.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
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
    /// That of one in the system account.
    pub system_user: String,
    signer: KeyPair,
    /// Accounts of newcomers, by their public keys, with their tokens.
    newcomers: Mutex<HashMap<String, String>>,
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
        let signer = KeyPair::generate(Kind::Operator)?;
        let system = KeyPair::generate(Kind::Account)?;
        let account = KeyPair::generate(Kind::Account)?;
        Ok(Self {
            operator: Claims::<Operator>::about(signer.public()).encode(&signer, now())?,
            system: system.public().to_owned(),
            accounts: [signed(&system, &signer)?, signed(&account, &signer)?],
            user: user_of(&account)?,
            system_user: user_of(&system)?,
            signer,
            newcomers: Mutex::default(),
        })
    }

    /// The CONNECT of a user of a new account, whose token is there for who asks [`Self::of_account`].
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn newcomer(&self) -> Result<String, BenchError> {
        let made = || {
            let account = KeyPair::generate(Kind::Account)?;
            Ok::<_, MakeError>((signed(&account, &self.signer)?, user_of(&account)?))
        };
        let ((account, token), user) = made().map_err(|error| BenchError::Usage(error.to_string()))?;
        let mut newcomers = self.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
        newcomers.insert(account, token);
        Ok(presenting(&user))
    }

    /// The token of the account with this public key, if there is one.
    pub fn of_account(&self, account: &str) -> Option<String> {
        let at_start = self.accounts.iter().find(|(known, _)| known == account);
        at_start.map(|(_, token)| token.clone()).or_else(|| {
            let newcomers = self.newcomers.lock().unwrap_or_else(PoisonError::into_inner);
            newcomers.get(account).cloned()
        })
    }
}

/// An account, by its public key, with its token.
fn signed(account: &KeyPair, signer: &KeyPair) -> Result<(String, String), MakeError> {
    let mut claims = Claims::<Account>::about(account.public());
    claims.nats.limits = AccountLimits::unlimited();
    Ok((account.public().to_owned(), claims.encode(signer, now())?))
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
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

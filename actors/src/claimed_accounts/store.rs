//! Where the tokens of accounts are.

use std::fmt;
use thiserror::Error;

/// Where the tokens of accounts are found.
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// The token of an account. Blocks, for no longer than it may take.
    ///
    /// # Errors
    /// Why there is none.
    fn fetch(&self, account: &str) -> Result<Box<str>, FetchError>;

    /// Puts a token there, unless a newer one is.
    ///
    /// # Errors
    /// Why it cannot be put there.
    fn keep(&self, account: &str, token: &str) -> Result<(), FetchError>;
}

/// Why there is no token of an account.
#[derive(Debug, Error)]
pub enum FetchError {
    /// There is none.
    #[error("account missing")]
    Missing,
    /// Where it would be does not answer as it should.
    #[error("could not fetch: {0}")]
    Unanswered(String),
}

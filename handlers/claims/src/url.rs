//! Tokens of accounts that are asked for over HTTP. An answer is bounded in bytes and time; no redirect is followed, and no
//! proxy that the environment names comes between.

use std::fmt;
use std::time::Duration;
use ureq::Agent;
use vagus_actors::claimed_accounts::{FetchError, TokenStore};
use vagus_jwt::MAX_TOKEN;

/// Asks for tokens.
pub struct UrlStore {
    agent: Agent,
    /// Ends with a slash.
    url: Box<str>,
}

impl UrlStore {
    /// Asks at this URL, which ends with a slash, followed by the public key of the account; for each no longer than this.
    pub fn new(url: &str, timeout: Duration) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(timeout))
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("vagus/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self {
            agent,
            url: url.into(),
        }
    }
}

impl TokenStore for UrlStore {
    fn fetch(&self, account: &str) -> Result<Box<str>, FetchError> {
        // The URL may have a password: no error shows it.
        let unanswered = |error: ureq::Error| {
            FetchError::Unanswered(match error {
                ureq::Error::Timeout(_) => "no answer in time".to_owned(),
                ureq::Error::Io(error) => error.to_string(),
                _ => "no answer of HTTP".to_owned(),
            })
        };
        let mut response = self
            .agent
            .get(format!("{}{account}", self.url))
            .call()
            .map_err(unanswered)?;
        if response.status() != ureq::http::StatusCode::OK {
            return Err(FetchError::Unanswered(response.status().to_string()));
        }
        let limit = u64::try_from(MAX_TOKEN).unwrap_or(u64::MAX);
        let body = response.body_mut().with_config().limit(limit).read_to_string();
        Ok(body.map_err(unanswered)?.trim().into())
    }

    /// Nothing is kept: it is asked for again.
    fn keep(&self, _: &str, _: &str) -> Result<(), FetchError> {
        Ok(())
    }
}

/// The URL may have a password.
impl fmt::Debug for UrlStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("UrlStore").finish_non_exhaustive()
    }
}

//! Tokens of accounts that are asked for over HTTP. An answer is bounded in bytes and time; no redirect is followed, and no
//! proxy that the environment names comes between.

use std::fmt;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};
use vagus_actors::claimed_accounts::{FetchError, TokenStore};
use vagus_jwt::MAX_TOKEN;
use vagus_tls::{ClientCredentials, Settings, TlsError};

/// Asks for tokens.
pub struct UrlStore {
    agent: Agent,
    /// Ends with a slash.
    url: Box<str>,
}

impl UrlStore {
    /// Asks at this URL, which ends with a slash, followed by the public key of the account; for each no longer than this.
    ///
    /// # Errors
    /// When a file cannot be read or used that is named for TLS.
    pub fn new(url: &str, timeout: Duration, tls: Option<&Settings>) -> Result<Self, TlsError> {
        let agent = Agent::config_builder()
            .tls_config(tls_config(tls)?)
            .timeout_global(Some(timeout))
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("vagus/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self {
            agent,
            url: url.into(),
        })
    }
}

fn tls_config(settings: Option<&Settings>) -> Result<TlsConfig, TlsError> {
    let config = TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(RootCerts::PlatformVerifier);
    let Some(settings) = settings else {
        return Ok(config.build());
    };
    let ClientCredentials {
        authorities,
        identity,
    } = ClientCredentials::read(settings)?;
    let certificates = |all: Vec<Vec<u8>>| -> Vec<Certificate<'static>> {
        all.iter()
            .map(|one| Certificate::from_der(one).to_owned())
            .collect()
    };
    let mut config = config.disable_verification(settings.insecure);
    if let Some(authorities) = authorities {
        config = config.root_certs(RootCerts::new_with_certs(&certificates(authorities)));
    }
    let shown = identity.and_then(|(chain, key)| {
        // It has just been written.
        let key = PrivateKey::from_pem(&key).ok()?;
        Some(ClientCert::new_with_certs(&certificates(chain), key))
    });
    Ok(config.client_cert(shown).build())
}

impl TokenStore for UrlStore {
    fn fetch(&self, account: &str) -> Result<Box<str>, FetchError> {
        // The URL may have a password: no error shows it.
        let unanswered = |error: ureq::Error| {
            FetchError::Unanswered(match error {
                ureq::Error::Timeout(_) => "no answer in time".to_owned(),
                ureq::Error::Io(error) => error.to_string(),
                ureq::Error::NativeTls(error) => error.to_string(),
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

//! What an operator says of itself.

use serde::{Deserialize, Serialize};
use vagus_auth::nkey::{self, Kind};

use crate::claims::{Body, Claims};
use crate::issues::Issues;
use crate::lists::{Tags, is_default};

/// What an operator says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Operator {
    /// Public keys that sign for it as well.
    #[serde(default, skip_serializing_if = "is_default")]
    pub signing_keys: Vec<String>,
    /// Where tools find the tokens of accounts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub account_server_url: String,
    /// Where tools find its servers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub operator_service_urls: Vec<String>,
    /// The public key of the account that servers are watched by.
    #[serde(default, skip_serializing_if = "is_default")]
    pub system_account: String,
    /// The oldest server that is to understand what it signs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub assert_server_version: String,
    /// Whether its own key signs nothing but these claims, and accounts' own keys sign no users.
    #[serde(default, skip_serializing_if = "is_default")]
    pub strict_signing_key_usage: bool,
    /// Words by which it is found.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tags: Tags,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    version: i64,
}

/// Major, minor, update.
pub type ServerVersion = [u32; 3];

impl Operator {
    /// The oldest server that is to understand what it signs; None if it does not say so.
    ///
    /// # Errors
    /// When what it says is no version.
    pub fn oldest_server(&self) -> Result<Option<ServerVersion>, String> {
        let text = &self.assert_server_version;
        if text.is_empty() {
            return Ok(None);
        }
        let parts: Vec<&str> = text.split('.').collect();
        let [major, minor, update] = parts[..] else {
            return Err("asserted server version must be of the form <major>.<minor>.<update>".to_owned());
        };
        let number = |text: &str| {
            text.parse()
                .map_err(|_| format!("asserted server version cant parse {text} to int"))
        };
        Ok(Some([number(major)?, number(minor)?, number(update)?]))
    }
}

impl Body for Operator {
    const KIND: &'static str = "operator";
    const CALLED: &'static str = "operator";
    const ISSUERS: &'static [Kind] = &[Kind::Operator];
    const SUBJECT: Option<Kind> = Some(Kind::Operator);

    fn mark(&mut self, kind: &'static str, version: i64) {
        kind.clone_into(&mut self.kind);
        self.version = version;
    }

    fn check(&self, _: &Claims<Self>, issues: &mut Issues) {
        for key in &self.signing_keys {
            if !nkey::is_public(Kind::Operator, key) {
                issues.error(format!("{key} is not an operator public key"));
            }
        }
        if !self.system_account.is_empty() && !nkey::is_public(Kind::Account, &self.system_account) {
            issues.error(format!("{} is not an account public key", self.system_account));
        }
        if let Err(error) = self.oldest_server() {
            issues.error(format!("assert server version error: {error}"));
        }
    }
}

impl Claims<Operator> {
    /// The public keys by which accounts may be signed.
    pub fn trusted_keys(&self) -> impl Iterator<Item = &str> {
        let own = (!self.nats.strict_signing_key_usage).then_some(&self.subject);
        own.into_iter().chain(&self.nats.signing_keys).map(String::as_str)
    }
}

//! What all claims have in common: who says what about whom, and for how long.

use openssl::sha::sha256;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vagus_auth::nkey::{self, KeyPair, Kind};

use crate::issues::Issues;
use crate::lists::is_default;
use crate::token::{self, TokenError};

/// Claims of one kind. Texts that are not there are empty, times 0, as in nats-server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claims<B> {
    /// For whom the token is.
    #[serde(rename = "aud", default, skip_serializing_if = "is_default")]
    pub audience: String,
    /// From when on it does not hold any more, in seconds since 1970; 0: it always holds.
    #[serde(rename = "exp", default, skip_serializing_if = "is_default")]
    pub expires: i64,
    /// What tells it from others.
    #[serde(rename = "jti", default, skip_serializing_if = "is_default")]
    pub id: String,
    /// When it was signed, in seconds since 1970.
    #[serde(rename = "iat", default, skip_serializing_if = "is_default")]
    pub issued_at: i64,
    /// The public key of who signed it.
    #[serde(rename = "iss", default, skip_serializing_if = "is_default")]
    pub issuer: String,
    /// What people call the subject.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Until when it does not hold yet, in seconds since 1970.
    #[serde(rename = "nbf", default, skip_serializing_if = "is_default")]
    pub not_before: i64,
    /// About whom it is: a public key.
    #[serde(rename = "sub", default, skip_serializing_if = "is_default")]
    pub subject: String,
    /// What is claimed.
    #[serde(rename = "nats", default)]
    pub nats: B,
}

/// What is claimed of somebody of one kind.
pub trait Body: Serialize + DeserializeOwned + Default {
    /// What the field `type` says.
    const KIND: &'static str;

    /// What the claims are called where others were asked for.
    const CALLED: &'static str;

    /// Whose keys may sign it.
    const ISSUERS: &'static [Kind];

    /// The kind of key that the subject has, where it has one.
    const SUBJECT: Option<Kind>;

    /// Says in the claims what kind and version they are of.
    fn mark(&mut self, kind: &'static str, version: i64);

    /// What is wrong with what is claimed.
    fn check(&self, claims: &Claims<Self>, issues: &mut Issues);
}

/// The version of the claims that are written.
const VERSION: i64 = 2;

impl<B: Body> Claims<B> {
    /// Claims about this subject.
    #[must_use]
    pub fn about(subject: &str) -> Self {
        Self {
            audience: String::new(),
            expires: 0,
            id: String::new(),
            issued_at: 0,
            issuer: String::new(),
            name: String::new(),
            not_before: 0,
            subject: subject.to_owned(),
            nats: B::default(),
        }
    }

    /// Reads a token and verifies that its issuer has signed it, and may sign claims of this kind.
    ///
    /// # Errors
    /// When it is none, makes other claims, or was signed by somebody else.
    pub fn decode(text: &str) -> Result<Self, TokenError> {
        let verified = token::verified(text)?;
        if verified.kind != B::KIND {
            return Err(TokenError::Kind(B::CALLED));
        }
        let claims: Self = serde_json::from_value(verified.payload)?;
        let is_issuer = |kind: &Kind| nkey::is_public(*kind, &claims.issuer);
        if !B::ISSUERS.iter().any(is_issuer) {
            return Err(TokenError::Issuer);
        }
        Ok(claims)
    }

    /// Signs them, at this time in seconds since 1970. Who signs is the issuer.
    ///
    /// # Errors
    /// When the issuer may not sign claims of this kind, or the subject is not of its kind.
    pub fn encode(mut self, issuer: &KeyPair, issued_at: i64) -> Result<String, TokenError> {
        let is_subject = B::SUBJECT.is_none_or(|kind| nkey::is_public(kind, &self.subject));
        if !B::ISSUERS.contains(&issuer.kind()) || !is_subject {
            return Err(TokenError::Issuer);
        }
        issuer.public().clone_into(&mut self.issuer);
        self.issued_at = issued_at;
        self.nats.mark(B::KIND, VERSION);
        self.id.clear();
        self.id = nkey::base32(&sha256(&serde_json::to_vec(&self)?));
        token::signed(&self, issuer)
    }

    /// What is wrong with them at this time, in seconds since 1970.
    #[must_use]
    pub fn issues(&self, now: i64) -> Issues {
        let mut issues = Issues::default();
        if self.expires > 0 && now > self.expires {
            issues.time("claim is expired");
        }
        if self.not_before > 0 && self.not_before > now {
            issues.time("claim is not yet valid");
        }
        self.nats.check(self, &mut issues);
        issues
    }
}

//! What a server asks the service that says who may come in, and what that answers (ADR-26 of
//! nats-architecture-and-design).

use serde::{Deserialize, Serialize};
use vagus_auth::nkey::{self, Kind};

use crate::claims::{Body, Claims};
use crate::issues::Issues;
use crate::lists::{Tags, is_default};

/// Which server asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerInformation {
    /// What it is called.
    pub name: String,
    /// Where it listens.
    pub host: String,
    /// Its public key.
    pub id: String,
    /// The version of NATS that it speaks.
    #[serde(skip_serializing_if = "is_default")]
    pub version: String,
    /// The cluster that it is in.
    #[serde(skip_serializing_if = "is_default")]
    pub cluster: String,
    /// Words by which it is found.
    #[serde(skip_serializing_if = "is_default")]
    pub tags: Tags,
    /// The public key that an answer may be sealed for.
    #[serde(skip_serializing_if = "is_default")]
    pub xkey: String,
}

/// Who wants to come in, as far as the server knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientInformation {
    /// Its address.
    #[serde(skip_serializing_if = "is_default")]
    pub host: String,
    /// The number of the connection.
    #[serde(skip_serializing_if = "is_default")]
    pub id: u64,
    /// The user that it says it is.
    #[serde(skip_serializing_if = "is_default")]
    pub user: String,
    /// What it calls itself.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Words of its user.
    #[serde(skip_serializing_if = "is_default")]
    pub tags: Tags,
    /// What people call its user.
    #[serde(skip_serializing_if = "is_default")]
    pub name_tag: String,
    /// What it is: `Client`, `Leafnode`.
    #[serde(skip_serializing_if = "is_default")]
    pub kind: String,
    /// What it speaks: `nats`, `websocket`, `mqtt`.
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub language: String,
    /// Its name in MQTT.
    #[serde(rename = "mqtt_id", skip_serializing_if = "is_default")]
    pub mqtt: String,
    /// What it had to sign, where it has.
    #[serde(skip_serializing_if = "is_default")]
    pub nonce: String,
}

/// What it has said in CONNECT. It holds secrets: it is not to be shown.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectOptions {
    /// Token of a user.
    #[serde(skip_serializing_if = "is_default")]
    pub jwt: String,
    /// Public key.
    #[serde(skip_serializing_if = "is_default")]
    pub nkey: String,
    /// Signature of the nonce.
    #[serde(skip_serializing_if = "is_default")]
    pub sig: String,
    /// Token that is a secret.
    #[serde(skip_serializing_if = "is_default")]
    pub auth_token: String,
    /// User name.
    #[serde(skip_serializing_if = "is_default")]
    pub user: String,
    /// Password.
    #[serde(skip_serializing_if = "is_default")]
    pub pass: String,
    /// What it calls itself.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// The language of its library.
    #[serde(skip_serializing_if = "is_default")]
    pub lang: String,
    /// The version of its library.
    #[serde(skip_serializing_if = "is_default")]
    pub version: String,
    /// The level of the protocol that it understands.
    pub protocol: i64,
}

impl std::fmt::Debug for ConnectOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ConnectOptions").finish_non_exhaustive()
    }
}

/// What TLS it speaks, with its certificates as PEM.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientTls {
    /// The version.
    #[serde(skip_serializing_if = "is_default")]
    pub version: String,
    /// The cipher suite.
    #[serde(skip_serializing_if = "is_default")]
    pub cipher: String,
    /// Certificates that were not verified.
    #[serde(skip_serializing_if = "is_default")]
    pub certs: Vec<String>,
    /// Those that were, each with those that vouch for it.
    #[serde(skip_serializing_if = "is_default")]
    pub verified_chains: Vec<Vec<String>>,
}

/// A server asks whether somebody may come in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub server_id: ServerInformation,
    /// The public key that the user is to have who comes in: it is made for this request, so that no answer fits another.
    pub user_nkey: String,
    /// Who wants to come in.
    pub client_info: ClientInformation,
    /// What it says.
    pub connect_opts: ConnectOptions,
    /// By which TLS.
    #[serde(skip_serializing_if = "is_default")]
    pub client_tls: Option<ClientTls>,
    /// What tells the request from others.
    #[serde(skip_serializing_if = "is_default")]
    pub request_nonce: String,
    #[serde(rename = "type")]
    kind: String,
    version: i64,
}

impl Body for AuthorizationRequest {
    const KIND: &'static str = "authorization_request";
    const CALLED: &'static str = "an authorization request";
    const ISSUERS: &'static [Kind] = &[Kind::Server];
    const SUBJECT: Option<Kind> = None;

    fn mark(&mut self, kind: &'static str, version: i64) {
        kind.clone_into(&mut self.kind);
        self.version = version;
    }

    fn check(&self, _: &Claims<Self>, issues: &mut Issues) {
        if self.user_nkey.is_empty() {
            issues.error("User nkey is required");
        } else if !nkey::is_public(Kind::User, &self.user_nkey) {
            issues.error(format!(
                "User nkey {:?} is not a valid user public key",
                self.user_nkey
            ));
        }
    }
}

/// What the service answers: a token of a user, or why there is none.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizationResponse {
    /// The token. Who has the key is let in, so it is not to be shown.
    #[serde(skip_serializing_if = "is_default")]
    pub jwt: String,
    /// Why there is none.
    #[serde(skip_serializing_if = "is_default")]
    pub error: String,
    /// The account, where one of its signing keys has signed.
    #[serde(skip_serializing_if = "is_default")]
    pub issuer_account: String,
    #[serde(rename = "type")]
    kind: String,
    version: i64,
}

impl std::fmt::Debug for AuthorizationResponse {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AuthorizationResponse")
            .field("error", &self.error)
            .field("issuer_account", &self.issuer_account)
            .finish_non_exhaustive()
    }
}

impl Body for AuthorizationResponse {
    const KIND: &'static str = "authorization_response";
    const CALLED: &'static str = "an authorization request";
    const ISSUERS: &'static [Kind] = &[Kind::Account];
    const SUBJECT: Option<Kind> = Some(Kind::User);

    fn mark(&mut self, kind: &'static str, version: i64) {
        kind.clone_into(&mut self.kind);
        self.version = version;
    }

    fn check(&self, claims: &Claims<Self>, issues: &mut Issues) {
        if !nkey::is_public(Kind::User, &claims.subject) {
            issues.error("Subject must be a user public key");
        }
        if !nkey::is_public(Kind::Server, &claims.audience) {
            issues.error("Audience must be a server public key");
        }
        match (&*self.error, &*self.jwt) {
            ("", "") => issues.error("Error or Jwt is required"),
            ("", _) | (_, "") => {}
            _ => issues.error("Only Error or Jwt can be set"),
        }
        if !self.issuer_account.is_empty() && !nkey::is_public(Kind::Account, &self.issuer_account) {
            issues.error("issuer_account is not an account public key");
        }
    }
}

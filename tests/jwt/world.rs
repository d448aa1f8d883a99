//! An operator, its accounts and their users, whose tokens are made here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::{SystemTime, UNIX_EPOCH};
use vagus_auth::nkey::{KeyPair, Kind};
use vagus_jwt::{Account, AccountLimits, Claims, Operator, User, UserLimits};
use vagus_test_support::{Client, TestServer};

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs().try_into().unwrap()
}

pub(crate) struct TestOperator {
    pub(crate) key: KeyPair,
}

pub(crate) struct TestAccount {
    pub(crate) key: KeyPair,
    pub(crate) claims: Claims<Account>,
}

pub(crate) struct TestUser {
    pub(crate) key: KeyPair,
    pub(crate) token: String,
}

impl TestOperator {
    pub(crate) fn new() -> Self {
        Self {
            key: KeyPair::generate(Kind::Operator).unwrap(),
        }
    }

    /// A configuration file with this resolver, and nothing else of accounts.
    pub(crate) fn with_resolver(&self, resolver: &str) -> String {
        let token = Claims::<Operator>::about(self.key.public())
            .encode(&self.key, now())
            .unwrap();
        // A busy machine takes its time.
        format!("operator: {token}\nresolver: {resolver}\nauthorization {{ timeout: 60 }}\n")
    }

    /// A configuration file with these accounts in memory.
    pub(crate) fn configuration(&self, accounts: &[&TestAccount]) -> String {
        let mut text = self.with_resolver("MEMORY");
        text.push_str("resolver_preload {\n");
        for account in accounts {
            text.push_str(&format!("{}: {}\n", account.key.public(), self.token(account)));
        }
        text.push_str("}\n");
        text
    }

    pub(crate) fn token(&self, account: &TestAccount) -> String {
        account.claims.clone().encode(&self.key, now()).unwrap()
    }
}

impl TestAccount {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate(Kind::Account).unwrap();
        let mut claims = Claims::<Account>::about(key.public());
        claims.nats.limits = AccountLimits::unlimited();
        Self { key, claims }
    }

    /// A user that may do everything, but for what is set.
    pub(crate) fn user(&self, set: impl FnOnce(&mut Claims<User>)) -> TestUser {
        let key = KeyPair::generate(Kind::User).unwrap();
        let mut claims = Claims::<User>::about(key.public());
        claims.nats.limits = UserLimits::unlimited();
        set(&mut claims);
        TestUser {
            token: claims.encode(&self.key, now() - 10).unwrap(),
            key,
        }
    }
}

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).expect(before);
    rest.split(after).next().unwrap_or_default()
}

/// A client that has said its CONNECT with this token, and signed what it was to sign.
#[track_caller]
pub(crate) fn present(server: &TestServer, token: &str, key: &KeyPair) -> Client {
    present_from(server.client(), token, key)
}

/// The same of a client that has said nothing yet.
#[track_caller]
pub(crate) fn present_from(client: Client, token: &str, key: &KeyPair) -> Client {
    let nonce = between(client.info(), "\"nonce\":\"", "\"").to_owned();
    let signature = URL_SAFE_NO_PAD.encode(key.sign(nonce.as_bytes()).unwrap());
    client.connect(&format!(
        r#"{{"verbose":false,"jwt":"{token}","sig":"{signature}","headers":true,"no_responders":true}}"#
    ))
}

impl TestUser {
    /// A client of the user, which is in.
    #[track_caller]
    pub(crate) fn enter(&self, server: &TestServer) -> Client {
        let mut client = present(server, &self.token, &self.key);
        client.sync_silent();
        client
    }

    /// The user is not let in.
    #[track_caller]
    pub(crate) fn is_refused(&self, server: &TestServer) {
        let mut client = present(server, &self.token, &self.key);
        client.expect("-ERR 'Authorization Violation'");
        client.closed();
    }
}

//! What the token of an account says, where an operator has signed it.

use crate::Broker;
use crate::units::Time;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use vagus_actors::claimed_accounts::KnownAccount;
use vagus_delivery::Account;
use vagus_jwt::{Account as AccountClaims, Claims, Issue, Severity};

/// What is shown of the token. An account's token lets nobody in.
#[derive(Debug, Default, Serialize)]
pub(super) struct TokenShown {
    #[serde(skip_serializing_if = "str::is_empty")]
    jwt: Box<str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    issuer_key: Box<str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded_jwt: Option<Claims<AccountClaims>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    validation_result_jwt: Vec<IssueShown>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    revoked_user: BTreeMap<String, Time>,
}

#[derive(Debug, Serialize)]
struct IssueShown {
    description: String,
    blocking: bool,
    time_check: bool,
}

impl From<&Issue> for IssueShown {
    fn from(issue: &Issue) -> Self {
        Self {
            description: issue.text.clone(),
            blocking: issue.severity == Severity::Error,
            time_check: issue.severity == Severity::Time,
        }
    }
}

/// What is known of an account that an operator has signed.
pub(super) fn known(broker: &Broker, account: &Account) -> Option<Arc<KnownAccount>> {
    broker.claimed_accounts.get()?.known(account.name())
}

impl TokenShown {
    pub(super) fn of(known: &KnownAccount) -> Self {
        let claims = &known.claims;
        let issues = claims.issues(Timestamp::now().as_second());
        let revocations = claims.nats.revocations.0.iter();
        Self {
            jwt: known.token.clone(),
            issuer_key: claims.issuer.as_str().into(),
            tags: claims.nats.tags.clone(),
            validation_result_jwt: issues.all().map(IssueShown::from).collect(),
            revoked_user: revocations
                .filter_map(|(user, until)| {
                    let until = Timestamp::from_second(*until).ok()?;
                    Some((user.clone(), Time(until)))
                })
                .collect(),
            decoded_jwt: Some(claims.clone()),
        }
    }
}

//! What an operator says of an account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vagus_auth::nkey::{self, Kind};

use crate::claims::{Body, Claims};
use crate::issues::Issues;
use crate::lists::{Revocations, Tags, is_default};
use crate::permissions::Permissions;
use crate::sharing::{self, Export, Import};
use crate::signing_keys::{Scope, SigningKeys};
use crate::{ALL, NO_LIMIT, subjects};

/// How much an account may have; [`NO_LIMIT`]: any number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AccountLimits {
    /// Subscriptions of all its connections.
    #[serde(rename = "subs", default, skip_serializing_if = "is_default")]
    pub subscriptions: i64,
    /// Bytes; nobody goes by it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub data: i64,
    /// Bytes of a message.
    #[serde(default, skip_serializing_if = "is_default")]
    pub payload: i64,
    /// Imports.
    #[serde(default, skip_serializing_if = "is_default")]
    pub imports: i64,
    /// Exports.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exports: i64,
    /// Whether what it exports may have wildcards.
    #[serde(rename = "wildcards", default, skip_serializing_if = "is_default")]
    pub wildcard_exports: bool,
    /// Whether each of its users has to prove that it has the key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disallow_bearer: bool,
    /// Connections at once.
    #[serde(rename = "conn", default, skip_serializing_if = "is_default")]
    pub connections: i64,
    /// Connections of leaf nodes at once.
    #[serde(rename = "leaf", default, skip_serializing_if = "is_default")]
    pub leaf_nodes: i64,
    /// What it may keep.
    #[serde(flatten)]
    pub jet_stream: JetStreamLimits,
    /// The same by tiers (`R1`, `R3`), in place of [`Self::jet_stream`].
    #[serde(rename = "tiered_limits", default, skip_serializing_if = "is_default")]
    pub tiers: BTreeMap<String, JetStreamLimits>,
}

impl AccountLimits {
    /// None, but that nothing may be kept.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            subscriptions: NO_LIMIT,
            data: NO_LIMIT,
            payload: NO_LIMIT,
            imports: NO_LIMIT,
            exports: NO_LIMIT,
            wildcard_exports: true,
            connections: NO_LIMIT,
            leaf_nodes: NO_LIMIT,
            ..Self::default()
        }
    }
}

/// How much an account may keep in streams; 0 bytes: nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JetStreamLimits {
    /// Bytes in memory.
    #[serde(rename = "mem_storage", default, skip_serializing_if = "is_default")]
    pub memory: i64,
    /// Bytes on disk.
    #[serde(rename = "disk_storage", default, skip_serializing_if = "is_default")]
    pub disk: i64,
    /// Streams.
    #[serde(default, skip_serializing_if = "is_default")]
    pub streams: i64,
    /// Consumers.
    #[serde(rename = "consumer", default, skip_serializing_if = "is_default")]
    pub consumers: i64,
    /// Messages of a stream that wait for an acknowledgement.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_ack_pending: i64,
    /// Bytes of one stream in memory.
    #[serde(rename = "mem_max_stream_bytes", default, skip_serializing_if = "is_default")]
    pub memory_of_a_stream: i64,
    /// Bytes of one stream on disk.
    #[serde(rename = "disk_max_stream_bytes", default, skip_serializing_if = "is_default")]
    pub disk_of_a_stream: i64,
    /// Whether each stream has to say how many bytes it may have.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_bytes_required: bool,
}

/// One of the subjects that a subject is mapped to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightedMapping {
    /// The subject.
    pub subject: String,
    /// For how many of a hundred messages; 0: for all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub weight: u8,
    /// Within which cluster alone, if not everywhere.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cluster: String,
}

impl WeightedMapping {
    /// For how many of a hundred messages.
    #[must_use]
    pub fn percent(&self) -> u8 {
        if self.weight == 0 { 100 } else { self.weight }
    }
}

/// A service that says who may come in as a user of the account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalAuthorization {
    /// Public keys of the users that it is not asked about: its own. Without one there is no such service.
    #[serde(default, skip_serializing_if = "is_default")]
    pub auth_users: Vec<String>,
    /// Public keys of other accounts that it may say somebody belongs to, or [`ALL`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub allowed_accounts: Vec<String>,
    /// The public key that what it is asked is sealed for; empty: it is not sealed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub xkey: String,
}

impl ExternalAuthorization {
    /// Whether there is such a service.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        !self.auth_users.is_empty()
    }

    /// Whether it may say that somebody belongs to this account, which is another.
    #[must_use]
    pub fn allows_account(&self, account: &str) -> bool {
        match &self.allowed_accounts[..] {
            [one] if one == ALL => true,
            allowed => allowed.iter().any(|allowed| allowed == account),
        }
    }

    fn check(&self, issues: &mut Issues) {
        if !self.allowed_accounts.is_empty() && self.auth_users.is_empty() {
            issues.error("External authorization cannot have accounts without users specified");
        }
        for user in &self.auth_users {
            if !nkey::is_public(Kind::User, user) {
                issues.error(format!("AuthUser {user:?} is not a valid user public key"));
            }
        }
        for account in &self.allowed_accounts {
            if account == ALL {
                if self.allowed_accounts.len() > 1 {
                    issues.error(format!(
                        "AllowedAccounts can only be a list of accounts or {account:?}"
                    ));
                }
            } else if !nkey::is_public(Kind::Account, account) {
                issues.error(format!("Account {account:?} is not a valid account public key"));
            }
        }
        if !self.xkey.is_empty() && !nkey::is_public(Kind::Curve, &self.xkey) {
            issues.error(format!("XKey {:?} is not a valid public xkey", self.xkey));
        }
    }
}

/// Where traces go that the header `traceparent` turns on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageTrace {
    /// The subject.
    #[serde(rename = "dest", default, skip_serializing_if = "is_default")]
    pub destination: String,
    /// How many of a hundred; 0: all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sampling: i64,
}

/// What an operator says of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// What it takes from others.
    #[serde(default, skip_serializing_if = "is_default")]
    pub imports: Vec<Import>,
    /// What others may take from it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exports: Vec<Export>,
    /// How much it may have.
    #[serde(default)]
    pub limits: AccountLimits,
    /// Keys that sign users for it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub signing_keys: SigningKeys,
    /// Users that may not come in any more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub revocations: Revocations,
    /// What users may do of whom nothing is said.
    #[serde(default)]
    pub default_permissions: Permissions,
    /// Subjects that messages go to instead.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mappings: BTreeMap<String, Vec<WeightedMapping>>,
    /// Who else says who may come in.
    #[serde(default)]
    pub authorization: ExternalAuthorization,
    /// Where traces go.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trace: Option<MessageTrace>,
    /// In whose account servers agree about its streams: `system` or `owner`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cluster_traffic: String,
    /// What people note about it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub description: String,
    /// Where people read more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub info_url: String,
    /// Words by which it is found.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tags: Tags,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    version: i64,
}

impl Account {
    fn check_limits(&self, issues: &mut Issues) {
        let limits = &self.limits;
        if limits.tiers.contains_key("") {
            issues.error("Tiered JetStream Limits can not contain a blank \"\" tier name");
        }
        let exceeds =
            |limit: i64, count: usize| limit != NO_LIMIT && i64::try_from(count).unwrap_or(i64::MAX) > limit;
        if exceeds(limits.imports, self.imports.len()) {
            issues.error("the account contains more imports than allowed by the operator");
        }
        if exceeds(limits.exports, self.exports.len()) {
            issues.error("the account contains more exports than allowed by the operator");
        }
        let has_wildcards = |export: &Export| subjects::has_wildcards(&export.subject);
        if limits.exports != NO_LIMIT && !limits.wildcard_exports && self.exports.iter().any(has_wildcards) {
            issues.error("the account contains wildcard exports that are not allowed by the operator");
        }
    }

    fn check_mappings(&self, issues: &mut Issues) {
        for (from, destinations) in &self.mappings {
            subjects::check(from, issues);
            let mut totals: BTreeMap<&str, u32> = BTreeMap::new();
            for to in destinations {
                subjects::check(&to.subject, issues);
                let percent = u32::from(to.percent());
                if percent > 100 {
                    issues.error(format!(
                        "Mapping {from:?} has a weight {percent} that exceeds 100"
                    ));
                }
                *totals.entry(&to.cluster).or_default() += percent;
            }
            for (cluster, total) in totals {
                if total > 100 {
                    issues.error(match cluster {
                        "" => format!("Mapping {from:?} exceeds 100% among all of it's weighted to mappings"),
                        cluster => format!(
                            "Mapping {from:?} in cluster {cluster:?} exceeds 100% among all of it's weighted to mappings"
                        ),
                    });
                }
            }
        }
    }

    fn check_trace(&self, issues: &mut Issues) {
        let Some(trace) = &self.trace else {
            return;
        };
        let mut of_subject = Issues::default();
        subjects::check(&trace.destination, &mut of_subject);
        if let Some(issue) = of_subject.first() {
            issues.error(format!("the account Trace.Destination {}", issue.text));
        }
        if subjects::has_wildcards(&trace.destination) {
            issues.error(format!(
                "the account Trace.Destination subject {:?} is not a valid publish subject",
                trace.destination
            ));
        }
        if !(0..=100).contains(&trace.sampling) {
            issues.error(format!(
                "the account Trace.Sampling value '{}' is not valid, should be in the range [1..100]",
                trace.sampling
            ));
        }
    }
}

impl Body for Account {
    const KIND: &'static str = "account";
    const CALLED: &'static str = "account";
    const ISSUERS: &'static [Kind] = &[Kind::Account, Kind::Operator];
    const SUBJECT: Option<Kind> = Some(Kind::Account);

    fn mark(&mut self, kind: &'static str, version: i64) {
        kind.clone_into(&mut self.kind);
        self.version = version;
    }

    fn check(&self, claims: &Claims<Self>, issues: &mut Issues) {
        sharing::check_imports(&self.imports, &claims.subject, issues);
        sharing::check_exports(&self.exports, issues);
        self.check_limits(issues);
        self.default_permissions.check(issues);
        self.check_mappings(issues);
        self.authorization.check(issues);
        self.check_trace(issues);
        self.signing_keys.check(issues);
        if !["", "system", "owner"].contains(&&*self.cluster_traffic) {
            issues.error(format!(
                "unknown cluster traffic option: {:?}",
                self.cluster_traffic
            ));
        }
    }
}

impl Claims<Account> {
    /// Whether this key signs users for the account, and with which scope. `strict`: the account's own key does not.
    #[must_use]
    pub fn signer(&self, key: &str, strict: bool) -> Option<Option<&Scope>> {
        match self.nats.signing_keys.0.get(key) {
            Some(scope) => Some(scope.as_ref()),
            None if key == self.subject && !strict => Some(None),
            None => None,
        }
    }
}

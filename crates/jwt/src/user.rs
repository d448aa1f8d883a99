//! What an account says of a user.

use std::net::IpAddr;

use jiff::Zoned;
use serde::{Deserialize, Serialize};
use vagus_auth::nkey::{self, Kind};

use crate::NO_LIMIT;
use crate::claims::{Body, Claims};
use crate::issues::Issues;
use crate::lists::{SourceNetworks, Tags, is_default};
use crate::permissions::Permissions;
use crate::window::{self, TimeRange, Window};

/// What a user may do, and how much.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLimits {
    /// On which subjects.
    #[serde(flatten)]
    pub permissions: Permissions,
    /// From where it may connect.
    #[serde(rename = "src", default, skip_serializing_if = "is_default")]
    pub source_networks: SourceNetworks,
    /// At which times of day it may be connected; none: at all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub times: Vec<TimeRange>,
    /// The time zone of these; that of the server if there is none.
    #[serde(rename = "times_location", default, skip_serializing_if = "is_default")]
    pub location: String,
    /// Subscriptions at once; [`NO_LIMIT`]: any number.
    #[serde(rename = "subs", default, skip_serializing_if = "is_default")]
    pub subscriptions: i64,
    /// Bytes; nobody goes by it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub data: i64,
    /// Bytes of a message; [`NO_LIMIT`]: what the server takes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub payload: i64,
    /// Whether it need not prove that it has the key: the token is enough.
    #[serde(rename = "bearer_token", default, skip_serializing_if = "is_default")]
    pub bearer: bool,
    /// Whether it may come by way of a trusted proxy only.
    #[serde(default, skip_serializing_if = "is_default")]
    pub proxy_required: bool,
    /// The names of the ways in which it may connect; none: in all.
    #[serde(
        rename = "allowed_connection_types",
        default,
        skip_serializing_if = "is_default"
    )]
    pub connection_types: Vec<String>,
}

impl UserLimits {
    /// Everything, without limits.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            subscriptions: NO_LIMIT,
            data: NO_LIMIT,
            payload: NO_LIMIT,
            ..Self::default()
        }
    }

    /// Whether nothing is said, as it must be where a signing key has a template.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the user may connect from this address.
    #[must_use]
    pub fn allow_source(&self, address: IpAddr) -> bool {
        self.source_networks.have(address)
    }

    /// Whether the user may be connected at this time, which is given in the time zone of [`Self::location`].
    #[must_use]
    pub fn window(&self, now: &Zoned) -> Window {
        window::of(&self.times, now)
    }

    fn check(&self, issues: &mut Issues) {
        self.permissions.check(issues);
        if let Some(network) = self.source_networks.first_wrong() {
            issues.error(format!("invalid cidr {network:?} in user src limits"));
        }
        for range in &self.times {
            range.check(issues);
        }
    }
}

/// What an account says of a user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// What it may do. Nothing is said of a user whose signing key has a template: that one holds.
    #[serde(flatten)]
    pub limits: UserLimits,
    /// The account, where one of its signing keys has signed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub issuer_account: String,
    /// Words by which it is found.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tags: Tags,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    version: i64,
}

impl Body for User {
    const KIND: &'static str = "user";
    const CALLED: &'static str = "user";
    const ISSUERS: &'static [Kind] = &[Kind::Account];
    const SUBJECT: Option<Kind> = Some(Kind::User);

    fn mark(&mut self, kind: &'static str, version: i64) {
        kind.clone_into(&mut self.kind);
        self.version = version;
    }

    fn check(&self, _: &Claims<Self>, issues: &mut Issues) {
        self.limits.check(issues);
        if !self.issuer_account.is_empty() && !nkey::is_public(Kind::Account, &self.issuer_account) {
            issues.error("account_id is not an account public key");
        }
    }
}

impl Claims<User> {
    /// The account that the user belongs to: the issuer, or the one whose signing key that is.
    #[must_use]
    pub fn account(&self) -> &str {
        if self.nats.issuer_account.is_empty() {
            &self.issuer
        } else {
            &self.nats.issuer_account
        }
    }
}

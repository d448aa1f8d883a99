//! What an account says to another that may import from it.

use serde::{Deserialize, Serialize};
use vagus_auth::nkey::{self, Kind};

use crate::claims::{Body, Claims};
use crate::issues::Issues;
use crate::lists::{Tags, is_default};
use crate::sharing::ShareKind;
use crate::subjects;

/// Allows the subject, an account, to import something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Activation {
    /// What may be imported, or a part of it.
    #[serde(rename = "subject", default, skip_serializing_if = "is_default")]
    pub subject: String,
    /// What it is; None: nobody knows.
    #[serde(rename = "kind", default, skip_serializing_if = "is_default")]
    pub share: Option<ShareKind>,
    /// The account that exports, where one of its signing keys has signed.
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

impl Body for Activation {
    const KIND: &'static str = "activation";
    const CALLED: &'static str = "activation";
    const ISSUERS: &'static [Kind] = &[Kind::Account, Kind::Operator];
    const SUBJECT: Option<Kind> = Some(Kind::Account);

    fn mark(&mut self, kind: &'static str, version: i64) {
        kind.clone_into(&mut self.kind);
        self.version = version;
    }

    fn check(&self, _: &Claims<Self>, issues: &mut Issues) {
        if self.share.is_none() {
            issues.error("invalid import type: '\\x00'");
        }
        subjects::check(&self.subject, issues);
        if !self.issuer_account.is_empty() && !nkey::is_public(Kind::Account, &self.issuer_account) {
            issues.error("account_id is not an account public key");
        }
    }
}

impl Claims<Activation> {
    /// Whether a token that an account carries with an import allows that import, apart from the time, from revocations,
    /// and from whether the signing key is one of the exporter.
    pub(crate) fn allows(
        &self,
        importer: &str,
        exporter: &str,
        share: ShareKind,
        subject: &str,
    ) -> Result<(), String> {
        if self.issuer != exporter && self.nats.issuer_account != exporter {
            return Err(format!(
                "activation token doesn't match account for import {subject:?}"
            ));
        }
        if self.subject != importer {
            return Err(format!(
                "activation token doesn't match account it is being included in, {subject:?}"
            ));
        }
        if self.nats.share != Some(share) {
            let claimed = self.nats.share.map_or("unknown", ShareKind::name);
            return Err(format!(
                "mismatch between token import type {claimed} and type of import {}",
                share.name()
            ));
        }
        if !subjects::is_contained(subject, &self.nats.subject) {
            return Err(format!(
                "activation token import subject {:?} doesn't match import {subject:?}",
                self.nats.subject
            ));
        }
        Ok(())
    }
}

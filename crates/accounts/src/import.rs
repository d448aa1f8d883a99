//! What an account takes of others.

use crate::definition::AccountDefinition;
use crate::export::Revocations;
use vagus_routing::subject::is_subset;

/// A stream of another account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamImport {
    /// The exporting account, by its name.
    pub account: Box<str>,
    /// What is subscribed to there.
    pub subject: Box<str>,
    /// How that is called in the importing account.
    pub local: LocalSubject,
    /// Whether a message that is traced in the exporting account is also traced beyond it.
    pub allow_trace: bool,
    /// What shows that the exporting account allows it, where that is asked for.
    pub activation: Option<Activation>,
}

/// A service of another account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceImport {
    /// The exporting account, by its name.
    pub account: Box<str>,
    /// What requests are published on there.
    pub subject: Box<str>,
    /// What they are published on in the importing account; with wildcards, or tokens `$1` that stand for those of
    /// `subject`. None: the same as there.
    pub local: Option<Box<str>>,
    /// Whether the service is told who asks.
    pub share: bool,
    /// What shows that the exporting account allows it, where that is asked for.
    pub activation: Option<Activation>,
}

/// How the subject of an imported stream is called in the importing account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LocalSubject {
    /// As in the exporting one.
    #[default]
    Same,
    /// The same behind this prefix, which has no wildcards, and its dot.
    Prefixed(Box<str>),
    /// So, with wildcards or tokens `$1` in the place of those that it has there.
    Mapped(Box<str>),
}

/// An exporting account's word that another may import something, as it was read of a token whose signature has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The account that may import, by its public key.
    pub account: Box<str>,
    /// The key that signed it.
    pub issuer: Box<str>,
    /// In whose name, where the issuer is a signing key.
    pub issuer_account: Option<Box<str>>,
    /// What may be imported, a pattern.
    pub subject: Box<str>,
    /// Whether that is a service; a stream otherwise.
    pub is_service: bool,
    /// Since when it holds, in seconds since 1970; 0 for ever.
    pub not_before: i64,
    /// When it was issued, in seconds since 1970.
    pub issued_at: i64,
    /// Until when it holds, in seconds since 1970; 0 for ever.
    pub expires: i64,
}

impl Activation {
    /// Whether `importer` may import `subject` of `exporter` by it at this moment, in seconds since 1970.
    pub fn allows(
        &self,
        exporter: &AccountDefinition,
        importer: &AccountDefinition,
        subject: &str,
        now: i64,
    ) -> bool {
        let is_from_exporter = match &self.issuer_account {
            Some(account) => *account == exporter.name && exporter.signing_keys.contains(&self.issuer),
            None => self.issuer == exporter.name,
        };
        is_from_exporter
            && self.account == importer.name
            && is_subset(subject.as_bytes(), self.subject.as_bytes())
            && self.not_before <= now
            && (self.expires == 0 || self.expires > now)
    }

    /// Whether the exporting account has taken it back.
    pub fn is_revoked(&self, revocations: &Revocations) -> bool {
        [&*self.account, "*"].into_iter().any(|account| {
            revocations
                .get(account)
                .is_some_and(|until| *until >= self.issued_at)
        })
    }
}

//! An imported service: where requests go on, and what is to become of answers.

use super::ImportError;
use crate::export::{Latency, ResponseType, ServiceExport};
use crate::import::ServiceImport;
use std::borrow::Cow;
use std::time::Duration;
use vagus_routing::Transform;
use vagus_routing::subject::has_wildcards;

/// A service of another account, which may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedService {
    account: Box<str>,
    subject: Box<str>,
    local: Box<str>,
    /// None where the service is called the same in both accounts, or is one subject.
    to_exported: Option<Box<Transform>>,
    share: bool,
    terms: ServiceTerms,
    expires: Option<i64>,
}

/// What the exporting account says of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTerms {
    /// The pattern that it exports, by which the service is told from others of the account.
    pub exported: Box<str>,
    /// How many messages an answer is.
    pub response_type: ResponseType,
    /// For how long one is waited for.
    pub response_threshold: Duration,
    /// Whether and where it is told how long requests take.
    pub latency: Option<Latency>,
    /// Whether a traced request is also traced in the exporting account.
    pub allow_trace: bool,
}

/// What requests are published on in the importing account, where `local` may have places (`$1`) of what wildcards matched.
pub(super) fn local_pattern<'a>(local: &'a str, exported: &str) -> Cow<'a, str> {
    if has_wildcards(exported.as_bytes()) {
        super::without_places(local)
    } else {
        Cow::Borrowed(local)
    }
}

impl ImportedService {
    /// What an import is that an export allows, which the caller has seen to.
    ///
    /// # Errors
    /// When no subject can be made of the other.
    pub fn new(import: &ServiceImport, export: &ServiceExport) -> Result<Self, ImportError> {
        let subject = &*import.subject;
        let local = import.local.as_deref().unwrap_or(subject);
        let is_renamed = has_wildcards(subject.as_bytes()) && local != subject;
        let to_exported = is_renamed
            .then(|| {
                // What a service is called is written down as what becomes of its subject, and is needed the other way round.
                let to_local = Transform::reversible(subject, &super::with_places(local))?;
                to_local
                    .reversed()
                    .ok_or(vagus_routing::TransformError::InvalidSubject)
            })
            .transpose()
            .map_err(|error| ImportError::ServiceTransform {
                local: local.to_owned(),
                subject: subject.to_owned(),
                error,
            })?;
        let local = to_exported
            .as_ref()
            .map_or_else(|| local.into(), |transform| transform.source().into());
        let expires = import.activation.as_ref().map(|activation| activation.expires);
        Ok(Self {
            account: import.account.clone(),
            subject: subject.into(),
            local,
            to_exported: to_exported.map(Box::new),
            share: import.share,
            terms: ServiceTerms {
                exported: export.subject.clone(),
                response_type: export.response_type,
                response_threshold: export.response_threshold,
                latency: export.latency.clone(),
                allow_trace: export.allow_trace,
            },
            expires: expires.filter(|expires| *expires != 0),
        })
    }

    /// The exporting account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The pattern in the exporting account.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The pattern in the importing account.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// Whether the service is told who asks.
    pub fn shares(&self) -> bool {
        self.share
    }

    /// What the exporting account says of it.
    pub fn terms(&self) -> &ServiceTerms {
        &self.terms
    }

    /// Until when it may be imported, in seconds since 1970; None: as long as both accounts say so.
    pub fn expires(&self) -> Option<i64> {
        self.expires
    }

    /// Appends where a request goes on that was published on this subject in the importing account.
    pub fn append_exported_subject(&self, published: &[u8], out: &mut Vec<u8>) {
        match &self.to_exported {
            Some(transform) => transform.append(published, 0, out),
            None if self.local == self.subject => out.extend_from_slice(published),
            None => out.extend_from_slice(self.subject.as_bytes()),
        }
    }
}

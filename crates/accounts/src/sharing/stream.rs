//! An imported stream: what is subscribed to for whom, and how it is called.

use super::ImportError;
use crate::import::{LocalSubject, StreamImport};
use std::borrow::Cow;
use vagus_routing::Transform;
use vagus_routing::subject::{has_wildcards, intersection};

/// A stream of another account, which may be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedStream {
    importer: Box<str>,
    account: Box<str>,
    subject: Box<str>,
    local: Box<str>,
    /// None where the stream is called the same in both accounts, or is one subject.
    renaming: Option<Box<Renaming>>,
    allow_trace: bool,
    expires: Option<i64>,
}

/// How subjects of the exporting account are called in the importing one, and the other way round.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Renaming {
    to_local: Transform,
    to_exported: Transform,
}

/// How the importing account calls it, as it is written down.
pub(super) fn local_subject(import: &StreamImport) -> Result<Cow<'_, str>, ImportError> {
    match &import.local {
        LocalSubject::Same => Ok(Cow::Borrowed(&import.subject)),
        LocalSubject::Mapped(local) => Ok(Cow::Borrowed(local)),
        LocalSubject::Prefixed(prefix) if has_wildcards(prefix.as_bytes()) => {
            Err(ImportError::PrefixWithWildcards)
        }
        LocalSubject::Prefixed(prefix) => {
            let prefix = prefix.strip_suffix('.').unwrap_or(prefix);
            Ok(Cow::Owned(format!("{prefix}.{}", import.subject)))
        }
    }
}

impl ImportedStream {
    pub(super) fn new(importer: &str, import: &StreamImport, local: &str) -> Result<Self, ImportError> {
        let subject = &*import.subject;
        let is_renamed = has_wildcards(subject.as_bytes()) && local != subject;
        let renaming = is_renamed
            .then(|| Renaming::new(subject, local))
            .transpose()
            .map_err(|error| ImportError::StreamTransform {
                subject: subject.to_owned(),
                local: local.to_owned(),
                error,
            })?;
        let local = renaming.as_ref().map_or_else(
            || local.into(),
            |renaming| renaming.to_local.destination_pattern().into(),
        );
        let expires = import.activation.as_ref().map(|activation| activation.expires);
        Ok(Self {
            importer: importer.into(),
            account: import.account.clone(),
            subject: subject.into(),
            local,
            renaming: renaming.map(Box::new),
            allow_trace: import.allow_trace,
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

    /// Whether a traced message is also traced in the importing account.
    pub fn is_traced(&self) -> bool {
        self.allow_trace
    }

    /// Until when it may be imported, in seconds since 1970; None: as long as both accounts say so.
    pub fn expires(&self) -> Option<i64> {
        self.expires
    }

    /// What has to be subscribed to in the exporting account for a subscription in the importing one; None if that is to
    /// nothing of this stream.
    pub fn exported_subject(&self, subscribed: &[u8]) -> Option<Vec<u8>> {
        let shared = intersection(subscribed, self.local.as_bytes())?;
        if shared == self.local.as_bytes() {
            return Some(self.subject.as_bytes().to_vec());
        }
        let Some(renaming) = &self.renaming else {
            return Some(shared);
        };
        let mut exported = Vec::with_capacity(shared.len());
        renaming.to_exported.append(&shared, 0, &mut exported);
        Some(exported)
    }

    /// Appends what the importing account calls the subject of a message of the exporting one.
    pub fn append_local_subject(&self, published: &[u8], out: &mut Vec<u8>) {
        match &self.renaming {
            Some(renaming) => renaming.to_local.append(published, 0, out),
            None if self.local == self.subject => out.extend_from_slice(published),
            None => out.extend_from_slice(self.local.as_bytes()),
        }
    }
}

impl Renaming {
    fn new(subject: &str, local: &str) -> Result<Self, vagus_routing::TransformError> {
        let to_local = Transform::reversible(subject, &super::with_places(local))?;
        let to_exported = to_local
            .reversed()
            .ok_or(vagus_routing::TransformError::InvalidSubject)?;
        Ok(Self {
            to_local,
            to_exported,
        })
    }
}

impl vagus_routing::Renaming for ImportedStream {
    fn append_renamed(&self, subject: &[u8], out: &mut Vec<u8>) {
        self.append_local_subject(subject, out);
    }

    fn importer(&self) -> &str {
        &self.importer
    }

    fn allows_trace(&self) -> bool {
        self.allow_trace
    }
}

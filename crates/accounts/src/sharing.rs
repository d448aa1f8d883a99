//! Whether imports are good, and what they come to.
//!
//! Imports are added one by one: each is held against the exports of all accounts and against the imports that were added
//! before it, as one that closes a cycle is the one that is refused.

mod cycles;
mod error;
mod service;
mod stream;

pub use self::error::ImportError;
pub use self::service::{ImportedService, ServiceTerms};
pub use self::stream::ImportedStream;

use self::cycles::Imports;
use crate::definition::AccountDefinition;
use crate::export::Access;
use crate::import::{Activation, ServiceImport, StreamImport};
use std::borrow::{Borrow, Cow};
use std::collections::{BTreeSet, HashMap};
use vagus_routing::subject;

/// All accounts, each as an `A`, and those of their imports that were added.
#[derive(Debug)]
pub struct Sharing<A> {
    accounts: HashMap<Box<str>, A>,
    imports: HashMap<Box<str>, Imports>,
    /// By exporting account, which may not be there, those that want to import of it.
    importers: HashMap<Box<str>, BTreeSet<Box<str>>>,
    /// In seconds since 1970.
    now: i64,
}

impl<A: Borrow<AccountDefinition> + Clone> Sharing<A> {
    /// Of these accounts, none of which has imported anything yet, at this moment in seconds since 1970.
    pub fn new(accounts: impl IntoIterator<Item = A>, now: i64) -> Self {
        let mut sharing = Self {
            accounts: HashMap::new(),
            imports: HashMap::new(),
            importers: HashMap::new(),
            now,
        };
        accounts.into_iter().for_each(|account| sharing.define(account));
        sharing
    }

    /// From now on it is this moment, in seconds since 1970.
    pub fn set_time(&mut self, now: i64) {
        self.now = now;
    }

    /// There is this account, as it is defined now. Its imports stay as they were added.
    pub fn define(&mut self, account: A) {
        let definition: &AccountDefinition = account.borrow();
        let name = definition.name.clone();
        let exporters: Vec<Box<str>> = exporters(definition).map(Into::into).collect();
        if let Some(before) = self.accounts.insert(name.clone(), account) {
            self.unlist(before.borrow());
        }
        for exporter in exporters {
            self.importers.entry(exporter).or_default().insert(name.clone());
        }
    }

    fn unlist(&mut self, importer: &AccountDefinition) {
        for exporter in exporters(importer) {
            if let Some(importers) = self.importers.get_mut(exporter) {
                importers.remove(&importer.name);
                if importers.is_empty() {
                    self.importers.remove(exporter);
                }
            }
        }
    }

    /// The account of this name, as it is defined.
    pub fn find(&self, name: &str) -> Option<&A> {
        self.accounts.get(name)
    }

    /// The accounts that want to import of this one, whether they may or not.
    pub fn importers(&self, exporter: &str) -> impl Iterator<Item = &str> {
        let importers = self.importers.get(exporter);
        importers.into_iter().flatten().map(AsRef::as_ref)
    }

    /// An account imports nothing any more, until something is added.
    pub fn withdraw(&mut self, importer: &str) {
        self.imports.remove(importer);
    }

    /// Adds an import of a stream to those of an account.
    ///
    /// # Errors
    /// In nats-server's words, if it is not one that the exporting account allows, closes a cycle, is there already, or
    /// cannot be called so in the importing account. Nothing is added then.
    pub fn add_stream(
        &mut self,
        account: &AccountDefinition,
        import: &StreamImport,
    ) -> Result<ImportedStream, ImportError> {
        let exporter = self.exporter(&import.account)?;
        let exporter = exporter.borrow();
        let export = covering(
            &exporter.stream_exports,
            |export| &export.subject,
            &import.subject,
        );
        let activation = import.activation.as_ref().filter(|it| !it.is_service);
        if !is_valid(&import.subject)
            || !export.is_some_and(|export| {
                let exact = *export.subject == *import.subject;
                self.allows(
                    &export.access,
                    exporter,
                    account,
                    &import.subject,
                    exact,
                    activation,
                )
            })
        {
            return Err(ImportError::StreamNotAuthorized);
        }
        let local = stream::local_subject(import)?;
        for called in [&*local, &*import.subject] {
            self.check_stream_cycle(account, exporter, called)?;
        }
        let imported = ImportedStream::new(&account.name, import, &local)?;
        let imports = self.imports.entry(account.name.clone()).or_default();
        imports.add_stream(&import.account, &import.subject, imported.local())?;
        Ok(imported)
    }

    /// Adds an import of a service to those of an account.
    ///
    /// # Errors
    /// As for [`Sharing::add_stream`].
    pub fn add_service(
        &mut self,
        account: &AccountDefinition,
        import: &ServiceImport,
    ) -> Result<ImportedService, ImportError> {
        let exporter = self.exporter(&import.account)?;
        let exporter = exporter.borrow();
        let local = import.local.as_deref().unwrap_or(&import.subject);
        if !is_valid(local) || !is_valid(&import.subject) {
            return Err(ImportError::InvalidSubject);
        }
        let export = covering(
            &exporter.service_exports,
            |export| &export.subject,
            &import.subject,
        );
        let activation = import.activation.as_ref().filter(|it| it.is_service);
        let Some(export) = export.filter(|export| {
            let exact = *export.subject == *import.subject;
            self.allows(
                &export.access,
                exporter,
                account,
                &import.subject,
                exact,
                activation,
            )
        }) else {
            return Err(ImportError::ServiceNotAuthorized);
        };
        self.check_service_cycle(account, exporter, &service::local_pattern(local, &import.subject))?;
        let imported = ImportedService::new(import, export)?;
        let imports = self.imports.entry(account.name.clone()).or_default();
        imports.add_service(&import.account, &import.subject, imported.local())?;
        Ok(imported)
    }

    fn exporter(&self, name: &str) -> Result<A, ImportError> {
        self.accounts
            .get(name)
            .cloned()
            .ok_or(ImportError::AccountMissing)
    }

    /// Whether an export, which covers the subject or `is` it, may be imported by an account.
    fn allows(
        &self,
        access: &Access,
        exporter: &AccountDefinition,
        importer: &AccountDefinition,
        subject: &str,
        is_exact: bool,
        activation: Option<&Activation>,
    ) -> bool {
        match access {
            Access::Public => true,
            Access::Accounts(names) => names.contains(&importer.name),
            // Who imports the pattern as it is would get what is meant for others.
            Access::AccountToken(position) => {
                let token = position
                    .checked_sub(1)
                    .and_then(|position| subject.split('.').nth(position));
                !is_exact && token == Some(&*importer.name)
            }
            Access::Activated(revocations) => activation.is_some_and(|activation| {
                activation.allows(exporter, importer, subject, self.now)
                    && !activation.is_revoked(revocations)
            }),
        }
    }
}

/// The accounts that one wants to import from; the same may come several times.
fn exporters(importer: &AccountDefinition) -> impl Iterator<Item = &str> {
    let streams = importer.stream_imports.iter().map(|import| &*import.account);
    let services = importer.service_imports.iter().map(|import| &*import.account);
    streams.chain(services)
}

/// The export of exactly this subject, or else the first that it is a part of.
fn covering<'e, E>(exports: &'e [E], subject_of: impl Fn(&E) -> &str, imported: &str) -> Option<&'e E> {
    let covers = |export: &&E| subject::is_subset(imported.as_bytes(), subject_of(export).as_bytes());
    let exact = exports.iter().find(|export| subject_of(export) == imported);
    exact.or_else(|| exports.iter().find(covers))
}

fn is_valid(pattern: &str) -> bool {
    subject::is_valid_subscription(pattern.as_bytes())
}

/// A destination that is `pattern`: each `*` becomes the place of what it matched.
fn with_places(pattern: &str) -> String {
    let mut wildcards = 0;
    let tokens: Vec<Cow<'_, str>> = pattern
        .split('.')
        .map(|token| {
            if token != "*" {
                return Cow::Borrowed(token);
            }
            wildcards += 1;
            Cow::Owned(format!("${wildcards}"))
        })
        .collect();
    tokens.join(".")
}

/// A pattern that is `destination`: each place becomes a `*`.
fn without_places(destination: &str) -> Cow<'_, str> {
    let is_place = |token: &str| {
        let digits = token.strip_prefix('$');
        digits.is_some_and(|digits| digits.starts_with(|digit: char| ('1'..='9').contains(&digit)))
            || (token.starts_with("{{") && token.ends_with("}}"))
    };
    if !destination.split('.').any(is_place) {
        return Cow::Borrowed(destination);
    }
    let tokens: Vec<&str> = destination
        .split('.')
        .map(|token| if is_place(token) { "*" } else { token })
        .collect();
    Cow::Owned(tokens.join("."))
}

#[cfg(test)]
mod tests;

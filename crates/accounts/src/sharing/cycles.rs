//! Imports of imports must not lead back to where they began.
//!
//! What counts as a cycle is what nats-server takes for one: also some that would end, where two ways lead to one account
//! that imports itself.

use super::{ImportError, Sharing};
use crate::definition::AccountDefinition;
use std::borrow::Borrow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use vagus_routing::subject::{is_subset, overlap};

/// So many accounts are looked at for one import; it is refused if that is not enough.
const ACCOUNTS_AT_MOST: usize = 1024;

/// What an account has imported.
#[derive(Debug, Default)]
pub(super) struct Imports {
    streams: Vec<Import>,
    services: Vec<Import>,
    /// What was imported of which account, streams by their subjects there, services by their subjects here.
    known_streams: HashSet<(Box<str>, Box<str>)>,
    known_services: HashMap<(Box<str>, Box<str>), Box<str>>,
}

#[derive(Debug)]
struct Import {
    account: Box<str>,
    /// In the exporting account.
    subject: Box<str>,
    /// In the importing one.
    local: Box<str>,
}

impl Imports {
    pub(super) fn add_stream(
        &mut self,
        account: &str,
        subject: &str,
        local: &str,
    ) -> Result<(), ImportError> {
        if !self.known_streams.insert((account.into(), subject.into())) {
            return Err(ImportError::StreamTwice);
        }
        self.streams.push(Import::new(account, subject, local));
        Ok(())
    }

    pub(super) fn add_service(
        &mut self,
        account: &str,
        subject: &str,
        local: &str,
    ) -> Result<(), ImportError> {
        match self.known_services.entry((account.into(), local.into())) {
            Entry::Occupied(known) => Err(ImportError::ServiceTwice {
                local: local.to_owned(),
                account: account.to_owned(),
                subject: known.get().to_string(),
            }),
            Entry::Vacant(place) => {
                place.insert(subject.into());
                self.services.push(Import::new(account, subject, local));
                Ok(())
            }
        }
    }
}

impl Import {
    fn new(account: &str, subject: &str, local: &str) -> Self {
        Self {
            account: account.into(),
            subject: subject.into(),
            local: local.into(),
        }
    }
}

impl<A: Borrow<AccountDefinition> + Clone> Sharing<A> {
    /// Whether what `exporter` has as `called` comes from `importer` by way of service imports.
    pub(super) fn check_service_cycle(
        &self,
        importer: &AccountDefinition,
        exporter: &AccountDefinition,
        called: &str,
    ) -> Result<(), ImportError> {
        self.search(
            importer,
            exporter,
            called,
            |imports| &imports.services,
            &|import| &import.subject,
            &|_, _| true,
        )
    }

    /// The same by way of stream imports, as far as accounts export what they import.
    pub(super) fn check_stream_cycle(
        &self,
        importer: &AccountDefinition,
        exporter: &AccountDefinition,
        called: &str,
    ) -> Result<(), ImportError> {
        self.search(
            importer,
            exporter,
            called,
            |imports| &imports.streams,
            &|import| &import.local,
            &|account, called| {
                let exports = |account: &AccountDefinition| {
                    let mut exports = account.stream_exports.iter();
                    exports.any(|export| is_subset(called.as_bytes(), export.subject.as_bytes()))
                };
                self.accounts
                    .get(account)
                    .map(Borrow::borrow)
                    .is_some_and(exports)
            },
        )
    }

    /// Goes from import to import, without recursion: how far they lead is up to those who define accounts.
    fn search<'s>(
        &'s self,
        importer: &'s AccountDefinition,
        exporter: &'s AccountDefinition,
        called: &str,
        imports_of: fn(&'s Imports) -> &'s [Import],
        side: &dyn Fn(&'s Import) -> &'s str,
        passes_on: &dyn Fn(&str, &str) -> bool,
    ) -> Result<(), ImportError> {
        let mut visited: HashSet<&str> = HashSet::from([&*importer.name]);
        // The accounts on the way, with what is looked for in each and the imports that have not been looked at.
        let enter = |account: &'s str, called: &str| {
            let imports = passes_on(account, called)
                .then(|| self.imports.get(account).map(imports_of))
                .flatten();
            (account, called.to_owned(), imports.unwrap_or_default().iter())
        };
        let mut way = vec![enter(&exporter.name, called)];
        while let Some((account, called, imports)) = way.last_mut() {
            let Some(import) = imports.find(|import| overlap(called.as_bytes(), side(import).as_bytes()))
            else {
                way.pop();
                continue;
            };
            if visited.contains(&*import.account) {
                return Err(ImportError::Cycle);
            }
            visited.insert(account);
            if visited.len() >= ACCOUNTS_AT_MOST {
                return Err(ImportError::CycleSearchDepth);
            }
            let narrower = is_subset(import.local.as_bytes(), called.as_bytes());
            let called = if narrower {
                import.local.to_string()
            } else {
                called.clone()
            };
            way.push(enter(&import.account, &called));
        }
        Ok(())
    }
}

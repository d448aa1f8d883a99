//! What accounts have agreed to share, kept so that the change of one costs that one.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use vagus_accounts::{AccountDefinition, ImportError, ImportedService, ImportedStream, Sharing};

/// An import that is not in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedImport {
    /// The importing account.
    pub account: Box<str>,
    /// The exporting account.
    pub exporter: Box<str>,
    /// The subject in the exporting account.
    pub subject: Box<str>,
    /// Whether it is a service; a stream otherwise.
    pub is_service: bool,
    /// Why.
    pub error: ImportError,
}

/// Which imports are allowed, and until when.
#[derive(Debug)]
pub(crate) struct Agreed {
    sharing: Sharing<Arc<AccountDefinition>>,
    /// The accounts of which an import ends by itself, in the order in which the first of each does.
    ends: BTreeSet<(i64, Box<str>)>,
    end_of: HashMap<Box<str>, i64, RandomState>,
}

/// What an account imports.
#[derive(Debug, Default)]
pub(crate) struct Allowed {
    pub(crate) streams: Vec<ImportedStream>,
    pub(crate) services: Vec<ImportedService>,
    pub(crate) refused: Vec<RefusedImport>,
}

impl Default for Agreed {
    fn default() -> Self {
        Self::of([], 0)
    }
}

impl Agreed {
    /// These accounts, none of which imports anything until it is [asked](Self::imports_of), at this moment in seconds since
    /// 1970.
    pub(crate) fn of(definitions: impl IntoIterator<Item = Arc<AccountDefinition>>, now: i64) -> Self {
        Self {
            sharing: Sharing::new(definitions, now),
            ends: BTreeSet::new(),
            end_of: HashMap::default(),
        }
    }

    /// An account is defined so from now on. Gives those whose imports have to be looked at anew, itself first.
    pub(crate) fn define(&mut self, definition: Arc<AccountDefinition>) -> Vec<Box<str>> {
        let name = definition.name.clone();
        self.sharing.define(definition);
        let others = self.sharing.importers(&name).filter(|other| **other != *name);
        std::iter::once(name.clone())
            .chain(others.map(Into::into))
            .collect()
    }

    /// When the next import ends by itself.
    pub(crate) fn next_end(&self) -> i64 {
        self.ends.first().map_or(i64::MAX, |(end, _)| *end)
    }

    /// The accounts of which an import has ended by this moment.
    pub(crate) fn ended(&self, now: i64) -> Vec<Box<str>> {
        let ended = self.ends.iter().take_while(|(end, _)| *end <= now);
        ended.map(|(_, name)| name.clone()).collect()
    }

    /// What an account may import at this moment, held against the exports of others and against what they import.
    pub(crate) fn imports_of(&mut self, name: &str, now: i64) -> Allowed {
        let mut allowed = Allowed::default();
        self.sharing.withdraw(name);
        self.sharing.set_time(now);
        let mut end = i64::MAX;
        if let Some(definition) = self.sharing.find(name).cloned() {
            let refusal = |exporter: &str, subject: &str, is_service, error| RefusedImport {
                account: definition.name.clone(),
                exporter: exporter.into(),
                subject: subject.into(),
                is_service,
                error,
            };
            for import in &definition.stream_imports {
                match self.sharing.add_stream(&definition, import) {
                    Ok(stream) => {
                        end = end.min(stream.expires().unwrap_or(i64::MAX));
                        allowed.streams.push(stream);
                    }
                    Err(error) => {
                        let refused = refusal(&import.account, &import.subject, false, error);
                        allowed.refused.push(refused);
                    }
                }
            }
            for import in &definition.service_imports {
                match self.sharing.add_service(&definition, import) {
                    Ok(service) => {
                        end = end.min(service.expires().unwrap_or(i64::MAX));
                        allowed.services.push(service);
                    }
                    Err(error) => {
                        let refused = refusal(&import.account, &import.subject, true, error);
                        allowed.refused.push(refused);
                    }
                }
            }
        }
        self.set_end(name, end);
        allowed
    }

    fn set_end(&mut self, name: &str, end: i64) {
        let before = match end {
            i64::MAX => self.end_of.remove(name),
            end => self.end_of.insert(name.into(), end),
        };
        if let Some(before) = before {
            self.ends.remove(&(before, name.into()));
        }
        if end != i64::MAX {
            self.ends.insert((end, name.into()));
        }
    }
}

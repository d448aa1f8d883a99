//! What the account imports, and what becomes of that where the account fails over it.
//!
//! It is put in force at once. If the account has to begin anew meanwhile, it is tried in halves, each beside those over which
//! nothing has failed; so what is left out in the end is what it fails over, and nothing else.

use super::changes::{Announcer, ChangeImports, Work};
use super::services::ServiceImport;
use super::shadows::{ChangesElsewhere, StreamImport};
use super::{Casting, Router, go_on_after_others};
use actix::prelude::*;

/// How often the account may fail over what is tried. Beyond that nothing more is.
const FAILURES_AT_MOST: usize = 32;

/// What an account is to import.
#[derive(Debug, Clone, Default)]
pub(super) struct Imports {
    pub(super) streams: Vec<StreamImport>,
    pub(super) services: Vec<ServiceImport>,
}

impl Imports {
    fn len(&self) -> usize {
        self.streams.len() + self.services.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn append(&mut self, mut other: Self) {
        self.streams.append(&mut other.streams);
        self.services.append(&mut other.services);
    }

    /// Takes so many out, from the end.
    fn split_off(&mut self, count: usize) -> Self {
        let services = count.min(self.services.len());
        Self {
            services: self.services.split_off(self.services.len() - services),
            streams: self.streams.split_off(self.streams.len() + services - count),
        }
    }

    /// The first of them, as the log names it.
    fn first(&self) -> String {
        let stream = self.streams.first().map(|import| {
            let subject = import.stream.subject();
            format!("stream {subject:?} of account {:?}", import.exporter.name())
        });
        let service = || {
            let import = self.services.first()?;
            let subject = import.service.subject();
            Some(format!(
                "service {subject:?} of account {:?}",
                import.exporter.name()
            ))
        };
        stream.or_else(service).unwrap_or_default()
    }
}

/// Imports on their way into force.
#[derive(Debug, Default)]
pub(super) struct Importing {
    /// Those over which nothing has failed.
    sound: Imports,
    /// Those that are tried beside them.
    tried: Imports,
    /// Those that are tried then, one part after the other.
    parts: Vec<Imports>,
    /// The account has begun anew, and none are in force.
    from_the_start: bool,
    failures: usize,
}

impl Importing {
    pub(super) fn of(imports: Imports) -> Self {
        Self {
            tried: imports,
            ..Self::default()
        }
    }

    /// All that are to be in force now.
    fn all(&self) -> Imports {
        let mut all = self.sound.clone();
        all.append(self.tried.clone());
        all
    }

    /// The account has failed over them. Gives the one that is left out from now on, if that has been found.
    fn fail(&mut self) -> Option<Imports> {
        self.failures += 1;
        self.from_the_start = true;
        let mut failed = std::mem::take(&mut self.tried);
        if failed.is_empty() {
            failed = std::mem::take(&mut self.sound);
        }
        if self.failures >= FAILURES_AT_MOST {
            self.parts.clear();
            return Some(failed).filter(|failed| !failed.is_empty());
        }
        if failed.len() <= 1 {
            return Some(failed).filter(|failed| !failed.is_empty());
        }
        let half = failed.split_off(failed.len() / 2);
        self.parts.extend([half, failed]);
        None
    }

    /// What was tried is in force. Whether there is more to be put in force now.
    fn go_on(&mut self) -> bool {
        self.sound.append(std::mem::take(&mut self.tried));
        let from_the_start = std::mem::take(&mut self.from_the_start);
        match self.parts.pop() {
            Some(part) => {
                self.tried = part;
                true
            }
            None => from_the_start,
        }
    }
}

impl Router {
    /// Has the account import this, and nothing else, from now on.
    pub(super) fn change_imports(&mut self, change: ChangeImports, router: &Addr<Self>) {
        let ChangeImports {
            streams,
            services,
            settled,
        } = change;
        self.importing = Some(Box::new(Importing::of(Imports { streams, services })));
        self.put_imports_in_force(Some(Announcer::Configurator(settled)), router);
    }

    fn put_imports_in_force(&mut self, announcer: Option<Announcer>, router: &Addr<Self>) {
        let Some(importing) = &self.importing else {
            return;
        };
        let Imports { streams, services } = importing.all();
        let changes = self
            .services
            .change_imports(services, &self.account, &self.arbiters);
        let ticket = self.settling.open(announcer, true);
        if self.shadows.change_imports(streams) {
            let (shadows, mut elsewhere) = (&mut self.shadows, ChangesElsewhere::default());
            // No list has them yet.
            self.groups.for_each_joining(&mut |member| {
                shadows.recast(member, &mut elsewhere);
            });
            self.announce_elsewhere(elsewhere, ticket, router);
            self.settling.expect_answer(ticket);
            self.casting = Some(Casting::begin(self.casting.take(), ticket));
        }
        match Work::announced(changes, true, ticket) {
            Some(work) => self.schedule.push(work),
            None => self.settling.all_announced(ticket),
        }
    }

    /// Goes on with imports once those that are tried are in force, and what others have in the account is back where it
    /// has begun anew.
    pub(super) fn go_on_importing(&mut self, context: &Context<Self>) {
        let is_in_force = self.casting.is_none() && self.schedule.is_empty() && self.salvaging == 0;
        let Some(importing) = self.importing.as_mut().filter(|_| is_in_force) else {
            return;
        };
        if !importing.go_on() {
            self.importing = None;
            return;
        }
        let router = context.address();
        self.put_imports_in_force(None, &router);
        go_on_after_others(router);
    }

    /// The account begins anew, while imports change: none are in force, and those come again over which it does not fail.
    pub(super) fn imports_have_failed(&mut self) {
        let Some(importing) = &mut self.importing else {
            return;
        };
        if let Some(left_out) = importing.fail() {
            log::error!(
                "Account {:?} does not import {}, and {} more: it fails over it",
                self.account.name(),
                left_out.first(),
                left_out.len() - 1
            );
        }
        self.services.forget(&self.account);
        self.shadows.change_imports(Vec::new());
    }

    /// All that the account imports changes, as far as anybody knows.
    pub(super) fn doubt_imports(&mut self) {
        if self.importing.is_none() {
            let imports = Imports {
                streams: self.shadows.imports().to_vec(),
                services: self.services.imports(),
            };
            self.importing = Some(Box::new(Importing::of(imports)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FAILURES_AT_MOST, Importing, Imports};
    use crate::router::ServiceImport;
    use std::sync::Arc;
    use vagus_accounts::{Access, DEFAULT_RESPONSE_THRESHOLD, ImportedService, ResponseType, ServiceExport};
    use vagus_delivery::Account;
    use vagus_routing::AccountId;

    fn imports(subjects: &[&str]) -> Imports {
        let exporter = Arc::new(Account::new(AccountId(1), "A"));
        let service = |subject: &&str| {
            let import = vagus_accounts::ServiceImport {
                account: "A".into(),
                subject: (*subject).into(),
                local: None,
                share: false,
                activation: None,
            };
            let export = ServiceExport {
                subject: (*subject).into(),
                access: Access::Public,
                response_type: ResponseType::Singleton,
                response_threshold: DEFAULT_RESPONSE_THRESHOLD,
                latency: None,
                allow_trace: false,
            };
            ServiceImport {
                service: ImportedService::new(&import, &export).unwrap(),
                exporter: exporter.clone(),
            }
        };
        Imports {
            streams: Vec::new(),
            services: subjects.iter().map(service).collect(),
        }
    }

    fn subjects(imports: &Imports) -> Vec<&str> {
        let services = imports.services.iter();
        let mut subjects: Vec<_> = services.map(|it| &*it.service.terms().exported).collect();
        subjects.sort_unstable();
        subjects
    }

    /// Puts imports in force in an account that fails over these; gives what is in force in the end, and how often it failed.
    fn try_all(all: &[&str], bad: &[&str]) -> (Vec<String>, usize) {
        let mut importing = Importing::of(imports(all));
        let mut in_force;
        loop {
            let now = importing.all();
            let fails = subjects(&now).iter().any(|subject| bad.contains(subject));
            in_force = match fails {
                true => {
                    importing.fail();
                    Vec::new()
                }
                false => subjects(&now).into_iter().map(str::to_owned).collect(),
            };
            if !importing.go_on() {
                return (in_force, importing.failures);
            }
        }
    }

    #[test]
    fn what_the_account_fails_over_is_left_out_and_nothing_else() {
        assert_eq!(try_all(&["a", "b"], &[]), (vec!["a".into(), "b".into()], 0));
        assert_eq!(try_all(&["a"], &["a"]), (vec![], 1));
        assert_eq!(try_all(&[], &[]), (vec![], 0));
        let (in_force, failures) = try_all(&["a", "b", "c", "d", "e", "f", "g"], &["b", "g"]);
        assert_eq!(in_force, ["a", "c", "d", "e", "f"]);
        assert!(failures <= 6, "{failures}");
    }

    #[test]
    fn it_is_not_tried_without_end() {
        let all: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        let all: Vec<&str> = all.iter().map(|subject| &**subject).collect();
        let (in_force, failures) = try_all(&all, &all[..500]);
        assert_eq!(failures, FAILURES_AT_MOST);
        assert!(in_force.iter().all(|subject| all[500..].contains(&&**subject)));
    }
}

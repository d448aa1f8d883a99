//! What accounts share with each other, put in force.

use crate::accounts::{Accounts, RoutedAccount};
use crate::mailbox::tell;
use crate::router::{Announce, Announcer, ChangeImports, ServiceImport, StreamImport};
use crate::system_services::system_services;
use hashbrown::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;
use vagus_accounts::{AccountDefinition, ImportError, Sharing};
use vagus_delivery::subscriptions::Change;
use vagus_delivery::{Account, AnswerWay, Crossing, Moment, Unanswered};
use vagus_routing::Destination;

/// How many answers of an account are given up before others have their turn.
const GIVEN_UP_AT_ONCE: usize = 4_096;

/// For how long changes are waited for to be in force.
const WAITED_AT_MOST: Duration = Duration::from_secs(5);

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

/// What is on its way to be in force for every publisher.
#[derive(Debug, Default)]
pub struct SharingSettled(Vec<mpsc::Receiver<()>>);

impl SharingSettled {
    /// Waits until all of it is, or a while; not on the thread of the Routers.
    pub fn wait(self) {
        for settled in self.0 {
            // Without its Router an account has no publishers.
            let _ = settled.recv_timeout(WAITED_AT_MOST);
        }
    }
}

/// What an account is to import.
#[derive(Default)]
struct Imports {
    streams: Vec<StreamImport>,
    services: Vec<ServiceImport>,
}

impl Accounts {
    /// From now on accounts share what they are defined to, at this moment in seconds since 1970. Whoever is subscribed already gets what is imported, and no longer gets what is
    /// not. Imports that are not allowed are left out and given back.
    pub fn share(&self, now: i64) -> (SharingSettled, Vec<RefusedImport>) {
        let accounts = self.directory().all();
        let definitions = accounts.iter().filter_map(|account| account.definition());
        let definitions: Vec<Arc<AccountDefinition>> = definitions.collect();
        let mut sharing = Sharing::new(definitions.iter().map(AsRef::as_ref), now);
        let mut refused = Vec::new();
        let mut settled = SharingSettled::default();
        let mut all: HashMap<&str, Imports> = HashMap::new();
        let mut ends = i64::MAX;
        for definition in &definitions {
            let mut refuse = |exporter: &str, subject: &str, is_service, error| {
                refused.push(RefusedImport {
                    account: definition.name.clone(),
                    exporter: exporter.into(),
                    subject: subject.into(),
                    is_service,
                    error,
                });
            };
            for import in &definition.stream_imports {
                match sharing.add_stream(definition, import) {
                    Ok(stream) => {
                        ends = ends.min(stream.expires().unwrap_or(i64::MAX));
                        let Some(exporter) = self.find(stream.account()) else {
                            continue;
                        };
                        let imports = all.entry(&definition.name).or_default();
                        imports.streams.push(StreamImport {
                            stream: Arc::new(stream),
                            exporter: exporter.account,
                            router: exporter.router,
                        });
                    }
                    Err(error) => refuse(&import.account, &import.subject, false, error),
                }
            }
            for import in &definition.service_imports {
                match sharing.add_service(definition, import) {
                    Ok(service) => {
                        ends = ends.min(service.expires().unwrap_or(i64::MAX));
                        let Some(exporter) = self.find(service.account()) else {
                            continue;
                        };
                        self.expect_answers(&exporter, &mut settled);
                        if service.terms().latency.is_some() {
                            exporter.account.tell_of_clients();
                        }
                        let imports = all.entry(&definition.name).or_default();
                        imports.services.push(ServiceImport {
                            service,
                            exporter: exporter.account,
                        });
                    }
                    Err(error) => refuse(&import.account, &import.subject, true, error),
                }
            }
        }
        self.import_ends.store(ends, Ordering::Relaxed);
        for account in accounts {
            let imports = all.remove(account.name()).unwrap_or_default();
            self.change_imports(&account, imports, &mut settled);
        }
        (settled, refused)
    }

    fn change_imports(&self, account: &Arc<Account>, imports: Imports, settled: &mut SharingSettled) {
        let Imports {
            streams,
            mut services,
        } = imports;
        let imports_any = !streams.is_empty() || !services.is_empty();
        let own_services = !services.is_empty();
        let mut changes = account.set_imports(imports_any) || imports_any;
        if (changes || self.is_used(account.id()))
            && let Some(system) = self.directory().system()
        {
            services.extend(system_services(account, system));
            changes = true;
        }
        // Most accounts import nothing, and their Routers have not even begun.
        if !changes {
            return;
        }
        let Some(importer) = self.get(account.id()) else {
            return;
        };
        let mut exporters: Vec<Arc<Account>> = streams.iter().map(|import| import.exporter.clone()).collect();
        exporters.sort_by_key(|exporter| exporter.id());
        exporters.dedup_by_key(|exporter| exporter.id());
        account.set_stream_exporters(exporters);
        if let Some(system) = self.directory().system().and_then(|system| self.get(system.id())) {
            self.expect_answers(&system, settled);
        }
        if own_services {
            // An answer may be a question.
            self.expect_answers(&importer, settled);
            account.tell_of_clients();
        }
        let (told, is_settled) = mpsc::channel();
        let change = ChangeImports {
            streams,
            services,
            settled: told,
        };
        tell(&importer.router, change);
        settled.0.push(is_settled);
    }

    /// An account that is used from now on may ask the system account about itself.
    pub(crate) fn import_from_system(&self, importer: &RoutedAccount) {
        let Some(system) = self.directory().system().cloned() else {
            return;
        };
        let services = system_services(&importer.account, &system);
        if services.is_empty() {
            return;
        }
        if let Some(system) = self.get(system.id()) {
            self.expect_answers(&system, &mut SharingSettled::default());
        }
        // Nobody waits for it: who is subscribed to an answer is so once the Router has done this.
        let (settled, _) = mpsc::channel();
        let change = ChangeImports {
            streams: Vec::new(),
            services,
            settled,
        };
        tell(&importer.router, change);
    }

    /// Has answers that an account owes to others taken to them.
    fn expect_answers(&self, account: &RoutedAccount, settled: &mut SharingSettled) {
        if account.account.expects_answers() {
            return;
        }
        self.owing.write().push(Arc::downgrade(&account.account));
        let pattern = account.account.answers().pattern();
        let way = self.arbiters.way_into_another_account(&pattern);
        let answers = Crossing::Answers(AnswerWay::new(&account.account));
        account
            .account
            .add_crossing(way.destination().connection_id(), answers);
        let (told, is_settled) = mpsc::channel();
        let announce = Announce {
            account: account.account.id(),
            changes: vec![Change::Add(way)],
            announcer: Some(Announcer::Configurator(told)),
        };
        tell(&account.router, announce);
        settled.0.push(is_settled);
    }

    /// Takes imports back that end by themselves, once it is time, in seconds since 1970.
    pub(crate) fn end_imports(&self, now: i64) {
        if self.import_ends.load(Ordering::Relaxed) <= now {
            // Those that are not allowed have been told of before.
            drop(self.share(now));
        }
    }

    /// Gives up answers that have been waited for long enough, for each account some: the rest comes the next time. Gives
    /// those of which somebody is to be told.
    pub(crate) fn give_up_answers(&self, now: Moment) -> Unanswered {
        let mut gone = false;
        let mut unanswered = Unanswered::default();
        for account in &*self.owing.read() {
            match account.upgrade() {
                Some(account) => {
                    unanswered.append(account.answers().expire(now, GIVEN_UP_AT_ONCE));
                }
                None => gone = true,
            }
        }
        if gone {
            self.owing.write().retain(|account| account.strong_count() > 0);
        }
        unanswered
    }

    fn find(&self, name: &str) -> Option<RoutedAccount> {
        self.get(self.directory().find(name)?.id())
    }
}

#[cfg(test)]
mod tests;

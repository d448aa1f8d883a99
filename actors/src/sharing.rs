//! What accounts share with each other, put in force.

pub use crate::agreed::RefusedImport;

use crate::accounts::{Accounts, RoutedAccount};
use crate::agreed::{Agreed, Allowed};
use crate::mailbox::tell;
use crate::router::{Announce, Announcer, ChangeImports, ServiceImport, StreamImport};
use crate::system_services::system_services;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;
use vagus_delivery::subscriptions::Change;
use vagus_delivery::{Account, AnswerWay, Crossing, Ended, Moment};
use vagus_protocol::service_latency::reply_mark;
use vagus_routing::Destination;

/// How many answers of an account are given up before others have their turn.
const GIVEN_UP_AT_ONCE: usize = 4_096;

/// For how long changes are waited for to be in force.
const WAITED_AT_MOST: Duration = Duration::from_secs(5);

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
    /// From now on all accounts share what they are defined to, at this moment in seconds since 1970. Whoever is subscribed
    /// already gets what is imported, and no longer gets what is not. Imports that are not allowed are left out and given
    /// back.
    pub fn share(&self, now: i64) -> (SharingSettled, Vec<RefusedImport>) {
        let accounts = self.directory().all();
        let mut agreed = self.agreed.lock();
        *agreed = Agreed::of(accounts.iter().filter_map(|account| account.definition()), now);
        let names = accounts.iter().map(|account| account.name());
        self.put_in_force(&mut agreed, names, now)
    }

    /// The same where one account is defined otherwise than before: costs its imports, and those of the accounts that import
    /// of it.
    pub fn share_anew(&self, account: &Account, now: i64) -> (SharingSettled, Vec<RefusedImport>) {
        let Some(definition) = account.definition() else {
            return Default::default();
        };
        let mut agreed = self.agreed.lock();
        let concerned = agreed.define(definition);
        self.put_in_force(&mut agreed, concerned.iter().map(AsRef::as_ref), now)
    }

    /// Has these accounts import what they may.
    fn put_in_force<'n>(
        &self,
        agreed: &mut Agreed,
        importers: impl Iterator<Item = &'n str>,
        now: i64,
    ) -> (SharingSettled, Vec<RefusedImport>) {
        let (mut settled, mut all_refused) = (SharingSettled::default(), Vec::new());
        for name in importers {
            let Allowed {
                streams,
                services,
                mut refused,
            } = agreed.imports_of(name, now);
            all_refused.append(&mut refused);
            let Some(account) = self.directory().find(name) else {
                continue;
            };
            if let Some(system) = self.directory().system()
                && system.id() != account.id()
                && account.definition().is_some_and(|it| it.measures())
            {
                account.measure_for_others(system);
            }
            let mut imports = Imports::default();
            for stream in streams {
                let Some(exporter) = self.find(stream.account()) else {
                    continue;
                };
                imports.streams.push(StreamImport {
                    stream: Arc::new(stream),
                    exporter: exporter.account,
                    router: exporter.router,
                });
            }
            for service in services {
                let Some(exporter) = self.find(service.account()) else {
                    continue;
                };
                self.expect_answers(&exporter, &mut settled);
                if service.terms().latency.is_some() {
                    exporter.account.tell_of_clients();
                }
                imports.services.push(ServiceImport {
                    service,
                    exporter: exporter.account,
                });
            }
            self.change_imports(&account, imports, &mut settled);
        }
        self.import_ends.store(agreed.next_end(), Ordering::Relaxed);
        (settled, all_refused)
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
        if let (Some(server), Some(_)) = (self.known_as.get(), self.directory().system()) {
            account.account.answers().set_mark(&reply_mark(server));
        }
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
        // While somebody changes a great deal, messages need not wait for it.
        if self.import_ends.load(Ordering::Relaxed) <= now
            && let Some(mut agreed) = self.agreed.try_lock()
        {
            let concerned = agreed.ended(now);
            // Those that are not allowed have been told of before.
            drop(self.put_in_force(&mut agreed, concerned.iter().map(AsRef::as_ref), now));
        }
    }

    /// Gives up answers that have been waited for long enough, for each account some: the rest comes the next time. Gives
    /// those requests of which somebody is to be told.
    pub(crate) fn give_up_answers(&self, now: Moment) -> Ended {
        let mut gone = false;
        let mut ended = Ended::default();
        for account in &*self.owing.read() {
            match account.upgrade() {
                Some(account) => {
                    ended.append(account.answers().expire(now, GIVEN_UP_AT_ONCE));
                }
                None => gone = true,
            }
        }
        if gone {
            self.owing.write().retain(|account| account.strong_count() > 0);
        }
        ended
    }

    fn find(&self, name: &str) -> Option<RoutedAccount> {
        self.get(self.directory().find(name)?.id())
    }
}

#[cfg(test)]
mod tests;

//! The services that an account imports, as they stand in its index.

use std::sync::Arc;
use vagus_accounts::ImportedService;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_delivery::subscriptions::Change;
use vagus_delivery::{Account, Crossing, RequestWay};
use vagus_routing::Destination;

/// A service that the account imports.
#[derive(Debug, Clone)]
pub(crate) struct ServiceImport {
    pub(crate) service: ImportedService,
    pub(crate) exporter: Arc<Account>,
}

impl PartialEq for ServiceImport {
    fn eq(&self, other: &Self) -> bool {
        self.service == other.service && self.exporter.id() == other.exporter.id()
    }
}

/// The ways that requests take into other accounts.
#[derive(Debug, Default)]
pub(super) struct Services(Vec<(ServiceImport, Arc<ConnectionSubscription>)>);

impl Services {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What is imported.
    pub(super) fn imports(&self) -> Vec<ServiceImport> {
        self.0.iter().map(|(import, _)| import.clone()).collect()
    }

    /// Nothing is imported any more. What stands in the index for it leads nowhere.
    pub(super) fn forget(&mut self, account: &Account) {
        for (_, way) in self.0.drain(..) {
            account.remove_crossing(way.destination().connection_id());
            way.close();
        }
    }

    /// From now on these are imported; gives what changes in the account's index.
    pub(super) fn change_imports(
        &mut self,
        imports: Vec<ServiceImport>,
        account: &Arc<Account>,
        arbiters: &Arbiters,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        self.0.retain(|(import, way)| {
            let stays = imports.contains(import);
            if !stays {
                account.remove_crossing(way.destination().connection_id());
                changes.push(Change::Remove(way.clone()));
            }
            stays
        });
        for import in imports {
            if self.0.iter().any(|(known, _)| *known == import) {
                continue;
            }
            let way = way(&import, account, arbiters);
            changes.push(Change::Add(way.clone()));
            self.0.push((import, way));
        }
        changes
    }
}

fn way(import: &ServiceImport, account: &Arc<Account>, arbiters: &Arbiters) -> Arc<ConnectionSubscription> {
    let list = arbiters.next_list();
    let requests = RequestWay::new(import.service.clone(), account, import.exporter.clone(), list);
    let way = arbiters.way_into_another_account(import.service.local().as_bytes());
    account.add_crossing(way.destination().connection_id(), Crossing::Requests(requests));
    way
}

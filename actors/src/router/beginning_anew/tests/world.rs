//! Three accounts: A imports of C, and B of A.

use super::PANICS;
use crate::accounts::{Accounts, RoutedAccount};
use crate::agreed::Agreed;
use crate::mailbox::Observe;
use crate::router::{
    Announce, Announcer, ChangeImports, InterestChanged, RouterState, ServiceImport, WatchInterest,
};
use actix::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use vagus_accounts::{
    Access, AccountDefinition, DEFAULT_RESPONSE_THRESHOLD, ImportedService, LocalSubject, ResponseType,
    ServiceExport, ServiceImport as ServiceImportDefinition, StreamExport, StreamImport,
};
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::mailbox::Mailbox;
use vagus_delivery::outbox::{ConnectionSubscription, Outbox, WhenFull};
use vagus_delivery::subscriptions::Change;
use vagus_delivery::{Membership, Passed};
use vagus_protocol::routed::PeerLine;
use vagus_routing::{AccountId, ConnectionKind, Origin, ToldOfLeafNodes};

pub(super) struct World {
    arbiters: Arc<Arbiters>,
    accounts: Accounts,
}

/// A connection; a client is in its account for as long as this is held.
pub(super) struct Connection {
    outbox: Arc<Outbox>,
    _membership: Option<Membership>,
}

impl Connection {
    pub(super) fn subscription(
        &self,
        subject: &str,
        queue: Option<&str>,
        sid: &str,
    ) -> Arc<ConnectionSubscription> {
        Arc::new(ConnectionSubscription::new(
            subject.as_bytes(),
            queue.map(str::as_bytes),
            sid.as_bytes(),
            self.outbox.clone(),
        ))
    }
}

pub(super) fn is_cut_off(connection: &Connection) -> bool {
    connection.outbox.is_closed()
}

/// What a peer has been told of subjects without queue groups; what leaf nodes want, with the name of their cluster before it.
#[derive(Clone, Default)]
pub(super) struct Watcher(Rc<RefCell<BTreeMap<Vec<u8>, u32>>>);

impl Watcher {
    pub(super) fn knows(&self, subject: &str) -> Option<u32> {
        self.0.borrow().get(subject.as_bytes()).copied()
    }
}

impl Actor for Watcher {
    type Context = Context<Self>;
}

impl Handler<InterestChanged> for Watcher {
    type Result = ();

    fn handle(&mut self, batch: InterestChanged, _: &mut Context<Self>) {
        let mut known = self.0.borrow_mut();
        for change in batch.changes().filter(|change| change.queue.is_none()) {
            let words: Vec<_> = change.of_leaf_nodes.into_iter().chain([change.subject]).collect();
            let subject = words.join(&b' ');
            match change.weight {
                0 => known.remove(&subject),
                weight => known.insert(subject, weight),
            };
        }
    }
}

fn stream(account: &str, subject: &str) -> StreamImport {
    StreamImport {
        account: account.into(),
        subject: subject.into(),
        local: LocalSubject::Same,
        allow_trace: false,
        activation: None,
    }
}

fn exported_stream(subject: &str) -> StreamExport {
    StreamExport {
        subject: subject.into(),
        access: Access::Public,
    }
}

fn exported_service(subject: &str) -> ServiceExport {
    ServiceExport {
        subject: subject.into(),
        access: Access::Public,
        response_type: ResponseType::Singleton,
        response_threshold: DEFAULT_RESPONSE_THRESHOLD,
        latency: None,
        allow_trace: false,
    }
}

fn service(account: &str, subject: &str) -> ServiceImportDefinition {
    ServiceImportDefinition {
        account: account.into(),
        subject: subject.into(),
        local: None,
        share: false,
        activation: None,
    }
}

fn definitions() -> [AccountDefinition; 3] {
    [
        AccountDefinition {
            name: "A".into(),
            stream_exports: vec![exported_stream("s")],
            stream_imports: vec![stream("C", "c")],
            service_imports: vec![service("C", "service")],
            ..AccountDefinition::default()
        },
        AccountDefinition {
            name: "B".into(),
            stream_imports: vec![stream("A", "s")],
            ..AccountDefinition::default()
        },
        AccountDefinition {
            name: "C".into(),
            stream_exports: vec![exported_stream("c")],
            service_exports: vec![exported_service("service")],
            ..AccountDefinition::default()
        },
    ]
}

impl World {
    pub(super) fn check(test: impl AsyncFnOnce(Self)) {
        System::new().block_on(async {
            let arbiters = Arc::new(Arbiters::new(1));
            let accounts = Accounts::start(arbiters.clone());
            accounts.set_cluster("C");
            for definition in definitions() {
                accounts.open(&definition.name).define(&Arc::new(definition));
            }
            let world = Self { arbiters, accounts };
            world.share().await;
            test(world).await;
        });
    }

    pub(super) async fn share(&self) {
        let (_, refused) = self.accounts.share(1);
        assert_eq!(refused, []);
        self.rest().await;
    }

    fn account(&self, name: &str) -> RoutedAccount {
        let account = self.accounts.directory().find(name).unwrap();
        self.accounts.get(account.id()).unwrap()
    }

    pub(super) fn connection(&self, kind: ConnectionKind) -> Connection {
        let id = self.arbiters.next_connection_id();
        let outbox = Outbox::new(self.arbiters.slots.take(), id, 0, 1000, None);
        let outbox = match kind {
            ConnectionKind::Client => outbox,
            _ => outbox.for_peer(kind, PeerLine::WithAccount),
        };
        Connection {
            outbox: Arc::new(outbox),
            _membership: None,
        }
    }

    /// A client of this account.
    pub(super) async fn join(&self, account: &str) -> Connection {
        self.bind(self.connection(ConnectionKind::Client), account)
    }

    /// A leaf node of this cluster, which is linked to this account.
    pub(super) async fn link(&self, account: &str, cluster: &str) -> Connection {
        let leaf_node = self.connection(ConnectionKind::LeafNode);
        leaf_node
            .outbox
            .take_role(ConnectionKind::LeafNode, cluster.as_bytes());
        self.bind(leaf_node, account)
    }

    fn bind(&self, Connection { outbox, .. }: Connection, account: &str) -> Connection {
        let membership = Membership::join(&self.account(account).account, &outbox, Passed::default());
        Connection {
            outbox,
            _membership: Some(membership.unwrap()),
        }
    }

    /// What a part of the server gets.
    pub(super) fn mailbox(&self) -> Mailbox {
        Mailbox::new(&self.arbiters, ConnectionKind::Service, 1000, WhenFull::Refuse)
    }

    /// Somebody who tells another server what this account is interested in.
    pub(super) async fn watch(&self, account: &str) -> Watcher {
        let watcher = Watcher::default();
        let number = self.arbiters.next_connection_id();
        let peer = Origin::without_echo(number, AccountId::default(), ConnectionKind::Route);
        let watch = WatchInterest {
            peer: peer.told_of_leaf_nodes(ToldOfLeafNodes::Apart),
            watcher: watcher.clone().start().recipient(),
        };
        self.account(account).router.send(watch).await.unwrap();
        watcher
    }

    /// Returns when it is answered.
    pub(super) async fn announce(&self, account: &str, changes: Vec<Change>) {
        let RoutedAccount { account, router } = self.account(account);
        let (in_force, is_in_force) = oneshot::channel();
        let announcer = Announcer::Waiting(in_force);
        let announce = Announce {
            account: account.id(),
            changes,
            announcer: Some(announcer),
        };
        router.send(announce).await.unwrap();
        is_in_force.await.unwrap();
    }

    pub(super) async fn add(&self, account: &str, all: &[Arc<ConnectionSubscription>]) {
        self.announce(account, all.iter().cloned().map(Change::Add).collect())
            .await;
    }

    pub(super) async fn remove(&self, account: &str, all: &[Arc<ConnectionSubscription>]) {
        self.announce(account, all.iter().cloned().map(Change::Remove).collect())
            .await;
    }

    /// Has an account import all that A does, and a service over whose way the Router panics.
    pub(super) async fn import_service_that_panics(&self, account: &str) {
        let exporter = self.account("C");
        let imported = |subject| ServiceImport {
            service: ImportedService::new(&service("C", subject), &exported_service(subject)).unwrap(),
            exporter: exporter.account.clone(),
        };
        let mut agreed = Agreed::of(definitions().map(Arc::new), 0);
        let stream = agreed.imports_of(account, 0).streams.remove(0);
        let (settled, _) = mpsc::channel();
        let change = ChangeImports {
            streams: vec![crate::router::StreamImport {
                stream: Arc::new(stream),
                exporter: exporter.account.clone(),
                router: exporter.router.clone(),
            }],
            services: [PANICS, "service"].map(imported).into(),
            settled,
        };
        self.account(account).router.send(change).await.unwrap();
    }

    pub(super) async fn state(&self, account: &str) -> RouterState {
        self.account(account).router.send(Observe::new()).await.unwrap()
    }

    /// Returns when nothing changes any more.
    pub(super) async fn rest(&self) {
        let mut quiet = 0;
        while quiet < 100 {
            yield_now().await;
            quiet += 1;
            for account in ["A", "B", "C"] {
                let state = self.state(account).await;
                if state.waiting_changes + state.settling + state.salvaging + state.watchers_to_tell > 0 {
                    quiet = 0;
                }
            }
        }
    }

    /// How many ways lead out of an account.
    pub(super) fn ways(&self, account: &str) -> usize {
        self.account(account).account.crossings()
    }

    /// The sids of those whom a message reaches, members of queue groups as often as they weigh.
    pub(super) fn reached(&self, account: &str, subject: &str) -> Vec<String> {
        let account = self.account(account).account;
        let mut sids = Vec::new();
        account.interest().read().for_each(&mut |subscription| {
            if vagus_routing::subject::matches(subscription.subject(), subject.as_bytes()) {
                sids.push(String::from_utf8_lossy(subscription.sid()).into_owned());
            }
        });
        sids.sort();
        sids
    }
}

//! A Router, connections that subscribe, and watchers that take down what they are told.

use crate::mailbox::Observe;
use crate::router::watchers::{InterestChanged, WatchInterest};
use crate::router::{Announce, Announcer, Router, RouterState};
use actix::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use vagus_delivery::Account;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::outbox::{ConnectionSubscription, Outbox};
use vagus_delivery::subscriptions::Change;
use vagus_protocol::routed::PeerLine;
use vagus_routing::{AccountId, ConnectionKind, Destination, Origin, ToldOfLeafNodes};

/// What is interesting: subjects, and queue groups with their weights. What leaf nodes want and is told apart has the name of their
/// cluster before it.
pub(super) type Known = BTreeMap<(String, Option<String>), u32>;

/// What a watcher was told.
#[derive(Default)]
pub(super) struct Told {
    pub(super) known: Known,
    /// As text: `+subject`, `-subject`, `subject queue weight`.
    pub(super) lines: Vec<String>,
    pub(super) snapshots: usize,
    pub(super) largest: usize,
    /// Batches are kept here instead of taken, if it is so.
    holds: bool,
    held: Vec<InterestChanged>,
}

/// An actor that takes down what it is told.
pub(super) struct Recorder(Rc<RefCell<Told>>);

impl Actor for Recorder {
    type Context = Context<Self>;
}

impl Handler<InterestChanged> for Recorder {
    type Result = ();

    fn handle(&mut self, mut batch: InterestChanged, _: &mut Context<Self>) {
        let mut told = self.0.borrow_mut();
        assert!(told.held.is_empty(), "there is one at a time");
        let mut number = 0;
        for change in batch.changes() {
            number += 1;
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let subject = match change.of_leaf_nodes {
                None => text(change.subject),
                Some(cluster) => format!("{}: {}", text(cluster), text(change.subject)),
            };
            let queue = change.queue.map(text);
            told.lines.push(match (&queue, change.weight) {
                (None, 0) => format!("-{subject}"),
                (None, 1) => format!("+{subject}"),
                (None, weight) => panic!("{subject} with a weight of {weight}"),
                (Some(queue), weight) => format!("{subject} {queue} {weight}"),
            });
            match change.weight {
                0 => told.known.remove(&(subject, queue)),
                weight => told.known.insert((subject, queue), weight),
            };
        }
        told.largest = told.largest.max(number);
        told.snapshots += usize::from(batch.is_snapshot_told());
        if told.holds {
            batch.hold_back();
            told.held.push(batch);
        }
    }
}

/// Ends the actor.
#[derive(Message)]
#[rtype(result = "()")]
struct Leave;

impl Handler<Leave> for Recorder {
    type Result = ();

    fn handle(&mut self, _: Leave, context: &mut Context<Self>) {
        context.stop();
    }
}

pub(super) struct Watcher {
    pub(super) peer: Origin,
    address: Addr<Recorder>,
    pub(super) told: Rc<RefCell<Told>>,
}

impl Watcher {
    /// The lines since it was last asked.
    pub(super) fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.told.borrow_mut().lines)
    }

    /// Its actor ends, and drops what it had.
    pub(super) async fn leave(&self) {
        self.address.send(Leave).await.unwrap();
        while self.address.connected() {
            yield_now().await;
        }
        self.take();
    }

    pub(super) fn hold(&self) {
        self.told.borrow_mut().holds = true;
    }

    pub(super) fn take(&self) {
        let held = {
            let mut told = self.told.borrow_mut();
            told.holds = false;
            std::mem::take(&mut told.held)
        };
        drop(held);
    }
}

pub(super) struct World {
    arbiters: Arc<Arbiters>,
    pub(super) router: Addr<Router>,
}

impl World {
    pub(super) fn new() -> Self {
        let arbiters = Arc::new(Arbiters::new(1));
        let account = Arc::new(Account::new(AccountId(0), "A"));
        account.set_cluster(Some(&"C".into()));
        let router = Router::new(account, arbiters.clone()).start();
        Self { arbiters, router }
    }

    pub(super) fn connection(&self, kind: ConnectionKind) -> Arc<Outbox> {
        let id = self.arbiters.next_connection_id();
        let outbox = Outbox::new(self.arbiters.slots.take(), id, 0, 1000, None);
        Arc::new(match kind {
            ConnectionKind::Client => outbox,
            _ => outbox.for_peer(kind, PeerLine::WithAccount),
        })
    }

    /// A leaf node of this cluster.
    pub(super) fn leaf_node(&self, cluster: &str) -> Arc<Outbox> {
        let outbox = self.connection(ConnectionKind::LeafNode);
        outbox.take_role(ConnectionKind::LeafNode, cluster.as_bytes());
        outbox
    }

    /// Somebody who watches for the peer at the other end of a connection.
    pub(super) async fn watch(&self, connection: &Outbox) -> Watcher {
        let told = ToldOfLeafNodes::AsOwn;
        self.watch_as(connection, told, Told::default()).await
    }

    /// The same, for one who is told this of what leaf nodes want.
    pub(super) async fn watch_told(&self, connection: &Outbox, told: ToldOfLeafNodes) -> Watcher {
        self.watch_as(connection, told, Told::default()).await
    }

    /// The same, by one who does not take the first batch until told to.
    pub(super) async fn watch_slowly(&self, connection: &Outbox) -> Watcher {
        let told = Told {
            holds: true,
            ..Told::default()
        };
        self.watch_as(connection, ToldOfLeafNodes::AsOwn, told).await
    }

    async fn watch_as(&self, connection: &Outbox, of_leaf_nodes: ToldOfLeafNodes, told: Told) -> Watcher {
        let told = Rc::new(RefCell::new(told));
        let (address, kind) = (Recorder(told.clone()).start(), connection.kind());
        let peer = Origin::without_echo(connection.connection_id(), AccountId::default(), kind)
            .from_cluster(connection.leaf_cluster())
            .told_of_leaf_nodes(of_leaf_nodes);
        let watcher = address.clone().recipient();
        self.router.send(WatchInterest { peer, watcher }).await.unwrap();
        Watcher { peer, address, told }
    }

    /// Returns when it is in force.
    pub(super) async fn announce(&self, changes: Vec<Change>) {
        let (in_force, is_in_force) = oneshot::channel();
        let announcer = Announcer::Waiting(in_force);
        self.router
            .send(Announce {
                account: AccountId(0),
                changes,
                announcer: Some(announcer),
            })
            .await
            .unwrap();
        is_in_force.await.unwrap();
    }

    pub(super) async fn state(&self) -> RouterState {
        self.router.send(Observe::new()).await.unwrap()
    }

    /// Returns when all that is under way has come to its end: every watcher but those that hold a batch has been told all.
    pub(super) async fn rest(&self, holding: usize) {
        loop {
            yield_now().await;
            let state = self.state().await;
            if state.waiting_changes + state.settling == 0 && state.watchers_to_tell == holding {
                return;
            }
        }
    }
}

pub(super) fn subscription(
    outbox: &Arc<Outbox>,
    subject: &str,
    queue: Option<&str>,
) -> Arc<ConnectionSubscription> {
    subscription_of("", outbox, subject, queue)
}

/// The same, of another server if it is one: of the leaf nodes of this cluster that are linked there.
pub(super) fn subscription_of(
    cluster: &str,
    outbox: &Arc<Outbox>,
    subject: &str,
    queue: Option<&str>,
) -> Arc<ConnectionSubscription> {
    let queue = queue.map(str::as_bytes);
    let sid = format!("{cluster} {subject}");
    let subscription = ConnectionSubscription::new(subject.as_bytes(), queue, sid.as_bytes(), outbox.clone());
    Arc::new(subscription)
}

/// What a peer is to know if these are all subscriptions.
pub(super) fn interest(all: &[Arc<ConnectionSubscription>], peer: &Origin) -> Known {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut known = Known::new();
    for it in all.iter().filter(|it| peer.reaches(it.destination())) {
        let weight = known
            .entry((text(it.subject()), it.queue().map(text)))
            .or_default();
        *weight = if it.queue().is_some() { *weight + 1 } else { 1 };
    }
    known
}

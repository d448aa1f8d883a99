//! What leaf nodes want is told as far as who is told understands whose interest it is.

use super::world::{Known, Watcher, World, subscription, subscription_of};
use crate::mailbox::tell;
use crate::router::Announce;
use actix::prelude::*;
use fastrand::Rng;
use std::sync::Arc;
use tokio::task::yield_now;
use vagus_delivery::outbox::{ConnectionSubscription, Outbox};
use vagus_delivery::subscriptions::Change;
use vagus_routing::ToldOfLeafNodes::{Apart, AsOwn, ByCluster, Nothing};
use vagus_routing::{AccountId, ConnectionKind, Destination, ToldOfLeafNodes};

/// One that subscribes: a leaf node of a cluster, or a server behind which there are such, or a client.
struct Subscriber {
    outbox: Arc<Outbox>,
    cluster: &'static str,
}

/// A subscription, and the cluster of the leaf nodes whose interest it is.
type Subscribed = (Arc<ConnectionSubscription>, Option<&'static str>);

impl Subscriber {
    fn subscribe(&self, subject: &str, queue: Option<&str>) -> Subscribed {
        let it = match self.outbox.kind() {
            ConnectionKind::Route => subscription_of(self.cluster, &self.outbox, subject, queue),
            _ => subscription(&self.outbox, subject, queue),
        };
        let of_leaf_nodes = match (self.outbox.kind(), self.cluster) {
            (ConnectionKind::LeafNode, cluster) => Some(cluster),
            (ConnectionKind::Route, "") | (ConnectionKind::Client, _) => None,
            (_, "_") => Some(""),
            (_, cluster) => Some(cluster),
        };
        (it, of_leaf_nodes)
    }
}

/// What the peer of a cluster is to know, if these are all subscriptions.
fn expected(all: &[Subscribed], (watcher, own, told): &(Watcher, &str, ToldOfLeafNodes)) -> Known {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut known = Known::new();
    for (it, of_leaf_nodes) in all {
        let is_leaf_link = watcher.peer.kind() == ConnectionKind::LeafNode;
        let is_its_own = !own.is_empty() && *of_leaf_nodes == Some(own);
        let is_isolated = *told == Nothing && of_leaf_nodes.is_some();
        if !watcher.peer.reaches(it.destination()) || is_leaf_link && (is_its_own || is_isolated) {
            continue;
        }
        let subject = match (of_leaf_nodes, told) {
            (Some(cluster), Apart) => format!("{cluster}: {}", text(it.subject())),
            (Some(cluster), ByCluster) if !cluster.is_empty() => format!("{cluster}: {}", text(it.subject())),
            _ => text(it.subject()),
        };
        let weight = known.entry((subject, it.queue().map(text))).or_default();
        *weight = if it.queue().is_some() { *weight + 1 } else { 1 };
    }
    known
}

#[test]
fn it_is_told_by_cluster_or_as_own_or_not_at_all() {
    System::new().block_on(async {
        let (world, mut random) = (World::new(), Rng::with_seed(3));
        let leaf_node = |cluster| Subscriber {
            outbox: world.leaf_node(cluster),
            cluster,
        };
        let route = world.connection(ConnectionKind::Route);
        let behind = |cluster| Subscriber {
            outbox: route.clone(),
            cluster,
        };
        let client = Subscriber {
            outbox: world.connection(ConnectionKind::Client),
            cluster: "",
        };
        let linked = ["", "", "edge", "edge", "far"].map(leaf_node);
        let subscribers: Vec<_> = linked
            .into_iter()
            .chain(["", "_", "edge", "other"].map(behind))
            .chain([client])
            .collect();
        let mut watchers = Vec::new();
        for told in [AsOwn, ByCluster, Apart] {
            let peer = world.connection(ConnectionKind::Route);
            watchers.push((world.watch_told(&peer, told).await, "", told));
        }
        for (number, told) in [(0, AsOwn), (1, Nothing), (2, AsOwn), (3, Nothing), (4, Nothing)] {
            let Subscriber { outbox, cluster } = &subscribers[number];
            watchers.push((world.watch_told(outbox, told).await, *cluster, told));
        }
        let (mut all, mut late) = (Vec::<Subscribed>::new(), false);
        for round in 0..200 {
            let mut changes = Vec::new();
            for _ in 0..random.usize(..30) {
                let subscriber = &subscribers[random.usize(..subscribers.len())];
                let subject = format!("s.{}", random.usize(..12));
                let queue = [None, Some("q")][random.usize(..2)];
                let (it, of_leaf_nodes) = subscriber.subscribe(&subject, queue);
                // A server has one to each.
                let own = |(other, of): &Subscribed| {
                    let is_it = (other.subject(), other.queue()) == (it.subject(), it.queue());
                    is_it && *of == of_leaf_nodes && Arc::ptr_eq(other.destination(), it.destination())
                };
                match all.iter().position(own) {
                    Some(place) => changes.push(Change::Remove(all.swap_remove(place).0)),
                    None => {
                        changes.push(Change::Add(it.clone()));
                        all.push((it, of_leaf_nodes));
                    }
                }
            }
            let announce = Announce {
                account: AccountId(0),
                changes,
                announcer: None,
            };
            assert!(tell(&world.router, announce));
            match random.usize(..6) {
                0 => watchers[random.usize(..watchers.len())].0.hold(),
                1 => watchers.iter().for_each(|(watcher, ..)| watcher.take()),
                2 => yield_now().await,
                _ => {}
            }
            if round == 90 && !std::mem::replace(&mut late, true) {
                // One that comes late is told of everything.
                let peer = world.connection(ConnectionKind::Route);
                watchers.push((world.watch_told(&peer, Apart).await, "", Apart));
            }
            if round % 20 == 19 {
                watchers.iter().for_each(|(watcher, ..)| watcher.take());
                world.rest(0).await;
                for it in &watchers {
                    let (watcher, cluster, told) = it;
                    let known = &watcher.told.borrow().known;
                    assert_eq!(known, &expected(&all, it), "{cluster:?} {told:?}");
                }
            }
        }
        world
            .announce(all.drain(..).map(|(it, _)| Change::Remove(it)).collect())
            .await;
        world.rest(0).await;
        for (watcher, ..) in &watchers {
            assert_eq!(watcher.told.borrow().known, Known::new());
        }
    });
}

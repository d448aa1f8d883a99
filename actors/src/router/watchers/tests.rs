//! What watchers are told comes to what there is, whatever happens meanwhile.

mod leaf_nodes;
mod world;

use super::audience::Audience;
use super::batch;
use crate::mailbox::tell;
use crate::router::{Announce, Depart};
use actix::prelude::*;
use fastrand::Rng;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use tokio::task::yield_now;
use vagus_delivery::outbox::{ConnectionSubscription, Outbox};
use vagus_delivery::subscriptions::{Change, Subscriptions};
use vagus_routing::{AccountId, ConnectionKind, Destination, Origin, ToldOfLeafNodes};
use world::{Known, Watcher, World, interest, subscription};

const KINDS: [ConnectionKind; 6] = [
    ConnectionKind::Client,
    ConnectionKind::Service,
    ConnectionKind::Route,
    ConnectionKind::Gateway,
    ConnectionKind::LeafNode,
    ConnectionKind::Hub,
];

/// Of each connection some subscriptions come and go; of servers, one to each subject and group.
fn churn(
    random: &mut Rng,
    connections: &[Arc<Outbox>],
    all: &mut Vec<Arc<ConnectionSubscription>>,
) -> Vec<Change> {
    let connection = &connections[random.usize(..connections.len())];
    let mut changes = Vec::new();
    for _ in 0..random.usize(..60) {
        let number = random.usize(..150);
        let subject = [
            format!("a.{number}"),
            format!("a.{number}.*"),
            format!("{number}.>"),
        ];
        let subject = &subject[random.usize(..3)];
        let queue = [None, None, Some("q"), Some("r")][random.usize(..4)];
        let own = all.iter().position(|it| {
            it.destination().connection_id() == connection.connection_id()
                && it.subject() == subject.as_bytes()
                && it.queue() == queue.map(str::as_bytes)
        });
        match own {
            Some(own) if connection.kind().is_server() || random.usize(..3) > 0 => {
                changes.push(Change::Remove(all.swap_remove(own)));
            }
            _ => {
                let it = subscription(connection, subject, queue);
                all.push(it.clone());
                changes.push(Change::Add(it));
            }
        }
    }
    changes
}

#[test]
fn each_is_told_what_counts_for_it_whenever_it_came() {
    System::new().block_on(async {
        let (world, mut random) = (World::new(), Rng::with_seed(1));
        let connections: Vec<_> = KINDS
            .iter()
            .chain(&KINDS)
            .map(|kind| world.connection(*kind))
            .collect();
        let servers: Vec<_> = connections.iter().filter(|it| it.kind().is_server()).collect();
        let (mut all, mut watchers) = (Vec::new(), Vec::new());
        for round in 0..240 {
            let changes = churn(&mut random, &connections, &mut all);
            assert!(tell(
                &world.router,
                Announce {
                    account: AccountId(0),
                    changes,
                    announcer: None
                }
            ));
            match random.usize(..8) {
                0 if watchers.len() < 2 * servers.len() => {
                    let peer = servers[watchers.len() % servers.len()];
                    watchers.push(world.watch(peer).await);
                }
                1 => watchers.iter().for_each(Watcher::take),
                2 if !watchers.is_empty() => watchers[random.usize(..watchers.len())].hold(),
                3 => yield_now().await,
                _ => {}
            }
            if round % 60 == 59 {
                watchers.iter().for_each(Watcher::take);
                world.rest(0).await;
                for watcher in &watchers {
                    let told = watcher.told.borrow();
                    let expected = interest(&all, &watcher.peer);
                    let wrong = told
                        .known
                        .iter()
                        .filter(|(topic, weight)| expected.get(topic) != Some(weight));
                    assert_eq!(wrong.collect::<Vec<_>>(), [], "{:?}", watcher.peer.kind());
                    assert_eq!(told.known.len(), expected.len());
                    assert_eq!(told.snapshots, 1);
                }
            }
        }
        assert_eq!(watchers.len(), 2 * servers.len());
        let known: BTreeSet<_> = watchers
            .iter()
            .map(|it| format!("{:?}", it.told.borrow().known))
            .collect();
        assert_eq!(
            known.len(),
            5,
            "each leaf node is told something of its own, and all hubs the same"
        );
        // All leave.
        for connection in &connections {
            let own = |it: &&Arc<ConnectionSubscription>| Arc::ptr_eq(it.destination(), connection);
            let changes = all.iter().filter(own).cloned().map(Change::Remove).collect();
            world.announce(changes).await;
        }
        world.rest(0).await;
        for watcher in &watchers {
            assert_eq!(
                watcher.told.borrow().known,
                Known::new(),
                "{:?}",
                watcher.peer.kind()
            );
        }
        let state = world.state().await;
        assert_eq!(
            (state.subscriptions, state.untold_changes, state.watchers),
            (0, 0, watchers.len())
        );
    });
}

#[test]
fn changes_are_told_in_their_order_and_only_the_first_and_the_last_of_a_subject() {
    System::new().block_on(async {
        let world = World::new();
        let (client, route) = (
            world.connection(ConnectionKind::Client),
            world.connection(ConnectionKind::Route),
        );
        let watcher = world.watch(&route).await;
        world.rest(0).await;
        assert!(watcher.lines().is_empty() && watcher.told.borrow().snapshots == 1);
        let many: Vec<_> = (0..1000).map(|_| subscription(&client, "z", None)).collect();
        let (b, a) = (
            subscription(&client, "b.*", None),
            subscription(&client, "a", None),
        );
        let foreign = ["z", "c"].map(|subject| subscription(&route, subject, None));
        let mut changes: Vec<_> = many
            .iter()
            .chain([&b, &a])
            .chain(&foreign)
            .cloned()
            .map(Change::Add)
            .collect();
        world.announce(changes.clone()).await;
        world.rest(0).await;
        assert_eq!(watcher.lines(), ["+z", "+b.*", "+a"]);
        changes = vec![
            Change::Remove(b),
            Change::Add(subscription(&client, "c", None)),
            Change::Limit(a.clone(), 5),
            Change::Remove(a),
        ];
        changes.extend(many.iter().skip(1).cloned().map(Change::Remove));
        world.announce(changes).await;
        world.rest(0).await;
        assert_eq!(watcher.lines(), ["-b.*", "+c", "-a"]);
        let last = foreign.iter().chain(&many[..1]).cloned().map(Change::Remove);
        world.announce(last.collect()).await;
        world.rest(0).await;
        assert_eq!(watcher.lines(), ["-z"]);
        // There is no more to say at the end than that.
        let state = world.state().await;
        assert_eq!((state.subscriptions, state.untold_changes), (1, 0));
    });
}

#[test]
fn a_group_counts_as_it_weighs() {
    System::new().block_on(async {
        let world = World::new();
        let (client, route) = (
            world.connection(ConnectionKind::Client),
            world.connection(ConnectionKind::Route),
        );
        let gateway = world.connection(ConnectionKind::Gateway);
        let (by_route, by_gateway) = (world.watch(&route).await, world.watch(&gateway).await);
        let lines = async || {
            world.rest(0).await;
            (by_route.lines().join(", "), by_gateway.lines().join(", "))
        };
        let join = |outbox: &Arc<Outbox>, count: usize| -> Vec<_> {
            (0..count)
                .map(|_| subscription(outbox, "jobs", Some("workers")))
                .collect()
        };
        let [few, many, foreign] = [join(&client, 2), join(&client, 600), join(&route, 1)];
        let all = |members: &[_], change: fn(_) -> _| members.iter().cloned().map(change).collect();
        let same = |line: &str| (line.to_owned(), line.to_owned());
        world.announce(all(&few, Change::Add)).await;
        assert_eq!(lines().await, same("jobs workers 2"));
        world.announce(all(&foreign, Change::Add)).await;
        assert_eq!(lines().await, (String::new(), "jobs workers 3".to_owned()));
        world.announce(all(&many, Change::Add)).await;
        lines().await;
        let known = |watcher: &Watcher| watcher.told.borrow().known.values().copied().collect::<Vec<_>>();
        assert_eq!((known(&by_route), known(&by_gateway)), (vec![602], vec![603]));
        world.announce(all(&foreign, Change::Remove)).await;
        assert_eq!(lines().await, (String::new(), "jobs workers 602".to_owned()));
        world.announce(all(&many, Change::Remove)).await;
        lines().await;
        world.announce(all(&few[..1], Change::Remove)).await;
        assert_eq!(lines().await, same("jobs workers 1"));
        world.announce(all(&few[1..], Change::Remove)).await;
        assert_eq!(lines().await, same("jobs workers 0"));
        assert!(known(&by_route).is_empty() && known(&by_gateway).is_empty());
    });
}

#[test]
fn what_waits_for_a_slow_watcher_is_what_it_does_not_know() {
    const SUBJECTS: usize = 300;
    System::new().block_on(async {
        let world = World::new();
        let (client, route) = (
            world.connection(ConnectionKind::Client),
            world.connection(ConnectionKind::Route),
        );
        let (slow, fast) = (world.watch(&route).await, world.watch(&route).await);
        world.rest(0).await;
        slow.hold();
        let subscribe = |number: usize| subscription(&client, &format!("s.{number}"), None);
        // The first that it is told of, it does not take.
        world.announce(vec![Change::Add(subscribe(SUBJECTS))]).await;
        world.rest(1).await;
        assert_eq!(slow.lines(), [format!("+s.{SUBJECTS}")]);
        let mut present = BTreeMap::new();
        for round in 1..=99 {
            let mut changes = Vec::new();
            // Some come and go each time, some are there at the end.
            for number in (0..SUBJECTS).filter(|number| round % (number % 3 + 1) == 0) {
                changes.push(match present.remove(&number) {
                    Some(it) => Change::Remove(it),
                    None => {
                        let it = subscribe(number);
                        present.insert(number, it.clone());
                        Change::Add(it)
                    }
                });
            }
            // And there are always others.
            let other = subscribe(SUBJECTS + round);
            changes.extend([Change::Add(other.clone()), Change::Remove(other)]);
            world.announce(changes).await;
            world.rest(1).await;
            assert_eq!(world.state().await.untold_changes, present.len());
        }
        assert!(present.len() > SUBJECTS / 2 && fast.lines().len() > 50 * SUBJECTS);
        assert!(slow.lines().is_empty());
        slow.take();
        world.rest(0).await;
        let mut lines = slow.lines();
        lines.sort();
        let mut expected: Vec<_> = present.keys().map(|number| format!("+s.{number}")).collect();
        expected.sort();
        assert_eq!(lines, expected);
        assert_eq!(slow.told.borrow().known, fast.told.borrow().known);
    });
}

#[test]
fn a_watcher_that_is_gone_is_forgotten() {
    const UNTOLD: usize = 3000;
    System::new().block_on(async {
        let world = World::new();
        let (client, route) = (
            world.connection(ConnectionKind::Client),
            world.connection(ConnectionKind::Route),
        );
        let (idle, staying) = (world.watch(&route).await, world.watch(&route).await);
        let holding = world.watch_slowly(&route).await;
        world.rest(1).await;
        let subscribe = |number: usize| Change::Add(subscription(&client, &format!("{number}"), None));
        world.announce((0..UNTOLD).map(subscribe).collect()).await;
        world.rest(1).await;
        let state = world.state().await;
        assert_eq!((state.watchers, state.untold_changes), (3, UNTOLD));
        // One that has a batch is forgotten when it goes, others with the next change.
        holding.leave().await;
        idle.leave().await;
        world.announce(vec![subscribe(UNTOLD)]).await;
        world.rest(0).await;
        assert_eq!(world.state().await.watchers, 1);
        while world.state().await.untold_changes > 0 {
            yield_now().await;
        }
        assert_eq!(staying.told.borrow().known.len(), UNTOLD + 1);
        // Or when another comes.
        staying.leave().await;
        let another = world.watch(&route).await;
        world.rest(0).await;
        assert_eq!(world.state().await.watchers, 1);
        assert_eq!(another.told.borrow().known.len(), UNTOLD + 1);
    });
}

/// All there is takes a new watcher many batches, of which each is small; others get their turn, and what changes is told
/// before the rest of it.
#[test]
fn a_snapshot_is_told_in_parts() {
    const SUBJECTS: usize = 30_000;
    System::new().block_on(async {
        let world = World::new();
        let (client, route) = (
            world.connection(ConnectionKind::Client),
            world.connection(ConnectionKind::Route),
        );
        let (mut held, mut changes) = (Subscriptions::default(), Vec::new());
        for sid in 0..SUBJECTS {
            let (subject, queue) = match sid % 30 {
                0 => (format!("many.{}", sid % 300), Some(format!("group.{sid}"))),
                1..15 => (format!("many.{sid}"), None),
                _ => (format!("many.{sid}.*"), None),
            };
            let queue = queue.as_ref().map(String::as_bytes);
            let sid = sid.to_string();
            held.add(
                subject.as_bytes(),
                queue,
                sid.as_bytes(),
                None,
                &client,
                &mut changes,
            );
        }
        world.announce(changes).await;
        let turns = Rc::new(Cell::new(0_u64));
        let counted = turns.clone();
        actix_rt::spawn(async move {
            loop {
                yield_now().await;
                counted.set(counted.get() + 1);
            }
        });
        let before = turns.get();
        let watcher = world.watch(&route).await;
        while watcher.told.borrow().known.len() < 5000 {
            yield_now().await;
        }
        watcher.lines();
        world
            .announce(vec![Change::Add(subscription(&client, "in.between", None))])
            .await;
        while !watcher
            .told
            .borrow()
            .lines
            .iter()
            .any(|line| line == "+in.between")
        {
            yield_now().await;
        }
        assert_eq!(watcher.told.borrow().snapshots, 0, "it came before the end");
        world.rest(0).await;
        {
            let told = watcher.told.borrow();
            assert_eq!((told.known.len(), told.snapshots), (SUBJECTS + 1, 1));
            assert!(told.largest <= batch::CHANGES);
        }
        let batches = (SUBJECTS / batch::CHANGES) as u64;
        assert!(turns.get() - before >= batches, "{} turns", turns.get() - before);
        let depart = Depart {
            connection: client.connection_id(),
            changes: Vec::new(),
            subscriptions: held.depart(),
        };
        world.router.send(depart).await.unwrap();
        world.rest(0).await;
        assert_eq!(watcher.told.borrow().known.len(), 1);
    });
}

/// However much changes all the time.
#[test]
fn a_snapshot_gets_on_beside_changes() {
    const SUBJECTS: usize = 8_000;
    const CHANGING: usize = 2 * batch::CHANGES;
    System::new().block_on(async {
        let world = World::new();
        let (client, route) = (
            world.connection(ConnectionKind::Client),
            world.connection(ConnectionKind::Route),
        );
        let subscribe = |name: &str, number: usize| subscription(&client, &format!("{name}.{number}"), None);
        let all = (0..SUBJECTS).map(|number| Change::Add(subscribe("all", number)));
        world.announce(all.collect()).await;
        let mut changing: Vec<_> = (0..CHANGING)
            .map(|number| subscribe("changing", number))
            .collect();
        world
            .announce(changing.iter().cloned().map(Change::Add).collect())
            .await;
        let watcher = world.watch_slowly(&route).await;
        let (mut passing, mut batches) = (Vec::new(), 0);
        while watcher.told.borrow().snapshots == 0 {
            world.rest(1).await;
            // More than a batch tells of.
            let mut changes: Vec<_> = changing.drain(..).map(Change::Remove).collect();
            changing = (0..CHANGING)
                .map(|number| subscribe("changing", number))
                .collect();
            changes.extend(changing.iter().cloned().map(Change::Add));
            // These are there for a batch each, which may tell of them as of what is there.
            changes.extend(passing.drain(..).map(Change::Remove));
            passing = (0..300)
                .map(|number| subscribe("passing", 300 * batches + number))
                .collect();
            changes.extend(passing.iter().cloned().map(Change::Add));
            world.announce(changes).await;
            watcher.take();
            watcher.hold();
            batches += 1;
            assert!(batches < 3 * (SUBJECTS + CHANGING) / batch::CHANGES);
        }
        world
            .announce(passing.drain(..).map(Change::Remove).collect())
            .await;
        watcher.take();
        world.rest(0).await;
        assert_eq!(watcher.told.borrow().known.len(), SUBJECTS + CHANGING);
    });
}

/// However many watchers there are, a change costs a look at those that it concerns.
#[test]
fn a_change_concerns_few_where_it_is_news_for_few() {
    System::new().block_on(async {
        let world = World::new();
        let links: Vec<_> = (0..100)
            .map(|_| world.connection(ConnectionKind::LeafNode))
            .collect();
        let clients = [(); 2].map(|()| world.connection(ConnectionKind::Client));
        for isolated in [false, true] {
            let mut audience = Audience::default();
            for (number, link) in (0..).zip(&links) {
                let peer = Origin::without_echo(link.connection_id(), AccountId(0), link.kind());
                let told = match isolated {
                    true => ToldOfLeafNodes::Nothing,
                    false => ToldOfLeafNodes::AsOwn,
                };
                audience.add(&peer.told_of_leaf_nodes(told), number);
            }
            let concerned = |changed: &Arc<ConnectionSubscription>,
                             others: &[Arc<ConnectionSubscription>]| {
                let (mut now, mut concerned) = (others.to_vec(), Vec::new());
                now.push(changed.clone());
                audience.concerned_by(changed, &now, &mut concerned);
                concerned
            };
            let of = |connection: &Arc<Outbox>| subscription(connection, "s", None);
            assert_eq!(concerned(&of(&clients[0]), &[]).len(), links.len());
            assert!(concerned(&of(&clients[0]), &[of(&clients[1])]).is_empty());
            let of_link = concerned(&of(&clients[0]), &[of(&links[7])]);
            let from_link = concerned(&of(&links[7]), &[]);
            match isolated {
                // That one alone did not know of its own.
                false => assert_eq!((of_link, from_link.len()), (vec![7], links.len())),
                // What leaf nodes want is news for nobody.
                true => assert_eq!((of_link.len(), from_link), (links.len(), vec![])),
            }
        }
    });
}

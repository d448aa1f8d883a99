//! A group that fails is no other's loss.

use crate::mailbox::Observe;
use crate::router::{Announce, Announcer, Router, RouterState};
use actix::prelude::*;
use std::sync::Arc;
use tokio::sync::oneshot;
use vagus_delivery::Account;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::outbox::{ConnectionSubscription, Outbox};
use vagus_delivery::subscriptions::Change;
use vagus_protocol::routed::PeerLine;
use vagus_routing::{AccountId, ConnectionKind};

/// The sid of a member over which a group panics.
const PANICS: &[u8] = b"panics";

/// The sid of a member over which a group panics that takes over.
const PANICS_WHEN_RESTORED: &[u8] = b"panics-when-restored";

pub(super) fn panic_if_wanted(member: &Arc<ConnectionSubscription>) {
    assert_ne!(member.sid(), PANICS, "as the test wants it");
}

pub(super) fn panic_if_wanted_again(member: &Arc<ConnectionSubscription>) {
    assert_ne!(member.sid(), PANICS_WHEN_RESTORED, "as the test wants it");
}

struct World {
    account: Arc<Account>,
    arbiters: Arc<Arbiters>,
    router: Addr<Router>,
}

impl World {
    fn new() -> Self {
        let account = Arc::new(Account::new(AccountId(0), "A"));
        let arbiters = Arc::new(Arbiters::new(1));
        let router = Router::new(account.clone(), arbiters.clone()).start();
        Self {
            account,
            arbiters,
            router,
        }
    }

    /// A member that stands for those of another server.
    fn server(&self, sid: &[u8]) -> Arc<ConnectionSubscription> {
        let id = self.arbiters.next_connection_id();
        let slot = self.arbiters.slots.take();
        let outbox = Outbox::new(slot, id, 0, 1000, None);
        let outbox = outbox.for_peer(ConnectionKind::Route, PeerLine::WithAccount);
        Arc::new(ConnectionSubscription::new(
            b"jobs",
            Some(b"workers"),
            sid,
            Arc::new(outbox),
        ))
    }

    /// A member, of a connection of its own.
    fn member(&self, sid: &[u8]) -> Arc<ConnectionSubscription> {
        let id = self.arbiters.next_connection_id();
        let outbox = Arc::new(Outbox::new(self.arbiters.slots.take(), id, 0, 1000, None));
        Arc::new(ConnectionSubscription::new(
            b"jobs",
            Some(b"workers"),
            sid,
            outbox,
        ))
    }

    /// Returns when it is in force.
    async fn announce(&self, changes: Vec<Change>) {
        let (in_force, is_in_force) = oneshot::channel();
        let announcer = Announcer::Waiting(in_force);
        let account = self.account.id();
        self.router
            .send(Announce {
                account,
                changes,
                announcer: Some(announcer),
            })
            .await
            .unwrap();
        is_in_force.await.unwrap();
    }

    async fn join(&self, sid: &[u8]) -> Arc<ConnectionSubscription> {
        let member = self.member(sid);
        self.announce(vec![Change::Add(member.clone())]).await;
        member
    }

    /// The sids of those who may be picked.
    fn members(&self) -> Vec<String> {
        let fanout = self.account.interest().resolve(b"jobs", usize::MAX);
        let members = fanout.queues().iter().flat_map(|queue| queue.members());
        let mut sids: Vec<_> = members
            .map(|member| member.sid().escape_ascii().to_string())
            .collect();
        sids.sort();
        sids
    }

    async fn state(&self) -> RouterState {
        self.router.send(Observe::new()).await.unwrap()
    }
}

fn is_cut_off(member: &Arc<ConnectionSubscription>) -> bool {
    member.destination().is_closed() && member.is_closed()
}

#[test]
fn one_that_makes_a_group_fail_pays_and_the_others_stay() {
    System::new().block_on(async {
        let world = World::new();
        let first = world.join(b"1").await;
        let second = world.join(b"2").await;
        let failing = world.join(PANICS).await;
        assert!(is_cut_off(&failing), "and its announcement was answered");
        assert_eq!(world.members(), ["1", "2"]);
        // The group goes on.
        let third = world.join(b"3").await;
        assert_eq!(world.members(), ["1", "2", "3"]);
        world.announce(vec![Change::Remove(first)]).await;
        assert_eq!(world.members(), ["2", "3"]);
        // Again, in the same announcement as others.
        let joining = [world.member(b"4"), world.member(PANICS)];
        world
            .announce(joining.iter().cloned().map(Change::Add).collect())
            .await;
        assert!(joining.iter().all(is_cut_off));
        assert!(!is_cut_off(&second) && !is_cut_off(&third));
        // Their connections leave.
        let leaving = joining.into_iter().chain([failing, second, third]);
        world.announce(leaving.map(Change::Remove).collect()).await;
        let state = world.state().await;
        assert_eq!(
            (state.subscriptions, state.queue_groups, state.settling),
            (0, 0, 0)
        );
    });
}

#[test]
fn a_group_that_cannot_be_restored_ends_with_its_members() {
    System::new().block_on(async {
        let world = World::new();
        let members = [
            world.join(b"1").await,
            world.join(PANICS_WHEN_RESTORED).await,
            world.join(PANICS).await,
        ];
        // It waits until the group has been given up.
        let late = world.join(b"2").await;
        assert!(members.iter().all(is_cut_off));
        world
            .announce(members.into_iter().chain([late]).map(Change::Remove).collect())
            .await;
        let state = world.state().await;
        assert_eq!(
            (state.subscriptions, state.queue_groups, state.settling),
            (0, 0, 0)
        );
        // The next of that name begins anew.
        world.join(b"3").await;
        assert_eq!(world.members(), ["3"]);
    });
}

/// Other servers go on with the share that they said last, be it in what the group failed over.
#[test]
fn one_that_takes_over_knows_what_servers_weigh() {
    System::new().block_on(async {
        let world = World::new();
        world.join(b"1").await;
        let [one, other] = [b"far", b"off"].map(|sid| world.server(sid));
        for (server, weight) in [(&one, 3), (&other, 2)] {
            let joins = Change::Add(server.clone());
            let weighs = Change::Weigh(server.clone(), weight);
            world.announce(vec![joins, weighs]).await;
        }
        let members = ["1", "far", "far", "far", "off", "off"];
        assert_eq!(world.members(), members);
        let failing = world.join(PANICS).await;
        assert!(is_cut_off(&failing));
        assert_eq!(world.members(), members);
        let failing = world.member(PANICS);
        let changes = vec![Change::Weigh(other.clone(), 1), Change::Add(failing)];
        world.announce(changes).await;
        assert_eq!(world.members(), ["1", "far", "far", "far", "off"]);
        assert!(!is_cut_off(&one) && !is_cut_off(&other));
        // It can still be weighed, and leave.
        world.announce(vec![Change::Weigh(one.clone(), 1)]).await;
        world.announce(vec![Change::Remove(other)]).await;
        assert_eq!(world.members(), ["1", "far"]);
    });
}

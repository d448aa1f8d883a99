use super::{Announce, Depart, Router, RouterState};
use crate::mailbox::Observe;
use actix::prelude::*;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use tokio::task::yield_now;
use vagus_delivery::Account;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::outbox::Outbox;
use vagus_delivery::subscriptions::{Change, Subscriptions};
use vagus_routing::AccountId;

/// What one connection leaves behind is no reason for the others of the thread to wait: they get their turn between
/// visits, of which each is small.
#[test]
fn others_get_their_turn_while_many_subscriptions_end() {
    const SUBSCRIPTIONS: usize = 50_000;
    System::new().block_on(async {
        let arbiters = Arc::new(Arbiters::new(1));
        let account = Arc::new(Account::new(AccountId(0), "A"));
        let router = Router::new(account, arbiters.clone()).start();
        let outbox = Arc::new(Outbox::new(arbiters.slots.take(), 1, 0, 1000, None));
        let (mut held, mut changes) = (Subscriptions::default(), Vec::new());
        for sid in 0..SUBSCRIPTIONS {
            let (subject, queue) = (format!("many.{sid}"), (sid % 2 == 0).then_some(&b"workers"[..]));
            let subject = if queue.is_some() { "jobs" } else { &subject };
            let sid = sid.to_string();
            held.add(
                subject.as_bytes(),
                queue,
                sid.as_bytes(),
                None,
                &outbox,
                &mut changes,
            );
        }
        let turns = Rc::new(Cell::new(0_u64));
        let counted = turns.clone();
        actix_rt::spawn(async move {
            loop {
                yield_now().await;
                counted.set(counted.get() + 1);
            }
        });
        let subscriptions = held.depart();
        assert!(matches!(changes[0], Change::Add(_)));
        let announce = Announce {
            account: AccountId(0),
            changes,
            announcer: None,
        };
        let depart = Depart {
            connection: 1,
            changes: Vec::new(),
            subscriptions,
        };
        let before = turns.get();
        router.send(announce).await.unwrap();
        router.send(depart).await.unwrap();
        let state = loop {
            yield_now().await;
            let state: RouterState = router.send(Observe::new()).await.unwrap();
            if state.waiting_changes + state.settling + state.queue_groups == 0 {
                break state;
            }
        };
        assert_eq!(state.subscriptions, 0);
        let visits = 2 * SUBSCRIPTIONS as u64 / 1024;
        assert!(state.visits >= visits, "{}", state.visits);
        assert!(turns.get() - before >= visits, "{} turns", turns.get() - before);
    });
}

use super::{Change, Subscriptions};
use crate::outbox::{ConnectionSubscription, Outbox, Slots};
use std::sync::Arc;
use vagus_auth::permission::{Filter, Permissions, Rules, Subscribe};
use vagus_routing::Claim;

/// What is left of `>` without one subject.
fn all_but(subject: &str) -> Option<Filter> {
    let permissions = Permissions {
        subscribe: Rules {
            allow: Vec::new(),
            deny: vec![subject.to_owned()],
        },
        ..Permissions::default()
    };
    match permissions.compile().unwrap().may_subscribe(b">", None) {
        Subscribe::AllowedExcept(filter) => Some(filter),
        other => panic!("{other:?}"),
    }
}

/// What the Router does of it.
fn put_in_force(changes: &mut Vec<Change>) {
    for change in changes.drain(..) {
        if let Change::Limit(subscription, max) = change {
            subscription.set_limit(max);
        }
    }
}

/// Whether a message on a subject would be delivered.
fn takes(subscription: &ConnectionSubscription, subject: &str) -> bool {
    !subscription.denies(subject.as_bytes()) && subscription.claim() != Claim::Exhausted
}

#[test]
fn a_maximum_that_is_under_way_outlives_a_change_of_permissions() {
    let outbox = Arc::new(Outbox::new(Slots::default().take(), 1, 0, usize::MAX, None));
    let mut subscriptions = Subscriptions::default();
    let mut changes = Vec::new();
    subscriptions.add(b">", None, b"1", None, &outbox, &mut changes);
    let [Change::Add(subscription)] = &*changes else {
        panic!("{changes:?}");
    };
    let first = subscription.clone();
    assert!(takes(&first, "a"));
    // The Router has been told of the maximum and has not come to it.
    subscriptions.end(b"1", Some(3), &mut changes);
    subscriptions.except(b"1", all_but("secret"), &mut changes);
    subscriptions.except(b"1", all_but("other"), &mut changes);
    put_in_force(&mut changes);
    let all = subscriptions.all();
    let [subscription] = &*all else {
        panic!("{all:?}");
    };
    let taken = ["secret", "other", "a", "a"].map(|subject| takes(subscription, subject));
    assert_eq!(taken, [true, false, true, false]);
    assert!(subscription.is_exhausted());

    subscriptions.except(b"1", None, &mut changes);
    assert!(changes.is_empty(), "it has had its last message");
}

#[test]
fn what_leaves_nothing_out_is_not_announced() {
    let outbox = Arc::new(Outbox::new(Slots::default().take(), 1, 0, usize::MAX, None));
    let mut subscriptions = Subscriptions::default();
    let mut changes = Vec::new();
    subscriptions.add(b">", None, b"1", None, &outbox, &mut changes);
    changes.clear();
    subscriptions.except(b"1", None, &mut changes);
    assert!(changes.is_empty());
    for except in [all_but("a"), None] {
        subscriptions.except(b"1", except, &mut changes);
        assert!(matches!(&*changes, [Change::Except(_)]), "{changes:?}");
        changes.clear();
    }
}

#[test]
fn a_plain_one_is_found_by_what_it_matches_among_so_many() {
    let outbox = Arc::new(Outbox::new(Slots::default().take(), 1, 0, usize::MAX, None));
    let mut subscriptions = Subscriptions::default();
    let mut changes = Vec::new();
    subscriptions.add(b"a.*", Some(b"q"), b"1", None, &outbox, &mut changes);
    subscriptions.add(b"b.*", None, b"2", None, &outbox, &mut changes);
    let found = |subject: &[u8], at_most| {
        let (sid, looked_at) = subscriptions.find_plain(subject, at_most);
        (sid.map(|sid| sid.to_vec()), looked_at)
    };
    assert_eq!(found(b"b.x", 9).0, Some(b"2".to_vec()));
    assert_eq!(found(b"a.x", 9), (None, 2));
    assert_eq!(found(b"c", 1), (None, 1));
}

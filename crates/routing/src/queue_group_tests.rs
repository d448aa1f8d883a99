use super::*;
use crate::testing::{Shared, member, plain};

fn member_of(id: u64) -> Shared {
    member("orders", "workers", &id.to_string(), id)
}

fn ids(group: &mut QueueGroup<crate::testing::Peer>) -> Vec<u64> {
    let mut ids: Vec<_> = group.members().iter().map(|it| it.destination().id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn members_join_and_leave() {
    let mut group = QueueGroup::new();
    let all = [1, 2, 3].map(member_of);
    assert!(group.is_empty());
    for it in &all {
        assert!(group.join(Arc::clone(it)));
        assert!(!group.join(Arc::clone(it)), "already in");
    }
    assert_eq!(ids(&mut group), [1, 2, 3]);
    assert!(group.leave(&all[0]));
    assert!(!group.leave(&all[0]), "already out");
    assert!(!group.leave(&member_of(2)), "equal, but another one");
    assert_eq!(ids(&mut group), [2, 3]);
    assert!(group.leave(&all[2]));
    assert!(group.leave(&all[1]));
    assert!(group.is_empty() && group.members().is_empty());
    assert!(group.join(Arc::clone(&all[0])), "one that left may come back");
}

#[test]
fn the_array_handed_out_does_not_change() {
    let mut group = QueueGroup::new();
    let (first, second) = (member_of(1), member_of(2));
    group.join(Arc::clone(&first));
    let before = group.members();
    assert!(
        Arc::ptr_eq(&before, &group.members()),
        "not rebuilt without a change"
    );
    group.join(second);
    group.leave(&first);
    assert_eq!(before.len(), 1);
    assert!(Arc::ptr_eq(&before[0], &first));
    assert_eq!(ids(&mut group), [2]);
}

#[test]
fn a_member_is_there_as_often_as_it_weighs() {
    let mut group = QueueGroup::new();
    let (local, remote) = (member_of(1), member_of(2));
    group.join(local);
    assert!(group.join_weighted(Arc::clone(&remote), 3));
    assert_eq!(ids(&mut group), [1, 2, 2, 2]);
    assert_eq!(group.len(), 2);
    assert!(group.set_weight(&remote, 0));
    assert_eq!(ids(&mut group), [1]);
    assert!(group.set_weight(&remote, 1));
    assert_eq!(ids(&mut group), [1, 2]);
    assert!(group.leave(&remote));
    assert!(!group.set_weight(&remote, 5));
}

#[test]
fn a_subscription_is_in_one_place_only() {
    let mut index = crate::Index::new();
    let mut group = QueueGroup::new();
    let subscription = plain("orders", "1", 1);
    assert!(index.insert(Arc::clone(&subscription)));
    assert!(!group.join(Arc::clone(&subscription)));
    assert!(index.remove(&subscription));
    assert!(group.join(Arc::clone(&subscription)));
    assert!(!index.insert(Arc::clone(&subscription)));
    assert!(!index.remove(&subscription));
}

#[test]
fn a_hundred_thousand_members_leave_in_one_sweep() {
    let mut group = QueueGroup::new();
    let all: Vec<_> = (0..100_000).map(member_of).collect();
    for it in &all {
        assert!(group.join(Arc::clone(it)));
    }
    assert_eq!(group.members().len(), all.len());
    for it in &all {
        assert!(group.leave(it));
    }
    assert!(group.members().is_empty());
}

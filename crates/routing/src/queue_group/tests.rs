use super::*;
use crate::origin::ConnectionKind;
use crate::testing::{End, Peer, Shared, member, plain};
use fastrand::Rng;
use std::collections::BTreeMap;

fn member_of(id: u64) -> Shared {
    member("orders", "workers", &id.to_string(), id)
}

fn ids(group: &mut QueueGroup<Peer>) -> Vec<u64> {
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
    assert!(!group.join(Arc::clone(&all[0])), "one that left is closed");
    assert!(group.join(member_of(1)));
}

#[test]
fn the_array_handed_out_does_not_change() {
    let mut group = QueueGroup::new();
    let (first, second) = (member_of(1), member_of(2));
    group.join(Arc::clone(&first));
    let before = group.members();
    assert!(
        before.is_same_as(&group.members()),
        "not rebuilt without a change"
    );
    group.join(second);
    group.leave(&first);
    assert_eq!(before.len(), 1);
    assert!(Arc::ptr_eq(before.candidates(0).next().unwrap(), &first));
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

/// Picks, how often each member was the first that had not left.
fn picks(members: &Members<Peer>, picks: usize) -> BTreeMap<u64, usize> {
    let mut random = Rng::with_seed(3);
    let mut counts = BTreeMap::new();
    for _ in 0..picks {
        let picked = members
            .candidates(random.u64(..))
            .find(|it| !it.is_closed())
            .expect("somebody has not left");
        *counts.entry(picked.destination().id).or_default() += 1;
    }
    counts
}

/// Everybody who is asked, in the end.
fn asked(members: &Members<Peer>) -> Vec<u64> {
    let mut asked: Vec<_> = members
        .candidates(12345)
        .filter(|it| !it.is_closed())
        .map(|it| it.destination().id)
        .collect();
    asked.sort_unstable();
    asked.dedup();
    asked
}

#[test]
fn joining_and_leaving_cost_their_own_number() {
    const MEMBERS: u64 = 100_000;
    /// An announcement's worth.
    const BATCH: usize = 256;
    let mut group = QueueGroup::new();
    let mut all: Vec<_> = (0..MEMBERS).map(member_of).collect();
    for batch in all.chunks(BATCH) {
        for it in batch {
            assert!(group.join(Arc::clone(it)));
        }
        group.members();
    }
    assert_eq!(group.members().len(), all.len());
    let joined = group.copied();
    assert!(joined < MEMBERS, "{joined} copied");
    // In no order, as the subscriptions of a connection leave.
    let mut random = Rng::with_seed(5);
    for at in (1..all.len()).rev() {
        all.swap(at, random.usize(..at + 1));
    }
    for batch in all.chunks(BATCH) {
        for it in batch {
            assert!(group.leave(it));
        }
        group.members();
    }
    assert!(group.is_empty() && group.members().is_empty());
    let left = group.copied() - joined;
    assert!(left < 3 * MEMBERS, "{left} copied");
}

#[test]
fn a_large_group_that_nobody_leaves_nor_joins_is_published_once() {
    let mut group = QueueGroup::new();
    for id in 0..5000 {
        group.join(member_of(id));
    }
    let before = group.members();
    assert!(before.is_same_as(&group.members()));
    group.join(member_of(5000));
    assert!(!before.is_same_as(&group.members()));
    assert_eq!(
        (before.len(), asked(&before).len()),
        (5000, 5000),
        "what came later is not in it"
    );
}

#[test]
fn those_who_are_left_of_a_large_group_are_equally_likely() {
    let all: Vec<_> = (0..3000).map(member_of).collect();
    let mut group = QueueGroup::new();
    for it in &all {
        group.join(Arc::clone(it));
    }
    // Nearly half of some pages, and all of others.
    for it in all.iter().filter(|it| {
        let id = it.destination().id;
        id < 1000 || (id < 2000 && id % 2 == 0 && id % 32 != 0)
    }) {
        assert!(group.leave(it));
    }
    let members = group.members();
    let stayed = members.len();
    assert_eq!(asked(&members).len(), stayed);
    let counts = picks(&members, stayed * 400);
    assert_eq!(counts.len(), stayed);
    assert!(
        counts.values().all(|count| (280..520).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn weights_count_in_a_large_group() {
    let mut group = QueueGroup::new();
    for id in 0..1000 {
        group.join(member_of(id));
    }
    let (heavy, silent) = (member_of(1000), member_of(1001));
    assert!(group.join_weighted(Arc::clone(&heavy), 3000));
    assert!(group.join_weighted(silent, 0));
    let members = group.members();
    assert_eq!((group.len(), members.len()), (1002, 4000));
    let counts = picks(&members, 40_000);
    assert!((29_000..31_000).contains(&counts[&1000]), "{}", counts[&1000]);
    assert!(!counts.contains_key(&1001));
    assert!(group.set_weight(&heavy, 1));
    assert_eq!(group.members().len(), 1001);
    assert!(group.leave(&heavy));
    assert_eq!(picks(&group.members(), 5000).get(&1000), None);
}

/// Against a plain list: joins, leaves and weights in any order, through all sizes and back.
#[test]
fn it_is_a_list_of_members_only_faster() {
    for seed in 1..=10 {
        let mut random = Rng::with_seed(seed);
        let mut group = QueueGroup::new();
        let mut model: Vec<(Shared, u32)> = Vec::new();
        let mut kept: Option<(Members<Peer>, usize, Vec<u64>)> = None;
        let most = 3000;
        for step in 0..12_000 {
            // Grows, then shrinks to nothing, with some of the other always.
            let grows = random.usize(..10) < if step < 6000 { 7 } else { 3 };
            match random.usize(..40) {
                _ if model.is_empty() || (grows && model.len() < most) => {
                    let it = member_of(step);
                    let weight = [1, 1, 1, 1, 1, 1, 1, 0, 2, 40][random.usize(..10)];
                    let weight = if random.usize(..20) == 0 { weight } else { 1 };
                    assert!(group.join_weighted(Arc::clone(&it), weight));
                    model.push((it, weight));
                }
                0 => {
                    let at = random.usize(..model.len());
                    let weight = random.usize(..3) as u32;
                    assert!(group.set_weight(&model[at].0, weight));
                    model[at].1 = weight;
                }
                _ => {
                    let (it, _) = model.swap_remove(random.usize(..model.len()));
                    assert!(group.leave(&it) && !group.leave(&it));
                }
            }
            assert_eq!(group.len(), model.len());
            if random.usize(..200) == 0 {
                let members = group.members();
                let weight: u32 = model.iter().map(|(_, weight)| weight).sum();
                assert_eq!(members.len(), weight as usize);
                let mut expected: Vec<_> = model.iter().map(|(it, _)| it.destination().id).collect();
                expected.sort_unstable();
                let found = asked(&members);
                assert!(found.iter().all(|id| expected.binary_search(id).is_ok()));
                let silent = model.iter().filter(|(_, weight)| *weight == 0).count();
                assert!(found.len() + silent >= expected.len());
                // An older moment is as it was, but for those who have left since.
                if let Some((before, length, found)) = kept.replace((members, weight as usize, found)) {
                    assert_eq!(before.len(), length);
                    let still: Vec<_> = found
                        .into_iter()
                        .filter(|id| expected.binary_search(id).is_ok())
                        .collect();
                    assert_eq!(asked(&before), still);
                }
            }
        }
        for (it, _) in model.drain(..) {
            assert!(group.leave(&it));
        }
        assert!(group.is_empty() && group.members().is_empty());
    }
}

#[test]
fn groups_of_several_subjects_are_one_to_pick_from() {
    let mut large = QueueGroup::new();
    for id in 0..1500 {
        large.join(member_of(id));
    }
    let mut small = QueueGroup::new();
    for id in 1500..2000 {
        small.join(member_of(id));
    }
    let members = Members::merged([large.members(), small.members()]);
    assert_eq!(
        (members.len(), members.iter().count(), asked(&members).len()),
        (2000, 2000, 2000)
    );
    let counts = picks(&members, 2000 * 200);
    let of_small: usize = (1500..2000).map(|id| counts[&id]).sum();
    assert!((97_000..103_000).contains(&of_small), "{of_small}");
}

#[test]
fn what_counts_of_a_group_is_what_its_members_weigh() {
    use ConnectionKind::{Client, LeafNode, Route, Service};
    for size in [20, 1_500] {
        let mut random = Rng::with_seed(size as u64);
        let mut group = QueueGroup::new();
        let mut all: Vec<(Arc<Subscription<End>>, u32)> = Vec::new();
        // Grows past what is one array, and shrinks to nothing.
        for step in 0..3 * size {
            if all.is_empty() || step < size || (step < 2 * size && random.bool()) {
                let kind = [Client, Client, Client, Service, Route, LeafNode][random.usize(..6)];
                let weight = if kind.is_server() {
                    random.usize(..4) as u32
                } else {
                    1
                };
                let end = End(step as u64, kind);
                let member = Arc::new(Subscription::new(b"orders", Some(b"workers"), b"1", end));
                assert!(group.join_weighted(Arc::clone(&member), weight));
                all.push((member, weight));
            } else {
                let (member, _) = all.swap_remove(random.usize(..all.len()));
                assert!(group.leave(&member));
            }
            if step % 7 == 0 || all.is_empty() {
                let not_own = all.last().map_or(0, |(member, _)| member.destination().0);
                let counts = |end: &End| end.1 != Route && end.0 != not_own;
                let expected = all.iter().filter(|(member, _)| {
                    let end = member.destination();
                    !end.1.is_server() || counts(end)
                });
                let expected = expected.map(|(_, weight)| u64::from(*weight)).sum::<u64>();
                let members = group.members();
                let tallied = members.tally().weight(|member| counts(member.destination()));
                assert_eq!(tallied, expected);
                let servers = all
                    .iter()
                    .filter(|(member, _)| member.destination().1.is_server());
                assert!(members.tallied() <= FEW.max(servers.count()));
            }
        }
        let merged = Members::merged([group.members(), group.members()]);
        assert_eq!(
            merged.tally().weight(|_| true),
            2 * group.members().tally().weight(|_| true)
        );
    }
}

/// Small groups and large ones, with members that weigh much, as other servers do.
#[test]
fn a_group_that_is_restored_weighs_what_it_did() {
    for clients in [2, 3000] {
        let mut group = QueueGroup::new();
        let all: Vec<Shared> = (0..clients).map(member_of).collect();
        for it in &all {
            assert!(group.join(Arc::clone(it)));
        }
        let servers = [5000, 5001].map(member_of);
        for (server, weight) in servers.iter().zip([7, 4]) {
            assert!(group.join_weighted(Arc::clone(server), weight));
        }
        group.leave(&all[1]);
        let before = group.members();
        let mut restored = QueueGroup::restored(&before);
        let after = restored.members();
        assert_eq!((restored.len(), after.len()), (group.len(), before.len()));
        let weighed = |members: &Members<Peer>| {
            let mut weighed: Vec<_> = members
                .weighed()
                .into_iter()
                .map(|(member, weight)| (member.destination().id, weight))
                .collect();
            weighed.sort_unstable();
            weighed
        };
        assert_eq!(weighed(&after), weighed(&before));
        // It goes on as any other.
        assert!(restored.set_weight(&servers[0], 1));
        assert_eq!(restored.members().len(), before.len() - 6);
        assert!(restored.leave(&servers[1]) && restored.leave(&all[0]));
        assert_eq!(restored.members().len(), before.len() - 6 - 5);
    }
}

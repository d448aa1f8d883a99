//! The index against a list that is searched from end to end.

use super::tests::expect_empty;
use super::*;
use crate::fanout::Fanout;
use crate::origin::AccountId;
use crate::queue_group::QueueGroup;
use crate::subscription::Outlet;
use crate::testing::{Lines, Peer, Shared};
use fastrand::Rng;

const TOKENS: [&str; 7] = ["a", "b", "a*", "b>", "a-token-of-more-than-22-bytes", "*", ">"];

fn random_subject(random: &mut Rng) -> String {
    let tokens: Vec<_> = (0..=random.usize(..4))
        .map(|_| TOKENS[random.usize(..TOKENS.len())])
        .collect();
    tokens.join(if random.usize(..50) == 0 { ".." } else { "." })
}

fn random_pattern(random: &mut Rng) -> String {
    loop {
        let pattern = random_subject(random);
        if crate::subject::is_valid_subscription(pattern.as_bytes()) {
            return pattern;
        }
    }
}

fn random_subscription(random: &mut Rng, queue: Option<&str>) -> Shared {
    let id = random.usize(..9);
    let peer = Peer {
        headers: random.usize(..8) > 0,
        outlet: match id {
            7 => Outlet::Mailbox,
            8 => Outlet::Peer,
            _ => Outlet::Client,
        },
        ..Peer::client(id as u64)
    };
    let sid = random.usize(..3).to_string();
    let pattern = random_pattern(random);
    let queue = queue.map(str::as_bytes);
    let subscription = Subscription::new(pattern.as_bytes(), queue, sid.as_bytes(), peer);
    if random.usize(..8) == 0 {
        subscription.set_limit(9);
    }
    Arc::new(subscription)
}

/// Which subscriptions, by identity.
fn identities<'a>(all: impl IntoIterator<Item = &'a Shared>) -> Vec<usize> {
    let mut identities: Vec<_> = all.into_iter().map(|it| Arc::as_ptr(it) as usize).collect();
    identities.sort_unstable();
    identities
}

/// The plain subscriptions of a fan-out.
fn plain_of(fanout: &Fanout<Peer>) -> Vec<usize> {
    let singles = fanout.singles().iter().map(|target| &target.subscription);
    let shared = fanout.shared().iter().flat_map(|targets| &targets.subscriptions);
    let of_peers = fanout.peers().iter().flat_map(|peer| peer.subscriptions());
    identities(singles.chain(shared).chain(of_peers))
}

#[track_caller]
fn check_against_model(index: &Index<Peer>, all: &[Shared], subject: &str) {
    let matching = |queue: Option<&[u8]>| {
        all.iter()
            .filter(|it| it.queue() == queue && crate::subject::matches(it.subject(), subject.as_bytes()))
            .collect::<Vec<_>>()
    };
    let expected = matching(None);
    let fanout = index.resolve(subject.as_bytes());
    assert_eq!(
        plain_of(&fanout),
        identities(expected.iter().copied()),
        "{subject}"
    );

    let mut members = Vec::new();
    for queue in ["q", "r"] {
        let expected = matching(Some(queue.as_bytes()));
        let groups: Vec<_> = fanout
            .queues()
            .iter()
            .filter(|group| group.members().next().unwrap().queue() == Some(queue.as_bytes()))
            .collect();
        assert_eq!(
            groups.len(),
            usize::from(!expected.is_empty()),
            "{subject} {queue}"
        );
        let found = groups.iter().flat_map(|group| group.members());
        assert_eq!(
            identities(found),
            identities(expected.iter().copied()),
            "{subject} {queue}"
        );
        members.extend(expected);
    }

    // What shares is exactly what may.
    let times = |id: u64| expected.iter().filter(|it| it.destination().id == id).count();
    let may_share = |it: &Shared| {
        let id = it.destination().id;
        it.limit().is_none() && times(id) == 1 && members.iter().all(|other| other.destination().id != id)
    };
    let class = |it: &Shared| {
        (
            it.sid().to_vec(),
            it.destination().headers,
            it.destination().outlet,
        )
    };
    for targets in fanout.shared() {
        assert!(targets.subscriptions.len() >= 2);
        for it in &targets.subscriptions {
            assert!(may_share(it), "{it:?}");
            assert_eq!(class(it), class(&targets.subscriptions[0]));
            assert_eq!(it.destination().headers, targets.headers);
            assert_eq!(it.destination().outlet, targets.outlet);
        }
    }
    let peers = expected.iter().any(|it| it.destination().outlet == Outlet::Peer);
    assert_eq!(fanout.peers().len(), usize::from(peers), "there is one");
    for target in fanout
        .singles()
        .iter()
        .inspect(|target| assert_eq!(target.outlet, target.subscription.destination().outlet))
        .filter(|target| may_share(&target.subscription))
    {
        let alike = expected
            .iter()
            .filter(|it| may_share(it) && class(it) == class(&target.subscription));
        assert_eq!(alike.count(), 1, "{:?} could share", target.subscription);
    }
    for id in 0..9 {
        let reached = expected.iter().any(|it| it.destination().id == id);
        assert_eq!(fanout.contains(id), reached);
    }
    assert_eq!(index.has_interest(subject.as_bytes()), !fanout.is_empty());
}

#[test]
fn it_is_a_list_only_faster() {
    for seed in 1..=20 {
        let mut random = Rng::with_seed(seed);
        let mut index = Index::new();
        let mut groups: Vec<(Vec<u8>, Vec<u8>, QueueGroup<Peer>)> = Vec::new();
        let mut all: Vec<Shared> = Vec::new();
        for step in 0..600 {
            // Grows, then shrinks to nothing.
            let grows = random.usize(..600) > step;
            if grows || all.is_empty() {
                let queue = [None, None, Some("q"), Some("r")][random.usize(..4)];
                let it = random_subscription(&mut random, queue);
                match it.queue() {
                    None => assert!(index.insert(Arc::clone(&it))),
                    Some(queue) => change_group(&mut index, &mut groups, it.subject(), queue, |group| {
                        group.join(Arc::clone(&it))
                    }),
                }
                all.push(it);
            } else {
                let it = all.swap_remove(random.usize(..all.len()));
                match it.queue() {
                    None => assert!(index.remove(&it)),
                    Some(queue) => change_group(&mut index, &mut groups, it.subject(), queue, |group| {
                        group.leave(&it)
                    }),
                }
            }
            assert_eq!(index.len(), all.len());
            check_against_model(&index, &all, &random_subject(&mut random));
        }
        for it in all.drain(..) {
            match it.queue() {
                None => assert!(index.remove(&it)),
                Some(queue) => change_group(&mut index, &mut groups, it.subject(), queue, |group| {
                    group.leave(&it)
                }),
            }
        }
        expect_empty(&index);
    }
}

#[test]
fn a_list_in_parts_has_whatever_is_there_throughout() {
    for seed in 1..=20 {
        let mut random = Rng::with_seed(seed);
        let mut index = Index::new();
        let mut groups = Vec::new();
        let mut all: Vec<Shared> = Vec::new();
        for _ in 0..200 {
            let subject = random_subject(&mut random);
            let mut throughout = all.clone();
            let mut list = Matches::default();
            let mut work = 0;
            while !index.add_matches(subject.as_bytes(), &mut list, 1 + random.usize(..9)) {
                assert!(list.work() > work, "it gets on");
                work = list.work();
                for _ in 0..random.usize(..5) {
                    if random.bool() || all.is_empty() {
                        let queue = [None, Some("q")][random.usize(..2)];
                        let it = random_subscription(&mut random, queue);
                        match queue {
                            None => assert!(index.insert(Arc::clone(&it))),
                            Some(queue) => {
                                change_group(
                                    &mut index,
                                    &mut groups,
                                    it.subject(),
                                    queue.as_bytes(),
                                    |group| group.join(Arc::clone(&it)),
                                );
                            }
                        }
                        all.push(it);
                    } else {
                        let it = all.swap_remove(random.usize(..all.len()));
                        it.close();
                        match it.queue() {
                            None => assert!(index.remove(&it)),
                            Some(queue) => {
                                change_group(&mut index, &mut groups, it.subject(), queue, |group| {
                                    group.leave(&it)
                                })
                            }
                        }
                    }
                }
                throughout.retain(|it| !it.is_closed());
            }
            let fanout = list.into_fanout(AccountId(0), subject.as_bytes(), &Lines);
            let found = plain_of(&fanout);
            assert!(found.is_sorted_by(|one, other| one < other), "one is there twice");
            let members = identities(
                fanout
                    .queues()
                    .iter()
                    .flat_map(|group| group.members())
                    .filter(|it| !it.is_closed()),
            );
            let matches = |it: &&Shared| crate::subject::matches(it.subject(), subject.as_bytes());
            for it in throughout.iter().filter(matches) {
                let kind = if it.queue().is_some() { &members } else { &found };
                assert!(kind.contains(&(Arc::as_ptr(it) as usize)), "{subject} {it:?}");
            }
            let now = identities(all.iter().filter(matches));
            assert!(
                found.iter().chain(&members).all(|it| now.contains(it)),
                "{subject}"
            );
            if all.len() < 100 {
                let it = random_subscription(&mut random, None);
                assert!(index.insert(Arc::clone(&it)));
                all.push(it);
            }
        }
    }
}

fn change_group(
    index: &mut Index<Peer>,
    groups: &mut Vec<(Vec<u8>, Vec<u8>, QueueGroup<Peer>)>,
    subject: &[u8],
    queue: &[u8],
    change: impl FnOnce(&mut QueueGroup<Peer>) -> bool,
) {
    let at = groups
        .iter()
        .position(|group| group.0 == subject && group.1 == queue)
        .unwrap_or_else(|| {
            groups.push((subject.to_vec(), queue.to_vec(), QueueGroup::new()));
            groups.len() - 1
        });
    assert!(change(&mut groups[at].2));
    index.set_group(subject, queue, groups[at].2.members());
}

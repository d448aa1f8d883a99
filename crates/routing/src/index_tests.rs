use super::*;
use crate::queue_group::QueueGroup;
use crate::testing::{Peer, Random, Shared, member, plain};

fn sids<'a>(all: impl IntoIterator<Item = &'a Shared>) -> Vec<String> {
    let mut sids: Vec<_> = all
        .into_iter()
        .map(|it| String::from_utf8_lossy(it.sid()).into_owned())
        .collect();
    sids.sort();
    sids
}

/// Everything that a message gets to, as sids: plain ones, then each queue's members.
fn reached(index: &Index<Peer>, subject: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let fanout = index.resolve(subject.as_bytes());
    let singles = fanout.singles.iter().map(|target| &target.subscription);
    let shared = fanout.shared.iter().flat_map(|targets| &targets.subscriptions);
    let queues = fanout.queues.iter().map(|queue| sids(queue.members())).collect();
    (sids(singles.chain(shared)), queues)
}

#[track_caller]
fn check(index: &Index<Peer>, subject: &str, expected: &[&str]) {
    assert_eq!(reached(index, subject).0, expected, "{subject}");
    assert_eq!(
        index.has_interest(subject.as_bytes()),
        !expected.is_empty(),
        "{subject}"
    );
}

#[test]
fn subscriptions_come_and_go() {
    let mut index = Index::new();
    let all = [("c.a", "1"), ("c.*", "2"), ("c.>", "3"), (">", "4"), ("*.a", "5")]
        .map(|(subject, sid)| plain(subject, sid, 1));
    let [literal, star, full, everything, leading] = &all;
    let insert = |index: &mut Index<Peer>, it: &Shared| assert!(index.insert(Arc::clone(it)));
    check(&index, "c.a", &[]);
    insert(&mut index, literal);
    check(&index, "c.a", &["1"]);
    insert(&mut index, star);
    insert(&mut index, full);
    check(&index, "c.a", &["1", "2", "3"]);
    assert!(index.remove(literal));
    check(&index, "c.a", &["2", "3"]);
    insert(&mut index, everything);
    check(&index, "c.a", &["2", "3", "4"]);
    assert!(index.remove(full));
    assert!(index.remove(star));
    check(&index, "c.a", &["4"]);
    insert(&mut index, leading);
    check(&index, "c.a", &["4", "5"]);
    assert!(index.remove(everything));
    assert!(index.remove(leading));
    check(&index, "c.a", &[]);
    assert_eq!(
        index.stats(),
        IndexStats {
            inserts: 5,
            removes: 5,
            resolves: index.stats().resolves,
            ..IndexStats::default()
        }
    );
}

#[test]
fn the_same_subscription_is_in_once_and_out_once() {
    let mut index = Index::new();
    let (one, twin) = (plain("a", "1", 1), plain("a", "1", 1));
    assert!(!index.remove(&one));
    assert!(index.insert(Arc::clone(&one)));
    assert!(!index.insert(Arc::clone(&one)));
    assert!(!index.remove(&twin), "equal, but another one");
    assert_eq!(index.len(), 1);
    assert!(index.remove(&one));
    assert!(!index.remove(&one));
    assert!(index.is_empty());
}

#[test]
fn wildcards_in_a_published_subject_are_ordinary_tokens() {
    let mut index = Index::new();
    for (sid, subject) in ["lit.a", "lit.*", "lit.>", "foo", "f*o", "foo.>>"]
        .iter()
        .enumerate()
    {
        assert!(index.insert(plain(subject, &sid.to_string(), 1)));
    }
    check(&index, "lit.a", &["0", "1", "2"]);
    check(&index, "lit.*", &["1", "2"]);
    check(&index, "lit.>", &["1", "2"]);
    check(&index, "f*o", &["4"]);
    check(&index, "foo.>>", &["5"]);
    check(&index, "foo.bar", &[]);
    check(&index, "*", &[]);
}

#[test]
fn deep_subjects_meet_deep_wildcards() {
    let tokens: Vec<_> = (0..40).map(|number| format!("t{number}")).collect();
    let every_other: Vec<_> = tokens
        .iter()
        .enumerate()
        .map(|(at, token)| if at % 2 == 1 { "*" } else { token })
        .collect();
    let subject = tokens.join(".");
    let mut index = Index::new();
    for (sid, pattern) in [
        ("1", every_other.join(".")),
        ("2", format!("{}.>", tokens[..39].join("."))),
        ("3", format!("{subject}.>")),
        ("4", ["*"; 40].join(".")),
        ("5", ["*"; 39].join(".")),
    ] {
        assert!(index.insert(plain(&pattern, sid, 1)));
    }
    check(&index, &subject, &["1", "2", "4"]);
}

#[test]
fn how_deep_a_subject_is_the_client_decides() {
    let deep = ["x"; 200_000].join(".");
    let pattern = deep.clone() + ".*";
    let mut index = Index::new();
    let subscription = plain(&pattern, "1", 1);
    assert!(index.insert(Arc::clone(&subscription)));
    check(&index, &(deep.clone() + ".y"), &["1"]);
    check(&index, &deep, &[]);
    assert!(index.remove(&subscription));
    assert_eq!(index.stats().wildcard_nodes, 0);
}

#[test]
fn only_plain_subscriptions_are_iterated_for_a_subject() {
    let mut index = Index::new();
    for (subject, sid) in [("a.b", "1"), ("a.*", "2"), ("c", "3")] {
        index.insert(plain(subject, sid, 1));
    }
    index.set_group(b"a.b", b"q", [member("a.b", "q", "4", 1)].into());
    let mut found = Vec::new();
    index.for_each_match(b"a.b", &mut |it| found.push(Arc::clone(it)));
    assert_eq!(sids(&found), ["1", "2"]);
    found.clear();
    index.for_each(&mut |it| found.push(Arc::clone(it)));
    assert_eq!(sids(&found), ["1", "2", "3", "4"]);
}

#[test]
fn a_group_is_replaced_and_removed() {
    let mut index = Index::new();
    let subscription = plain("a", "p", 1);
    for subject in ["a", "a.*"] {
        let mut set = |sids: &[&str]| {
            let members = sids.iter().map(|sid| member(subject, "q", sid, 1)).collect();
            index.set_group(subject.as_bytes(), b"q", members);
        };
        set(&["1"]);
        set(&["2", "3"]);
        assert_eq!(reached(&index, &subject.replace('*', "b")).1, [["2", "3"]]);
        assert_eq!((index.len(), index.stats().groups), (2, 1));
        index.insert(Arc::clone(&subscription));
        index.set_group(subject.as_bytes(), b"other", [].into());
        index.set_group(subject.as_bytes(), b"q", [].into());
        assert!(reached(&index, &subject.replace('*', "b")).1.is_empty());
        assert!(index.remove(&subscription));
        assert!(!index.has_interest(b"a") && !index.has_interest(b"a.b"));
        let IndexStats {
            plain,
            groups,
            group_members,
            literal_subjects,
            wildcard_nodes,
            ..
        } = index.stats();
        assert_eq!(
            [plain, groups, group_members, literal_subjects, wildcard_nodes],
            [0; 5]
        );
    }
}

/// With a search or a shift for each, this would take minutes.
#[test]
fn a_hundred_thousand_subscribers_of_one_subject_leave() {
    for subject in ["hot.subject", "hot.*"] {
        let mut index = Index::new();
        let all: Vec<_> = (0..100_000).map(|id| plain(subject, "1", id)).collect();
        for it in &all {
            assert!(index.insert(Arc::clone(it)));
        }
        let fanout = index.resolve(b"hot.subject");
        assert_eq!((fanout.shared.len(), fanout.deliveries()), (1, all.len()));
        for it in &all {
            assert!(index.remove(it));
        }
        assert!(index.is_empty() && !index.has_interest(b"hot.subject"));
    }
}

const TOKENS: [&str; 7] = ["a", "b", "a*", "b>", "a-token-of-more-than-22-bytes", "*", ">"];

fn random_subject(random: &mut Random) -> String {
    let tokens: Vec<_> = (0..=random.below(4))
        .map(|_| TOKENS[random.below(TOKENS.len())])
        .collect();
    tokens.join(if random.below(50) == 0 { ".." } else { "." })
}

fn random_pattern(random: &mut Random) -> String {
    loop {
        let pattern = random_subject(random);
        if crate::subject::is_valid_subscription(pattern.as_bytes()) {
            return pattern;
        }
    }
}

fn random_subscription(random: &mut Random, queue: Option<&str>) -> Shared {
    let peer = Peer {
        id: random.below(9) as u64,
        headers: random.below(8) > 0,
    };
    let sid = random.below(3).to_string();
    let pattern = random_pattern(random);
    let queue = queue.map(str::as_bytes);
    let subscription = Subscription::new(pattern.as_bytes(), queue, sid.as_bytes(), peer);
    if random.below(8) == 0 {
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

#[track_caller]
fn check_against_model(index: &Index<Peer>, all: &[Shared], subject: &str) {
    let matching = |queue: Option<&[u8]>| {
        all.iter()
            .filter(|it| it.queue() == queue && crate::subject::matches(it.subject(), subject.as_bytes()))
            .collect::<Vec<_>>()
    };
    let expected = matching(None);
    let fanout = index.resolve(subject.as_bytes());
    let singles = fanout.singles.iter().map(|target| &target.subscription);
    let shared = fanout.shared.iter().flat_map(|targets| &targets.subscriptions);
    assert_eq!(
        identities(singles.chain(shared)),
        identities(expected.iter().copied()),
        "{subject}"
    );

    let mut members = Vec::new();
    for queue in ["q", "r"] {
        let expected = matching(Some(queue.as_bytes()));
        let groups: Vec<_> = fanout
            .queues
            .iter()
            .filter(|group| group.members()[0].queue() == Some(queue.as_bytes()))
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
    let class = |it: &Shared| (it.sid().to_vec(), it.destination().headers);
    for targets in &fanout.shared {
        assert!(targets.subscriptions.len() >= 2);
        for it in &targets.subscriptions {
            assert!(may_share(it), "{it:?}");
            assert_eq!(class(it), class(&targets.subscriptions[0]));
            assert_eq!(it.destination().headers, targets.headers);
        }
    }
    for target in fanout
        .singles
        .iter()
        .filter(|target| may_share(&target.subscription))
    {
        let alike = expected
            .iter()
            .filter(|it| may_share(it) && class(it) == class(&target.subscription));
        assert_eq!(alike.count(), 1, "{:?} could share", target.subscription);
    }
    for id in 0..9 {
        let reached = expected
            .iter()
            .chain(&members)
            .any(|it| it.destination().id == id);
        assert_eq!(fanout.contains(id), reached);
    }
    assert_eq!(index.has_interest(subject.as_bytes()), !fanout.is_empty());
}

#[test]
fn it_is_a_list_only_faster() {
    for seed in 1..=20 {
        let mut random = Random::new(seed);
        let mut index = Index::new();
        let mut groups: Vec<(Vec<u8>, Vec<u8>, QueueGroup<Peer>)> = Vec::new();
        let mut all: Vec<Shared> = Vec::new();
        for step in 0..600 {
            // Grows, then shrinks to nothing.
            let grows = random.below(600) > step;
            if grows || all.is_empty() {
                let queue = [None, None, Some("q"), Some("r")][random.below(4)];
                let it = random_subscription(&mut random, queue);
                match it.queue() {
                    None => assert!(index.insert(Arc::clone(&it))),
                    Some(queue) => change_group(&mut index, &mut groups, it.subject(), queue, |group| {
                        group.join(Arc::clone(&it))
                    }),
                }
                all.push(it);
            } else {
                let it = all.swap_remove(random.below(all.len()));
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
        let IndexStats {
            plain,
            groups,
            group_members,
            literal_subjects,
            wildcard_nodes,
            ..
        } = index.stats();
        assert_eq!(
            [plain, groups, group_members, literal_subjects, wildcard_nodes],
            [0; 5]
        );
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

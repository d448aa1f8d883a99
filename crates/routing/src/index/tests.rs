use super::*;
use crate::testing::{Peer, Shared, member, plain};

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
    let singles = fanout.singles().iter().map(|target| &target.subscription);
    let shared = fanout.shared().iter().flat_map(|targets| &targets.subscriptions);
    let queues = fanout
        .queues()
        .iter()
        .map(|queue| sids(queue.members()))
        .collect();
    (sids(singles.chain(shared)), queues)
}

/// Nothing is left of what came and went.
#[track_caller]
pub(super) fn expect_empty(index: &Index<Peer>) {
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
            wildcard_memory: index.stats().wildcard_memory,
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
        expect_empty(&index);
    }
}

#[test]
fn a_search_for_one_looks_at_so_many_nodes_and_no_more() {
    let mut index = Index::new();
    for number in 0..1 << 12 {
        let token = |at| if number >> at & 1 == 0 { "a." } else { "*." };
        let pattern = (0..12).map(token).collect::<String>() + "*.z";
        assert!(index.insert(plain(&pattern, "1", 1)));
    }
    let own = plain("*.*.>", "2", 2);
    assert!(index.insert(Arc::clone(&own)));
    let subject = "a.".repeat(12) + "b.n";
    let find = |at_most| index.find_match(subject.as_bytes(), at_most, |it| it.destination().id == 2);
    let (found, work) = find(1_000);
    assert!(found.is_none() && (1_000..1_003).contains(&work), "{work}");
    assert!(find(usize::MAX).0.is_some_and(|it| Arc::ptr_eq(&it, &own)));
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
        assert_eq!((fanout.shared().len(), fanout.deliveries()), (1, all.len()));
        for it in &all {
            assert!(index.remove(it));
        }
        assert!(index.is_empty() && !index.has_interest(b"hot.subject"));
    }
}

#[test]
fn how_many_groups_a_subject_has_the_client_decides() {
    let mut index = Index::new();
    let all: Vec<_> = (0..50_000)
        .map(|number| member("a", &format!("q{number}"), "1", 1))
        .collect();
    for it in &all {
        assert!(
            index
                .set_group(b"a", it.queue().unwrap(), [Arc::clone(it)].into())
                .is_none()
        );
    }
    assert_eq!(index.resolve(b"a").queues().len(), all.len());
    for it in &all {
        let before = index.set_group(b"a", it.queue().unwrap(), [].into()).unwrap();
        assert!(Arc::ptr_eq(before.iter().next().unwrap(), it));
    }
    assert!(index.is_empty() && !index.has_interest(b"a"));
}

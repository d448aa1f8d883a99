use super::*;
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
    let mut insert = |index: &mut Index<Peer>, it: &Shared| assert!(index.insert(Arc::clone(it)));
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

use super::*;
use crate::index::Index;
use crate::testing::{Peer, Shared, member, plain};
use fastrand::Rng;

fn index_of(subscriptions: &[Shared]) -> Index<Peer> {
    let mut index = Index::new();
    for subscription in subscriptions {
        assert!(index.insert(Arc::clone(subscription)));
    }
    index
}

fn without_headers(subject: &str, sid: &str, id: u64) -> Shared {
    let peer = Peer {
        headers: false,
        ..Peer::client(id)
    };
    Arc::new(Subscription::new(subject.as_bytes(), None, sid.as_bytes(), peer))
}

fn limited(subject: &str, sid: &str, id: u64) -> Shared {
    let subscription = plain(subject, sid, id);
    subscription.set_limit(5);
    subscription
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A fan-out as text: "sid:connection" of singles, then each group that shares, in brackets.
fn shown(fanout: &Fanout<Peer>) -> String {
    let name = |it: &Shared| format!("{}:{}", text(it.sid()), it.destination().id);
    let sorted = |all: Vec<String>| {
        let mut all = all;
        all.sort();
        all.join(" ")
    };
    let singles = sorted(
        fanout
            .singles()
            .iter()
            .map(|target| name(&target.subscription))
            .collect(),
    );
    let shared = fanout
        .shared()
        .iter()
        .map(|targets| format!("[{}]", sorted(targets.subscriptions.iter().map(name).collect())));
    sorted(
        [singles]
            .into_iter()
            .chain(shared)
            .filter(|it| !it.is_empty())
            .collect(),
    )
}

#[track_caller]
fn check(subscriptions: &[Shared], expected: &str) {
    assert_eq!(shown(&index_of(subscriptions).resolve(b"a.b")), expected);
}

#[test]
fn equal_sids_of_different_connections_share() {
    check(&[plain("a.b", "1", 1), plain("a.b", "1", 2)], "[1:1 1:2]");
    check(
        &[plain("a.b", "1", 1), plain("a.*", "1", 2), plain(">", "1", 3)],
        "[1:1 1:2 1:3]",
    );
    check(
        &[
            plain("a.b", "1", 1),
            plain("a.b", "2", 2),
            plain("a.b", "1", 3),
            plain("a.b", "2", 4),
        ],
        "[1:1 1:3] [2:2 2:4]",
    );
}

#[test]
fn one_alone_has_nobody_to_share_with() {
    check(&[], "");
    check(&[plain("a.b", "1", 1)], "1:1");
    check(&[plain("a.b", "1", 1), plain("a.b", "2", 2)], "1:1 2:2");
    check(
        &[plain("a.b", "1", 1), plain("a.b", "1", 2), plain("a.b", "3", 3)],
        "3:3 [1:1 1:2]",
    );
}

#[test]
fn a_connection_that_occurs_twice_does_not_share() {
    check(
        &[plain("a.b", "1", 1), plain("a.*", "2", 1), plain("a.b", "1", 2)],
        "1:1 1:2 2:1",
    );
    check(
        &[
            plain("a.b", "1", 1),
            plain("a.*", "2", 1),
            plain("a.b", "1", 2),
            plain("a.b", "1", 3),
        ],
        "1:1 2:1 [1:2 1:3]",
    );
}

fn by(outlet: Outlet, subject: &str, sid: &str, id: u64) -> Shared {
    let peer = Peer {
        outlet,
        ..Peer::client(id)
    };
    Arc::new(Subscription::new(subject.as_bytes(), None, sid.as_bytes(), peer))
}

#[test]
fn those_with_different_outlets_do_not_share() {
    let fanout = index_of(&[
        plain("a.b", "1", 1),
        by(Outlet::Mailbox, "a.b", "1", 2),
        plain("a.*", "1", 3),
        by(Outlet::Mailbox, "a.>", "1", 4),
        by(Outlet::Mailbox, "a.>", "7", 5),
    ])
    .resolve(b"a.b");
    assert_eq!(shown(&fanout), "7:5 [1:1 1:3] [1:2 1:4]");
    for targets in fanout.shared() {
        let expected = match targets.outlet {
            Outlet::Client => "HMSG a.b 1 ",
            _ => "[1 ] a.b",
        };
        assert_eq!(text(fanout.start(targets.prefix(), 0)), expected);
    }
    let [single] = fanout.singles() else {
        panic!("{fanout:?}")
    };
    assert_eq!(single.outlet, Outlet::Mailbox);
    assert_eq!(text(fanout.start(single.prefix(), 0)), "[7 ] a.b");
    assert!(!fanout.is_for_clients_alone());
    assert!(
        index_of(&[plain("a.b", "1", 1)])
            .resolve(b"a.b")
            .is_for_clients_alone()
    );
}

#[test]
fn the_subject_is_found_whatever_the_language() {
    for outlet in [Outlet::Client, Outlet::Mailbox, Outlet::Peer] {
        for subject in ["a", "a.b", &"s".repeat(100)] {
            let fanout = index_of(&[by(outlet, ">", "12", 1)]).resolve(subject.as_bytes());
            assert_eq!(text(fanout.subject()), subject, "{outlet:?}");
            assert!(fanout.contains(1) && !fanout.contains(2));
            assert_eq!((fanout.destinations(), fanout.deliveries()), (1, 1));
        }
    }
}

#[test]
fn a_peer_is_one_target_however_many_of_its_subscriptions_match() {
    let fanout = index_of(&[
        by(Outlet::Peer, "a.b", "1", 7),
        plain("a.b", "1", 1),
        by(Outlet::Peer, "a.*", "2", 3),
        by(Outlet::Peer, ">", "3", 7),
        plain("a.b", "2", 9),
    ])
    .resolve(b"a.b");
    let peers: Vec<String> = fanout
        .peers()
        .iter()
        .map(|peer| {
            let mut sids: Vec<_> = peer.subscriptions().map(|it| text(it.sid())).collect();
            sids.sort();
            format!("{}: {}", peer.destination().id, sids.join(" "))
        })
        .collect();
    assert_eq!(peers, ["3: 2", "7: 1 3"]);
    assert_eq!(shown(&fanout), "1:1 2:9");
    assert_eq!((fanout.destinations(), fanout.deliveries()), (4, 4));
    let reached: Vec<_> = (0..10).filter(|id| fanout.contains(*id)).collect();
    assert_eq!(reached, [1, 3, 7, 9]);
    assert!(!fanout.is_for_clients_alone());
}

#[test]
fn a_limited_subscription_does_not_share() {
    check(&[limited("a.b", "1", 1), plain("a.b", "1", 2)], "1:1 1:2");
    let fanout = index_of(&[limited("a.b", "1", 1), plain("a.b", "2", 2)]).resolve(b"a.b");
    let flags: Vec<_> = fanout
        .singles()
        .iter()
        .map(|it| (it.subscription.sid()[0], it.limited))
        .collect();
    assert_eq!(flags, [(b'1', true), (b'2', false)]);
    assert!(fanout.has_limited());
}

#[test]
fn those_with_and_without_headers_do_not_share() {
    check(
        &[
            plain("a.b", "1", 1),
            without_headers("a.b", "1", 2),
            plain("a.b", "1", 3),
            without_headers("a.b", "1", 4),
        ],
        "[1:1 1:3] [1:2 1:4]",
    );
    let fanout = index_of(&[plain("a.b", "1", 1), without_headers("a.b", "1", 2)]).resolve(b"a.b");
    let flags: Vec<_> = fanout
        .singles()
        .iter()
        .map(|it| (it.subscription.destination().id, it.headers))
        .collect();
    assert_eq!(flags, [(1, true), (2, false)]);
    assert!(!fanout.all_accept_headers());
}

#[test]
fn a_member_of_a_queue_group_does_not_share() {
    let mut index = index_of(&[1, 2, 3].map(|id| plain("a.b", "1", id)));
    index.set_group(
        b"a.*",
        b"q",
        [member("a.*", "q", "2", 2), member("a.*", "q", "2", 9)].into(),
    );
    assert_eq!(shown(&index.resolve(b"a.b")), "1:2 [1:1 1:3]");
    index.set_group(
        b"a.*",
        b"q",
        [member("a.*", "q", "2", 2), member("a.*", "q", "2", 1)].into(),
    );
    assert_eq!(shown(&index.resolve(b"a.b")), "1:1 1:2 1:3");
}

#[test]
fn a_member_twice_in_a_group_is_taken_out_once() {
    let mut index = index_of(&[1, 2, 3].map(|id| plain("a.b", "1", id)));
    let heavy = member("a.b", "q", "7", 1);
    index.set_group(b"a.b", b"q", [Arc::clone(&heavy), heavy].into());
    assert_eq!(shown(&index.resolve(b"a.b")), "1:1 [1:2 1:3]");
}

#[test]
fn prefixes_are_the_start_of_the_line() {
    let mut index = index_of(&[
        plain("a.b", "1", 1),
        plain("a.*", "1", 2),
        plain("a.b", "sid2", 3),
    ]);
    index.set_group(b"a.b", b"q", [member("a.b", "q", "m3", 4)].into());
    let fanout = index.resolve(b"a.b");
    let [single] = fanout.singles() else {
        panic!("{fanout:?}")
    };
    assert_eq!(text(fanout.msg_prefix(single.prefix())), "MSG a.b sid2 ");
    assert_eq!(text(fanout.hmsg_prefix(single.prefix())), "HMSG a.b sid2 ");
    let [shared] = fanout.shared() else {
        panic!("{fanout:?}")
    };
    assert_eq!(text(fanout.msg_prefix(shared.prefix())), "MSG a.b 1 ");
    assert_eq!(text(fanout.hmsg_prefix(shared.prefix())), "HMSG a.b 1 ");
    let [queue] = fanout.queues() else {
        panic!("{fanout:?}")
    };
    assert_eq!(
        text(fanout.msg_prefix(queue.prefix())) + &text(queue.members().next().unwrap().sid_field()),
        "MSG a.b m3 "
    );
    assert_eq!(
        text(fanout.hmsg_prefix(queue.prefix())) + &text(queue.members().next().unwrap().sid_field()),
        "HMSG a.b m3 "
    );
    assert_eq!(text(fanout.subject()), "a.b");
}

#[test]
fn texts_of_any_length_are_kept_whole() {
    for length in [1, 20, 27, 28, 29, 30, 31, 32, 33, 100, 4000] {
        let subject = "s".repeat(length);
        let one = plain(&subject, "17", 1);
        let fanout = index_of(&[one]).resolve(subject.as_bytes());
        let [single] = fanout.singles() else {
            panic!("{fanout:?}")
        };
        let line = format!("HMSG {subject} 17 ");
        assert_eq!(text(fanout.hmsg_prefix(single.prefix())), line);
        assert_eq!(text(fanout.msg_prefix(single.prefix())), line[1..]);
        assert_eq!(text(fanout.subject()), subject);
        let others = Index::<Peer>::new().resolve(subject.as_bytes());
        assert_eq!(text(others.subject()), subject);
    }
}

#[test]
fn every_target_has_a_start_of_its_own() {
    let mut index = index_of(&[
        plain("a.b", "1", 1),
        plain("a.b", "22", 1),
        plain("a.b", "333", 2),
        plain("a.b", "333", 3),
    ]);
    index.set_group(b"a.b", b"q", [member("a.b", "q", "4", 4)].into());
    let fanout = index.resolve(b"a.b");
    for target in fanout.singles() {
        let line = format!("MSG a.b {} ", text(target.subscription.sid()));
        assert_eq!(text(fanout.msg_prefix(target.prefix())), line);
    }
    assert_eq!(fanout.singles().len(), 2);
    assert_eq!(
        text(fanout.msg_prefix(fanout.shared()[0].prefix())),
        "MSG a.b 333 "
    );
    assert_eq!(text(fanout.msg_prefix(fanout.queues()[0].prefix())), "MSG a.b ");
}

#[test]
fn what_a_message_needs_is_side_by_side() {
    assert_eq!(size_of::<Fanout<Arc<Peer>>>(), 104);
    assert_eq!(std::mem::offset_of!(Fanout<Arc<Peer>>, singles), 24);
    assert_eq!(size_of::<Target<Arc<Peer>>>(), 24);
}

#[test]
fn one_alone_is_reached_without_a_list() {
    let fanout = index_of(&[plain("a.b", "1", 7)]).resolve(b"a.b");
    assert!(fanout.several.is_none());
    assert!(fanout.contains(7) && !fanout.contains(1));
    assert_eq!((fanout.destinations(), fanout.deliveries()), (1, 1));
}

/// There is a short way to what most subjects reach.
#[test]
fn one_alone_is_as_it_would_be_among_others_that_have_ended() {
    let long = "x".repeat(300);
    let cases: [(&dyn Fn() -> Shared, &str); 5] = [
        (&|| plain("a.b", "1", 7), "a.b"),
        (&|| plain("a.>", "1", 7), &format!("a.{long}")),
        (&|| plain("a.b", &long, 7), "a.b"),
        (&|| without_headers("a.b", "3", 7), "a.b"),
        (&|| limited("a.b", "12", 7), "a.b"),
    ];
    for (only, subject) in cases {
        let all_of = |fanout: Fanout<Peer>| {
            let target = &fanout.singles()[0];
            let ways = (target.headers, target.limited, target.outlet);
            let starts = [0, 1].map(|skipped| text(fanout.start(target.prefix(), skipped)));
            let whole = (
                fanout.has_limited(),
                fanout.all_accept_headers(),
                fanout.is_for_clients_alone(),
            );
            let counts = (
                fanout.memory(),
                fanout.deliveries(),
                fanout.destinations(),
                fanout.contains(7),
            );
            (
                shown(&fanout),
                text(fanout.subject()),
                ways,
                starts,
                whole,
                counts,
            )
        };
        let alone = index_of(&[only()]).resolve(subject.as_bytes());
        let ended = plain(">", "2", 8);
        let index = index_of(&[only(), Arc::clone(&ended)]);
        ended.close();
        assert_eq!(all_of(alone), all_of(index.resolve(subject.as_bytes())));
    }
}

#[test]
fn one_alone_that_has_ended_is_nobody() {
    let ended = plain("a.b", "1", 7);
    let index = index_of(&[Arc::clone(&ended)]);
    ended.close();
    let fanout = index.resolve(b"a.b");
    assert_eq!(
        (fanout.deliveries(), text(fanout.subject())),
        (0, "a.b".to_owned())
    );
}

#[test]
fn it_knows_whom_it_reaches() {
    let mut index = index_of(&[plain("a.b", "1", 1), plain("a.*", "2", 1), plain("a.b", "1", 2)]);
    index.set_group(
        b"a.b",
        b"q",
        [member("a.b", "q", "3", 4), member("a.b", "q", "3", 5)].into(),
    );
    let fanout = index.resolve(b"a.b");
    let contained: Vec<_> = (0..9).filter(|id| fanout.contains(*id)).collect();
    assert_eq!(
        contained,
        [1, 2],
        "the caller picks a member and sees whose it is"
    );
    assert_eq!((fanout.destinations(), fanout.deliveries()), (2, 4));
    assert!(!fanout.is_empty());
    let nobody = index.resolve(b"c");
    assert!(nobody.is_empty() && !nobody.contains(1));
    assert_eq!((nobody.subject(), nobody.deliveries()), (&b"c"[..], 0));
}

#[test]
fn subscriptions_of_one_connection_are_side_by_side() {
    let subscriptions = [(1, 3), (2, 1), (3, 3), (4, 2), (5, 1), (6, 3)]
        .map(|(sid, connection)| plain("a.*", &format!("{sid}"), connection));
    let fanout = index_of(&subscriptions).resolve(b"a.b");
    let connections: Vec<_> = fanout
        .singles()
        .iter()
        .map(|target| target.subscription.destination().id)
        .collect();
    assert_eq!(connections, [1, 1, 2, 3, 3, 3]);
}

#[test]
fn what_it_takes_to_resolve_a_subject_is_counted() {
    let mut index = Index::new();
    for (sid, subject) in ["a.a.x", "a.*.x", "*.a.x", "*.*.x"].iter().enumerate() {
        assert!(index.insert(plain(subject, &sid.to_string(), 1)));
    }
    let (all, none) = (index.matches(b"a.a.x"), index.matches(b"a.a.y"));
    assert!(all.work() > none.work(), "matches count");
    assert!(none.work() >= 3, "nodes that were come by count as well");
    index.set_group(
        b"a.a.x",
        b"q",
        (0..50).map(|id| member("a.a.x", "q", "3", id)).collect(),
    );
    assert!(index.matches(b"a.a.x").work() >= all.work() + 50, "and members");
}

#[test]
fn one_name_is_one_group_whatever_its_members_subscribed_to() {
    let mut index = Index::new();
    index.set_group(b"wq.x", b"q", [member("wq.x", "q", "1", 1)].into());
    index.set_group(b"wq.*", b"q", [member("wq.*", "q", "1", 2)].into());
    index.set_group(b"wq.>", b"q", [member("wq.>", "q", "1", 3)].into());
    index.set_group(b"wq.x", b"Q", [member("wq.x", "Q", "1", 4)].into());
    let fanout = index.resolve(b"wq.x");
    let mut groups: Vec<Vec<u64>> = fanout
        .queues()
        .iter()
        .map(|queue| queue.members().map(|it| it.destination().id).collect())
        .collect();
    groups.iter_mut().for_each(|ids| ids.sort_unstable());
    groups.sort();
    assert_eq!(groups, [vec![1, 2, 3], vec![4]]);
    assert_eq!(index.resolve(b"wq.y").queues().len(), 1);
}

#[test]
fn a_group_of_one_subject_is_not_copied() {
    let mut index = Index::new();
    let members: Members<_> = (0..100).map(|id| member("a.>", "q", "1", id)).collect();
    index.set_group(b"a.>", b"q", members.clone());
    assert!(index.resolve(b"a.b").queues()[0].members.is_same_as(&members));
}

#[test]
fn every_member_is_as_likely_and_every_other_gets_its_chance() {
    let mut index = Index::new();
    index.set_group(b"a", b"q", (0..3).map(|id| member("a", "q", "1", id)).collect());
    let fanout = index.resolve(b"a");
    let queue = &fanout.queues()[0];
    let mut random = Rng::with_seed(7);
    let mut picked = [0; 3];
    for _ in 0..30_000 {
        let order: Vec<_> = queue
            .candidates(random.u64(..))
            .map(|it| it.destination().id)
            .collect();
        picked[order[0] as usize] += 1;
        assert!(
            [[0, 1, 2], [1, 2, 0], [2, 0, 1]].contains(&[order[0], order[1], order[2]]),
            "{order:?}"
        );
        assert_eq!(order.len(), 3);
    }
    assert!(
        picked.iter().all(|count| (9_500..10_500).contains(count)),
        "{picked:?}"
    );
    let first = |random| queue.candidates(random).next().unwrap().destination().id;
    assert_eq!((first(0), first(u64::MAX)), (0, 2));
}

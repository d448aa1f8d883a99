use super::*;

fn membership(name: &str, is_dynamic: bool) -> Membership<&'static str> {
    let text = name.into();
    pooled_membership(ClusterName { text, is_dynamic }, Pooling::default())
}

fn pooled_membership(name: ClusterName, pooling: Pooling) -> Membership<&'static str> {
    let server = Identity {
        id: "NA".into(),
        name: "a".into(),
    };
    Membership::new(server, name, pooling)
}

/// Of a server with a pool of this size, and these accounts pinned.
fn pooled(size: usize, pinned: &[&str]) -> Membership<&'static str> {
    let pinned = pinned.iter().map(|&account| account.into()).collect();
    pooled_membership(ClusterName::default(), Pooling { size, pinned })
}

/// Where clients are, and where those that speak WebSocket; leaf nodes connect to the same as these.
fn at(clients: &[&str], websocket: &str) -> Places {
    Places {
        clients: clients.iter().map(|&url| url.to_owned()).collect(),
        websocket: vec![websocket.to_owned()],
        leaf_nodes: vec![websocket.to_owned()],
    }
}

fn candidate(id: &str, name: &str, connection: ConnectionId, is_dialled: bool) -> Candidate {
    Candidate {
        server: Identity {
            id: id.into(),
            name: name.into(),
        },
        connection,
        is_dialled,
        places: at(&[&format!("{name}:4222")], &format!("{name}:80")),
        ..Candidate::default()
    }
}

/// A connection with the server `NB`, which would have so many.
fn of_pool(connection: ConnectionId, is_dialled: bool, size: i64, index: i64) -> Candidate {
    Candidate {
        pool_size: size,
        pool_index: index,
        ..candidate("NB", "b", connection, is_dialled)
    }
}

fn of_account(connection: ConnectionId, is_dialled: bool, size: i64, account: &str) -> Candidate {
    Candidate {
        account: Some(account.into()),
        ..of_pool(connection, is_dialled, size, 0)
    }
}

#[test]
fn each_server_is_a_member_once() {
    let mut membership = membership("C", false);
    for (id, name, connection, is_dialled, refused) in [
        ("NB", "b", 1, true, None),
        ("NB", "b", 2, false, Some(NoRoute::Duplicate)),
        ("NC", "c", 3, false, None),
        ("NA", "a", 4, true, Some(NoRoute::Itself)),
        ("NA", "a", 5, false, Some(NoRoute::Itself)),
        ("ND", "a", 6, false, Some(NoRoute::SameName)),
        // As in nats-server, it is the other one that refuses.
        ("ND", "a", 7, true, None),
    ] {
        let joined = membership.join(&candidate(id, name, connection, is_dialled));
        assert_eq!(joined.clone().err(), refused, "{connection}");
        if let Ok(joined) = joined {
            let only = Joined {
                seat: Seat::Only,
                is_first: true,
                wants_more: None,
            };
            assert_eq!(joined, only, "{connection}");
        }
    }
    assert_eq!(membership.members(), ["a", "b", "c"]);
    assert!(membership.knows("NA", None) && membership.knows("NB", None) && !membership.knows("NE", None));
}

#[test]
fn who_has_dialled_twice_waits_for_the_end_of_the_route() {
    let mut membership = membership("C", false);
    membership.join(&candidate("NB", "b", 1, false)).unwrap();
    membership.keep("NB", "dialled");
    membership.keep("NB", "dialled too");
    membership.keep("NA", "itself");
    assert!(membership.leave("NB", 2).is_empty(), "that was the second");
    assert!(membership.leave("NA", 3).is_empty());
    assert_eq!(membership.leave("NB", 1), ["dialled", "dialled too"]);
    assert!(membership.leave("NB", 1).is_empty());
    assert!(membership.join(&candidate("NB", "b", 4, true)).is_ok());
}

/// Who has dialled chooses the first place that is free, whatever came in between; the other goes by what it is told.
#[test]
fn a_pool_has_so_many_connections_and_no_more() {
    let mut membership = pooled(3, &[]);
    let mut join = |candidate: &Candidate| {
        let joined = membership.join(candidate)?;
        Ok((joined.seat, joined.is_first, joined.wants_more))
    };
    assert_eq!(
        join(&of_pool(1, true, 3, 0)),
        Ok((Seat::Pooled(0), true, Some(3)))
    );
    assert_eq!(join(&of_pool(2, false, 3, 0)), Err(NoRoute::Duplicate));
    assert_eq!(
        join(&of_pool(3, false, 3, 2)),
        Ok((Seat::Pooled(2), false, Some(3)))
    );
    assert_eq!(join(&of_pool(4, true, 3, 0)), Ok((Seat::Pooled(1), false, None)));
    assert_eq!(join(&of_pool(5, true, 3, 0)), Err(NoRoute::Duplicate));
    assert_eq!(join(&of_pool(6, true, 3, 1)), Err(NoRoute::IndexIsSet(1)));
    for index in [3, -1, i64::MAX] {
        let no_such_index = NoRoute::NoSuchIndex { index, size: 3 };
        assert_eq!(join(&of_pool(7, false, 3, index)), Err(no_such_index));
    }
    // One that knows of no pool.
    assert_eq!(join(&of_pool(8, false, 0, 0)), Err(NoRoute::Duplicate));
    membership.keep("NB", "waits");
    assert_eq!(membership.leave("NB", 3), ["waits"]);
    assert_eq!(membership.members(), ["b"]);
    let joined = membership.join(&of_pool(9, true, 3, 0)).unwrap();
    assert_eq!((joined.seat, joined.is_first), (Seat::Pooled(2), false));
    for connection in [1, 4, 9] {
        assert_eq!(membership.places().clients, ["b:4222"]);
        membership.leave("NB", connection);
    }
    assert!(!membership.knows("NB", None) && membership.places().clients.is_empty());
}

/// As large as the larger of the two servers' pools, within reason; one where one of them knows of none.
#[test]
fn two_servers_agree_on_a_pool() {
    for (ours, theirs, size) in [
        (3, 5, Some(5)),
        (5, 3, Some(5)),
        (1, 1, None),
        (3, i64::MAX, Some(LARGEST_POOL)),
        (0, 3, None),
        (3, 0, None),
        (3, -1, None),
    ] {
        let joined = pooled(ours, &[]).join(&of_pool(1, true, theirs, 0)).unwrap();
        let is_pooled = ours > 0 && theirs > 0;
        assert_eq!(joined.wants_more, size, "{ours} {theirs}");
        assert_eq!(joined.seat, if is_pooled { Seat::Pooled(0) } else { Seat::Only });
    }
}

#[test]
fn accounts_have_routes_of_their_own() {
    let mut membership = pooled(3, &["A"]);
    let joined = membership.join(&of_account(1, true, 3, "A")).unwrap();
    assert_eq!(joined.seat, Seat::Pinned("A".into()));
    // Its clients connect elsewhere, and it is no member, as long as there is no other.
    assert!(membership.members().is_empty() && membership.places().clients.is_empty());
    assert!(membership.knows("NB", Some("A")) && !membership.knows("NB", None));
    assert!(membership.join(&of_pool(2, true, 3, 0)).unwrap().is_first);
    for (candidate, refused) in [
        (of_account(3, false, 3, "A"), NoRoute::Duplicate),
        (of_account(4, false, 3, "B"), NoRoute::NotPinned("B".into())),
        (of_account(5, true, 0, "A"), NoRoute::NoneOfItsOwn("A".into())),
    ] {
        assert_eq!(membership.join(&candidate), Err(refused));
    }
    membership.keep("NB", "waits");
    assert_eq!(membership.leave("NB", 1), ["waits"]);
    assert!(membership.knows("NB", None) && !membership.knows("NB", Some("A")));
    assert_eq!(
        pooled(0, &["A"]).join(&of_account(1, true, 3, "A")),
        Err(NoRoute::NoneOfItsOwn("A".into()))
    );
}

#[test]
fn clients_are_told_of_all_members() {
    let mut membership = membership("C", false);
    membership.join(&candidate("NC", "c", 1, false)).unwrap();
    membership.join(&candidate("NB", "b", 2, false)).unwrap();
    assert_eq!(membership.places().clients, ["b:4222", "c:4222"]);
    assert_eq!(membership.places().websocket, ["b:80", "c:80"]);
    assert_eq!(membership.places().leaf_nodes, ["b:80", "c:80"]);
    assert!(!membership.relocate("NB", at(&["b:4222"], "b:80")));
    assert!(membership.relocate("NB", at(&["c:4222", "d:4222"], "b:80")));
    assert!(!membership.relocate("ND", Places::default()));
    assert_eq!(membership.places().clients, ["c:4222", "d:4222"]);
    assert!(membership.relocate("NB", at(&["d:4222"], "c:80")));
    assert_eq!(membership.places().websocket, ["c:80"]);
    membership.leave("NB", 2);
    assert_eq!(membership.places().clients, ["c:4222"]);
}

#[test]
fn a_name_that_was_made_up_gives_way() {
    for (ours, is_dynamic, theirs, theirs_is_dynamic, agreement) in [
        ("B", false, "B", false, Agreement::Same),
        ("B", true, "B", true, Agreement::Same),
        ("B", false, "C", false, Agreement::Conflict),
        ("B", false, "C", true, Agreement::Conflict),
        ("B", true, "A", false, Agreement::Adopted),
        ("B", true, "C", false, Agreement::Adopted),
        ("B", true, "A", true, Agreement::Conflict),
        ("B", true, "C", true, Agreement::Adopted),
    ] {
        let mut membership = membership(ours, is_dynamic);
        let theirs = ClusterName {
            text: theirs.into(),
            is_dynamic: theirs_is_dynamic,
        };
        assert_eq!(membership.agree(&theirs), agreement, "{ours} {theirs:?}");
        if agreement == Agreement::Adopted {
            assert_eq!(*membership.name(), theirs);
        }
    }
}

#[test]
fn who_is_told_of_a_server_and_how() {
    let accepted = RouteKind {
        is_dialled: false,
        is_configured: false,
        gossip: GossipMode::Default,
    };
    let configured = RouteKind {
        is_dialled: true,
        is_configured: true,
        ..accepted
    };
    let hearsay = RouteKind {
        is_dialled: true,
        ..accepted
    };
    assert!(accepted.is_told(GossipMode::Default) && configured.is_told(GossipMode::Override));
    assert!(!accepted.is_told(GossipMode::Disabled) && !hearsay.is_told(GossipMode::Default));
    let overridden = RouteKind {
        gossip: GossipMode::Override,
        ..hearsay
    };
    assert!(overridden.is_told(GossipMode::Default) && !overridden.is_told(GossipMode::Disabled));
    for (new, receiver, mode) in [
        (configured, accepted, GossipMode::Override),
        (accepted, configured, GossipMode::Override),
        (accepted, accepted, GossipMode::Disabled),
        (accepted, hearsay, GossipMode::Disabled),
        (overridden, accepted, GossipMode::Default),
    ] {
        assert_eq!(new.told_to(&receiver), mode, "{new:?} {receiver:?}");
    }
}

#[test]
fn members_stay_when_the_operator_calls_the_cluster_otherwise() {
    let mut membership = membership("C", true);
    assert!(membership.join(&candidate("NB", "b", 1, true)).is_ok());
    membership.rename("D");
    let name = |text: &str, is_dynamic| ClusterName {
        text: text.into(),
        is_dynamic,
    };
    assert_eq!(*membership.name(), name("D", false));
    assert_eq!(membership.members(), ["b"]);
    assert_eq!(membership.agree(&name("C", false)), Agreement::Conflict);
    assert_eq!(membership.agree(&name("D", true)), Agreement::Same);
}

use super::*;

fn membership(name: &str, is_dynamic: bool) -> Membership<&'static str> {
    let server = Identity {
        id: "NA".into(),
        name: "a".into(),
    };
    let text = name.into();
    Membership::new(server, ClusterName { text, is_dynamic })
}

fn candidate(id: &str, name: &str, connection: ConnectionId, is_dialled: bool) -> Candidate {
    Candidate {
        server: Identity {
            id: id.into(),
            name: name.into(),
        },
        connection,
        is_dialled,
        connect_urls: vec![format!("{name}:4222")],
    }
}

#[test]
fn each_server_is_a_member_once() {
    let mut membership = membership("C", false);
    for (id, name, connection, is_dialled, verdict) in [
        ("NB", "b", 1, true, Verdict::Joined),
        ("NB", "b", 2, false, Verdict::Duplicate),
        ("NC", "c", 3, false, Verdict::Joined),
        ("NA", "a", 4, true, Verdict::Itself),
        ("NA", "a", 5, false, Verdict::Itself),
        ("ND", "a", 6, false, Verdict::SameName),
        // As in nats-server, it is the other one that refuses.
        ("ND", "a", 7, true, Verdict::Joined),
    ] {
        let candidate = candidate(id, name, connection, is_dialled);
        assert_eq!(membership.join(&candidate), verdict, "{connection}");
    }
    assert_eq!(membership.members(), ["a", "b", "c"]);
    assert!(membership.knows("NA") && membership.knows("NB") && !membership.knows("NE"));
}

#[test]
fn who_has_dialled_twice_waits_for_the_end_of_the_route() {
    let mut membership = membership("C", false);
    membership.join(&candidate("NB", "b", 1, false));
    membership.keep("NB", "dialled");
    membership.keep("NB", "dialled too");
    membership.keep("NA", "itself");
    assert!(membership.leave("NB", 2).is_empty(), "that was the second");
    assert!(membership.leave("NA", 3).is_empty());
    assert_eq!(membership.leave("NB", 1), ["dialled", "dialled too"]);
    assert!(membership.leave("NB", 1).is_empty());
    assert_eq!(membership.join(&candidate("NB", "b", 4, true)), Verdict::Joined);
}

#[test]
fn clients_are_told_of_all_members() {
    let mut membership = membership("C", false);
    membership.join(&candidate("NC", "c", 1, false));
    membership.join(&candidate("NB", "b", 2, false));
    assert_eq!(membership.connect_urls(), ["b:4222", "c:4222"]);
    assert!(!membership.relocate("NB", &["b:4222".into()]));
    assert!(membership.relocate("NB", &["c:4222".into(), "d:4222".into()]));
    assert!(!membership.relocate("ND", &[]));
    assert_eq!(membership.connect_urls(), ["c:4222", "d:4222"]);
    membership.leave("NB", 2);
    assert_eq!(membership.connect_urls(), ["c:4222"]);
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

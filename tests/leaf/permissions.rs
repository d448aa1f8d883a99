//! What a leaf node may do is what its user may.

use crate::peer::{FakeHub, Peer};
use crate::world::{await_interest, hub_by, leaf_by};
use std::sync::Arc;
use vagus_auth::credentials::{ConnectionTypes, Credentials, Proof, User};
use vagus_auth::permission::{Permissions, ResponsePermission, Rules};
use vagus_test_support::server;

fn user(permissions: Option<Permissions>) -> User {
    User {
        proof: Proof::Password {
            name: "u".into(),
            password: "p".into(),
        },
        permissions: permissions.map(Arc::new),
        connection_types: ConnectionTypes::default(),
        account: None,
        requires_proxy: false,
    }
}

fn rules(allow: &[&str]) -> Rules {
    Rules {
        allow: allow.iter().map(|&subject| subject.to_owned()).collect(),
        deny: Vec::new(),
    }
}

fn users(permissions: Option<Permissions>) -> Credentials {
    Credentials::Users {
        users: [user(permissions)].into(),
        no_auth_user: None,
        default_permissions: None,
    }
}

#[test]
fn who_has_no_password_does_not_get_in() {
    let server = hub_by("hub", |listener| listener.settings.credentials = users(None)).start();
    for (connect, is_in) in [
        (r#"CONNECT {"user":"u","pass":"x"}"#, false),
        (r#"CONNECT {"user":"x","pass":"p"}"#, false),
        ("CONNECT {}", false),
        (r#"CONNECT {"user":"u","pass":"p"}"#, true),
    ] {
        let mut peer = Peer::to(&server);
        peer.say(connect);
        let answer = peer.line();
        assert_eq!(answer.starts_with("INFO"), is_in, "{connect}: {answer}");
        assert!(is_in || answer == "-ERR 'Authorization Violation'", "{answer}");
    }
}

/// Leaf nodes of which nothing is said are users as clients are.
#[test]
fn a_hub_takes_and_gives_what_the_user_may() {
    let permissions = Permissions {
        publish: rules(&["up.>"]),
        subscribe: rules(&["down.>"]),
        allow_responses: None,
    };
    let server = hub_by("hub", |listener| {
        listener.settings.credentials = users(Some(permissions));
    });
    let server = server.start();
    let mut client = server.connected();
    client.send("SUB up.* 1\r\nSUB down.* 2\r\nSUB > 3");
    client.sync_silent();
    let connect = r#","user":"u","pass":"p""#;
    let mut peer = Peer::bound_as(&server, connect);
    assert!(
        peer.info()
            .contains(r#""import":{"allow":["down.>"]},"export":{"allow":["up.>"]}"#),
        "{}",
        peer.info()
    );
    peer.expect(&["LS+ up.*"]);
    peer.say("LS+ >\r\nLS+ down.a");
    peer.sync();
    client.send("PUB other 1\r\n1\r\nPUB down.b 1\r\n2");
    client.sync_messages();
    peer.expect(&["LMSG down.b 1", "2"]);
    peer.say("LS+ other");
    assert_eq!(
        peer.rest(),
        ["-ERR 'Permissions Violation for Subscription to \"other\"'"]
    );
    let mut peer = Peer::bound_as(&server, connect);
    peer.say("LMSG up.a 1\r\n3\r\nLMSG down.a 1\r\n4");
    let rest = peer.rest();
    assert_eq!(
        rest.last().unwrap(),
        "-ERR 'Permissions Violation for Publish to \"down.a\"'"
    );
    let message = client.message();
    assert_eq!((&*message.subject, &*message.payload), ("up.a", &b"3"[..]));
}

/// Whoever may answer requests may do so on whatever subject it is asked to.
#[test]
fn a_leaf_node_may_answer_what_it_is_asked() {
    let permissions = Permissions {
        publish: rules(&["up.>"]),
        subscribe: rules(&["service.>"]),
        allow_responses: Some(ResponsePermission {
            max: Some(1),
            expires: None,
        }),
    };
    let server = hub_by("hub", |listener| {
        listener.settings.credentials = users(Some(permissions));
    });
    let server = server.start();
    let mut client = server.connected();
    client.send("SUB answers.* 1");
    client.sync_silent();
    let connect = r#","user":"u","pass":"p""#;
    let mut peer = Peer::bound_as(&server, connect);
    peer.say("LS+ service.a");
    peer.sync();
    client.send("PUB service.a answers.1 1\r\n?");
    client.sync_silent();
    peer.expect(&["LMSG service.a answers.1 1", "?"]);
    peer.say("LMSG answers.1 1\r\n!");
    assert_eq!(client.message().payload, b"!");
    // Once.
    peer.say("LMSG answers.1 1\r\n!");
    let rest = peer.rest();
    assert_eq!(
        rest.last().unwrap(),
        "-ERR 'Permissions Violation for Publish to \"answers.1\"'"
    );
}

#[test]
fn a_leaf_node_keeps_to_what_its_hub_and_its_own_configuration_say() {
    let fake = FakeHub::new();
    let server = leaf_by("edge", &[fake.address()], |remote| {
        remote.deny_imports = vec!["down.secret".into()];
        remote.deny_exports = vec!["up.secret".into()];
    });
    let server = server.start();
    let mut client = server.connected();
    client.send("SUB down.* 1\r\nSUB down.secret 2\r\nSUB up.a 3");
    client.sync_silent();
    let mut peer = fake.bind(r#","import":{"allow":["down.>"]},"export":{"allow":["up.>"]}"#);
    peer.expect(&["LS+ down.*"]);
    peer.say("LS+ up.*\r\nLS+ down.a\r\nLMSG down.a 1\r\n1\r\nLMSG down.secret 1\r\n2\r\nLMSG up.a 1\r\n3");
    peer.sync();
    let came: Vec<String> = client
        .sync_messages()
        .iter()
        .map(|it| it.subject.to_string())
        .collect();
    assert_eq!(came, ["down.a"]);
    client.send("PUB up.secret 1\r\n4\r\nPUB down.a 1\r\n5\r\nPUB up.b 1\r\n6");
    client.sync_messages();
    peer.expect(&["LMSG up.b 1", "6"]);
}

/// A client is no leaf node.
#[test]
fn a_server_without_leaf_nodes_has_no_port_for_them() {
    let server = server().start();
    assert_eq!(server.leafnode_address(), None);
    await_interest(&server, 0);
}

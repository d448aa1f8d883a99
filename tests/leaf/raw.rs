//! What a server says on a link, and what becomes of those who say something else.

use crate::peer::{FakeHub, Peer};
use crate::world::{await_interest, await_links, hub, leaf, leaf_by};
use vagus_test_support::{TestServer, eventually};

#[test]
fn a_hub_says_what_it_is_and_binds_who_connects() {
    let server = hub("hub").start();
    let mut peer = Peer::to(&server);
    for said in [
        r#""server_name":"hub""#,
        r#""client_id":"#,
        r#""nonce":""#,
        r#""leafnode_urls":["127.0.0.1:"#,
        r#""info_on_connect":true"#,
        r#""compression":"s2_auto""#,
    ] {
        assert!(peer.info().contains(said), "{said}: {}", peer.info());
    }
    peer.say(r#"CONNECT {"name":"edge"}"#);
    let info = peer.line();
    assert!(info.contains(r#""remote_account":"$G""#), "{info}");
    await_links(&server, 1);
}

#[test]
fn interest_and_messages_have_their_lines() {
    let server = hub("hub").start();
    let mut peer = Peer::bound(&server);
    let mut client = server.connected();
    client.send("SUB a.* 1\r\nSUB a.* 2");
    client.sync_silent();
    peer.expect(&["LS+ a.*"]);
    client.send("SUB a.* q 3\r\nSUB a.* q 4");
    client.sync_silent();
    peer.expect(&["LS+ a.* q 2"]);
    client.send("UNSUB 3\r\nUNSUB 1");
    client.sync_silent();
    peer.expect(&["LS+ a.* q 1"]);

    peer.say("LS+ b\r\nLS+ b q 3\r\nLS+ c r 1");
    // Each member counts.
    await_interest(&server, 2 + 5);
    client.send("PUB b 2\r\nhi\r\nPUB b inbox 2\r\nhi\r\nPUB c 2\r\nho");
    client.send("HPUB b 12 14\r\nNATS/1.0\r\n\r\nhi");
    client.sync_silent();
    peer.expect(&[
        "LMSG b | q 2",
        "hi",
        "LMSG b + inbox q 2",
        "hi",
        "LMSG c | r 2",
        "ho",
    ]);
    peer.expect(&["HMSG b | q 12 14", "NATS/1.0", "", "hi"]);
    peer.say("LS- b q\r\nLS- c r");
    await_interest(&server, 3);
    client.send("PUB b r 2\r\nhi\r\nPUB c 2\r\nho\r\nPUB b 1\r\n1");
    client.sync_silent();
    peer.expect(&["LMSG b r 2", "hi", "LMSG b 1", "1"]);
}

/// A message that names no queue groups is for plain subscriptions alone.
#[test]
fn a_message_is_for_the_groups_that_it_names() {
    let server = hub("hub").start();
    let mut client = server.connected();
    client.send("SUB a 1\r\nSUB a q 2\r\nSUB a p 3");
    client.sync_silent();
    let mut peer = Peer::bound(&server);
    peer.say("LMSG a 1\r\n1\r\nLMSG a | q 1\r\n2\r\nLMSG a + r p q 1\r\n3\r\nHMSG a | p 12 13\r\nNATS/1.0\r\n\r\n4");
    let mut came = || {
        let messages = client.sync_messages();
        let shown = |message: &vagus_test_support::Message| {
            format!("{} {}", message.sid, String::from_utf8_lossy(&message.payload))
        };
        messages.iter().map(shown).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    eventually(|| {
        all.extend(came());
        all.len() == 8
    });
    all.sort();
    assert_eq!(all, ["1 1", "1 2", "1 3", "1 4", "2 2", "2 3", "3 3", "3 4"]);
}

#[test]
fn a_leaf_node_says_who_it_is() {
    let fake = FakeHub::new();
    let mut url = crate::world::url(fake.address());
    (url.user, url.password) = ("u".into(), Some("p".into()));
    let server = leaf_by("edge", &[fake.address()], |remote| {
        remote.urls = vec![url.clone()];
        remote.deny_imports = vec!["no.>".into()];
        remote.requests_isolation = true;
    });
    let server = server.start();
    let (mut peer, connect) = fake.greet("");
    for said in [
        r#""user":"u","pass":"p""#,
        r#""name":"edge""#,
        r#""cluster":"edge""#,
        r#""deny_pub":["no.>"]"#,
        r#""isolate":true"#,
        r#""remote_account":"$G""#,
        r#""compress_mode":"not supported""#,
    ] {
        assert!(connect.contains(said), "{said}: {connect}");
    }
    assert_eq!(server.links(), 0);
    let mut client = server.connected();
    client.send("SUB a 1");
    client.sync_silent();
    peer.say(r#"INFO {"server_id":"NX","connect_info":true,"remote_account":"X"}"#);
    assert!(peer.line().starts_with("LS+ $LDS."));
    peer.expect(&["LS+ a"]);
    peer.say("LMSG a 2\r\nhi");
    assert_eq!(client.message().payload, b"hi");
    await_links(&server, 1);
}

#[test]
fn what_is_no_leaf_node_is_refused() {
    let server = hub("hub").start();
    for (said, answer) in [
        ("SUB a 1", "-ERR 'Authorization Violation'"),
        ("RS+ $G a", "-ERR 'Authorization Violation'"),
        ("LS+ a", "-ERR 'Authorization Violation'"),
        ("LMSG a 1000", "-ERR 'Authorization Violation'"),
        ("PING", "-ERR 'Authorization Violation'"),
        (
            r#"CONNECT {"lang":"rust","verbose":false}"#,
            "-ERR 'attempted to connect to leaf node port'",
        ),
        (
            r#"CONNECT {"gateway":"g"}"#,
            "-ERR 'Rejecting connection from gateway \"g\" on the leafnode port'",
        ),
        (
            r#"CONNECT {"cluster":"a b"}"#,
            "-ERR 'cluster name cannot contain spaces or new lines'",
        ),
        (
            r#"CONNECT {"cluster":"a $G b\r\nRS+"}"#,
            "-ERR 'cluster name cannot contain spaces or new lines'",
        ),
        (
            r#"CONNECT {"cluster":"a\r\nPING"}"#,
            "-ERR 'cluster name cannot contain spaces or new lines'",
        ),
        (
            r#"INFO {"compression":"x"}"#,
            "-ERR 'unsupported route compression mode \"x\"'",
        ),
    ] {
        let mut peer = Peer::to(&server);
        peer.say(said);
        assert_eq!(peer.rest(), [answer], "{said}");
    }
    for said in ["CONNECT {", "CONNECT []", "CONNECT [1]", "INFO {", "INFO []"] {
        let mut peer = Peer::to(&server);
        peer.say(said);
        assert!(peer.rest().is_empty(), "{said}");
    }
    await_links(&server, 0);
    server.expect_to_serve();
}

/// Who asks for more than it may at once has to go; whoever is there already is not disturbed.
#[test]
fn the_interest_of_a_leaf_node_is_bounded() {
    let server = hub("hub").max_subscriptions(3).start();
    let mut client = server.connected();
    client.subscribe("a", "1");
    let mut peer = Peer::bound(&server);
    peer.expect(&["LS+ a"]);
    peer.say("LS+ b\r\nLS+ c\r\nLS+ c\r\nLS+ d\r\nLS- d\r\nLS+ e");
    peer.sync();
    peer.say("LS+ f");
    assert_eq!(peer.rest(), ["-ERR 'maximum subscriptions exceeded'"]);
    await_interest(&server, 1);
    client.publish("a", b"hi");
    assert_eq!(client.message().payload, b"hi");
}

#[test]
fn who_asks_for_what_it_is_asked_for_is_in_a_loop() {
    let server = hub("hub").start();
    let mut peer = Peer::to(&server);
    peer.say("CONNECT {}");
    peer.line();
    let subject = peer.line();
    peer.say(&subject);
    assert_eq!(
        peer.rest(),
        ["-ERR 'Loop detected for leafnode account=\"$G\". Delaying attempt to reconnect for 30s'"]
    );
    await_links(&server, 0);
}

/// As nats-server, a leaf node in a cluster tells its hub of the servers there.
#[test]
fn a_leaf_node_may_tell_of_itself_again() {
    let server = hub("hub").start();
    let mut peer = Peer::bound(&server);
    peer.say(r#"INFO {"server_id":"NX","leafnode_urls":["127.0.0.1:1"]}"#);
    peer.sync();
    await_links(&server, 1);
}

/// A leaf node that has lost its hub without noticing comes again before the hub has noticed.
#[test]
fn one_that_connects_anew_replaces_what_it_was() {
    let server = hub("hub").start();
    let first = Peer::bound_as(&server, r#","name":"edge","remote_account":"$G""#);
    let _second = Peer::bound_as(&server, r#","name":"edge","remote_account":"$G""#);
    assert_eq!(first.rest(), ["-ERR 'Duplicate Remote LeafNode Connection'"]);
    let _other = Peer::bound_as(&server, r#","name":"edge","remote_account":"OTHER""#);
    await_links(&server, 2);
}

fn next_attempt(server: &TestServer) -> Option<std::time::Duration> {
    let hubs = server.hubs().unwrap();
    hubs[0].dialling.as_ref().unwrap().next_attempt_in
}

/// Whoever is told why it cannot stay does not come again at once.
#[test]
fn a_hub_that_has_found_a_loop_is_left_alone() {
    let fake = FakeHub::new();
    let server = leaf("edge", &[fake.address()]).start();
    let (mut peer, _) = fake.greet("");
    peer.say("-ERR 'Loop detected for leafnode account=\"$G\". Delaying attempt to reconnect for 30s'");
    assert!(peer.rest().is_empty());
    eventually(|| next_attempt(&server).is_some());
    assert!(next_attempt(&server).unwrap().as_secs() > 20);
}

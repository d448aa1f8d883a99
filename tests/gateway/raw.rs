//! What a server says to other clusters, and what becomes of those who say something else.

use crate::peer::{FakeCluster, Peer, info};
use crate::world::{await_gateways, gateway, gateway_by};
use vagus_test_support::{Client, TestServer, eventually};

/// `$G` as commands name it.
const GLOBAL: &str = "JEc=";

fn knowing(fake: &FakeCluster) -> TestServer {
    gateway("a", "A", &[("X", fake.address().port())]).start()
}

#[test]
fn a_server_says_what_it_is_and_all_that_is_wanted() {
    let server = gateway("a", "A", &[]).start();
    let mut client = server.connected();
    client.send("SUB a.* 1\r\nSUB b q 2\r\nSUB b q 3");
    client.sync_silent();
    let mut peer = Peer::of(&server, "X");
    for said in [
        r#""server_name":"a""#,
        r#""gateway":"A""#,
        r#""gateway_urls":["127.0.0.1:"#,
        r#""gateway_url":"127.0.0.1:"#,
        r#""gateway_nrp":true,"gateway_iom":true"#,
    ] {
        assert!(peer.info().contains(said), "{said}: {}", peer.info());
    }
    let command =
        |command: u8| format!(r#""gateway":"A","gateway_cmd":{command},"gateway_cmd_payload":"{GLOBAL}""#);
    let first = peer.line();
    assert!(first.contains(&command(2)), "{first}");
    let mut told = vec![peer.line(), peer.line()];
    told.sort();
    // How many members there are concerns nobody else.
    assert_eq!(told, ["RS+ $G a.*", "RS+ $G b q 1"]);
    let last = peer.line();
    assert!(last.contains(&command(3)), "{last}");
    client.send("SUB c 4\r\nUNSUB 1");
    client.sync_silent();
    peer.expect(&["RS+ $G c", "RS- $G a.*"]);
    assert_eq!(server.gateways(), (0, 1));
}

#[test]
fn messages_come_to_who_wants_them_and_to_groups_that_are_named() {
    let server = gateway("a", "A", &[]).start();
    let mut client = server.connected();
    client.send("SUB a 1\r\nSUB a q 2");
    client.sync_silent();
    let mut peer = Peer::of(&server, "X");
    peer.say("RMSG $G a 1\r\n1\r\nRMSG $G a | q 1\r\n2\r\nHMSG $G a + r q 12 13\r\nNATS/1.0\r\n\r\n3");
    let mut came: Vec<String> = (0..5)
        .map(|_| client.message())
        .map(|message| format!("{} {}", message.sid, String::from_utf8_lossy(&message.payload)))
        .collect();
    came.sort();
    assert_eq!(came, ["1 1", "1 2", "1 3", "2 2", "2 3"]);
}

/// A server of old does not tell what it wants before it has been sent what it does not.
#[test]
fn a_server_of_old_is_sent_all_that_it_has_not_refused() {
    let fake = FakeCluster::new();
    let server = knowing(&fake);
    let (mut peer, ..) = fake.greet("X", "");
    let mut client = server.connected();
    await_gateways(&server, 1, 0);
    let publish = |client: &mut Client, subject: &str| {
        client.publish(subject, b"x");
        client.sync_silent();
    };
    // The account is known when it is used, and the connection hears of that.
    eventually(|| {
        client.send("PUB probe 1\r\nx");
        client.sync_silent();
        server.traffic().messages_out > 0
    });
    publish(&mut client, "a");
    while peer.line() != "RMSG $G a 1" {}
    peer.expect(&["x"]);
    peer.say("RS- $G a\r\nRS- $G b");
    peer.sync();
    for subject in ["a", "b", "c"] {
        publish(&mut client, subject);
    }
    peer.expect(&["RMSG $G c 1", "x"]);
    peer.say("RS+ $G a\r\nRS+ $G b.*");
    peer.sync();
    publish(&mut client, "a");
    peer.expect(&["RMSG $G a 1", "x"]);
    // Nothing at all, but for what a queue group is to have.
    peer.say("A- $G\r\nRS+ $G d q 1");
    peer.sync();
    publish(&mut client, "a");
    publish(&mut client, "d");
    peer.expect(&["RMSG $G d | q 1", "x"]);
    peer.say("A+ $G");
    peer.sync();
    publish(&mut client, "e");
    peer.expect(&["RMSG $G e 1", "x"]);
    // It tells all.
    let command = |command: u8| {
        format!(r#"INFO {{"gateway":"X","gateway_cmd":{command},"gateway_cmd_payload":"{GLOBAL}"}}"#)
    };
    peer.say(&command(2));
    peer.say("RS+ $G f");
    peer.sync();
    publish(&mut client, "e");
    peer.expect(&["RMSG $G e 1", "x"]);
    peer.say(&command(3));
    peer.sync();
    publish(&mut client, "e");
    publish(&mut client, "f");
    peer.expect(&["RMSG $G f 1", "x"]);
    peer.say("RS- $G f");
    peer.sync();
    publish(&mut client, "f");
    publish(&mut client, "d");
    peer.expect(&["RMSG $G d | q 1", "x"]);
}

/// Which are all since 2.9.
#[test]
fn a_server_that_tells_all_is_sent_nothing_else() {
    let fake = FakeCluster::new();
    let server = knowing(&fake);
    let (mut peer, connect, said) = fake.greet("X", r#","gateway_iom":true"#);
    assert!(connect.contains(r#""gateway":"A""#), "{connect}");
    assert!(said.contains(r#""gateway":"A""#), "{said}");
    let mut client = server.connected();
    let command = |command: u8| {
        format!(r#"INFO {{"gateway":"X","gateway_cmd":{command},"gateway_cmd_payload":"{GLOBAL}"}}"#)
    };
    peer.say(&format!("{}\r\nRS+ $G a\r\n{}", command(2), command(3)));
    peer.sync();
    client.send("PUB b 1\r\nx\r\nPUB a 1\r\nx");
    peer.expect(&["RMSG $G a 1", "x"]);
}

/// A reply that was subscribed to a moment ago says where it leads back to, and what comes on it goes there.
#[test]
fn replies_are_mapped_while_they_are_fresh() {
    let fake = FakeCluster::new();
    let server = knowing(&fake);
    let (mut peer, ..) = fake.greet("X", "");
    let mut client = server.connected();
    eventually(|| {
        client.send("PUB probe 0\r\n");
        client.sync_silent();
        server.traffic().messages_out > 0
    });
    client.send("SUB inbox 1\r\nPUB service inbox 2\r\nhi\r\nPUB service other 2\r\nho");
    let mut line = peer.line();
    while !line.starts_with("RMSG $G service") {
        line = peer.line();
    }
    let reply = line.split(' ').nth(3).unwrap().to_owned();
    let words: Vec<&str> = reply.split('.').collect();
    assert_eq!(
        (words[0], words[1].len(), words[2].len(), words[3]),
        ("_GR_", 6, 6, "inbox")
    );
    peer.expect(&["hi", "RMSG $G service other 2", "ho"]);
    // It is answered on the other connection.
    let mut inbound = Peer::of(&server, "X");
    inbound.say(&format!("RMSG $G {reply} 2\r\nok"));
    let answer = client.message();
    assert_eq!((&*answer.subject, &*answer.payload), ("inbox", &b"ok"[..]));
}

/// What claims to lead back and does not is for nobody.
#[test]
fn forged_replies_lead_nowhere() {
    let server = gateway("a", "A", &[]).start();
    let mut client = server.connected();
    client.send("SUB > 1");
    client.sync_silent();
    let mut peer = Peer::of(&server, "X");
    for subject in [
        "_GR_.",
        "_GR_.aaaaaa.bbbbbb.inbox",
        "_GR_.x",
        "_GR_.aaaaaa.bbbbbb.",
    ] {
        peer.say(&format!("RMSG $G {subject} 1\r\nx"));
    }
    // As a reply it is shown as it is where it leads nowhere.
    peer.say("RMSG $G a _GR_.x 1\r\n1\r\nRMSG $G b _GR_.aaaaaa.bbbbbb.inbox 1\r\n2");
    let shown = |client: &mut Client| {
        let message = client.message();
        (message.subject, message.reply.unwrap_or_default())
    };
    assert_eq!(shown(&mut client), ("a".into(), "_GR_.x".into()));
    assert_eq!(shown(&mut client), ("b".into(), "inbox".into()));
    assert!(client.sync_messages().is_empty());
    // Nobody is there to whom it leads back: it is published as any other.
    client.send("PUB inbox 1\r\n3");
    assert_eq!(client.message().subject, "inbox");
}

/// Accounts that there are not are refused once each.
#[test]
fn messages_for_nobody_are_refused() {
    let server = gateway("a", "A", &[]).start();
    let mut peer = Peer::of(&server, "X");
    peer.say("RMSG NOBODY a 1\r\nx\r\nRMSG NOBODY b 1\r\nx\r\nRMSG OTHER a 1\r\nx\r\nPING");
    let mut told = Vec::new();
    loop {
        match peer.line() {
            line if line == "PONG" => break,
            line if line.starts_with("A-") => told.push(line),
            _ => {}
        }
    }
    assert_eq!(told, ["A- NOBODY", "A- OTHER"]);
}

#[test]
fn what_is_no_gateway_is_refused() {
    let server = gateway("a", "A", &[]).start();
    for (said, answer) in [
        ("SUB a 1", "-ERR 'Unknown Protocol Operation'"),
        ("RS+ $G a", "-ERR 'Authorization Violation'"),
        ("RMSG $G a 1000", "-ERR 'Authorization Violation'"),
        ("PING", "-ERR 'Authorization Violation'"),
        (
            r#"CONNECT {"lang":"rust","verbose":false}"#,
            "-ERR 'attempted to connect to gateway port'",
        ),
        (
            r#"CONNECT {"name":"N","cluster":"c"}"#,
            "-ERR 'attempted to connect to gateway port'",
        ),
    ] {
        let mut peer = Peer::to(&server);
        peer.say(said);
        assert_eq!(peer.rest(), [answer], "{said}");
    }
    for said in [
        "CONNECT {",
        "CONNECT []",
        "CONNECT [\"X\"]",
        "INFO {}",
        "CONNECT {\"gateway\":\"X\"}\r\nINFO {",
        "CONNECT {\"gateway\":\"X\"}\r\nINFO {}",
        "CONNECT {\"gateway\":\"X\"}\r\nINFO []",
        "CONNECT {\"gateway\":\"X\"}\r\nINFO {\"gateway\":\"A\"}",
        "CONNECT {\"gateway\":\"X\"}\r\nRMSG $G a 1\r\nx",
    ] {
        let mut peer = Peer::to(&server);
        peer.say(said);
        assert!(peer.rest().iter().all(|line| line.starts_with("-ERR")), "{said}");
    }
    // Each direction has its own words.
    let mut peer = Peer::of(&server, "X");
    peer.say("RS+ $G a");
    assert!(peer.rest().is_empty());
    await_gateways(&server, 0, 0);
    server.expect_to_serve();
}

#[test]
fn a_server_of_another_cluster_than_is_looked_for_is_left() {
    let fake = FakeCluster::new();
    let server = knowing(&fake);
    let mut peer = fake.accept();
    peer.say(&info("Y", ""));
    let told = peer.line();
    assert!(
        told.contains(r#"Connection from "A" rejected, wanted to connect to "X", this is "Y""#),
        "{told}"
    );
    let mut peer = fake.accept();
    peer.say(r#"INFO {"server_id":"N","server_name":"client port"}"#);
    let told = peer.line();
    assert!(
        told.contains(r#"Attempt to connect to gateway "X" using wrong port"#),
        "{told}"
    );
    assert_eq!(server.gateways(), (0, 0));
}

#[test]
fn clusters_that_are_not_named_are_refused_where_that_is_said() {
    let fake = FakeCluster::new();
    let server = gateway_by("a", "A", &[("X", fake.address().port())], |gateway| {
        gateway.rejects_unknown = true;
    });
    let server = server.start();
    let peer = Peer::of(&server, "Y");
    assert_eq!(peer.rest(), ["-ERR 'Connection to gateway \"A\" rejected'"]);
    eventually(|| server.gateway_monitor().unwrap().closed.get("Wrong Gateway") == Some(&1));
    let _peer = Peer::of(&server, "X");
    await_gateways(&server, 0, 1);
    // Nor is one that others tell of.
    let (mut outbound, ..) = fake.greet("X", "");
    outbound.say(r#"INFO {"gateway":"Z","gateway_urls":["127.0.0.1:1"],"gateway_cmd":1}"#);
    outbound.sync();
    let known = server.remote_clusters().unwrap();
    assert_eq!(known.len(), 1, "{known:?}");
}

/// Whoever tells of clusters without end is heard for a while.
#[test]
fn what_others_tell_of_is_bounded() {
    let fake = FakeCluster::new();
    let server = gateway_by("a", "A", &[("X", fake.address().port())], |gateway| {
        gateway.connect_retries = 1_000_000;
    });
    let server = server.start();
    let (mut peer, ..) = fake.greet("X", "");
    for number in 0..2000 {
        peer.say(&format!(
            r#"INFO {{"gateway":"Z{number}","gateway_urls":["127.0.0.1:1"],"gateway_cmd":1}}"#
        ));
    }
    peer.sync();
    let known = server.remote_clusters().unwrap().len();
    assert!((2..=257).contains(&known), "{known}");
    server.expect_to_serve();
}

/// Subjects without end that are not wanted, in one account and in many.
#[test]
fn refusals_without_end_cost_little() {
    let fake = FakeCluster::new();
    let server = knowing(&fake);
    let (mut peer, ..) = fake.greet("X", "");
    for number in 0..20_000 {
        peer.say(&format!("RS- $G s.{number}\r\nRS- ACC{number} s"));
    }
    peer.sync();
    let mut client = server.connected();
    client.publish("s.1", b"x");
    client.sync_silent();
    server.expect_to_serve();
}

//! What a bad leaf node does costs itself alone.

use crate::peer::Peer;
use crate::world::await_links;
use vagus_test_support::{Client, TestServer, eventually, server};

fn hub() -> TestServer {
    let text = "server_name: hub
        system_account: SYS
        accounts {
            SYS { users: [{user: s, password: p}] }
            A { users: [{user: a, password: p}] }
            B { users: [{user: b, password: p}] }
        }
        leafnodes { listen: \"127.0.0.1:-1\" }";
    server().configured(text).arbiters(2).start()
}

const AS_A: &str = r#","user":"a","pass":"p","name":"edge""#;

fn client(hub: &TestServer, user: &str) -> Client {
    let connect = format!(r#"{{"verbose":false,"user":"{user}","pass":"p","headers":true}}"#);
    let mut client = hub.client().connect(&connect);
    client.sync_silent();
    client
}

/// Whatever subject and reply a leaf node names, what it sends stays in its account.
#[test]
fn nothing_gets_into_other_accounts() {
    let hub = hub();
    let mut own = client(&hub, "a");
    own.subscribe("own", "1");
    own.sync_silent();
    let mut others = ["b", "s"].map(|user| client(&hub, user));
    for other in &mut others {
        other.send(
            "SUB x.> 1\r\nSUB _R_.> 2\r\nSUB _GR_.> 3\r\nSUB $JS.> 4\r\nSUB $SYS.ACCOUNT.B.> 5\r\nSUB own 6",
        );
        other.sync_silent();
    }
    let mut peer = Peer::bound_as(&hub, AS_A);
    peer.expect(&["LS+ own"]);
    for subject in [
        "x.a",
        "_R_.abcdef",
        "_GR_.a.b.x.a",
        "$JS.ACK.S.C.1.1.1.1.0",
        "$JS.API.INFO",
        "$SYS.ACCOUNT.B.CONNECT",
        "$SYS.REQ.SERVER.PING",
        "$LDS.x",
    ] {
        peer.say(&format!(
            "LMSG {subject} 1\r\n1\r\nLMSG {subject} + x.reply q 1\r\n2"
        ));
    }
    peer.say("LMSG own | no.such.group 1\r\n3");
    assert_eq!(own.message().payload, b"3");
    for other in &mut others {
        assert!(other.sync_messages().is_empty());
    }
}

/// A line without an end is not waited for, nor a message that is larger than any may be.
#[test]
fn what_does_not_end_is_cut_off() {
    let hub = hub();
    let other = Peer::bound_as(&hub, r#","user":"b","pass":"p","name":"other""#);
    let endless = "x".repeat(100_000);
    for (said, answer) in [
        (format!("LS+ {endless}"), "-ERR 'maximum control line exceeded'"),
        (
            "LMSG a 100000000\r\nx".to_owned(),
            "-ERR 'Maximum Payload Violation'",
        ),
    ] {
        let mut peer = Peer::bound_as(&hub, AS_A);
        peer.say(&said);
        assert_eq!(peer.rest(), [answer]);
    }
    // Before anybody is known as little is held.
    let mut stranger = Peer::to(&hub);
    stranger.say(&format!("CONNECT {{\"name\":\"{endless}\"}}"));
    assert!(stranger.rest().len() <= 1);
    await_links(&hub, 1);
    let mut own = client(&hub, "b");
    own.subscribe("s", "1");
    own.publish("s", b"1");
    assert_eq!(own.message().payload, b"1");
    drop(other);
}

/// Links come and go by the hundred, each with interest of its own: what is kept for them goes with them.
#[test]
fn nothing_is_left_of_a_storm_of_links() {
    const LINKS: usize = 40;
    const SUBJECTS: usize = 5;
    let hub = crate::world::hub("hub").start();
    let router = || hub.router().unwrap();
    let before = router().subscriptions;
    for round in 0..3 {
        let links: Vec<Peer> = (0..LINKS)
            .map(|number| {
                let mut link = Peer::bound_as(&hub, &format!(r#","name":"edge-{round}-{number}""#));
                let lines: Vec<String> = (0..SUBJECTS).map(|it| format!("LS+ s.{number}.{it}")).collect();
                link.say(&lines.join("\r\n"));
                link.sync_past_interest();
                link
            })
            .collect();
        assert_eq!(router().subscriptions, before + LINKS * SUBJECTS);
        drop(links);
        await_links(&hub, 0);
        eventually(|| router().subscriptions == before);
    }
    // A link whose other end is gone is noticed when there is something to tell it.
    let mut client = hub.connected();
    client.subscribe("news", "1");
    client.sync_silent();
    eventually(|| router().watchers == 0 && router().untold_changes == 0);
}

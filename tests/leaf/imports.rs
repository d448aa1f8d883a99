//! A leaf node gets what the account imports that it is linked to, as clients of that account do.

use crate::peer::Peer;
use crate::world::{await_links, leaf_by};
use vagus_configs::ServerUrl;
use vagus_test_support::{TestServer, eventually, server};

const ACCOUNTS: &str = "accounts {
    EXPORTS { users: [{user: e, password: p}], exports: [{stream: 'ev.>'}, {stream: 'other.>'}] }
    IMPORTS { users: [{user: i, password: p}], imports: [
        {stream: {account: EXPORTS, subject: 'ev.>'}}
        {stream: {account: EXPORTS, subject: 'other.>'}, prefix: 'theirs'}
        {stream: {account: EXPORTS, subject: 'ev.*'}, prefix: 'again'}
    ] }
}, leafnodes { listen: '127.0.0.1:-1', authorization { user: l, password: p, account: IMPORTS } }";

fn exporting() -> TestServer {
    server().configured(ACCOUNTS).start()
}

/// Publishes in the account that exports.
fn publish(server: &TestServer, text: &str) {
    let mut publisher = server
        .client()
        .connect(r#"{"verbose":false,"pedantic":false,"headers":true,"user":"e","pass":"p"}"#);
    publisher.send(text);
    publisher.sync_silent();
}

#[test]
fn it_calls_what_is_imported_as_the_account_does() {
    let server = exporting();
    let mut peer = Peer::bound_as(&server, r#","name":"edge","user":"l","pass":"p""#);
    peer.say("LS+ ev.a\r\nLS+ ev.*\r\nLS+ theirs.>\r\nLS+ ev.a q 2\r\nLS+ theirs.other.b r 1");
    peer.sync();
    publish(&server, "PUB ev.a 1\r\n1\r\nPUB ev.b r 1\r\n2");
    peer.expect(&["LMSG ev.a | q 1", "1", "LMSG ev.b r 1", "2"]);
    publish(
        &server,
        "PUB other.b 1\r\n3\r\nHPUB other.c 12 13\r\nNATS/1.0\r\n\r\n4\r\nPUB ev 1\r\n5",
    );
    peer.expect(&[
        "LMSG theirs.other.b | r 1",
        "3",
        "HMSG theirs.other.c 12 13",
        "NATS/1.0",
        "",
        "4",
    ]);
    // Under each of its names.
    peer.say("LS+ again.ev.a\r\nLS+ again.ev.* q 1");
    peer.sync();
    publish(&server, "PUB ev.a 1\r\n6\r\nPUB ev.b 1\r\n7");
    let mut lines: Vec<String> = (0..8).map(|_| peer.line()).collect();
    lines.sort();
    // Members of one group, by whatever name.
    let of_group = lines.iter().filter(|line| line.contains(" | q ")).count();
    assert_eq!(of_group, 2, "{lines:?}");
    for (place, payload) in ["6", "6", "7", "7"].into_iter().enumerate() {
        assert_eq!(lines[place], payload, "{lines:?}");
    }
    peer.say("LS- ev.a\r\nLS- ev.*\r\nLS- again.ev.a\r\nLS- ev.a q\r\nLS- again.ev.* q");
    peer.sync();
    publish(&server, "PUB ev.a 1\r\n8\r\nPUB other.last 1\r\n9");
    peer.expect(&["LMSG theirs.other.last 1", "9"]);
}

/// Messages by the thousand, as they come in one read.
#[test]
fn what_is_imported_comes_in_order_and_once() {
    let server = exporting();
    let address = server.leafnode_address().unwrap();
    let leaf = leaf_by("edge", &[address], |remote| {
        remote.urls = vec![ServerUrl::parse(&format!("nats-leaf://l:p@{address}")).unwrap()];
    });
    let leaf = leaf.start();
    await_links(&leaf, 1);
    let mut subscriber = leaf.connected();
    subscriber.send("SUB theirs.other.* 1\r\nSUB ev.* 2");
    subscriber.sync_silent();
    eventually(|| {
        publish(&server, "PUB other.first 0\r\n");
        !subscriber.sync_messages().is_empty()
    });
    let mut text = String::new();
    for number in 0..2000 {
        let number = format!("{number:04}");
        text += &format!("PUB other.x 4\r\n{number}\r\nPUB ev.x 4\r\n{number}\r\n");
    }
    publish(&server, text.trim_end());
    for subject in ["theirs.other.x", "ev.x"].repeat(2000).into_iter().enumerate() {
        let (place, subject) = subject;
        let message = loop {
            let message = subscriber.message();
            if message.subject != "theirs.other.first" {
                break message;
            }
        };
        let payload = String::from_utf8(message.payload).unwrap();
        assert_eq!(
            (&*message.subject, payload),
            (subject, format!("{:04}", place / 2))
        );
    }
}

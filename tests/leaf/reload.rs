//! Hubs come and go while a server runs, and leaf nodes belong to the accounts that they log in to.

use crate::world::await_links;
use std::net::SocketAddr;
use vagus_test_support::{Client, TestServer, eventually, server};

fn hub() -> TestServer {
    let text = "server_name: hub
        accounts { A { users: [{user: a, password: p}] }, B { users: [{user: b, password: p}] } }
        leafnodes { listen: \"127.0.0.1:-1\", authorization { users: [
            {user: la, password: p, account: A}, {user: lb, password: p, account: B}
        ] } }";
    server().arbiters(2).configured(text).start()
}

fn text(remotes: &str) -> String {
    format!(
        "server_name: edge
         accounts {{ X {{ users: [{{user: x, password: p}}] }}, Y {{ users: [{{user: y, password: p}}] }} }}
         leafnodes {{ reconnect: 20ms, remotes: [{remotes}] }}"
    )
}

fn remote(user: &str, hub: SocketAddr, account: &str, more: &str) -> String {
    format!("{{ url: \"nats-leaf://{user}:p@{hub}\", account: {account} {more} }}")
}

fn client(server: &TestServer, user: &str) -> Client {
    let connect = format!(r#"{{"verbose":false,"headers":true,"user":"{user}","pass":"p"}}"#);
    let mut client = server.client().connect(&connect);
    client.sync_silent();
    client
}

/// Publishes until it has come to the one who is to have it, and to nobody else.
#[track_caller]
fn comes_to(publisher: &mut Client, subscribers: &mut [Client], expected: usize) {
    // What others have published may yet be on its way.
    let has_come = |subscriber: &mut Client| {
        let came = subscriber.sync_messages();
        let payload = expected.to_string().into_bytes();
        came.iter().any(|message| message.payload == payload)
    };
    eventually(|| {
        publisher.send(&format!("PUB s 1\r\n{expected}"));
        publisher.sync_silent();
        has_come(&mut subscribers[expected])
    });
    for (place, subscriber) in subscribers.iter_mut().enumerate() {
        assert!(place == expected || !has_come(subscriber), "{place}");
    }
}

#[test]
fn each_link_is_of_one_account_here_and_one_there() {
    let hub = hub();
    let at = hub.leafnode_address().unwrap();
    let both = [remote("la", at, "Y", ""), remote("lb", at, "X", "")].join(", ");
    let leaf = server().arbiters(2).configured(&text(&both)).start();
    await_links(&hub, 2);
    let mut subscribers = ["x", "y"].map(|user| {
        let mut subscriber = client(&leaf, user);
        subscriber.subscribe("s", "1");
        subscriber.sync_silent();
        subscriber
    });
    comes_to(&mut client(&hub, "a"), &mut subscribers, 1);
    comes_to(&mut client(&hub, "b"), &mut subscribers, 0);
}

#[test]
fn hubs_come_and_go() {
    let hub = hub();
    let at = hub.leafnode_address().unwrap();
    let leaf = server().arbiters(2).configured(&text("")).start();
    let (one, other) = (remote("la", at, "X", ""), remote("lb", at, "Y", ""));
    let disabled = remote("lb", at, "Y", ", disabled: true");
    for (remotes, links) in [
        (one.clone(), 1),
        (format!("{one}, {other}"), 2),
        (format!("{one}, {disabled}"), 1),
        (format!("{one}, {other}"), 2),
        (String::new(), 0),
    ] {
        leaf.reconfigure(&text(&remotes));
        await_links(&hub, links);
        await_links(&leaf, links);
    }
}

#[test]
fn a_hub_that_sets_its_users_otherwise_keeps_those_who_are_the_same() {
    let hub = hub();
    let at = hub.leafnode_address().unwrap();
    let both = [remote("la", at, "X", ""), remote("lb", at, "Y", "")].join(", ");
    let leaf = server().arbiters(2).configured(&text(&both)).start();
    await_links(&hub, 2);
    hub.reconfigure(&format!(
        "server_name: hub
         accounts {{ A {{ users: [{{user: a, password: p}}] }}, B {{ users: [{{user: b, password: p}}] }} }}
         leafnodes {{ listen: \"{at}\", authorization {{ users: [{{user: la, password: p, account: A}}] }} }}"
    ));
    await_links(&hub, 1);
    await_links(&leaf, 1);
    let hubs = leaf.hubs().unwrap();
    assert_eq!(hubs.len(), 2);
}

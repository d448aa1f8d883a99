//! What an account may have, whoever of it asks.

use crate::world::{client, options};
use vagus_test_support::{TestServer, eventually, server};

fn limited(limits: &str) -> TestServer {
    server().configured(&limits_of_a(limits)).start()
}

fn limits_of_a(limits: &str) -> String {
    format!(
        "max_payload: 1000
        accounts {{
            A {{ users: [{{user: a, password: p}}, {{user: other, password: p}}], limits {{ {limits} }} }}
            B {{ users: [{{user: b, password: p}}] }}
        }}"
    )
}

#[test]
fn connections() {
    let server = limited("max_connections: 2");
    let first = client(&server, "a");
    let _second = client(&server, "other");
    let mut third = server.client().connect(&options("a"));
    third.expect("-ERR 'maximum account active connections exceeded'");
    third.closed();
    // It is full for itself alone, and not for ever.
    let _b = client(&server, "b");
    drop(first);
    eventually(|| server.connections().len() == 2);
    let _again = client(&server, "a");
}

#[test]
fn subscriptions() {
    let server = limited("max_subs: 2");
    let [mut a, mut b] = ["a", "b"].map(|user| client(&server, user));
    for sid in ["1", "2"] {
        a.subscribe("x", sid);
    }
    a.send("SUB x 3");
    a.expect("-ERR 'maximum subscriptions exceeded'");
    for sid in ["1", "2", "3"] {
        b.subscribe("x", sid);
    }
    // Each connection may have as many.
    let mut other = client(&server, "other");
    other.subscribe("x", "1");
}

/// The least of what the account and the server grant, which INFO tells.
#[test]
fn payload() {
    let server = limited("max_payload: 100");
    let [mut a, mut b] = ["a", "b"].map(|user| client(&server, user));
    assert!(a.info().contains(r#""max_payload":100,"#), "{}", a.info());
    assert!(b.info().contains(r#""max_payload":1000,"#), "{}", b.info());
    for client in [&mut a, &mut b] {
        client.publish("x", &[b'.'; 100]);
        client.sync_silent();
    }
    b.publish("x", &[b'.'; 101]);
    b.sync_silent();
    a.send("PUB x 101");
    a.expect("-ERR 'Maximum Payload Violation'");
    a.closed();
    let server = limited("max_payload: 2000");
    assert!(client(&server, "a").info().contains(r#""max_payload":1000,"#));
}

#[test]
fn that_change_while_the_server_runs() {
    let server = limited("max_payload: 100, max_subs: 1, max_conn: 1");
    let mut a = client(&server, "a");
    a.subscribe("x", "1");
    server.reconfigure(&limits_of_a("max_payload: 50, max_subs: 3, max_conn: 2"));
    a.read_info();
    assert!(a.info().contains(r#""max_payload":50,"#), "{}", a.info());
    a.subscribe("x", "2");
    let _second = client(&server, "other");
    // It has more than it may now.
    server.reconfigure(&limits_of_a("max_payload: 50, max_subs: 1"));
    a.expect("-ERR 'maximum subscriptions exceeded'");
    a.closed();
}

/// Those stay who came first, as in nats-server where a token says so; where its configuration does, any of them go there.
#[test]
fn connections_that_are_too_many_by_now() {
    let server = limited("max_connections: 4");
    let mut of_a: Vec<_> = ["a", "other", "a", "other"]
        .map(|user| client(&server, user))
        .into();
    let mut b = client(&server, "b");
    server.reconfigure(&limits_of_a("max_connections: 4, max_payload: 500"));
    for client in &mut of_a {
        client.read_info();
        client.sync_silent();
    }
    server.reconfigure(&limits_of_a("max_connections: 2, max_payload: 500"));
    for mut client in of_a.drain(2..) {
        client.expect("-ERR 'maximum account active connections exceeded'");
        client.closed();
    }
    for client in &mut of_a {
        client.sync_silent();
    }
    b.sync_silent();
    eventually(|| server.connections().len() == 3);
    // There is room again, for as many as may be there.
    drop(of_a.pop());
    eventually(|| server.connections().len() == 2);
    let _again = client(&server, "a");
    let mut refused = server.client().connect(&options("a"));
    refused.expect("-ERR 'maximum account active connections exceeded'");
}

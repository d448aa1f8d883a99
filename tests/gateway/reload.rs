//! Clusters come and go, and a server stays connected to those that are there.

use crate::world::{await_gateways, gateway, gateway_by, port, two};
use vagus_configs::Port;
use vagus_test_support::{HeldPort, TestServer, eventually, server, subscribed};

/// A cluster goes and comes back: what is wanted there is known again, and nothing else.
#[test]
fn a_cluster_that_was_away_is_connected_again() {
    let held = HeldPort::new();
    let there = || {
        let there = gateway_by("b", "B", &[], |gateway| {
            gateway.listener.listen.port = held.fixed()
        });
        there.start()
    };
    let first = there();
    let a = gateway("a", "A", &[("B", port(&first))]).start();
    await_gateways(&a, 1, 1);
    let gone = subscribed(&first, "gone 1", &[&a]);
    drop((gone, first));
    await_gateways(&a, 0, 0);
    eventually(|| a.router().unwrap().subscriptions == 0 || a.gateways() == (0, 0));
    let again = there();
    await_gateways(&a, 1, 1);
    let mut subscriber = subscribed(&again, "s 1", &[&a]);
    let mut publisher = a.connected();
    publisher.send("SUB inbox 9\r\nPUB gone inbox 1\r\nx");
    // Nobody wants it.
    assert_eq!(publisher.message().subject, "inbox");
    publisher.publish("s", b"x");
    assert_eq!(subscriber.message().payload, b"x");
}

/// Those that others tell of are given up when they are not there; those of the configuration never.
#[test]
fn a_cluster_that_was_told_of_is_forgotten() {
    let [a, b] = two();
    let known = a.remote_clusters().unwrap();
    assert_eq!(known.len(), 1);
    assert!(!known[0].is_configured, "{known:?}");
    let address = port(&a);
    drop(b);
    eventually(|| a.remote_clusters().unwrap().is_empty());
    let b = gateway("b", "B", &[("A", address)]).start();
    drop(a);
    eventually(|| {
        let known = b.remote_clusters().unwrap();
        known.len() == 1 && known[0].dialling.failed > 1
    });
    let a = gateway_by("a", "A", &[], |gateway| {
        gateway.listener.listen.port = Port::Fixed(address);
    });
    let a = a.start();
    await_gateways(&a, 1, 1);
}

/// A server by a file, which says this of its gateway.
fn text(name: &str, more: &str) -> String {
    format!("server_name: {name}\ngateway {{ name: {name}, listen: \"127.0.0.1:-1\" {more} }}")
}

/// How a file names the cluster `B`, which this is.
fn knows(b: &TestServer) -> String {
    format!("{{name: B, url: \"nats://127.0.0.1:{}\"}}", port(b))
}

/// What is added is dialled, and what is taken away is left.
#[test]
fn clusters_are_added_and_taken_away() {
    let b = server().arbiters(2).configured(&text("B", "")).start();
    let a = server().arbiters(2).configured(&text("A", "")).start();
    a.reconfigure(&text("A", &format!(", gateways: [{}]", knows(&b))));
    await_gateways(&a, 1, 1);
    await_gateways(&b, 1, 1);
    let mut subscriber = subscribed(&b, "s 1", &[&a]);
    a.connected().publish("s", b"x");
    assert_eq!(subscriber.message().payload, b"x");
    a.reconfigure(&text("A", ""));
    eventually(|| {
        a.remote_clusters()
            .unwrap()
            .iter()
            .all(|known| !known.is_configured)
    });
}

/// Whether it has closed connections of other clusters for this reason.
fn has_sent_away(server: &TestServer, reason: &str) -> bool {
    server.gateway_monitor().unwrap().closed.contains_key(reason)
}

/// Who is connected already stays; who comes has to present what is asked for now, and to be known where only such are let in.
#[test]
fn what_is_asked_of_others_changes() {
    let b = server().arbiters(2).configured(&text("B", "")).start();
    let asking = |password: &str| {
        let gateways = format!(", gateways: [{}]", knows(&b));
        let authorization = format!(", authorization: {{user: g, password: {password}}}");
        text("A", &format!("{authorization}{gateways}"))
    };
    let a = server().arbiters(2).configured(&asking("one")).start();
    // It does not know what to present.
    eventually(|| has_sent_away(&a, "Authentication Failure"));
    b.reconfigure(&text("B", ", authorization: {user: g, password: two}"));
    a.reconfigure(&asking("two"));
    await_gateways(&a, 1, 1);
    await_gateways(&b, 1, 1);

    let c = server().arbiters(2).configured(&text("C", "")).start();
    let rejecting = ", reject_unknown_cluster: true, gateways";
    a.reconfigure(&asking("two").replace(", gateways", rejecting));
    let of_c = format!(
        ", authorization: {{user: g, password: two}}, gateways: [{{name: A, url: \"nats://127.0.0.1:{}\"}}]",
        port(&a)
    );
    c.reconfigure(&text("C", &of_c));
    eventually(|| has_sent_away(&a, "Wrong Gateway"));
    assert_eq!(a.gateways(), (1, 1));
    a.reconfigure(&asking("two"));
    await_gateways(&c, 2, 2);
}

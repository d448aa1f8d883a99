//! Clusters come and go, and a server stays connected to those that are there.

use crate::world::{await_gateways, gateway, gateway_by, port, subscribed, two};
use vagus_configs::Port;
use vagus_test_support::{HeldPort, eventually};

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

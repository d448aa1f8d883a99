//! Operators see which servers there are, what passes, and who is missed.

use crate::world::{await_interest, await_members, member};
use std::net::SocketAddr;
use vagus_test_support::{HeldPort, TestServer, eventually};

/// The sum of the metrics of this name that have this label; None if there is none.
fn metric(server: &TestServer, name: &str, label: &str) -> Option<f64> {
    let metrics = server.get("/metrics").body;
    let named = |line: &&str| line.starts_with(&format!("{name}{{")) && line.contains(label);
    let values = metrics.lines().filter(named).map(|line| {
        let (_, value) = line.rsplit_once(' ').unwrap();
        value.parse::<f64>().unwrap()
    });
    values.reduce(|sum, value| sum + value)
}

#[test]
fn servers_that_are_dialled_also_those_that_are_not_there() {
    let nobody = HeldPort::new();
    let missed = nobody.address();
    let first = member("a", &[]).start();
    let second = member("b", &[first.cluster_address().unwrap(), missed])
        .monitoring()
        .start();
    await_members(&second, 1);
    eventually(|| {
        let shown = second.get("/clusterz").json();
        let dialled = shown["dialled"].as_array().unwrap();
        let at = |address: SocketAddr| {
            let mut servers = dialled.iter();
            servers.find(|server| server["address"] == address.to_string())
        };
        let (reached, missed) = (at(first.cluster_address().unwrap()), at(missed));
        shown["name"] == "tests"
            && shown["members"][0] == "a"
            && reached.unwrap()["connected"].is_string()
            && missed.unwrap()["failed"].as_u64() > Some(0)
            && missed.unwrap()["next_attempt_in"].is_number()
            && missed.unwrap()["last_error"]
                .as_str()
                .unwrap()
                .contains("refused")
    });
    let label = format!("address=\"{missed}\"");
    assert!(metric(&second, "vagus_cluster_failed_attempts", &label) > Some(0.0));
    let label = format!("address=\"{}\"", first.cluster_address().unwrap());
    assert_eq!(
        metric(&second, "vagus_cluster_failed_attempts", &label),
        Some(0.0)
    );
}

#[test]
fn what_passes_on_each_route() {
    let first = member("a", &[]).monitoring().start();
    let second = member("b", &[first.cluster_address().unwrap()])
        .monitoring()
        .start();
    await_members(&first, 1);
    let mut subscriber = second.connected();
    subscriber.subscribe("passes", "1");
    await_interest(&first, 1);
    let mut publisher = first.connected();
    publisher.send("PUB passes 5\r\nhello");
    subscriber.expect("MSG passes 1 5\r\nhello");
    for (server, other, name) in [(&first, "b", "sent"), (&second, "a", "received")] {
        let label = format!("server=\"{other}\"");
        let total = |what: &str| format!("vagus_cluster_route_{name}_{what}_total");
        assert_eq!(metric(server, &total("messages"), &label), Some(1.0));
        assert_eq!(metric(server, &total("bytes"), &label), Some(5.0));
        assert!(metric(server, "vagus_cluster_route_subscriptions", &label).is_some());
    }
}

//! Where several clusters have members of a queue group, the one is asked that answers soonest.

use crate::world::{await_gateways, gateway, gateway_by};
use std::net::SocketAddr;
use std::time::Duration;
use vagus_test_support::{Client, Relay, TestServer, eventually, subscribed};

/// Each way.
const FAR: Duration = Duration::from_millis(40);
const NEAR: Duration = Duration::from_millis(5);

/// A cluster that all are to reach by way of a relay, which takes so long.
fn distant(name: &str, delay: Duration) -> (TestServer, Relay) {
    // Others are told the address of the relay, which has to be known before the server is.
    let port = vagus_test_support::HeldPort::new();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let relay = Relay::start(any, port.address(), delay);
    let server = gateway_by(&name.to_lowercase(), name, &[], |gateway| {
        gateway.listener.listen.port = port.fixed();
        gateway.listener.advertise = Some(relay.address().to_string());
    });
    (server.start(), relay)
}

/// How long it takes to another cluster and back, in milliseconds, once that is known.
fn round_trip(server: &TestServer, cluster: &str) -> Option<f64> {
    let shown = server.get(&format!("/gatewayz?gw_name={cluster}")).json();
    let text = shown["outbound_gateways"][cluster]["connection"]["rtt"]
        .as_str()?
        .to_owned();
    match text.strip_suffix("ms") {
        Some(milliseconds) => milliseconds.parse().ok(),
        None => None,
    }
}

fn count_of(member: &mut Client, messages: usize) -> usize {
    let mut came = 0;
    while came < messages {
        assert_eq!(member.message().subject, "s");
        came += 1;
    }
    came
}

#[test]
fn the_cluster_with_the_shortest_round_trip_is_asked_first() {
    for (near, far) in [("B", "C"), ("C", "B")] {
        let (first, first_relay) = distant(near, NEAR);
        let (second, second_relay) = distant(far, FAR);
        let remotes = [
            (near, first_relay.address().port()),
            (far, second_relay.address().port()),
        ];
        let a = gateway("a", "A", &remotes).monitoring().start();
        await_gateways(&a, 2, 2);
        eventually(|| {
            round_trip(&a, near).is_some_and(|it| it >= 10.0)
                && round_trip(&a, far).is_some_and(|it| it >= 80.0)
        });
        let mut of_near = subscribed(&first, "s q 1", &[&a]);
        let mut of_far = subscribed(&second, "s q 1", &[&a]);
        let mut publisher = a.connected();
        publisher.send("PUB s 1\r\n1\r\n".repeat(50).trim_end());
        publisher.sync_silent();
        assert_eq!(count_of(&mut of_near, 50), 50);
        // One that is further is asked where nobody nearer is.
        of_near.send("UNSUB 1");
        of_near.sync_silent();
        let mut known = first.connected();
        known.subscribe("behind", "1");
        eventually(|| {
            publisher.send("PUB behind 0\r\n");
            publisher.sync_silent();
            !known.sync_messages().is_empty()
        });
        assert!(of_far.sync_messages().is_empty());
        publisher.send("PUB s 1\r\n2\r\n".repeat(50).trim_end());
        publisher.sync_silent();
        assert_eq!(count_of(&mut of_far, 50), 50);
        assert!(of_near.sync_messages().is_empty());
    }
}

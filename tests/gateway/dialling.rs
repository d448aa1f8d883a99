//! How other clusters are connected to: how often that is tried, how long is waited in between, and where.

use crate::peer::{FakeCluster, Peer};
use crate::world::{await_gateways, gateway, gateway_by, port};
use std::net::SocketAddr;
use std::time::Duration;
use vagus_actors::gateways::RemoteClusterState;
use vagus_test_support::{HeldPort, Relay, TestServer, eventually};

fn known(server: &TestServer, cluster: &str) -> Option<RemoteClusterState> {
    let known = server.remote_clusters().unwrap();
    known.into_iter().find(|remote| remote.name == cluster)
}

/// One that others tell of is tried once, and so often again as is said; one of the configuration for ever.
#[test]
fn who_is_not_there_is_tried_so_often() {
    let (nobody, fake) = (HeldPort::new(), FakeCluster::new());
    let remotes = [("X", fake.address().port()), ("Y", nobody.address().port())];
    let server = gateway_by("a", "A", &remotes, |gateway| gateway.connect_retries = 1);
    let server = server.start();
    let (mut peer, ..) = fake.greet("X", "");
    peer.say(&format!(
        r#"INFO {{"gateway":"Z","gateway_urls":["{}"],"gateway_cmd":1}}"#,
        nobody.address()
    ));
    let mut failed = 0;
    eventually(|| {
        let told_of = known(&server, "Z");
        failed = told_of
            .as_ref()
            .map_or(failed, |it| it.dialling.failed.max(failed));
        failed > 0 && told_of.is_none()
    });
    assert!((1..=2).contains(&failed), "{failed}");
    let configured = known(&server, "Y").unwrap();
    assert!(
        configured.is_configured && !configured.dialling.given_up,
        "{configured:?}"
    );
    // It is heard of again as if it were for the first time.
    peer.say(&format!(
        r#"INFO {{"gateway":"Z","gateway_urls":["{}"],"gateway_cmd":1}}"#,
        nobody.address()
    ));
    eventually(|| known(&server, "Z").is_some());
}

/// One that is connected to this server is there: it is not given up.
#[test]
fn who_is_connected_is_tried_on() {
    let nobody = HeldPort::new();
    let server = gateway_by("a", "A", &[], |gateway| gateway.connect_retries = 0);
    let server = server.start();
    let mut peer = Peer::to(&server);
    peer.say(r#"CONNECT {"name":"NX","gateway":"X"}"#);
    peer.say(&crate::peer::info(
        "X",
        &format!(
            r#","gateway_urls":["{}"],"gateway_url":"{}""#,
            nobody.address(),
            nobody.address()
        ),
    ));
    await_gateways(&server, 0, 1);
    // Each time it is given up, it begins anew: more often than once an attempt is under way or failed.
    let mut attempts = 0;
    let mut before = None;
    eventually(|| {
        let now = known(&server, "X").map(|it| it.dialling.failed);
        attempts += usize::from(now != before);
        before = now;
        attempts > 3
    });
    drop(peer);
    eventually(|| known(&server, "X").is_none());
}

#[test]
fn the_wait_grows_where_that_is_said() {
    let nobody = HeldPort::new();
    for (grows, least) in [(true, 1.5), (false, 0.0)] {
        let server = gateway_by("a", "A", &[("Y", nobody.address().port())], |gateway| {
            gateway.connect_backoff = grows;
        });
        let server = server.start();
        let mut wait = Duration::ZERO;
        eventually(|| {
            let dialling = known(&server, "Y").unwrap().dialling;
            wait = dialling.next_attempt_in.unwrap_or_default();
            dialling.failed == 2 && !wait.is_zero()
        });
        let most = if grows { 2.2 } else { 1.2 };
        assert!((least..=most).contains(&wait.as_secs_f64()), "{wait:?}");
    }
}

/// Others are told where a server is to be connected to, which may be elsewhere than where it listens.
#[test]
fn others_connect_where_they_are_told() {
    let held = HeldPort::new();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let relay = Relay::start(any, held.address(), Duration::ZERO);
    let advertised = relay.address();
    let b = gateway("b", "B", &[]).start();
    let a = gateway_by("a", "A", &[("B", port(&b))], |gateway| {
        gateway.listener.listen.port = held.fixed();
        gateway.listener.advertise = Some(advertised.to_string());
    });
    let a = a.start();
    let said = Peer::to(&a).info().to_owned();
    assert!(
        said.contains(&format!(r#""gateway_url":"{advertised}""#)),
        "{said}"
    );
    assert!(
        said.contains(&format!(r#""gateway_urls":["{advertised}"]"#)),
        "{said}"
    );
    // One that is connected to hears of it from the server itself, and others from that one.
    let c = gateway("c", "C", &[("B", port(&b))]).start();
    for server in [&b, &c] {
        await_gateways(server, 2, 2);
        let of_a = known(server, "A").unwrap();
        assert_eq!(
            (&*of_a.urls, of_a.dialling.connected),
            (&[advertised.to_string()][..], Some(advertised))
        );
    }
}

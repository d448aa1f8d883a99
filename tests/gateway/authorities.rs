//! Clusters are connected only if the authority of a certificate has nothing against it, where that has to be known.

use crate::world::{await_gateways, gateway_by, port};
use vagus_test_support::{PATIENCE, Responder, TestServer, eventually};
use vagus_tls::testing::{Authority, Issued, request};
use vagus_tls::{OcspPeer, Settings};

fn shows(authority: &Authority, issued: &Issued, asks: bool) -> Settings {
    Settings {
        certificates: vec![issued.pair()],
        ca: Some(authority.ca()),
        verify: true,
        timeout: PATIENCE,
        ocsp_peer: asks.then(|| OcspPeer {
            verify: true,
            ca_timeout: PATIENCE,
            ..OcspPeer::default()
        }),
        ..Settings::default()
    }
}

/// Two clusters that are set so. What the second says of the first may be said of that alone.
fn two(of_a: &Settings, of_b: &Settings, of_remote: Option<&Settings>) -> (TestServer, TestServer) {
    let a = gateway_by("a", "A", &[], |gateway| gateway.listener.tls = Some(of_a.clone())).start();
    let b = gateway_by("b", "B", &[("A", port(&a))], |gateway| {
        gateway.listener.tls = Some(of_b.clone());
        gateway.remotes[0].tls = of_remote.cloned();
    });
    let b = b.start();
    (a, b)
}

#[test]
fn one_that_was_revoked_is_not_connected() {
    let (authority, responder) = (Authority::new("Gateways"), Responder::start());
    responder.speak_for(&authority);
    let wanted = request("server")
        .host("localhost")
        .ip("127.0.0.1")
        .responder(responder.url());
    let (good, bad) = (authority.issue(&wanted), authority.issue(&wanted));
    responder.approve(&good);
    responder.revoke(&bad);
    let of = |issued, asks| shows(&authority, issued, asks);
    let (a, b) = two(&of(&good, true), &of(&good, true), None);
    await_gateways(&a, 1, 1);
    await_gateways(&b, 1, 1);
    for (of_a, of_b, of_remote) in [
        // Who connects is asked about,
        (of(&good, true), of(&bad, false), None),
        // and who is connected to: by what holds for all, and for one.
        (of(&bad, false), of(&good, true), None),
        (of(&bad, false), of(&good, false), Some(of(&good, true))),
    ] {
        let (a, b) = two(&of_a, &of_b, of_remote.as_ref());
        let failed = |server: &TestServer| server.remote_clusters().unwrap()[0].dialling.failed;
        eventually(|| failed(&b) > 1);
        assert_eq!(b.gateways().0, 0);
        // One way it may be: that of who does not ask.
        assert_eq!(a.gateways().1, 0);
    }
}

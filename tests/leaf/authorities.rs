//! A server is linked to only if the authority of its certificate has nothing against it, where that has to be known.

use crate::world::{await_links, hub_by, leaf_by};
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

fn linked(of_hub: &Settings, of_leaf: &Settings) -> (TestServer, TestServer) {
    let hub = hub_by("hub", |listener| listener.settings.tls = Some(of_hub.clone())).start();
    let leaf = leaf_by("edge", &[hub.leafnode_address().unwrap()], |remote| {
        remote.tls = Some(of_leaf.clone());
    });
    let leaf = leaf.start();
    (hub, leaf)
}

#[test]
fn one_that_was_revoked_gets_no_link() {
    let (authority, responder) = (Authority::new("Links"), Responder::start());
    responder.speak_for(&authority);
    let wanted = request("server")
        .host("localhost")
        .ip("127.0.0.1")
        .responder(responder.url());
    let (good, bad) = (authority.issue(&wanted), authority.issue(&wanted));
    responder.approve(&good);
    responder.revoke(&bad);
    let of = |issued, asks| shows(&authority, issued, asks);
    let (hub, leaf) = linked(&of(&good, true), &of(&good, true));
    await_links(&hub, 1);
    await_links(&leaf, 1);
    for (of_hub, of_leaf) in [
        (of(&good, true), of(&bad, false)),
        (of(&bad, false), of(&good, true)),
    ] {
        let (hub, leaf) = linked(&of_hub, &of_leaf);
        eventually(|| leaf.hubs().unwrap()[0].dialling.as_ref().unwrap().failed > 0);
        assert_eq!((hub.links(), leaf.links()), (0, 0));
    }
}

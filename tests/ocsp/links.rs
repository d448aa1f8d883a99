//! Leaf nodes are told nothing of the state of their hub's certificate, as at nats-server: it is `ocsp_peer` that asks.

use crate::world::World;
use vagus_configs::{LeafListener, LeafRemote, Port, ServerUrl};
use vagus_test_support::{eventually, server};

/// Nobody is asked about it, though it demands that; so nobody has to answer.
#[test]
fn nobody_is_asked_about_the_certificate_of_a_hub() {
    let world = World::new("hub");
    let tls = world.shows(&world.revoked(&world.request().must_staple()));
    let mut listener = LeafListener::default();
    listener.settings.listen.host = "127.0.0.1".to_owned();
    listener.settings.listen.port = Port::Free;
    listener.settings.tls = Some(tls.clone());
    let hub = server()
        .set(|config| config.leafnodes.listener = Some(listener))
        .start();
    let url = format!("nats-leaf://{}", hub.leafnode_address().unwrap());
    let remote = LeafRemote {
        urls: vec![ServerUrl::parse(&url).unwrap()],
        tls: Some(tls),
        ..LeafRemote::default()
    };
    let leaf = server()
        .set(|config| config.leafnodes.remotes.push(remote))
        .start();
    eventually(|| leaf.links() == 1);
    assert_eq!(world.responder.asked(), 0);
}

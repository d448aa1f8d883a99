//! A server is linked to only if the authority of its certificate has nothing against it, where that has to be known.

use crate::world::World;
use vagus_configs::{LeafListener, LeafRemote, Port, ServerUrl};
use vagus_test_support::{TestServer, eventually, server};
use vagus_tls::Settings;

/// A hub, and a leaf node of it, that are set so.
fn linked(of_hub: Settings, of_leaf: Settings) -> (TestServer, TestServer) {
    let mut listener = LeafListener::default();
    listener.settings.listen.host = "127.0.0.1".to_owned();
    listener.settings.listen.port = Port::Free;
    listener.settings.tls = Some(of_hub);
    let hub = server().set(|config| config.leafnodes.listener = Some(listener));
    let hub = hub.start();
    let url = format!("nats-leaf://{}", hub.leafnode_address().unwrap());
    let remote = LeafRemote {
        urls: vec![ServerUrl::parse(&url).unwrap()],
        tls: Some(of_leaf),
        ..LeafRemote::default()
    };
    let leaf = server().set(|config| config.leafnodes.remotes.push(remote));
    let leaf = leaf.start();
    (hub, leaf)
}

#[test]
fn the_authority_is_asked_about_both_ends() {
    let world = World::new("link");
    let asks = || world.asks(&world.approved(&world.request()));
    let revoked = || world.shows(&world.revoked(&world.request()));
    let (hub, leaf) = linked(asks(), asks());
    eventually(|| (hub.links(), leaf.links()) == (1, 1));
    for (of_hub, of_leaf) in [(asks(), revoked()), (revoked(), asks())] {
        let (hub, leaf) = linked(of_hub, of_leaf);
        eventually(|| leaf.hubs().unwrap()[0].dialling.as_ref().unwrap().failed > 0);
        assert_eq!((hub.links(), leaf.links()), (0, 0));
    }
}

/// Leaf nodes are told nothing of the state of their hub's certificate, as at nats-server, though it demands that; so nobody
/// has to answer.
#[test]
fn nobody_is_asked_about_a_certificate_of_its_own() {
    let world = World::new("hub");
    let tls = world.shows(&world.revoked(&world.request().must_staple()));
    let (hub, leaf) = linked(tls.clone(), tls);
    eventually(|| (hub.links(), leaf.links()) == (1, 1));
    assert_eq!(world.responder.asked(), 0);
}

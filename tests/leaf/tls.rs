//! Links speak TLS where one of the two wants it: behind INFO, or first.

use crate::world::{OF_SERVERS, await_interest, await_links, hub_by, leaf_by};
use std::time::Duration;
use vagus_test_support::eventually;
use vagus_tls::testing::{Authority, request};
use vagus_tls::{HandshakeFirst, Settings};

fn of_hub(authority: &Authority, first: HandshakeFirst, verify: bool) -> Settings {
    let certificate = authority.issue(&request("hub").host("localhost").ip("127.0.0.1"));
    Settings {
        certificates: vec![certificate.pair()],
        ca: Some(authority.ca()),
        verify,
        handshake_first: first,
        ..Settings::default()
    }
}

fn of_leaf(authority: &Authority, first: HandshakeFirst) -> Settings {
    let certificate = authority.issue(&request("edge").host("localhost"));
    Settings {
        certificates: vec![certificate.pair()],
        ca: Some(authority.ca()),
        handshake_first: first,
        ..Settings::default()
    }
}

#[test]
fn links_are_secured_behind_info_or_first() {
    let authority = Authority::new("Links");
    let (off, on) = (HandshakeFirst::Off, HandshakeFirst::On);
    let auto = HandshakeFirst::Auto(Duration::from_millis(50));
    for (of_the_hub, of_the_leaf) in [(off, off), (on, on), (auto, on), (auto, off)] {
        let hub = hub_by("hub", |listener| {
            listener.settings.tls = Some(of_hub(&authority, of_the_hub, true));
        });
        let hub = hub.start();
        let leaf = leaf_by("edge", &[hub.leafnode_address().unwrap()], |remote| {
            remote.tls = Some(of_leaf(&authority, of_the_leaf));
        });
        let leaf = leaf.start();
        await_links(&hub, 1);
        await_links(&leaf, 1);
        let mut subscriber = leaf.connected();
        subscriber.subscribe("a", "1");
        await_interest(&hub, OF_SERVERS + 1);
        hub.connected().publish("a", &[b'.'; 100_000]);
        assert!(subscriber.message().payload == [b'.'; 100_000], "{of_the_hub:?}");
    }
}

/// Whose certificate is not good is told nothing, and tries again.
#[test]
fn who_is_not_trusted_gets_no_link() {
    let (authority, other) = (Authority::new("Links"), Authority::new("Others"));
    let hub = hub_by("hub", |listener| {
        listener.settings.tls = Some(of_hub(&authority, HandshakeFirst::Off, true));
    });
    let hub = hub.start();
    let address = hub.leafnode_address().unwrap();
    for settings in [of_leaf(&other, HandshakeFirst::Off), {
        // It knows the hub, and the hub does not know it.
        let mut settings = of_leaf(&other, HandshakeFirst::Off);
        settings.ca = Some(authority.ca());
        settings
    }] {
        let leaf = leaf_by("edge", &[address], |remote| remote.tls = Some(settings.clone())).start();
        eventually(|| {
            let hubs = leaf.hubs().unwrap();
            hubs[0].dialling.as_ref().unwrap().last_error.is_some()
        });
        assert_eq!((leaf.links(), hub.links()), (0, 0));
    }
}
